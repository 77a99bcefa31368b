// Limits on the requests that wait for the helper at one time: in total, by kind and by host.

import type { Ipv4 } from '../proto/mapping.js';

export interface InFlightLimits {
  readonly total: number;
  /** The part of the total for new mappings: the rest stays free for renewals and deletions. */
  readonly allocations: number;
  /** The part of the total for requests from the overflow socket: the rest stays free for all others. */
  readonly throttled: number;
  readonly perHost: number;
}

/** A request that waits for the helper, or is about to. */
export interface PendingRequest {
  readonly host: Ipv4;
  readonly isAllocation: boolean;
  /** It came in at the overflow socket (serve.ts). */
  readonly isThrottled: boolean;
}

/** Counts the requests that wait for the helper. Its memory is bounded: one entry for each host with such a request. */
export class InFlight {
  readonly #limits: InFlightLimits;
  readonly #byHost = new Map<Ipv4, number>();
  #total = 0;
  #allocations = 0;
  #throttled = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  /** Whether new requests from this kind of socket must be shed. */
  isFull(isThrottled: boolean): boolean {
    return this.#total >= this.#limits.total || (isThrottled && this.#throttled >= this.#limits.throttled);
  }

  /** Count the request, or return false if a limit is reached. After true, call `leave` once with the same request. */
  enter({ host, isAllocation, isThrottled }: PendingRequest): boolean {
    const held = this.#byHost.get(host) ?? 0;
    if (this.isFull(isThrottled) || held >= this.#limits.perHost) return false;
    if (isAllocation && this.#allocations >= this.#limits.allocations) return false;
    this.#byHost.set(host, held + 1);
    this.#total++;
    if (isAllocation) this.#allocations++;
    if (isThrottled) this.#throttled++;
    return true;
  }

  leave({ host, isAllocation, isThrottled }: PendingRequest): void {
    const held = this.#byHost.get(host) ?? 0;
    if (held > 1) this.#byHost.set(host, held - 1);
    else this.#byHost.delete(host);
    this.#total--;
    if (isAllocation) this.#allocations--;
    if (isThrottled) this.#throttled--;
  }
}
