// Priority prefixes of lines for systemd's journal (sd-daemon(3)). Pure, and without pino: not every program logs.

/** A file's device and inode, from `fstat`; $JOURNAL_STREAM holds those of the journal. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/** Whether the file is systemd's journal, according to $JOURNAL_STREAM (systemd.exec(5)). */
export function isJournal(journalStream: string | undefined, { dev, ino }: FileIdentity): boolean {
  return journalStream === `${dev}:${ino}`;
}

/** The prefix that gives a line its priority, for a pino level: 60 is fatal, 10 trace. */
export function priorityPrefix(level: number): string {
  return level >= 60 ? '<2>' : level >= 50 ? '<3>' : level >= 40 ? '<4>' : level >= 30 ? '<6>' : '<7>';
}

/** The prefix of an error line on stderr: empty unless stderr is the journal. */
export function errorPrefix(journalStream: string | undefined, stderr: FileIdentity): string {
  return isJournal(journalStream, stderr) ? priorityPrefix(50) : '';
}
