// How the program ends if it cannot continue: with a line that says why.

import { fstatSync } from 'node:fs';
import { errorPrefix } from '../process/syslog-prefix.js';

export function fail(status: number, message: string): never {
  const text = message.replace(/[^\P{C}\n]/gu, '?'); // nothing that a terminal obeys
  process.stderr.write(`${errorPrefix(process.env['JOURNAL_STREAM'], fstatSync(2))}natpmp-helper: ${text}\n`);
  process.exit(status);
}
