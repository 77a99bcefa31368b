// The static ruleset, as an nft script. It is installed once, before the helper starts; requests only ever change the
// elements of its three sets. Pure. docs/architecture.md draws the way of a packet through it.

import { crc32 } from 'node:zlib';
import type { Ipv4, PortRange } from '../../proto/mapping.js';
import { formatIpv4 } from '../../proto/mapping.js';

export interface RulesetConfig {
  /** Of family inet. It may hold objects of others. */
  readonly table: string;
  /** Name of the prerouting chain; every other object of ours is named after it. */
  readonly chain: string;
  readonly externalInterface: string;
  readonly listenInterfaces: readonly string[];
  /** The UDP port that is asked on them. */
  readonly listenPort: number;
  /**
   * The address that clients are told. If it is one of this router's, mappings are reached through it alone, and what
   * leaves from a mapped port has it (RFC 6886 §3.9). Null: the addresses of the external interface.
   */
  readonly externalAddress: Ipv4 | null;
  /** Whether it is: it may come and go. If not, the addresses of the external interface count. */
  readonly isAddressHere: boolean;
  /** The external ports that may be mapped: ascending, not empty. The provider may leave this router no others (MAP-E). */
  readonly allowedPorts: readonly PortRange[];
  /** Whether LAN hosts reach mappings through the external address too (RFC 6886 §4.3.4). */
  readonly hairpin: boolean;
  /** Whether the kernel can look into a map as into a set: Linux 6.5. */
  readonly looksIntoMaps: boolean;
  /** Sets and rules for IPv6 pinholes (docs/pcp.md); null: none, and no request over IPv6 is looked at. */
  readonly pinholes: PinholeRules | null;
  /** A rule for the sockets of natpmp-upnp. */
  readonly upnp: boolean;
}

export interface PinholeRules {
  /** Where IPv6 connections from outside arrive: a tunnel is an interface of its own. */
  readonly externalInterface: string;
}

/**
 * Half as many again as the 129,024 mappings there can be: the kernel counts expired elements until it collects them, once
 * a second. The largest number for which it makes no larger hash table.
 */
const SET_SIZE = 196608;

/** Twice the 16,384 pinholes there can be, for the same reason. */
const PINHOLES_SIZE = 32768;

/** Flows that the helper is told of at a time: what it deletes in a few milliseconds. The others are told later. */
const STALE_FLOWS = 256;

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

/**
 * How long the sender of a request is remembered, in seconds: longer than a client waits before it repeats one (RFC 6886
 * §3.1: 250 ms at first; RFC 6887 §8.1.1: 3.3 s). That a request has passed connection tracking is remembered for longer,
 * so that one which has is never taken for lost. Of forged senders only so many are remembered.
 */
const SENDERS = { askedS: 10, trackedS: 11, most: 32768 } as const;

/** What the comments of our objects start with; the name of the prerouting chain follows. */
export const MARK = 'natpmp-server';

/** The conntrack label bits 0..127 are shared by all rulesets of the router. This one is of the default chain. */
const DEFAULT_LABEL = { chain: 'NATPMP', bit: 113 } as const;
/** Those of other chains; low numbers are in use elsewhere. Without the default's. */
const OTHER_LABELS = { from: 64, count: 63 } as const;

/**
 * The conntrack label bit (0..127) that marks the connections of mappings: the same for a chain's name at any time, so
 * that connections outlive a change of the ruleset. Two names may have the same bit; the installer refuses the second.
 */
export function labelOf(chain: string): number {
  if (chain === DEFAULT_LABEL.chain) return DEFAULT_LABEL.bit;
  const bit = OTHER_LABELS.from + (crc32(chain) % OTHER_LABELS.count);
  return bit < DEFAULT_LABEL.bit ? bit : bit + 1;
}

/**
 * The mark (SO_MARK) of the sockets that natpmp-upnp is passed, which it cannot change without CAP_NET_ADMIN. The rule
 * looks at the mark of the socket (Linux 4.19), because the packet's may be another one by then: others' chains restore it
 * from the connection. Its ports do not tell them: others on the router have UDP port 1900, too. It is another one for each gateway on a router, as the
 * label is, and in the highest byte alone: others use the lower ones as masks.
 */
