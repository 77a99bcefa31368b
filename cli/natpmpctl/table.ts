// Text in columns, as wide as their content, and never wider than the terminal. Pure.

export interface Column {
  readonly header: string;
  readonly align: 'left' | 'right';
  /** May be cut to this many characters if the line would be too long. */
  readonly minWidth?: number;
  /** May be left out if the line would still be too long: the lowest number first. */
  readonly dropRank?: number;
}

export interface Row {
  readonly cells: readonly string[];
  readonly style?: Style;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof CODES;

/** The text in a style; unchanged without colours. */
export function paint(text: string, style: Style | undefined, inColour: boolean): string {
  return inColour && style !== undefined ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
}

/** A header and a line for each row. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly Row[],
  width: number,
  inColour: boolean,
): readonly string[] {
  const { widths, gap, isTooWide } = layOut(columns, rows, width);
  const least = Math.min(...columns.map(({ dropRank = Infinity }) => dropRank));
  if (isTooWide && least < Infinity) {
    const keeps = columns.map(({ dropRank }) => dropRank !== least);
    const kept = <T>(cells: readonly T[]): readonly T[] => cells.filter((_, index) => keeps[index]);
    return formatTable(
      kept(columns),
      rows.map((row) => ({ ...row, cells: kept(row.cells) })),
      width,
      inColour,
    );
  }
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const room = widths[index] ?? 0;
        const text = truncate(cells[index] ?? '', room);
        return align === 'right' ? text.padStart(room) : text.padEnd(room);
      })
      .join(gap)
      .trimEnd();
  return [
    paint(line(columns.map(({ header }) => header)), 'bold', inColour),
    ...rows.map(({ cells, style }) => paint(line(cells), style, inColour)),
  ];
}

function layOut(
  columns: readonly Column[],
  rows: readonly Row[],
  width: number,
): { readonly widths: readonly number[]; readonly gap: string; readonly isTooWide: boolean } {
  const widths = columns.map(({ header }, index) =>
    rows.reduce((most, { cells }) => Math.max(most, cells[index]?.length ?? 0), header.length),
  );
  const excess = (gap: string): number =>
    widths.reduce((sum, each) => sum + each, 0) + gap.length * (columns.length - 1) - width;
  const gap = excess('  ') > 0 ? ' ' : '  ';
  columns.forEach(({ minWidth }, index) => {
    const most = widths[index] ?? 0;
    if (minWidth !== undefined && excess(gap) > 0)
      widths[index] = Math.max(Math.min(minWidth, most), most - excess(gap));
  });
  return { widths, gap, isTooWide: excess(gap) > 0 };
}

export function truncate(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}~`;
}
