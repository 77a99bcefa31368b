// Runs one test file in this process: `node run-file.js FILE`. Its last line on fd 3 is the tally as JSON.

import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

Object.assign(globalThis, { UVU_DEFER: true, UVU_QUEUE: [[null]] });
const { exec } = await import('uvu');
const { cleanUp, tally } = await import('./cases.js');

let failure: unknown;
try {
  await import(pathToFileURL(process.argv[2] ?? '').href);
  await exec();
} catch (error) {
  failure = error;
}
try {
  await cleanUp();
} catch (error) {
  failure ??= error;
}
if (failure !== undefined) console.error(failure);
writeSync(3, JSON.stringify(tally));
process.exit(failure === undefined && process.exitCode !== 1 && tally.passed === tally.declared ? 0 : 1);
