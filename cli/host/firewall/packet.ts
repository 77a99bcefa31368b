// The packets that a firewall is judged for: the first packets of connections from outside to mapped ports, or to IPv6
// pinholes, or requests of LAN hosts, at a stage of their way through the kernel. And the value of a rule's expression for them, as far as all of them share it. Pure.

import type { Protocol } from '../../../proto/mapping.js';
import { PROTOCOL_NUMBER } from '../../../proto/mapping.js';
import type { Fields, Json } from '../nft-json.js';
import { fields, listOf, textOf } from '../nft-json.js';
import type { Range } from './range.js';
import { numberOf } from './range.js';

/** The stage in the kernel. The values of expressions depend on it. */
export type Stage = 'untracked' | 'untranslated' | 'translated' | 'forward' | 'leaving';

export interface Packets {
  readonly stage: Stage;
  readonly protocol: Protocol;
  /**
   * They are requests: `from` is a LAN, the addresses and ports that are called external are the router's own there, and
   * nothing is translated. A socket takes them.
   */
  readonly isRequest?: true;
  /**
   * They are answers to such requests, and what connection tracking takes them for: `from` is nothing, `to` the LAN, and
   * the rest as in requests.
   */
  readonly answer?: 'established' | 'new';
  /** They are sent to a group, and not to an address of the router. */
  readonly isMulticast?: boolean;
  /** The external interface; null if it is not known. */
  readonly from: string | null;
  /** The LAN interface. */
  readonly to: string | null;
  readonly sources: readonly Range[];
  /** The router's external addresses; null if they are not known. */
  readonly externalAddresses: readonly Range[] | null;
  readonly hosts: readonly Range[] | null;
  readonly externalPorts: readonly Range[];
  readonly internalPorts: readonly Range[];
  /** The only default route leads out of the interface where they come in. */
  readonly isOnlyRoute: boolean;
  /** Interface groups, by interface. */
  readonly groups: ReadonlyMap<string, number>;
  /** Of IPv6: of their addresses nothing is known, and nothing is translated. Null: of IPv4. */
  readonly ipv6: {
    /** The conntrack label that they have; null for none. */
    readonly label: number | null;
  } | null;
}

export type Value =
  /** One value for all packets, in each notation. */
  | { readonly kind: 'one'; readonly names: readonly Json[] }
  /** Every number in these ranges occurs. */
  | { readonly kind: 'spread'; readonly ranges: readonly Range[]; readonly isSource: boolean }
  /** Flags that are set, and those that may be; `isWhole` if all possible flags have a name. */
  | {
      readonly kind: 'flags';
      readonly set: readonly string[];
      readonly open: readonly string[];
      readonly isWhole: boolean;
    }
  | { readonly kind: 'tuple'; readonly values: readonly Value[] }
  /** Differs from packet to packet, in an unknown way. */
  | { readonly kind: 'varies'; readonly isSource: boolean }
  /** A value that few packets have. */
  | { readonly kind: 'rare' }
  /** The packets do not have it: no rule with this expression matches, whatever it compares with. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown' };

const ABSENT: Value = { kind: 'absent' };
const UNKNOWN: Value = { kind: 'unknown' };
const VARIES: Value = { kind: 'varies', isSource: false };
const FROM_SENDER: Value = { kind: 'varies', isSource: true };
const RARE: Value = { kind: 'rare' };
const one = (...names: readonly Json[]): Value => ({ kind: 'one', names });
const name = (known: string | null): Value => (known === null ? UNKNOWN : one(known));
const spread = (ranges: readonly Range[] | null, isSource = false): Value =>
  ranges === null ? UNKNOWN : { kind: 'spread', ranges, isSource };
const flags = (set: readonly string[], open: readonly string[] = [], isWhole = true): Value => ({
  kind: 'flags',
  set,
  open,
  isWhole,
});

const ANY_PORT: readonly Range[] = [[1, 65535]];

/** No packet has this label. */
const NO_LABEL = -1;

const isTranslated = ({ stage }: Packets): boolean => stage !== 'untracked' && stage !== 'untranslated';
const isRouted = ({ stage }: Packets): boolean => stage === 'forward' || stage === 'leaving';
const destination = (packets: Packets): readonly Range[] | null =>
  isTranslated(packets) ? packets.hosts : packets.externalAddresses;
const destinationPorts = (packets: Packets): readonly Range[] =>
  isTranslated(packets) ? packets.internalPorts : packets.externalPorts;

