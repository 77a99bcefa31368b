// Keys, addresses, LANs and ports of mappings: from text, to text, and compared. Pure.

import type { Endpoint, Ipv4, Lan, PortRange, Protocol } from './lease.js';

export type * from './lease.js';

/** IANA protocol numbers: what nftables' `inet_proto` and the helper's API carry. */
export const PROTOCOL_NUMBER = { tcp: 6, udp: 17 } as const;

/** The key of an external port: ascending keys are ascending (protocol number, port). */
export function externalKey(protocol: Protocol, externalPort: number): number {
  return (PROTOCOL_NUMBER[protocol] << 16) | externalPort;
}

/** How many ports there are, those of both protocols and port 0 counted. */
export const PORT_INDEXES = 2 * 0x10000;

/** A port's place among those of both protocols, tcp's first: ascending as external keys are, but without gaps. */
export function portIndex(protocol: Protocol, port: number): number {
  return protocol === 'udp' ? 0x10000 | port : port;
}

/** The key of an inside endpoint; below 2^53, so exact as a number. */
export function internalKey(endpoint: Endpoint): number {
  return endpoint.internalAddress * 0x20000 + (endpoint.protocol === 'udp' ? 0x10000 : 0) + endpoint.internalPort;
}

/** The protocol of a number, or null if it is none that is mapped. */
export function protocolOf(number: number): Protocol | null {
  return number === PROTOCOL_NUMBER.udp ? 'udp' : number === PROTOCOL_NUMBER.tcp ? 'tcp' : null;
}

export function otherProtocol(protocol: Protocol): Protocol {
  return protocol === 'udp' ? 'tcp' : 'udp';
}

/** Whether the number is a port that can be mapped: 1..65535. */
export function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 0xffff;
}

export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Parse dotted decimal, four numbers without leading zeros; null for anything else. */
export function parseIpv4(text: string): Ipv4 | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null;
    address = address * 256 + Number(part);
  }
  return address;
}

export function parseLan(text: string): Lan | null {
  const [address, length, ...rest] = text.split('/');
  const routerAddress = parseIpv4(address ?? '');
  if (routerAddress === null || rest.length > 0 || !/^[0-9]{1,2}$/.test(length ?? '')) return null;
  const prefixLength = Number(length);
  return prefixLength >= 8 && prefixLength <= 32 ? { routerAddress, prefixLength } : null;
}

/**
 * Whether the address is that of a host of the LAN that may hold mappings: inside the prefix, and neither the router
 * nor, where the prefix has them (RFC 3021), the network's own and the broadcast address.
 */
export function isLanHost(lan: Lan, address: Ipv4): boolean {
  const hostBits = 32 - lan.prefixLength;
  const size = 2 ** hostBits;
  if (Math.floor(address / size) !== Math.floor(lan.routerAddress / size)) return false;
  if (address === lan.routerAddress) return false;
  return hostBits < 2 || (address % size !== 0 && address % size !== size - 1);
}

/** Parse "1024-65535" or "8080"; null for anything else, port 0 and a range upside down. */
export function parsePortRange(text: string): PortRange | null {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  if (match === null) return null;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return isPort(from) && isPort(to) && from <= to ? { from, to } : null;
}

/** Parse several with commas between, "6881-6999,51413"; null if one of them is invalid. */
export function parsePortRanges(text: string): readonly PortRange[] | null {
  const ranges = text.split(',').map((part) => parsePortRange(part.trim()));
  return ranges.includes(null) ? null : joinPorts(ranges as PortRange[]);
}

/** The same ports in ascending order, in ranges that do not adjoin: what the functions below expect, and return. */
export function joinPorts(ranges: readonly PortRange[]): readonly PortRange[] {
  const joined: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last === undefined || range.from > last.to + 1) joined.push(range);
    else joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
  }
  return joined;
}

/** The index of the first range that ends at the port or above. */
function indexOfPort(ranges: readonly PortRange[], port: number): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle]!.to < port) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The ports that both have; takes little more time than the result is long, and the second list. */
export function commonPorts(ranges: readonly PortRange[], others: readonly PortRange[]): readonly PortRange[] {
  const common: PortRange[] = [];
  for (const { from, to } of others) {
    for (let at = indexOfPort(ranges, from); at < ranges.length && ranges[at]!.from <= to; at++)
      common.push({ from: Math.max(ranges[at]!.from, from), to: Math.min(ranges[at]!.to, to) });
  }
  return common;
}

/** The ports without those. Both in any order. */
export function withoutPorts(ranges: readonly PortRange[], holes: readonly PortRange[]): readonly PortRange[] {
  const gaps: PortRange[] = [];
  let next = 1;
  for (const { from, to } of joinPorts(holes)) {
    if (from > next) gaps.push({ from: next, to: from - 1 });
    next = to + 1;
  }
  return commonPorts(joinPorts(ranges), [...gaps, ...(next > 0xffff ? [] : [{ from: next, to: 0xffff }])]);
}

export function inRanges(ranges: readonly PortRange[], port: number): boolean {
  return port >= (ranges[indexOfPort(ranges, port)]?.from ?? Infinity);
}
