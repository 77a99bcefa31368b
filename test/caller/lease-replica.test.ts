import * as assert from 'uvu/assert';
import { LeaseReplica } from '../../caller/lease-replica.js';
import type { Event } from '../../proto/codec.js';
import type { Lease, Protocol } from '../../proto/mapping.js';
import { cases, claims } from '../support/cases.js';
import { ALICE, BOB, lease, seeded, staticLease, tableOf } from '../frontend/support.js';

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
    const leases = new LeaseReplica();
    for (const event of events as Event[]) leases.apply(event);
    const held = [5999, 6000, 6001].filter((port) => leases.firstUnheld({ from: port, to: port }) === null);
    assert.equal(held, want);
    assert.equal([leases.size, leases.sizeOf('udp'), leases.sizeOf('tcp')], [want.length, want.length, 0]);
  },
);

claims('reservations', {
  'R-60 two requests in flight do not get the same port': () => {
    const leases = new LeaseReplica();
    leases.reserve(udp);
    const bob = { ...udp, internalAddress: BOB };
    assert.is(leases.isAvailable(bob, 6000), false);
    assert.is(leases.isAvailable({ ...bob, protocol: 'tcp' }, 6000), false, 'R-47 nor the companion');
    assert.is(leases.firstUnheld({ from: 6000, to: 6001 }), 6001);
  },
  'R-60 a grant takes the place of its reservation': () => {
    const leases = new LeaseReplica();
    const reservation = leases.reserve(udp);
    assert.is(leases.count(ALICE), 1);
    leases.apply({ kind: 'granted', lease: udp });
    assert.is(leases.count(ALICE), 1);
    leases.release(reservation);
    assert.is(leases.count(ALICE), 1);
    assert.is(leases.firstUnheld({ from: 6000, to: 6000 }), null);
  },
  'R-21 a retransmission shares the reservation': () => {
    const leases = new LeaseReplica();
    assert.equal(leases.reserve(udp), leases.reserve(udp));
    assert.is(leases.count(ALICE), 1);
  },
  'R-60 another port gives back the one before': () => {
    const leases = new LeaseReplica();
    leases.reserve(udp);
    const second = leases.reserve(moved);
    assert.is(leases.firstUnheld({ from: 6000, to: 6000 }), 6000);
    leases.release(second);
    assert.is(leases.firstUnheld({ from: 6001, to: 6001 }), 6001);
    assert.is(leases.count(ALICE), 0);
  },
  'R-60 released while the companion is held: the port stays held': () => {
    const leases = new LeaseReplica();
    leases.put({ ...udp, protocol: 'tcp' });
    assert.equal([leases.sizeOf('udp'), leases.sizeOf('tcp')], [0, 1]);
    leases.release(leases.reserve(udp));
    assert.is(leases.firstUnheld({ from: 6000, to: 6000 }), null);
  },
  'D-7 reset forgets all but what is in flight': () => {
    const leases = new LeaseReplica();
    const [inFlight, answered] = [lease({ externalPort: 6000 }), lease({ externalPort: 6500 })];
    const reservation = leases.reserve(inFlight);
    leases.reserve(answered);
    leases.put(lease({ externalPort: 7000 }));
    leases.reset(tableOf([answered, lease({ externalPort: 8000 })]));
    const held = () => [6000, 6500, 7000, 8000].filter((port) => leases.firstUnheld({ from: port, to: port }) === null);
    assert.equal([held(), leases.count(ALICE)], [[6000, 6500, 8000], 3]);
    leases.release(reservation);
    assert.equal([held(), leases.count(ALICE)], [[6500, 8000], 2]);
  },
  'R-76 forgetHost: one protocol, one host, dynamic only': () => {
    const leases = new LeaseReplica();
    const kept = [
      staticLease({ externalPort: 1 }),
      lease({ externalPort: 2, protocol: 'tcp' }),
      lease({ externalPort: 3, internalAddress: BOB }),
    ];
    leases.reset(tableOf([...kept, lease({ externalPort: 4 }), lease({ externalPort: 5 })]));
    leases.forgetHost(ALICE, 'udp');
    assert.equal(
      [1, 2, 3, 4, 5].filter((port) => leases.firstUnheld({ from: port, to: port }) === null),
      [1, 2, 3],
    );
  },
});

const [first, second] = [lease({ externalPort: 2000, protocol: 'tcp' }), lease({ externalPort: 1500 })];

cases<{ name: string; change: (leases: LeaseReplica) => void; want: readonly Lease[] }>(
  'the list of a host, read before and after',
  [
    { name: 'nothing', change: () => {}, want: [first, second] },
    {
      name: 'a grant',
      change: (leases) => leases.put(lease({ externalPort: 1400 })),
      want: [first, lease({ externalPort: 1400 }), second],
    },
    {
      name: 'a renewal',
      change: (leases) => leases.apply({ kind: 'renewed', lease: { ...first, lifetime: 9 } }),
      want: [{ ...first, lifetime: 9 }, second],
    },
    { name: 'an end', change: (leases) => leases.apply({ kind: 'expired', lease: first }), want: [second] },
    { name: 'a removal', change: (leases) => leases.forget(second), want: [first] },
    { name: 'the removal of all of a protocol', change: (leases) => leases.forgetHost(ALICE, 'tcp'), want: [second] },
    {
      name: "the port becomes another host's",
      change: (leases) => leases.put({ ...first, internalAddress: BOB }),
      want: [second],
    },
    { name: 'a new table', change: (leases) => leases.reset(tableOf([second])), want: [second] },
    { name: 'a reservation', change: (leases) => leases.reserve(lease({ externalPort: 1400 })), want: [first, second] },
    { name: 'the list of another host', change: (leases) => leases.mappingsOf(BOB), want: [first, second] },
  ],
  ({ change, want }) => {
    const leases = new LeaseReplica();
    leases.reset(tableOf([first, second]));
    assert.equal(leases.mappingsOf(ALICE), [first, second]);
    change(leases);
    assert.equal(leases.mappingsOf(ALICE), want);
    assert.equal(leases.mappingsOf(BOB + 1), []);
  },
);

claims('firstUnheld', {
  'R-44 agrees with the tables after any history': () => {
    const random = seeded(42);
    const below = (limit: number) => Math.floor(random() * limit);
    const leases = new LeaseReplica();
    const model = new Map<string, Lease>(); // what the helper would hold
    for (let step = 0; step < 5000; step++) {
      const protocol: Protocol = random() < 0.5 ? 'udp' : 'tcp';
      const one = lease({
        protocol,
        internalAddress: ALICE + below(3),
        internalPort: 1 + below(40),
        externalPort: 2000 + below(100),
      });
      const held = leases.mappingOf(one);
      if (random() < 0.4 && held !== undefined) {
        leases.apply({ kind: 'removed', lease: held });
        model.delete(`${held.protocol} ${held.externalPort}`);
      } else if (leases.isAvailable(one, one.externalPort)) {
        leases.apply({ kind: 'granted', lease: one });
        if (held !== undefined) model.delete(`${held.protocol} ${held.externalPort}`);
        model.set(`${protocol} ${one.externalPort}`, one);
      }
      const from = 1990 + below(120);
      let want: number | null = null;
      for (let port = from; port <= 2110 && want === null; port++) {
        if (!model.has(`udp ${port}`) && !model.has(`tcp ${port}`)) want = port;
      }
      assert.is(leases.firstUnheld({ from, to: 2110 }), want);
      assert.is(leases.size, model.size);
    }
  },
});
