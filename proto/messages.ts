// What callers and the helper say to each other, as values: Requests, Responses, events (proto/helper.proto). Types only.

import type { Reason } from './codec.js';
import type { Endpoint, Ipv4, Lease, Mapping, Origin, Pinhole, PinholeEndpoint, Protocol } from './lease.js';

export type Request =
  | AddMapping
  | ({ readonly kind: 'remove-mapping' } & Endpoint)
  | { readonly kind: 'remove-host-mappings'; readonly protocol: Protocol; readonly internalAddress: Ipv4 }
  | { readonly kind: 'list-mappings'; readonly after: number; readonly limit: number; readonly traffic?: true }
  | AddPinhole
  | ({ readonly kind: 'remove-pinhole'; readonly nonce: string } & PinholeEndpoint)
  | { readonly kind: 'list-pinholes'; readonly after: number; readonly limit: number; readonly traffic?: true }
  /** `pinholes`: with the events of pinholes. */
  | { readonly kind: 'watch'; readonly pinholes?: true }
  | { readonly kind: 'status' };

export interface AddMapping extends Mapping {
  readonly kind: 'add-mapping';
  readonly lifetime: number;
  readonly origin: Origin;
  /** As in Lease. */
  readonly tool?: number;
}

export interface AddPinhole extends PinholeEndpoint {
  readonly kind: 'add-pinhole';
  readonly lifetime: number;
  readonly origin: Origin;
  /** PCP's mapping nonce as 24 lower-case hexadecimal digits; '' for none. */
  readonly nonce: string;
  /** As in Pinhole. */
  readonly hardwareAddress: number;
}

export type Event =
  | { readonly kind: 'granted' | 'renewed' | 'removed' | 'expired'; readonly lease: Lease }
  | { readonly kind: 'granted' | 'renewed' | 'removed' | 'expired'; readonly pinhole: Pinhole }
  | { readonly kind: 'resynchronised' }
  /** Says nothing but that the watch stands, and by its number whether events were dropped. */
  | { readonly kind: 'probe' };

export interface StatusReport {
  /** Milliseconds of CLOCK_BOOTTIME; negative when the epoch began before this boot. */
  readonly epochStart: number;
  readonly mappings: number;
  readonly staticMappings: number;
  readonly maxMappings: number;
  readonly maxMappingsPerHost: number;
  /** Seconds. */
  readonly maxLifetime: number;
  readonly journalBytes: number;
  readonly kernelInStep: boolean;
  readonly pid: number;
  readonly resynchronisations: number;
  /** Milliseconds of CLOCK_BOOTTIME. */
  readonly startedAt: number;
  /** Absent where an older helper does not count. */
  readonly totals?: HelperStats;
  readonly pinholes: number;
  /** 0: pinholes are off. */
  readonly maxPinholes: number;
  readonly staticPinholes: number;
}

/** What a mapping or a pinhole has carried, both directions together. */
export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
}

/** A lease in a list; with its traffic if the request wants it and the kernel holds it. */
export interface ListedLease extends Lease {
  readonly traffic?: Traffic;
}

/** A pinhole in a list, likewise. */
export interface ListedPinhole extends Pinhole {
  readonly traffic?: Traffic;
}

export type Response =
  | { readonly kind: 'granted'; readonly lease: Lease }
  | { readonly kind: 'removed'; readonly count: number }
  | { readonly kind: 'host-mappings-removed'; readonly count: number; readonly kept: number }
  | { readonly kind: 'mapping-list'; readonly leases: readonly ListedLease[]; readonly next: number }
  | { readonly kind: 'pinhole-granted'; readonly pinhole: Pinhole }
  | { readonly kind: 'pinhole-list'; readonly pinholes: readonly ListedPinhole[]; readonly next: number }
  | { readonly kind: 'watching'; readonly status: StatusReport }
  | { readonly kind: 'status-report'; readonly status: StatusReport }
  | { readonly kind: 'refused'; readonly reason: Reason }
  /** `sequence` counts 1, 2, 3 ... within a watch; a gap means that events were dropped. */
  | { readonly kind: 'event'; readonly sequence: number; readonly event: Event };

export interface Envelope<T> {
  /** 1..2^32-1; 0 in a Response whose Request had no readable id. */
  readonly id: number;
  readonly body: T;
}

/** A Request as received, and its deadline. */
export interface RequestEnvelope extends Envelope<Request> {
  /** Milliseconds of CLOCK_BOOTTIME after which the caller has given up; 0 for never. */
  readonly notAfter: number;
}

/** How many were above one bound and at most the next, the last above all bounds; and the sum of them all. */
export interface Distribution {
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface HelperStats {
  /** Refused requests, by the number of their reason (REASON in codec.ts). */
  readonly refused: readonly number[];
  /** Requests in a batch: BATCH_BOUNDS. */
  readonly batches: Distribution;
  /** Seconds that a change of the kernel's sets took: SECONDS_BOUNDS. */
  readonly kernel: Distribution;
  /** Seconds until a change was on disk: SECONDS_BOUNDS. */
  readonly journal: Distribution;
}
