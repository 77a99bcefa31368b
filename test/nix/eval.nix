# What the tests ask of the module: one NixOS configuration, evaluated with the nixpkgs that is given.
#
#   nix-instantiate --eval --strict --json test/nix/eval.nix --argstr nixpkgs TREE --arg configuration '{ ... }'
#
# TREE is the stand-in in test/nix/stub, a nixpkgs checkout, or only its lib/ and nixos/ (then with the names of packages
# that are mentioned there, since there are no packages: see fake-pkgs.nix).
{
  nixpkgs ? toString ./stub,
  configuration ? { },
  packageNames ? "[]",
  nodeVersion ? "24.0.0",
}:
let
  tree = /. + nixpkgs;
  lib = import (tree + "/lib");
  isStub = builtins.pathExists (tree + "/pkgs.nix");
  isWhole = builtins.pathExists (tree + "/pkgs/top-level/impure.nix");
  system = "x86_64-linux";

  stubPkgs = import ./stub/pkgs.nix { inherit lib nodeVersion system; };
  basePkgs =
    if isStub then
      stubPkgs
    else if isWhole then
      import tree { inherit system; config = { }; overlays = [ ]; }
    else
      import ./fake-pkgs.nix { inherit lib system; names = builtins.fromJSON packageNames; };
  # The package as the stand-in makes it, so that paths are the same in each tree.
  overlay = { natpmp-server = stubPkgs.callPackage ../../nix/package.nix { }; };

  evaluated = import (tree + "/nixos/lib/eval-config.nix") (
    {
      inherit lib;
      modules = [
        ../../nix/module.nix
        configuration
        { services.natpmp-server.package = lib.mkDefault overlay.natpmp-server; }
      ]
      ++ lib.optionals (!isStub) [
        {
          boot.isContainer = true;
          documentation.enable = false;
          networking.useHostResolvConf = false;
          nixpkgs.pkgs = basePkgs;
          nixpkgs.hostPlatform = lib.mkDefault system;
          system.stateVersion = lib.mkDefault "25.05";
        }
      ];
    }
    // (if isStub then { pkgs = basePkgs; } else { system = null; })
  );
  inherit (evaluated) config options;

  ours = lib.filterAttrs (name: _: lib.hasPrefix "natpmp" name);
  text = value: if value ? _type then value.text else builtins.toJSON value;
in
{
  units = lib.mapAttrs (_: unit: { inherit (unit) text wantedBy; }) (ours config.systemd.units);
  failed = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
  warnings = lib.filter (lib.hasInfix "natpmp-server") config.warnings;
  tmpfiles = lib.filter (lib.hasInfix "/private ") config.systemd.tmpfiles.rules;
  lans = lib.mapAttrs (_: lan: lan.listenAddresses) config.services.natpmp-server.listenInterfaces;
  filterOutput = lib.mapAttrs (_: rules: rules.allowedUDPPorts) (config.networking.firewall.filterOutput.interfaces or { });
  filterOutputRules = config.networking.firewall.filterOutput.extraRules or "";
  firewall = lib.mapAttrs (_: rules: rules.allowedUDPPorts) config.networking.firewall.interfaces;
  firewallTcp = lib.mapAttrs (_: rules: rules.allowedTCPPorts) config.networking.firewall.interfaces;
  forwardRules = config.networking.firewall.extraForwardRules or "";
  nftables = lib.mapAttrs (_: table: table.content) config.networking.nftables.tables;
  groups = lib.attrNames (ours config.users.groups);
  kernelModules = config.boot.kernelModules;
  packages = map (one: one.name) (lib.filter (one: lib.hasPrefix "natpmp" (one.name or "")) config.environment.systemPackages);
  # Only the stand-in keeps the script of a derivation readable.
  check = lib.concatMapStringsSep "\n" (one: one.script or "") (lib.filter (one: one.name == "natpmp-server-checked") config.system.checks);
  execPaths = lib.concatMapStringsSep "\n" (one: one.script or "") (lib.filter (one: one.name == "natpmp-server-exec-paths") config.systemd.packages);

  options = map (one: {
    # The stand-in names them from here on, NixOS in full.
    name = "services.natpmp-server." + lib.removePrefix "services.natpmp-server." one.name;
    inherit (one) description;
    default = if one.default or null == null then null else text one.default;
    example = if one.example or null == null then null else text one.example;
    type = one.type;
  }) (lib.filter (one: !(one.internal or false)) (lib.optionAttrSetToDocList options.services.natpmp-server));

  package =
    let
      package = overlay.natpmp-server;
    in
    {
      inherit (package) name outputs meta;
      upnp = "${package.upnp}";
      inherit (package.arguments) installPhase buildPhase;
      source = "${package.arguments.src}";
      disallowed = map (one: one.name) package.arguments.disallowedReferences;
      lock = package.arguments.npmDeps.arguments.packageLock;
    };
}
