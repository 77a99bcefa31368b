// What happened to datagrams, by reason. A datagram is counted here and never logged: a log that the network can fill
// is a weapon.

import type { ResultName } from './wire.js';
import { RESULT_NAMES } from './wire.js';

const DROPS = [
  'runt', 'truncated', 'response', 'off-lan', 'source-port', 'no-epoch', 'rate-limited', 'shed', 'defect',
] as const;
const EVENTS = ['port-refused', 'send-failed', 'announced', 'helper-lost', 'helper-found', 'fell-behind'] as const;

export type Counter = (typeof DROPS)[number] | (typeof EVENTS)[number] | ResultName;

export class Counters {
  readonly #counts = Object.fromEntries(
    [...DROPS, ...EVENTS, ...RESULT_NAMES].map((name) => [name, 0])) as Record<Counter, number>;
  #isChanged = false;

  count(what: Counter): void {
    this.#counts[what]++;
    this.#isChanged = true;
  }

  get(what: Counter): number {
    return this.#counts[what];
  }

  /** The totals that are not zero; null where nothing was counted since the last call. */
  report(): Partial<Record<Counter, number>> | null {
    if (!this.#isChanged) return null;
    this.#isChanged = false;
    return Object.fromEntries(Object.entries(this.#counts).filter(([, count]) => count > 0));
  }
}
