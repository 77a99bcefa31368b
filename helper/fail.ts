// How the program ends if it cannot continue: with a line that says why.

import { fstatSync } from 'node:fs';
import { errorMark } from '../process/syslog-prefix.js';

/** docs/architecture.md lists them all. */
export const EXIT = { usage: 2, defect: 70, state: 74, noRuleset: 75, capability: 77 } as const;

export function fail(status: number, message: string): never {
  process.stderr.write(`${errorMark(process.env['JOURNAL_STREAM'], fstatSync(2))}natpmp-helper: ${message}\n`);
  process.exit(status);
}
