// When the device is announced: UPnP Device Architecture (UDA) 1.1 §1.2. What is sent is the caller's.

import type { Schedule } from '../../caller/schedule.js';

/** Before the first announcement, at random: after a power failure all devices of a LAN start at once. */
const FIRST_WITHIN_MS = 100;
/** UDP loses datagrams, so a set is sent several times. */
const SETS = 3;
const BETWEEN_SETS_MS = 200;
/** Before half of what clients remember the device for (MAX_AGE_SECONDS), at random. */
const AGAIN_FROM_MS = 600_000;
const AGAIN_TO_MS = 850_000;

export interface AnnouncerDeps {
  /** Send one set of `ssdp:alive` on every LAN. */
  alive(): void;
  /** Send one set of `ssdp:byebye` on every LAN. */
  byebye(): void;
  readonly schedule: Schedule;
  /** [0, 1) */
  readonly random: () => number;
}

export class Announcer {
  readonly #deps: AnnouncerDeps;
  #cancel: () => void = () => {};
  /** Sets of `ssdp:alive` that are still to be sent soon. */
  #left = 0;

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps;
  }

  /** Of the start: what clients remember of an earlier run is over (UDA 1.1 §1.2.1), and then the device is there. */
  start(): void {
    this.stop();
    this.#left = SETS;
    this.#after(this.#deps.random() * FIRST_WITHIN_MS, () => {
      this.#deps.byebye();
      this.#after(BETWEEN_SETS_MS, () => this.#alive());
    });
  }

  /** Something that announcements say is different now. Any number of calls at once make three sets. */
  announceAlive(): void {
    const isDue = this.#left > 0;
    this.#left = SETS;
    if (!isDue) this.#after(this.#deps.random() * FIRST_WITHIN_MS, () => this.#alive());
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
    this.#left = 0;
  }

  #alive(): void {
    this.#left--;
    const againMs = AGAIN_FROM_MS + this.#deps.random() * (AGAIN_TO_MS - AGAIN_FROM_MS);
    this.#after(this.#left > 0 ? BETWEEN_SETS_MS : againMs, () => {
      this.#left = Math.max(1, this.#left);
      this.#alive();
    });
    this.#deps.alive();
  }

  /** One timer at a time. */
  #after(delayMs: number, run: () => void): void {
    this.#cancel();
    this.#cancel = this.#deps.schedule(delayMs, run);
  }
}