export function socketMarkOf(chain: string): number {
  return labelOf(chain) * 2 ** 24;
}

/**
 * Behind everybody's chains for destination NAT, of which the first that translates a connection wins: iptables and
 * Docker have -100 (`dstnat`), firewalld -90. The kernel runs them all at -100, in this order.
 */
const DNAT_PRIORITY = 'dstnat + 200';
/**
 * Addresses that have to be translated on the Internet (RFC 1918, RFC 6598). A host with a public address is routed, and
 * what goes to a private one may be exempt from translation, as in a tunnel between two sites.
 */
const PRIVATE = '{ 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16 }';
/** What an IPsec policy takes would not match it any more with another source, and leave in the clear. */
const OUTSIDE_IPSEC = ' rt ipsec missing';
/** Before the chains of firewalls, which accept the label that is set here. */
const PINHOLE_PRIORITY = 'filter - 5';
/** Just behind connection tracking (NF_IP_PRI_CONNTRACK, -200). */
const TRACKED_PRIORITY = 'raw + 101';
/** What is allowed if the administrator says nothing of ports: then the kernel chooses among all of them. */
const UNPRIVILEGED = { from: 1024, to: 65535 } as const;
/** The smallest block of ports that a MAP-E router has (RFC 7597 §5.1); what is allowed besides may be one port. */
const LEAST_CHOICE = 4;
/** Before everybody's chains for source NAT. */
const SNAT_PRIORITY = 'srcnat - 1';

/**
 * The script: puts our chains into the table in one transaction, in place of those of the same names, and keeps sets
 * that are there with their elements. It fails, and changes nothing, if a set of the same name is defined differently.
 * The comment of the prerouting chain holds a checksum of the rest, so that the installer can see whether the same
 * ruleset is there already; the comments of table and sets are always the same, because the kernel cannot change them.
 */
export function ruleset(config: RulesetConfig): string {
  const checksum = crc32(tableBody(config, '')).toString(16).padStart(8, '0');
  return definition(config.table, tableBody(config, ` ${checksum}`));
}

/** The same for a kernel without IPsec (CONFIG_XFRM), which does not know the expression. */
export function withoutIpsec(ruleset: string): string {
  return ruleset.replaceAll(OUTSIDE_IPSEC, '');
}

function definition(table: string, body: string): string {
  const chains = namesIn(body, 'chain');
  return `${[
    `table inet ${table} {\n  comment "${MARK}"\n}`,
    // So that those which are not there can be deleted, too.
    ...chains.map((chain) => `add chain inet ${table} ${chain}`),
    ...chains.map((chain) => `flush chain inet ${table} ${chain}`),
    ...chains.map((chain) => `delete chain inet ${table} ${chain}`),
    `table inet ${table} {${body}}`,
  ].join('\n')}\n`;
}

/** The names of the chains, or of the sets and maps, that a ruleset defines. */
export function namesIn(ruleset: string, kinds: 'chain' | 'map|set'): readonly string[] {
  return [...ruleset.matchAll(new RegExp(`^  (?:${kinds}) (\\S+) \\{$`, 'gm'))].map(([, name = '']) => name);
}

