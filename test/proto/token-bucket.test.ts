import * as assert from 'uvu/assert';
import { RateLimiter } from '../../proto/token-bucket.js';
import { cases, claims } from '../support/cases.js';

const ALICE = 0xc0a80102;
const BOB = 0xc0a80103;

cases(
  'RateLimiter',
  [
    { name: 'D-7 a burst, then no more', at: [0, 0, 0, 0], want: [true, true, true, false] },
    {
      name: 'D-7 one more for every interval',
      at: [0, 0, 0, 99, 100, 100, 200],
      want: [true, true, true, false, true, false, true],
    },
    {
      name: 'D-7 a refusal costs nothing',
      at: [0, 0, 0, 50, 60, 70, 100],
      want: [true, true, true, false, false, false, true],
    },
    {
      name: 'D-7 idle time earns a burst at most',
      at: [0, 0, 0, 9000, 9000, 9000, 9000],
      want: [true, true, true, true, true, true, false],
    },
    { name: 'D-7 a clock that starts late', at: [5e9, 5e9, 5e9, 5e9], want: [true, true, true, false] },
  ],
  ({ at, want }) => {
    const limiter = new RateLimiter({ burst: 3, intervalMs: 100 });
    assert.equal(
      at.map((now) => limiter.take(ALICE, now)),
      want,
    );
  },
);

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
