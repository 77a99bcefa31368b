// Firewalls as routers have them, for doctor and for packets: with what lets mappings in, and without it. Made after
// what each program generates; that of firewalld is what firewalld 1.3 has made, without the chains of hooks that are
// not tried.

export interface Firewall {
  readonly name: string;
  /** A script for nft. */
  readonly nft?: string;
  /** Input of iptables-nft-restore. */
  readonly iptables?: string;
  /** What really comes through a mapping. */
  readonly packets: 'both' | 'tcp' | 'udp' | 'none';
  /** Doctor's verdict; by itself `ok` where both come through, and else `fail`. */
  readonly doctor?: 'ok' | 'warn' | 'fail';
  /** In what it says. */
  readonly says?: RegExp;
}

const DNAT = 'ct status dnat accept';

const nixos = (forward: string, reversePath = '. iif') => `table inet nixos-fw {
  chain rpfilter {
    type filter hook prerouting priority mangle + 10; policy drop;
    meta nfproto ipv4 udp sport . udp dport { 67 . 68, 68 . 67 } accept
    fib saddr . mark ${reversePath} oif exists accept
    jump rpfilter-allow
  }
  chain rpfilter-allow { }
  chain input {
    type filter hook input priority filter; policy drop;
    iifname { "lo" } accept
    ct state vmap { invalid : drop, established : accept, related : accept, new : jump input-allow, untracked : jump input-allow }
    tcp flags & (fin|syn|rst|ack) == syn log level info prefix "refused: "
  }
  chain input-allow { iifname "br-lan" udp dport { 5351 } accept; icmp type echo-request accept; }
  ${forward}
}`;
const nixosForward = (allow: string) => `chain forward {
    type filter hook forward priority filter; policy drop;
    ct state vmap { invalid : drop, established : accept, related : accept, new : jump forward-allow, untracked : jump forward-allow }
  }
  chain forward-allow { icmpv6 type != { router-renumbering, 139 } accept; ${allow}; }`;

const wiki = (forward: string) => `table inet global {
  chain inbound_world { icmp type echo-request limit rate 5/second accept; }
  chain inbound_private { icmp type echo-request accept; udp dport { 53, 67, 5351 } accept; }
  chain inbound {
    type filter hook input priority 0; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname vmap { lo : accept, wan0 : jump inbound_world, br-lan : jump inbound_private }
  }
  ${forward}
}`;

/** What firewalld 1.3.3 makes, with wan0 in its zone "external" and br-lan in "internal". */
const firewalld = (accept: string) => `table inet firewalld {
  chain mangle_PREROUTING { type filter hook prerouting priority mangle + 10; policy accept; jump mangle_PREROUTING_ZONES; }
  chain mangle_PREROUTING_ZONES { iifname "br-lan" goto mangle_PRE_internal; iifname "wan0" goto mangle_PRE_external; goto mangle_PRE_public; }
  chain mangle_PRE_internal { }
  chain mangle_PRE_external { }
  chain mangle_PRE_public { }
  chain nat_PREROUTING { type nat hook prerouting priority dstnat + 10; policy accept; }
  chain nat_POSTROUTING { type nat hook postrouting priority srcnat + 10; policy accept; jump nat_POSTROUTING_ZONES; }
  chain nat_POSTROUTING_ZONES { oifname "wan0" goto nat_POST_external; }
  chain nat_POST_external { meta nfproto ipv4 oifname != "lo" masquerade; }
  chain filter_PREROUTING {
    type filter hook prerouting priority filter + 10; policy accept;
    icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
    meta nfproto ipv6 fib saddr . mark . iif oif missing drop
  }
  chain filter_FORWARD {
    type filter hook forward priority filter + 10; policy accept;
    ct state { established, related } accept
    ${accept}
    iifname "lo" accept
    ct state invalid drop
    ip6 daddr { ::/96, ::ffff:0.0.0.0/96, 2002::/24 } reject with icmpv6 addr-unreachable
    jump filter_FORWARD_ZONES
    reject with icmpx admin-prohibited
  }
  chain filter_FORWARD_ZONES { iifname "br-lan" goto filter_FWD_internal; iifname "wan0" goto filter_FWD_external; goto filter_FWD_public; }
  chain filter_FORWARD_POLICIES_pre { }
  chain filter_FORWARD_POLICIES_post { }
  ${['internal', 'external', 'public']
    .map(
      (zone) => `
  chain filter_FWD_${zone} {
    jump filter_FORWARD_POLICIES_pre
    jump filter_FWD_${zone}_pre
    jump filter_FWD_${zone}_log
    jump filter_FWD_${zone}_deny
    jump filter_FWD_${zone}_allow
    jump filter_FWD_${zone}_post
    jump filter_FORWARD_POLICIES_post
    reject with icmpx admin-prohibited
  }
  chain filter_FWD_${zone}_pre { }
  chain filter_FWD_${zone}_log { }
  chain filter_FWD_${zone}_deny { }
  chain filter_FWD_${zone}_allow { ${zone === 'public' ? '' : `oifname "${zone === 'external' ? 'wan0' : 'br-lan'}" accept`}; }
  chain filter_FWD_${zone}_post { }`,
    )
    .join('')}
}`;

