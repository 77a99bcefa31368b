// What the helper counts of its own work, since it started, for metrics. Pure.

import type { HelperStats } from './messages.js';
import { BATCH_BOUNDS, Histogram, SECONDS_BOUNDS } from './histogram.js';

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