export function operandOf(expression: Json, packets: Packets): Value {
  const [[kind = '', inner = null] = []] = Object.entries(fields(expression));
  if (kind === 'ct' && isOfOtherFamily(textOf(fields(inner)['key']), packets)) return ABSENT;
  const ofAnswer = packets.answer === undefined ? null : answerValue(kind, fields(inner), packets);
  if (ofAnswer !== null) return ofAnswer;
  switch (kind) {
    case 'meta':
      return metaValue(textOf(fields(inner)['key']), packets);
    case 'ct':
      return ctValue(textOf(fields(inner)['key']), textOf(fields(inner)['dir']), packets);
    case 'payload':
      return payloadValue(textOf(fields(inner)['protocol']), textOf(fields(inner)['field']), packets);
    case 'fib':
      return fibValue(fields(inner), packets);
    case 'concat':
      return tuple(listOf(inner).map((part) => operandOf(part, packets)));
    case '&':
      return masked(listOf(inner), packets);
    case 'ip option':
      return RARE;
    case 'tcp option':
      return packets.protocol === 'tcp' ? VARIES : ABSENT;
    case 'osf':
    case 'jhash':
    case 'symhash':
      return VARIES;
    // Only in IPv6, in other protocols, or in packets of this host's own sockets.
    case 'exthdr':
    case 'sctp chunk':
    case 'dccp option':
    case 'ipsec':
      return ABSENT;
    case 'socket':
      return packets.isRequest === true ? UNKNOWN : ABSENT;
    default:
      return UNKNOWN;
  }
}

/** "ip saddr" of a connection of IPv6, or the other way around. */
function isOfOtherFamily(key: string, { ipv6 }: Packets): boolean {
  return key.startsWith(ipv6 === null ? 'ip6 ' : 'ip ');
}

function tuple(values: readonly Value[]): Value {
  return values.some(({ kind }) => kind === 'absent') ? ABSENT : { kind: 'tuple', values };
}

function metaValue(key: string, packets: Packets): Value {
  const { protocol } = packets;
  switch (key) {
    case 'iifname':
    case 'iif':
      return name(packets.from);
    // Without an output interface, the name is empty and the index is 0.
    case 'oifname':
      return isRouted(packets) ? name(packets.to) : one('');
    case 'oif':
      return isRouted(packets) ? name(packets.to) : one('0');
    case 'iifgroup':
      return group(packets.from, packets);
    case 'oifgroup':
      return isRouted(packets) ? group(packets.to, packets) : UNKNOWN;
    case 'nfproto':
      return one(packets.ipv6 === null ? 'ipv4' : 'ipv6');
    case 'protocol':
      return one(packets.ipv6 === null ? 'ip' : 'ip6');
    case 'l4proto':
      return one(protocol, PROTOCOL_NUMBER[protocol]);
    case 'pkttype':
      return one(packets.isMulticast === true ? 'multicast' : 'host');
    case 'length':
      return spread([[28, 1500]]);
    case 'ipsec':
    case 'secpath':
      return one(false);
    case 'skuid':
    case 'skgid':
    case 'cgroup':
      return ABSENT;
    case 'cpu':
      return VARIES;
    default:
      return UNKNOWN;
  }
}

/** Groups other than 0 may have a name in iproute2's files, which are not read here. */
function group(interfaceName: string | null, { groups }: Packets): Value {
  return interfaceName !== null && groups.get(interfaceName) === 0 ? one('default', 0) : UNKNOWN;
}

/** The key `xt state` is the state as iptables matches it: with translation. */
function ctValue(key: string, direction: string, packets: Packets): Value {
  if (packets.stage === 'untracked') return key === 'state' || key === 'xt state' ? flags(['invalid']) : ABSENT;
  const isOfMapping = packets.ipv6 === null;
  const translations = isOfMapping && isTranslated(packets) ? ['dnat'] : [];
  const open = isOfMapping && packets.stage === 'leaving' ? ['snat'] : [];
  switch (key) {
    case 'state':
      return flags(['new']);
    // From the translation on, it may have bits that have no name in nft.
    case 'status':
      return flags(translations, open, translations.length === 0);
    case 'xt state':
      return flags(['new', ...translations], open);
    case 'direction':
      return one('original', 0);
    case 'l3proto':
      return one(isOfMapping ? 'ipv4' : 'ipv6');
    case 'label':
      return packets.ipv6 === null ? UNKNOWN : one(packets.ipv6.label ?? NO_LABEL);
    case 'protocol':
      return one(packets.protocol, PROTOCOL_NUMBER[packets.protocol]);
    case 'helper':
      return ABSENT;
    case 'bytes':
    case 'packets':
    case 'avgpkt':
      return RARE;
    default:
      return isOfMapping ? tupleValue(key.replace(/^ip /, ''), direction, packets) : ipv6TupleValue(key, direction);
  }
}

