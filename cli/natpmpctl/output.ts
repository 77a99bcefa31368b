// Standard output, for people or for programs.

import { printable } from '../host/printable.js';

export function print(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Whether to print colours: on a terminal that has them, unless NO_COLOR is set (no-color.org). */
export function wantsColour(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
}

/** In columns: of the terminal, from COLUMNS, or 80. */
export function outputWidth(): number {
  const columns = Number(process.env['COLUMNS']);
  return process.stdout.isTTY && process.stdout.columns > 0
    ? process.stdout.columns
    : columns >= 20
      ? Math.floor(columns)
      : 80;
}
