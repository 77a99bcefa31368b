// UDP mappings that ended and whose flows are not flushed yet: a few at a time, because each costs a walk over all
// flows. Pure.

import type { Lease } from '../proto/lease.js';
import type { Event } from '../proto/messages.js';
import type { Leases } from './leases.js';

/** Beyond this many the rest is left to the kernel's own timeouts: their flows are stopped in any case. */
const MAX_QUEUED = 10_000;

export class FlowFlushQueue {
  readonly #waiting: Lease[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Add the mappings that ended. */
  add(events: readonly Event[]): void {
    for (const event of events) {
      const hasEnded = event.kind === 'removed' || event.kind === 'expired';
      if (hasEnded && event.lease.protocol === 'udp' && this.#waiting.length < MAX_QUEUED)
        this.#waiting.push(event.lease);
    }
  }

  /** Take at most this many out, without those that have been granted again since. */
  take(limit: number, leases: Leases): readonly Lease[] {
    return this.#waiting
      .splice(0, limit)
      .filter((ended) => leases.byEndpoint(ended)?.externalPort !== ended.externalPort);
  }
}
