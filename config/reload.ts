// SIGHUP, as both daemons answer it: read the configuration file again, and say in the log what comes of it. Pure but
// for that: reading and the log are arguments.

import type { ArgumentsOrErrors, Lines, Validated } from './types.js';
import { withLocation, needRestart } from './file.js';

export type * from './types.js';

/** What a program makes of its arguments, each complaint about a line of the file with its place. */
export function judged<T>(from: ArgumentsOrErrors, parse: (args: readonly string[]) => Validated<T>): Validated<T> {
  if ('complaints' in from) return from;
  const parsed = parse(from.args);
  return 'ok' in parsed ? parsed : { complaints: parsed.complaints.map((complaint) => withLocation(complaint, from)) };
}

/** The configuration as the file says it now; null where that is nothing, and everything stays as it was. */
export function reloadConfig<T>(
  before: ArgumentsOrErrors,
  read: () => ArgumentsOrErrors,
  parse: (args: readonly string[]) => Validated<T>,
  log: Lines,
): T | null {
  if (!('args' in before) || before.path === null) {
    log.warn({}, 'SIGHUP: nothing to read again without --config');
    return null;
  }
  const again = read();
  const parsed = judged(again, parse);
  if (!('ok' in parsed)) {
    log.error({ complaints: parsed.complaints }, 'not reloaded: the configuration stays as it was');
    return null;
  }
  log.info({ config: before.path }, 'configuration reloaded');
  const settings = 'args' in again ? needRestart(before, again) : [];
  if (settings.length > 0) log.warn({ settings }, 'changed, but in force only after a restart');
  return parsed.ok;
}
