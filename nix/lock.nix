# The lock file with the address of each package written out. npm left the addresses away (they would name one
# mirror); Nix fetches each from the public registry, and only what matches the lock file's integrity hash is used.
{ lib }:
lockFile:
let
  lock = lib.importJSON lockFile;
  address =
    path: entry:
    let
      # "node_modules/a/node_modules/@scope/b" is the package "@scope/b"; an alias names the package itself.
      name = entry.name or (lib.last (lib.splitString "node_modules/" path));
      file = lib.last (lib.splitString "/" name);
    in
    "https://registry.npmjs.org/${name}/-/${file}-${entry.version}.tgz";
  complete =
    path: entry:
    if path == "" || entry ? resolved then
      entry
    else
      assert lib.assertMsg (entry ? integrity) "package-lock.json: ${path} has no integrity hash";
      entry // { resolved = address path entry; };
in
lock // { packages = lib.mapAttrs complete lock.packages; }
