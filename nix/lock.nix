# The lock file with the URL of each package. npm omitted the URLs (they would name one mirror); Nix fetches each package from
# the public registry and checks the lock file's integrity hash. Optional packages for other platforms are left out: Nix would
# fetch them, and compilers for AIX, the BSDs and Windows are larger than everything else together.
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
  # npm's rule: no excluded value, and one of the others, if there are any.
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
  # No entry may name an omitted package, or npm would ask the registry for it.
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
