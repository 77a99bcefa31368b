// Announcements (RFC 6886 §3.2.1): when they go out. What goes out and over which socket comes from outside.

/** Runs something later; the function it gives back calls that off. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

/** §3.2.1: ten announcements, the first interval 250 ms. */
const COUNT = 10;
const FIRST_INTERVAL_MS = 250;

/** Milliseconds before each announcement of one event: none before the first, then 250, and each double the last. */
export function* announcementDelays(): Generator<number, void> {
  yield 0;
  for (let sent = 1; sent < COUNT; sent++) yield FIRST_INTERVAL_MS * 2 ** (sent - 1);
}

/** Announces events one at a time: a new event takes over from the one before. */
export class Announcer {
  readonly #announce: () => void;
  readonly #schedule: Schedule;
  #callOff: () => void = () => {};

  /** `announce` sends one announcement as of now, wherever it should go. */
  constructor(announce: () => void, schedule: Schedule) {
    this.#announce = announce;
    this.#schedule = schedule;
  }

  /** Something happened that clients may want to know: announce it, the first time at once. */
  start(): void {
    this.stop();
    this.#next(announcementDelays());
  }

  stop(): void {
    this.#callOff();
    this.#callOff = () => {};
  }

  #next(delays: Iterator<number, void>): void {
    const next = delays.next();
    if (next.done === true) return;
    const announce = (): void => {
      this.#announce();
      this.#next(delays);
    };
    if (next.value === 0) announce();
    else this.#callOff = this.#schedule(next.value, announce);
  }
}
