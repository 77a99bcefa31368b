// Limits on the requests that wait for the helper at one time: in total, by kind and by host.

import type { Ipv4, Ipv6, Protocol } from '../proto/mapping.js';

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
  readonly host: Ipv4 | Ipv6;
  readonly isAllocation: boolean;
  /** It came in at the overflow socket (serve.ts). */
  readonly isThrottled: boolean;
  readonly protocol: Protocol;
  /** 0 for all of the host: a deletion. */
  readonly internalPort: number;
  /** A later request for the same is on its way: this one must not be tried again, for it would undo that. */
  isOvertaken: boolean;
}

/** The requests that wait for the helper. Its memory is bounded by their number. */
export class InFlight {
  readonly #limits: InFlightLimits;
  readonly #byHost = new Map<Ipv4 | Ipv6, Set<PendingRequest>>();
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
  enter(request: PendingRequest): boolean {
    const held = this.#byHost.get(request.host) ?? new Set();
    if (this.isFull(request.isThrottled) || held.size >= this.#limits.perHost) return false;
    if (request.isAllocation && this.#allocations >= this.#limits.allocations) return false;
    this.#byHost.set(request.host, held.add(request));
    this.#total++;
    if (request.isAllocation) this.#allocations++;
    if (request.isThrottled) this.#throttled++;
    return true;
  }

  leave(request: PendingRequest): void {
    const held = this.#byHost.get(request.host);
    held?.delete(request);
    if (held?.size === 0) this.#byHost.delete(request.host);
    this.#total--;
    if (request.isAllocation) this.#allocations--;
    if (request.isThrottled) this.#throttled--;
  }

  /** Mark what waits and concerns the same mappings as this request, which is later. */
  overtake(later: PendingRequest): void {
    for (const earlier of this.#byHost.get(later.host) ?? []) {
      const isSame = [earlier.internalPort, 0].includes(later.internalPort) || earlier.internalPort === 0;
      if (earlier !== later && earlier.protocol === later.protocol && isSame) earlier.isOvertaken = true;
    }
  }
}
