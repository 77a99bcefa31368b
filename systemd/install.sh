#!/bin/sh
# Installs the gateway under systemd, and starts it:
#
#   sh systemd/install.sh --external-interface NAME --listen-interface NAME [--listen-interface NAME]... [--metrics-port PORT|off] [--pinholes yes|no] [--upnp yes|no] [--jit yes|no]
#
# --metrics-port: serve metrics (docs/monitoring.md) on 127.0.0.1: the first LAN on this port, each further LAN on the next.
# --pinholes yes: IPv6 pinholes by PCP (docs/pcp.md). --upnp yes: UPnP, too (docs/upnp.md), its metrics on ports 100 higher.
# --jit yes: for large networks, faster and less hardened daemons (docs/systemd.md).
# Of these four, what is not given stays as it is. A LAN that is not named any more is no longer served.
# Run it again after an update.
# It never overwrites gateway.env and gateway.conf. docs/systemd.md has the same steps by hand.
#
#   sh systemd/install.sh --remove
#
# closes every mapped port and removes all that was installed, with settings and leases, and nothing of others.
set -eu
# What is written here must not be writable for others.
umask 022
src=$(cd "$(dirname "$0")/.." && pwd)
home=/usr/local/lib/natpmp-server
units=/etc/systemd/system
etc=/etc/natpmp-server

fail() {
  echo "install.sh: $2" >&2
  exit "$1"
}

# What natpmp-ruleset has loaded since the boot, as "TABLE CHAIN".
record=/run/private/natpmp-ruleset/installed

# Deletes what natpmp-table.service has not deleted, because it had failed, or was not there. That systemctl stop has ended
# with 0 does not tell.
close_ports() {
  [ -e "$record" ] || [ -e "$units/natpmp-ruleset.service" ] || return 0
  command -v nft >/dev/null || fail 72 'nft is not installed, which deletes the ruleset: nothing was removed'
  listing=$(nft --terse list ruleset 2>&1) || fail 69 "nft does not list the ruleset, so nothing was removed: $listing"
  case $listing in *'comment "natpmp-server'*) ;; *) return 0 ;; esac
  installer=$src/dist/cli/install-ruleset.js
  [ -e "$installer" ] || installer=$home/dist/cli/install-ruleset.js
  # shellcheck disable=SC2046 # a list of flags
  NATPMP_INSTALLED=$(cat "$record" 2>/dev/null) /usr/bin/node "$installer" --remove "--config=-$etc/gateway.conf" \
    $(sed -n 's/^NATPMP_TABLE=//p' "$etc/gateway.env" 2>/dev/null) ||
    fail 69 'the ruleset is not deleted, so mapped ports may be open: nothing was removed; when that is mended, run this again'
}

# Deletes files and folders. Those that stay are in $left; a mount point is emptied, which is no failure.
delete() {
  problem=$(rm -rf -- "$@" 2>&1) || true
  left=''
  for path in "$@"; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    if [ -d "$path" ] && [ -z "$(ls -A "$path")" ] && mountpoint -q "$path"; then
      echo "$path is a mount point: it is empty, and stays"
    else
      left="$left $path"
    fi
  done
}

