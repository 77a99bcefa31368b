// A short journal, cut at every byte and flipped at every bit; `npm run torture` takes a longer one, and more starts.
import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { runJournal } from './journal-damage.js';
import { isClean, reportText } from './report.js';

claims('a journal that a real helper wrote', {
  'cut or changed anywhere: nothing is invented, and nothing is lost in silence but a tail': async () => {
    const report = await runJournal({ requests: 30, starts: 1, seed: 3, say: () => {} });
    if (report === null) return; // said by the lab
    assert.ok(isClean(report), reportText(report));
    assert.ok(report.faults > 5000, reportText(report));
  },
});
