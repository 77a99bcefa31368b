// The static ruleset, as an nft script. It is installed once, before the helper starts; requests only ever change the
// elements of its three sets. Pure. docs/architecture.md draws the way of a packet through it.

import { crc32 } from 'node:zlib';
import type { Lan } from '../../proto/mapping.js';
import { formatIpv4 } from '../../proto/mapping.js';

export interface RulesetConfig {
  readonly table: string;
  /** Name of the prerouting chain; the others are named after it. */
  readonly chain: string;
  readonly externalInterface: string;
  readonly listenInterfaces: readonly string[];
  /** The UDP port that is asked on them. */
  readonly listenPort: number;
  /** The router's addresses in these are never translated, from whichever interface they are asked. */
  readonly lans: readonly Lan[];
  /** Whether LAN hosts reach mappings through the external address too (RFC 6886 §4.3.4). */
  readonly hairpin: boolean;
}

/** The conntrack label bit that marks the connections of mappings; labels 0..127 are shared by all rulesets. */
const LABEL = 113;
/** Above the 129,024 mappings there can be: the kernel counts expired elements until it collects them. */
const SET_SIZE = 131072;

/**
 * Requests of other versions and unknown opcodes that are let through a second: many times what a LAN of PCP clients
 * sends.
 */
const UNSUPPORTED_PER_SECOND = 2000;

/**
 * Requests of one device (hardware address) before the rest are redirected to the overflow socket: many times what
 * programs send, and little load for the frontend. Devices beyond `most` (forged ones) share what is left there.
 */
const DEVICE = { perSecond: 500, burst: 1000, most: 4096 } as const;

/** Words of nft's language, of 1.0.6 and newer: where it wants a name, each is a syntax error. */
const NFT_WORDS = new Set(
  (
    'accept add ah all and arp auto-merge bridge cgroup chain comment comp constant continue counter cpu create ct day dccp define ' +
    'delete describe destroy device devices dnat drop dst dup dynamic ecn element elements eq erspan esp ether exists expires export ' +
    'exthdr fib flags flow flowtable flush frag fwd gc-interval ge geneve get goto gre gretap gt handle hbh hook hour ibriport ' +
    'ibrname icmp icmpv6 igmp iif iifgroup iifname iiftype import include index inet insert interval ip ip6 ipsec jhash jump le limit ' +
    'list log lshift lt map mark masquerade meta meter mh missing monitor ne netdev nftrace not notrack numgen obriport obrname ' +
    'offload oif oifgroup oifname oiftype or osf pkttype policy position priority queue quota random redefine redirect reject rename ' +
    'replace reset return rshift rt rt0 rt2 rtclassid rule ruleset sctp secmark set size skgid skuid snat socket srh symhash synproxy ' +
    'table tcp th time timeout tproxy tunnel type typeof udp udplite undefine update vlan vmap vxlan xor xt'
  ).split(' '),
);

/** A name that nft takes as an identifier: there is no quoting. */
export function isNftName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_.-]{0,30}$/.test(name) && !NFT_WORDS.has(name);
}

/** What the table's comment starts with, and that of its prerouting chain: by it the table is known as ours. */
const MARK = 'natpmp-server';

/**
 * The script: replaces a table of the same name and all its elements, in one transaction. The comment of the prerouting
 * chain holds a checksum of the rest, so that the installer can see whether the same ruleset is there already; the
 * table's comment is always the same, because the kernel cannot change that of a table which keeps its elements.
 */
export function ruleset(config: RulesetConfig): string {
  const checksum = crc32(tableBody(config, '')).toString(16).padStart(8, '0');
  return (
    `table ip ${config.table}\ndelete table ip ${config.table}\n` +
    `table ip ${config.table} {\n  comment "${MARK} owns this table"\n${tableBody(config, `\n    comment "${MARK} ${checksum}"`)}}\n`
  );
}

