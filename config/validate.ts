// The result of checking a program's arguments, and the check itself for arguments that may come from a file. Pure.

import type { Arguments, ArgumentsOrErrors, Validated } from './types.js';
import { firstFew } from './file.js';

export type { Validated } from './types.js';

/** Parse the arguments with the program's own parser; complaints about a line of the file say which line. */
export function validate<T>(from: ArgumentsOrErrors, parse: (args: readonly string[]) => Validated<T>): Validated<T> {
  if ('complaints' in from) return from;
  const parsed = parse(from.args);
  return 'ok' in parsed
    ? parsed
    : { complaints: firstFew(parsed.complaints).map((complaint) => withLocation(complaint, from)) };
}

/** A complaint about a flag, with the line of the file if the flag comes from there. */
export function withLocation(complaint: string, { entries }: Arguments): string {
  const [, name, rest = ''] = /^--(?:no-)?([a-z-]+)(.*)$/s.exec(complaint) ?? [];
  const lines = entries.filter(({ setting }) => setting.name === name);
  // Of several, the one whose value the complaint quotes.
  const entry = lines.find(({ value }) => rest.includes(value)) ?? lines[0];
  return entry === undefined ? complaint : `${entry.path}:${entry.line}: ${name}${rest}`;
}
