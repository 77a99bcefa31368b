// What the status page knows and shows, without a browser; and how health is put into words.

import * as assert from 'uvu/assert';
import type { ReportedStatus } from '../../cli/natpmpctl/status.js';
import { healthOf } from '../../cli/natpmpctl/web/health.js';
import type { Message, ShownMapping } from '../../cli/natpmpctl/web/messages.js';
import { Model, PAGE_ROWS, type Selection } from '../../cli/web/model.js';
import { cases, claims } from '../support/cases.js';

const mapping = (externalPort: number, fields: Partial<ShownMapping> = {}): ShownMapping => ({
  id: `tcp ${externalPort}`,
  protocol: 'tcp',
  externalPort,
  internalAddress: '192.168.1.2',
  internalPort: 80,
  name: null,
  origin: 'dynamic',
  askedBy: 'NAT-PMP',
  description: null,
  lifetime: 600,
  endsAt: 1000,
  packets: 0,
  bytes: 0,
  rate: 0,
  ...fields,
});
const table = (mappings: readonly ShownMapping[]): Message => ({
  kind: 'table',
  now: 0,
  isHelperHere: true,
  mayRevoke: false,
  mappings,
  past: [],
  health: null,
});
const modelOf = (...mappings: readonly ShownMapping[]): Model => {
  const model = new Model();
  model.apply(table(mappings));
  return model;
};
const ALL: Selection = { text: '', sort: 'port', isReversed: false, page: 0 };
const ports = (model: Model, wanted: Partial<Selection> = {}) =>
  model.choose({ ...ALL, ...wanted }).rows.map(({ externalPort }) => externalPort);

const MIXED = modelOf(
  mapping(30, { internalAddress: '192.168.1.10', name: 'NAS', endsAt: 900, bytes: 5 }),
  mapping(10, { internalAddress: '192.168.1.9', protocol: 'udp', id: 'udp 10', rate: 7, bytes: 9 }),
  mapping(20, { internalAddress: '192.168.1.10', internalPort: 8080, origin: 'static', endsAt: null, bytes: 100 }),
);

cases(
  'the table',
  [
    { name: 'by port', wanted: {}, want: [10, 20, 30] },
    { name: 'the other way round', wanted: { isReversed: true }, want: [30, 20, 10] },
    { name: 'by host, as numbers', wanted: { sort: 'host' as const }, want: [10, 30, 20] },
    { name: 'by time left: what never ends is last', wanted: { sort: 'left' as const }, want: [30, 10, 20] },
    { name: 'by traffic: of late, then in all', wanted: { sort: 'traffic' as const }, want: [10, 20, 30] },
    { name: 'words: a name, however it is written', wanted: { text: 'nas' }, want: [30] },
    { name: 'words: an address', wanted: { text: '192.168.1.10' }, want: [20, 30] },
    { name: 'words: a protocol and a port', wanted: { text: 'udp/10' }, want: [10] },
    { name: 'words: how it came', wanted: { text: 'static' }, want: [20] },
    { name: 'words: all of them', wanted: { text: ' tcp  192.168.1.10 ' }, want: [20, 30] },
    { name: 'words: none has them', wanted: { text: 'udp nas' }, want: [] },
  ],
  ({ wanted, want }) => assert.equal(ports(MIXED, wanted), want),
);

