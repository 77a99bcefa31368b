# The lock file with the address of each package written out. npm left the addresses away (they would name one
# mirror); Nix fetches each from the public registry, and only what matches the lock file's integrity hash is used.
# Without the optional packages that npm would not install on this platform: Nix fetches each entry, and compilers for
# AIX, the BSDs and Windows are more than everything else together.
{ lib, platform }:
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

  # As npm names them. Only platforms that the package is built for.
  here = {
    os = "linux";
    cpu =
      {
        x86_64-linux = "x64";
        aarch64-linux = "arm64";
      }
      .${platform.system};
    libc = if platform.isMusl or false then "musl" else "glibc";
  };
  # npm's rule: nothing that is excluded, and one of the rest, if there is a rest.
  fits =
    accepted: value:
    let
      named = lib.filter (one: !lib.hasPrefix "!" one) accepted;
    in
    !lib.elem "!${value}" accepted && (named == [ ] || lib.elem value named);
  isInstalled =
    _: entry:
    !(entry.optional or false) || lib.all (key: fits (entry.${key} or [ ]) here.${key}) (lib.attrNames here);

  kept = lib.filterAttrs isInstalled lock.packages;
  # No entry may name what is left out, or npm would ask the registry for it.
  dropped = lib.filter (name: !lib.any (lib.hasSuffix "node_modules/${name}") (lib.attrNames kept));
  consistent =
    entry:
    entry
    // lib.optionalAttrs (entry ? optionalDependencies) {
      optionalDependencies = removeAttrs entry.optionalDependencies (
        dropped (lib.attrNames entry.optionalDependencies)
      );
    };
in
lock // { packages = lib.mapAttrs (path: entry: complete path (consistent entry)) kept; }
