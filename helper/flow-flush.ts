// UDP mappings whose flows are still to be forgotten: a few at a time, for each costs a walk over all flows. Pure.

import type { Event } from '../proto/codec.js';
import type { Lease } from '../proto/mapping.js';
import type { Leases } from './leases.js';

/** Beyond this many the rest is left to the kernel's own timeouts: their flows are stopped in any case. */
const MOST_WAITING = 10_000;

export class FlowFlushQueue {
  readonly #waiting: Lease[] = [];

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Note the mappings that ended. */
  note(events: readonly Event[]): void {
    for (const event of events) {
      const hasEnded = event.kind === 'removed' || event.kind === 'expired';
      if (hasEnded && event.lease.protocol === 'udp' && this.#waiting.length < MOST_WAITING)
        this.#waiting.push(event.lease);
    }
  }

  /** Take at most this many out, leaving aside those that have been granted again meanwhile. */
  take(most: number, leases: Leases): readonly Lease[] {
    return this.#waiting.splice(0, most).filter((ended) => {
      const held = leases.byEndpoint(ended);
      return held === undefined || held.externalPort !== ended.externalPort;
    });
  }
}
