// Log lines of all programs here: a line of JSON each, and where they go to systemd's journal the priority in front.
// Nothing is opened: they go to the standard output.

import type { Logger } from 'pino';
import { pino } from 'pino';
import type { FileIdentity } from './syslog-prefix.js';
import { isJournal, priority } from './syslog-prefix.js';

/**
 * A log on the standard output, whose identity decides on the form. `base` is in every line. The journal stamps lines
 * itself.
 */
export function createLog(
  base: { readonly name: string },
  level: string,
  journalStream: string | undefined,
  identity: FileIdentity,
): Logger {
  const stdout = pino.destination({ dest: 1, sync: true });
  if (!isJournal(journalStream, identity)) return pino({ base, level }, stdout);
  const journal = {
    // Has pino tell the level of the line before it writes it.
    [pino.symbols.needsMetadataGsym]: true as const,
    lastLevel: 0,
    write(line: string) {
      stdout.write(priority(this.lastLevel) + line);
    },
  };
  return pino({ base, level, timestamp: false }, journal);
}
