# systemd.services and its like, and systemd.units with the text that is written to disk.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  settings = mkOption { type = types.attrs; default = { }; };
  unit = extra: mkOption {
    default = { };
    type = types.attrsOf (types.submodule {
      options = { unitConfig = settings; wantedBy = mkOption { type = types.listOf types.str; default = [ ]; }; } // extra;
    });
  };

  show = value: if value == true then "true" else if value == false then "false" else toString value;
  section = name: set: lib.concatStrings ([ "[${name}]\n" ] ++ lib.concatLists (lib.mapAttrsToList (key: value:
    map (one: "${key}=${show one}\n") (if lib.isList value then value else [ value ])) set));
  # NixOS gives every service a few programs, whatever its path.
  path = packages: { Environment = "\"PATH=${lib.makeBinPath (packages ++ [ pkgs.coreutils pkgs.findutils pkgs.gnugrep pkgs.gnused pkgs.systemd ])}\""; };

  # What the program behind `nixos-rebuild switch` reads.
  switch = one: lib.optionalAttrs (!one.restartIfChanged) { X-RestartIfChanged = false; } // lib.optionalAttrs (!one.stopIfChanged) { X-StopIfChanged = false; };

  render = suffix: text: set: lib.mapAttrs' (name: one: lib.nameValuePair "${name}.${suffix}" {
    text = section "Unit" one.unitConfig + text one;
    inherit (one) wantedBy;
  }) set;
in
{
  options.systemd = {
    services = unit {
      serviceConfig = settings;
      path = mkOption { type = types.listOf types.package; default = [ ]; };
      restartTriggers = mkOption { type = types.listOf types.str; default = [ ]; };
      restartIfChanged = mkOption { type = types.bool; default = true; };
      stopIfChanged = mkOption { type = types.bool; default = true; };
    };
    sockets = unit { socketConfig = settings; };
    targets = unit { };
    timers = unit { timerConfig = settings; };
    paths = unit { pathConfig = settings; };
    mounts = mkOption { type = types.listOf types.attrs; default = [ ]; };
    tmpfiles.rules = mkOption { type = types.listOf types.str; default = [ ]; };
    network.enable = mkOption { type = types.bool; default = false; };
    network.networks = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = {
          enable = mkOption { type = types.bool; default = true; };
          matchConfig = settings;
          networkConfig = settings;
          address = mkOption { type = types.listOf types.str; default = [ ]; };
          addresses = mkOption { type = types.listOf types.attrs; default = [ ]; };
        };
      });
    };
    packages = mkOption { type = types.listOf types.package; default = [ ]; };
    units = mkOption { type = types.attrs; };
  };
  config.systemd.units =
    render "service" (one: lib.concatMapStringsSep "" (trigger: "X-Restart-Triggers=${trigger}\n") one.restartTriggers + section "Service" (path one.path // switch one // one.serviceConfig)) config.systemd.services
    // render "socket" (one: section "Socket" one.socketConfig) config.systemd.sockets
    // render "timer" (one: section "Timer" one.timerConfig) config.systemd.timers
    // render "path" (one: section "Path" one.pathConfig) config.systemd.paths
    // render "target" (_: "") config.systemd.targets;
}