const openwrt = (accept: string) => `table inet fw4 {
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept comment "!fw4: Accept traffic from loopback"
    ct state vmap { established : accept, related : accept }
    tcp flags & (fin | syn | rst | ack) == syn jump syn_flood
    iifname "br-lan" jump input_lan
    iifname "wan0" jump handle_reject
  }
  chain input_lan { jump accept_from_lan; }
  chain accept_from_lan { iifname "br-lan" counter accept; }
  chain syn_flood { limit rate 25/second burst 50 packets return; drop; }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state vmap { established : accept, related : accept } comment "!fw4: Handle forwarded flows"
    iifname "br-lan" jump forward_lan comment "!fw4: Handle lan forward traffic"
    iifname "wan0" jump forward_wan comment "!fw4: Handle wan forward traffic"
    jump handle_reject
  }
  chain forward_lan { jump accept_to_wan; jump accept_to_lan; }
  chain forward_wan {
    icmpv6 type { destination-unreachable, echo-request } limit rate 1000/second counter accept
    meta l4proto esp counter jump accept_to_lan
    udp dport 500 counter jump accept_to_lan comment "!fw4: Allow-ISAKMP"
    ${accept}
    jump reject_to_wan
  }
  chain accept_to_lan { oifname "br-lan" counter accept comment "!fw4: accept lan traffic"; }
  chain accept_to_wan { meta nfproto ipv4 oifname "wan0" ct state invalid counter drop; oifname "wan0" counter accept; }
  chain reject_to_wan { oifname "wan0" counter jump handle_reject; }
  chain handle_reject { meta l4proto tcp reject with tcp reset; reject with icmpx type port-unreachable; }
  chain raw_prerouting { type filter hook prerouting priority raw; policy accept; }
  chain mangle_forward {
    type filter hook forward priority mangle; policy accept;
    iifname "wan0" tcp flags syn tcp option maxseg size set rt mtu
    oifname "wan0" tcp flags syn tcp option maxseg size set rt mtu
  }
}`;

/** A filter by hand: one chain in the forward hook, and what it needs around it. */
const hand = (rules: string, policy: 'accept' | 'drop' = 'drop', around = '') => `table inet fw {
  ${around}
  chain forward { type filter hook forward priority filter; policy ${policy};
    ct state { established, related } accept
    ${rules}
  }
}`;
/** A chain elsewhere. */
const at = (hook: string, priority: string, rules: string, policy: 'accept' | 'drop' = 'accept') => `table inet fw {
  chain guard { type filter hook ${hook} priority ${priority}; policy ${policy}; ${rules}; }
}`;