function tableBody(config: RulesetConfig, checksum: string): string {
  const { chain, listenPort } = config;
  const external = quoted(config.externalInterface);
  const lans = interfaces(config);
  const label = labelOf(chain);
  const ours = `comment "${MARK} ${chain}"`;
  const requests = `{ ${listenPort}, ${listenPort + 1} }`;
  const mapped = 'meta nfproto ipv4 meta l4proto { tcp, udp }';
  return `
  # external protocol and port : inside address and port
  map ${chain}-in {
    ${ours}
    type inet_proto . inet_service : ipv4_addr . inet_service
    flags timeout
    size ${SET_SIZE}
  }

  # inside endpoint : external port
  map ${chain}-out {
    ${ours}
    type inet_proto . ipv4_addr . inet_service : inet_service
    flags timeout
    size ${SET_SIZE}
  }

  # inside endpoint and external port of each mapping in force; counts its packets
  set ${chain}-live {
    ${ours}
    type inet_proto . ipv4_addr . inet_service . inet_service
    flags timeout
    counter
    size ${SET_SIZE}
  }

  # UDP flows that are rejected because their mapping is not in force any more: the helper deletes them from conntrack
  set ${chain}-stale {
    ${ours}
    type ipv4_addr . inet_service . ipv4_addr . inet_service
    flags dynamic,timeout
    timeout 1m
    size ${STALE_FLOWS}
  }

  # who asks, by hardware address
  set ${chain}-askers {
    ${ours}
    type ether_addr
    flags dynamic,timeout
    timeout 10s
    size ${DEVICE.most}
  }

  # the router's addresses on other interfaces, as far as anyone has used them
  set ${chain}-inside {
    ${ours}
    type ipv4_addr
    flags dynamic,timeout
    timeout 1h
    size 1024
  }
${senderSets(config, 'ipv4')}\
${config.pinholes === null ? '' : senderSets(config, 'ipv6') + pinholeSet(config)}
${untracked(config)}
  # requests that would be met with silence do not take the frontend's time
  chain ${chain}-input {
    ${ours}
    type filter hook input priority filter; policy accept;
    ct label ${label} ct status dnat drop
    iifname ${lans} meta nfproto ipv4 udp dport ${listenPort} goto ${chain}-requests
    iifname ${lans} meta nfproto ipv4 udp dport ${listenPort + 1} drop
${config.pinholes === null ? '' : pinholeInput(config)}  }
  # @th,64,16 is version and opcode (RFC 6886 §3); silence while natpmp-server is started again: some clients take port
  # unreachable as final. Who may ask is for the frontend to decide: fib would look up another route than the answer takes
  chain ${chain}-requests {
    ${ours}
    udp length < 10 drop
    @th,72,8 >= 128 drop
    @th,64,16 { 1, 2 } udp length < 20 drop
    @th,64,16 > 2 limit rate over ${UNSUPPORTED_PER_SECOND}/second burst ${UNSUPPORTED_PER_SECOND} packets drop
    socket wildcard { 0, 1 } accept
    drop
  }
${config.pinholes === null ? '' : pinholeRequests(config)}
  # devices over the rate limit are redirected to the overflow socket; after every chain that admits ${listenPort}
  chain ${chain}-admitted {
    ${ours}
    type filter hook input priority 300; policy accept;
    iifname ${lans} meta nfproto ipv4 udp dport ${listenPort} goto ${chain}-askers
${config.pinholes === null ? '' : `    iifname ${lans} meta nfproto ipv6 udp dport ${listenPort} goto ${chain}-askers\n`}  }
  chain ${chain}-askers {
    ${ours}
    update @${chain}-askers { ether saddr limit rate ${DEVICE.perSecond}/second burst ${DEVICE.burst} packets } accept
    udp dport set ${listenPort + 1}
  }

  # what a frontend's socket may send: to the LAN, and answers elsewhere, if another gateway has the same port there
  chain ${chain}-output {
    ${ours}
    type filter hook output priority filter; policy accept;
    oifname ${outside(config)} udp sport ${requests} drop
    oifname != ${lans} udp sport ${requests} ct direction original ip daddr != 224.0.0.1 drop
    oifname != ${lans} udp sport ${requests} ct direction original ip6 daddr != ff02::1 drop
${config.pinholes === null ? '' : `    meta nfproto ipv6 udp sport ${requests} fib saddr type != local drop\n`}${
  config.upnp ? `    oifname != ${lans} socket mark 0x${socketMarkOf(chain).toString(16)} drop\n` : ''
}  }

  # inbound: the first packet of a connection to a mapped port
  chain ${chain} {
    comment "${MARK} ${chain}${checksum}"
    type nat hook prerouting priority ${DNAT_PRIORITY}; policy accept;
    iifname ${external} ${mapped} ${toExternal(config)} goto ${chain}-inbound
${config.hairpin ? hairpinInbound(config, mapped) : ''}  }
  # what the router serves itself stays its own; the connection is marked first, because nothing follows a translation
  chain ${chain}-inbound {
    ${ours}
    meta l4proto tcp socket wildcard { 0, 1 } return
    meta l4proto udp socket wildcard { 0, 1 } return
    ${config.looksIntoMaps ? `meta l4proto . th dport @${chain}-in ` : ''}ct label set ${label}
    dnat ip to meta l4proto . th dport map @${chain}-in
  }

  # outbound from a mapped inside port: leaves from the mapped external port; another host's leaves from another port
  chain ${chain}-postrouting {
    ${ours}
    type nat hook postrouting priority ${SNAT_PRIORITY}; policy accept;
    iifname ${lans} oifname ${external} ${mapped} ip daddr != ${PRIVATE}${OUTSIDE_IPSEC} ${sourceNat(config)} : meta l4proto . ip saddr . th sport map @${chain}-out
${config.looksIntoMaps ? `    oifname ${external} ${mapped} meta l4proto . th sport @${chain}-in ip saddr ${PRIVATE} ip daddr != ${PRIVATE}${OUTSIDE_IPSEC} fib saddr type != local ${anotherPort(config)}\n` : ''}\
${config.hairpin ? hairpinOutbound(config, label) : ''}  }

  # ... and is marked on its first packet
  chain ${chain}-outbound {
    ${ours}
    type filter hook postrouting priority srcnat + 1; policy accept;
    oifname ${external} ct state new ct status snat meta nfproto ipv4 meta l4proto { tcp, udp } goto ${chain}-mark
  }
  chain ${chain}-mark {
    ${ours}
${each((protocol) => `meta l4proto ${protocol} ${outbound('meta l4proto')} @${chain}-live ct label set ${label}`)}  }

  chain ${chain}-forward {
    ${ours}
    type filter hook forward priority filter; policy accept;
    ${config.pinholes === null ? '' : 'meta nfproto ipv4 '}ct label ${label} goto ${chain}-live
  }

  # connections of a mapping lead into a LAN, and end with it
  chain ${chain}-live {
    ${ours}
    ct status dnat ct direction original oifname != ${lans} goto ${chain}-astray
${each((protocol) => `meta l4proto ${protocol} ct status dnat ${inbound('meta l4proto')} @${chain}-live return`)}\
    goto ${chain}-started
  }
  # ... and out of the LAN, if somebody else translates what an inside host has started; what is under way is lost, not
  # ended, because an interface may be without its address for a moment
  chain ${chain}-astray {
    ${ours}
${each((protocol) => `meta l4proto ${protocol} ${outbound('meta l4proto')} @${chain}-live return`)}\
    ct state != new drop
    goto ${chain}-ended
  }
  # those that an inside host has started
  chain ${chain}-started {
    ${ours}
${config.externalAddress === null ? '' : moved(config) + passedOn(config)}${each((protocol) => `meta l4proto ${protocol} ${outbound('meta l4proto')} @${chain}-live return`)}\
    ct state related goto ${chain}-related
    goto ${chain}-ended
  }
  # an ICMP error passes as long as the connection that it is about
  chain ${chain}-related {
    ${ours}
${each((protocol) => `ip protocol icmp ct protocol ${protocol} ct status dnat ${inbound('ct protocol')} @${chain}-live return`)}\
${each((protocol) => `ip protocol icmp ct protocol ${protocol} ${outbound('ct protocol')} @${chain}-live return`)}\
    goto ${chain}-ended
  }
  chain ${chain}-ended {
    ${ours}
    meta l4proto tcp reject with tcp reset
    meta l4proto udp add @${chain}-stale { ct original ip saddr . ct original proto-src . ct original ip daddr . ct original proto-dst }
    reject
  }
${config.pinholes === null ? '' : pinholeForward(config, config.pinholes)}`;
}

