import type { AnyLease, Change, Clock, RequestFrom } from '../../helper/types.js';
import * as assert from 'uvu/assert';
import { Reconciler } from '../../helper/reconcile.js';
import { Leases } from '../../helper/leases.js';
import { StatsRecorder } from '../../proto/totals.js';
import { cases, claims } from '../support/cases.js';
import { lease, limitsFor, pinhole } from './leases.js';
import { describe, FakeKernel } from '../support/fake-kernel.js';

const LIMITS = {
  allowedPorts: [{ from: 1024, to: 65535 }],
  reservedPorts: [],
  maxMappings: 9,
  maxMappingsPerHost: 9,
  newMappings: { burst: 9, intervalMs: 5000 },
  maxLifetime: 86400,
  maxPinholes: 7,
};

const STARTED = 1_000_000;

/** `time.wall` is what the wall clock would have shown at the start. */
function makeKeeper(restored: readonly AnyLease[] = [], agedAt = 0) {
  const log: string[] = [];
  const time = { now: STARTED, wall: 1_700_000_000_000, suspended: 0 };
  const kernel = new FakeKernel(log);
  const leases = new Leases();
  for (const after of restored) leases.apply({ before: undefined, after });
  const journal = {
    bytes: 0,
    compact() {},
    append: (changes: readonly Change[], clock: Clock | null) => {
      log.push(`journal ${changes.map(describe).join(' ')}${clock === null ? '' : ` clock ${clock.wallOffsetMs}`}`);
    },
  };
  const totals = new StatsRecorder(() => time.now / 1000);
  const keeper = new Reconciler({
    limits: limitsFor(LIMITS),
    leases,
    kernel,
    journal,
    clock: { bootId: 'b', wallOffsetMs: time.wall - time.now, epochStartMs: 0, agedAtMs: agedAt },
    now: () => time.now,
    wall: () => time.wall + time.now - STARTED,
    awake: () => time.now - time.suspended,
    pid: 1,
    totals,
  });
  return { keeper, kernel, log, time, leases, totals };
}
const add = (externalPort: number, protocol: 'udp' | 'tcp' = 'tcp', lifetime = 600): RequestFrom => ({
  role: 'client',
  request: {
    kind: 'add-mapping',
    protocol,
    internalAddress: 0xc0a80102,
    internalPort: externalPort,
    externalPort,
    lifetime,
    origin: 'dynamic',
  },
});
const remove = (internalPort: number, protocol: 'udp' | 'tcp'): RequestFrom => ({
  role: 'client',
  request: {
    kind: 'remove-mapping',
    protocol,
    internalAddress: 0xc0a80102,
    internalPort,
  },
});

/** A lease of the boot before: with a minute of its hour left, by a wall clock that was believed at the start. */
const restored = lease({ internalPort: 5000, externalPort: 5000, expiresAt: 1_060_000 });

interface ClockRow {
  readonly name: string;
  /** What the wall clock is set by, one time after the other, in seconds; a second passes before each. */
  readonly set: readonly number[];
  /** How many seconds the lease has left after that; 0: it is gone. */
  readonly left: number;
}

