import * as assert from 'uvu/assert';
import { InFlight } from '../../frontend/limiter.js';
import { claims } from '../support/cases.js';
import { ALICE, BOB } from './support.js';

claims('InFlight', {
  'D-7 bounded for each host': () => {
    const inFlight = new InFlight({ total: 10, allocations: 10, perHost: 2 });
    assert.equal([ALICE, ALICE, ALICE, BOB].map((host) => inFlight.enter(host, true)), [true, true, false, true]);
    inFlight.leave(ALICE, true);
    assert.equal([ALICE, ALICE].map((host) => inFlight.enter(host, false)), [true, false]);
  },
  'D-7 bounded for all': () => {
    const inFlight = new InFlight({ total: 3, allocations: 3, perHost: 2 });
    assert.equal([1, 2, 3, 4].map((host) => inFlight.enter(host, false)), [true, true, true, false]);
    assert.is(inFlight.isFull, true);
    inFlight.leave(2, false);
    assert.equal([inFlight.total, inFlight.isFull], [2, false]);
    assert.is(inFlight.enter(4, false), true);
  },
  'D-7 new mappings leave room for renewals and deletions': () => {
    const inFlight = new InFlight({ total: 3, allocations: 2, perHost: 2 });
    assert.equal([1, 2, 3].map((host) => inFlight.enter(host, true)), [true, true, false]);
    assert.is(inFlight.enter(3, false), true);
    inFlight.leave(3, false);
    assert.is(inFlight.enter(3, true), false, 'the place of a renewal is none of a new mapping');
    inFlight.leave(1, true);
    assert.is(inFlight.enter(3, true), true);
  },
});
