// The attacks that cost the helper time, on a table that is as full as it can be, beside sixteen watchers: what an administrator asks is
// answered soon.

import * as assert from 'uvu/assert';
import { atEnd, cases, skip } from '../support/cases.js';
import { canMakeNetns } from '../support/netns.js';
import type { FullRow } from './full-table.js';
import { fullTableOf, openFullTable } from './full-table.js';
import { FLOODS } from './attacks/floods.js';
import { STATE } from './attacks/state.js';

/** The longest that an administrator waits for an answer, in milliseconds. */
const SOON_MS = 250;
/** `node dist/test/hostile/run.js --full` has all of them. */
const COSTLY = [...STATE, ...FLOODS];

if (!canMakeNetns()) skip('a full table under attack', 'network namespaces need root');
else {
  const full = await openFullTable();
  atEnd(() => full.close());
  const rows: FullRow[] = [];
  atEnd(() => console.log(fullTableOf(rows)));

  cases('an administrator, a full table, sixteen watchers, and', COSTLY, async (attack) => {
    const row = await full.carryOut(attack);
    rows.push(row);
    assert.equal(row.wrong, []);
    assert.ok(row.answers > 0, 'the administrator is answered');
    for (const [what, ms] of Object.entries(row.waits)) assert.ok(ms <= SOON_MS, `${what}: ${ms} ms`);
  });
}
