// Keys, addresses and ports of mappings: from text, to text, and compared. Pure.

import type { Endpoint, Ipv4, PortRange, Protocol } from './lease.js';

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
  return ranges.includes(null) ? null : withoutPorts(ranges as PortRange[], []);
}

/**
 * The ports without those, both in any order: ascending ranges that do not adjoin, as `inRanges` expects them. A bitmap,
 * because there may be a hole at every other port.
 */
export function withoutPorts(ranges: readonly PortRange[], holes: readonly PortRange[]): readonly PortRange[] {
  const bitmap = new Uint8Array(0x10001);
  for (const { from, to } of ranges) bitmap.fill(1, from, to + 1);
  for (const { from, to } of holes) bitmap.fill(0, from, to + 1);
  const left: PortRange[] = [];
  for (let from = bitmap.indexOf(1), end = 0; from >= 0; from = bitmap.indexOf(1, end)) {
    end = bitmap.indexOf(0, from);
    left.push({ from, to: end - 1 });
  }
  return left;
}

/** The ports that both have. */
export function commonPorts(ranges: readonly PortRange[], others: readonly PortRange[]): readonly PortRange[] {
  return withoutPorts(ranges, withoutPorts([{ from: 1, to: 0xffff }], others));
}

/** Whether the port is in one of the ranges, which ascend: a binary search. */
export function inRanges(ranges: readonly PortRange[], port: number): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle]!.to < port) low = middle + 1;
    else high = middle;
  }
  return port >= (ranges[low]?.from ?? Infinity);
}
