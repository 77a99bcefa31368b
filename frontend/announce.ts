// When to send announcements (RFC 6886 §3.2.1). The content and the sockets are the caller's.

import type { Schedule } from '../caller/schedule.js';

/** §3.2.1: ten announcements, the first interval 250 ms. */
const COUNT = 10;
const FIRST_INTERVAL_MS = 250;

/** Milliseconds before each announcement of one event: none before the first, then 250, and each double the last. */
export function* announcementDelays(): Generator<number, void> {
  yield 0;
  for (let sent = 1; sent < COUNT; sent++) yield FIRST_INTERVAL_MS * 2 ** (sent - 1);
}

/** Announces one event at a time: a new event replaces the previous one. */
export class Announcer {
  readonly #announce: () => void;
  readonly #schedule: Schedule;
  #cancel: () => void = () => {};

  /** `announce` sends one announcement, with the state of that moment, on every LAN. */
  constructor(announce: () => void, schedule: Schedule) {
    this.#announce = announce;
    this.#schedule = schedule;
  }

  /** Announce a change that clients must know of: the first time at once. */
  start(): void {
    this.stop();
    this.#next(announcementDelays());
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  #next(delays: Iterator<number, void>): void {
    const next = delays.next();
    if (next.done === true) return;
    const announce = (): void => {
      this.#announce();
      this.#next(delays);
    };
    if (next.value === 0) announce();
    else this.#cancel = this.#schedule(next.value, announce);
  }
}