export const WHOLE: readonly Firewall[] = [
  { name: 'NixOS, filterForward', nft: nixos(nixosForward(DNAT)), packets: 'both' },
  { name: 'NixOS, filterForward, reverse path loose', nft: nixos(nixosForward(DNAT), ''), packets: 'both' },
  { name: 'NixOS, filterForward off', nft: nixos(''), packets: 'both' },
  { name: 'NixOS, filterForward, without the accept', nft: nixos(nixosForward('')), packets: 'none' },
  {
    name: 'NixOS, filterForward, extraForwardRules',
    nft: nixos(nixosForward('iifname "wan0" oifname "br-lan" accept')),
    packets: 'both',
  },
  {
    name: 'NixOS, filterForward, extraForwardRules for another',
    nft: nixos(nixosForward('iifname "wg0" accept; iifname "br-lan" accept')),
    packets: 'none',
  },
  {
    name: "the wiki's home router",
    nft: wiki(`chain forward { type filter hook forward priority 0; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }; iifname "br-lan" accept; }`),
    packets: 'none',
  },
  {
    name: "the wiki's home router, with a chain for the world",
    packets: 'both',
    nft: wiki(`chain forward_world { ${DNAT}; }
    chain forward { type filter hook forward priority 0; policy drop;
      ct state vmap { established : accept, related : accept, invalid : drop }; iifname vmap { br-lan : accept, wan0 : jump forward_world }; }`),
  },
  {
    name: "the wiki's home router, by pairs of interfaces in a named map",
    packets: 'both',
    nft: wiki(`
    map ways { type ifname . ifname : verdict; elements = { "br-lan" . "wan0" : accept, "wan0" . "br-lan" : jump forward_world }; }
    chain forward_world { ct status & dnat == dnat accept; reject; }
    chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname . oifname vmap @ways; }`),
  },
  {
    name: "the wiki's home router, by a named map whose chain drops",
    packets: 'none',
    nft: wiki(`
    map ways { type ifname : verdict; elements = { "br-lan" : accept, "wan0" : goto forward_world }; }
    chain forward_world { counter drop; }
    chain forward { type filter hook forward priority 0; policy accept; ct state established,related accept; iifname vmap @ways; }`),
  },
  { name: 'firewalld', nft: firewalld(DNAT), packets: 'both' },
  { name: 'firewalld, without the accept', nft: firewalld(''), packets: 'none' },
  { name: 'OpenWrt', nft: openwrt('ct status dnat accept comment "!fw4: Accept port forwards"'), packets: 'both' },
  { name: 'OpenWrt, without the accept', nft: openwrt(''), packets: 'none' },
  {
    name: "Debian's workstation",
    packets: 'both',
    nft: `table inet filter {
    chain input { type filter hook input priority 0; policy drop; ct state established,related accept; iif lo accept; udp dport 5351 accept; }
    chain forward { type filter hook forward priority 0; }; chain output { type filter hook output priority 0; }; }`,
  },
  { name: "Debian's router", nft: hand('iifname "br-lan" oifname "wan0" accept'), packets: 'none' },
  {
    name: "Debian's router, with the accept",
    nft: hand(`iifname "br-lan" oifname "wan0" accept; ${DNAT}`),
    packets: 'both',
  },
];

const SETS = `set lan4 { type ipv4_addr; flags interval; elements = { 192.168.1.0/24, 10.0.0.1-10.0.0.9 }; }
  set far4 { type ipv4_addr; flags interval; elements = { 172.16.0.0/12 }; }
  set outer { type ifname; elements = { "wan0", "ppp0" }; }
  set inner { type ifname; elements = { "br-lan" }; }
  set ways { type ifname . ipv4_addr; flags interval; elements = { "wan0" . 192.168.1.0/25, "wan0" . 192.168.1.128/25 }; }
  set wild { type ifname; flags interval; elements = { "wan*" }; }
  set blocked { type ipv4_addr; flags timeout; }
  set nobody { type ipv4_addr; }
  chain drops { counter drop; }; chain returns { counter return; accept; }; chain empty { };`;
const rule = (name: string, rules: string, packets: Firewall['packets'], more: Partial<Firewall> = {}): Firewall => ({
  name,
  nft: hand(rules, 'drop', SETS),
  packets,
  ...more,
});
const open = (name: string, rules: string, packets: Firewall['packets'], more: Partial<Firewall> = {}): Firewall => ({
  name,
  nft: hand(rules, 'accept', SETS),
  packets,
  ...more,
});

