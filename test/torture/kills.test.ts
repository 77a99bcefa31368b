// A few kills; `npm run torture` makes a thousand.
import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { runKills } from './kills.js';
import { isClean, reportText } from './report.js';

claims('kill -9 at random moments', {
  'twenty: model, table, journal and kernel agree': async () => {
    const report = await runKills({ kills: 20, seed: 20, say: () => {} });
    if (report === null) return; // said by the lab
    assert.ok(isClean(report), reportText(report));
    assert.is(report.faults, 20);
    assert.ok(report.acknowledged > 200, reportText(report));
  },
});
