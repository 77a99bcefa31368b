// Standard output, for people or for programs.

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Whether colours are wanted: on a terminal that has them, unless NO_COLOR says otherwise (no-color.org). */
export function wantsColour(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
}

/** Columns to print in: those of the terminal, of COLUMNS, or 80. */
export function outputWidth(): number {
  const told = Number(process.env['COLUMNS']);
  return process.stdout.isTTY && process.stdout.columns > 0
    ? process.stdout.columns
    : told >= 20
      ? Math.floor(told)
      : 80;
}
