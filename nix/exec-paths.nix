# What the daemons may execute of the store: their own program, node, and libraries. The units forbid everything else
# (NoExecPaths=/), so a shell or nft cannot be started, wherever they are.
#
# Drop-ins, because what a package needs at run time is known when it has been built, and not before. Of every path only
# lib/, and bin/ only of the daemon and of node: node refers to more than it needs, among it packages with programs.
{
  lib,
  pkgs,
  package,
  # What the machine has every program load: NixOS' environment.memoryAllocator.
  preloaded ? [ ],
}:
let
  frontend = lib.getOutput "frontend" package;
  helper = lib.getOutput "helper" package;
in
pkgs.runCommand "natpmp-server-exec-paths"
  {
    inherit frontend helper;
    frontendClosure = pkgs.closureInfo { rootPaths = [ frontend ] ++ preloaded; };
    helperClosure = pkgs.closureInfo { rootPaths = [ helper ] ++ preloaded; };
  }
  ''
    drop_in() {
      folder=$out/lib/systemd/system/$1.d
      mkdir -p "$folder"
      {
        echo '[Service]'
        echo "ExecPaths=$2/bin"
        while read -r path; do
          if [ -e "$path/bin/node" ]; then echo "ExecPaths=$path/bin/node"; fi
          if [ -d "$path/lib" ]; then echo "ExecPaths=$path/lib"; fi
        done <"$3/store-paths"
      } >"$folder/exec-paths.conf"
    }
    # For the instances of all LANs.
    drop_in natpmp-frontend@.service "$frontend" "$frontendClosure"
    drop_in natpmp-helper.service "$helper" "$helperClosure"
  ''
