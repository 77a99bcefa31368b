// Firewalls of iptables-nft, as Docker, ufw and NixOS make them; what ufw 0.36 makes, only in FORWARD.

import type { Firewall } from './firewalls.js';

const filter = (rules: readonly string[], forward: 'ACCEPT' | 'DROP' = 'DROP') =>
  ['*filter', ':INPUT ACCEPT [0:0]', `:FORWARD ${forward} [0:0]`, ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  );

const ACCEPT = '-m conntrack --ctstate DNAT -j ACCEPT';

const DOCKER = (user: readonly string[] = [], first: readonly string[] = []) =>
  filter([
    ':DOCKER - [0:0]',
    ':DOCKER-ISOLATION-STAGE-1 - [0:0]',
    ':DOCKER-ISOLATION-STAGE-2 - [0:0]',
    ':DOCKER-USER - [0:0]',
    ...first.map((rule) => `-A FORWARD ${rule}`),
    '-A FORWARD -j DOCKER-USER',
    '-A FORWARD -j DOCKER-ISOLATION-STAGE-1',
    '-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -o docker0 -j DOCKER',
    '-A FORWARD -i docker0 ! -o docker0 -j ACCEPT',
    '-A FORWARD -i docker0 -o docker0 -j ACCEPT',
    // Docker leaves a router's own forwarding as it was set up: here, what established connections need.
    '-A FORWARD -i br-lan -j ACCEPT',
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT',
    '-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2',
    '-A DOCKER-ISOLATION-STAGE-1 -j RETURN',
    '-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP',
    '-A DOCKER-ISOLATION-STAGE-2 -j RETURN',
    ...user.map((rule) => `-A DOCKER-USER ${rule}`),
    '-A DOCKER-USER -j RETURN',
  ]) +
  `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8088 -j DNAT --to-destination 172.17.0.2:80
COMMIT
`;

/** Docker 28 has moved its rules out of FORWARD, and guards direct access in raw. */
const DOCKER_28 = (user: readonly string[] = []) =>
  filter([
    ':DOCKER - [0:0]',
    ':DOCKER-BRIDGE - [0:0]',
    ':DOCKER-CT - [0:0]',
    ':DOCKER-FORWARD - [0:0]',
    ':DOCKER-USER - [0:0]',
    '-A FORWARD -j DOCKER-USER',
    '-A FORWARD -j DOCKER-FORWARD',
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A DOCKER ! -i docker0 -o docker0 -j DROP',
    '-A DOCKER-BRIDGE -o docker0 -j DOCKER',
    '-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A DOCKER-FORWARD -j DOCKER-CT',
    '-A DOCKER-FORWARD -j DOCKER-BRIDGE',
    '-A DOCKER-FORWARD -i docker0 -j ACCEPT',
    ...user.map((rule) => `-A DOCKER-USER ${rule}`),
  ]) +
  '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP\nCOMMIT\n';

const UFW = (before: readonly string[] = [], user: readonly string[] = []) =>
  filter([
    ...['before-logging', 'before', 'after', 'after-logging', 'reject', 'track', 'user'].map(
      (name) => `:ufw-${name}-forward - [0:0]`,
    ),
    ...['before-logging', 'before', 'after', 'after-logging', 'reject', 'track'].map(
      (name) => `-A FORWARD -j ufw-${name}-forward`,
    ),
    '-A ufw-after-logging-forward -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "',
    '-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    ...['3', '11', '12', '8'].map((type) => `-A ufw-before-forward -p icmp -m icmp --icmp-type ${type} -j ACCEPT`),
    ...before.map((rule) => `-A ufw-before-forward ${rule}`),
    '-A ufw-before-forward -j ufw-user-forward',
    ...user.map((rule) => `-A ufw-user-forward ${rule}`),
  ]);

/** networking.nftables.enable = false: the filter is for input, and the reverse path is looked at in mangle. */
const NIXOS = `${filter(
  [
    ':nixos-fw - [0:0]',
    ':nixos-fw-accept - [0:0]',
    ':nixos-fw-refuse - [0:0]',
    ':nixos-fw-log-refuse - [0:0]',
    '-A INPUT -j nixos-fw',
    '-A nixos-fw -i lo -j nixos-fw-accept',
    '-A nixos-fw -m conntrack --ctstate RELATED,ESTABLISHED -j nixos-fw-accept',
    '-A nixos-fw -i br-lan -p udp -m udp --dport 5351 -j nixos-fw-accept',
    '-A nixos-fw -j nixos-fw-log-refuse',
    '-A nixos-fw-accept -j ACCEPT',
    '-A nixos-fw-refuse -j DROP',
    '-A nixos-fw-log-refuse -m pkttype ! --pkt-type unicast -j nixos-fw-refuse',
    '-A nixos-fw-log-refuse -j nixos-fw-refuse',
  ],
  'ACCEPT',
)}*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:nixos-fw-rpfilter - [0:0]
-A PREROUTING -j nixos-fw-rpfilter
-A nixos-fw-rpfilter -m rpfilter --validmark -j RETURN
-A nixos-fw-rpfilter -p udp -m udp --sport 67 --dport 68 -j RETURN
-A nixos-fw-rpfilter -j DROP
COMMIT
`;

