// Reload on SIGHUP: read the configuration file again, validate it and log the result. Pure except for the log; the
// caller reads the file.

import type { Arguments, ArgumentsOrErrors, Lines, Validated } from './types.js';
import { validate } from './validate.js';

export type * from './types.js';

/** The new configuration, or null if it is invalid or there is no file; the old one then stays in force. */
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
  const after = read();
  const validated = validate(after, parse);
  if (!('ok' in validated)) {
    log.error({ complaints: validated.complaints }, 'not reloaded: the configuration stays as it was');
    return null;
  }
  log.info({ config: before.path }, 'configuration reloaded');
  const settings = 'args' in after ? needRestart(before, after) : [];
  if (settings.length > 0) log.warn({ settings }, 'changed, but in force only after a restart');
  return validated.ok;
}

/** What differs between two readings of the file, and needs a restart: names, in the order of the settings. */
export function needRestart(before: Arguments, after: Arguments): readonly string[] {
  const said = ({ entries }: Arguments, name: string): string =>
    JSON.stringify(entries.filter(({ setting }) => setting.name === name).map(({ value }) => value));
  const names = [...before.entries, ...after.entries]
    .filter(({ setting }) => !setting.reload)
    .map(({ setting }) => setting.name);
  return [...new Set(names)].filter((name) => said(before, name) !== said(after, name));
}
