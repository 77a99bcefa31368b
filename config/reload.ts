// Reload on SIGHUP: read the configuration file again, validate it and log the result. Pure except for the log; the
// caller reads the file.

import type { Arguments, ArgumentsOrErrors } from './file.js';
import type { Validated } from './validate.js';
import { validate } from './validate.js';

/** The methods of a pino logger that a reload uses. */
export interface ReloadLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The new configuration, or null if it is invalid or there is no file; the old one then stays in force. */
export function reloadConfig<T>(
  before: ArgumentsOrErrors,
  read: () => ArgumentsOrErrors,
  parse: (args: readonly string[]) => Validated<T>,
  log: ReloadLog,
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

/** Names of settings that differ between two readings of the file and that a reload does not apply. */
export function needRestart(before: Arguments, after: Arguments): readonly string[] {
  const valuesOf = ({ entries }: Arguments, name: string): string =>
    JSON.stringify(entries.filter(({ setting }) => setting.name === name).map(({ value }) => value));
  const names = [...before.entries, ...after.entries]
    .filter(({ setting }) => !setting.reload)
    .map(({ setting }) => setting.name);
  return [...new Set(names)].filter((name) => valuesOf(before, name) !== valuesOf(after, name));
}
