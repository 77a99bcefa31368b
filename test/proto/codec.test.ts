import * as assert from 'uvu/assert';
import type { Request, Response } from '../../proto/codec.js';
import { decodeRequest, encodeResponse, MAX_PAGE, MAX_REQUEST_BYTES, MAX_TRAFFIC_PAGE } from '../../proto/codec.js';
import { decodeResponse, encodeRequest, MAX_RESPONSE_BYTES } from '../../proto/client-codec.js';
import { bytes, hex } from '../support/bytes.js';
import { cases } from '../support/cases.js';

const add: Request = {
  kind: 'add-mapping',
  protocol: 'tcp',
  internalAddress: 0xc0a80102,
  internalPort: 8080,
  externalPort: 8080,
  lifetime: 3600,
  origin: 'dynamic',
};

const LAPTOP = '20010db8000000000000000000000002';
const addPinhole = {
  kind: 'add-pinhole',
  protocol: 'tcp',
  address: LAPTOP,
  port: 8080,
  lifetime: 7200,
  origin: 'dynamic',
  nonce: '000102030405060708090a0b',
  hardwareAddress: 0x021304050406,
} as const;

const REQUESTS: { name: string; id: number; request: Request; wire: string }[] = [
  { name: 'AddMapping', id: 1, request: add, wire: '0801 12 11 0806 10 8282a0850c 18903f 20903f 28901c' },
  {
    name: 'AddMapping, static',
    id: 2,
    request: { ...add, lifetime: 0, origin: 'static' },
    wire: '0802 12 10 0806 108282a0850c 18903f 20903f 3001',
  },
  {
    name: 'AddMapping, by a tool that tells its number',
    id: 2,
    request: { ...add, tool: 255 },
    wire: '0802 12 14 0806 108282a0850c 18903f 20903f 28901c 38ff01',
  },
  {
    name: 'RemoveMapping',
    id: 3,
    request: { kind: 'remove-mapping', protocol: 'udp', internalAddress: 1, internalPort: 2 },
    wire: '0803 1a 06 0811 1001 1802',
  },
  {
    name: 'RemoveHostMappings',
    id: 4,
    request: { kind: 'remove-host-mappings', protocol: 'udp', internalAddress: 1 },
    wire: '0804 22 04 0811 1001',
  },
  { name: 'ListMappings', id: 5, request: { kind: 'list-mappings', after: 0, limit: 100 }, wire: '0805 2a 02 1064' },
  {
    name: 'ListMappings, with traffic',
    id: 5,
    request: { kind: 'list-mappings', after: 0, limit: 100, traffic: true },
    wire: '0805 2a 04 1064 1801',
  },
  { name: 'Watch', id: 6, request: { kind: 'watch' }, wire: '0806 32 00' },
  { name: 'Watch, with pinholes', id: 6, request: { kind: 'watch', pinholes: true }, wire: '0806 32 02 0801' },
  {
    name: 'AddPinhole',
    id: 7,
    request: addPinhole,
    wire: '0807 4a 2f 0806 1210 20010db8000000000000000000000002 18903f 20a038 320c 000102030405060708090a0b 38868894a0b042',
  },
  {
    name: 'AddPinhole, static, without nonce and hardware address',
    id: 8,
    request: { ...addPinhole, lifetime: 0, origin: 'static', nonce: '', hardwareAddress: 0 },
    wire: '0808 4a 19 0806 1210 20010db8000000000000000000000002 18903f 2801',
  },
  {
    name: 'RemovePinhole',
    id: 9,
    request: { kind: 'remove-pinhole', protocol: 'udp', address: LAPTOP, port: 2, nonce: '' },
    wire: '0809 52 16 0811 1210 20010db8000000000000000000000002 1802',
  },
  {
    name: 'RemovePinhole, with a nonce',
    id: 9,
    request: { kind: 'remove-pinhole', protocol: 'udp', address: LAPTOP, port: 2, nonce: addPinhole.nonce },
    wire: '0809 52 24 0811 1210 20010db8000000000000000000000002 1802 220c 000102030405060708090a0b',
  },
  { name: 'ListPinholes', id: 10, request: { kind: 'list-pinholes', after: 0, limit: 100 }, wire: '080a 5a 02 1064' },
  {
    name: 'ListPinholes, a later page with traffic',
    id: 10,
    request: { kind: 'list-pinholes', after: 300, limit: 100, traffic: true },
    wire: '080a 5a 07 08ac02 1064 1801',
  },
  { name: 'Status', id: 0xffffffff, request: { kind: 'status' }, wire: '08ffffffff0f 3a 00' },
];

