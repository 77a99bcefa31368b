{ lib, ... }:
let
  inherit (lib) mkOption types;
  of = type: default: mkOption { inherit type default; };
  lists = type: of (types.listOf type) [ ];
  portRange = types.submodule { options = lib.genAttrs [ "from" "to" ] (_: mkOption { type = types.port; }); };
  firewall = {
    allowedTCPPorts = lists types.port;
    allowedUDPPorts = lists types.port;
    allowedTCPPortRanges = lists portRange;
    allowedUDPPortRanges = lists portRange;
  };
in
{
  options = {
    assertions = lists types.raw;
    warnings = lists types.str;
    boot.isContainer = of types.bool false;
    boot.kernel.sysctl = of types.attrs { };
    boot.kernelModules = lists types.str;
    environment.systemPackages = lists types.package;
    fileSystems = of (types.attrsOf (types.submodule ({ name, ... }: { options.mountPoint = of types.str name; }))) { };
    nixpkgs.hostPlatform = mkOption { };
    nixpkgs.pkgs = mkOption { };
    security.lockKernelModules = of types.bool false;
    services.miniupnpd.enable = of types.bool false;
    services.miniupnpd.natpmp = of types.bool false;
    services.miniupnpd.upnp = of types.bool true;
    specialisation = of types.attrs { };
    system.checks = lists types.package;
    system.stateVersion = of types.str "25.05";
    users.groups = of (types.attrsOf types.anything) { };
    virtualisation.vlans = lists types.int;
    virtualisation.docker.enable = of types.bool false;

    networking = {
      bridges = of types.attrs { };
      enableIPv6 = of types.bool true;
      firewall = firewall // {
        enable = of types.bool true;
        filterForward = of types.bool false;
        extraCommands = of types.lines "";
        extraForwardRules = of types.lines "";
        extraInputRules = of types.lines "";
        interfaces = of (types.attrsOf (types.submodule { options = firewall; })) { };
        trustedInterfaces = lists types.str;
      };
      interfaces = of (types.attrsOf (types.submodule {
        options.ipv4.addresses = lists (types.submodule {
          options = { address = mkOption { type = types.str; }; prefixLength = mkOption { type = types.int; }; };
        });
      })) { };
      nat = {
        enable = of types.bool false;
        externalIP = of (types.nullOr types.str) null;
        externalInterface = of (types.nullOr types.str) null;
        internalInterfaces = lists types.str;
        forwardPorts = lists (types.submodule {
          options = {
            sourcePort = mkOption { type = types.either types.int types.str; };
            destination = mkOption { type = types.str; };
          };
        });
      };
      useNetworkd = of types.bool false;
      wireguard.interfaces = of (types.attrsOf (types.submodule { options = { ips = lists types.str; privateKeyFile = of types.str ""; }; })) { };
      wg-quick.interfaces = of (types.attrsOf (types.submodule { options = { address = lists types.str; privateKeyFile = of types.str ""; }; })) { };
      nftables = {
        enable = of types.bool false;
        ruleset = of types.lines "";
        tables = of (types.attrsOf (types.submodule {
          options = { family = mkOption { type = types.str; }; content = mkOption { type = types.lines; }; };
        })) { };
      };
    };
  };
}
