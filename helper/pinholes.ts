// The helper's table of pinholes, found by endpoint, counted by device. Pure.

import type { HeldPinhole } from './types.js';
import type { PinholeEndpoint } from '../proto/lease.js';
import { PROTOCOL_NUMBER } from '../proto/mapping.js';

export function pinholeKey({ protocol, address, port }: PinholeEndpoint): string {
  return `${address} ${PROTOCOL_NUMBER[protocol]} ${port}`;
}

/** A host has as many addresses as it likes: they count together if its hardware address is known. */
export function deviceOf({ hardwareAddress, address }: Pick<HeldPinhole, 'hardwareAddress' | 'address'>) {
  return hardwareAddress === 0 ? address : hardwareAddress;
}

export class Pinholes {
  /** In the order in which they were added, and numbered in it: a list can go on where it was. */
  readonly #rows = new Map<string, { readonly number: number; pinhole: HeldPinhole }>();
  #lastNumber = 0;
  readonly #counts = new Map<number | string, number>();
  #staticCount = 0;
  /** No pinhole expires earlier, in milliseconds of CLOCK_BOOTTIME. */
  nextExpiry = Infinity;

  get size(): number {
    return this.#rows.size;
  }

  get staticCount(): number {
    return this.#staticCount;
  }

  /** How many a device holds. */
  count(device: number | string): number {
    return this.#counts.get(device) ?? 0;
  }

  get(endpoint: PinholeEndpoint): HeldPinhole | undefined {
    return this.#rows.get(pinholeKey(endpoint))?.pinhole;
  }

  /** Those with a number above `after`, in ascending order. */
  *above(after: number): Generator<HeldPinhole> {
    for (const { number, pinhole } of this.#rows.values()) if (number > after) yield pinhole;
  }

  numberOf(pinhole: PinholeEndpoint): number {
    return this.#rows.get(pinholeKey(pinhole))?.number ?? 0;
  }

  put(pinhole: HeldPinhole): void {
    const key = pinholeKey(pinhole);
    const row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, { number: ++this.#lastNumber, pinhole });
    else this.#tally(row.pinhole, -1);
    this.#tally(pinhole, 1);
    if (row !== undefined) row.pinhole = pinhole;
    this.nextExpiry = Math.min(this.nextExpiry, pinhole.expiresAt);
  }

  drop(endpoint: PinholeEndpoint): void {
    const key = pinholeKey(endpoint);
    const held = this.#rows.get(key);
    if (held === undefined) return;
    this.#rows.delete(key);
    this.#tally(held.pinhole, -1);
  }

  /** Take out and return at most so many of those that expire until then. */
  expire(until: number, most: number): readonly HeldPinhole[] {
    if (this.nextExpiry > until) return [];
    const expired: HeldPinhole[] = [];
    this.nextExpiry = Infinity;
    for (const pinhole of this.above(0)) {
      if (pinhole.expiresAt <= until && expired.length < most) expired.push(pinhole);
      else this.nextExpiry = Math.min(this.nextExpiry, pinhole.expiresAt);
    }
    for (const pinhole of expired) this.drop(pinhole);
    return expired;
  }

  #tally(pinhole: HeldPinhole, one: 1 | -1): void {
    const device = deviceOf(pinhole);
    const count = this.count(device) + one;
    if (count === 0) this.#counts.delete(device);
    else this.#counts.set(device, count);
    if (pinhole.origin === 'static') this.#staticCount += one;
  }
}
