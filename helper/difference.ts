// What has to change so that the kernel, which holds some elements, holds exactly those of the leases. Pure.

import type { Lease } from '../proto/mapping.js';
import { externalKey, internalKey } from '../proto/mapping.js';
import type { Element, HeldElement } from './elements.js';
import { elementsOf, SETS, tupleOf } from './elements.js';

/** A difference of end that is none, in milliseconds: the kernel counts in ticks, and answers a while after it looked. */
const SLACK_MS = 1500;

/** Remove elements, and add the missing ones of a lease, both at once: they are of the same keys where both are there. */
export interface Step {
  readonly remove: readonly Element[];
  readonly lease: Lease | null;
  /** A bit for each of SETS that lacks the lease. */
  readonly missing: number;
}

const ALL_SETS = 2 ** SETS.length - 1;

/** The elements that a step adds; their timeouts count from `now`, in milliseconds of CLOCK_BOOTTIME. */
export function addedBy({ lease, missing }: Step, now: number): readonly Element[] {
  return lease === null ? [] : elementsOf(lease, now).filter((_, index) => (missing & (1 << index)) !== 0);
}

/** Compares element by element as they are read, so that nothing is kept of those that are as they should be. */
export class Difference {
  readonly #leases = new Map<number, { readonly lease: Lease; seen: number }>();
  /** Elements to remove, by set and key. */
  readonly #surplus = new Map<string, Element>();

  constructor(leases: Iterable<Lease>) {
    for (const lease of leases) this.#leases.set(externalKey(lease.protocol, lease.externalPort), { lease, seen: 0 });
  }

  /** Compare one element that the kernel held at `now`, in milliseconds of CLOCK_BOOTTIME. */
  found(element: HeldElement, now: number): void {
    const tuple = tupleOf(element);
    const wanted = tuple === null ? undefined : this.#leases.get(tuple.external);
    const isWanted = wanted !== undefined && internalKey(wanted.lease) === tuple?.internal &&
      endsTogether(now + element.remaining, wanted.lease.expiresAt);
    if (isWanted) wanted.seen |= 1 << SETS.indexOf(element.set);
    else this.#surplus.set(identity(element), { ...element, key: Buffer.from(element.key), data: element.data && Buffer.from(element.data) });
  }

  /** What to do, once all elements have been compared; no two steps touch the same key. */
  steps(): readonly Step[] {
    const steps: Step[] = [];
    for (const { lease, seen } of this.#leases.values()) {
      const step = { lease, missing: ALL_SETS & ~seen };
      if (step.missing !== 0) steps.push({ ...step, remove: this.#inTheWayOf({ ...step, remove: [] }) });
    }
    for (const remove of this.#surplus.values()) steps.push({ remove: [remove], lease: null, missing: 0 });
    return steps;
  }

  /** Take out the surplus elements whose keys the step needs. */
  #inTheWayOf(step: Step): readonly Element[] {
    if (this.#surplus.size === 0) return [];
    return addedBy(step, 0).flatMap((element) => {
      const key = identity(element);
      const held = this.#surplus.get(key);
      this.#surplus.delete(key);
      return held ?? [];
    });
  }
}

function identity({ set, key }: Element): string {
  return `${set} ${Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')}`;
}

function endsTogether(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= SLACK_MS;
}