# As docs/systemd.md says: first the ruleset, because what closes the ports is removed next. Of the rest there may be a half,
# or what another release has installed.
remove() {
  [ "$(id -u)" -eq 0 ] || fail 77 'run as root'
  for unit in natpmp-table.service natpmp-server.target; do
    # Another one cannot be stopped.
    [ "$(systemctl show --property=LoadState --value "$unit")" != loaded ] || systemctl stop "$unit"
  done
  # What the target of another release does not stop.
  systemctl stop 'natpmp-*'
  close_ports
  delete "$units"/natpmp-* "$units"/*.wants/natpmp-* /etc/sysusers.d/natpmp.conf
  systemctl daemon-reload
  # Else a unit that had failed would stay in systemd's list.
  systemctl reset-failed 'natpmp-*'
  [ -z "$left" ] || fail 74 "the gateway is stopped and all ports are closed, but nothing else is removed, because this cannot be deleted:$left ($problem)"
  for program in natpmpctl natpmp-client; do
    case $(readlink "/usr/local/bin/$program") in "$home"/*) rm "/usr/local/bin/$program" ;; esac
  done
  # By name: libnatpmp has files there, too, such as natpmpc.1.
  share=/usr/local/share
  for program in natpmpctl natpmp-client; do
    set -- "$@" "$share/bash-completion/completions/$program" "$share/zsh/site-functions/_$program" "$share/fish/vendor_completions.d/$program.fish"
  done
  for page in natpmp-client.1 natpmp-frontend.8 natpmp-helper.8 natpmp-server.8 natpmp-upnp.8 natpmpctl.8; do
    set -- "$@" "$share/man/man${page##*.}/$page"
  done
  delete "$@" "$etc" "$home" "$home.new" "$home.old" /var/lib/private/natpmp-server /var/lib/natpmp-server \
    /run/private/natpmp-ruleset /run/natpmp-ruleset /run/private/natpmp-ports /run/natpmp-ports /run/natpmp-reserved /run/natpmp
  if getent group natpmp >/dev/null && ! groupdel natpmp; then echo 'the group natpmp stays'; fi
  [ -z "$left" ] || fail 74 "cannot be deleted:$left ($problem); run this again when that is mended"
  echo 'removed'
}

# It becomes part of unit names, settings and shell words. Linux itself permits nearly every character.
check_name() {
  case $2 in
    '' | -* | . | .. | *[!A-Za-z0-9._@+-]* | ????????????????*)
      fail 2 "$1 '$2': give the name of an interface: up to 15 letters, digits and . _ @ + -" ;;
  esac
}

# ip(8) and sockets take an altname, the ruleset does not.
check_altname() {
  [ ! -e "/sys/class/net/$2" ] && ip link show dev "$2" >/dev/null 2>&1 || return 0
  fail 2 "$1 $2 is another name (altname) of $(ip -o link show dev "$2" | sed 's/^[0-9]*: \([^:@]*\).*$/\1/'): give that"
}

# Whether UPnP is installed: its sockets have settings.
has_upnp() {
  for lan in "$units"/natpmp-upnp@*.socket.d/lan.conf; do [ ! -e "$lan" ] || return 0; done
  return 1
}

# Devices use the first UPnP gateway that answers, and know no second. It may start and stop by other means than systemd.
check_other_gateway() {
  for process in /proc/[0-9]*; do
    { read -r name <"$process/comm"; } 2>/dev/null || continue
    case $name in
      miniupnpd | upnpd)
        [ "$(readlink "$process/ns/net")" != "$(readlink /proc/self/ns/net)" ] ||
          fail 69 "--upnp yes: $name runs, another UPnP gateway: stop it for good (systemctl disable --now $name), or say --upnp no; nothing was changed"
        ;;
    esac
  done
  ! systemctl is-enabled --quiet miniupnpd.service 2>/dev/null ||
    fail 69 '--upnp yes: miniupnpd, another UPnP gateway, starts at the next boot: systemctl disable miniupnpd, or say --upnp no; nothing was changed'
}

external='' listen='' metrics='' pinholes='' upnp='' jit=''
if [ "$*" = --remove ]; then
  remove
  exit 0
fi
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || fail 2 "$1: a name is missing"
  case $1 in
    --external-interface) check_name "$1" "$2" && external=$2 ;;
    --listen-interface) check_name "$1" "$2" && listen="$listen $2" ;;
    --metrics-port) metrics=$2 ;;
    --pinholes) pinholes=$2 ;;
    --upnp) upnp=$2 ;;
    --jit) jit=$2 ;;
    *) fail 2 "$1: unknown; see the first lines of this file" ;;
  esac
  shift 2
done
seen=' '
for interface in $listen; do
  [ "$interface" != "$external" ] || fail 2 "--listen-interface $interface: it is the external interface, too"
  case $seen in *" $interface "*) fail 2 "--listen-interface $interface: given twice" ;; esac
  seen="$seen$interface "
  # Its settings would be in a file of that name.
  case $interface in
    gateway | interfaces) fail 2 "--listen-interface $interface: $etc/$interface.env is another file: give the interface another name" ;;
  esac
done
[ -n "$external" ] || fail 2 '--external-interface is missing: name the interface with the external address'
[ -n "$listen" ] || fail 2 '--listen-interface is missing: name the interface of the LAN, such as br-lan'
case $metrics in
  '' | off) ;;
  *[!0-9]* | 0* | ??????*) fail 2 "--metrics-port $metrics: a port such as 9551, or off" ;;
esac
case $pinholes in
  yes | no) ;;
  '') ! grep -qs '^NATPMP_PINHOLES=--pinholes' "$etc/interfaces.env" || pinholes=yes ;;
  *) fail 2 "--pinholes $pinholes: yes or no" ;;
esac
case $upnp in
  yes | no) ;;
  '') ! has_upnp || upnp=yes ;;
  *) fail 2 "--upnp $upnp: yes or no" ;;
esac
# Of the last LAN; if it is not given, those that are kept are below.
check_last_port() {
  last=$1
  [ "$upnp" != yes ] || last=$((last + 100))
  [ "$last" -le 65535 ] || fail 2 "--metrics-port $2: the last port would be $last, and there are 65535: name a lower one, or off"
}
case $metrics in
  '' | off) ;;
  *)
    last=$((metrics - 1))
    for interface in $listen; do
      last=$((last + 1))
      [ "$upnp" != yes ] || [ "$last" -ne 2869 ] && [ "$((last + 100))" -ne 2869 ] ||
        fail 2 "--metrics-port $metrics: port 2869 would be one of metrics, and UPnP needs it: name another one, or off"
    done
    check_last_port "$last" "$metrics"
    ;;
esac
case $jit in
  yes | no) ;;
  '') [ ! -e "$units/natpmp-helper.service.d/jit.conf" ] || jit=yes ;;
  *) fail 2 "--jit $jit: yes or no" ;;
esac
[ "$(id -u)" -eq 0 ] || fail 77 'run as root'
for program in nft ip systemctl systemd-sysusers systemd-escape; do
  command -v "$program" >/dev/null || fail 72 "$program is not installed"
done
# The units name it; another place is a drop-in (docs/systemd.md).
node=/usr/bin/node
[ -x "$node" ] || fail 72 "$node is not installed: Node.js 20.15 or newer"
# The sandbox has nothing of these folders, wherever a link to them is.
case $(readlink -f "$node") in
  /home/* | /root/* | /opt/* | /srv/* | /mnt/* | /media/* | /tmp/* | /var/tmp/* | /dev/shm/* | /run/*)
    fail 72 "$node is a link to $(readlink -f "$node"), which the sandbox of the units hides: install Node.js below /usr (a copy of that program as $node is enough); nothing was changed" ;;
esac
# Older ones ignore lines of the sandbox.
systemd=$(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')
[ "$systemd" -ge 252 ] || fail 72 "systemd $systemd is too old: the units need RestrictNetworkInterfaces= (250) and other lines of the sandbox, and are tested from 252 on; nothing was changed"
[ "$upnp" != yes ] || check_other_gateway
[ -e "$src/dist/helper/main.js" ] || fail 72 "$src is not built: npm ci --ignore-scripts && npm run build"
problem=$(sh "$src/scripts/check-node.sh" "$node") || fail 72 "$problem; nothing was changed"

addresses() {
  ip -4 -o addr show dev "$1" scope global 2>/dev/null | awk '{ print $4 }'
}

# Before any change: each program must take what its unit starts it with: node's flags, the addons, and the settings that are
# there, or will be.
setting() {
  [ -e "$etc/gateway.env" ] || set -- "$1" "$src/systemd/gateway.env"
  # Of several the last, as systemd has it, which also takes off quotes.
  sed -n "s/^[[:space:]]*$1=//p" "${2:-$etc/gateway.env}" | tail -n 1 | sed 's/^\(["'\'']\)\(.*\)\1[[:space:]]*$/\2/'
}
conf=$etc/gateway.conf
[ -e "$conf" ] || conf=$src/systemd/gateway.conf
# ExecStart= of a unit behind node, with the files of this clone, and $2 as the first flag of the program. $interface is the LAN.
command_of() {
  for word in $(sed -n '/^ExecStart=/{ :line; /\\$/{ N; b line; }; s/\\\n/ /g; s/^ExecStart=//; p; q; }' "$src/systemd/$1"); do
    case $word in
      /usr/local/lib/natpmp-server/dist/*) printf '%s\n' "$src/${word#/usr/local/lib/natpmp-server/}" "$2" ;;
      /usr/local/lib/natpmp-server/* | /usr/bin/node) ;;
      /etc/natpmp-server/gateway.conf) echo "$conf" ;;
      %b) echo check ;;
      '$NATPMP_EXTERNAL') printf '%s\n' --external-interface "$external" ;;
      '$NATPMP_LAN') printf '%s\n' --listen-interface "$interface" ;;
      '$NATPMP_LANS') for lan in $listen; do printf '%s\n' --listen-interface "$lan"; done ;;
      '$NATPMP_PINHOLES') [ "$pinholes" != yes ] || echo --pinholes ;;
      # shellcheck disable=SC2046
      '$NATPMP_'*) printf '%s\n' $(setting "${word#?}") ;;
      *) printf '%s\n' "$word" ;;
    esac
  done
}
flags_of() {
  sed -n 's,^ExecStart=.*/usr/bin/node\( [-][^\\]*\)\\\{0\,1\}$,\1,p' "$src/systemd/$1" | head -1
}
# shellcheck disable=SC2046 # a list of flags
runs() {
  unit=$1
  shift
  problem=$("$node" $(flags_of "$unit") "$@" 2>&1 >/dev/null) ||
    fail 72 "Node $("$node" --version) ($node) does not run what $unit starts, so nothing was changed: $(printf '%s\n' "$problem" | grep -v '^Warning: ' | grep -m 1 -E 'rror|bad option' || echo "$problem")"
}
# A unit, a flag with which its program only checks, and a command that is right: if node runs that, the settings are wrong.
# shellcheck disable=SC2046 # lists of words
try() {
  unit=$1 check=$2
  shift 2
  said=$(NATPMP_FRONTEND=$(setting NATPMP_FRONTEND) "$node" $(command_of "$unit" "$check") 2>&1 >/dev/null) || {
    runs "$unit" "$@"
    fail 2 "$unit would not start with $etc/gateway.conf and $etc/gateway.env, so nothing was changed: $(printf '%s\n' "$said" | grep -v '^Warning: ' | sed 's/^[a-z-]*: //; s/^error: //' | head -n 1)"
  }
}
set -f
interface=${listen##* }
try natpmp-helper.service --check "$src/dist/helper/main.js" --check --lan 192.168.1.1/24 --boot-id check
runs natpmp-helper.service "$src/dist/helper/daemon.js"
try natpmp-frontend@.service --check "$src/dist/frontend/main.js" --check --lan 192.168.1.1/24 --external-interface wan0
[ "$upnp" != yes ] || try natpmp-upnp@.service --check "$src/dist/upnp/main.js" --check --external-interface wan0 --listen-interface br-lan
try natpmp-ruleset.service --print "$src/dist/cli/install-ruleset.js" --print --external-interface wan0 --listen-interface br-lan
# nft has to know every word of it, and the kernel to have it: where nothing else is. What knows no IPsec gets it without.
if unshare --net true 2>/dev/null; then
  # shellcheck disable=SC2046
  problem=$(NATPMP_FRONTEND=$(setting NATPMP_FRONTEND) "$node" $(command_of natpmp-ruleset.service --print) 2>/dev/null |
    sed 's/ rt ipsec missing//' | unshare --net nft --check --file - 2>&1) ||
    fail 72 "$(nft --version), or Linux $(uname -r), does not take the ruleset, so nothing was changed: $(printf '%s\n' "$problem" | head -n 1)"
fi
if [ "$upnp" = yes ] && ! grep -qsxE '[0-9a-f]{32}' /etc/machine-id; then
  case " $(setting NATPMP_UPNP)" in
    *' --device-id'*) ;;
    *) fail 72 '--upnp yes: /etc/machine-id is empty, and natpmp-upnp derives from it what clients know this router by: run systemd-machine-id-setup, or give --device-id in gateway.env; nothing was changed' ;;
  esac
