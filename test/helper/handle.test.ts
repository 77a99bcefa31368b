// One batch of requests against a fake kernel and a fake journal that write into one log: the order of effects is the
// assertion. Then every crash: whatever is cut off, nobody was told of it, and a restart brings all into step.

import type { AnyLease, Change, HandlerDeps, Journal, RequestFrom } from '../../helper/types.js';
import * as assert from 'uvu/assert';
import { handle } from '../../helper/handle.js';
import { leaseKey, Leases, netChanges } from '../../helper/leases.js';
import type { Request, Response } from '../../proto/codec.js';
import { externalKey } from '../../proto/mapping.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import { StatsRecorder } from '../../proto/totals.js';
import { cases, claims } from '../support/cases.js';
import { limitsFor, pinhole } from './leases.js';
import { mappingsOf } from '../support/mappings.js';
import { describe, FakeKernel } from '../support/fake-kernel.js';

class FakeJournal implements Journal {
  readonly bytes = 0;
  readonly leases = new Map<number | string, AnyLease>();
  #crash = false;
  readonly #log: string[];

  constructor(log: string[]) {
    this.#log = log;
  }

  crashNext(): void {
    this.#crash = true;
  }

  append(changes: readonly Change[]): void {
    if (this.#crash) throw new Error('crash');
    for (const { before, after } of netChanges(changes)) {
      const key = leaseKey(after ?? (before as AnyLease));
      if (after === undefined) this.leases.delete(key);
      else this.leases.set(key, after);
    }
    this.#log.push(`journal ${netChanges(changes).map(describe).join(' ')}`);
  }

  compact(): void {}
}

function makeWorld() {
  const log: string[] = [];
  const kernel = new FakeKernel(log);
  const journal = new FakeJournal(log);
  const clock = { bootId: 'b', wallOffsetMs: 0, epochStartMs: 0, agedAtMs: 0 };
  const time = { now: 1_000_000 };
  const world: HandlerDeps = {
    limits: limitsFor({
      allowedPorts: [{ from: 1024, to: 65535 }],
      reservedPorts: [],
      maxMappings: 3000,
      maxMappingsPerHost: 1000,
      newMappings: { burst: 3000, intervalMs: 1 },
      maxLifetime: 86400,
      maxPinholes: 3000,
    }),
    leases: new Leases(),
    newMappings: new RateLimiter({ burst: 3000, intervalMs: 1 }),
    newPinholes: new RateLimiter({ burst: 3000, intervalMs: 1 }),
    kernel,
    journal,
    now: () => time.now,
    clock: () => clock,
    status: () => {
      throw new Error('not asked for');
    },
    markOutOfSync: () => log.push('out of step'),
    totals: new StatsRecorder(() => 0),
  };
  return { world, kernel, journal, log, time };
}

const add = (externalPort: number, fields: object = {}): RequestFrom => ({
  role: 'client',
  request: {
    kind: 'add-mapping',
    protocol: 'tcp',
    internalAddress: 0xc0a80102,
    internalPort: externalPort,
    externalPort,
    lifetime: 600,
    origin: 'dynamic',
    ...fields,
  } as RequestFrom['request'],
});
const remove = (internalPort: number, fields: object = {}): RequestFrom => ({
  role: 'client',
  request: {
    kind: 'remove-mapping',
    protocol: 'tcp',
    internalAddress: 0xc0a80102,
    internalPort,
    ...fields,
  } as RequestFrom['request'],
});
const LAPTOP = '20010db8000000000000000000000002';
const NONCE = '000102030405060708090a0b';
const open = (port: number, fields: object = {}): RequestFrom => ({
  role: 'client',
  request: {
    kind: 'add-pinhole',
    protocol: 'tcp',
    address: LAPTOP,
    port,
    lifetime: 600,
    origin: 'dynamic',
    nonce: NONCE,
    hardwareAddress: 0x020000000002,
    ...fields,
  } as RequestFrom['request'],
});
const shut = (port: number): RequestFrom => ({
  role: 'client',
  request: { kind: 'remove-pinhole', protocol: 'tcp', address: LAPTOP, port, nonce: NONCE },
});
const listPinholes = (after: number, limit: number, traffic: { traffic?: true } = {}): RequestFrom => ({
  role: 'client',
  request: { kind: 'list-pinholes', after, limit, ...traffic },
});
const bob = { internalAddress: 0xc0a80103 };
const list = (after: number, limit: number, traffic: { traffic?: true } = {}): RequestFrom => ({
  role: 'client',
  request: { kind: 'list-mappings', after, limit, ...traffic },
});
const said = (response: Response) =>
  response.kind === 'granted'
    ? `granted ${response.lease.externalPort}`
    : response.kind === 'pinhole-granted'
      ? `opened ${response.pinhole.port}`
      : response.kind === 'refused'
        ? response.reason
        : response.kind === 'removed'
          ? `removed ${response.count}`
          : response.kind;

cases<{ name: string; before?: RequestFrom[]; asked: RequestFrom[]; log: string[]; said: string[] }>(
  'handle: effects in order',
  [
    {
      name: 'kernel, then disk',
      asked: [add(5000)],
      log: ['kernel +tcp:5000', 'journal +tcp:5000'],
      said: ['granted 5000'],
    },
    {
      name: 'a batch is one transaction and one write',
      asked: [add(5000), add(5001), remove(5000), add(5002, bob)],
      log: ['kernel +tcp:5001 +tcp:5002', 'journal +tcp:5001 +tcp:5002'],
      said: ['granted 5000', 'granted 5001', 'removed 1', 'granted 5002'],
    },
    {
      name: 'each request sees what the one before it did',
      asked: [add(5000), add(5000, bob), remove(5000), add(5000, bob)],
      log: ['kernel +tcp:5000', 'journal +tcp:5000'],
      said: ['granted 5000', 'conflict', 'removed 1', 'granted 5000'],
    },
    {
      name: 'what changes nothing touches nothing',
      asked: [remove(5000), list(0, 10), add(80)],
      log: [],
      said: ['removed 0', 'mapping-list', 'port'],
    },
    {
      name: 'mappings and pinholes are one transaction and one write',
      asked: [add(5000), open(5000), open(5001), shut(5001), listPinholes(0, 10)],
      log: ['kernel +tcp:5000 +tcp:[2001:db8::2]:5000', 'journal +tcp:5000 +tcp:[2001:db8::2]:5000'],
      said: ['granted 5000', 'opened 5000', 'opened 5001', 'removed 1', 'pinhole-list'],
    },
    {
      name: 'a renewal and a removal of pinholes, and what is refused',
      before: [open(5000), open(5001)],
      asked: [open(5000, { lifetime: 60 }), shut(5001), shut(5002), open(80), open(5000, { nonce: '' })],
      log: [
        'kernel =tcp:[2001:db8::2]:5000 -tcp:[2001:db8::2]:5001',
        'journal =tcp:[2001:db8::2]:5000 -tcp:[2001:db8::2]:5001',
      ],
      said: ['opened 5000', 'removed 1', 'removed 0', 'port', 'nonce'],
    },
    {
      name: 'a renewal',
      before: [add(5000)],
      asked: [add(6000, { internalPort: 5000 })],
      log: ['kernel =tcp:5000', 'journal =tcp:5000'],
      said: ['granted 5000'],
    },
  ],
  (row) => {
    const { world, log } = makeWorld();
    handle(row.before ?? [], world);
    log.length = 0;
    assert.equal(handle(row.asked, world).responses.map(said), row.said);
    assert.equal(log, row.log);
  },
);

cases<{
  name: string;
  fail: ('refused' | 'out-of-sync')[];
  before?: RequestFrom[];
  asked: RequestFrom[];
  said: string[];
  table: number[];
  log: string[];
}>(
  'handle: when the kernel refuses',
  [
    {
      name: 'alone: refused, nothing written, the table as before',
      fail: ['refused'],
      asked: [add(5000)],
      said: ['kernel'],
      table: [],
      log: [],
    },
    {
      name: 'a renewal that is refused leaves the lease as it was',
      fail: ['refused'],
      before: [add(5000)],
      asked: [add(5000, { lifetime: 1 })],
      said: ['kernel'],
      table: [5000],
      log: [],
    },
    {
      name: 'a removal that is refused leaves the lease',
      fail: ['refused'],
      before: [add(5000)],
      asked: [remove(5000)],
      said: ['kernel'],
      table: [5000],
      log: [],
    },
    {
      name: 'a pinhole that is refused leaves the table as before, and the mapping beside it is made',
      fail: ['refused', 'refused'],
      asked: [open(5000), add(5001)],
      said: ['kernel', 'granted 5001'],
      table: [5001],
      log: ['kernel +tcp:5001', 'journal +tcp:5001'],
    },
    {
      name: 'in a batch only the one to blame is refused',
      fail: ['refused', 'refused'],
      asked: [add(5000), add(5001)],
      said: ['kernel', 'granted 5001'],
      table: [5001],
      log: ['kernel +tcp:5001', 'journal +tcp:5001'],
    },
    {
      name: 'without the one to blame another may come out differently',
      fail: ['refused', 'refused'],
      asked: [add(5000), add(5000, bob)],
      said: ['kernel', 'granted 5000'],
      table: [5000],
      log: ['kernel +tcp:5000', 'journal +tcp:5000'],
    },
    {
      name: 'after three, no other change is tried, and what changes nothing is answered',
      fail: ['refused', 'out-of-sync', 'refused', 'refused'],
      before: [add(5000)],
      asked: [add(5001), add(5002), add(5003), remove(5000), add(5004), remove(5009)],
      said: ['kernel', 'kernel', 'kernel', 'kernel', 'kernel', 'removed 0'],
      table: [5000],
      log: ['out of step'],
    },
    {
      name: 'out of step is reported',
      fail: ['out-of-sync'],
      asked: [add(5000)],
      said: ['kernel'],
      table: [],
      log: ['out of step'],
    },
  ],
  (row) => {
    const { world, kernel, journal, log } = makeWorld();
    handle(row.before ?? [], world);
    const journalled = [...journal.leases.values()];
    log.length = 0;
    kernel.failNext(...row.fail);
    const { responses, events } = handle(row.asked, world);
    assert.equal(responses.map(said), row.said);
    assert.equal(
      [...world.leases.leases()].map((each) => each.externalPort),
      row.table,
    );
    assert.equal(log, row.log);
    if (row.log.length === 0) {
      assert.equal([...journal.leases.values()], journalled);
      assert.equal(events, []);
    }
  },
);

claims('handle', {
  'a batch too large for one transaction becomes several, in order': () => {
    const { world, log } = makeWorld();
    const asked = Array.from({ length: 800 }, (_, index) => add(5000 + index));
    assert.is(
      handle(asked, world).responses.every(({ kind }) => kind === 'granted'),
      true,
    );
    assert.equal(
      log.map((line) => [line.split(' ')[0], line.split(' ').length - 1]),
      [
        ['kernel', 500],
        ['journal', 500],
        ['kernel', 300],
        ['journal', 300],
      ],
    );
  },
  'events tell what happened, in order, expired first': () => {
    const { world, time } = makeWorld();
    handle([add(5000, { lifetime: 1 })], world);
    time.now += 2000;
    const { events } = handle([add(5001), add(5001), remove(5001)], world);
    assert.equal(
      events.map((event) => `${event.kind} ${'lease' in event ? event.lease.externalPort : ''}`),
      ['expired 5000', 'granted 5001', 'renewed 5001', 'removed 5001'],
    );
  },
  'events of pinholes are told from those of mappings': () => {
    const { world, time } = makeWorld();
    handle([open(5000, { lifetime: 1 }), add(5000, { lifetime: 1 })], world);
    time.now += 2000;
    const { events } = handle([open(5001), open(5001), shut(5001)], world);
    assert.equal(
      events.map(
        (event) => `${event.kind} ${'lease' in event ? 'mapping' : 'pinhole' in event ? event.pinhole.port : ''}`,
      ),
      ['expired mapping', 'expired 5000', 'granted 5001', 'renewed 5001', 'removed 5001'],
    );
  },
  'pinholes are listed in pages, in the order in which they were opened, with their traffic': () => {
    const { world, kernel } = makeWorld();
    const ports = [65535, 1024, 5000, 4999, 30000];
    handle(ports.map((port) => open(port)).concat(add(6000)), world);
    kernel.counted.set(leaseKey(pinhole({ port: 5000 })), { packets: 3, bytes: 400 });
    const pages: unknown[] = [];
    for (let after = 0; pages.length < 10; ) {
      const [page] = handle([listPinholes(after, 2, { traffic: true })], world).responses;
      if (page?.kind !== 'pinhole-list') throw new Error('no page');
      pages.push(page.pinholes.map((each) => [each.port, each.traffic?.packets]));
      if (page.next === 0) break;
      if (after === 0) handle([shut(1024)], world); // the last one of the page
      after = page.next;
    }
    assert.equal(pages, [
      [
        [65535, 0],
        [1024, 0],
      ],
      [
        [5000, 3],
        [4999, 0],
      ],
      [[30000, 0]],
    ]);
  },
  'a page of pinholes has the limits of one of mappings': () => {
    const { world } = makeWorld();
    const pages = [listPinholes(0, 0), listPinholes(0, 1001), listPinholes(0, 251, { traffic: true })];
    assert.equal(handle([...pages, listPinholes(2 ** 53 - 1, 1000)], world).responses.map(said), [
      'malformed',
      'malformed',
      'malformed',
      'pinhole-list',
    ]);
  },
  'a list comes in pages, in order, whole': () => {
    const { world } = makeWorld();
    const ports = [65535, 1024, 5000, 4999, 30000];
    handle(
      ports.flatMap((port) => [add(port), add(port, { protocol: 'udp' })]),
      world,
    );
    const seen: string[] = [];
    for (let after = 0, pages = 0; pages < 10; pages++) {
      const [page] = handle([list(after, 3)], world).responses;
      if (page?.kind !== 'mapping-list') throw new Error('no page');
      seen.push(...page.leases.map((each) => `${each.protocol}:${each.externalPort}`));
      after = page.next;
      if (after === 0) break;
    }
    const sorted = [...ports].sort((a, b) => a - b);
    assert.equal(seen, [...sorted.map((port) => `tcp:${port}`), ...sorted.map((port) => `udp:${port}`)]);
  },
  'a list with traffic asks the kernel for the leases of its page, and for no other': () => {
    const { world, kernel } = makeWorld();
    handle(
      [5000, 5001, 5002].map((port) => add(port)),
      world,
    );
    kernel.counted.set(externalKey('tcp', 5001), { packets: 3, bytes: 400 });
    kernel.held.delete(externalKey('tcp', 5002)); // its time has just run out in the kernel
    const asked: number[] = [];
    const traffic = kernel.traffic.bind(kernel);
    kernel.traffic = (page) => {
      asked.push(...mappingsOf(page).map(({ externalPort }) => externalPort));
      return traffic(page);
    };
    const told = handle([list(externalKey('tcp', 5000), 2, { traffic: true }), list(0, 2)], world).responses.map(
      (response) =>
        response.kind === 'mapping-list' ? response.leases.map((each) => [each.externalPort, each.traffic]) : response,
    );
    assert.equal(told, [
      [
        [5001, { packets: 3, bytes: 400 }],
        [5002, undefined],
      ],
      [
        [5000, undefined],
        [5001, undefined],
      ],
    ]);
    assert.equal(asked, [5001, 5002]);
  },
  'a page with traffic has at most 250 mappings': () => {
    const { world } = makeWorld();
    const pages = [0, 250, 251].map((limit) => list(0, limit, { traffic: true }));
    assert.equal(handle(pages, world).responses.map(said), ['malformed', 'mapping-list', 'malformed']);
  },
  'a page of 0 or above 1000 mappings is malformed': () => {
    const { world } = makeWorld();
    assert.equal(handle([list(0, 0), list(0, 1001), list(0xffffffff, 1)], world).responses.map(said), [
      'malformed',
      'malformed',
      'mapping-list',
    ]);
  },
});

// Every step of a life, and a crash before the kernel or before the disk at each.
const LIFE: readonly RequestFrom[][] = [
  [add(5000)],
  [add(5001), add(5002, bob)],
  [add(5000, { lifetime: 60 })],
  [remove(5001)],
  [add(5001, bob)],
  [open(5000), add(5003)],
  [open(5000, { lifetime: 60 }), open(5001)],
  [shut(5000)],
  [
    {
      role: 'client',
      request: { kind: 'remove-host-mappings', protocol: 'tcp', ...bob } as Request as RequestFrom['request'],
    },
  ],
];

cases(
  'a crash loses nothing that was acknowledged, and revives nothing',
  LIFE.flatMap((_, step) =>
    (['kernel', 'journal'] as const).map((where) => ({ name: `step ${step}, before the ${where}`, step, where })),
  ),
  ({ step, where }) => {
    const { world, kernel, journal } = makeWorld();
    for (const batch of LIFE.slice(0, step)) handle(batch, world);
    const acknowledged = [...world.leases.all()].map(leaseKey).sort();
    if (where === 'kernel') kernel.failNext('crash');
    else journal.crashNext();
    assert.throws(() => handle(LIFE[step] as RequestFrom[], world), /crash/);
    // The next process: the journal is the truth, the kernel is repaired to it.
    kernel.repair(journal.leases.values());
    assert.equal([...journal.leases.keys()].sort(), acknowledged);
    assert.equal([...kernel.held.keys()].sort(), [...journal.leases.keys()].sort());
  },
);
