// One part of the torture, in a process of its own: `node part.js kills|faults|journal JSON`. What it is doing goes to
// the standard error, its report as JSON to fd 3.

import { writeSync } from 'node:fs';
import { cleanUp } from '../support/cases.js';
import { FAULT_ROWS } from './fault-rows.js';
import { runJournal } from './journal-damage.js';
import { runKills } from './kills.js';
import type { Report } from './report.js';
import { runFaults } from './under-faults.js';

const JOURNAL = { requests: 120, starts: 25 } as const;

const [part = '', given = '{}'] = process.argv.slice(2);
const { kills = 0, seed = 0 } = JSON.parse(given) as { kills?: number; seed?: number };
const say = (what: string) => {
  process.stderr.write(`torture: ${part} (seed ${seed}): ${what}\n`);
};

function run(): Promise<Report | null> {
  switch (part) {
    case 'kills':
      return runKills({ kills, seed, say });
    case 'faults':
      return runFaults(FAULT_ROWS, seed, say);
    case 'journal':
      return runJournal({ ...JOURNAL, seed, say });
    default:
      throw new Error(`no such part: ${part}`);
  }
}

let tidied: Promise<void> | null = null;
const tidyUp = () => (tidied ??= cleanUp());
// The run is to end.
process.once('SIGTERM', () => void tidyUp().then(() => process.exit(1)));
let status = 1;
try {
  const report = await run();
  if (report === null) throw new Error('there can be no lab here');
  writeSync(3, JSON.stringify(report));
  status = 0;
} catch (error) {
  console.error(error);
} finally {
  await tidyUp();
}
process.exit(status);
