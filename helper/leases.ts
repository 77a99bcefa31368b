// The helper's lease table: what is granted, when each lease ends, and changes that can be undone; pinholes too. Pure:
// the time is an argument.

import type { AnyLease, Change } from './types.js';
import type { Lease } from '../proto/lease.js';
import { externalKey } from '../proto/mapping.js';
import { BLOCKS, blockOf, Table } from '../proto/table.js';
import { pinholeKey, Pinholes } from './pinholes.js';

/**
 * How long a lease stays in the table after its expiry, in milliseconds. The kernel ends an element within a clock tick
 * of its expiry; only after that is the port free for another host.
 */
const GRACE_MS = 50;
/** Endings are rounded up to these ticks, in milliseconds. */
const TICK_MS = 250;

export class Leases extends Table {
  readonly pinholes = new Pinholes();
  /** For each block of external ports: none of its leases expires earlier. `expire` corrects one that is too early. */
  readonly #expiries = new Float64Array(BLOCKS).fill(Infinity);
  /** The earliest of them. */
  #nextExpiry = Infinity;

  /** When to call `expire` next, in milliseconds of CLOCK_BOOTTIME; Infinity for never. It may find nothing. */
  get nextEndingAt(): number {
    return Math.ceil((Math.min(this.#nextExpiry, this.pinholes.nextExpiry) + GRACE_MS) / TICK_MS) * TICK_MS;
  }

  /** The leases of mappings, and then pinholes, behind these cursors. None may be put in or dropped meanwhile. */
  *all(after = { mapping: 0, pinhole: 0 }): Generator<AnyLease> {
    yield* this.above(after.mapping);
    yield* this.pinholes.above(after.pinhole);
  }

  /** Where a list goes on behind this one, as `above` takes it. */
  cursorOf(lease: AnyLease): number {
    return 'address' in lease ? this.pinholes.numberOf(lease) : externalKey(lease.protocol, lease.externalPort);
  }

  override put(lease: Lease): void {
    super.put(lease);
    const { expiresAt } = lease;
    if (expiresAt < this.#nextExpiry) this.#nextExpiry = expiresAt;
    const block = blockOf(lease.protocol, lease.externalPort);
    if (expiresAt < this.#expiries[block]!) this.#expiries[block] = expiresAt;
  }

  apply({ before, after }: Change): void {
    const [lease, what] = after === undefined ? [before, 'drop' as const] : [after, 'put' as const];
    if (lease === undefined) return;
    if ('address' in lease) this.pinholes[what](lease);
    else this[what](lease);
  }

  undo({ before, after }: Change): void {
    this.apply({ before: after, after: before });
  }

  /** Take out and return what has expired, `most` and a few. Cheap before `nextEndingAt`; then it looks at each block. */
  expire(now: number, most = Infinity): readonly AnyLease[] {
    const until = Math.floor(now / TICK_MS) * TICK_MS - GRACE_MS;
    const expired = this.#expireMappings(until, most);
    return [...expired, ...this.pinholes.expire(until, Math.max(0, most - expired.length))];
  }

  #expireMappings(until: number, most: number): readonly Lease[] {
    const expired: Lease[] = [];
    if (this.#nextExpiry > until) return expired;
    this.#nextExpiry = Infinity;
    for (let block = 0; block < BLOCKS && expired.length < most; block++) {
      if (this.#expiries[block]! <= until) this.#expiries[block] = this.#expireBlock(block, until, expired);
      if (this.#expiries[block]! < this.#nextExpiry) this.#nextExpiry = this.#expiries[block]!;
    }
    if (expired.length >= most) this.#nextExpiry = until; // there may be more
    for (const lease of expired) this.drop(lease);
    return expired;
  }

  /** Add what has expired to the list. Returns when the first of the others does. */
  #expireBlock(block: number, until: number, expired: Lease[]): number {
    let first = Infinity;
    for (const port of this.portsIn(block)) {
      const expiresAt = this.expiryAt(port);
      if (expiresAt <= until) expired.push(this.at(port));
      else if (expiresAt < first) first = expiresAt;
    }
    return first;
  }
}

/** By which a lease is found: the external port of a mapping, the endpoint of a pinhole. */
export function leaseKey(lease: AnyLease): number | string {
  return 'address' in lease ? pinholeKey(lease) : externalKey(lease.protocol, lease.externalPort);
}

/** At most one change for each key, from its state before the first to that after the last; none if equal. */
export function netChanges(changes: readonly Change[]): readonly Change[] {
  if (changes.length === 1) return changes;
  const net = new Map<number | string, Change>();
  for (const change of changes) {
    const key = leaseKey((change.after ?? change.before) as AnyLease);
    const earlier = net.get(key);
    net.set(key, earlier === undefined ? change : { before: earlier.before, after: change.after });
  }
  return [...net.values()].filter(({ before, after }) => before !== after);
}

/** The list in parts of at most this length. */
export function inParts<T>(list: readonly T[], most: number): readonly (readonly T[])[] {
  const count = Math.ceil(list.length / most);
  return Array.from({ length: count }, (_, index) => list.slice(index * most, (index + 1) * most));
}
