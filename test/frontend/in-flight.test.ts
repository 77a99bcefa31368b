import * as assert from 'uvu/assert';
import type { Ipv4 } from '../../proto/mapping.js';
import type { InFlightLimits, PendingRequest } from '../../frontend/in-flight.js';
import { InFlight } from '../../frontend/in-flight.js';
import { claims } from '../support/cases.js';
import { ALICE, BOB } from './support.js';

const ROOMY: InFlightLimits = { total: 10, allocations: 10, throttled: 10, perHost: 10 };
const renewal = (host: Ipv4): PendingRequest => ({
  host,
  protocol: 'udp',
  internalPort: 5000,
  isAllocation: false,
  isThrottled: false,
  isOvertaken: false,
});
const allocation = (host: Ipv4): PendingRequest => ({ ...renewal(host), isAllocation: true });
const busy = (host: Ipv4): PendingRequest => ({ ...renewal(host), isThrottled: true });
/** Which of them may start, one after the other. */
const entered = (inFlight: InFlight, ...all: readonly PendingRequest[]) =>
  all.map((waiting) => inFlight.enter(waiting));
/** It may start, and is to leave later. */
const one = (inFlight: InFlight, request: PendingRequest): PendingRequest => {
  assert.ok(inFlight.enter(request));
  return request;
};

claims('InFlight', {
  'D-7 bounded for each host': () => {
    const inFlight = new InFlight({ ...ROOMY, perHost: 2 });
    const first = one(inFlight, allocation(ALICE));
    assert.equal(entered(inFlight, allocation(ALICE), allocation(ALICE), allocation(BOB)), [true, false, true]);
    inFlight.leave(first);
    assert.equal(entered(inFlight, renewal(ALICE), renewal(ALICE)), [true, false]);
  },
  'D-7 bounded for all': () => {
    const inFlight = new InFlight({ ...ROOMY, total: 3, perHost: 2 });
    const first = one(inFlight, renewal(2));
    assert.equal(entered(inFlight, renewal(1), renewal(3), renewal(4)), [true, true, false]);
    assert.equal([inFlight.isFull(false), inFlight.isFull(true)], [true, true]);
    inFlight.leave(first);
    assert.equal([inFlight.total, inFlight.isFull(false)], [2, false]);
    assert.is(inFlight.enter(renewal(4)), true);
  },
  'D-7 new mappings leave room for renewals and deletions': () => {
    const inFlight = new InFlight({ ...ROOMY, total: 3, allocations: 2 });
    const first = one(inFlight, allocation(1));
    assert.equal(entered(inFlight, allocation(2), allocation(3)), [true, false]);
    inFlight.leave(one(inFlight, renewal(3)));
    assert.is(inFlight.enter(allocation(3)), false, 'the place of a renewal is none of a new mapping');
    inFlight.leave(first);
    assert.is(inFlight.enter(allocation(3)), true);
  },
  'D-7 devices that ask too much leave room for the others': () => {
    const inFlight = new InFlight({ ...ROOMY, total: 3, throttled: 2 });
    const first = one(inFlight, busy(1));
    assert.equal(entered(inFlight, busy(2), busy(3)), [true, false]);
    assert.equal([inFlight.isFull(true), inFlight.isFull(false)], [true, false]);
    inFlight.leave(one(inFlight, renewal(3)));
    assert.is(inFlight.enter(busy(3)), false, 'the place of another is none of theirs');
    inFlight.leave(first);
    assert.equal(entered(inFlight, busy(3), renewal(3)), [true, true]);
  },
  'R-68 a later request for the same overtakes what waits, and nothing else': () => {
    const inFlight = new InFlight(ROOMY);
    const waiting = [
      renewal(ALICE),
      { ...renewal(ALICE), internalPort: 5001 },
      { ...renewal(ALICE), internalPort: 0 },
      { ...renewal(ALICE), protocol: 'tcp' as const },
      renewal(BOB),
    ];
    for (const request of waiting) assert.ok(inFlight.enter(request));
    const overtaken = () => waiting.map(({ isOvertaken }) => isOvertaken);
    const later = renewal(ALICE);
    inFlight.enter(later);
    inFlight.overtake(later);
    assert.equal([overtaken(), later.isOvertaken], [[true, false, true, false, false], false]);
    inFlight.overtake({ ...renewal(ALICE), internalPort: 0 });
    assert.equal(overtaken(), [true, true, true, false, false], 'a deletion of all');
  },
});
