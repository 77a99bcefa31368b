// The messages between natpmpctl web and its page in the browser. Only types: both sides are compiled against them.

import type { Origin, Protocol } from '../../../proto/mapping.js';
import type { Finding } from '../finding.js';

/** One mapping or pinhole on the page. */
export interface ShownMapping {
  /** Stays the same while the port leads to the same host and port. */
  readonly id: string;
  readonly protocol: Protocol;
  readonly externalPort: number;
  /** IPv4; of a pinhole IPv6. */
  readonly internalAddress: string;
  readonly internalPort: number;
  readonly name: string | null;
  readonly origin: Origin;
  /** As in the JSON of natpmpctl list. */
  readonly askedBy: string | null;
  readonly description: string | null;
  /** Seconds, as granted; 0 for a static mapping. */
  readonly lifetime: number;
  /** On the clock of `now`, in milliseconds; null for a static mapping. */
  readonly endsAt: number | null;
  /** Both directions together; null if the kernel does not report it. */
  readonly packets: number | null;
  readonly bytes: number | null;
  /** Bytes per second since the last sample; null if it is not known yet. */
  readonly rate: number | null;
  /** Of pinholes only; null if it is not known. */
  readonly hardwareAddress?: string | null;
}

/** An event of the gateway, newest last in every list. */
export interface GatewayEvent {
  readonly kind: 'granted' | 'renewed' | 'removed' | 'expired' | 'resynchronised' | 'lost' | 'back';
  /** ISO 8601. */
  readonly at: string;
  readonly mapping: ShownMapping | null;
}

export interface Health {
  readonly findings: readonly Finding[];
  readonly externalAddress: string | null;
  readonly maxMappings: number;
  /** 0: pinholes are off. */
  readonly maxPinholes: number;
}

export type Message =
  /** The whole state; it replaces everything before. */
  | {
      readonly kind: 'table';
      readonly now: number;
      readonly isHelperHere: boolean;
      readonly mayRevoke: boolean;
      readonly mappings: readonly ShownMapping[];
      readonly past: readonly GatewayEvent[];
      readonly health: Health | null;
    }
  /** In the order in which they happened. */
  | { readonly kind: 'happened'; readonly now: number; readonly happenings: readonly GatewayEvent[] }
  /** The counters that have changed. */
  | { readonly kind: 'looked'; readonly now: number; readonly health: Health; readonly traffic: readonly Traffic[] };

export type Traffic = Pick<ShownMapping, 'id' | 'packets' | 'bytes' | 'rate'>;

/** The body of POST /revoke: the whole mapping, so that a port that has another owner by now is left alone. */
export type RevokeRequest = Pick<ShownMapping, 'protocol' | 'externalPort' | 'internalAddress' | 'internalPort'>;

/** The body of the response to it. */
export type RevokeAnswer = { readonly removed: number } | { readonly error: string };
