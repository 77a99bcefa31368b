# Built by `nix flake check`: the package, the limits of its closures, the module on a router, and the VM test.
{
  pkgs,
  lib,
  package,
  module,
  nixosSystem,
}:
let
  system = pkgs.stdenv.hostPlatform.system;

  router = nixosSystem {
    modules = [
      module
      ./example.nix
      {
        nixpkgs.hostPlatform = system;
        # No boot loader, no disks: this is never booted.
        boot.isContainer = true;
        system.stateVersion = "25.05";
      }
    ];
  };
  units = lib.filterAttrs (name: _: lib.hasPrefix "natpmp" name) router.config.systemd.units;
  checked = lib.filter (one: one.name or "" == "natpmp-server-checked") router.config.system.checks;
  failed = lib.filter (one: !one.assertion) router.config.assertions;
in
{
  inherit package;

  # A compromised daemon can execute only its own program, node and libraries, and refers only to those and node's closure. (It
  # can read the whole store, like every process of the machine.)
  closure =
    let
      closureOf = rootPaths: pkgs.closureInfo { inherit rootPaths; };
    in
    pkgs.runCommand "natpmp-server-closure" {
      inherit (package) frontend helper modules upnp;
      frontendClosure = closureOf [ package.frontend ];
      upnpClosure = closureOf [ package.upnp ];
      helperClosure = closureOf [ package.helper ];
      runtimeClosure = closureOf [
        pkgs.nodejs-slim
        (lib.getLib pkgs.stdenv.cc.cc)
        pkgs.stdenv.cc.libc
      ];
      execPaths = import ./exec-paths.nix { inherit lib package pkgs; };
    } (builtins.readFile ./check-closure.sh);

  # Depends on the daemons' check of their flags.
  module =
    assert lib.assertMsg (failed == [ ]) (lib.concatMapStringsSep "\n" (one: one.message) failed);
    pkgs.writeText "natpmp-server-units" (
      lib.concatMapStrings (one: "# ${one}\n") checked
      + lib.concatStrings (lib.mapAttrsToList (name: unit: "# ${name}\n${unit.text}\n") units)
    );

  vm = pkgs.testers.runNixOSTest (import ./vm-test.nix { inherit module; });
}