/** The families of requests, and what they are called in the ruleset. */
const REQUESTS = {
  ipv4: { suffix: '', ip: 'ip' },
  ipv6: { suffix: '6', ip: 'ip6' },
} as const;
type Family = keyof typeof REQUESTS;

function senderSets({ chain }: RulesetConfig, family: Family): string {
  const set = (name: string, timeoutS: number, size: number) => `
  set ${chain}-${name}${REQUESTS[family].suffix} {
    comment "${MARK} ${chain}"
    type ${family}_addr . inet_service
    flags dynamic,timeout
    timeout ${timeoutS}s
    size ${size}
  }
`;
  return `
  # who has asked, and whose requests have passed connection tracking: address and port
${set('asked', SENDERS.askedS, SENDERS.most).slice(1)}${set('tracked', SENDERS.trackedS, 2 * SENDERS.most)}`;
}

/**
 * The kernel drops the first packet of each flow while the table of connection tracking is full, and some hosts can fill
 * it. A request that was lost there passes it by when it is repeated, and so does the answer. No other does, because
 * firewalls have rules that accept \`ct state new\` and \`established\` alone.
 */
function untracked(config: RulesetConfig): string {
  const { chain, listenPort, pinholes } = config;
  const ours = `comment "${MARK} ${chain}"`;
  const lans = interfaces(config);
  const families: readonly Family[] = pinholes === null ? ['ipv4'] : ['ipv4', 'ipv6'];
  const all = (rule: (family: Family, suffix: string, ip: string) => string): string =>
    families.map((family) => `    ${rule(family, REQUESTS[family].suffix, REQUESTS[family].ip)}\n`).join('');
  const request = (family: Family) => `iifname ${lans} meta nfproto ${family} udp dport ${listenPort}`;
  return `
  # a request that was lost because connection tracking is full passes it by when it is repeated
  chain ${chain}-arriving {
    ${ours}
    type filter hook prerouting priority raw; policy accept;
${all((family, suffix) => `${request(family)} fib daddr . iif type local goto ${chain}-asked${suffix}`)}  }
${families
  .map((family) => {
    const { suffix, ip } = REQUESTS[family];
    const sender = `${ip} saddr . udp sport`;
    return `\
  chain ${chain}-asked${suffix} {
    ${ours}
    ${sender} @${chain}-asked${suffix} ${sender} != @${chain}-tracked${suffix} update @${chain}-asked${suffix} { ${sender} } notrack accept
    add @${chain}-asked${suffix} { ${sender} }
  }
`;
  })
  .join('')}\
  chain ${chain}-tracked {
    ${ours}
    type filter hook prerouting priority ${TRACKED_PRIORITY}; policy accept;
${all(
  (family, suffix, ip) =>
    `${request(family)} ct state != untracked ${ip} saddr . udp sport @${chain}-asked${suffix} update @${chain}-tracked${suffix} { ${ip} saddr . udp sport }`,
)}  }
  chain ${chain}-answers {
    ${ours}
    type filter hook output priority raw; policy accept;
${all(
  (family, suffix, ip) =>
    `oifname ${lans} meta nfproto ${family} udp sport ${listenPort} ${ip} daddr . udp dport @${chain}-asked${suffix} ${ip} daddr . udp dport != @${chain}-tracked${suffix} notrack`,
)}  }
`;
}

