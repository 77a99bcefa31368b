// rtnetlink(7): requests to bytes, messages from the kernel to values. Pure and total: malformed input gives no
// messages, never an error. Headers are in host byte order, addresses in network byte order. Layouts: linux/netlink.h,
// rtnetlink.h, if_addr.h, neighbour.h.
//
// helper/nft/netlink.ts has a second walk over messages and attributes, on purpose: it returns offsets instead of
// objects, for long dumps, and the privileged process keeps its own decoder rather than share these few lines.

import type { Ipv4, Ipv6 } from '../../proto/mapping.js';
import type { Mac } from '../../config/types.js';
import { isInPrefix } from '../../config/rules.js';
import { addressKind } from '../../config/public-address.js';
import { putUint32, uint32 } from '../bytes.js';

export const DUMP = { LINKS: 18, ADDRESSES: 22 } as const; // RTM_GETLINK, RTM_GETADDR

export type RouteMessage = {
  /** That of the request; for an event, that of the request that caused it. */
  readonly sequence: number;
  /** Part of a multipart message, so of a dump (NLM_F_MULTI). */
  readonly isPart: boolean;
  /** The table changed during the dump, which may be inconsistent (NLM_F_DUMP_INTR). */
  readonly isInterrupted: boolean;
} & RouteContent;

export type RouteContent =
  | ({ readonly kind: 'link' } & Link)
  | ({ readonly kind: 'address' } & InterfaceAddress)
  | { readonly kind: 'ipv6-address'; readonly index: number; readonly address: Ipv6 }
  | ({ readonly kind: 'neighbour' } & Neighbour<Ipv4>)
  | ({ readonly kind: 'ipv6-neighbour' } & Neighbour<Ipv6>)
  | ({ readonly kind: 'route' } & Route)
  | ({ readonly kind: 'ipv6-route' } & Ipv6Route)
  | ({ readonly kind: 'next-hop' } & NextHop)
  | ({ readonly kind: 'next-hop-object' } & NextHopObject)
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly errno: number }
  | { readonly kind: 'other' };

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Its hosts have hardware addresses of six bytes, which the kernel asks for: not a tunnel, nor PPP. */
  readonly isEthernet: boolean;
  /** The interface whose link it shares, as a macvlan or ipvlan does; null for any other. */
  readonly lowerIndex: number | null;
}

export interface InterfaceAddress {
  readonly index: number;
  readonly address: Ipv4;
  /** The network that the link reaches: the address's own, on a point-to-point link the peer's (IFA_ADDRESS). */
  readonly network: { readonly address: Ipv4; readonly length: number };
  /** Usable as the external address: of global scope, and not secondary in its subnet. */
  readonly isPrimary: boolean;
}

/** The answer to a route lookup (`encodeLookup`). */
export interface NextHop {
  /** Null if the destination is on the link itself. */
  readonly gateway: Ipv4 | null;
  /** False if no route leads there: the kernel then assumes that the destination is on the link. */
  readonly isRouted: boolean;
}

/** A host on a link. */
export interface Neighbour<A> {
  readonly index: number;
  /** 0.0.0.0 for all hosts of a point-to-point link. */
  readonly address: A;
  /** Null if the kernel does not know it yet, or if it is not an Ethernet address. */
  readonly mac: Mac | null;
  /** The kernel sends to it at once (NUD_VALID), without asking for its hardware address first. */
  readonly isResolved: boolean;
}

/** An entry of a routing table. */
export interface Route {
  /** Of its destination. */
  readonly prefixLength: number;
  /** To hosts (RTN_UNICAST): not to a local, broadcast or multicast address, and not refused. */
  readonly isUnicast: boolean;
  /** The interfaces that it leaves by; several of a multipath route. */
  readonly interfaces: readonly number[];
  /** The nexthop object that it leads to, if the kernel names no interface (net.ipv4.nexthop_compat_mode=0). */
  readonly nextHopId?: number;
}

/** What a route may lead to, told by its number (ip-nexthop(8), linux/nexthop.h). */
export interface NextHopObject {
  /** Null of a group, and of one that discards. */
  readonly index: number | null;
  readonly gateway: Ipv6 | null;
  /** The numbers of those that a group has. */
  readonly members: readonly number[];
}

export interface Ipv6Route extends Route {
  /** The router that leads there; null for a host on the link. Of a multipath route, the first one. */
  readonly gateway: Ipv6 | null;
}