claims('the table', {
  'has pages; one behind the last is the last': () => {
    const model = modelOf(...Array.from({ length: PAGE_ROWS * 2 + 1 }, (_, index) => mapping(index + 1)));
    assert.equal(
      [0, 1, 2, 9].map((page) => {
        const { rows, page: shown, pages, count } = model.choose({ ...ALL, page });
        return [rows[0]?.externalPort, rows.length, shown, pages, count];
      }),
      [
        [1, 50, 0, 3, 101],
        [51, 50, 1, 3, 101],
        [101, 1, 2, 3, 101],
        [101, 1, 2, 3, 101],
      ],
    );
  },
  'follows what happens': () => {
    const model = modelOf(mapping(1), mapping(2));
    model.apply({
      kind: 'happened',
      now: 0,
      happenings: [
        { kind: 'removed', at: '', mapping: mapping(1) },
        { kind: 'granted', at: '', mapping: mapping(3) },
        { kind: 'renewed', at: '', mapping: mapping(2, { endsAt: 5000 }) },
        { kind: 'resynchronised', at: '', mapping: null },
      ],
    });
    assert.equal(ports(model), [2, 3]);
    assert.is(model.choose(ALL).rows[0]?.endsAt, 5000);
    assert.equal(
      model.past.map(({ kind }) => kind),
      ['removed', 'granted', 'resynchronised'],
    );
    model.apply({ kind: 'happened', now: 0, happenings: [{ kind: 'lost', at: '', mapping: null }] });
    assert.equal([model.isHelperHere, ports(model)], [false, [2, 3]]);
    model.apply(table([mapping(9)]));
    assert.equal([model.isHelperHere, ports(model), model.past.length], [true, [9], 0]);
  },
  'takes counters for mappings that are there alone': () => {
    const model = modelOf(mapping(1));
    model.apply({
      kind: 'looked',
      now: 0,
      health: { findings: [], externalAddress: null, maxMappings: 9, maxPinholes: 0 },
      traffic: [
        { id: 'tcp 1', packets: 2, bytes: 3000, rate: 1500 },
        { id: 'tcp 2', packets: 1, bytes: 1, rate: 1 },
      ],
    });
    assert.equal([model.size, model.traffic()], [1, { rate: 1500, bytes: 3000 }]);
  },
  'remembers the last fifty things': () => {
    const model = modelOf();
    for (let index = 0; index < 60; index++)
      model.apply({
        kind: 'happened',
        now: 0,
        happenings: [{ kind: 'granted', at: `${index}`, mapping: mapping(index) }],
      });
    assert.equal([model.past.length, model.past.at(-1)?.at], [50, '59']);
  },
});

const DEVICE = '02:00:00:00:00:07';
const pinhole = (port: number, address: string, fields: Partial<ShownMapping> = {}): ShownMapping =>
  mapping(port, {
    id: `${address} ${port}`,
    internalAddress: address,
    internalPort: port,
    hardwareAddress: DEVICE,
    ...fields,
  });
const DUAL = modelOf(
  pinhole(20, '2001:db8::b', { bytes: 1 }),
  pinhole(20, '2001:db8::a', { bytes: 2, hardwareAddress: null }),
  pinhole(30, '2001:db8::a:b', { bytes: 4 }),
  mapping(20, { internalAddress: '192.168.1.10', name: 'nas' }),
);
const addresses = (wanted: Partial<Selection>) =>
  DUAL.choose({ ...ALL, ...wanted }).rows.map(({ internalAddress }) => internalAddress);

cases(
  'pinholes',
  [
    {
      name: 'the same port of several hosts: IPv4 first',
      wanted: {},
      want: ['192.168.1.10', '2001:db8::a', '2001:db8::b', '2001:db8::a:b'],
    },
    {
      name: 'by host',
      wanted: { sort: 'host' as const },
      want: ['192.168.1.10', '2001:db8::a', '2001:db8::a:b', '2001:db8::b'],
    },
    { name: 'words: an address, to its end', wanted: { text: '2001:db8::a]' }, want: ['2001:db8::a'] },
    { name: 'words: a device', wanted: { text: DEVICE }, want: ['2001:db8::b', '2001:db8::a:b'] },
    { name: 'words: what it is', wanted: { text: 'pinhole tcp/30' }, want: ['2001:db8::a:b'] },
  ],
  ({ wanted, want }) => assert.equal(addresses(wanted), want),
);

claims('pinholes', {
  'are counted by themselves': () => assert.equal([DUAL.size, DUAL.pinholes], [4, 3]),
  'of a device are summed up, whatever its addresses are': () =>
    assert.equal(DUAL.hosts(), [
      { address: DEVICE, name: null, count: 2, bytes: 5, rate: 0 },
      { address: '192.168.1.10', name: 'nas', count: 1, bytes: 0, rate: 0 },
      { address: '2001:db8::a', name: null, count: 1, bytes: 2, rate: 0 },
    ]),
});

claims('hosts', {
  'are summed up, those with the most first': () =>
    assert.equal(MIXED.hosts(), [
      { address: '192.168.1.10', name: 'NAS', count: 2, bytes: 105, rate: 0 },
      { address: '192.168.1.9', name: null, count: 1, bytes: 9, rate: 7 },
    ]),
});

