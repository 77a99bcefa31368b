// The calls that wait for the helper: bounded in number, and those of one host that change something are carried out in
// the order in which they came, so that none undoes a later one.

import type { Ipv4 } from '../../proto/mapping.js';

export interface TurnLimits {
  readonly total: number;
  readonly perHost: number;
}

export class Turns {
  readonly #limits: TurnLimits;
  readonly #byHost = new Map<Ipv4, number>();
  #total = 0;
  /** The last change of each host that has not ended. */
  readonly #last = new Map<Ipv4, Promise<unknown>>();

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** The calls under way. */
  get total(): number {
    return this.#total;
  }

  /** What is remembered for hosts: nothing if no call is under way. */
  get remembered(): number {
    return this.#byHost.size + this.#last.size;
  }

  /** Run it at once, or return null if too many are under way. */
  run<T>(host: Ipv4, run: () => Promise<T>): Promise<T> | null {
    const own = this.#byHost.get(host) ?? 0;
    if (this.#total >= this.#limits.total || own >= this.#limits.perHost) return null;
    this.#total++;
    this.#byHost.set(host, own + 1);
    return run().finally(() => {
      this.#total--;
      const left = this.#byHost.get(host)! - 1;
      if (left === 0) this.#byHost.delete(host);
      else this.#byHost.set(host, left);
    });
  }

  /**
   * Run it when all earlier ones of the host have ended, those of the other protocol, too: they share its quota, of which a
   * move that is under way holds more than it will.
   */
  async inOrder<T>(host: Ipv4, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(host);
    const own = before === undefined ? run() : before.then(run, run);
    this.#last.set(host, own);
    try {
      return await own;
    } finally {
      if (this.#last.get(host) === own) this.#last.delete(host);
    }
  }
}
