// A mapping or a pinhole as natpmpctl shows it: the objects of its JSON, filters and order. Pure.

import type { ListedLease, ListedPinhole } from '../../proto/codec.js';
import { formatIpv6 } from '../../proto/ipv6.js';
import type { Origin, Protocol } from '../../proto/mapping.js';
import { formatIpv4 } from '../../proto/mapping.js';
import { toolName } from '../../proto/tools.js';
import type { Descriptions } from './descriptions.js';
import { descriptionOf, NO_DESCRIPTIONS } from './descriptions.js';
import type { HostKey, Names } from './names.js';
import { formatMac } from './names.js';

/** What the helper lists. */
export type Listed = ListedLease | ListedPinhole;

export function isPinhole(listed: Listed): listed is ListedPinhole {
  return 'address' in listed;
}

/** One mapping or pinhole in the JSON of `natpmpctl list`. Stable: other programs read it. */
export interface ListedMapping {
  readonly protocol: Protocol;
  /** Of a pinhole the same as the internal one: nothing is translated. */
  readonly externalPort: number;
  /** IPv4; of a pinhole IPv6 (RFC 5952). */
  readonly internalAddress: string;
  readonly internalPort: number;
  /** Null if it is not known. */
  readonly name: string | null;
  readonly origin: Origin;
  /** The protocol that it was asked for by last: "NAT-PMP", "PCP", "UPnP", or "tool 200"; null if it is static. */
  readonly askedBy: string | null;
  /** What the program that asked by UPnP says it is; null if there is nothing. */
  readonly description: string | null;
  /** When it was granted or last renewed, ISO 8601; null for a static mapping. */
  readonly grantedAt: string | null;
  /** Seconds, as granted; 0 for a static mapping. */
  readonly lifetime: number;
  /** Seconds; null for a static mapping. */
  readonly timeLeft: number | null;
  /**
   * Both directions together, since the mapping was last added to the kernel; null if the kernel does not report it.
   */
  readonly packets: number | null;
  readonly bytes: number | null;
  /** Of pinholes only: "02:00:00:00:00:07", as the router knew it when the host asked; null if it did not. */
  readonly hardwareAddress?: string | null;
}

/** The same moment on two clocks: CLOCK_BOOTTIME, and the wall clock; milliseconds. */
export interface Moment {
  readonly bootMs: number;
  readonly wallMs: number;
}

export function listedMapping(
  listed: Listed,
  now: Moment,
  names: Names,
  descriptions: Descriptions = NO_DESCRIPTIONS,
): ListedMapping {
  const { protocol, origin, lifetime, expiresAt, traffic } = listed;
  const isStatic = origin === 'static';
  return {
    protocol,
    ...endpointOf(listed),
    name: nameOf(listed, names),
    origin,
    askedBy: askedBy(listed),
    description: descriptionOf(listed, descriptions),
    grantedAt: isStatic ? null : new Date(now.wallMs - now.bootMs + expiresAt - lifetime * 1000).toISOString(),
    lifetime,
    timeLeft: isStatic ? null : Math.max(0, Math.floor((expiresAt - now.bootMs) / 1000)),
    packets: traffic?.packets ?? null,
    bytes: traffic?.bytes ?? null,
    ...hardwareAddressOf(listed),
  };
}

/** The protocol that it was asked for by; null if it is static. */
export function askedBy(listed: Listed): string | null {
  if (listed.origin === 'static') return null;
  return isPinhole(listed) ? 'PCP' : toolName(listed.tool);
}

export function endpointOf(listed: Listed): Pick<ListedMapping, 'externalPort' | 'internalAddress' | 'internalPort'> {
  if (isPinhole(listed)) {
    const { address, port } = listed;
    return { externalPort: port, internalAddress: formatIpv6(address), internalPort: port };
  }
  const { externalPort, internalAddress, internalPort } = listed;
  return { externalPort, internalAddress: formatIpv4(internalAddress), internalPort };
}

