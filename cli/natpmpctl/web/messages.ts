// What natpmpctl web and its page in the browser say to each other. Types alone: both are compiled against them.

import type { Origin, Protocol } from '../../../proto/mapping.js';
import type { Finding } from '../finding.js';

/** One mapping on the page. */
export interface ShownMapping {
  /** The same for as long as the port leads to the same place. */
  readonly id: string;
  readonly protocol: Protocol;
  readonly externalPort: number;
  readonly internalAddress: string;
  readonly internalPort: number;
  readonly name: string | null;
  readonly origin: Origin;
  /** Seconds, as granted; 0 for a static mapping. */
  readonly lifetime: number;
  /** On the clock of `now`, in milliseconds; null for a static mapping. */
  readonly endsAt: number | null;
  /** Both directions together; null where the kernel does not tell. */
  readonly packets: number | null;
  readonly bytes: number | null;
  /** Bytes a second of late; null where it is not known yet. */
  readonly rate: number | null;
}

/** Something that happened, newest last in every list. */
export interface Happening {
  readonly kind: 'granted' | 'renewed' | 'removed' | 'expired' | 'resynchronised' | 'lost' | 'back';
  /** ISO 8601. */
  readonly at: string;
  readonly mapping: ShownMapping | null;
}

export interface Health {
  readonly findings: readonly Finding[];
  readonly externalAddress: string | null;
  readonly maxMappings: number;
}

export type Message =
  /** All there is; whatever was said before is forgotten. */
  | {
      readonly kind: 'table';
      readonly now: number;
      readonly isHelperHere: boolean;
      readonly mayRevoke: boolean;
      readonly mappings: readonly ShownMapping[];
      readonly past: readonly Happening[];
      readonly health: Health | null;
    }
  /** In the order in which they happened. */
  | { readonly kind: 'happened'; readonly now: number; readonly happenings: readonly Happening[] }
  /** A look at the counters: those that changed. */
  | { readonly kind: 'looked'; readonly now: number; readonly health: Health; readonly traffic: readonly TrafficOf[] };

export type TrafficOf = Pick<ShownMapping, 'id' | 'packets' | 'bytes' | 'rate'>;

/** The body of POST /revoke: the mapping as the page shows it, so that a port in other hands by now is left alone. */
export type RevokeRequest = Pick<ShownMapping, 'protocol' | 'externalPort' | 'internalAddress' | 'internalPort'>;

/** The answer to it. */
export type RevokeAnswer = { readonly removed: number } | { readonly error: string };