/** Addresses and ports in connection tracking. */
function tupleValue(key: string, direction: string, packets: Packets): Value {
  const { sources, externalAddresses, externalPorts, hosts, internalPorts } = packets;
  switch (`${direction} ${key}`) {
    case 'original saddr':
    case 'reply daddr':
      return spread(sources, true);
    case 'original daddr':
      return spread(externalAddresses);
    case 'original proto-dst':
      return spread(externalPorts);
    case 'original proto-src':
    case 'reply proto-dst':
      return spread(ANY_PORT, true);
    case 'reply saddr':
      return isTranslated(packets) ? spread(hosts) : spread(externalAddresses);
    case 'reply proto-src':
      return isTranslated(packets) ? spread(internalPorts) : spread(externalPorts);
    default:
      return UNKNOWN;
  }
}

function ipv6TupleValue(key: string, direction: string): Value {
  const isOfSender = (direction === 'original') === /saddr|proto-src/.test(key);
  if (/^proto-(src|dst)$/.test(key)) return spread(ANY_PORT, isOfSender);
  return /^(ip6 )?[sd]addr$/.test(key) ? { kind: 'varies', isSource: isOfSender } : UNKNOWN;
}

function payloadValue(layer: string, field: string, packets: Packets): Value {
  switch (layer) {
    case 'ip':
      return packets.ipv6 === null ? ipValue(field, packets) : ABSENT;
    case 'ip6':
      return packets.ipv6 === null ? ABSENT : ipv6Value(field, packets);
    case 'ether':
      return FROM_SENDER;
    case 'vlan':
      return UNKNOWN;
    case 'tcp':
    case 'udp':
    case 'th':
      if (layer !== 'th' && layer !== packets.protocol) return ABSENT;
      if (field === 'dport') return spread(destinationPorts(packets));
      if (field === 'sport') return spread(ANY_PORT, true);
      // The first packet of a connection; it may offer ECN.
      return field === 'flags' ? flags(['syn'], ['ecn', 'cwr']) : VARIES;
    case '':
      return UNKNOWN;
    default:
      return ABSENT; // ICMP and others
  }
}

function ipValue(field: string, packets: Packets): Value {
  switch (field) {
    case 'saddr':
      return spread(packets.sources, true);
    case 'daddr':
      return spread(destination(packets));
    case 'protocol':
      return one(packets.protocol, PROTOCOL_NUMBER[packets.protocol]);
    case 'version':
      return one(4);
    case 'hdrlength':
      return one(5);
    case 'length':
      return spread([[28, 1500]]);
    case 'ttl':
      return spread([[2, 255]]);
    default:
      return VARIES;
  }
}

function ipv6Value(field: string, { protocol }: Packets): Value {
  switch (field) {
    case 'saddr':
      return FROM_SENDER;
    case 'nexthdr':
      return one(protocol, PROTOCOL_NUMBER[protocol]);
    case 'version':
      return one(6);
    case 'length':
      return spread([[8, 1460]]);
    case 'hoplimit':
      return spread([[2, 255]]);
    default:
      return VARIES;
  }
}

/** The routing table: for the packets' destination, and for their source. */
function fibValue(asked: Fields, packets: Packets): Value {
  const keys = listOf(asked['flags']);
  const isSource = keys.includes('saddr');
  if (asked['result'] === 'type') {
    if (isSource || isTranslated(packets)) return one('unicast');
    return one(packets.isMulticast === true ? 'multicast' : 'local');
  }
  if (isSource) return packets.isOnlyRoute && packets.from !== null ? one(true, packets.from) : UNKNOWN;
  return isTranslated(packets) && packets.to !== null ? one(true, packets.to) : UNKNOWN;
}

/** Where answers differ from requests: they are sent by the router itself. Null if they do not. */
function answerValue(kind: string, asked: Fields, packets: Packets): Value | null {
  const [key, direction] = [textOf(asked['key']), textOf(asked['dir'])];
  switch (kind) {
    case 'meta':
      return answerMeta(key, packets);
    case 'ct':
      return packets.stage === 'untracked' ? null : answerCt(key, direction, packets);
    case 'payload':
      return answerPayload(textOf(asked['protocol']), textOf(asked['field']), packets);
    case 'fib': {
      const keys = listOf(asked['flags']);
      if (keys.includes('iif')) return UNKNOWN;
      if (asked['result'] === 'type') return one(keys.includes('saddr') ? 'local' : 'unicast');
      return keys.includes('saddr') || packets.to === null ? UNKNOWN : one(true, packets.to);
    }
    default:
      return null;
  }
}