function pinholeSet({ chain }: RulesetConfig): string {
  return `
  # protocol, address and port of each IPv6 pinhole in force; counts its packets
  set ${chain}-pinholes {
    comment "${MARK} ${chain}"
    type inet_proto . ipv6_addr . inet_service
    flags timeout
    counter
    size ${PINHOLES_SIZE}
  }

  # the same as ${chain}-stale, of flows whose pinhole is not in force any more
  set ${chain}-stale6 {
    comment "${MARK} ${chain}"
    type ipv6_addr . inet_service . ipv6_addr . inet_service
    flags dynamic,timeout
    timeout 1m
    size ${STALE_FLOWS}
  }
`;
}

function pinholeInput(config: RulesetConfig): string {
  const { chain, listenPort } = config;
  const lans = interfaces(config);
  return `\
    iifname ${lans} meta nfproto ipv6 udp dport ${listenPort} goto ${chain}-requests6
    iifname ${lans} meta nfproto ipv6 udp dport ${listenPort + 1} drop
`;
}

/** Over IPv6 version 2 is spoken, with the opcodes ANNOUNCE and MAP (RFC 6887 §7.1). */
function pinholeRequests({ chain }: RulesetConfig): string {
  const ours = `comment "${MARK} ${chain}"`;
  return `
  # the same over IPv6: PCP, whose header has 24 octets
  chain ${chain}-requests6 {
    ${ours}
    udp length < 10 drop
    @th,72,8 >= 128 drop
    @th,64,8 2 udp length < 32 drop
    @th,64,16 != { 0x200, 0x201 } limit rate over ${UNSUPPORTED_PER_SECOND}/second burst ${UNSUPPORTED_PER_SECOND} packets drop
    socket wildcard { 0, 1 } accept
    drop
  }
`;
}