cases<ClockRow>(
  'Keeper: a wall clock that is set after a reboot',
  [
    { name: 'not at all', set: [0], left: 59 },
    { name: 'ahead: the router was off for longer', set: [40], left: 19 },
    { name: 'ahead by more than the lease had', set: [60], left: 0 },
    { name: 'ahead by years', set: [100_000_000], left: 0 },
    { name: 'back: no more time than the client was told', set: [-40], left: 59 },
    { name: 'back and ahead again: that is counted once', set: [-40, 40, -40, 40], left: 56 },
    { name: 'ahead in two steps', set: [10, 20], left: 28 },
    { name: 'ahead, back, and further ahead', set: [10, -10, 30], left: 27 },
    {
      name: 'slewed, or CLOCK_BOOTTIME is a second off after a suspend: nothing is set',
      set: [1.002, -1.001],
      left: 58,
    },
    { name: 'ahead by little more than a second', set: [1.2], left: 57.8 },
  ],
  ({ set, left }) => {
    const hole = pinhole({ lifetime: 3600, expiresAt: restored.expiresAt });
    const { keeper, kernel, leases, log, time } = makeKeeper([restored, hole], 1_000_000);
    kernel.repair([restored, hole]);
    for (const seconds of set) {
      assert.ok(keeper.nextCheckMs() <= 1000, 'it is noticed without a request');
      time.now += 1000;
      time.wall += 1000 * seconds;
      keeper.reconcile();
    }
    const [held] = leases.leases();
    assert.is(held === undefined ? 0 : (held.expiresAt - time.now) / 1000, left);
    assert.is(leases.pinholes.get(hole)?.expiresAt, held?.expiresAt, 'pinholes as well');
    const written = log.filter((line) => line.startsWith('journal'));
    assert.is(written.length, set.filter((seconds) => Math.abs(seconds) > 1.1).length, written.join('; '));
    if (left === 0) {
      keeper.handle([{ ...add(5000), role: 'client' }]);
      assert.is(leases.size, 1, 'the port is free');
    }
    // Renewed, it is a lease of this boot.
    keeper.handle([add(5000, 'tcp', 600)]);
    time.wall += 500_000_000;
    keeper.reconcile();
    assert.is(leases.byExternal('tcp', 5000)?.expiresAt, time.now + 600_000);
  },
);

