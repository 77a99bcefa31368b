// Text in columns, as wide as their content, and never wider than the terminal. Pure.

export interface Column {
  readonly header: string;
  readonly align: 'left' | 'right';
  /** May be cut to this many columns of the terminal if the line would be too long: the last such column first. */
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
        const padding = ' '.repeat(Math.max(0, room - widthOf(text)));
        return align === 'right' ? padding + text : text + padding;
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
    rows.reduce((most, { cells }) => Math.max(most, widthOf(cells[index] ?? '')), widthOf(header)),
  );
  const excess = (gap: string): number =>
    widths.reduce((sum, each) => sum + each, 0) + gap.length * (columns.length - 1) - width;
  const gap = excess('  ') > 0 ? ' ' : '  ';
  for (const [index, { minWidth }] of [...columns.entries()].toReversed()) {
    const most = widths[index] ?? 0;
    if (minWidth !== undefined && excess(gap) > 0)
      widths[index] = Math.max(Math.min(minWidth, most), most - excess(gap));
  }
  return { widths, gap, isTooWide: excess(gap) > 0 };
}

/** East Asian wide and full-width characters, and emoji: two columns each (Unicode, UAX #11). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Marks above and below the character before. */
const MARK = /^[\p{Mn}\p{Me}]$/u;

function widthOfCharacter(character: string): number {
  if (WIDE.test(character)) return 2;
  return MARK.test(character) ? 0 : 1;
}

/** Columns of a terminal that a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** The text in at most so many columns; where something is cut off, it ends in "…". No character is halved. */
export function truncate(text: string, room: number): string {
  if (widthOf(text) <= room) return text;
  let kept = '';
  let left = Math.max(0, room - 1);
  for (const character of text) {
    left -= widthOfCharacter(character);
    if (left < 0) break;
    kept += character;
  }
  return `${kept}…`;
}
