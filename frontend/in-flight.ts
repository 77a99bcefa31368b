// How many requests may wait for the helper at one time, of one host and in all.

import type { Ipv4 } from '../proto/mapping.js';

export interface InFlightLimits {
  readonly total: number;
  /** Of these, new mappings: the rest is for who renews or deletes what it has, however many ask for more. */
  readonly allocations: number;
  /** Of these, what came from devices that ask too much: the rest is for all others. */
  readonly busy: number;
  readonly perHost: number;
}

/** A request that waits, or wants to. */
export interface Waiting {
  readonly host: Ipv4;
  readonly isAllocation: boolean;
  /** It came in at the second socket (serve.ts). */
  readonly isBusy: boolean;
}

/** Counts the requests that wait for the helper. Holds an entry only for hosts that have one waiting. */
export class InFlight {
  readonly #limits: InFlightLimits;
  readonly #byHost = new Map<Ipv4, number>();
  #total = 0;
  #allocations = 0;
  #busy = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  /** Whether nothing may start that came in at this socket. */
  isFull(isBusy: boolean): boolean {
    return this.#total >= this.#limits.total || (isBusy && this.#busy >= this.#limits.busy);
  }

  /** Whether one more may start; who gets true calls `leave` once, with the same. */
  enter({ host, isAllocation, isBusy }: Waiting): boolean {
    const held = this.#byHost.get(host) ?? 0;
    if (this.isFull(isBusy) || held >= this.#limits.perHost) return false;
    if (isAllocation && this.#allocations >= this.#limits.allocations) return false;
    this.#byHost.set(host, held + 1);
    this.#total++;
    if (isAllocation) this.#allocations++;
    if (isBusy) this.#busy++;
    return true;
  }

  leave({ host, isAllocation, isBusy }: Waiting): void {
    const held = this.#byHost.get(host) ?? 0;
    if (held > 1) this.#byHost.set(host, held - 1);
    else this.#byHost.delete(host);
    this.#total--;
    if (isAllocation) this.#allocations--;
    if (isBusy) this.#busy--;
  }
}