const STATUS: ReportedStatus = {
  epoch: 90,
  mappings: 3,
  staticMappings: 1,
  maxMappings: 100,
  pinholes: 0,
  staticPinholes: 0,
  maxPinholes: 0,
  maxMappingsPerHost: 9,
  maxLifetime: 86400,
  journalBytes: 303,
  kernelInStep: true,
  connections: 5,
  maxConnections: 1000,
  pid: 7,
  uptime: 60,
  resynchronisations: 0,
  frontends: [{ pid: 8, uptime: 61, lan: ['192.168.1.1/24'] }],
  upnp: [],
  upnpMappings: null,
  externalInterface: 'wan0',
  externalAddress: '203.0.113.10',
};

cases(
  'health',
  [
    { name: 'all is well', status: {}, what: 'Helper', level: 'ok', says: /^pid 7, up 1m 0s; epoch 1m 30s old$/ },
    {
      name: 'the frontend',
      status: {},
      what: 'Frontend',
      level: 'ok',
      says: /^pid 8, up 1m 1s, for 192\.168\.1\.1\/24$/,
    },
    { name: 'no frontend', status: { frontends: [] }, what: 'Frontend', level: 'warn', says: /not seen/ },
    {
      name: 'a public address',
      status: {},
      what: 'Outside',
      level: 'ok',
      says: /^203\.0\.113\.10 on wan0, a public address$/,
    },
    {
      name: 'carrier NAT',
      status: { externalAddress: '100.64.1.2' },
      what: 'Outside',
      level: 'warn',
      says: /100\.64\.1\.2 on wan0 is .*carrier NAT.*: the Internet does not reach it/,
    },
    {
      name: 'behind another router',
      status: { externalAddress: '192.168.178.20' },
      what: 'Outside',
      level: 'warn',
      says: /private/,
    },
    {
      name: 'no address',
      status: { externalAddress: null },
      what: 'Outside',
      level: 'warn',
      says: /no external address is seen from here on wan0/,
    },
    { name: 'in step', status: {}, what: 'Kernel', level: 'ok', says: /^in step with the table$/ },
    { name: 'put right', status: { resynchronisations: 2 }, what: 'Kernel', level: 'ok', says: /put right 2 times/ },
    { name: 'not in step', status: { kernelInStep: false }, what: 'Kernel', level: 'fail', says: /not in step/ },
    {
      name: 'the table',
      status: {},
      what: 'Table',
      level: 'ok',
      says: /^3 of at most 100 mappings, 1 of them static; 9 a host, for 1d at most$/,
    },
    { name: 'nearly full', status: { mappings: 90 }, what: 'Table', level: 'warn', says: /90 of at most 100/ },
    {
      name: 'pinholes',
      status: { pinholes: 2, staticPinholes: 1, maxPinholes: 100 },
      what: 'Pinholes',
      level: 'ok',
      says: /^2 of at most 100 pinholes, 1 of them static$/,
    },
    {
      name: 'nearly as many pinholes as there may be',
      status: { pinholes: 90, maxPinholes: 100 },
      what: 'Pinholes',
      level: 'warn',
      says: /90 of at most 100/,
    },
    {
      name: 'the connection tracking table is full',
      status: { connections: 995 },
      what: 'Connections',
      level: 'fail',
      says: /^the connection tracking table is full \(995 of 1000\): new connections are dropped, to mappings too$/,
    },
    { name: 'the journal', status: {}, what: 'Journal', level: 'ok', says: /^303 bytes on disk$/ },
  ],
  ({ status, what, level, says }) => {
    const item = healthOf({ ...STATUS, ...status }, null).findings.find((each) => each.check === what);
    assert.is(item?.verdict, level);
    assert.match(item?.says ?? '', says);
    assert.is(item?.remedy === null, level === 'ok');
  },
);

claims('rules for IPv4 addresses', {
  'are a warning while pinholes are on': () => {
    const found = (maxPinholes: number, notice: string | null) =>
      healthOf({ ...STATUS, maxPinholes }, notice).findings.find(({ check }) => check === 'Rules');
    const item = found(100, 'rules for IPv4 addresses do not hold');
    assert.equal([item?.verdict, item?.says], ['warn', 'rules for IPv4 addresses do not hold']);
    assert.match(item?.remedy ?? '', /^default-rule = deny, /);
    assert.is(found(0, 'rules for IPv4 addresses do not hold'), undefined);
    assert.is(found(100, null), undefined);
  },
});
