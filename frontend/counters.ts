// What happened to datagrams, by reason. A datagram is counted here and never logged: a log that the network can fill
// is a weapon.

import type { ResultName } from './wire.js';
import { RESULT_NAMES } from './wire.js';

/** Datagrams that were met with silence. */
export const DROPS = [
  'runt',
  'truncated',
  'response',
  'off-lan',
  'source-port',
  'no-epoch',
  'rate-limited',
  'shed',
  'defect',
] as const;
const EVENTS = [
  'port-refused',
  'over-quota',
  'send-failed',
  'announced',
  'address-changed',
  'helper-lost',
  'helper-found',
  'fell-behind',
] as const;

/** What was asked, as far as it could be told. */
export const OPCODES = ['external-address', 'map-udp', 'map-tcp', 'other'] as const;
export type Opcode = (typeof OPCODES)[number];

export type Counter = (typeof DROPS)[number] | (typeof EVENTS)[number] | ResultName;

/** What a host did not get, although it asked as it should: worth a line of the log, summed up. */
const REFUSALS: readonly Counter[] = [
  'NOT_AUTHORIZED',
  'NETWORK_FAILURE',
  'OUT_OF_RESOURCES',
  'rate-limited',
  'shed',
  'defect',
  'send-failed',
];

const zeros = <K extends string>(names: readonly K[]) =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;

export class Counters {
  readonly #counts = zeros<Counter>([...DROPS, ...EVENTS, ...RESULT_NAMES]);
  readonly #answered = Object.fromEntries(OPCODES.map((opcode) => [opcode, zeros(RESULT_NAMES)])) as Record<
    Opcode,
    Record<ResultName, number>
  >;
  readonly #reported = zeros(REFUSALS);
  #isChanged = false;

  count(what: Counter): void {
    this.#counts[what]++;
    this.#isChanged = true;
  }

  get(what: Counter): number {
    return this.#counts[what];
  }

  /** A request got a reply with this result. */
  countReply(opcode: Opcode, result: ResultName): void {
    this.#answered[opcode][result]++;
    this.count(result);
  }

  replies(opcode: Opcode, result: ResultName): number {
    return this.#answered[opcode][result];
  }

  /** The totals that are not zero; null where nothing was counted since the last call. */
  report(): Partial<Record<Counter, number>> | null {
    if (!this.#isChanged) return null;
    this.#isChanged = false;
    return this.totals();
  }

  /** The totals that are not zero. */
  totals(): Partial<Record<Counter, number>> {
    return positive(Object.entries(this.#counts));
  }

  /** How much was refused since the last call, by reason; null where nothing was. */
  refusals(): Partial<Record<Counter, number>> | null {
    const refused = positive(REFUSALS.map((name) => [name, this.#counts[name] - this.#reported[name]]));
    for (const name of REFUSALS) this.#reported[name] = this.#counts[name];
    return Object.keys(refused).length > 0 ? refused : null;
  }
}

function positive(counts: readonly (readonly [string, number])[]): Partial<Record<Counter, number>> {
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