/**
 * A connection is looked up by the host that answers it, which is the internal one also if somebody translates prefixes.
 */
function pinholeForward(config: RulesetConfig, { externalInterface }: PinholeRules): string {
  const { chain } = config;
  const lans = interfaces(config);
  const label = labelOf(chain);
  const ours = `comment "${MARK} ${chain}"`;
  const inForce = (protocol: 'meta l4proto' | 'ct protocol') =>
    `${protocol} . ct reply ip6 saddr . ct reply proto-src @${chain}-pinholes return`;
  return `
  # IPv6: the first packet of a connection from outside to a pinhole marks the connection, for the firewall to accept
  chain ${chain}-forward6 {
    ${ours}
    type filter hook forward priority ${PINHOLE_PRIORITY}; policy accept;
    meta nfproto ipv6 ct label ${label} goto ${chain}-live6
    iifname ${quoted(externalInterface)} oifname ${lans} ct state new meta l4proto { tcp, udp } meta l4proto . ip6 daddr . th dport @${chain}-pinholes ct label set ${label}
  }
  # ... which leads into a LAN, and ends with the pinhole
  chain ${chain}-live6 {
    ${ours}
    ct direction original oifname != ${lans} drop
${each((protocol) => `meta l4proto ${protocol} ${inForce('meta l4proto')}`)}\
    ct state related goto ${chain}-related6
    goto ${chain}-ended6
  }
  chain ${chain}-related6 {
    ${ours}
${each((protocol) => `meta l4proto icmpv6 ct protocol ${protocol} ${inForce('ct protocol')}`)}\
    goto ${chain}-ended6
  }
  chain ${chain}-ended6 {
    ${ours}
    meta l4proto tcp reject with tcp reset
    meta l4proto udp add @${chain}-stale6 { ct original ip6 saddr . ct original proto-src . ct original ip6 daddr . ct original proto-dst }
    reject
  }
`;
}

/** Packets for the address that clients are told. */
function toExternal(config: RulesetConfig): string {
  const externalAddress = ownAddress(config);
  return externalAddress === null
    ? 'fib daddr . iif type local'
    : `ip daddr ${formatIpv4(externalAddress)} fib daddr type local`;
}

/** The address that is told and the router's; null: those of the external interface. */
function ownAddress({ externalAddress, isAddressHere }: RulesetConfig): Ipv4 | null {
  return isAddressHere ? externalAddress : null;
}

function sourceNat(config: RulesetConfig): string {
  const externalAddress = ownAddress(config);
  return externalAddress === null ? 'masquerade to' : `snat ip to ${formatIpv4(externalAddress)}`;
}

/**
 * A UDP flow that the routes lead to another interface, as to a second provider, where its address is a stranger's: the
 * helper deletes it, so that its next packet begins it again as one of that interface. The kernel does so itself with
 * masqueraded flows alone. A TCP connection cannot go on from another address: it waits for the interface to be back.
 */
function moved({ chain, externalInterface }: RulesetConfig): string {
  const flow = 'ct original ip saddr . ct original proto-src . ct original ip daddr . ct original proto-dst';
  return `    meta l4proto udp ct status snat ct direction original oifname != ${quoted(externalInterface)} ${outbound('meta l4proto')} @${chain}-live add @${chain}-stale { ${flow} }\n`;
}

/**
 * What LAN hosts send to a router in front of this one, by the address that clients are told, and no mapping has
 * translated: an earlier kernel marks that, too, and it does not end with a mapping.
 */
