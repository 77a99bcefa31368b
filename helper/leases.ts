// The lease table as the helper keeps it: what is granted, when each lease ends, and every change as a value that can
// be undone. Pure: the time is an argument.

import type { Lease } from '../proto/mapping.js';
import { externalKey } from '../proto/mapping.js';
import { Table } from '../proto/table.js';

/** One step of the table: granted (no `before`), renewed (both), or ended (no `after`). */
export interface Change {
  readonly before: Lease | undefined;
  readonly after: Lease | undefined;
}

/**
 * How long a lease stays in the table after its expiry, in milliseconds. The kernel ends each element by its own timer
 * within a clock tick of the expiry; a port is free for another host only when that has surely happened.
 */
const GRACE_MS = 50;
/** Leases leave the table at most this much later still, in milliseconds: endings are kept by tick. */
const TICK_MS = 250;

/** In ascending order of their numbers, as external keys are. */
const PROTOCOLS = ['tcp', 'udp'] as const;
/** Words of 32 bits for the ports of one protocol. */
const WORDS = 65536 / 32;

export class Leases extends Table {
  /** A bit for each external key that is held, tcp first: pages of a list are found by walking it. */
  readonly #held = new Uint32Array(2 * WORDS);
  /** Dynamic leases by the tick at which they leave the table. */
  readonly #endings = new Map<number, Set<Lease>>();
  /** All ticks before this one have been looked at. */
  #nextTick: number;
  #staticCount = 0;

  /** `now`: milliseconds of CLOCK_BOOTTIME; leases put in later end after it. */
  constructor(now: number) {
    super();
    this.#nextTick = Math.floor(now / TICK_MS);
  }

  get staticCount(): number {
    return this.#staticCount;
  }

  /** When `expire` next has something to take out, in milliseconds of CLOCK_BOOTTIME; Infinity for never. Costs a look at every tick with endings. */
  get nextEndingAt(): number {
    return TICK_MS * [...this.#endings.keys()].reduce((next, tick) => Math.min(next, tick), Infinity);
  }

  override put(lease: Lease): void {
    super.put(lease);
    this.#mark(lease, true);
    if (lease.origin === 'static') this.#staticCount++;
    else this.#endingsAt(lease).add(lease);
  }

  override drop(lease: Lease): void {
    if (this.byExternal(lease.protocol, lease.externalPort) !== lease) return;
    super.drop(lease);
    this.#mark(lease, false);
    if (lease.origin === 'static') {
      this.#staticCount--;
      return;
    }
    const tick = endingTick(lease);
    const endings = this.#endings.get(tick);
    endings?.delete(lease);
    if (endings?.size === 0) this.#endings.delete(tick);
  }

  apply({ before, after }: Change): void {
    if (before !== undefined) this.drop(before);
    if (after !== undefined) this.put(after);
  }

  undo({ before, after }: Change): void {
    if (after !== undefined) this.drop(after);
    if (before !== undefined) this.put(before);
  }

  /** The leases whose external key is above `after`, in ascending order of their keys. Costs next to nothing to begin. */
  *above(after: number): Generator<Lease> {
    for (const [index, protocol] of PROTOCOLS.entries()) {
      const first = externalKey(protocol, 0);
      const from = Math.max(0, after + 1 - first);
      for (let word = from >>> 5; word < WORDS; word++) {
        for (let bits = this.#held[index * WORDS + word] as number; bits !== 0; bits &= bits - 1) {
          const port = word * 32 + 31 - Math.clz32(bits & -bits);
          const lease = port < from ? undefined : this.byKey(first + port);
          if (lease !== undefined) yield lease;
        }
      }
    }
  }

  /** Take out and return what has expired. Costs a look at each tick since the last time. */
  expire(now: number): readonly Lease[] {
    const expired: Lease[] = [];
    for (; this.#nextTick * TICK_MS <= now; this.#nextTick++) expired.push(...(this.#endings.get(this.#nextTick) ?? []));
    for (const lease of expired) this.drop(lease);
    return expired;
  }

  #mark(lease: Lease, isHeld: boolean): void {
    const word = PROTOCOLS.indexOf(lease.protocol) * WORDS + (lease.externalPort >>> 5);
    const bit = 1 << (lease.externalPort & 31);
    this.#held[word] = isHeld ? (this.#held[word] as number) | bit : (this.#held[word] as number) & ~bit;
  }

  #endingsAt(lease: Lease): Set<Lease> {
    const tick = endingTick(lease);
    let endings = this.#endings.get(tick);
    if (endings === undefined) this.#endings.set(tick, (endings = new Set()));
    return endings;
  }
}

function endingTick(lease: Lease): number {
  return Math.ceil((lease.expiresAt + GRACE_MS) / TICK_MS);
}

/**
 * What the changes come to: for each external port at most one change, from what was there before the first of them to
 * what is there after the last. Ports that end as they began are left out.
 */
export function netChanges(changes: readonly Change[]): readonly Change[] {
  if (changes.length === 1) return changes;
  const net = new Map<number, Change>();
  for (const { before, after } of changes) {
    if (before !== undefined) fold(net, before, { before, after: undefined });
    if (after !== undefined) fold(net, after, { before: undefined, after });
  }
  return [...net.values()].filter(({ before, after }) => before !== after);
}

function fold(net: Map<number, Change>, lease: Lease, step: Change): void {
  const key = externalKey(lease.protocol, lease.externalPort);
  const earlier = net.get(key);
  net.set(key, earlier === undefined ? step : { before: earlier.before, after: step.after });
}