export const CONDITIONS: readonly Firewall[] = [
  rule('a named set of interfaces', 'iifname @outer accept', 'both'),
  rule('a named set without it', 'iifname @inner accept', 'none'),
  open('a named set, turned round', 'iifname != @inner drop', 'none'),
  rule('a wildcard', 'iifname "wan*" oifname "br-*" accept', 'both'),
  rule('another wildcard', 'iifname "ppp*" accept', 'none'),
  rule('a wildcard in a named set', 'iifname @wild accept', 'both'),
  rule('a wildcard, turned round', 'iifname != "wan*" accept', 'none'),
  rule('an interface by its index', 'iif "wan0" accept', 'both'),
  rule('another one by its index', 'iif "lo" accept', 'none'),
  rule('its group', 'meta iifgroup default accept', 'both'),
  rule('another group', 'meta iifgroup 5 accept', 'none'),
  rule('the whole LAN', 'ip daddr 192.168.1.0/24 accept', 'both'),
  rule('the whole LAN in a named set', 'ip daddr @lan4 accept', 'both'),
  rule('the whole LAN in two halves of a concatenation', 'iifname . ip daddr @ways accept', 'both'),
  rule('another LAN', 'ip daddr @far4 accept', 'none'),
  rule('another LAN, turned round', 'ip daddr != @far4 accept', 'both'),
  rule('one host, which has all mappings', 'ip daddr 192.168.1.2 accept', 'both', {
    doctor: 'warn',
    says: /except if: ip daddr 192\.168\.1\.2$/,
  }),
  rule('one host, which has none', 'ip daddr 192.168.1.3 accept', 'none', {
    says: /drops what the mapping of udp 8080 to 192\.168\.1\.2:80 lets in, and 1 more$|drops what the mapping of tcp 8080/,
  }),
  rule('one port, which is mapped', 'th dport 80 accept', 'both', {
    doctor: 'warn',
    says: /except if: th dport 80$/,
  }),
  rule('one port, which is not mapped', 'th dport { 443, 5000-5010 } accept', 'none', {
    says: /drops what the mapping of/,
  }),
  rule('most ports', 'th dport 1024-65535 accept', 'none', { doctor: 'warn', says: /drops what the mapping of/ }),
  open('an exception', 'tcp dport 22 drop', 'both', { says: /but for: tcp dport 22$/ }),
  open('an exception that is mapped', 'tcp dport 80 drop', 'udp', {
    doctor: 'warn',
    says: /the mapping of tcp 8080 to 192\.168\.1\.2:80/,
  }),
  open('one more exception: a source', 'ip saddr { 198.18.0.1, 198.51.100.77 } drop; ip saddr @blocked drop', 'both', {
    says: /but for: ip saddr/,
  }),
  open('sources that are none', 'ip saddr { 10.0.0.0/8, 192.168.0.0/16, 127.0.0.0/8 } drop', 'both', {
    says: /^the chain of others in the forward hook lets mapped connections in$/,
  }),
  open('all but sources that are none', 'ip saddr != 192.168.0.0/16 drop', 'none'),
  rule('every source', 'ip saddr 0.0.0.0/0 accept', 'both'),
  rule('an empty set', 'ip daddr @nobody accept', 'none'),
  rule('only TCP', 'meta l4proto tcp accept', 'tcp', { says: /lets? in \(UDP\)|mappings let in \(UDP\)$/ }),
  rule('only UDP, by a map', 'meta l4proto vmap { tcp : drop, udp : accept }', 'udp', {
    says: /mappings let in \(TCP\)$/,
  }),
  rule('IPv4', 'meta nfproto ipv4 accept', 'both'),
  rule('IPv6', 'meta nfproto ipv6 accept; ip6 daddr ::/0 accept; icmpv6 type echo-request accept', 'none'),
  rule('a map with a default', 'ip daddr vmap { 10.0.0.0/8 : drop, * : accept }', 'both'),
  rule('a map of the routing table', 'fib daddr type vmap { unicast : accept, local : drop }', 'both'),
  rule('an address of the router', 'fib daddr type local accept', 'none'),
  open('no way back', 'fib saddr . iif oif missing drop', 'both'),
  rule('ct status, one of two', 'ct status snat,dnat accept', 'both'),
  rule('ct status, turned round', 'ct status ! dnat drop; accept', 'both'),
  rule('ct status, exactly: the kernel has more bits there', 'ct status == dnat accept', 'none'),
  rule('ct status, not exactly', 'ct status != dnat accept', 'both'),
  rule('ct status, in a set', 'ct status { dnat, snat } accept', 'none'),
  rule('ct status, masked', 'ct status & (dnat|snat) == dnat accept', 'both'),
  rule('ct state', 'ct state new accept', 'both'),
  rule('ct state, masked', 'ct state & (new|untracked) != 0 accept', 'both'),
  rule('ct state, another', 'ct state invalid,untracked accept', 'none'),
  open('ct state, turned round', 'ct state != { established, related } drop', 'none'),
  rule('ct direction', 'ct direction original accept', 'both'),
  rule('ct direction, the other', 'ct direction reply accept', 'none'),
  rule('the port that was asked for', 'meta l4proto { tcp, udp } ct original ip daddr 203.0.113.10 accept', 'both'),
  rule('a mark', 'ct mark 0x1 accept', 'none', { doctor: 'warn', says: /it depends on ct mark 1$/ }),
  rule('no mark', 'meta mark & 0xff == 0 accept', 'both', { doctor: 'warn', says: /it depends on meta mark & 255 0$/ }),
  rule('a limit', 'ct status dnat limit rate 100/second accept', 'both', {
    doctor: 'warn',
    says: /it depends on limit$/,
  }),
  open(
    'over a limit',
    'ct state new limit rate over 1000/second burst 500 packets drop; ct count over 5000 drop',
    'both',
  ),
  open(
    'the flags of a first packet',
    'ct state new tcp flags & (fin|syn|rst|ack) != syn drop; tcp flags & (fin|syn) == fin|syn drop',
    'both',
  ),
  rule('the flags of a first packet, accepted', 'tcp flags & (fin|syn|rst|ack) == syn accept', 'tcp', {
    says: /\(UDP\)$/,
  }),
  rule('a statement before it', 'log prefix "mapping: " counter ct status dnat counter accept', 'both'),
  open('a chain that drops', 'iifname "wan0" jump drops', 'none'),
  rule('back from a chain that returns', `jump returns; ${DNAT}`, 'both'),
  rule('a goto does not come back', `goto returns; ${DNAT}`, 'none'),
  rule('a goto to an empty chain', `iifname "wan0" goto empty; ${DNAT}`, 'none'),
  rule('return from a base chain', `return; ${DNAT}`, 'none'),
  open('too late', `reject; ${DNAT}`, 'none'),
  open('a map of verdicts that drops', 'iifname . oifname vmap { "wan0" . "br-lan" : drop }', 'none'),
  open(
    'a map of verdicts for others',
    'iifname . oifname vmap { "wan0" . "br-guest" : drop, "lo" . "br-lan" : drop }',
    'both',
  ),
];

