// The changes after which the kernel holds exactly the elements of the leases. Pure.

import type { AnyLease, Element, HeldElement, HeldPinhole, Step } from '../types.js';
import type { Lease } from '../../proto/lease.js';
import { externalKey, PROTOCOL_NUMBER } from '../../proto/mapping.js';
import { elementsOf, SETS } from './elements.js';

/** Tolerance when comparing expiry times, in milliseconds: the kernel rounds to ticks, and its dump is slightly old. */
const SLACK_MS = 1500;

/** All external keys are below. */
const KEYS = (PROTOCOL_NUMBER.udp + 1) << 16;
const ALL_SETS = 2 ** SETS.length - 1;

/** The elements that a step adds; their timeouts count from `now`, in milliseconds of CLOCK_BOOTTIME. */
export function addedBy({ lease, missing }: Pick<Step, 'lease' | 'missing'>, now: number): readonly Element[] {
  if (lease === null) return [];
  const all = elementsOf(lease, now);
  return missing === ALL_SETS ? all : all.filter((_, index) => (missing & (1 << index)) !== 0);
}

/** Compares element by element as they are read, so that nothing is kept of those that are as they should be. */
export class RepairPlan {
  readonly #leases = new Map<number, Lease>();
  /** By external key: a bit for each of SETS that holds the lease as it should. */
  readonly #seen = new Uint8Array(KEYS);
  /** Those that the kernel does not hold as it should, by set and key. */
  readonly #pinholes = new Map<string, HeldPinhole>();
  /** Elements to remove, by set and key. */
  readonly #surplus = new Map<string, Element>();

  constructor(leases: Iterable<AnyLease>) {
    for (const lease of leases) {
      if ('address' in lease) this.#pinholes.set(identity(elementsOf(lease, 0)[0]), lease);
      else this.#leases.set(externalKey(lease.protocol, lease.externalPort), lease);
    }
  }

  /** Compare one element that the kernel held at `now`, in milliseconds of CLOCK_BOOTTIME. */
  compare(element: HeldElement, now: number): void {
    const lease = this.#leases.get(element.externalKey);
    if (
      lease !== undefined &&
      lease.internalAddress === element.internalAddress &&
      lease.internalPort === element.internalPort &&
      endsTogether(now + element.remaining, lease.expiresAt)
    ) {
      this.#seen[element.externalKey]! |= 1 << SETS.indexOf(element.set);
    } else {
      const copy = element.copy();
      const key = identity(copy);
      const pinhole = this.#pinholes.get(key);
      if (pinhole !== undefined && endsTogether(now + element.remaining, pinhole.expiresAt)) this.#pinholes.delete(key);
      else this.#surplus.set(key, copy);
    }
  }

  /** The changes, once all elements have been compared; no two steps touch the same key. */
  steps(): readonly Step[] {
    const steps: Step[] = [];
    for (const [key, lease] of this.#leases) {
      const missing = ALL_SETS & ~this.#seen[key]!;
      if (missing !== 0) steps.push({ remove: this.#conflictsWith(lease, missing), lease, missing });
    }
    for (const lease of this.#pinholes.values())
      steps.push({ remove: this.#conflictsWith(lease, ALL_SETS), lease, missing: ALL_SETS });
    for (const remove of this.#surplus.values()) steps.push({ remove: [remove], lease: null, missing: 0 });
    return steps;
  }

  /** Take out the surplus elements whose keys the lease needs. */
  #conflictsWith(lease: AnyLease, missing: number): readonly Element[] {
    if (this.#surplus.size === 0) return [];
    return addedBy({ lease, missing }, 0).flatMap((element) => {
      const key = identity(element);
      const held = this.#surplus.get(key);
      this.#surplus.delete(key);
      return held ?? [];
    });
  }
}

function identity({ set, key }: Element): string {
  return `${set} ${key.join()}`;
}

function endsTogether(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= SLACK_MS;
}
