import type { Change, Clock, RequestFrom } from '../../helper/types.js';
import * as assert from 'uvu/assert';
import { Reconciler } from '../../helper/reconcile.js';
import { Leases } from '../../helper/leases.js';
import { StatsRecorder } from '../../proto/totals.js';
import { claims } from '../support/cases.js';
import { limitsFor } from './leases.js';
import { describe, FakeKernel } from '../support/fake-kernel.js';

const LIMITS = {
  lans: [{ routerAddress: 0xc0a80101, prefixLength: 24 }],
  allowedPorts: [{ from: 1024, to: 65535 }],
  reservedPorts: [],
  maxMappings: 9,
  maxMappingsPerHost: 9,
  newMappings: { burst: 9, intervalMs: 5000 },
  maxLifetime: 86400,
};

function makeKeeper() {
  const log: string[] = [];
  const time = { now: 1_000_000, wall: 1_700_000_000_000 };
  const kernel = new FakeKernel(log);
  const leases = new Leases();
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
    clock: { bootId: 'b', wallOffsetMs: time.wall - time.now, epochStart: 0 },
    now: () => time.now,
    wall: () => time.wall,
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

claims('Keeper', {
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
        ['removed', 'udp', 5001],
        ['removed', 'tcp', 5002],
      ],
    );
    assert.equal([...leases.leases()].map(({ externalPort }) => externalPort).sort(), [5000, 5003]);
    assert.is(log.filter((line) => line.startsWith('journal ')).length, 1, log.join());
    // Nothing is left to end the next time, and a new mapping there is refused.
    assert.equal(keeper.setLimits(limits).events, []);
    assert.equal(keeper.handle([add(5002)]).responses, [{ kind: 'refused', reason: 'port' }]);
  },
  'expired leases are published, and their UDP flows forgotten': () => {
    const { keeper, log, time } = makeKeeper();
    keeper.handle([add(5000, 'udp', 1), add(5001, 'tcp', 1)]);
    log.length = 0;
    time.now += 1500;
    assert.equal(
      keeper.reconcile().events.map(({ kind }) => kind),
      ['expired', 'expired'],
    );
    assert.equal(log, []);
    keeper.flushFlows();
    assert.equal(log, ['forget udp:5000']);
  },
  'flows of many ended mappings are forgotten a few at a time, and not those of mappings granted again': () => {
    const { keeper, log } = makeKeeper();
    const ports = [5000, 5001, 5002, 5003, 5004, 5005, 5006];
    keeper.handle(ports.map((port) => add(port, 'udp')));
    keeper.handle(ports.map((port) => remove(port, 'udp')));
    keeper.handle([add(5001, 'udp')]);
    log.length = 0;
    keeper.flushFlows();
    assert.equal(
      log,
      [5000, 5002, 5003, 5004].map((port) => `forget udp:${port}`),
    );
    keeper.flushFlows();
    assert.equal(log.slice(4), ['forget udp:5005', 'forget udp:5006']);
  },
  'a wall clock that was set is written down with the next change, once': () => {
    const { keeper, log, time } = makeKeeper();
    time.wall += 999;
    keeper.handle([add(5000)]);
    time.wall += 86_400_000;
    keeper.handle([add(5001)]);
    keeper.handle([add(5002)]);
    assert.equal(
      log.filter((line) => line.startsWith('journal')),
      [
        'journal +tcp:5000',
        `journal +tcp:5001 clock ${1_700_000_000_000 - 1_000_000 + 86_400_999}`,
        'journal +tcp:5002',
      ],
    );
  },
  'it looks again soon while something goes on, and else when the next lease ends, or once a minute': () => {
    const { keeper, kernel, time } = makeKeeper();
    keeper.reconcile();
    assert.is(keeper.nextCheckMs(), 60_000, 'nothing is to be expected');
    keeper.handle([add(5000, 'udp', 10), add(5001, 'tcp', 600)]);
    assert.is(keeper.nextCheckMs(), 200, 'after a request');
    keeper.reconcile();
    const untilEnding = keeper.nextCheckMs();
    assert.ok(untilEnding > 10_000 && untilEnding <= 10_500, `${untilEnding} ms to the end of the first lease`);
    time.now += untilEnding - 1;
    assert.equal(keeper.reconcile().events, []);
    assert.is(keeper.nextCheckMs(), 25, 'not more often than this');
    time.now += 1;
    assert.is(keeper.reconcile().events.length, 1);
    assert.is(keeper.nextCheckMs(), 200, 'after an ending');
    keeper.reconcile();
    assert.is(keeper.nextCheckMs(), 200, 'while flows are to be forgotten');
    keeper.flushFlows();
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
