// How many new mappings one host may ask for over time. Addresses can be forged, so memory is bounded. Both processes
// count with this, each for itself and with its own limits. Time is an argument.

import type { Ipv4 } from './mapping.js';

/** A power of two. Hosts whose addresses agree in the low 14 bits have different slots in any LAN up to a /18. */
const SLOTS = 1 << 14;

export interface Rate {
  /** How many may come at once. */
  readonly burst: number;
  /** Milliseconds in which one more is earned. */
  readonly intervalMs: number;
}

/**
 * A token bucket for every host, in a table of fixed size. Failure mode: hosts whose addresses fold to the same slot
 * share a bucket, so one of them can use up the other's.
 */
export class RateLimiter {
  /** When each bucket is full again, in the caller's milliseconds: all a bucket needs (GCRA). */
  readonly #fullAt = new Float64Array(SLOTS);
  readonly #rate: Rate;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Take one token; false if there is none, which costs nothing. `rate`: the one in force, if it may change. */
  take(host: Ipv4, now: number, { burst, intervalMs } = this.#rate): boolean {
    const slot = (host ^ (host >>> 14)) & (SLOTS - 1);
    const fullAt = Math.max(this.#fullAt[slot]!, now);
    if (fullAt - now > (burst - 1) * intervalMs) return false;
    this.#fullAt[slot] = fullAt + intervalMs;
    return true;
  }
}