/** Address families: AF_INET, AF_INET6. */
export const FAMILY = { IPV4: 2, IPV6: 10 } as const;
type FamilyNumber = (typeof FAMILY)[keyof typeof FAMILY];

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const TYPE = {
  ERROR: 2,
  DONE: 3,
  NEW_LINK: 16,
  NEW_ADDRESS: 20,
  NEW_ROUTE: 24,
  NEW_NEIGHBOUR: 28,
  NEW_NEXT_HOP: 104,
} as const;
const FLAG = { REQUEST: 1, MULTI: 2, DUMP_INTERRUPTED: 16, DUMP: 0x300 } as const;
const IFLA = { NAME: 3, LINK: 5, LINKINFO: 18, LINK_NETNSID: 37 } as const;
const INFO = { KIND: 1, DATA: 2 } as const; // IFLA_INFO_*
const IFLA_MACVLAN_MODE = 1;
/** A macvlan that has only what these senders' hardware addresses send. */
const MACVLAN_MODE_SOURCE = 16;
/** Kinds of interfaces that have the hosts of another one's link. */
const SHARING: readonly string[] = ['macvlan', 'macvtap', 'ipvlan', 'ipvtap'];
const IFA = { ADDRESS: 1, LOCAL: 2 } as const;
const NDA = { DESTINATION: 1, LINK_LAYER_ADDRESS: 2 } as const;
const RTA = { DESTINATION: 1, INTERFACE: 4, GATEWAY: 5, MULTIPATH: 9, TABLE: 15, NEXT_HOP_ID: 30 } as const;
const NHA = { ID: 1, GROUP: 2, INTERFACE: 5, GATEWAY: 6 } as const;
const GET_NEIGHBOUR = 30; // RTM_GETNEIGH
const GET_NEXT_HOP = 106; // RTM_GETNEXTHOP
const GET_ROUTE = 26; // RTM_GETROUTE
/** rtm_flags: the message answers a lookup; and, in the request, name the table that the route is from. */
const RTM_F_CLONED = 0x200;
const RTM_F_LOOKUP_TABLE = 0x1000;
/** NUD_REACHABLE, STALE, DELAY, PROBE, NOARP and PERMANENT (NUD_VALID in net/neighbour.h). */
const NUD_VALID = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80;
const RTN_UNICAST = 1;
/** Answer a request for one destination with the entry of the table that applies to it. */
const RTM_F_FIB_MATCH = 0x2000;
const NEXT_HOP_BYTES = 8; // struct rtnexthop
const NEXT_HOP_BODY_BYTES = 8; // struct nhmsg
const GROUP_MEMBER_BYTES = 8; // struct nexthop_grp
const IFA_F_SECONDARY = 1;
const RT_SCOPE_UNIVERSE = 0;
const HEADER_BYTES = 16;
const LINK_BODY_BYTES = 16; // struct ifinfomsg
const ADDRESS_BODY_BYTES = 8; // struct ifaddrmsg
const NEIGHBOUR_BODY_BYTES = 12; // struct ndmsg
const ROUTE_BODY_BYTES = 12; // struct rtmsg
const ATTRIBUTE_BYTES = 4; // struct rtattr
const ARPHRD_ETHER = 1;
const IFF_NOARP = 0x80;

/** A request for all links, or for all addresses of a family. */
export function encodeDump(
  type: (typeof DUMP)[keyof typeof DUMP],
  sequence: number,
  family: FamilyNumber = FAMILY.IPV4,
): Uint8Array {
  const isLinks = type === DUMP.LINKS;
  const bytes = new Uint8Array(HEADER_BYTES + (isLinks ? LINK_BODY_BYTES : ADDRESS_BODY_BYTES));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, LITTLE_ENDIAN);
  view.setUint16(4, type, LITTLE_ENDIAN);
  view.setUint16(6, FLAG.REQUEST | FLAG.DUMP, LITTLE_ENDIAN);
  view.setUint32(8, sequence, LITTLE_ENDIAN);
  bytes[HEADER_BYTES] = isLinks ? 0 : family;
  return bytes;
}

