// What was measured, beside what this machine can not do without: one transaction and one fdatasync for as many mappings as
// wait. Pure.

import type { Limit } from './limits.js';
import type { RequestFigures } from './requests.js';
import { rounded, type Cell } from './text.js';

/** Address requests change nothing, and have no such limit. */
export function limitRows(requests: readonly RequestFigures[], limits: readonly Limit[]): Cell[][] {
  return requests.flatMap(({ kind, rig, held, width, p50, perSecond }) => {
    const limit = limits.find((each) => each.width === width)?.p50.median;
    if (kind === 'address' || limit === undefined) return [];
    const share = perSecond.median / ((width / limit) * 1e6);
    return [[`${kind}, ${rig}`, held, width, rounded(p50.median), rounded(limit), signed(p50.median - limit), share.toFixed(2)]];
  });
}

function signed(value: number): string {
  return value < 0 ? `-${rounded(-value)}` : rounded(value);
}
