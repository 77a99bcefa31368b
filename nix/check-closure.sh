# Run by checks.closure. Fails if a daemon's closure holds more than its own output, the npm packages that all load, and the
# closures of node and the C++ library; or if its unit could execute a program besides node and the daemon.
failed=
complain() {
  if [ -n "$2" ]; then
    printf '%s:\n%s\n' "$1" "$2" >&2
    failed=1
  fi
}

mkdir "$out"
for role in frontend upnp helper; do
  closure=${role}Closure
  sort "${!closure}/store-paths" >"$out/$role"
  printf '%s\n' "${!role}" "$modules" | sort -u - "$runtimeClosure/store-paths" >allowed
  complain "the closure of the $role holds more than it needs" "$(comm -13 allowed "$out/$role")"
  # Not even through node.
  complain "the closure of the $role holds what no daemon needs" \
    "$(grep -E -- '-(nodejs-[0-9][^/]*|nodejs-slim-[^/]*-(npm|corepack)|nftables-[^/]*|python[23]?-[^/]*|typescript[^/]*|[^/]*\.tgz)$' "$out/$role" || true)"

  sed -n 's/^ExecPaths=//p' "$execPaths"/lib/systemd/system/natpmp-"$role"*.d/*.conf >paths
  while read -r path; do
    find "$(readlink -f "$path")" -type f -perm -0100 ! -name '*.so' ! -name '*.so.*' ! -name '*.node'
  done <paths >"$out/$role-programs"
  complain "the $role could execute" "$(grep -Ev "/bin/(node|natpmp-$role(-jit)?)$" "$out/$role-programs" || true)"
  # Readable, not executable.
  while read -r path; do
    if [ -d "$path/bin" ]; then echo "$path"; fi
  done <"$out/$role" >"$out/$role-readable-programs"
done
if [ -n "$failed" ]; then exit 1; fi