fi
set +f

check_altname --external-interface "$external"
for interface in $listen; do
  # An address may come later.
  ip link show dev "$interface" >/dev/null 2>&1 || fail 66 "--listen-interface $interface: no such interface"
  check_altname --listen-interface "$interface"
done

# Not given: each LAN keeps the port that it has.
if [ -z "$metrics" ]; then
  for interface in $listen; do
    port=$(sed -n 's/^ListenStream=.*:\([0-9]*\)$/\1/p' "$units/natpmp-metrics@$(systemd-escape -- "$interface").socket.d/port.conf" 2>/dev/null) || continue
    [ -z "$port" ] || check_last_port "$port" "$port, which is set for $interface"
  done
fi

# --- the program: compiled code without tests, and its runtime packages
# What is half there goes, as where the disk is full; what was there stays.
trap 'rm -rf "$home.new"; [ -e "$home" ] || [ ! -e "$home.old" ] || mv "$home.old" "$home"' EXIT
trap 'exit 1' HUP INT TERM
rm -rf "$home.new"
mkdir -p "$home.new/dist"
for part in caller cli config frontend helper process proto upnp; do cp -R "$src/dist/$part" "$home.new/dist/"; done
cp "$src/package.json" "$src/systemd/natpmp-ruleset" "$src/systemd/natpmp-own-ports" "$home.new/"
# Of the addons in a package those for Linux and this machine.
(cd "$src" && "$node" -e 'const addon = new RegExp(`/(linux/${process.arch}/node/(glibc|musl)-[^/]+|(linux|musl)_${process.arch})/[^/]+$`);
  for (const [path, { dev }] of Object.entries(JSON.parse(fs.readFileSync("package-lock.json")).packages))
    if (path !== "" && !dev && fs.existsSync(path))
      fs.cpSync(path, `${process.argv[1]}/${path}`, { recursive: true, filter: (file) => !file.endsWith(".node") || addon.test(file) });
' "$home.new")
chmod -R u=rwX,go=rX "$home.new"
rm -rf "$home.old"
[ ! -e "$home" ] || mv "$home" "$home.old"
mv "$home.new" "$home"
rm -rf "$home.old"
share=/usr/local/share
for program in natpmpctl natpmp-client; do
  ln -sf "$home/dist/cli/$program.js" "/usr/local/bin/$program"
  install -D -m 644 "$src/completions/$program.bash" "$share/bash-completion/completions/$program"
  install -D -m 644 "$src/completions/$program.zsh" "$share/zsh/site-functions/_$program"
  install -D -m 644 "$src/completions/$program.fish" "$share/fish/vendor_completions.d/$program.fish"
done
for page in "$src"/man/*.[18]; do install -D -m 644 "$page" "$share/man/man${page##*.}/${page##*/}"; done