claims('Keeper', {
  'the clock is looked at every second as long as there may be leases of an earlier boot': () => {
    const { keeper, time } = makeKeeper([{ ...restored, expiresAt: 2_000_000 }], 1_000_000);
    time.now += 600_000;
    keeper.reconcile();
    assert.is(keeper.nextCheckMs(), 1000);
    time.now += 500_000;
    keeper.reconcile();
    time.now += 600_000;
    keeper.reconcile();
    assert.is(keeper.nextCheckMs(), 60_000, 'the last of them has ended');
  },
  'what a set clock ends is told as an expiry, and what it shortens as a renewal': () => {
    const longer = { ...restored, internalPort: 5001, externalPort: 5001, expiresAt: 1_200_000 };
    const { keeper, time } = makeKeeper([restored, longer], 1_000_000);
    time.wall += 100_000;
    const { events } = keeper.reconcile();
    assert.equal(
      events.map((event) => ({ kind: event.kind, expiresAt: 'lease' in event ? event.lease.expiresAt : 0 })),
      [
        { kind: 'renewed', expiresAt: 1_100_000 },
        { kind: 'expired', expiresAt: 960_000 },
      ],
    );
  },
  'nothing happened: nothing is done': () => {
    const { keeper, log } = makeKeeper();
    assert.equal(keeper.reconcile(), { events: [], repaired: null, isRulesetGone: false });
    assert.equal(log, []);
  },
  'a flushed set is filled again, and told': () => {
    const { keeper, kernel } = makeKeeper();
    keeper.handle([add(5000), add(5001)]);
    kernel.flush({ withRuleset: true });
    assert.equal(keeper.reconcile(), {
      events: [{ kind: 'resynchronised' }],
      repaired: { added: 6, removed: 0 },
      isRulesetGone: false,
    });
    assert.is(kernel.held.size, 2);
    assert.is(keeper.status().resynchronisations, 1);
    assert.equal(keeper.reconcile().events, []);
  },
  'a disturbance that changed nothing is not told': () => {
    const { keeper, kernel } = makeKeeper();
    kernel.flush({ withRuleset: true });
    assert.equal(keeper.reconcile(), { events: [], repaired: null, isRulesetGone: false });
  },
  'a ruleset that is away for a moment is waited for; requests are refused meanwhile': () => {
    const { keeper, kernel, time, leases } = makeKeeper();
    keeper.handle([add(5000)]);
    kernel.flush({ withRuleset: false });
    assert.equal(keeper.reconcile(), { events: [], repaired: null, isRulesetGone: false });
    assert.is(keeper.status().kernelInStep, false);
    assert.equal(keeper.handle([add(5001)]).responses, [{ kind: 'refused', reason: 'kernel' }]);
    assert.is(leases.size, 1);
    time.now += 99;
    assert.is(keeper.reconcile().isRulesetGone, false);
    kernel.flush({ withRuleset: true });
    assert.equal(keeper.reconcile().repaired, { added: 3, removed: 0 });
    assert.is(keeper.status().kernelInStep, true);
  },
  'a ruleset that stays away is gone': () => {
    const { keeper, kernel, time } = makeKeeper();
    kernel.flush({ withRuleset: false });
    keeper.reconcile();
    time.now += 100;
    assert.is(keeper.reconcile().isRulesetGone, true);
  },
  'a kernel found out of step by a request is repaired at the next look': () => {
    const { keeper, kernel, log } = makeKeeper();
    kernel.failNext('out-of-sync');
    assert.equal(keeper.handle([add(5000)]).responses, [{ kind: 'refused', reason: 'kernel' }]);
    keeper.reconcile();
    assert.equal(log, ['repair +0 -0']);
  },
  'a port that the router needs now: its dynamic mappings end, and are told; static ones and others stay': () => {
    const { keeper, log, leases } = makeKeeper();
    const fixed = add(5003);
    keeper.handle([
      add(5000),
      add(5001, 'udp'),
      add(5002),
      { role: 'administrator', request: { ...fixed.request, origin: 'static', lifetime: 0 } as typeof fixed.request },
    ]);
    log.length = 0;
    const ranges = [{ from: 5001, to: 5003 }];
    const limits = limitsFor({ ...LIMITS, reservedPorts: ranges });
    const { events } = keeper.setLimits(limits);
    assert.equal(
      events.map((event) => ('lease' in event ? [event.kind, event.lease.protocol, event.lease.externalPort] : [])),
      [
        ['removed', 'tcp', 5002],
        ['removed', 'udp', 5001],
      ],
    );
    assert.equal([...leases.leases()].map(({ externalPort }) => externalPort).sort(), [5000, 5003]);
    assert.is(log.filter((line) => line.startsWith('journal ')).length, 1, log.join());
    // Nothing is left to end the next time, and a new mapping there is refused.
    assert.equal(keeper.setLimits(limits).events, []);
    assert.equal(keeper.handle([add(5002)]).responses, [{ kind: 'refused', reason: 'port' }]);
  },
  'expired leases are published': () => {
    const { keeper, log, time } = makeKeeper();
    keeper.handle([add(5000, 'udp', 1), add(5001, 'tcp', 1)]);
    log.length = 0;
    time.now += 1500;
    assert.equal(
      keeper.reconcile().events.map(({ kind }) => kind),
      ['expired', 'expired'],
    );
    assert.equal(log, []);
  },
  'UDP flows follow a mapping that is granted before the answer is given, and no renewal, removal or TCP mapping':
    () => {
      const { keeper, log } = makeKeeper();
      keeper.handle([add(5000, 'udp'), add(5001, 'tcp')]);
      assert.equal(log.slice(2), ['flows follow udp:5000']);
      keeper.handle([add(5000, 'udp', 900), remove(5001, 'tcp')]);
      keeper.handle([remove(5000, 'udp')]);
      keeper.flushFlows();
      assert.equal(
        log.filter((line) => line.startsWith('flows')),
        ['flows follow udp:5000'],
      );
    },
  'walks are a hundredth of the time; the latest grant is served first': () => {
    const { keeper, kernel, log, time } = makeKeeper();
    const walks = () => log.filter((line) => line.startsWith('flows')).map((line) => line.slice(-4));
    kernel.walked = () => {
      time.now += 40;
    };
    keeper.handle([5000, 5001, 5002, 5003].map((port) => add(port, 'udp')));
    assert.equal(walks(), ['5003', '5002'], 'after a pause some at once');
    keeper.handle([remove(5001, 'udp')]);
    for (let ms = 0; ms < 10_000; ms += 200) {
      time.now += 200;
      keeper.flushFlows();
      if (ms === 1000) keeper.handle([add(5004, 'udp')]);
    }
    assert.equal(
      walks(),
      ['5003', '5002', '5004', '5000'],
      'then four seconds for each walk of 40 ms; none of what has ended',
    );
    for (let round = 0; round < 500; round++) {
      time.now += 200;
      keeper.handle([remove(5004, 'udp')]);
      keeper.handle([add(5004, 'udp')]);
      keeper.flushFlows();
    }
    const share = ((walks().length - 4) * 40) / (500 * 200);
    assert.ok(share > 0.005 && share < 0.012, `${share} of the time`);
  },
  'after mappings were put back, the flows of all follow': () => {
    const { keeper, kernel, log } = makeKeeper();
    keeper.handle([add(5000, 'udp'), add(5001, 'tcp'), add(5002, 'udp')]);
    log.length = 0;
    kernel.flush({ withRuleset: true });
    keeper.reconcile();
    keeper.flushFlows();
    assert.equal(log, ['repair +9 -0', 'flows follow udp:5002', 'flows follow udp:5000']);
  },
  'after rules of ours were changed, too, and no mapping was lost: nothing is published': () => {
    const { keeper, kernel, log } = makeKeeper();
    keeper.handle([add(5000, 'udp'), add(5001, 'tcp'), add(5002, 'udp')]);
    log.length = 0;
    kernel.disturb();
    assert.equal(keeper.reconcile(), { events: [], repaired: null, isRulesetGone: false });
    keeper.flushFlows();
    assert.equal(log, ['repair +0 -0', 'flows follow udp:5002', 'flows follow udp:5000']);
  },
  'those that waited are not walked twice': () => {
    const { keeper, kernel, log, time } = makeKeeper();
    kernel.walked = () => {
      time.now += 100;
    };
    keeper.handle([add(5000, 'udp'), add(5002, 'udp')]);
    log.length = 0;
    kernel.disturb();
    keeper.reconcile();
    for (let ms = 0; ms < 100_000; ms += 200) {
      time.now += 200;
      keeper.flushFlows();
    }
    assert.equal(log, ['repair +0 -0', 'flows follow udp:5002', 'flows follow udp:5000']);
  },
  'after a suspend, timeouts in the kernel are set again, once, and nothing is published': () => {
    const { keeper, kernel, leases, log, time } = makeKeeper([lease({ internalPort: 5000, externalPort: 5000 })]);
    kernel.repair(leases.all());
    log.length = 0;
    const look = () => {
      time.now += 1000;
      assert.equal(keeper.reconcile(), { events: [], repaired: null, isRulesetGone: false });
      return log.splice(0);
    };
    assert.equal(look(), []);
    const seen: string[][] = [];
    for (const seconds of [300, 0.75, 0.75, 2]) {
      time.now += 1000 * seconds;
      time.suspended += 1000 * seconds;
      seen.push(look());
      assert.equal(look(), []);
    }
    assert.equal(
      seen,
      [['repair +0 -0'], [], ['repair +0 -0'], ['repair +0 -0']],
      'half a second is not noticed alone',
    );
  },
  'a wall clock that was set is written down, once, and ends nothing that this boot granted': () => {
    const { keeper, log, time, leases } = makeKeeper();
    time.wall += 999;
    keeper.handle([add(5000)]);
    time.wall += 86_400_000;
    keeper.reconcile();
    keeper.handle([add(5001)]);
    assert.equal(
      log.filter((line) => line.startsWith('journal')),
      ['journal +tcp:5000', `journal  clock ${1_700_000_000_000 - 1_000_000 + 86_400_999}`, 'journal +tcp:5001'],
    );
    assert.is(leases.size, 2);
  },
  'it looks again soon while something goes on, and else when the next lease ends, or once a minute': () => {
    const { keeper, kernel, time } = makeKeeper();
    keeper.reconcile();
    time.now += 600_000;
    assert.is(keeper.nextCheckMs(), 60_000, 'nothing is to be expected');
    keeper.handle([add(5000, 'tcp', 1000), add(5001, 'tcp', 6000)]);
    assert.is(keeper.nextCheckMs(), 200, 'after a request');
    time.now += 10_000;
    keeper.reconcile();
    assert.is(keeper.nextCheckMs(), 2500, 'less and less likely');
    kernel.endedFlows.push('one');
    keeper.flushFlows();
    assert.is(keeper.nextCheckMs(), 200, 'a flow of an ended mapping was there');
    time.now += 985_000;
    keeper.reconcile();
    const untilEnding = keeper.nextCheckMs();
    assert.ok(untilEnding > 5000 && untilEnding <= 5500, `${untilEnding} ms to the end of the first lease`);
    time.now += untilEnding - 1;
    assert.equal(keeper.reconcile().events, []);
    assert.is(keeper.nextCheckMs(), 25, 'not more often than this');
    time.now += 1;
    assert.is(keeper.reconcile().events.length, 1);
    assert.is(keeper.nextCheckMs(), 200, 'after an ending');
    time.now += 600_000;
    keeper.reconcile();
    assert.is(keeper.nextCheckMs(), 60_000, 'the next lease ends later');
    kernel.flush({ withRuleset: false });
    keeper.reconcile();
    assert.is(keeper.nextCheckMs(), 25, 'without a ruleset');
    kernel.flush({ withRuleset: true });
    keeper.reconcile();
    keeper.reconcile();
    assert.is(keeper.nextCheckMs(), 60_000);
    kernel.failNext('out-of-sync');
    keeper.handle([add(5002)]);
    assert.is(keeper.nextCheckMs(), 25, 'out of step');
  },
  'a pinhole of the boot before alone has the clock looked at, and its end is told': () => {
    const { keeper, time } = makeKeeper([pinhole({ lifetime: 3600, expiresAt: 1_060_000 })], 1_000_000);
    assert.ok(keeper.nextCheckMs() <= 1000);
    time.now += 1000;
    time.wall += 40_000;
    const [renewed] = keeper.reconcile().events;
    assert.is(renewed?.kind === 'renewed' && 'pinhole' in renewed && renewed.pinhole.expiresAt, 1_020_000);
    time.now = 1_020_250;
    assert.equal(
      keeper.reconcile().events.map((event) => [event.kind, 'pinhole' in event]),
      [['expired', true]],
    );
    assert.is(keeper.status().pinholes, 0);
  },
  'somebody else closes the pinholes: they are back, and no flow is walked for them': () => {
    const hole = pinhole({ protocol: 'udp' });
    const { keeper, kernel, log } = makeKeeper([hole]);
    kernel.repair([hole]);
    kernel.flush({ withRuleset: true });
    log.length = 0;
    const { events, repaired } = keeper.reconcile();
    assert.equal([events, repaired], [[{ kind: 'resynchronised' }], { added: 1, removed: 0 }]);
    keeper.flushFlows();
    assert.equal(log, ['repair +1 -0']);
  },
  'a pinhole that is granted has no flows walked for it, and its end is waited for': () => {
    const { keeper, log, time } = makeKeeper();
    const { kind, ...endpoint } = { kind: 'add-pinhole' as const, protocol: 'udp' as const, port: 5000 };
    const request = { kind, ...endpoint, address: pinhole().address, lifetime: 60, origin: 'dynamic' as const };
    const { events } = keeper.handle([{ role: 'client', request: { ...request, nonce: '', hardwareAddress: 0 } }]);
    assert.is(events[0]?.kind, 'granted');
    assert.equal(log, ['kernel +udp:[2001:db8::2]:5000', 'journal +udp:[2001:db8::2]:5000']);
    time.now += 59_900;
    assert.ok(keeper.nextCheckMs() <= 350, `${keeper.nextCheckMs()} ms`);
  },
  'limits that are put in force leave pinholes on reserved ports alone': () => {
    const { keeper, leases } = makeKeeper([pinhole({ port: 5000 }), lease({ externalPort: 5000 })]);
    keeper.setLimits({ ...limitsFor(LIMITS), reservedPorts: [{ from: 5000, to: 5000 }] });
    assert.equal([leases.size, leases.pinholes.size], [0, 1]);
  },
  'status tells of pinholes': () => {
    const fixed = pinhole({ port: 443, origin: 'static', lifetime: 0, expiresAt: Infinity });
    const { pinholes, maxPinholes, staticPinholes, mappings } = makeKeeper([pinhole(), fixed]).keeper.status();
    assert.equal([pinholes, maxPinholes, staticPinholes, mappings], [2, 7, 1, 0]);
  },
  'status counts': () => {
    const { keeper } = makeKeeper();
    keeper.handle([add(5000)]);
    const { mappings, maxMappings, startedAt, epochStart } = keeper.status();
    assert.equal(
      { mappings, maxMappings, startedAt, epochStart },
      { mappings: 1, maxMappings: 9, startedAt: 1_000_000, epochStart: 0 },
    );
  },
});
