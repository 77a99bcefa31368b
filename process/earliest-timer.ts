// A timer that can only be moved earlier until it fires.

export class EarliestTimer {
  readonly #run: () => void;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #dueAtMs = Infinity;

  /** `nowMs`: a clock that is never set, such as CLOCK_BOOTTIME. */
  constructor(run: () => void, nowMs: () => number) {
    this.#run = run;
    this.#nowMs = nowMs;
  }

  /** Fire within this many milliseconds; an earlier time that is already set stays. */
  within(ms: number): void {
    const dueAtMs = this.#nowMs() + ms;
    if (dueAtMs >= this.#dueAtMs) return;
    clearTimeout(this.#timer);
    this.#dueAtMs = dueAtMs;
    this.#timer = setTimeout(() => {
      this.#dueAtMs = Infinity;
      this.#run();
    }, ms);
  }
}