# --- units
mkdir -p /etc/sysusers.d "$units" "$etc"
install -m 644 "$src/systemd/natpmp.sysusers" /etc/sysusers.d/natpmp.conf
systemd-sysusers natpmp.conf
for unit in "$src"/systemd/*.service "$src"/systemd/*.socket "$src"/systemd/*.target "$src"/systemd/*.timer "$src"/systemd/*.path; do
  install -m 644 "$unit" "$units/"
done
# systemd 252 (Debian 12) cannot pass the notify socket: no watchdog there.
if [ "$systemd" -lt 253 ]; then
  for service in natpmp-helper.service natpmp-frontend@.service natpmp-upnp@.service; do
    mkdir -p "$units/$service.d"
    printf '[Service]\nType=exec\nWatchdogSec=0\n' >"$units/$service.d/systemd-252.conf"
  done
fi
# The ExecStart= of each unit is taken from the unit, also after an update: only the flags differ that natpmp-server --jit leaves
# out, too.
without=$("$node" -p 'const { withoutJit, small } = JSON.parse(fs.readFileSync(process.argv[1])); [...withoutJit, ...small].join("|")' \
  "$src/dist/cli/server/node-flags.json")
for service in natpmp-helper.service natpmp-frontend@.service natpmp-upnp@.service; do
  if [ "$jit" = yes ]; then
    mkdir -p "$units/$service.d"
    {
      printf '# Written by install.sh --jit yes.\n[Service]\nExecStart=\n'
      # With the lines that continue it.
      sed -n '/^ExecStart=/{ :line; p; /\\$/!q; n; b line; }' "$units/$service" | sed -E ":flag; s/ ($without)( |\$)/\\2/; t flag"
      echo 'MemoryDenyWriteExecute=no'
    } >"$units/$service.d/jit.conf"
  elif [ -e "$units/$service.d/jit.conf" ]; then
    rm "$units/$service.d/jit.conf"
    rmdir --ignore-fail-on-non-empty "$units/$service.d"
  fi
done

# --- settings
# UPnP on one LAN: $interface, $instance, $user, and $drop, where the metrics of the frontend have their port.
install_upnp() {
  for socket in ssdp upnp; do
    mkdir -p "$units/natpmp-$socket@$instance.socket.d"
    {
      printf '[Socket]\nBindToDevice=%s\nRestrictNetworkInterfaces=%s\n' "$interface" "$interface"
      for address in $(addresses "$interface"); do printf 'IPAddressAllow=%s\n' "$address"; done
    } >"$units/natpmp-$socket@$instance.socket.d/lan.conf"
    sockets="$sockets natpmp-$socket@$instance.socket"
  done
  mkdir -p "$units/natpmp-upnp@$instance.service.d"
  printf '[Service]\nUser=upnp-%s\n' "$user" >"$units/natpmp-upnp@$instance.service.d/user.conf"
  if [ -e "$drop/port.conf" ]; then
    port=$(sed -n 's/^ListenStream=.*:\([0-9]*\)$/\1/p' "$drop/port.conf")
    port=$((port + 100))
    mkdir -p "$units/natpmp-upnp-metrics@$instance.socket.d"
    printf '[Socket]\nListenStream=127.0.0.1:%s\n' "$port" >"$units/natpmp-upnp-metrics@$instance.socket.d/port.conf"
    echo "metrics of UPnP on $interface: http://127.0.0.1:$port/metrics"
    sockets="$sockets natpmp-upnp-metrics@$instance.socket"
  else
    systemctl disable --quiet --now "natpmp-upnp-metrics@$instance.socket" 2>/dev/null || true
    rm -rf "$units/natpmp-upnp-metrics@$instance.socket.d"
  fi
}

# A LAN that is no longer named, by its instance: nothing of it listens or runs any more, and no file of it is left.
end_lan() {
  ended=''
  for kind in frontend pcp route metrics metrics-frontend ssdp upnp upnp-route upnp-status upnp-metrics metrics-upnp; do
    ended="$ended natpmp-$kind@$1.socket natpmp-$kind@$1.service"
  done
  # Not all of them are there. What is started by a request meanwhile ends with its socket.
  # shellcheck disable=SC2086 # a list of names
  systemctl stop $ended 2>/dev/null || true
  for suffix in socket service; do
    rm -rf "$units"/*.wants/natpmp-*@"$1.$suffix" "$units"/natpmp-*@"$1.$suffix.wants" "$units"/natpmp-*@"$1.$suffix.d"
  done
  rmdir --ignore-fail-on-non-empty "$units/sys-subsystem-net-devices-$1.device.wants" 2>/dev/null || true
  interface=$(systemd-escape --unescape -- "$1")
  ! grep -qs '^NATPMP_LAN=' "$etc/$interface.env" || rm "$etc/$interface.env"
  echo "$interface is not named any more, so it is no longer served"
}

named=' '
for interface in $listen; do named="$named$(systemd-escape -- "$interface") "; done
for drop in "$units"/natpmp-frontend@?*.socket.d/lan.conf; do
  [ -e "$drop" ] || continue
  instance=${drop##*/natpmp-frontend@} instance=${instance%.socket.d/lan.conf}
  case $named in *" $instance "*) ;; *) end_lan "$instance" ;; esac