const table = (
  name: string,
  rules: string,
  policy: 'accept' | 'drop',
  priority = 'filter',
  family = 'inet',
  flags = '',
) => `table ${family} ${name} { ${flags}
  chain forward { type filter hook forward priority ${priority}; policy ${policy}; ct state established,related accept; ${rules}; }; }\n`;

export const PLACES: readonly Firewall[] = [
  {
    name: 'an accept in one table does not help in another',
    nft: table('a', DNAT, 'drop') + table('b', 'iifname "br-lan" accept', 'drop', 'filter + 20'),
    packets: 'none',
    says: /of table inet b /,
  },
  {
    name: 'accepted in both',
    nft: table('a', DNAT, 'drop') + table('b', DNAT, 'drop', 'filter + 20', 'ip'),
    packets: 'both',
  },
  {
    name: 'a drop in a chain before',
    nft: table('a', DNAT, 'drop') + table('b', 'ct state new reject', 'accept', 'mangle', 'ip'),
    packets: 'none',
    says: /of table ip b /,
  },
  { name: 'a table that sleeps', nft: table('a', '', 'drop', 'filter', 'ip', 'flags dormant;'), packets: 'both' },
  {
    name: 'tables of IPv6 and of bridges',
    nft:
      table('a', '', 'drop', 'filter', 'ip6') +
      'table bridge b { chain forward { type filter hook forward priority 0; policy accept; ether type ip6 drop; }; }',
    packets: 'both',
  },
  {
    name: 'raw: everything from outside',
    nft: at('prerouting', 'raw', 'iifname "wan0" ip daddr 203.0.113.10 meta l4proto { tcp, udp } drop'),
    packets: 'none',
    says: /before it is translated$/,
  },
  {
    name: 'raw: the destination is not a LAN host yet',
    nft: at('prerouting', 'raw', 'ip daddr 192.168.1.0/24 drop; th dport 80 drop'),
    packets: 'both',
  },
  {
    name: 'raw: the port that is mapped',
    nft: at('prerouting', 'raw', 'th dport 8080 drop'),
    packets: 'none',
    doctor: 'warn',
    says: /the mapping of/,
  },
  {
    name: 'raw: nothing has a state yet',
    nft: at('prerouting', 'raw', 'iifname "wan0" ct state invalid drop'),
    packets: 'none',
  },
  { name: 'mangle: it has', nft: at('prerouting', 'mangle', 'iifname "wan0" ct state invalid drop'), packets: 'both' },
  {
    name: 'raw: not tracked',
    nft: at('prerouting', 'raw', 'iifname "wan0" notrack'),
    packets: 'none',
    says: /keeps connection tracking from seeing/,
  },
  { name: 'mangle: too late for that', nft: at('prerouting', 'mangle', 'iifname "wan0" notrack'), packets: 'both' },
  {
    name: 'mangle: not translated yet',
    nft: at('prerouting', 'mangle', `iifname != "wan0" accept; ${DNAT}`, 'drop'),
    packets: 'none',
  },
  {
    name: 'filter: translated',
    nft: at('prerouting', 'filter', `iifname != "wan0" accept; ct state established accept; ${DNAT}`, 'drop'),
    packets: 'both',
  },
  {
    name: 'prerouting: there is no output interface yet',
    nft: at('prerouting', 'filter', 'iifname "wan0" oifname != "br-lan" drop'),
    packets: 'none',
  },
  {
    name: 'prerouting: nor has it an index',
    nft: at('prerouting', 'filter', 'iifname "wan0" oif 0 drop'),
    packets: 'none',
  },
  {
    name: 'postrouting',
    nft: at('postrouting', 'filter', 'ct state new oifname "br-lan" ip daddr 192.168.1.0/24 iifname "wan0" drop'),
    packets: 'none',
  },
  {
    name: 'postrouting, with the accept',
    nft: at('postrouting', 'filter', `${DNAT}; iifname "wan0" oifname "br-lan" ct state new drop`),
    packets: 'both',
  },
  {
    name: 'ingress',
    packets: 'none',
    nft: 'table netdev fw { chain guard { type filter hook ingress device "wan0" priority filter; policy accept; ip daddr 203.0.113.10 meta l4proto { tcp, udp } drop; }; }',
  },
  {
    name: 'ingress, of inet',
    packets: 'none',
    nft: 'table inet fw { chain guard { type filter hook ingress device "wan0" priority filter; policy accept; meta l4proto { tcp, udp } th dport >= 1 drop; }; }',
  },
  {
    name: 'ingress of another device',
    packets: 'both',
    nft: 'table netdev fw { chain guard { type filter hook ingress device "lo" priority filter; policy drop; }; }',
  },
  {
    name: 'a chain for translation that drops',
    packets: 'none',
    nft: 'table ip other { chain pre { type nat hook prerouting priority dstnat - 10; iifname "wan0" drop; }; }',
  },
];
