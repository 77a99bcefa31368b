import * as assert from 'uvu/assert';
import { LeaseReplica } from '../../frontend/ledger.js';
import type { Event } from '../../proto/codec.js';
import type { Lease, Protocol } from '../../proto/mapping.js';
import { cases, claims } from '../support/cases.js';
import { ALICE, BOB, lease, seeded, staticLease, tableOf } from './support.js';

const udp = lease({ externalPort: 6000, internalPort: 5000 });
const moved = { ...udp, externalPort: 6001 };

cases<{ name: string; events: Event[]; want: number[] }>(
  'apply',
  [
    { name: 'R-57 granted', events: [{ kind: 'granted', lease: udp }], want: [6000] },
    {
      name: 'R-57 renewed',
      events: [
        { kind: 'granted', lease: udp },
        { kind: 'renewed', lease: udp },
      ],
      want: [6000],
    },
    {
      name: 'R-66 expired',
      events: [
        { kind: 'granted', lease: udp },
        { kind: 'expired', lease: udp },
      ],
      want: [],
    },
    {
      name: 'R-68 removed',
      events: [
        { kind: 'granted', lease: udp },
        { kind: 'removed', lease: udp },
      ],
      want: [],
    },
    {
      name: 'R-68 removed, and had again on another port',
      want: [6001],
      events: [
        { kind: 'granted', lease: udp },
        { kind: 'granted', lease: moved },
        { kind: 'removed', lease: udp },
      ],
    },
    { name: 'R-71 removed what is not there', events: [{ kind: 'removed', lease: udp }], want: [] },
    {
      name: 'D-9 removed what another has by now',
      want: [6000],
      events: [
        { kind: 'granted', lease: { ...udp, internalAddress: BOB } },
        { kind: 'removed', lease: udp },
      ],
    },
    {
      name: 'D-11 resynchronised changes nothing',
      events: [{ kind: 'granted', lease: udp }, { kind: 'resynchronised' }],
      want: [6000],
    },
  ],
  ({ events, want }) => {
    const ledger = new LeaseReplica();
    for (const event of events as Event[]) ledger.apply(event);
    const held = [5999, 6000, 6001].filter((port) => ledger.firstUnheld({ from: port, to: port }) === null);
    assert.equal(held, want);
    assert.is(ledger.size, want.length);
  },
);

claims('reservations', {
  'R-60 two requests in flight do not get the same port': () => {
    const ledger = new LeaseReplica();
    ledger.reserve(udp);
    const bob = { ...udp, internalAddress: BOB };
    assert.is(ledger.isAvailable(bob, 6000), false);
    assert.is(ledger.isAvailable({ ...bob, protocol: 'tcp' }, 6000), false, 'R-47 nor the companion');
    assert.is(ledger.firstUnheld({ from: 6000, to: 6001 }), 6001);
  },
  'R-60 a grant takes the place of its reservation': () => {
    const ledger = new LeaseReplica();
    const reservation = ledger.reserve(udp);
    assert.is(ledger.count(ALICE), 1);
    ledger.apply({ kind: 'granted', lease: udp });
    assert.is(ledger.count(ALICE), 1);
    ledger.release(reservation);
    assert.is(ledger.count(ALICE), 1);
    assert.is(ledger.firstUnheld({ from: 6000, to: 6000 }), null);
  },
  'R-21 a retransmission shares the reservation': () => {
    const ledger = new LeaseReplica();
    assert.equal(ledger.reserve(udp), ledger.reserve(udp));
    assert.is(ledger.count(ALICE), 1);
  },
  'R-60 another port gives back the one before': () => {
    const ledger = new LeaseReplica();
    ledger.reserve(udp);
    const second = ledger.reserve(moved);
    assert.is(ledger.firstUnheld({ from: 6000, to: 6000 }), 6000);
    ledger.release(second);
    assert.is(ledger.firstUnheld({ from: 6001, to: 6001 }), 6001);
    assert.is(ledger.count(ALICE), 0);
  },
  'R-60 released while the companion is held: the port stays held': () => {
    const ledger = new LeaseReplica();
    ledger.put({ ...udp, protocol: 'tcp' });
    ledger.release(ledger.reserve(udp));
    assert.is(ledger.firstUnheld({ from: 6000, to: 6000 }), null);
  },
  'D-7 reset forgets all but what is in flight': () => {
    const ledger = new LeaseReplica();
    const [inFlight, answered] = [lease({ externalPort: 6000 }), lease({ externalPort: 6500 })];
    const reservation = ledger.reserve(inFlight);
    ledger.reserve(answered);
    ledger.put(lease({ externalPort: 7000 }));
    ledger.reset(tableOf([answered, lease({ externalPort: 8000 })]));
    const held = () => [6000, 6500, 7000, 8000].filter((port) => ledger.firstUnheld({ from: port, to: port }) === null);
    assert.equal([held(), ledger.count(ALICE)], [[6000, 6500, 8000], 3]);
    ledger.release(reservation);
    assert.equal([held(), ledger.count(ALICE)], [[6500, 8000], 2]);
  },
  'R-76 forgetHost: one protocol, one host, dynamic only': () => {
    const ledger = new LeaseReplica();
    const kept = [
      staticLease({ externalPort: 1 }),
      lease({ externalPort: 2, protocol: 'tcp' }),
      lease({ externalPort: 3, internalAddress: BOB }),
    ];
    ledger.reset(tableOf([...kept, lease({ externalPort: 4 }), lease({ externalPort: 5 })]));
    ledger.forgetHost(ALICE, 'udp');
    assert.equal(
      [1, 2, 3, 4, 5].filter((port) => ledger.firstUnheld({ from: port, to: port }) === null),
      [1, 2, 3],
    );
  },
});

claims('firstUnheld', {
  'R-44 agrees with the tables after any history': () => {
    const random = seeded(42);
    const below = (limit: number) => Math.floor(random() * limit);
    const ledger = new LeaseReplica();
    const model = new Map<string, Lease>(); // what the helper would hold
    for (let step = 0; step < 5000; step++) {
      const protocol: Protocol = random() < 0.5 ? 'udp' : 'tcp';
      const one = lease({
        protocol,
        internalAddress: ALICE + below(3),
        internalPort: 1 + below(40),
        externalPort: 2000 + below(100),
      });
      const held = ledger.mappingOf(one);
      if (random() < 0.4 && held !== undefined) {
        ledger.apply({ kind: 'removed', lease: held });
        model.delete(`${held.protocol} ${held.externalPort}`);
      } else if (ledger.isAvailable(one, one.externalPort)) {
        ledger.apply({ kind: 'granted', lease: one });
        if (held !== undefined) model.delete(`${held.protocol} ${held.externalPort}`);
        model.set(`${protocol} ${one.externalPort}`, one);
      }
      const from = 1990 + below(120);
      let want: number | null = null;
      for (let port = from; port <= 2110 && want === null; port++) {
        if (!model.has(`udp ${port}`) && !model.has(`tcp ${port}`)) want = port;
      }
      assert.is(ledger.firstUnheld({ from, to: 2110 }), want);
      assert.is(ledger.size, model.size);
    }
  },
});