/** A request for the neighbour entry of one host on one link (since Linux 5.0). */
export function encodeNeighbour(index: number, host: Ipv4 | Ipv6, sequence: number): Uint8Array {
  const address = addressBytes(host);
  const bytes = new Uint8Array(HEADER_BYTES + NEIGHBOUR_BODY_BYTES + ATTRIBUTE_BYTES + address.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, LITTLE_ENDIAN);
  view.setUint16(4, GET_NEIGHBOUR, LITTLE_ENDIAN);
  view.setUint16(6, FLAG.REQUEST, LITTLE_ENDIAN);
  view.setUint32(8, sequence, LITTLE_ENDIAN);
  bytes[HEADER_BYTES] = familyOf(host);
  view.setUint32(HEADER_BYTES + 4, index, LITTLE_ENDIAN);
  putAttribute(bytes, HEADER_BYTES + NEIGHBOUR_BODY_BYTES, NDA.DESTINATION, address);
  return bytes;
}

/** A lookup: by which route a packet to `destination` leaves by the interface. No packet is sent. */
export function encodeLookup(index: number, destination: Ipv4, sequence: number): Uint8Array {
  const bytes = routeRequest(destination, RTM_F_LOOKUP_TABLE, sequence, 8);
  const view = new DataView(bytes.buffer);
  const at = bytes.length - 8;
  view.setUint16(at, 8, LITTLE_ENDIAN);
  view.setUint16(at + 2, RTA.INTERFACE, LITTLE_ENDIAN);
  view.setUint32(at + 4, index, LITTLE_ENDIAN);
  return bytes;
}

/** A request for all entries of a family in the neighbour table. */
export function encodeNeighbourDump(sequence: number, family: FamilyNumber = FAMILY.IPV4): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + NEIGHBOUR_BODY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, LITTLE_ENDIAN);
  view.setUint16(4, GET_NEIGHBOUR, LITTLE_ENDIAN);
  view.setUint16(6, FLAG.REQUEST | FLAG.DUMP, LITTLE_ENDIAN);
  view.setUint32(8, sequence, LITTLE_ENDIAN);
  bytes[HEADER_BYTES] = family;
  return bytes;
}

/**
 * Requests for the entry of the routing tables that applies to each of these hosts (since Linux 4.13), with sequence
 * numbers from this one on. The kernel answers them one after the other.
 */
export function encodeRouteLookups(hosts: readonly (Ipv4 | Ipv6)[], sequence: number): Uint8Array {
  return Buffer.concat(hosts.map((host, index) => routeRequest(host, RTM_F_FIB_MATCH, sequence + index, 0)));
}

/** Requests for these nexthop objects (since Linux 5.3), with sequence numbers from this one on. */
export function encodeNextHops(ids: readonly number[], sequence: number): Uint8Array {
  const length = HEADER_BYTES + NEXT_HOP_BODY_BYTES + ATTRIBUTE_BYTES + 4;
  const bytes = new Uint8Array(length * ids.length);
  const view = new DataView(bytes.buffer);
  for (const [index, id] of ids.entries()) {
    const at = index * length;
    view.setUint32(at, length, LITTLE_ENDIAN);
    view.setUint16(at + 4, GET_NEXT_HOP, LITTLE_ENDIAN);
    view.setUint16(at + 6, FLAG.REQUEST, LITTLE_ENDIAN);
    view.setUint32(at + 8, sequence + index, LITTLE_ENDIAN);
    view.setUint16(at + length - 8, 8, LITTLE_ENDIAN);
    view.setUint16(at + length - 6, NHA.ID, LITTLE_ENDIAN);
    view.setUint32(at + length - 4, id, LITTLE_ENDIAN);
  }
  return bytes;
}

/** RTM_GETROUTE for one destination; `more`: room at its end, in bytes. */
function routeRequest(destination: Ipv4 | Ipv6, flags: number, sequence: number, more: number): Uint8Array {
  const address = addressBytes(destination);
  const bytes = new Uint8Array(HEADER_BYTES + ROUTE_BODY_BYTES + ATTRIBUTE_BYTES + address.length + more);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, LITTLE_ENDIAN);
  view.setUint16(4, GET_ROUTE, LITTLE_ENDIAN);
  view.setUint16(6, FLAG.REQUEST, LITTLE_ENDIAN);
  view.setUint32(8, sequence, LITTLE_ENDIAN);
  bytes[HEADER_BYTES] = familyOf(destination);
  bytes[HEADER_BYTES + 1] = 8 * address.length; // rtm_dst_len
  view.setUint32(HEADER_BYTES + 8, flags, LITTLE_ENDIAN);
  putAttribute(bytes, HEADER_BYTES + ROUTE_BODY_BYTES, RTA.DESTINATION, address);
  return bytes;
}

