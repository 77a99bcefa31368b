// How many requests may wait for the helper at one time, of one host and in all.

import type { Ipv4 } from '../proto/mapping.js';

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
