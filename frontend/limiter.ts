// How much one host may ask for: new mappings over time, and requests at one time. Memory is bounded whatever the
// source addresses are, because they can be forged. Time is an argument.

import type { Ipv4 } from '../proto/mapping.js';

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

  /** Take one token; false where there is none, which costs nothing. */
  take(host: Ipv4, now: number): boolean {
    const slot = (host ^ (host >>> 14)) & (SLOTS - 1);
    const { burst, intervalMs } = this.#rate;
    const fullAt = Math.max(this.#fullAt[slot]!, now);
    if (fullAt - now > (burst - 1) * intervalMs) return false;
    this.#fullAt[slot] = fullAt + intervalMs;
    return true;
  }
}

export interface InFlightLimits {
  readonly total: number;
  /** Of these, new mappings: the rest is for who renews or deletes what it has, however many ask for more. */
  readonly allocations: number;
  readonly perHost: number;
}

/** Counts the requests that wait for the helper. Holds an entry only for hosts that have one waiting. */
export class InFlight {
  readonly #limits: InFlightLimits;
  readonly #byHost = new Map<Ipv4, number>();
  #total = 0;
  #allocations = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  /** Whether nobody may start anything. */
  get isFull(): boolean {
    return this.#total >= this.#limits.total;
  }

  /** Whether one more may start; who gets true calls `leave` once, with the same arguments. */
  enter(host: Ipv4, isAllocation: boolean): boolean {
    const held = this.#byHost.get(host) ?? 0;
    if (this.isFull || held >= this.#limits.perHost) return false;
    if (isAllocation && this.#allocations >= this.#limits.allocations) return false;
    this.#byHost.set(host, held + 1);
    this.#total++;
    if (isAllocation) this.#allocations++;
    return true;
  }

  leave(host: Ipv4, isAllocation: boolean): void {
    const held = this.#byHost.get(host) ?? 0;
    if (held > 1) this.#byHost.set(host, held - 1);
    else this.#byHost.delete(host);
    this.#total--;
    if (isAllocation) this.#allocations--;
  }
}
