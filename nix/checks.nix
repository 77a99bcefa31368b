# What `nix flake check` builds: the package, what its parts may not reach, the module on a router, and the VM test.
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
        # Neither a boot loader nor disks: this is never booted.
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

  # A daemon may be taken over. What it can execute is its own program, node and libraries; what it refers to is no more than
  # that and what node brings along. (It can read the whole store, as every process of the machine can.)
  closure =
    let
      closureOf = rootPaths: pkgs.closureInfo { inherit rootPaths; };
    in
    pkgs.runCommand "natpmp-server-closure" {
      inherit (package) frontend helper modules;
      frontendClosure = closureOf [ package.frontend ];
      helperClosure = closureOf [ package.helper ];
      runtimeClosure = closureOf [
        pkgs.nodejs-slim
        (lib.getLib pkgs.stdenv.cc.cc)
        pkgs.stdenv.cc.libc
      ];
      execPaths = import ./exec-paths.nix { inherit lib package pkgs; };
    } (builtins.readFile ./check-closure.sh);

  # It names what the daemons said of their flags, so that has to be built before.
  module =
    assert lib.assertMsg (failed == [ ]) (lib.concatMapStringsSep "\n" (one: one.message) failed);
    pkgs.writeText "natpmp-server-units" (
      lib.concatMapStrings (one: "# ${one}\n") checked
      + lib.concatStrings (lib.mapAttrsToList (name: unit: "# ${name}\n${unit.text}\n") units)
    );

  vm = pkgs.testers.runNixOSTest (import ./vm-test.nix { inherit module; });
}