cases('encodeRequest', REQUESTS, ({ id, request, wire }) =>
  assert.is(hex(encodeRequest(id, request)), wire.replaceAll(' ', '')),
);

cases('decodeRequest', REQUESTS, ({ id, request, wire }) =>
  assert.equal(decodeRequest(bytes(wire)), { id, body: request, notAfter: 0 }),
);

cases<{ name: string; wire: string; want: ReturnType<typeof decodeRequest> }>(
  'a Request with a time limit',
  [
    {
      name: 'survives the wire',
      wire: '0807 3a00 4090 4e',
      want: { id: 7, body: { kind: 'status' }, notAfter: 10_000 },
    },
    {
      name: 'the longest there is',
      wire: '0807 3a00 40ffffffffffffff0f',
      want: { id: 7, body: { kind: 'status' }, notAfter: 2 ** 53 - 1 },
    },
    { name: 'beyond what a number holds exactly', wire: '0807 3a00 40ffffffffffffffffff01', want: null },
    { name: 'spelled out as none', wire: '0807 3a00 4000', want: null },
  ],
  ({ wire, want }) => {
    assert.equal(decodeRequest(bytes(wire)), want);
    if (want !== null) assert.is(hex(encodeRequest(want.id, want.body, want.notAfter)), wire.replaceAll(' ', ''));
  },
);

cases(
  'decodeRequest refuses every other form',
  [
    { name: 'nothing', wire: '' },
    { name: 'no kind', wire: '0801' },
    { name: 'no id', wire: '3200' },
    { name: 'id 0 spelled out', wire: '0800 3200' },
    { name: 'unknown field 12', wire: '0806 3200 6001' },
    { name: 'unknown field inside the kind', wire: '0806 32 02 1001' },
    { name: 'id twice', wire: '0806 0806 3200' },
    { name: 'kind twice', wire: '0806 3200 3200' },
    { name: 'two kinds', wire: '0806 3200 3a00' },
    { name: 'fields out of order', wire: '3200 0806' },
    { name: 'id as an over-long varint', wire: '088600 3200' },
    { name: 'id with the wrong wire type', wire: '0d06000000 3200' },
    { name: 'protocol 1 (ICMP)', wire: '0803 1a 06 0801 1001 1802' },
    { name: 'protocol left out', wire: '0803 1a 04 1001 1802' },
    { name: 'origin 2', wire: '0802 12 10 0806 108282a0850c 18903f 20903f 3002' },
    { name: 'tool 256', wire: '0802 12 14 0806 108282a0850c 18903f 20903f 28901c 388002' },
    { name: 'tool 0 spelled out', wire: '0802 12 13 0806 108282a0850c 18903f 20903f 28901c 3800' },
    { name: 'external port 0 spelled out', wire: '0801 12 10 0806 108282a0850c 18903f 2000 28901c' },
    { name: 'traffic, false, spelled out', wire: '0805 2a 04 1064 1800' },
    { name: 'traffic as 2', wire: '0805 2a 04 1064 1802' },
    { name: 'kind cut short', wire: '0801 12 11 0806 1082' },
    { name: 'a group where a message belongs', wire: '0806 33 34' },
    { name: 'longer than any request', wire: `0806 3a00 ${'6001'.repeat(47)}` },
    { name: 'watch, without pinholes, spelled out', wire: '0806 32 02 0800' },
    { name: 'an address of 15 bytes', wire: '0809 52 15 0811 120f 20010db80000000000000000000002 1802' },
    { name: 'an address of 17 bytes', wire: '0809 52 17 0811 1211 20010db800000000000000000000000002 1802' },
    { name: 'a pinhole without address', wire: '0809 52 04 0811 1802' },
    { name: 'an empty nonce spelled out', wire: '0809 52 18 0811 1210 20010db8000000000000000000000002 1802 2200' },
    {
      name: 'a nonce of 11 bytes',
      wire: '0809 52 23 0811 1210 20010db8000000000000000000000002 1802 220b 000102030405060708090a',
    },
    { name: 'a pinhole of protocol 1 (ICMP)', wire: '0809 52 16 0801 1210 20010db8000000000000000000000002 1802' },
    { name: 'a pinhole of origin 2', wire: '0808 4a 19 0806 1210 20010db8000000000000000000000002 18903f 2802' },
    {
      name: 'a hardware address of 49 bits',
      wire: '0808 4a 1f 0806 1210 20010db8000000000000000000000002 18903f 38 80808080808040',
    },
    { name: 'a cursor beyond what a number holds', wire: '080a 5a 0d 08 ffffffffffffffffff01 1064' },
  ],
  ({ wire }) => assert.is(decodeRequest(bytes(wire)), null),
);

