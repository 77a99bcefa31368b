// Tables of text. Pure.

import type { Spread } from './statistics.js';

export type Cell = string | number;

/** Columns as wide as they need to be: the first to the left, the rest to the right. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [format(head), widths.map((width) => '-'.repeat(width)).join('  '), ...lines.slice(1).map(format)].join('\n');
}

/** "12,300": three digits are more than a shared machine can repeat. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const step = value >= 1000 ? 10 ** (Math.floor(Math.log10(value)) - 2) : 10 ** -digits;
  return (Math.round(value / step) * step).toLocaleString('en-US', {
    minimumFractionDigits: value >= 1000 ? 0 : digits,
    maximumFractionDigits: digits,
  });
}

/** "12,300 (11,900-12,800)" */
export function spreadText({ median, least, most }: Spread): string {
  return least === most ? rounded(median) : `${rounded(median)} (${rounded(least)}-${rounded(most)})`;
}
