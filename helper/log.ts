// Log lines on the standard output, a line of JSON each, like those of the other programs (process/log.ts), which pino
// writes. If it goes to systemd's journal, the priority comes first, and no time: the journal stamps lines itself.

import { writeSync } from 'node:fs';
import { LOG_LEVELS } from '../config/settings.js';
import { priorityPrefix } from '../process/syslog-prefix.js';

export class Log {
  readonly debug = this.#at('debug');
  readonly info = this.#at('info');
  readonly warn = this.#at('warn');
  readonly error = this.#at('error');
  /** One of LOG_LEVELS: the least that is written. */
  level: string;
  readonly #isJournal: boolean;
  readonly #wall: () => number;
  readonly #write: (line: string) => void;

  /** `wall`: milliseconds since 1970. */
  constructor(level: string, isJournal: boolean, wall: () => number, write: (line: string) => void = toStdout) {
    this.level = level;
    this.#isJournal = isJournal;
    this.#wall = wall;
    this.#write = write;
  }

  isLevelEnabled(level: string): boolean {
    return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(this.level);
  }

  #at(name: string): (fields: object, message: string) => void {
    const level = 10 * (LOG_LEVELS.indexOf(name) + 1); // pino's numbers: 20 is debug, 50 is error
    return (fields, msg) => {
      if (!this.isLevelEnabled(name)) return;
      const time = this.#isJournal ? {} : { time: this.#wall() };
      const line = JSON.stringify({ level, ...time, name: 'natpmp-helper', ...fields, msg });
      this.#write(`${this.#isJournal ? priorityPrefix(level) : ''}${line}\n`);
    };
  }
}

/** A line that cannot be written (disk full, reader gone) is lost: that must not stop the helper. */
function toStdout(line: string): void {
  try {
    writeSync(1, line);
  } catch {
    // There is nowhere to say so.
  }
}