const lease = {
  protocol: 'udp',
  internalAddress: 0x0a000002,
  internalPort: 1,
  externalPort: 65535,
  origin: 'dynamic',
  lifetime: 120,
  expiresAt: 5_000_000_000,
} as const;
const status = {
  epochStart: -86_400_000,
  mappings: 3,
  staticMappings: 1,
  maxMappings: 129024,
  maxMappingsPerHost: 100,
  maxLifetime: 86400,
  journalBytes: 4096,
  kernelInStep: true,
  pid: 77,
  resynchronisations: 2,
  startedAt: 12345,
  pinholes: 200,
  maxPinholes: 16384,
  staticPinholes: 3,
};
const pinhole = {
  protocol: 'tcp',
  address: LAPTOP,
  port: 8080,
  origin: 'dynamic',
  lifetime: 7200,
  expiresAt: 5_000_000_000,
  hardwareAddress: 0x021304050406,
} as const;
const pinholeWire = '0806 1210 20010db8000000000000000000000002 18903f 20a038 3080e497d012 38868894a0b042';
const leaseWire = '0811 1082808050 1801 20ffff03 2878 3880 e497d012';

cases<{ name: string; response: Response; wire?: string }>(
  'a Response survives the wire',
  [
    { name: 'granted', response: { kind: 'granted', lease }, wire: `0807 12 15 ${leaseWire}` },
    {
      name: 'granted, static',
      response: { kind: 'granted', lease: { ...lease, origin: 'static', lifetime: 0, expiresAt: Infinity } },
    },
    { name: 'removed nothing', response: { kind: 'removed', count: 0 }, wire: '0807 1a00' },
    {
      name: 'host mappings removed',
      response: { kind: 'host-mappings-removed', count: 2, kept: 1 },
      wire: '0807 22 04 0802 1001',
    },
    { name: 'an empty list', response: { kind: 'mapping-list', leases: [], next: 0 }, wire: '0807 2a00' },
    { name: 'a list', response: { kind: 'mapping-list', leases: [lease, lease], next: 1179647 } },
    {
      name: 'a list with traffic',
      response: { kind: 'mapping-list', leases: [{ ...lease, traffic: { packets: 5, bytes: 300 } }], next: 0 },
      wire: `0807 2a 1e 0a 1c ${leaseWire} 42 05 0805 10ac02`,
    },
    {
      name: 'a list with traffic of nothing',
      response: { kind: 'mapping-list', leases: [{ ...lease, traffic: { packets: 0, bytes: 0 } }], next: 0 },
      wire: `0807 2a 19 0a 17 ${leaseWire} 42 00`,
    },
    { name: 'watching', response: { kind: 'watching', status } },
    { name: 'status report', response: { kind: 'status-report', status } },
    {
      name: 'status report with totals',
      response: {
        kind: 'status-report',
        status: {
          ...status,
          totals: {
            refused: [0, 3, 0, 300],
            batches: { counts: [1, 0, 2], sum: 9 },
            kernel: { counts: [7], sum: 0.25 },
            journal: { counts: [], sum: 0 },
          },
        },
      },
    },
    {
      name: 'pinhole granted',
      response: { kind: 'pinhole-granted', pinhole },
      wire: `0807 52 27 ${pinholeWire}`,
    },
    {
      name: 'pinhole granted, static, of an unknown device',
      response: {
        kind: 'pinhole-granted',
        pinhole: { ...pinhole, origin: 'static', lifetime: 0, expiresAt: Infinity, hardwareAddress: 0 },
      },
      wire: '0807 52 19 0806 1210 20010db8000000000000000000000002 18903f 2801',
    },
    { name: 'no pinholes', response: { kind: 'pinhole-list', pinholes: [], next: 0 }, wire: '0807 5a00' },
    {
      name: 'a list of pinholes, with traffic',
      response: {
        kind: 'pinhole-list',
        pinholes: [pinhole, { ...pinhole, traffic: { packets: 5, bytes: 300 } }],
        next: 300,
      },
      wire: `0807 5a 5c 0a 27 ${pinholeWire} 0a 2e ${pinholeWire} 42 05 0805 10ac02 10ac02`,
    },
    {
      name: 'event: a pinhole granted',
      response: { kind: 'event', sequence: 1, event: { kind: 'granted', pinhole } },
      wire: `0807 4a 2d 0801 1801 22 27 ${pinholeWire}`,
    },
    { name: 'refused: nonce', response: { kind: 'refused', reason: 'nonce' }, wire: '0807 42 02 080d' },
    { name: 'refused: conflict', response: { kind: 'refused', reason: 'conflict' }, wire: '0807 42 02 0806' },
    {
      name: 'event: expired',
      response: { kind: 'event', sequence: 1, event: { kind: 'expired', lease } },
      wire: `0807 4a 1b 0804 12 15 ${leaseWire} 1801`,
    },
    {
      name: 'event: resynchronised',
      response: { kind: 'event', sequence: 2, event: { kind: 'resynchronised' } },
      wire: '0807 4a 04 0805 1802',
    },
    {
      name: 'event: probe, with a number of several bytes',
      response: { kind: 'event', sequence: 4_294_967_295, event: { kind: 'probe' } },
      wire: '0807 4a 08 0806 18ffffffff0f',
    },
  ],
  (row) => {
    const frame = encodeResponse(7, row.response as Response);
    if ('wire' in row) assert.is(hex(frame), row.wire.replaceAll(' ', ''));
    assert.equal(decodeResponse(frame), { id: 7, body: row.response });
  },
);