const drops = (name: string, rule: string, packets: Firewall['packets'], more: Partial<Firewall> = {}): Firewall => ({
  name,
  iptables: filter(['-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', `-A FORWARD ${rule}`]),
  packets,
  ...more,
});
const opens = (name: string, rule: string, packets: Firewall['packets'], more: Partial<Firewall> = {}): Firewall => ({
  name,
  iptables: filter(['-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', `-A FORWARD ${rule}`], 'ACCEPT'),
  packets,
  ...more,
});

const NFT_ROUTER = (accept: string) =>
  `table inet fw { chain forward { type filter hook forward priority filter; policy drop; ct state established,related accept; ${accept}; }; }`;

export const IPTABLES: readonly Firewall[] = [
  {
    name: 'Docker',
    iptables: DOCKER(),
    packets: 'none',
    says: /^chain FORWARD of table ip filter drops what mappings let in$/,
  },
  { name: 'Docker, accepted in DOCKER-USER', iptables: DOCKER([ACCEPT]), packets: 'both' },
  { name: 'Docker, accepted in FORWARD', iptables: DOCKER([], [ACCEPT]), packets: 'both' },
  { name: 'Docker, DOCKER-USER for one interface', iptables: DOCKER([`-i wan0 -o br-lan ${ACCEPT}`]), packets: 'both' },
  {
    name: 'Docker, DOCKER-USER for established connections',
    iptables: DOCKER(['-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT']),
    packets: 'none',
  },
  { name: 'Docker 28', iptables: DOCKER_28(), packets: 'none' },
  { name: 'Docker 28, accepted in DOCKER-USER', iptables: DOCKER_28([ACCEPT]), packets: 'both' },
  {
    name: 'Docker beside a filter by hand, which accepts',
    iptables: DOCKER(),
    nft: NFT_ROUTER('ct status dnat accept'),
    packets: 'none',
    says: /of table ip filter/,
  },
  {
    name: 'Docker, accepted, beside a filter that does not',
    iptables: DOCKER([ACCEPT]),
    nft: NFT_ROUTER('iifname "br-lan" accept'),
    packets: 'none',
    says: /of table inet fw/,
  },
  {
    name: 'Docker, accepted, beside one that does',
    iptables: DOCKER([ACCEPT]),
    nft: NFT_ROUTER('ct status dnat accept'),
    packets: 'both',
  },
  { name: 'ufw', iptables: UFW(), packets: 'none' },
  { name: 'ufw, accepted in before.rules', iptables: UFW([ACCEPT]), packets: 'both' },
  {
    name: 'ufw, a route allowed',
    iptables: UFW([], ['-d 192.168.1.0/24 -i wan0 -o br-lan -j ACCEPT']),
    packets: 'both',
  },
  { name: 'NixOS without nftables', iptables: NIXOS, packets: 'both' },
  {
    name: 'NixOS without nftables, beside Docker',
    iptables: NIXOS.replace(':FORWARD ACCEPT', ':FORWARD DROP'),
    packets: 'none',
  },
  drops('new connections', '-m conntrack --ctstate NEW -j ACCEPT', 'both'),
  drops('all but translated ones', '-m conntrack ! --ctstate DNAT -j ACCEPT', 'none'),
  opens('all but translated ones, dropped', '-m conntrack ! --ctstate DNAT -j DROP', 'both'),
  opens('new ones, rejected', '-m state --state NEW -j REJECT --reject-with icmp-port-unreachable', 'none'),
  opens(
    'the state and where from',
    '-i wan+ -m conntrack --ctstate NEW --ctdir ORIGINAL -m comment --comment "as -j says" -j DROP',
    'none',
  ),
  opens('another interface', '-i ppp+ -j DROP', 'both'),
  drops('ports', '-p tcp -m multiport --dports 80,443,1000:1010 -j ACCEPT', 'tcp'),
  drops('hosts', '-m iprange --dst-range 192.168.1.0-192.168.1.255 -j ACCEPT', 'both'),
  drops('other hosts', '-m iprange --dst-range 192.168.2.0-192.168.2.255 -j ACCEPT', 'none'),
  drops('local destinations', '-m addrtype --dst-type LOCAL -j ACCEPT', 'none'),
  opens('what is no unicast', '-m addrtype ! --dst-type UNICAST -j DROP', 'both'),
  drops('a mark', '-m mark --mark 0x1/0xff -j ACCEPT', 'none', { doctor: 'warn', says: /it depends on meta mark/ }),
  drops('a limit', '-m limit --limit 100/sec -j ACCEPT', 'both', { doctor: 'warn', says: /it depends on limit/ }),
  opens(
    'over a limit for each source',
    '-m hashlimit --hashlimit-above 1000/sec --hashlimit-burst 1000 --hashlimit-mode srcip --hashlimit-name x -j DROP',
    'both',
  ),
  opens('logged', '-m limit --limit 3/min -j LOG --log-prefix "a \\"quoted\\" -j DROP"', 'both'),
  drops('what doctor does not read', '-m length --length 1:65535 -j ACCEPT', 'both', {
    doctor: 'warn',
    says: /it depends on the match length of iptables/,
  }),
  {
    name: 'raw: not tracked',
    packets: 'none',
    iptables: '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -i wan0 -j CT --notrack\nCOMMIT\n',
    says: /keeps connection tracking from seeing/,
  },
  {
    name: 'mangle: from outside',
    packets: 'none',
    iptables: '*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i wan0 -m conntrack --ctstate NEW -j DROP\nCOMMIT\n',
  },
];
