// `node dist/test/hostile/run.js [--long] [PART-OF-NAME ...]`: attack a helper and print the table: attack, expected,
// seen. With `--full` instead, on a full table: how long an administrator waits.
// Exit 1 if something was not as expected.

import { cleanUp } from '../support/cases.js';
import { tableOf } from './attack.js';
import { fullTableOf, openFullTable } from './full-table.js';
import { ATTACKS, openAttackSuite } from './suite.js';

/** Twenty times the counts of `npm test`: some minutes. */
const LONG = 20;

const words = process.argv.slice(2);
const wanted = words.filter((each) => !each.startsWith('--'));
const attacks = ATTACKS.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
if (words.includes('--full')) {
  const full = await openFullTable();
  console.log(`${full.mappings} mappings`);
  for (const attack of attacks) {
    const row = await full.carryOut(attack);
    console.log(fullTableOf([row]), row.wrong.join('; '));
  }
  await full.close();
  await cleanUp();
  process.exit(0);
}
const suite = await openAttackSuite(words.includes('--long') ? LONG : 1);
const rows = [];
for (const attack of attacks) {
  const since = performance.now();
  const row = await suite.carryOut(attack);
  rows.push(row);
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  console.error(`${seconds.padStart(6)} s  ${row.wrong === null ? 'ok' : 'NOT ok'}  ${attack.name}`);
}
await suite.close();
await cleanUp();
console.log(tableOf(rows));
const wrong = rows.filter((row) => row.wrong !== null);
for (const row of wrong) console.log(`\n${row.attack}:\n${row.wrong}`);
console.log(`\n${rows.length} attacks, ${wrong.length} not as expected`);
process.exit(wrong.length === 0 && rows.length > 0 ? 0 : 1);
