import * as assert from 'uvu/assert';
import { PinholeReplica } from '../../caller/pinhole-replica.js';
import { LeaseReplica } from '../../caller/lease-replica.js';
import { HelperSession } from '../../caller/helper-session.js';
import type { Answer } from '../../proto/client.js';
import type { Request } from '../../proto/codec.js';
import type { Lease, Pinhole } from '../../proto/mapping.js';
import { claims } from '../support/cases.js';
import { STATUS } from '../frontend/model-helper.js';
import { ALICE, BOB, lease } from '../frontend/support.js';

const watching = (epochStart = -5000, mappings = 99): Answer => ({
  kind: 'watching',
  status: { ...STATUS, epochStart, mappings },
});
const page = (leases: readonly Lease[], next = 0): Answer => ({ kind: 'mapping-list', leases, next });
const [first, second, third] = [2001, 2002, 2003].map((externalPort) => lease({ externalPort })) as [
  Lease,
  Lease,
  Lease,
];

/** A session whose helper answers when told to, and a log of what the session told. */
function startSession(pinholes: PinholeReplica | null = null) {
  const asked: { request: Request; answer: (answer: Answer) => void }[] = [];
  const told: string[] = [];
  const later: (() => void)[] = [];
  const leases = new LeaseReplica();
  const now = { ms: 1000 };
  const session = new HelperSession({
    pinholes,
    leases,
    ask: (request) =>
      new Promise((answer) => {
        asked.push({ request, answer });
      }),
    clock: () => now.ms,
    schedule(delayMs, run) {
      told.push(`again in ${delayMs}`);
      later.push(run);
      return () => {};
    },
    ready: (_status, isNewEpoch) => told.push(isNewEpoch ? 'ready, new epoch' : 'ready'),
    lost: () => told.push('lost'),
    fellBehind: () => told.push('fell behind'),
  });
  return {
    session,
    now,
    leases,
    told,
    asked,
    ports: () => [2001, 2002, 2003].filter((port) => leases.firstUnheld({ from: port, to: port }) === null),
    async answer(kind: Request['kind'], answer: Answer) {
      const next = asked.shift();
      assert.is(next?.request.kind, kind);
      next?.answer(answer);
      await settled();
      return next?.request;
    },
    async later() {
      later.shift()?.();
      await settled();
    },
  };
}

