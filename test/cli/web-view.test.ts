// What natpmpctl web tells its pages, from what a helper tells it.

import * as assert from 'uvu/assert';
import { EXIT, Failure } from '../../cli/host/failure.js';
import type { Descriptions } from '../../cli/natpmpctl/descriptions.js';
import type { Names } from '../../cli/natpmpctl/names.js';
import type { GatewayEvent, Health, Message } from '../../cli/natpmpctl/web/messages.js';
import { View } from '../../cli/natpmpctl/web/view.js';
import type { Listed } from '../../cli/natpmpctl/mapping.js';
import type { Event, ListedLease, ListedPinhole, StatusReport } from '../../proto/codec.js';
import { atEnd, claims } from '../support/cases.js';
import { until } from '../lab/flows.js';

const NAS = 0xc0a80102;
const status: StatusReport = {
  epochStart: 0,
  mappings: 2,
  staticMappings: 1,
  maxMappings: 9,
  maxMappingsPerHost: 9,
  maxLifetime: 9,
  journalBytes: 0,
  kernelInStep: true,
  pid: 1,
  resynchronisations: 0,
  startedAt: 0,
  pinholes: 0,
  maxPinholes: 0,
  staticPinholes: 0,
};
const health: Health = { findings: [], externalAddress: '203.0.113.10', maxMappings: 9, maxPinholes: 0 };
const lease = (externalPort: number, fields: Partial<ListedLease> = {}): ListedLease => ({
  protocol: 'tcp',
  internalAddress: NAS,
  internalPort: 80,
  externalPort,
  origin: 'dynamic',
  lifetime: 600,
  expiresAt: 700_000,
  ...fields,
});
const pinhole = (port: number, fields: Partial<ListedPinhole> = {}): ListedPinhole => ({
  protocol: 'udp',
  address: '20010db8000000000000000000000005',
  port,
  origin: 'dynamic',
  lifetime: 600,
  expiresAt: 700_000,
  hardwareAddress: 0x020000000007,
  ...fields,
});
const granted = (externalPort: number): Event => ({ kind: 'granted', lease: lease(externalPort) });

/** A view of a helper that lists what the test says, when it says so. */
function setUp() {
  const world = {
    boot: 100_000,
    names: new Map([[NAS, 'nas']]) as Names,
    descriptions: new Map() as Descriptions,
    leases: [] as readonly Listed[],
    lists: 0,
    isGone: false,
  };
  let wait: Promise<void> = Promise.resolve();
  const view = new View({
    bootMs: () => world.boot,
    wallMs: () => Date.parse('2026-03-28T14:05:09Z'),
    names: () => world.names,
    descriptions: async () => world.descriptions,
    health: () => health,
    mayRevoke: false,
    intervalMs: 20,
  });
  view.attach({
    async listAll() {
      world.lists++;
      await wait;
      if (world.isGone) throw new Failure(EXIT.unavailable, 'gone');
      return world.leases;
    },
    status: async () => status,
  });
  atEnd(() => view.close());
  const told: Message[] = [];
  const ofKind = <K extends Message['kind']>(kind: K) =>
    told.filter((message): message is Extract<Message, { kind: K }> => message.kind === kind);
  return {
    world,
    view,
    told,
    ofKind,
    join: () => view.join((message) => told.push(message)),
    /** Lists take until the function returned is called. */
    hold(): () => void {
      let go = (): void => {};
      wait = new Promise((resolve) => {
        go = resolve;
      });
      return go;
    },
    async began(): Promise<void> {
      view.watching();
      await until('the helper is here', async () => (view.table() as { isHelperHere?: boolean }).isHelperHere === true);
    },
    ports: () => (view.table() as Extract<Message, { kind: 'table' }>).mappings.map(({ externalPort }) => externalPort),
    past: () => (view.table() as Extract<Message, { kind: 'table' }>).past.map(({ kind }) => kind),
  };
}