function familyOf(address: Ipv4 | Ipv6): FamilyNumber {
  return typeof address === 'number' ? FAMILY.IPV4 : FAMILY.IPV6;
}

function addressBytes(address: Ipv4 | Ipv6): Uint8Array {
  if (typeof address === 'string') return Buffer.from(address, 'hex');
  const bytes = new Uint8Array(4);
  putUint32(bytes, 0, address);
  return bytes;
}

function putAttribute(bytes: Uint8Array, at: number, type: number, value: Uint8Array): void {
  const view = new DataView(bytes.buffer);
  view.setUint16(at, ATTRIBUTE_BYTES + value.length, LITTLE_ENDIAN);
  view.setUint16(at + 2, type, LITTLE_ENDIAN);
  bytes.set(value, at + ATTRIBUTE_BYTES);
}

/** The messages of one read, up to the first malformed or truncated one. */
export function decodeRoute(bytes: Uint8Array): readonly RouteMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: RouteMessage[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = view.getUint32(at, LITTLE_ENDIAN);
    if (length < HEADER_BYTES || at + length > bytes.length) break;
    const flags = view.getUint16(at + 6, LITTLE_ENDIAN);
    messages.push({
      sequence: view.getUint32(at + 8, LITTLE_ENDIAN),
      isPart: (flags & FLAG.MULTI) !== 0,
      isInterrupted: (flags & FLAG.DUMP_INTERRUPTED) !== 0,
      ...content(view.getUint16(at + 4, LITTLE_ENDIAN), bytes.subarray(at + HEADER_BYTES, at + length)),
    });
    at += align(length);
  }
  return messages;
}

/** The index of the interface; null if there is none of this name. */
export function indexOf(messages: readonly RouteMessage[], name: string): number | null {
  // Found by name in every dump: an interface that is created again, like ppp0, has a new index.
  const link = messages.find((message) => message.kind === 'link' && message.name === name);
  return link?.kind === 'link' ? link.index : null;
}

/** The primary addresses of the interface, in the kernel's order. */
export function addressesOf(messages: readonly RouteMessage[], index: number): readonly InterfaceAddress[] {
  return messages.flatMap((message) =>
    message.kind === 'address' && message.index === index && message.isPrimary ? [message] : [],
  );
}

/**
 * The address that traffic to the Internet leaves with: as the kernel chooses it for masquerade (inet_select_addr() in
 * net/ipv4/devinet.c), so the first one in the network of the next hop, else the first one. If no route decides, the
 * current one as long as it is there, else the first public one, else the first one; null if there is none.
 *
 * @param addresses Of the external interface, primary ones only, in the kernel's order.
 */
export function sourceAddress(
  addresses: readonly InterfaceAddress[],
  { gateway, isRouted }: NextHop,
  current: Ipv4 | null,
): Ipv4 | null {
  const preferred = isRouted
    ? addresses.find(({ network }) => gateway !== null && isInPrefix(network, gateway))
    : (addresses.find(({ address }) => address === current) ??
      addresses.find(({ address }) => addressKind(address) === 'public'));
  return (preferred ?? addresses[0])?.address ?? null;
}

function content(type: number, body: Uint8Array): RouteContent {
  switch (type) {
    case TYPE.NEW_LINK:
      return link(body) ?? { kind: 'other' };
    case TYPE.NEW_ADDRESS:
      return address(body) ?? ipv6Address(body) ?? { kind: 'other' };
    case TYPE.NEW_NEIGHBOUR:
      return neighbour(body) ?? ipv6Neighbour(body) ?? { kind: 'other' };
    case TYPE.NEW_ROUTE:
      return nextHop(body) ?? route(body) ?? ipv6Route(body) ?? { kind: 'other' };
    case TYPE.NEW_NEXT_HOP:
      return nextHopObject(body);
    case TYPE.DONE:
    case TYPE.ERROR: {
      const errno = body.length < 4 ? 0 : -(nativeUint32(body, 0) | 0);
      // A dump that failed after its first parts ends with the error (netlink_dump_done() in net/netlink/af_netlink.c).
      return type === TYPE.DONE && errno <= 0 ? { kind: 'done' } : { kind: 'error', errno };
    }
    default:
      return { kind: 'other' };
  }
}