function answerMeta(key: string, packets: Packets): Value | null {
  switch (key) {
    // Without an input interface, as without an output interface above.
    case 'iifname':
      return one('');
    case 'iif':
      return one('0');
    case 'oifname':
    case 'oif':
      return name(packets.to);
    case 'oifgroup':
      return group(packets.to, packets);
    // Who has opened the socket, and what else is known of it.
    case 'iifgroup':
    case 'skuid':
    case 'skgid':
    case 'cgroup':
      return UNKNOWN;
    default:
      return null;
  }
}

function answerCt(key: string, direction: string, packets: Packets): Value | null {
  const { answer = 'new', ipv6, hosts, externalAddresses, externalPorts } = packets;
  switch (key) {
    case 'state':
    case 'xt state':
      return flags([answer]);
    case 'status':
      return answer === 'new' ? flags([]) : flags(['seen-reply', 'confirmed'], ['assured'], false);
    case 'direction':
      return answer === 'new' ? one('original', 0) : one('reply', 1);
    case 'protocol':
    case 'l3proto':
    case 'bytes':
    case 'packets':
    case 'avgpkt':
      return null;
    default:
  }
  // In this direction the router is the source.
  const isOwn = (direction === 'original') === (answer === 'new');
  switch (key.replace(/^ip6? /, '')) {
    case 'saddr':
    case 'daddr':
      if (ipv6 !== null) return UNKNOWN;
      return spread(key.endsWith('saddr') === isOwn ? externalAddresses : hosts);
    case 'proto-src':
    case 'proto-dst':
      return spread(key.endsWith('src') === isOwn ? externalPorts : ANY_PORT);
    default:
      return UNKNOWN;
  }
}

function answerPayload(layer: string, field: string, packets: Packets): Value | null {
  const { protocol, ipv6, hosts, externalAddresses, externalPorts } = packets;
  switch (`${layer} ${field}`) {
    case 'ip saddr':
      return ipv6 === null ? spread(externalAddresses) : ABSENT;
    case 'ip daddr':
      return ipv6 === null ? spread(hosts) : ABSENT;
    case 'ip ttl':
      return VARIES;
    case 'ip6 saddr':
    case 'ip6 daddr':
      return ipv6 === null ? ABSENT : UNKNOWN;
    case 'ip6 hoplimit':
      return ipv6 === null ? ABSENT : VARIES;
    default:
  }
  if (layer === 'ether') return UNKNOWN;
  if (layer !== 'th' && layer !== protocol) return null;
  switch (field) {
    case 'sport':
      return spread(externalPorts);
    case 'dport':
      return spread(ANY_PORT);
    case 'flags':
      return flags(['syn', 'ack'], ['ecn', 'cwr']);
    default:
      return null;
  }
}

function masked([inner = null, mask = null]: readonly Json[], packets: Packets): Value {
  const value = operandOf(inner, packets);
  if (fields(fields(inner)['payload'])['field'] === 'frag-off') return fragment(mask);
  if (value.kind === 'flags') {
    const names = Array.isArray(mask) ? listOf(mask) : listOf(fields(mask)['|'] ?? [mask]);
    const chosen = (all: readonly string[]): readonly string[] => all.filter((each) => names.includes(each));
    return names.every((each) => typeof each === 'string') ? flags(chosen(value.set), chosen(value.open)) : UNKNOWN;
  }
  const bits = numberOf(mask);
  const [range] = value.kind === 'spread' && value.ranges.length === 1 ? value.ranges : [];
  if (range !== undefined && bits !== null && range[0] === range[1])
    return spread([[(range[0] & bits) >>> 0, (range[0] & bits) >>> 0]]);
  return value.kind === 'spread'
    ? { kind: 'varies', isSource: value.isSource }
    : value.kind === 'one'
      ? UNKNOWN
      : value;
}

/**
 * Connection tracking has reassembled fragments, and a first packet is hardly ever one. The field also has the bit DF.
 */
function fragment(mask: Json): Value {
  return typeof mask === 'number' && (mask & 0x4000) === 0 ? one(0) : VARIES;
}