claims('a view', {
  'sends a new reader the whole table, as the helper has it': async () => {
    const { world, began, join, told } = setUp();
    world.leases = [
      lease(8080, { traffic: { packets: 1, bytes: 60 } }),
      lease(8081, { origin: 'static', lifetime: 0, expiresAt: Infinity, internalAddress: NAS + 1 }),
    ];
    await began();
    join();
    assert.equal(told[0], {
      kind: 'table',
      now: 100_000,
      isHelperHere: true,
      mayRevoke: false,
      past: [],
      health: null,
      mappings: [
        {
          id: 'tcp 8080 192.168.1.2 80',
          protocol: 'tcp',
          externalPort: 8080,
          internalAddress: '192.168.1.2',
          internalPort: 80,
          name: 'nas',
          origin: 'dynamic',
          askedBy: 'NAT-PMP',
          description: null,
          lifetime: 600,
          endsAt: 700_000,
          packets: 1,
          bytes: 60,
          rate: null,
        },
        {
          id: 'tcp 8081 192.168.1.3 80',
          protocol: 'tcp',
          externalPort: 8081,
          internalAddress: '192.168.1.3',
          internalPort: 80,
          name: null,
          origin: 'static',
          askedBy: null,
          description: null,
          lifetime: 0,
          endsAt: null,
          packets: null,
          bytes: null,
          rate: null,
        },
      ],
    });
  },
  'before the helper has been heard, says that it is not here': () => {
    const { join, told } = setUp();
    join();
    assert.equal(
      told.map((message) => message.kind === 'table' && message.isHelperHere),
      [false],
    );
  },
  'tells what happens at the same time in one message, and remembers it but for renewals': async () => {
    const { began, join, view, ofKind, ports, past } = setUp();
    await began();
    join();
    for (const event of [
      granted(1),
      granted(2),
      { kind: 'renewed', lease: lease(2) },
      { kind: 'probe' },
      { kind: 'removed', lease: lease(1) },
      { kind: 'resynchronised' },
    ] as const) {
      view.event(event);
    }
    await until('it is sent', async () => ofKind('happened').length > 0);
    assert.equal(
      ofKind('happened').map(({ happenings }) =>
        happenings.map(({ kind, mapping }) => `${kind} ${mapping?.externalPort ?? '-'}`),
      ),
      [['granted 1', 'granted 2', 'renewed 2', 'removed 1', 'resynchronised -']],
    );
    assert.equal(ports(), [2]);
    assert.equal(past(), ['granted', 'granted', 'removed', 'resynchronised']);
  },
  'what happens while the table is listed comes after it, in order': async () => {
    const { world, view, hold, ports } = setUp();
    world.leases = [lease(1), lease(2)];
    const go = hold();
    view.watching();
    view.event({ kind: 'removed', lease: lease(1) });
    view.event(granted(3));
    assert.equal(ports(), []);
    go();
    await until('it is listed', async () => ports().length > 0);
    assert.equal(ports(), [2, 3]);
  },
  'a helper that goes and comes back: what was shown stays until the new table': async () => {
    const { world, began, join, view, ofKind, ports, past } = setUp();
    world.leases = [lease(1)];
    await began();
    join();
    view.lost();
    await until('it is sent', async () => ofKind('happened').length > 0);
    assert.equal([ofKind('happened')[0]?.happenings.map(({ kind }) => kind), ports()], [['lost'], [1]]);
    world.leases = [lease(2)];
    await began();
    assert.equal([ports(), past(), ofKind('table').at(-1)?.isHelperHere], [[2], ['lost', 'back'], true]);
  },
  'a list that ends after the helper has gone is not taken for the table': async () => {
    const { world, view, hold, ports } = setUp();
    world.leases = [lease(1)];
    const go = hold();
    view.watching();
    view.lost();
    go();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ports(), []);
  },
  'a helper that goes while it lists is no defect': async () => {
    const { world, view, began, ports } = setUp();
    world.isGone = true;
    view.watching();
    await until('it was asked', async () => world.lists === 1);
    world.isGone = false;
    world.leases = [lease(1)];
    await began();
    assert.equal(ports(), [1]);
  },
  'one that is there and did not answer is asked again': async () => {
    const { world, view, ports } = setUp();
    world.isGone = true;
    view.watching();
    await until('it was asked', async () => world.lists === 1);
    world.isGone = false;
    world.leases = [lease(1)];
    await until('it is listed', async () => ports().length === 1);
    assert.is(world.lists, 2);
  },
  'remembers the last fifty things': async () => {
    const { began, view, past } = setUp();
    await began();
    for (let port = 1; port <= 60; port++) view.event(granted(port));
    view.event({ kind: 'resynchronised' });
    assert.equal([past().length, past().at(-1)], [50, 'resynchronised']);
  },
});

claims('descriptions', {
  'come with a sample, without a new table if nothing changed': async () => {
    const { world, began, join, ofKind } = setUp();
    world.leases = [lease(3074, { tool: 1 })];
    await began();
    join();
    world.descriptions = new Map([['tcp 3074', 'Xbox']]);
    const told = () => ofKind('table').at(-1)?.mappings[0]?.description;
    await until('the description is told', async () => told() === 'Xbox');
    const tables = ofKind('table').length;
    await until('it was sampled again', async () => ofKind('looked').length > 0);
    assert.is(ofKind('table').length, tables);
  },
});

