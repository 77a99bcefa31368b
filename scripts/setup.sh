#!/bin/sh
# setup.sh run|test: prepare a fresh machine. Installs missing programs (as root, on Debian), fetches the npm packages, builds.
# Silent unless it does something. Without root: says what is missing and how to get it, and exits 72.
set -eu
cd "$(dirname "$0")/.."
mode=${1:-run}

# program, or file:Debian package:nixpkgs
needed='nft:nftables:nftables ip:iproute2:iproute2 setpriv:util-linux:util-linux unshare:util-linux:util-linux
nsenter:util-linux:util-linux mount:mount:util-linux'
case $mode in
  run) ;;
  test) needed="$needed natpmpc:natpmpc:libnatpmp conntrack:conntrack:conntrack-tools"
    # Creates the firewalls of Docker and ufw that doctor must judge.
    needed="$needed iptables-nft-restore:iptables:iptables"
    # nft prints tcp and udp as numbers without it.
    needed="$needed /etc/protocols:netbase:iana-etc"
    # Evaluates the flake and the NixOS module, without a network.
    needed="$needed nix-instantiate:nix-bin:nix"
    # Readers of the man pages and completions.
    needed="$needed mandoc:mandoc:mandoc zsh:zsh:zsh fish:fish:fish script:bsdutils:util-linux"
    # Opens the page of natpmpctl web.
    needed="$needed chromium:chromium:chromium"
    # Makes a Debian to boot the units in, and one with programs that ask for ports (test/support/debian-root.ts);
    # tools that check the units.
    needed="$needed mmdebstrap:mmdebstrap:mmdebstrap systemd-analyze:systemd:systemd" ;;
  *) echo "usage: setup.sh run|test" >&2; exit 2 ;;
esac

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

fail() {
  echo "natpmp-server: $1" >&2
  exit 72
}

# Node first: npm runs this, so there is one, but it may be too old.
problem=$(sh scripts/check-node.sh node) || fail "$problem. See https://nodejs.org; Nix: nix shell nixpkgs#nodejs_22"

# Columns: 1 programs, 2 Debian packages, 3 nixpkgs; only of missing programs.
missing() {
  for entry in $needed; do
    program=${entry%%:*}
    case $program in
      /*) test -e "$program" ;;
      *) command -v "$program" >/dev/null 2>&1 ;;
    esac || echo "$entry" | cut -d: -f"$1"
  done | sort -u | tr '\n' ' ' | sed 's/ $//'
}

packages=$(missing 2)
if [ -n "$packages" ]; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    fail "missing: $(missing 1). As root on Debian: apt-get install -y $packages. Nix: nix shell $(missing 3 | sed 's/[^ ]*/nixpkgs#&/g')"
  fi
  echo "installing Debian packages: $packages"
  install() {
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >"$1" 2>&1 </dev/null
  }
  log=$(mktemp)
  # A fresh machine has no package lists yet, or old ones.
  if ! install "$log"; then
    if ! { apt-get update -qq >"$log" 2>&1 && install "$log"; }; then
      cat "$log" >&2
      rm -f "$log"
      fail "apt-get could not install: $packages"
    fi
  fi
  rm -f "$log"
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'installing npm packages'
  # No install scripts: what is native here comes built.
  npm ci --include=dev --ignore-scripts --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi

# Other versions of Node, to start the gateway with. npm has them for this platform; elsewhere those tests are skipped, loudly.
nodes=test/nodes
if [ "$mode" = test ] && [ "$(uname -sm)" = 'Linux x86_64' ] &&
  { [ ! -e $nodes/node_modules/.package-lock.json ] || [ $nodes/package-lock.json -nt $nodes/node_modules/.package-lock.json ]; }; then
  echo 'installing other versions of Node, for the tests'
  npm ci --prefix $nodes --ignore-scripts --no-audit --no-fund --loglevel=error
  touch $nodes/node_modules/.package-lock.json
fi

# Packages that ask for ports by UPnP.
clients=test/interop/npm
if [ "$mode" = test ] &&
  { [ ! -e $clients/node_modules/.package-lock.json ] || [ $clients/package-lock.json -nt $clients/node_modules/.package-lock.json ]; }; then
  echo 'installing programs that ask for ports, for the tests'
  npm ci --prefix $clients --ignore-scripts --no-audit --no-fund --loglevel=error
  touch $clients/node_modules/.package-lock.json
fi

# tsc -b does nothing when nothing has changed.
[ -d dist ] || echo 'building'
npm run --silent build

# So that `npx natpmp-client` here means ours, without asking the registry.
for program in natpmp-server natpmp-client natpmpctl; do
  link=node_modules/.bin/$program
  [ -L "$link" ] || ln -s "../../dist/cli/$program.js" "$link"
done
