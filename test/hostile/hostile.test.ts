// A frontend that has been taken over, against a real helper: each attack is refused or bounded, and nobody else
// notices.

import * as assert from 'uvu/assert';
import { atEnd, cases, skip } from '../support/cases.js';
import { canMakeNetns } from '../support/netns.js';
import type { Row } from './attack.js';
import { tableOf } from './attack.js';
import { ATTACKS, openAttackSuite } from './suite.js';

if (!canMakeNetns()) skip('the helper under attack', 'network namespaces need root');
else {
  const suite = await openAttackSuite(Number(process.env['HOSTILE_SCALE'] ?? 1));
  atEnd(() => suite.close());
  const rows: Row[] = [];
  atEnd(() => console.log(tableOf(rows)));

  cases('hostile frontend', ATTACKS, async (attack) => {
    const row = await suite.carryOut(attack);
    rows.push(row);
    assert.is(row.wrong, null);
  });
}
