// UDP mappings that have just been granted and whose earlier flows are not flushed yet. Finding them takes a walk over
// all flows, so it has a budget of time: all walks are a small share of it, however many mappings are granted. Pure.

import type { Lease } from '../proto/lease.js';
import type { Leases } from './leases.js';

/** The share of time that goes into walks. All requests wait meanwhile, and this is how many of them, at most. */
const SHARE = 0.01;
/** What may be spent at once after a pause, in milliseconds. The last walk begun may exceed it. */
const BURST_MS = 50;
/** Beyond this many the oldest are left to the end of their flows: 30 seconds of silence. */
const MAX_QUEUED = 1000;

export class FlowFlushQueue {
  readonly #waiting: Lease[] = [];
  #creditMs = BURST_MS;
  #creditAt = 0;

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(granted: Lease): void {
    this.#waiting.push(granted);
    if (this.#waiting.length > MAX_QUEUED) this.#waiting.shift();
  }

  /** Flush as many as the budget allows, the latest first: those who ask without end only delay themselves. */
  run(leases: Leases, flush: (granted: Lease) => void, now: () => number): void {
    const began = now();
    this.#creditMs = Math.min(BURST_MS, this.#creditMs + SHARE * (began - this.#creditAt));
    this.#creditAt = began;
    while (this.#creditMs > 0) {
      const granted = this.#waiting.pop();
      if (granted === undefined) return;
      if (leases.byEndpoint(granted)?.externalPort !== granted.externalPort) continue; // it has ended since
      const before = now();
      flush(granted);
      this.#creditMs -= now() - before;
    }
  }
}