function link(body: Uint8Array): RouteContent | null {
  const name = attribute(body, LINK_BODY_BYTES, IFLA.NAME);
  if (name === null) return null;
  const isEthernet = nativeUint16(body, 2) === ARPHRD_ETHER && (nativeUint32(body, 8) & IFF_NOARP) === 0;
  return { kind: 'link', index: nativeUint32(body, 4), name: textOf(name), isEthernet, lowerIndex: lowerIndex(body) };
}

/** A macvlan of `source` mode tells hosts of one link apart, so it shares none. */
function lowerIndex(body: Uint8Array): number | null {
  const lower = attribute(body, LINK_BODY_BYTES, IFLA.LINK);
  const info = attribute(body, LINK_BODY_BYTES, IFLA.LINKINFO);
  // Of another network namespace, as that of a container: the index is one there.
  if (lower?.length !== 4 || info === null || attribute(body, LINK_BODY_BYTES, IFLA.LINK_NETNSID) !== null) return null;
  const kind = attribute(info, 0, INFO.KIND);
  if (kind === null || !SHARING.includes(textOf(kind))) return null;
  const data = attribute(info, 0, INFO.DATA);
  const mode = data === null ? null : attribute(data, 0, IFLA_MACVLAN_MODE);
  return mode?.length === 4 && nativeUint32(mode, 0) === MACVLAN_MODE_SOURCE ? null : nativeUint32(lower, 0);
}

function address(body: Uint8Array): RouteContent | null {
  // IFA_LOCAL first: on a point-to-point link, like ppp0, IFA_ADDRESS is the peer's address.
  const peer = attribute(body, ADDRESS_BODY_BYTES, IFA.ADDRESS);
  const bytes = attribute(body, ADDRESS_BODY_BYTES, IFA.LOCAL) ?? peer;
  if (bytes === null || bytes.length < 4 || body[0] !== FAMILY.IPV4) return null;
  const local = uint32(bytes, 0);
  const isSecondary = (body[2]! & IFA_F_SECONDARY) !== 0;
  return {
    kind: 'address',
    index: nativeUint32(body, 4),
    address: local,
    network: { address: peer?.length === 4 ? uint32(peer, 0) : local, length: Math.min(body[1]!, 32) },
    isPrimary: body[3] === RT_SCOPE_UNIVERSE && !isSecondary,
  };
}

/** Null for a route that is no answer to a lookup. */
function nextHop(body: Uint8Array): RouteContent | null {
  if (body.length < ROUTE_BODY_BYTES || body[0] !== FAMILY.IPV4) return null;
  if ((nativeUint32(body, 8) & RTM_F_CLONED) === 0) return null;
  const gateway = attribute(body, ROUTE_BODY_BYTES, RTA.GATEWAY);
  const table = attribute(body, ROUTE_BODY_BYTES, RTA.TABLE);
  return {
    kind: 'next-hop',
    gateway: gateway?.length === 4 ? uint32(gateway, 0) : null,
    isRouted: table?.length !== 4 || nativeUint32(table, 0) !== 0, // RT_TABLE_UNSPEC: from no table
  };
}

function ipv6Address(body: Uint8Array): RouteContent | null {
  const bytes = attribute(body, ADDRESS_BODY_BYTES, IFA.LOCAL) ?? attribute(body, ADDRESS_BODY_BYTES, IFA.ADDRESS); // as in IPv4
  if (bytes?.length !== 16 || body[0] !== FAMILY.IPV6) return null;
  return { kind: 'ipv6-address', index: nativeUint32(body, 4), address: ipv6(bytes) };
}

function neighbour(body: Uint8Array): RouteContent | null {
  const address = attribute(body, NEIGHBOUR_BODY_BYTES, NDA.DESTINATION);
  if (address?.length !== 4 || body[0] !== FAMILY.IPV4) return null;
  return { kind: 'neighbour', address: uint32(address, 0), ...linkOf(body) };
}

function ipv6Neighbour(body: Uint8Array): RouteContent | null {
  const address = attribute(body, NEIGHBOUR_BODY_BYTES, NDA.DESTINATION);
  if (address?.length !== 16 || body[0] !== FAMILY.IPV6) return null;
  return { kind: 'ipv6-neighbour', address: ipv6(address), ...linkOf(body) };
}

/** What a neighbour entry says of the link. */
function linkOf(body: Uint8Array): Omit<Neighbour<never>, 'address'> {
  const bytes = attribute(body, NEIGHBOUR_BODY_BYTES, NDA.LINK_LAYER_ADDRESS);
  const mac = bytes?.length === 6 ? bytes.reduce((number, byte) => number * 256 + byte, 0) : null;
  return { index: nativeUint32(body, 4), mac, isResolved: (body[8]! & NUD_VALID) !== 0 }; // ndm_state
}

