import * as assert from 'uvu/assert';
import { InFlight, RateLimiter } from '../../frontend/limiter.js';
import { cases, claims } from '../support/cases.js';
import { ALICE, BOB } from './support.js';

cases('RateLimiter', [
  { name: 'D-7 a burst, then no more', at: [0, 0, 0, 0], want: [true, true, true, false] },
  { name: 'D-7 one more for every interval', at: [0, 0, 0, 99, 100, 100, 200], want: [true, true, true, false, true, false, true] },
  { name: 'D-7 a refusal costs nothing', at: [0, 0, 0, 50, 60, 70, 100], want: [true, true, true, false, false, false, true] },
  { name: 'D-7 idle time earns a burst at most', at: [0, 0, 0, 9000, 9000, 9000, 9000], want: [true, true, true, true, true, true, false] },
  { name: 'D-7 a clock that starts late', at: [5e9, 5e9, 5e9, 5e9], want: [true, true, true, false] },
], ({ at, want }) => {
  const limiter = new RateLimiter({ burst: 3, intervalMs: 100 });
  assert.equal(at.map((now) => limiter.take(ALICE, now)), want);
});

claims('RateLimiter, hosts', {
  'D-7 one host does not use up the tokens of another': () => {
    const limiter = new RateLimiter({ burst: 1, intervalMs: 100 });
    assert.is(limiter.take(ALICE, 0), true);
    assert.is(limiter.take(ALICE, 0), false);
    assert.is(limiter.take(BOB, 0), true);
  },
  'D-7 no two hosts of a /18 share a bucket': () => {
    const limiter = new RateLimiter({ burst: 1, intervalMs: 1000 });
    for (let host = 0; host < 1 << 14; host++) assert.is(limiter.take(0xc0a80000 + host, 0), true);
    for (let host = 0; host < 1 << 14; host++) assert.is(limiter.take(0xc0a80000 + host, 0), false);
  },
});

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