/** Lets everything that is already decided happen. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

claims('helper session', {
  'R-82 watches, lists page by page, and is ready then': async () => {
    const { session, told, asked, answer, ports } = startSession();
    assert.is(session.epochStartMs, null);
    session.connected();
    await answer('watch', watching());
    assert.equal(await answer('list-mappings', page([first], 77)), { kind: 'list-mappings', after: 0, limit: 1000 });
    assert.is(session.isReady, false);
    assert.equal(await answer('list-mappings', page([third])), { kind: 'list-mappings', after: 77, limit: 1000 });
    assert.equal([session.isReady, session.epochStartMs, told, asked], [true, -5000, ['ready, new epoch'], []]);
    assert.equal(ports(), [2001, 2003]);
  },
  'R-16 says since when it has been away, from the start': async () => {
    const { session, now, answer } = startSession();
    assert.is(session.lostAtMs, 1000);
    now.ms = 2000;
    session.connected();
    assert.is(session.lostAtMs, 1000, 'connected is not ready');
    await answer('watch', watching());
    await answer('list-mappings', page([first]));
    assert.is(session.lostAtMs, null);
    now.ms = 3000;
    session.disconnected();
    now.ms = 4000;
    session.disconnected();
    assert.is(session.lostAtMs, 3000);
  },
  'R-16 those that wait are woken when it is ready, and when they have waited for long enough': async () => {
    const { session, answer, told, later } = startSession();
    const woken: string[] = [];
    void session.ready(700).then(() => woken.push('first'));
    void session.ready(800).then(() => woken.push('second'));
    assert.equal(told, ['again in 700', 'again in 800']);
    await later();
    assert.equal(woken, ['first']);
    session.connected();
    await answer('watch', watching());
    assert.equal(woken, ['first']);
    await answer('list-mappings', page([first]));
    assert.equal(woken, ['first', 'second']);
    await session.ready(0);
    assert.is(told.length, 3, 'and no timer is set if it is ready');
  },
  'R-60 follows events': async () => {
    const { session, answer, ports } = startSession();
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([first, second]));
    session.event({ kind: 'expired', lease: first });
    session.event({ kind: 'granted', lease: third });
    assert.equal(ports(), [2002, 2003]);
  },
  'R-60 events during the list have the last word': async () => {
    const { session, answer, ports, leases } = startSession();
    session.connected();
    await answer('watch', watching());
    session.event({ kind: 'granted', lease: first }); // in the page to come
    await answer('list-mappings', page([first], 5));
    session.event({ kind: 'removed', lease: first }); // listed, then gone
    session.event({ kind: 'granted', lease: third });
    assert.equal(ports(), [], 'nothing shows before the list is complete');
    await answer('list-mappings', page([second]));
    assert.equal(ports(), [2002, 2003]);
    assert.is(leases.size, 2);
  },
  'R-60 an endpoint that moved while it was listed is there once': async () => {
    const { session, answer, ports, leases } = startSession();
    const moved = { ...first, externalPort: 2003 };
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([first], 5));
    session.event({ kind: 'removed', lease: first });
    session.event({ kind: 'granted', lease: moved });
    await answer('list-mappings', page([moved]));
    assert.equal(ports(), [2003]);
    assert.is(leases.mappingOf(first)?.externalPort, 2003);
  },
  'R-82 lost, and found with the same epoch': async () => {
    const { session, told, answer, ports } = startSession();
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([first]));
    session.disconnected();
    assert.equal([session.isReady, session.epochStartMs], [false, -5000], 'the epoch is kept');
    session.connected();
    await answer('watch', watching());
    assert.is(session.isReady, false, 'of another size it may be another table');
    await answer('list-mappings', page([second]));
    assert.equal(told, ['ready, new epoch', 'lost', 'ready']);
    assert.equal(ports(), [2002], 'what was known before is forgotten');
  },
  'R-82 found with the same epoch and as many mappings: ready before the list, which has the last word': async () => {
    const { session, told, answer, ports } = startSession();
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([first]));
    session.disconnected();
    session.connected();
    assert.is(session.isReady, false, 'not before it says which epoch it is in');
    await answer('watch', watching(-5000, 1));
    assert.equal([session.isReady, ports()], [true, [2001]]);
    session.event({ kind: 'granted', lease: third });
    await answer('list-mappings', page([second]));
    assert.equal(
      [ports(), told],
      [
        [2002, 2003],
        ['ready, new epoch', 'lost', 'ready'],
      ],
    );
  },
  'R-83 found with another epoch and as many mappings: the list comes first': async () => {
    const { session, answer } = startSession();
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([first]));
    session.disconnected();
    session.connected();
    await answer('watch', watching(9000, 1));
    assert.equal([session.isReady, session.epochStartMs], [false, -5000]);
  },
  'R-82 lost again before the list is there: not ready': async () => {
    const { session, told, answer, ports } = startSession();
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([first]));
    session.disconnected();
    session.connected();
    await answer('watch', watching(-5000, 1));
    session.disconnected();
    await answer('list-mappings', page([second]));
    assert.equal([session.isReady, ports(), told], [false, [2001], ['ready, new epoch', 'lost', 'ready', 'lost']]);
  },
  'R-83 found with another epoch': async () => {
    const { session, told, answer } = startSession();
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([]));
    session.disconnected();
    session.connected();
    await answer('watch', watching(9000));
    await answer('list-mappings', page([]));
    assert.equal(told, ['ready, new epoch', 'lost', 'ready, new epoch']);
    assert.is(session.epochStartMs, 9000);
  },
  'R-82 lost in the middle of the list: nothing of it counts': async () => {
    const { session, told, answer, ports } = startSession();
    session.connected();
    await answer('watch', watching());
    session.disconnected();
    await answer('list-mappings', page([first]));
    assert.equal([session.isReady, told, ports()], [false, [], []]);
  },
  'R-82 an answer of the connection before is not taken for one of this': async () => {
    const { session, asked, answer, ports, told } = startSession();
    session.connected();
    const old = asked.shift();
    session.disconnected();
    session.connected();
    old?.answer(watching(1));
    await answer('watch', watching(2));
    assert.is(asked.length, 1);
    await answer('list-mappings', page([first]));
    assert.equal([session.epochStartMs, told, ports()], [2, ['ready, new epoch'], [2001]]);
  },
  'R-82 a helper that does not answer is asked again': async () => {
    const { session, told, asked, answer, later } = startSession();
    session.connected();
    await answer('watch', { kind: 'unavailable' });
    assert.equal([told, asked.length], [['again in 500'], 0]);
    await later();
    await answer('watch', watching());
    session.event({ kind: 'granted', lease: first });
    await answer('list-mappings', { kind: 'unavailable' });
    assert.is(session.isReady, false);
    session.event({ kind: 'removed', lease: first });
    await later();
    await answer('list-mappings', page([second])); // without watching twice
    assert.is(session.isReady, true);
  },
  'R-82 asking again ends with the connection': async () => {
    const { session, asked, answer, later } = startSession();
    session.connected();
    await answer('watch', { kind: 'refused', reason: 'too-many-watchers' });
    session.disconnected();
    await later();
    assert.is(asked.length, 0);
  },
  'R-82 a list that does not advance is not followed': async () => {
    const { session, told, answer } = startSession();
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([first], 9));
    await answer('list-mappings', page([first], 9));
    assert.equal([session.isReady, told], [false, ['again in 500']]);
  },
  'R-60 events were lost: goes on, and starts again soon': async () => {
    const { session, told, asked, answer, later, ports } = startSession();
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([first]));
    session.resync();
    session.resync();
    assert.equal([session.isReady, asked.length], [true, 0], 'not at once, and once');
    session.event({ kind: 'granted', lease: second });
    assert.equal(ports(), [2001, 2002]);
    await later();
    await answer('watch', watching());
    session.event({ kind: 'granted', lease: third });
    assert.equal(ports(), [2001, 2002], 'now the list comes first');
    await answer('list-mappings', page([second]));
    assert.equal([ports(), session.isReady], [[2002, 2003], true]);
    assert.equal(told, ['ready, new epoch', 'fell behind', 'again in 500', 'fell behind']);
  },
  'R-60 events were lost while it started again: starts once more': async () => {
    const { session, asked, answer, later, ports } = startSession();
    session.connected();
    await answer('watch', watching());
    const old = asked.shift();
    session.resync();
    old?.answer(page([first]));
    await later();
    assert.equal([session.isReady, asked.length], [false, 1]);
    await answer('watch', watching());
    await answer('list-mappings', page([second]));
    assert.equal([ports(), session.isReady], [[2002], true]);
  },
  'R-83 events were lost, and the epoch is another': async () => {
    const { session, told, answer, later } = startSession();
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([]));
    session.resync();
    await later();
    await answer('watch', watching(1));
    await answer('list-mappings', page([]));
    assert.is(told.at(-1), 'ready, new epoch');
  },
  'R-82 a connection that never was ready is not lost': () => {
    const { session, told } = startSession();
    session.connected();
    session.disconnected();
    assert.equal(told, []);
  },
  'R-81 leases of several hosts': async () => {
    const { session, answer, leases } = startSession();
    session.connected();
    await answer('watch', watching());
    await answer('list-mappings', page([first, { ...second, internalAddress: BOB }]));
    assert.equal([leases.count(ALICE), leases.count(BOB)], [1, 1]);
  },
});

const hole = (port: number): Pinhole => ({
  protocol: 'tcp',
  address: '20010db8000100000000000000000a0a',
  port,
  origin: 'dynamic',
  lifetime: 60,
  expiresAt: 1,
  hardwareAddress: 7,
});
const holes = (pinholes: readonly Pinhole[], next = 0): Answer => ({ kind: 'pinhole-list', pinholes, next });
/** As `watching`, of a helper with pinholes. */
const watchingPinholes = (count: number, max = 16384): Answer => {
  const answer = watching(-5000, 0);
  if (answer.kind !== 'watching') throw new Error(answer.kind);
  return { ...answer, status: { ...answer.status, pinholes: count, maxPinholes: max } };
};

