// The figures of UPnP as tables.

import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { type Steps, untilMapped, upnpReport } from './upnp-figures.js';

const STEPS: Steps = { search: 40, description: 2, new: 4, renewal: 3, look: 1, deletion: 2 };

claims('the figures of UPnP', {
  'until a port is mapped: the search, the description and the mapping': () => assert.is(untilMapped(STEPS), 46),
  'each gateway has a row for each step, and its processes': () => {
    const text = upnpReport(
      [{ gateway: 'ours', steps: [STEPS, { ...STEPS, look: 3 }], cpu: { helper: 2, upnp: 3 } }],
      [
        {
          gateway: 'ours',
          held: 0,
          seconds: 1,
          cpu: { upnp: 0.5, helper: 0.25 },
          wakeUps: { upnp: 1 },
          memory: { pss: 20, anonymous: 10 },
        },
      ],
    );
    assert.match(text, /^from the search to a mapped port, ours +46\.0 +46\.0 +2$/m);
    assert.match(text, /^GetSpecificPortMappingEntry, ours +1\.00 +3\.00 +2$/m);
    assert.match(text, /^ours +helper 2\.00, upnp 3\.00 +5\.00$/m);
    assert.match(text, /^ours +upnp 0\.50, helper 0\.25 +0\.75 +upnp 1\.00 +1\.00 +20\.0$/m);
  },
});
