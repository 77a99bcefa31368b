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

  # The frontend may be taken over: the helper's code and nft are not even on its disk.
  closure =
    pkgs.runCommand "natpmp-server-closure"
      {
        info = pkgs.closureInfo { rootPaths = [ package.frontend ]; };
      }
      ''
        if grep -E 'nftables|natpmp-server-[^/]*-helper$' $info/store-paths; then
          echo 'the closure of the frontend holds what is above' >&2
          exit 1
        fi
        for path in $(cat $info/store-paths); do
          if [ -e $path/lib/natpmp-server/dist/helper ]; then exit 1; fi
        done
        touch $out
      '';

  # It names what the daemons said of their flags, so that has to be built before.
  module =
    assert lib.assertMsg (failed == [ ]) (lib.concatMapStringsSep "\n" (one: one.message) failed);
    pkgs.writeText "natpmp-server-units" (
      lib.concatMapStrings (one: "# ${one}\n") checked
      + lib.concatStrings (lib.mapAttrsToList (name: unit: "# ${name}\n${unit.text}\n") units)
    );

  vm = pkgs.testers.runNixOSTest (import ./vm-test.nix { inherit module; });
}
