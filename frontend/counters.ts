// Counters of datagrams and events, by reason. Datagrams are counted and never logged, so that the LAN cannot fill the
// log.

import type { PcpResultName } from './pcp/wire.js';
import { PCP_RESULT_NAMES } from './pcp/wire.js';
import type { ResultName } from './wire.js';
import { RESULT_NAMES } from './wire.js';

/** Reasons for silence. */
export const DROPS = [
  'runt',
  'truncated',
  'response',
  'too-long',
  'off-lan',
  'destination',
  'source-port',
  'no-epoch',
  'no-address',
  'helper-away',
  'unresolved',
  'rate-limited',
  'shed',
  'defect',
] as const;
/** Events that are counted besides datagrams and replies. */
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

/** Opcodes of answered requests; `other` for unsupported versions and opcodes. */
export const OPCODES = ['external-address', 'map-udp', 'map-tcp', 'other'] as const;
export type Opcode = (typeof OPCODES)[number];

/** The same for PCP; a MAP request of lifetime 0 is a deletion. */
export const PCP_OPCODES = ['pcp-announce', 'pcp-map', 'pcp-delete', 'pcp-other'] as const;
export type PcpOpcode = (typeof PCP_OPCODES)[number];

export type Counter = (typeof DROPS)[number] | (typeof EVENTS)[number] | ResultName | PcpResultName;

/** Valid requests that were not granted: logged in sums (refusal-log.ts). */
const REFUSALS: readonly Counter[] = [
  'NOT_AUTHORIZED',
  'NETWORK_FAILURE',
  'OUT_OF_RESOURCES',
  'NO_RESOURCES',
  'USER_EX_QUOTA',
  'unresolved',
  'rate-limited',
  'shed',
  'defect',
  'send-failed',
];

const zeros = <K extends string>(names: readonly K[]) =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;

export class Counters {
  readonly #counts = zeros<Counter>([...DROPS, ...EVENTS, ...RESULT_NAMES, ...PCP_RESULT_NAMES]);
  readonly #answered = Object.fromEntries(OPCODES.map((opcode) => [opcode, zeros(RESULT_NAMES)])) as Record<
    Opcode,
    Record<ResultName, number>
  >;
  readonly #answeredPcp = Object.fromEntries(PCP_OPCODES.map((opcode) => [opcode, zeros(PCP_RESULT_NAMES)])) as Record<
    PcpOpcode,
    Record<PcpResultName, number>
  >;
  readonly #takenRefusals = zeros(REFUSALS);
  #isChanged = false;

  count(counter: Counter): void {
    this.#counts[counter]++;
    this.#isChanged = true;
  }

  get(counter: Counter): number {
    return this.#counts[counter];
  }

  /** Count a reply, by opcode and by result. */
  countReply(opcode: Opcode, result: ResultName): void {
    this.#answered[opcode][result]++;
    this.count(result);
  }

  replies(opcode: Opcode, result: ResultName): number {
    return this.#answered[opcode][result];
  }

  countPcpReply(opcode: PcpOpcode, result: PcpResultName): void {
    this.#answeredPcp[opcode][result]++;
    this.count(result);
  }

  pcpReplies(opcode: PcpOpcode, result: PcpResultName): number {
    return this.#answeredPcp[opcode][result];
  }

  /** The totals that are not zero, or null if nothing was counted since the last call. Marks them as taken. */
  takeChangedTotals(): Partial<Record<Counter, number>> | null {
    if (!this.#isChanged) return null;
    this.#isChanged = false;
    return this.totals();
  }

  /** The totals that are not zero. */
  totals(): Partial<Record<Counter, number>> {
    return positive(Object.entries(this.#counts));
  }

  /** The refusals since the last call, by reason, or null if there were none. Marks them as taken. */
  takeRefusals(): Partial<Record<Counter, number>> | null {
    const refused = positive(REFUSALS.map((name) => [name, this.#counts[name] - this.#takenRefusals[name]]));
    for (const name of REFUSALS) this.#takenRefusals[name] = this.#counts[name];
    return Object.keys(refused).length > 0 ? refused : null;
  }
}

function positive(counts: readonly (readonly [string, number])[]): Partial<Record<Counter, number>> {
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