function passedOn({ hairpin, looksIntoMaps, externalAddress }: RulesetConfig): string {
  const isMarked = hairpin && !looksIntoMaps && externalAddress !== null;
  return isMarked ? `    ct reply ip saddr ${formatIpv4(externalAddress)} return\n` : '';
}

/**
 * For a flow whose port another host holds outside: the address that all have outside, and a port that may be ours. The
 * administrator's rule, which would choose both, comes too late for it, and would keep the port.
 */
function anotherPort(config: RulesetConfig): string {
  const { allowedPorts } = config;
  const externalAddress = ownAddress(config);
  const nat = externalAddress === null ? 'masquerade' : `snat ip to ${formatIpv4(externalAddress)}`;
  const size = ({ from, to }: PortRange): number => to - from;
  const { from, to } = allowedPorts.reduce((widest, range) => (size(range) > size(widest) ? range : widest));
  const isRestricted = (from > UNPRIVILEGED.from || to < UNPRIVILEGED.to) && to - from + 1 >= LEAST_CHOICE;
  if (!isRestricted) return `${nat} random`;
  return externalAddress === null ? `masquerade to :${from}-${to} random` : `${nat}:${from}-${to} random`;
}

/**
 * LAN hosts that ask for the external address: the one that clients are told, also if a router in front of this one has
 * it; and any local one that is not known to be on another interface, if the one that is told is not here.
 */
function hairpinInbound(config: RulesetConfig, mapped: string): string {
  const { chain, externalAddress } = config;
  const lans = interfaces(config);
  const inbound = `goto ${chain}-inbound`;
  const learn = `    iifname != ${quoted(config.externalInterface)} meta nfproto ipv4 fib daddr . iif type local update @${chain}-inside { ip daddr } accept\n`;
  const own = ownAddress(config);
  const local = `    iifname ${lans} ${mapped} fib daddr type local ip daddr ${own === null ? `!= @${chain}-inside` : formatIpv4(own)} ${inbound}\n`;
  if (externalAddress === null) return learn + local;
  // As many rules whether it is here or not, because the helper takes fewer for a loss.
  return `    iifname ${lans} ${mapped} ip daddr ${formatIpv4(externalAddress)} ${inbound}\n${learn}${local}`;
}

/**
 * Back into the LAN they came from: without this the answer would go to the client directly, from the wrong address.
 */
function hairpinOutbound({ listenInterfaces }: RulesetConfig, label: number): string {
  return listenInterfaces
    .map((name) => `    iifname ${quoted(name)} oifname ${quoted(name)} ct label ${label} ct status dnat masquerade\n`)
    .join('');
}

/** The interfaces that face the Internet, of either family. */
function outside({ externalInterface, pinholes }: RulesetConfig): string {
  const ofIpv6 = pinholes?.externalInterface ?? externalInterface;
  return ofIpv6 === externalInterface
    ? quoted(externalInterface)
    : `{ ${quoted(externalInterface)}, ${quoted(ofIpv6)} }`;
}

function interfaces({ listenInterfaces }: RulesetConfig): string {
  const [only = ''] = listenInterfaces;
  return listenInterfaces.length === 1 ? quoted(only) : `{ ${listenInterfaces.map(quoted).join(', ')} }`;
}

/** The key of a connection from outside in the set of mappings in force: by its own addresses, in either direction. */
function inbound(protocol: 'meta l4proto' | 'ct protocol'): string {
  return `${protocol} . ct reply ip saddr . ct reply proto-src . ct original proto-dst`;
}

/** The same for one that began at the inside host. */
function outbound(protocol: 'meta l4proto' | 'ct protocol'): string {
  return `${protocol} . ct original ip saddr . ct original proto-src . ct reply proto-dst`;
}

/**
 * nft 1.0.6 takes \`proto-src\` and \`proto-dst\` of a connection only where the rule has fixed the protocol before; and
 * what it lists has to be what it takes.
 */
function each(rule: (protocol: 'tcp' | 'udp') => string): string {
  return (['tcp', 'udp'] as const).map((protocol) => `    ${rule(protocol)}\n`).join('');
}

/** Interface names hold no quote and no backslash: config/names.ts refuses them. */
function quoted(name: string): string {
  return `"${name}"`;
}