function route(body: Uint8Array): RouteContent | null {
  if (body.length < ROUTE_BODY_BYTES || body[0] !== FAMILY.IPV4) return null;
  return { kind: 'route', ...routeOf(body) };
}

function ipv6Route(body: Uint8Array): RouteContent | null {
  if (body.length < ROUTE_BODY_BYTES || body[0] !== FAMILY.IPV6) return null;
  const hops = attribute(body, ROUTE_BODY_BYTES, RTA.MULTIPATH);
  const gateway =
    attribute(body, ROUTE_BODY_BYTES, RTA.GATEWAY) ??
    (hops === null ? null : attribute(hops.subarray(0, firstHopBytes(hops)), NEXT_HOP_BYTES, RTA.GATEWAY));
  return { kind: 'ipv6-route', ...routeOf(body), gateway: gateway?.length === 16 ? ipv6(gateway) : null };
}

function routeOf(body: Uint8Array): Route {
  const single = attribute(body, ROUTE_BODY_BYTES, RTA.INTERFACE);
  const hops = attribute(body, ROUTE_BODY_BYTES, RTA.MULTIPATH);
  const interfaces = [...(single?.length === 4 ? [nativeUint32(single, 0)] : []), ...nextHops(hops)];
  const id = attribute(body, ROUTE_BODY_BYTES, RTA.NEXT_HOP_ID);
  return {
    prefixLength: body[1]!,
    isUnicast: body[7] === RTN_UNICAST,
    interfaces,
    ...(interfaces.length === 0 && id?.length === 4 ? { nextHopId: nativeUint32(id, 0) } : {}),
  };
}

function nextHopObject(body: Uint8Array): RouteContent {
  const value = (type: number) => attribute(body, NEXT_HOP_BODY_BYTES, type);
  const [index, gateway, group] = [value(NHA.INTERFACE), value(NHA.GATEWAY), value(NHA.GROUP) ?? new Uint8Array()];
  const members: number[] = [];
  for (let at = 0; at + GROUP_MEMBER_BYTES <= group.length; at += GROUP_MEMBER_BYTES)
    members.push(nativeUint32(group, at));
  return {
    kind: 'next-hop-object',
    index: index?.length === 4 ? nativeUint32(index, 0) : null,
    gateway: gateway?.length === 16 ? ipv6(gateway) : null,
    members,
  };
}

function firstHopBytes(hops: Uint8Array): number {
  return hops.length < NEXT_HOP_BYTES ? 0 : nativeUint16(hops, 0);
}

/** The interfaces of a list of struct rtnexthop, up to the first malformed one. */
function nextHops(hops: Uint8Array | null): readonly number[] {
  const interfaces: number[] = [];
  for (let at = 0; hops !== null && at + NEXT_HOP_BYTES <= hops.length; ) {
    const length = new DataView(hops.buffer, hops.byteOffset, hops.length).getUint16(at, LITTLE_ENDIAN);
    if (length < NEXT_HOP_BYTES || at + length > hops.length) break;
    interfaces.push(nativeUint32(hops, at + 4));
    at += align(length);
  }
  return interfaces;
}

/** The value of the first attribute of this type after the fixed part of the body, which ends at `from`. */
function attribute(body: Uint8Array, from: number, type: number): Uint8Array | null {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let at = from;
  while (at + 4 <= body.length) {
    const length = view.getUint16(at, LITTLE_ENDIAN);
    if (length < 4 || at + length > body.length) return null;
    if (view.getUint16(at + 2, LITTLE_ENDIAN) === type) return body.subarray(at + 4, at + length);
    at += align(length);
  }
  return null;
}

/** Up to the zero at its end. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8').split('\0', 1)[0] ?? '';
}

function ipv6(bytes: Uint8Array): Ipv6 {
  return Buffer.from(bytes).toString('hex');
}

function nativeUint16(body: Uint8Array, at: number): number {
  return new DataView(body.buffer, body.byteOffset, body.length).getUint16(at, LITTLE_ENDIAN);
}

function nativeUint32(body: Uint8Array, at: number): number {
  return new DataView(body.buffer, body.byteOffset, body.length).getUint32(at, LITTLE_ENDIAN);
}

function align(length: number): number {
  return (length + 3) & ~3;
}