function tableBody(config: RulesetConfig, comment: string): string {
  const { chain } = config;
  const external = quoted(config.externalInterface);
  return `
  # external protocol and port : inside address and port
  map in {
    type inet_proto . inet_service : ipv4_addr . inet_service
    flags timeout
    size ${SET_SIZE}
  }

  # inside endpoint : external port
  map out {
    type inet_proto . ipv4_addr . inet_service : inet_service
    flags timeout
    size ${SET_SIZE}
  }

  # inside endpoint and external port of each mapping in force; counts its packets
  set live {
    type inet_proto . ipv4_addr . inet_service . inet_service
    flags timeout
    counter
    size ${SET_SIZE}
  }

  # who asks, by hardware address
  set askers {
    type ether_addr
    flags dynamic,timeout
    timeout 10s
    size ${DEVICE.most}
  }

  # requests that would be met with silence do not take the frontend's time
  chain ${chain}-input {
    type filter hook input priority filter; policy accept;
    iifname ${interfaces(config)} udp dport ${config.listenPort} goto ${chain}-senders
    iifname ${interfaces(config)} udp dport ${config.listenPort + 1} drop
  }
  chain ${chain}-senders {
    fib saddr . iif oif missing drop
    goto ${chain}-requests
  }
  # @th,64,16 is version and opcode (RFC 6886 §3)
  chain ${chain}-requests {
    udp length < 10 drop
    @th,72,8 >= 128 drop
    @th,64,16 { 1, 2 } udp length < 20 drop
    @th,64,16 > 2 limit rate over ${UNSUPPORTED_PER_SECOND}/second burst ${UNSUPPORTED_PER_SECOND} packets drop
  }

  # devices over the rate limit are redirected to the overflow socket; after every chain that admits ${config.listenPort}
  chain ${chain}-admitted {
    type filter hook input priority 300; policy accept;
    iifname ${interfaces(config)} udp dport ${config.listenPort} goto ${chain}-askers
  }
  chain ${chain}-askers {
    update @askers { ether saddr limit rate ${DEVICE.perSecond}/second burst ${DEVICE.burst} packets } accept
    udp dport set ${config.listenPort + 1}
  }

  # inbound: the first packet of a connection to a mapped port
  chain ${chain} {${comment}
    type nat hook prerouting priority dstnat; policy accept;
    iifname ${external} fib daddr type local meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @in
${config.hairpin ? hairpinInbound(config) : ''}  }

  # outbound from a mapped inside port: leaves from the mapped external port
  chain ${chain}-postrouting {
    type nat hook postrouting priority srcnat - 1; policy accept;
    oifname ${external} meta l4proto { tcp, udp } masquerade to : meta l4proto . ip saddr . th sport map @out
${config.hairpin ? hairpinOutbound(config) : ''}  }

  # connections of a mapping are marked on their first packet ...
  chain ${chain}-outbound {
    type filter hook postrouting priority srcnat + 1; policy accept;
    oifname ${external} ct state new ct status snat meta l4proto { tcp, udp } goto ${chain}-mark
  }
  chain ${chain}-mark {
${each((protocol) => `meta l4proto ${protocol} meta l4proto . ct original ip saddr . ct original proto-src . ct reply proto-dst @live ct label set ${LABEL}`)}  }

  chain ${chain}-forward {
    type filter hook forward priority filter; policy accept;
${each((protocol) => `ct state new ct status dnat meta l4proto ${protocol} meta l4proto . ip daddr . th dport . ct original proto-dst @live ct label set ${LABEL} accept`)}\
    ct label ${LABEL} goto ${chain}-live
  }

  # ... and end with it: once the mapping is not in force any more, neither direction passes
  chain ${chain}-live {
${each(
  (
    protocol,
  ) => `meta l4proto ${protocol} ct status dnat ct direction original meta l4proto . ip daddr . th dport . ct original proto-dst @live return
    meta l4proto ${protocol} ct status dnat ct direction reply meta l4proto . ip saddr . th sport . ct original proto-dst @live return
    meta l4proto ${protocol} ct direction original meta l4proto . ip saddr . th sport . ct reply proto-dst @live return
    meta l4proto ${protocol} ct direction reply meta l4proto . ip daddr . th dport . ct reply proto-dst @live return`,
)}\
    meta l4proto tcp reject with tcp reset
    reject
  }
`;
}

/** LAN hosts that ask for a local address that is not their side of the router: the external address. */
function hairpinInbound(config: RulesetConfig): string {
  const { lans } = config;
  const own =
    lans.length === 0 ? '' : `ip daddr != { ${lans.map((lan) => formatIpv4(lan.routerAddress)).join(', ')} } `;
  return (
    `    iifname ${interfaces(config)} fib daddr type local fib daddr . iif type != local ${own}` +
    'meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @in\n'
  );
}

/**
 * Back into the LAN they came from: without this the answer would go to the client directly, from the wrong address.
 */
function hairpinOutbound({ listenInterfaces }: RulesetConfig): string {
  return listenInterfaces
    .map((name) => `    iifname ${quoted(name)} oifname ${quoted(name)} ct label ${LABEL} masquerade\n`)
    .join('');
}

function interfaces({ listenInterfaces }: RulesetConfig): string {
  return `{ ${listenInterfaces.map(quoted).join(', ')} }`;
}

/**
 * nft 1.0.6 takes \`proto-src\` and \`proto-dst\` of a connection only where the rule has fixed the protocol before.
 */
function each(rules: (protocol: 'tcp' | 'udp') => string): string {
  return (['tcp', 'udp'] as const).map((protocol) => `    ${rules(protocol)}\n`).join('');
}

/** Interface names hold no quote and no backslash: config/names.ts refuses them. */
function quoted(name: string): string {
  return `"${name}"`;
}