done

lans='' sockets=''
if [ "$upnp" = no ]; then
  # Of every LAN, also of those that are no longer named.
  for drop in "$units"/natpmp-upnp@?*.socket.d; do
    [ -e "$drop" ] || continue
    instance=${drop##*/natpmp-upnp@} instance=${instance%.socket.d}
    systemctl disable --quiet --now "natpmp-upnp-metrics@$instance.socket" "natpmp-upnp@$instance.socket" "natpmp-ssdp@$instance.socket" 2>/dev/null || true
    rm -rf "$drop" "$units/natpmp-ssdp@$instance.socket.d" "$units/natpmp-upnp@$instance.service.d" "$units/natpmp-upnp-metrics@$instance.socket.d"
  done
fi
for interface in $listen; do
  instance=$(systemd-escape -- "$interface")
  drop="$units/natpmp-frontend@$instance.socket.d"
  mkdir -p "$drop"
  {
    printf '[Socket]\nBindToDevice=%s\n' "$interface"
    # Besides those of the unit, for a LAN with public addresses; systemd masks the host part.
    for address in $(addresses "$interface"); do printf 'IPAddressAllow=%s\n' "$address"; done
  } >"$drop/lan.conf"
  # systemd would use one user for all instances. Characters that a user name cannot have are replaced; such names, and those of
  # other units' users, get a checksum to be unique. A user name has at most 31 characters.
  user=$(printf %s "$interface" | tr -c 'A-Za-z0-9_-' _)
  case $interface in
    *[!A-Za-z0-9_-]* | frontend | helper | metrics | own-ports | reload | ruleset | table | upnp | upnp-metrics) user=$user-$(printf %s "$interface" | sha256sum | cut -c 1-8) ;;
  esac
  service="$units/natpmp-frontend@$instance.service.d"
  mkdir -p "$service"
  printf '[Service]\nUser=natpmp-%s\n' "$user" >"$service/user.conf"
  echo "NATPMP_LAN=--listen-interface $interface" >"$etc/$interface.env"
  lans="$lans --listen-interface $interface"
  for address in $(addresses "$interface"); do lans="$lans --lan $address"; done
  sockets="$sockets natpmp-frontend@$instance.socket"
  drop="$units/natpmp-pcp@$instance.socket.d"
  if [ "$pinholes" = yes ]; then
    mkdir -p "$drop"
    printf '[Socket]\nBindToDevice=%s\n' "$interface" >"$drop/lan.conf"
    # Before the frontend: one that runs is not given another socket.
    printf '[Unit]\nWants=natpmp-pcp@%%i.socket\nAfter=natpmp-pcp@%%i.socket\n' >"$service/pinholes.conf"
    sockets="$sockets natpmp-pcp@$instance.socket"
  else
    systemctl disable --quiet --now "natpmp-pcp@$instance.socket" 2>/dev/null || true
    rm -rf "$drop" "$service/pinholes.conf"
  fi
  # Not given: keep it.
  drop="$units/natpmp-metrics@$instance.socket.d"
  if [ "$metrics" = off ]; then
    systemctl disable --quiet --now "natpmp-metrics@$instance.socket" 2>/dev/null || true
    rm -rf "$drop"
  elif [ -n "$metrics" ]; then
    mkdir -p "$drop"
    printf '[Socket]\nListenStream=127.0.0.1:%s\n' "$metrics" >"$drop/port.conf"
    echo "metrics of $interface: http://127.0.0.1:$metrics/metrics"
    metrics=$((metrics + 1))
  fi
  [ ! -e "$drop/port.conf" ] || sockets="$sockets natpmp-metrics@$instance.socket"
  [ "$upnp" != yes ] || install_upnp
