// Counts for metrics: observations by their size, as a histogram of Prometheus, cheap enough for every request; and what
// the helper counts of its own work since it started. Pure.

import type { Distribution, HelperStats } from './messages.js';

/** Requests in a batch, up to the most there can be. */
export const BATCH_BOUNDS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Seconds: from what a kernel takes for one change to what a slow disk takes to sync. */
export const SECONDS_BOUNDS: readonly number[] = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];

export class Histogram implements Distribution {
  readonly #bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let index = 0;
    // Most are small, so that this ends soon.
    while (index < this.#bounds.length && value > this.#bounds[index]!) index++;
    this.counts[index]!++;
    this.sum += value;
  }
}

/** Totals that are still counting. `stopwatch`: seconds of a clock that only goes on. */
export class StatsRecorder implements HelperStats {
  readonly #stopwatch: () => number;
  readonly refused: number[] = [];
  readonly batches = new Histogram(BATCH_BOUNDS);
  readonly kernel = new Histogram(SECONDS_BOUNDS);
  readonly journal = new Histogram(SECONDS_BOUNDS);

  constructor(stopwatch: () => number) {
    this.#stopwatch = stopwatch;
  }

  /** Do it, and count how long it took. */
  timed<T>(what: 'kernel' | 'journal', act: () => T): T {
    const from = this.#stopwatch();
    const result = act();
    this[what].observe(this.#stopwatch() - from);
    return result;
  }

  refuse(reason: number): void {
    while (this.refused.length <= reason) this.refused.push(0);
    this.refused[reason]!++;
  }
}
