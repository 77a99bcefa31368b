// Ranges of ports and addresses, also in rules. Pure.

import { parseIpv4 } from '../../../proto/mapping.js';
import type { Json } from '../nft-json.js';
import { fields, listOf } from '../nft-json.js';

export type Range = readonly [from: number, to: number];

/** The share of the ranges that the other one covers, from 0 to 1. The ranges do not overlap. */
export function covered(ranges: readonly Range[], [from, to]: Range): number {
  const overlap = ranges.reduce(
    (sum, [first, last]) => sum + Math.max(0, Math.min(last, to) - Math.max(first, from) + 1),
    0,
  );
  return overlap / sizeOf(ranges);
}

export function sizeOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}

/** All addresses except these. */
export function without(blocks: readonly Range[]): readonly Range[] {
  const left: Range[] = [];
  let next = 0;
  for (const [from, to] of [...blocks].sort(([a], [b]) => a - b)) {
    if (from > next) left.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  return next > 0xffffffff ? left : [...left, [next, 0xffffffff]];
}

/** The addresses of a prefix; bits behind the prefix do not count. */
export function block(address: number, length: number): Range {
  const size = 2 ** (32 - length);
  const from = address - (address % size);
  return [from, from + size - 1];
}

/** A number, an address, a range or a prefix in nft's JSON; null for anything else. */
export function rangeOf(pattern: Json): Range | null {
  const { prefix, range } = fields(pattern);
  if (prefix !== undefined) {
    const { addr, len } = fields(prefix);
    const address = numberOf(addr ?? null);
    return address === null || typeof len !== 'number' ? null : block(address, len);
  }
  const [from, to] = range === undefined ? [pattern, pattern] : listOf(range);
  const [first, last] = [numberOf(from ?? null), numberOf(to ?? null)];
  return first === null || last === null ? null : [first, last];
}

export function numberOf(value: Json): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? parseIpv4(value) : null;
}