done
{
  echo '# Written by install.sh. Settings are in gateway.conf and gateway.env.'
  echo "NATPMP_EXTERNAL=--external-interface $external"
  echo "NATPMP_LANS=${lans# }"
  [ "$pinholes" != yes ] || echo 'NATPMP_PINHOLES=--pinholes'
} >"$etc/interfaces.env"
for file in gateway.env gateway.conf; do
  [ -e "$etc/$file" ] || install -m 644 "$src/systemd/$file" "$etc/$file"
done

systemctl daemon-reload
# shellcheck disable=SC2086 # a list of names
systemctl enable --quiet natpmp-server.target $sockets
systemctl restart natpmp-server.target
# The target only wants its sockets, so their failure is reported here.
for socket in $sockets; do
  systemctl start "$socket" 2>/dev/null ||
    fail 69 "$socket cannot listen: is its port in use (see: ss -lntup)? Stop what listens there, then run this again. More: systemctl status '$socket'"
done

# Until all have said that they are ready, and then are the same at a second look: what cannot run is started again and again.
daemons=natpmp-helper.service
for interface in $listen; do
  instance=$(systemd-escape -- "$interface")
  daemons="$daemons natpmp-frontend@$instance.service"
  [ "$upnp" != yes ] || daemons="$daemons natpmp-upnp@$instance.service"