claims('helper session with pinholes', {
  'watches them too, lists them page by page after the mappings, and is ready then': async () => {
    const pinholes = new PinholeReplica();
    const { session, answer } = startSession(pinholes);
    session.connected();
    assert.equal(await answer('watch', watchingPinholes(0)), { kind: 'watch', pinholes: true });
    await answer('list-mappings', page([first]));
    assert.equal(await answer('list-pinholes', holes([hole(1)], 9)), { kind: 'list-pinholes', after: 0, limit: 1000 });
    assert.is(session.isReady, false);
    assert.equal(await answer('list-pinholes', holes([hole(2)])), { kind: 'list-pinholes', after: 9, limit: 1000 });
    assert.equal([session.isReady, pinholes.size], [true, 2]);
  },
  'does not ask a helper without pinholes for a list of them': async () => {
    const pinholes = new PinholeReplica();
    const { session, answer, asked } = startSession(pinholes);
    session.connected();
    await answer('watch', watchingPinholes(0, 0));
    await answer('list-mappings', page([first]));
    assert.equal([session.isReady, asked.length], [true, 0]);
  },
  'without PCP it asks for nothing of them': async () => {
    const { session, answer } = startSession();
    session.connected();
    assert.equal(await answer('watch', watchingPinholes(3)), { kind: 'watch' });
    await answer('list-mappings', page([first]));
    assert.is(session.isReady, true);
  },
  'events during the list have the last word': async () => {
    const pinholes = new PinholeReplica();
    const { session, answer, leases } = startSession(pinholes);
    session.connected();
    await answer('watch', watchingPinholes(0));
    session.event({ kind: 'removed', pinhole: hole(1) });
    await answer('list-mappings', page([]));
    session.event({ kind: 'granted', pinhole: hole(3) });
    await answer('list-pinholes', holes([hole(1), hole(2)]));
    assert.equal(
      [hole(1), hole(2), hole(3)].map((each) => pinholes.get(each) !== undefined),
      [false, true, true],
    );
    session.event({ kind: 'expired', pinhole: hole(2) });
    assert.equal([pinholes.size, leases.size], [1, 0]);
  },
  'found with the same epoch and as many of both: ready before the lists; with another number it is not': async () => {
    const pinholes = new PinholeReplica();
    const { session, answer } = startSession(pinholes);
    session.connected();
    await answer('watch', watchingPinholes(1));
    await answer('list-mappings', page([]));
    await answer('list-pinholes', holes([hole(1)]));
    for (const [count, isReady] of [
      [1, true],
      [2, false],
    ] as const) {
      session.disconnected();
      session.connected();
      await answer('watch', watchingPinholes(count));
      assert.is(session.isReady, isReady);
      await answer('list-mappings', page([]));
      await answer('list-pinholes', holes([hole(1)]));
    }
  },
  'a list that fails, or does not advance, is asked for again': async () => {
    const pinholes = new PinholeReplica();
    const { session, answer, later } = startSession(pinholes);
    session.connected();
    await answer('watch', watchingPinholes(1));
    for (const bad of [[{ kind: 'unavailable' } as const], [holes([hole(1)], 5), holes([hole(1)], 5)]]) {
      await answer('list-mappings', page([]));
      for (const each of bad) await answer('list-pinholes', each);
      assert.is(session.isReady, false);
      await later();
    }
    await answer('list-mappings', page([]));
    await answer('list-pinholes', holes([hole(1)]));
    assert.equal([session.isReady, pinholes.size], [true, 1]);
  },
});
