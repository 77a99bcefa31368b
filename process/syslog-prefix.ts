// What systemd's journal takes for the priority of a line. Pure, and without the log's library: not every program logs.

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
