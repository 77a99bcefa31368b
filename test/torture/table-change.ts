// Whether the table changed between two lists of it. Pure.

import type { Listed } from '../lab/server.js';
import { listedLine } from './lines.js';

/** A mapping that ends so soon may be in one list and not in the next, in seconds. */
export const ENDING = 3;
/** Seconds left are whole ones: what two of them may differ in, beyond the time between. */
const ROUNDING = 1.5;

/**
 * Whether a mapping came, went, moved, or was renewed before the second list, which was made so many seconds after the
 * first. That one ends by itself is no change.
 */
export function hasChanged(first: readonly Listed[], second: readonly Listed[], seconds: number): boolean {
  const before = secondsLeft(first);
  const after = secondsLeft(second);
  const isOther = (left: number, expected: number | undefined): boolean =>
    left > ENDING && left !== expected && !(Math.abs(left - (expected ?? Infinity)) <= ROUNDING);
  return (
    [...before].some(([line, left]) => isOther(left - seconds, after.get(line))) ||
    [...after].some(([line, left]) => isOther(left + seconds, before.get(line)))
  );
}

/** By mapping or pinhole, and lifetime; static ones, which have no end, as if they had one. */
function secondsLeft(listed: readonly Listed[]): ReadonlyMap<string, number> {
  return new Map(listed.map((each) => [`${listedLine(each)} for ${each.lifetime} s`, each.timeLeft ?? Infinity]));
}
