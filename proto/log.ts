// Log lines of all programs here: a line of JSON each, and where they go to systemd's journal the priority in front.
// Nothing is opened: they go to the standard output.

import type { Logger } from 'pino';
import { pino } from 'pino';

/** What $JOURNAL_STREAM is compared with: a file's device and number, as `fstat` tells them. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/** Whether the file is systemd's journal, by the $JOURNAL_STREAM of the environment (systemd.exec(5)). */
export function isJournal(journalStream: string | undefined, { dev, ino }: FileIdentity): boolean {
  return journalStream === `${dev}:${ino}`;
}

/** What journald takes for the priority of a line (sd-daemon(3)), for a level of pino's. */
export function priority(level: number): string {
  return level >= 60 ? '<2>' : level >= 50 ? '<3>' : level >= 40 ? '<4>' : level >= 30 ? '<6>' : '<7>';
}

/** What comes before an error on the standard error, so that the journal takes it for one. */
export function errorMark(journalStream: string | undefined, stderr: FileIdentity): string {
  return isJournal(journalStream, stderr) ? priority(50) : '';
}

/** A log on the standard output, whose identity decides on the form. `base` is in every line. The journal stamps lines itself. */
export function createLog(base: { readonly name: string }, level: string, journalStream: string | undefined, identity: FileIdentity): Logger {
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
