# Store paths that the daemons may execute: their own program, node, and libraries. The units forbid everything else
# (NoExecPaths=/), so no shell or nft can be started.
#
# Drop-ins, because a package's runtime closure is known only after it is built. Of every path only lib/, and bin/ only of the
# daemon and of node: node refers to more than it needs, including packages with programs.
{
  lib,
  pkgs,
  package,
  # A library that every program loads: NixOS' environment.memoryAllocator.
  preloaded ? [ ],
}:
let
  frontend = lib.getOutput "frontend" package;
  upnp = lib.getOutput "upnp" package;
  helper = lib.getOutput "helper" package;
in
pkgs.runCommand "natpmp-server-exec-paths"
  {
    inherit frontend helper upnp;
    frontendClosure = pkgs.closureInfo { rootPaths = [ frontend ] ++ preloaded; };
    upnpClosure = pkgs.closureInfo { rootPaths = [ upnp ] ++ preloaded; };
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
    drop_in natpmp-upnp@.service "$upnp" "$upnpClosure"
    drop_in natpmp-helper.service "$helper" "$helperClosure"
  ''
