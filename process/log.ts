// The log of the daemons and the launcher: JSON lines on stdout. Opens no file.

import type { Logger } from 'pino';
import { pino } from 'pino';
import type { FileIdentity } from './syslog-prefix.js';
import { isJournal, priorityPrefix } from './syslog-prefix.js';

/**
 * A log on stdout. If stdout is systemd's journal, lines have a priority prefix and no timestamp: the journal adds its
 * own.
 *
 * @param base Fields of every line.
 * @param journalStream The value of $JOURNAL_STREAM.
 * @param identity What `fstat` says of stdout.
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
    // Makes pino set `lastLevel` before each write.
    [pino.symbols.needsMetadataGsym]: true as const,
    lastLevel: 0,
    write(line: string) {
      stdout.write(priorityPrefix(this.lastLevel) + line);
    },
  };
  return pino({ base, level, timestamp: false }, journal);
}
