// The result of checking a program's arguments, and the check itself for arguments that may come from a file. Pure.

import type { ArgumentsOrErrors, Validated } from './types.js';
import { firstFew, withLocation } from './file.js';

export type { Validated } from './types.js';

/** Parse the arguments with the program's own parser; complaints about a line of the file say which line. */
export function validate<T>(from: ArgumentsOrErrors, parse: (args: readonly string[]) => Validated<T>): Validated<T> {
  if ('complaints' in from) return from;
  const parsed = parse(from.args);
  return 'ok' in parsed
    ? parsed
    : { complaints: firstFew(parsed.complaints).map((complaint) => withLocation(complaint, from)) };
}