export function hardwareAddressOf(listed: Listed): Pick<ListedMapping, 'hardwareAddress'> {
  if (!isPinhole(listed)) return {};
  return { hardwareAddress: listed.hardwareAddress === 0 ? null : formatMac(listed.hardwareAddress) };
}

function hostKeysOf(listed: Listed): readonly HostKey[] {
  if (!isPinhole(listed)) return [listed.internalAddress];
  const { address, hardwareAddress } = listed;
  return hardwareAddress === 0 ? [address] : [address, formatMac(hardwareAddress)];
}

/** The name of its host; null if it is not known. */
export function nameOf(listed: Listed, names: Names): string | null {
  const key = hostKeysOf(listed).find((each) => names.has(each));
  return key === undefined ? null : (names.get(key) ?? null);
}

/** "tcp 8080 -> 192.168.1.5:80", "tcp 8080 -> [2001:db8::5]:8080". */
export function formatEndpoint({
  protocol,
  externalPort,
  internalAddress,
  internalPort,
}: Pick<ListedMapping, 'protocol' | 'externalPort' | 'internalAddress' | 'internalPort'>): string {
  const host = internalAddress.includes(':') ? `[${internalAddress}]` : internalAddress;
  return `${protocol} ${externalPort} -> ${host}:${internalPort}`;
}

/** Which mappings to show; null for all. */
export interface Filter {
  readonly host: ReadonlySet<HostKey> | null;
  readonly protocol: Protocol | null;
  /** External; that of a pinhole. */
  readonly port: number | null;
  readonly origin: OriginFilter | null;
}

/** Also the protocol: dynamic ones that were asked for by it. */
export const ORIGIN_FILTERS = ['dynamic', 'static', 'nat-pmp', 'pcp', 'upnp'] as const;
export type OriginFilter = (typeof ORIGIN_FILTERS)[number];

export function passes(filter: Filter, listed: Listed): boolean {
  const { protocol, origin } = listed;
  const port = isPinhole(listed) ? listed.port : listed.externalPort;
  return (
    (filter.host === null || hostKeysOf(listed).some((key) => filter.host?.has(key))) &&
    (filter.protocol ?? protocol) === protocol &&
    (filter.port ?? port) === port &&
    [null, origin, askedBy(listed)?.toLowerCase()].includes(filter.origin)
  );
}

/** Counters and times of grant in descending order. */
const ORDER = {
  port: (a, b) =>
    a.protocol.localeCompare(b.protocol) ||
    a.externalPort - b.externalPort ||
    byAddress(a.internalAddress, b.internalAddress),
  host: (a, b) =>
    byAddress(a.internalAddress, b.internalAddress) ||
    a.internalPort - b.internalPort ||
    a.protocol.localeCompare(b.protocol),
  name: (a, b) => Number(a.name === null) - Number(b.name === null) || (a.name ?? '').localeCompare(b.name ?? ''),
  // The difference of two infinite times is NaN.
  left: (a, b) => (a.timeLeft ?? Infinity) - (b.timeLeft ?? Infinity) || 0,
  granted: (a, b) => (b.grantedAt ?? '').localeCompare(a.grantedAt ?? ''),
  packets: (a, b) => (b.packets ?? -1) - (a.packets ?? -1),
  bytes: (a, b) => (b.bytes ?? -1) - (a.bytes ?? -1),
} as const satisfies Readonly<Record<string, (a: ListedMapping, b: ListedMapping) => number>>;
export type SortKey = keyof typeof ORDER;
export const SORT_KEYS = Object.keys(ORDER) as SortKey[];

/** Mappings that are equal by the key are in the order of their ports. */
export function sorted(mappings: readonly ListedMapping[], key: SortKey): readonly ListedMapping[] {
  return mappings.toSorted((a, b) => ORDER[key](a, b) || ORDER.port(a, b));
}

/** IPv4 first, as numbers. */
function byAddress(a: string, b: string): number {
  return Number(a.includes(':')) - Number(b.includes(':')) || a.localeCompare(b, 'en', { numeric: true });
}
