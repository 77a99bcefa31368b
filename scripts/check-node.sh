#!/bin/sh
# check-node.sh NODE: check the version of node ("engines" in package.json says the same). If it is unsuitable: one line that
# says so, and exit status 72.
set -eu
version=$("$1" --version) || version=unknown
IFS=. read -r major minor _ <<END
${version#v}
END
case $major$minor in '' | *[!0-9]*) major=0 minor=0 ;; esac
# zlib.crc32 came with 20.15 and 22.2.
if [ "$major" -lt 20 ] || { [ "$major" -eq 20 ] && [ "$minor" -lt 15 ]; }; then
  echo "Node $version ($1) is too old: 20.15 or newer is needed"
  exit 72
fi
if [ "$major" -eq 21 ] || { [ "$major" -eq 22 ] && [ "$minor" -lt 2 ]; }; then
  echo "Node $version ($1) lacks what 20.15 and 22.2 have: one of these or a newer one is needed"
  exit 72
fi
