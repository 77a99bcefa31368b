// A mapping as natpmpctl shows it: the objects of its JSON, filters and order. Pure.

import type { ListedLease } from '../../proto/codec.js';
import type { Ipv4, Origin, Protocol } from '../../proto/mapping.js';
import { formatIpv4 } from '../../proto/mapping.js';
import type { Names } from './names.js';

/** One mapping in the JSON of `natpmpctl list`. Stable: other programs read it. */
export interface ListedMapping {
  readonly protocol: Protocol;
  readonly externalPort: number;
  readonly internalAddress: string;
  readonly internalPort: number;
  /** Null if it is not known. */
  readonly name: string | null;
  readonly origin: Origin;
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
}

/** The same moment on two clocks: CLOCK_BOOTTIME, and the wall clock; milliseconds. */
export interface Moment {
  readonly bootMs: number;
  readonly wallMs: number;
}

export function listedMapping(lease: ListedLease, now: Moment, names: Names): ListedMapping {
  const { protocol, externalPort, internalAddress, internalPort, origin, lifetime, expiresAt, traffic } = lease;
  const isStatic = origin === 'static';
  return {
    protocol,
    externalPort,
    internalAddress: formatIpv4(internalAddress),
    internalPort,
    name: names.get(internalAddress) ?? null,
    origin,
    grantedAt: isStatic ? null : new Date(now.wallMs - now.bootMs + expiresAt - lifetime * 1000).toISOString(),
    lifetime,
    timeLeft: isStatic ? null : Math.max(0, Math.floor((expiresAt - now.bootMs) / 1000)),
    packets: traffic?.packets ?? null,
    bytes: traffic?.bytes ?? null,
  };
}

/** Which mappings to show; null for all. */
export interface Filter {
  readonly host: Ipv4 | null;
  readonly protocol: Protocol | null;
  /** External. */
  readonly port: number | null;
  readonly origin: Origin | null;
}

export function passes(filter: Filter, { internalAddress, protocol, externalPort, origin }: ListedLease): boolean {
  return (
    (filter.host ?? internalAddress) === internalAddress &&
    (filter.protocol ?? protocol) === protocol &&
    (filter.port ?? externalPort) === externalPort &&
    (filter.origin ?? origin) === origin
  );
}

/** Counters and times of grant in descending order. */
const ORDER = {
  port: (a, b) => a.protocol.localeCompare(b.protocol) || a.externalPort - b.externalPort,
  host: (a, b) =>
    numeric(a.internalAddress, b.internalAddress) ||
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

function numeric(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