done
pause=0.5 looks=180
# Without the notify socket systemd does not know when they are ready.
[ "$systemd" -ge 253 ] || pause=3 looks=30
before='' fewest='' waited=0
while :; do
  # shellcheck disable=SC2086 # a list of names
  now=$(systemctl show --property=Id,SubState,MainPID,NRestarts $daemons)
  restarts=$(printf '%s\n' "$now" | awk -F = '$1 == "NRestarts" { sum += $2 } END { print sum + 0 }')
  # The count of the run before may be there at the first look.
  [ -n "$fewest" ] && [ "$restarts" -ge "$fewest" ] || fewest=$restarts
  [ "$(printf '%s\n' "$now" | grep '^SubState=' | sort -u)" != SubState=running ] || [ "$now" != "$before" ] || break
  if [ $((restarts - fewest)) -ge 8 ] || [ "$waited" -ge "$looks" ]; then
    # That which was restarted most often, or else the first that does not run.
    unit=$(printf '%s\n\n' "$now" | awk -F = '{ value[$1] = $2 } $0 == "" { rank = value["NRestarts"] * 2 + (value["SubState"] != "running") + 1
      if (rank > most) { most = rank; worst = value["Id"] } } END { print worst }')
    fail 69 "$unit does not stay up (status $(systemctl show --property=ExecMainStatus --value "$unit")), so not everything is served: $(journalctl --quiet --boot --output=cat --lines=1 "_SYSTEMD_UNIT=$unit"). More: systemctl status '$unit'"
  fi
  before=$now waited=$((waited + 1))
  sleep "$pause"
done
[ "$pinholes" != yes ] || echo 'pinholes: the firewall has to accept what they let in, by one line: docs/pcp.md'
if [ "$upnp" = yes ]; then
  for interface in $listen; do
    # A drop-in may have given it another port.
    port=$(systemctl show --property=Listen --value "natpmp-upnp@$(systemd-escape -- "$interface").socket" | sed -n 's/^.*:\([0-9]*\) (Stream).*$/\1/p' | tail -1)
    echo "upnp: a firewall has to accept UDP port 1900 and TCP port $port from $interface, and from nowhere else"
  done
fi
[ "$jit" != yes ] || echo 'jit: the daemons run with a JIT compiler, so their memory may be writable and executable: docs/systemd.md'
"$node" "$home/dist/cli/natpmpctl.js" check-config "$etc/gateway.conf" 2>&1 | sed -n 's/^natpmpctl: warning: \(.* has no effect .*\)$/install.sh: warning: \1/p' >&2
echo "installed; see: systemctl status 'natpmp-*'"