claims('pinholes', {
  'are rows of the table, with their device': async () => {
    const { world, began, join, told } = setUp();
    world.leases = [pinhole(51413, { traffic: { packets: 1, bytes: 60 } })];
    await began();
    join();
    assert.equal((told[0] as Extract<Message, { kind: 'table' }>).mappings, [
      {
        id: 'udp 51413 2001:db8::5 51413',
        protocol: 'udp',
        externalPort: 51413,
        internalAddress: '2001:db8::5',
        internalPort: 51413,
        name: null,
        origin: 'dynamic',
        askedBy: 'PCP',
        description: null,
        lifetime: 600,
        endsAt: 700_000,
        packets: 1,
        bytes: 60,
        rate: null,
        hardwareAddress: '02:00:00:00:00:07',
      },
    ]);
  },
  'of two hosts may have the same port; each comes and goes by itself': async () => {
    const { world, began, view, ports } = setUp();
    world.leases = [pinhole(1), pinhole(1, { address: '20010db8000000000000000000000006', hardwareAddress: 0 })];
    await began();
    assert.equal(ports(), [1, 1]);
    view.event({ kind: 'removed', pinhole: pinhole(1) });
    const [left] = (view.table() as Extract<Message, { kind: 'table' }>).mappings;
    assert.equal([ports(), left?.internalAddress, left?.hardwareAddress], [[1], '2001:db8::6', null]);
    view.event({ kind: 'granted', pinhole: pinhole(2) });
    assert.equal(ports(), [1, 2]);
  },
  'have a new name when the files have one, for the address before the device': async () => {
    const { world, began, join, ofKind } = setUp();
    world.leases = [pinhole(1), pinhole(2, { address: '20010db8000000000000000000000006' })];
    await began();
    join();
    world.names = new Map([
      ['20010db8000000000000000000000006', 'box'],
      ['02:00:00:00:00:07', 'phone'],
    ]);
    await until('the table is sent again', async () => ofKind('table').length > 1);
    assert.equal(
      ofKind('table')
        .at(-1)
        ?.mappings.map(({ name }) => name),
      ['phone', 'box'],
    );
  },
});

claims('looks at the counters', {
  'happen only while somebody is there': async () => {
    const { world, began, join, ofKind } = setUp();
    await began();
    assert.is(world.lists, 1);
    const leave = join();
    await until('it looks', async () => ofKind('looked').length >= 3);
    leave();
    const { lists } = world;
    await new Promise((resolve) => setTimeout(resolve, 100));
    // One may have been under way.
    assert.ok(world.lists <= lists + 1, `${world.lists - lists}`);
    join();
    await until('it looks again', async () => world.lists > lists + 1);
  },
  'tell what has changed, with the rate, and nothing else': async () => {
    const { world, began, join, ofKind } = setUp();
    world.leases = [
      lease(1, { traffic: { packets: 1, bytes: 60 } }),
      lease(2, { traffic: { packets: 5, bytes: 500 } }),
    ];
    await began();
    world.boot += 2000;
    world.leases = [
      lease(1, { traffic: { packets: 3, bytes: 1060 } }),
      lease(2, { traffic: { packets: 5, bytes: 500 } }),
    ];
    join();
    await until('it looks', async () => ofKind('looked').length > 0);
    const [first] = ofKind('looked');
    assert.equal(first?.traffic, [
      { id: 'tcp 1 192.168.1.2 80', packets: 3, bytes: 1060, rate: 500 },
      { id: 'tcp 2 192.168.1.2 80', packets: 5, bytes: 500, rate: 0 },
    ]);
    assert.equal(first?.health, health);
    world.boot += 2000;
    await until('nothing is left to tell', async () => ofKind('looked').at(-1)?.traffic.length === 0);
  },
  'a renewal keeps what was counted': async () => {
    const { world, began, view } = setUp();
    world.leases = [lease(1, { traffic: { packets: 3, bytes: 1060 } })];
    await began();
    view.event({ kind: 'renewed', lease: lease(1, { expiresAt: 800_000 }) });
    const [mapping] = (view.table() as Extract<Message, { kind: 'table' }>).mappings;
    assert.equal([mapping?.endsAt, mapping?.bytes], [800_000, 1060]);
  },
  'a host that has got another name has it on the page': async () => {
    const { world, began, join, ofKind } = setUp();
    world.leases = [lease(1)];
    await began();
    join();
    world.names = new Map([[NAS, 'storage']]);
    await until('the table is sent again', async () => ofKind('table').length > 1);
    assert.is(ofKind('table').at(-1)?.mappings[0]?.name, 'storage');
  },
});

const kinds = (happenings: readonly GatewayEvent[]) => happenings.map(({ kind }) => kind);
claims('several pages', {
  'each gets the news, until it goes': async () => {
    const { began, join, view, told } = setUp();
    await began();
    const others: Message[] = [];
    const leave = view.join((message) => others.push(message));
    join();
    view.event(granted(1));
    const happened = (messages: readonly Message[]) =>
      messages.flatMap((message) => (message.kind === 'happened' ? kinds(message.happenings) : []));
    await until('both have it', async () => happened(told).length === 1 && happened(others).length === 1);
    leave();
    view.event(granted(2));
    await until('one has it', async () => happened(told).length === 2);
    assert.is(happened(others).length, 1);
  },
  'a reader that comes in between hears nothing twice': async () => {
    const { began, join, view, told } = setUp();
    await began();
    const leave = join();
    view.event(granted(1));
    const late: Message[] = [];
    view.join((message) => late.push(message));
    await until('the first has it', async () => told.some(({ kind }) => kind === 'happened'));
    assert.equal(
      late.filter(({ kind }) => kind !== 'looked').map(({ kind }) => kind),
      ['table'],
    );
    leave();
  },
});
