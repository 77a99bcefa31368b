// Numbers about numbers. Pure.

/** A median with the least and the most of what it is of. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** The value below which the given share lies, of values in ascending order; NaN if there are none. */
export function percentile(ascending: ArrayLike<number>, share: number): number {
  const at = Math.min(ascending.length - 1, Math.max(0, Math.ceil(share * ascending.length) - 1));
  return ascending[at] ?? NaN;
}

export function median(values: readonly number[]): number {
  const ascending = values.toSorted((a, b) => a - b);
  const middle = ascending.length >>> 1;
  if (ascending.length % 2 === 1) return ascending[middle] ?? NaN;
  return ((ascending[middle - 1] ?? NaN) + (ascending[middle] ?? NaN)) / 2;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}