cases(
  'decodeResponse refuses',
  [
    { name: 'nothing', wire: '' },
    { name: 'a reason it does not know', wire: '0807 42 02 087f' },
    { name: 'a mapping without protocol', wire: '0807 12 02 1801' },
    { name: 'a list with a mapping without protocol', wire: '0807 2a 04 0a 02 1801' },
    { name: 'a cut frame', wire: '0807 42 02' },
    { name: 'a pinhole with an address of 4 bytes', wire: '0807 52 0a 0806 1204 c0a80102 1801' },
    { name: 'a list with a pinhole without protocol', wire: '0807 5a 04 0a 02 1801' },
    { name: 'an event of a pinhole without address', wire: '0807 4a 08 0801 22 02 0806 1801' },
  ],
  ({ wire }) => assert.is(decodeResponse(bytes(wire)), null),
);

const longest = {
  ...lease,
  internalAddress: 0xffffffff,
  internalPort: 65535,
  lifetime: 0xfffffffe,
  expiresAt: Number.MAX_SAFE_INTEGER,
};
const longestPinhole = {
  ...pinhole,
  protocol: 'udp',
  address: 'f'.repeat(32),
  port: 65535,
  lifetime: 0xffffffff,
  expiresAt: Number.MAX_SAFE_INTEGER,
  hardwareAddress: 2 ** 48 - 1,
} as const;
const most = { packets: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER };

cases(
  'the longest page fits into a response',
  [
    { name: 'of mappings', leases: Array.from({ length: MAX_PAGE }, () => longest) },
    {
      name: 'of mappings with traffic',
      leases: Array.from({ length: MAX_TRAFFIC_PAGE }, () => ({ ...longest, traffic: most })),
    },
  ],
  ({ leases }) => {
    const frame = encodeResponse(0xffffffff, { kind: 'mapping-list', leases, next: 0xffffffff });
    assert.ok(frame.length <= MAX_RESPONSE_BYTES, `${frame.length} bytes`);
    const decoded = decodeResponse(frame)?.body;
    assert.equal(decoded?.kind === 'mapping-list' ? decoded.leases.at(-1) : null, leases.at(-1));
  },
);

cases(
  'the longest page of pinholes fits into a response',
  [
    { name: 'without traffic', pinholes: Array.from({ length: MAX_PAGE }, () => longestPinhole) },
    {
      name: 'with traffic',
      pinholes: Array.from({ length: MAX_TRAFFIC_PAGE }, () => ({ ...longestPinhole, traffic: most })),
    },
  ],
  ({ pinholes }) => {
    const next = Number.MAX_SAFE_INTEGER;
    const frame = encodeResponse(0xffffffff, { kind: 'pinhole-list', pinholes, next });
    assert.ok(frame.length <= MAX_RESPONSE_BYTES, `${frame.length} bytes`);
    assert.equal(decodeResponse(frame)?.body, { kind: 'pinhole-list', pinholes, next });
  },
);

cases(
  'the longest request fits',
  [{ name: 'AddPinhole', request: { ...longestPinhole, kind: 'add-pinhole', nonce: 'f'.repeat(24) } as const }],
  ({ request: { expiresAt, ...request } }) => {
    const frame = encodeRequest(0xffffffff, request, expiresAt);
    assert.ok(frame.length <= MAX_REQUEST_BYTES, `${frame.length} bytes`);
    assert.equal(decodeRequest(frame), { id: 0xffffffff, body: request, notAfter: expiresAt });
  },
);
