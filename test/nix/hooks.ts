// What nixpkgs' hooks do, as far as the package's install step uses them: so that it can be run without nixpkgs.

/** Lines of bash. $NODE is what the wrappers start. */
export const HOOKS = `
set -eu
runHook() { :; }
makeWrapper() {
  wrapped=$1 target=$2 flags= path=
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      --add-flags) flags="$flags $2"; shift 2 ;;
      --prefix) path=$4; shift 4 ;;
      *) exit 64 ;;
    esac
  done
  mkdir -p "\${target%/*}"
  printf '#!/bin/sh\\n# %s %s\\nexec %s %s "$@"\\n' "$wrapped" "$path" "$NODE" "$flags" >"$target"
  chmod +x "$target"
}
installManPage() { echo "man $1"; }
installShellCompletion() { echo "completion $4"; }
`;
