import * as assert from 'uvu/assert';
import { createResponder } from '../../frontend/answer.js';
import type { Counter } from '../../frontend/counters.js';
import { InFlight } from '../../frontend/in-flight.js';
import type { Answer } from '../../proto/client.js';
import type { Request } from '../../proto/codec.js';
import type { Ipv4 } from '../../proto/mapping.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import { bytes, hex } from '../support/bytes.js';
import { cases } from '../support/cases.js';
import type { Setting } from './support.js';
import { ALICE, BOB, gatewayWith, ip, lease, NOW, ScriptedHelper, staticLease } from './support.js';

const UDP = { protocol: 'udp', internalAddress: ALICE, internalPort: 0x1ae1 } as const;
const TCP = { ...UDP, protocol: 'tcp' } as const;

function addition(externalPort: number, more: Partial<Extract<Request, { kind: 'add-mapping' }>> = {}): Request {
  return { kind: 'add-mapping', ...UDP, externalPort, lifetime: 7200, origin: 'dynamic', ...more };
}

function granted(externalPort: number, lifetime = 7200): Answer {
  return { kind: 'granted', lease: lease({ ...UDP, externalPort }, { lifetime }) };
}

interface Row {
  readonly name: string;
  readonly wire: string;
  readonly source?: Ipv4;
  readonly setting?: Setting;
  readonly script?: readonly (readonly [Request, Answer])[];
  /** Null is silence. */
  readonly want: string | null;
  readonly counted: Counter;
}

const conflict: Answer = { kind: 'refused', reason: 'conflict' };
const refused = (reason: 'port' | 'not-permitted' | 'kernel' | 'late' | 'host-full' | 'table-full'): Answer => ({
  kind: 'refused',
  reason,
});
const three = [lease({ externalPort: 1 }), lease({ externalPort: 2 }), lease({ externalPort: 3 })];

const ADDRESS_AND_ERRORS: Row[] = [
  { name: 'R-23 external address', wire: '00 00', want: '00 80 0000 00012345 cb007107', counted: 'SUCCESS' },
  { name: 'D-2 external address, padded', wire: '00 00 00', want: '00 80 0000 00012345 cb007107', counted: 'SUCCESS' },
  {
    name: 'R-26 no external address',
    wire: '00 00',
    setting: { addressAwayMs: 30_000 },
    want: '00 80 0003 00012345 00000000',
    counted: 'NETWORK_FAILURE',
  },
  {
    name: 'R-26 no external address for less than half a minute',
    wire: '00 00',
    setting: { addressAwayMs: 29_999 },
    want: null,
    counted: 'no-address',
  },
  {
    name: 'R-16 external address, helper away',
    wire: '00 00',
    setting: { helperAwayMs: 30_000 },
    want: '00 80 0003 00012345 00000000',
    counted: 'NETWORK_FAILURE',
  },
  {
    name: 'R-23 external address, helper away for less than half a minute',
    wire: '00 00',
    setting: { helperAwayMs: 29_999 },
    want: '00 80 0000 00012345 cb007107',
    counted: 'SUCCESS',
  },
  {
    name: 'R-16 external address, helper never met',
    wire: '00 00',
    setting: { epochStartMs: null, helperAwayMs: 30_000, startedAtMs: NOW - 30_000 },
    want: '00 80 0003 0000001e 00000000',
    counted: 'NETWORK_FAILURE',
  },
  {
    name: 'R-82 an epoch from before this boot',
    wire: '00 00',
    setting: { epochStartMs: -1000 },
    want: '00 80 0000 00012346 cb007107',
    counted: 'SUCCESS',
  },
  {
    name: 'R-25 the epoch is not known yet',
    wire: '00 00',
    setting: { epochStartMs: null },
    want: null,
    counted: 'no-epoch',
  },
  {
    name: 'R-64 external address, off the LAN',
    wire: '00 00',
    source: ip('198.51.100.1'),
    want: null,
    counted: 'off-lan',
  },
  { name: 'R-2 R-4 version 1', wire: '01 00', want: '00 80 0001 00012345', counted: 'UNSUPPORTED_VERSION' },
  {
    name: 'R-86 PCP MAP',
    wire: `02 01 0000 00001c20 ${'00'.repeat(52)}`,
    want: '00 80 0001 00012345',
    counted: 'UNSUPPORTED_VERSION',
  },
  {
    name: 'R-86 PCP ANNOUNCE, helper away',
    wire: `02 00 ${'00'.repeat(22)}`,
    setting: { helperAwayMs: 1, addressAwayMs: 1 },
    want: '00 80 0001 00012345',
    counted: 'UNSUPPORTED_VERSION',
  },
  {
    name: 'R-86 PCP, epoch not known, just started',
    wire: '02 00',
    setting: { epochStartMs: null, startedAtMs: NOW - 2999 },
    want: null,
    counted: 'no-epoch',
  },
  {
    name: 'R-86 PCP, epoch not known, three seconds later',
    wire: '02 00',
    setting: { epochStartMs: null, startedAtMs: NOW - 3000 },
    want: '00 80 0001 00000003',
    counted: 'UNSUPPORTED_VERSION',
  },
  { name: 'R-64 PCP, off the LAN', wire: '02 00', source: ip('192.168.2.10'), want: null, counted: 'off-lan' },
  { name: 'R-14 opcode 3', wire: '00 03', want: '00 83 0005 00012345', counted: 'UNSUPPORTED_OPCODE' },
  {
    name: 'R-14 opcode 127, all of it',
    wire: '00 7f 0102 03040506 0708 09',
    want: '00 ff 0005 00012345 0708 09',
    counted: 'UNSUPPORTED_OPCODE',
  },
  { name: 'R-13 a response', wire: '00 80 0000 00000001 cb007107', want: null, counted: 'response' },
  { name: 'D-13 a PCP response', wire: `02 81 ${'00'.repeat(58)}`, want: null, counted: 'response' },
  { name: 'D-1 nothing', wire: '', want: null, counted: 'runt' },
  { name: 'D-1 a map cut short', wire: '00 01 0000 1ae1 1ae1 00001c', want: null, counted: 'truncated' },
];

const MAPPINGS: Row[] = [
  {
    name: 'R-40 map UDP',
    wire: '00 01 0000 1ae1 1ae1 00001c20',
    script: [[addition(0x1ae1), granted(0x1ae1)]],
    want: '00 81 0000 00012345 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-41 map TCP',
    wire: '00 02 0000 1ae1 1ae1 00001c20',
    script: [[addition(0x1ae1, TCP), granted(0x1ae1)]],
    want: '00 82 0000 00012345 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-39 reserved octets',
    wire: '00 01 beef 1ae1 1ae1 00001c20',
    script: [[addition(0x1ae1), granted(0x1ae1)]],
    want: '00 81 0000 00012345 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-49 the internal address is the source',
    wire: '00 01 0000 1ae1 1ae1 00001c20',
    source: BOB,
    script: [[addition(0x1ae1, { internalAddress: BOB }), granted(0x1ae1)]],
    want: '00 81 0000 00012345 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-42 suggested port 0',
    wire: '00 01 0000 1ae1 0000 00001c20',
    script: [[addition(0xc000), granted(0xc000)]],
    want: '00 81 0000 00012345 1ae1 c000 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-43 suggested port',
    wire: '00 01 0000 1ae1 2000 00001c20',
    script: [[addition(0x2000), granted(0x2000)]],
    want: '00 81 0000 00012345 1ae1 2000 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-44 suggested port taken',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { leases: [lease({ internalAddress: BOB, externalPort: 0x2000 })] },
    script: [[addition(0x1ae1), granted(0x1ae1)]],
    want: '00 81 0000 00012345 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-45 reserved port: another',
    wire: '00 02 0000 1ae1 0050 00001c20',
    script: [[addition(0x1ae1, TCP), granted(0x1ae1)]],
    want: '00 82 0000 00012345 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-47 the companion is kept for its holder',
    wire: '00 01 0000 1ae1 1ae1 00001c20',
    setting: { leases: [lease({ protocol: 'tcp', internalAddress: BOB, externalPort: 0x1ae1 })] },
    script: [[addition(0xc000), granted(0xc000)]],
    want: '00 81 0000 00012345 1ae1 c000 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-48 the holder maps the companion',
    wire: '00 01 0000 1ae1 1ae1 00001c20',
    setting: { leases: [lease({ protocol: 'tcp', externalPort: 0x1ae1 })] },
    script: [[addition(0x1ae1), granted(0x1ae1)]],
    want: '00 81 0000 00012345 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-50 R-57 a renewal, another port suggested',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { leases: [lease({ ...UDP, externalPort: 0x3000 })] },
    script: [[addition(0x3000), granted(0x3000)]],
    want: '00 81 0000 00012345 1ae1 3000 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-57 a renewal without an external address',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { leases: [lease({ ...UDP, externalPort: 0x3000 })], addressAwayMs: 100_000 },
    script: [[addition(0x3000), granted(0x3000)]],
    want: '00 81 0000 00012345 1ae1 3000 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-57 a renewal without an external address, and only a public one will do',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: {
      leases: [lease({ ...UDP, externalPort: 0x3000 })],
      addressAwayMs: 100_000,
      policy: { requirePublicAddress: true },
    },
    script: [[addition(0x3000), granted(0x3000)]],
    want: '00 81 0000 00012345 1ae1 3000 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-57 a renewal, with an external address that is not public for less than half a minute',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: {
      leases: [lease({ ...UDP, externalPort: 0x3000 })],
      addressAwayMs: 29_999,
      isAddressForbidden: true,
      policy: { requirePublicAddress: true },
    },
    script: [[addition(0x3000), granted(0x3000)]],
    want: '00 81 0000 00012345 1ae1 3000 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-40 a new mapping without an external address',
    wire: '00 01 0000 1ae1 1ae1 00001c20',
    setting: { addressAwayMs: 100_000 },
    script: [[addition(0x1ae1), granted(0x1ae1)]],
    want: '00 81 0000 00012345 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-40 asked again while a firewall is being loaded, and a helper started',
    wire: '00 01 0000 1ae1 2000 00001c20',
    script: [
      [addition(0x2000), refused('kernel')],
      [addition(0x2000), refused('late')],
      [addition(0x2000), { kind: 'unavailable' }],
      [addition(0x2000), conflict],
      [addition(0x1ae1), granted(0x1ae1)],
    ],
    want: '00 81 0000 00012347 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-50 the helper knows better',
    wire: '00 01 0000 1ae1 2000 00001c20',
    script: [[addition(0x2000), granted(0x3000)]],
    want: '00 81 0000 00012345 1ae1 3000 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-52 made by hand, outside the allowed ports',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { leases: [staticLease({ ...UDP, externalPort: 80 })] },
    script: [[addition(80), { kind: 'granted', lease: staticLease({ ...UDP, externalPort: 80 }) }]],
    want: '00 81 0000 00012345 1ae1 0050 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-54 capped',
    wire: '00 01 0000 1ae1 1ae1 00015181',
    script: [[addition(0x1ae1, { lifetime: 86400 }), granted(0x1ae1, 86400)]],
    want: '00 81 0000 00012345 1ae1 1ae1 00015180',
    counted: 'SUCCESS',
  },
  {
    name: 'R-55 never longer than asked',
    wire: '00 01 0000 1ae1 1ae1 0000003c',
    script: [[addition(0x1ae1, { lifetime: 60 }), granted(0x1ae1, 120)]],
    want: '00 81 0000 00012345 1ae1 1ae1 0000003c',
    counted: 'SUCCESS',
  },
  {
    name: '§3.3 one second',
    wire: '00 01 0000 1ae1 1ae1 00000001',
    script: [[addition(0x1ae1, { lifetime: 1 }), granted(0x1ae1, 1)]],
    want: '00 81 0000 00012345 1ae1 1ae1 00000001',
    counted: 'SUCCESS',
  },
  {
    name: 'D-4 "forever"',
    wire: '00 01 0000 1ae1 1ae1 ffffffff',
    script: [[addition(0x1ae1, { lifetime: 3600 }), granted(0x1ae1, 3600)]],
    want: '00 81 0000 00012345 1ae1 1ae1 00000e10',
    counted: 'SUCCESS',
  },
  {
    name: 'D-2 padded',
    wire: '00 01 0000 1ae1 1ae1 00001c20 00000000',
    script: [[addition(0x1ae1), granted(0x1ae1)]],
    want: '00 81 0000 00012345 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-60 conflict: choose again',
    wire: '00 01 0000 1ae1 2000 00001c20',
    script: [
      [addition(0x2000), conflict],
      [addition(0x1ae1), conflict],
      [addition(0xc000), conflict],
      [addition(0xc001), granted(0xc001)],
    ],
    want: '00 81 0000 00012345 1ae1 c001 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'D-6 a port the helper reserves: choose again',
    wire: '00 01 0000 1ae1 2000 00001c20',
    script: [
      [addition(0x2000), refused('port')],
      [addition(0x1ae1), granted(0x1ae1)],
    ],
    want: '00 81 0000 00012345 1ae1 1ae1 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-60 a renewal of what the helper gave away',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { leases: [lease({ ...UDP, externalPort: 0x3000 })] },
    script: [
      [addition(0x3000), conflict],
      [addition(0x2000), granted(0x2000)],
    ],
    want: '00 81 0000 00012345 1ae1 2000 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'R-44 conflict on the only port',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { config: { ports: [{ from: 0x2000, to: 0x2000 }] } },
    script: [[addition(0x2000), conflict]],
    want: '00 81 0004 00012345 1ae1 0000 00000000',
    counted: 'OUT_OF_RESOURCES',
  },
  {
    name: 'R-44 no port is left',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: {
      config: { ports: [{ from: 0x2000, to: 0x2000 }] },
      leases: [lease({ internalAddress: BOB, externalPort: 0x2000 })],
    },
    want: '00 81 0004 00012345 1ae1 0000 00000000',
    counted: 'OUT_OF_RESOURCES',
  },
];

const REFUSALS: Row[] = [
  {
    name: 'R-19 R-20 no external address that may be told',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { addressAwayMs: 30_000, policy: { requirePublicAddress: true } },
    want: '00 81 0003 00012345 1ae1 0000 00000000',
    counted: 'NETWORK_FAILURE',
  },
  {
    name: 'R-26 a renewal, with an external address that is not public and has to be',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: {
      leases: [lease({ ...UDP, externalPort: 0x3000 })],
      addressAwayMs: 30_000,
      isAddressForbidden: true,
      policy: { requirePublicAddress: true },
    },
    want: '00 81 0003 00012345 1ae1 0000 00000000',
    counted: 'NETWORK_FAILURE',
  },
  {
    name: 'R-26 a new mapping without an external address that may be told, for less than half a minute',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { addressAwayMs: 29_999, policy: { requirePublicAddress: true } },
    want: null,
    counted: 'no-address',
  },
  {
    name: 'R-16 helper away',
    wire: '00 02 0000 1ae1 2000 00001c20',
    setting: { helperAwayMs: 30_000 },
    want: '00 82 0003 00012345 1ae1 0000 00000000',
    counted: 'NETWORK_FAILURE',
  },
  {
    name: 'R-16 helper away for less than half a minute',
    wire: '00 02 0000 1ae1 2000 00001c20',
    setting: { helperAwayMs: 29_999 },
    want: null,
    counted: 'helper-away',
  },
  {
    name: 'R-73 deletion, helper away',
    wire: '00 02 0000 1ae1 2000 00000000',
    setting: { helperAwayMs: 30_000 },
    want: '00 82 0003 00012345 1ae1 0000 00000000',
    counted: 'NETWORK_FAILURE',
  },
  {
    name: 'R-73 deletion, helper away for less than half a minute',
    wire: '00 02 0000 1ae1 2000 00000000',
    setting: { helperAwayMs: 29_999 },
    want: null,
    counted: 'helper-away',
  },
  {
    name: 'D-7 those that wait for the helper are limited, too',
    wire: '00 02 0000 1ae1 2000 00001c20',
    setting: {
      helperAwayMs: 1,
      inFlight: new InFlight({ total: 1, allocations: 0, throttled: 0, perHost: 1 }),
    },
    want: null,
    counted: 'shed',
  },
  {
    name: 'D-7 and a renewal has room beside them',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: {
      helperAwayMs: 1,
      inFlight: new InFlight({ total: 1, allocations: 0, throttled: 0, perHost: 1 }),
      leases: [lease({ ...UDP, externalPort: 0x2000 })],
    },
    want: null,
    counted: 'helper-away',
  },
  {
    name: 'R-16 helper lost in between, and for longer than a request waits',
    wire: '00 01 0000 1ae1 2000 00001c20',
    script: Array<[Request, Answer]>(7).fill([addition(0x2000), { kind: 'unavailable' }]),
    want: null,
    counted: 'helper-away',
  },
  {
    name: 'R-16 helper never met, for half a minute',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { epochStartMs: null, helperAwayMs: 30_000, startedAtMs: NOW - 30_000 },
    want: '00 81 0003 0000001e 1ae1 0000 00000000',
    counted: 'NETWORK_FAILURE',
  },
  {
    name: 'R-25 the epoch is not known yet',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { epochStartMs: null, helperAwayMs: 29_999 },
    want: null,
    counted: 'helper-away',
  },
  {
    name: 'D-3 internal port 0',
    wire: '00 01 0000 0000 2000 00001c20',
    want: '00 81 0002 00012345 0000 0000 00000000',
    counted: 'NOT_AUTHORIZED',
  },
  {
    name: 'D-7 at the quota',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { leases: three },
    want: '00 81 0004 00012345 1ae1 0000 00000000',
    counted: 'OUT_OF_RESOURCES',
  },
  {
    name: 'D-7 the helper says the host is full',
    wire: '00 01 0000 1ae1 2000 00001c20',
    script: [[addition(0x2000), refused('host-full')]],
    want: '00 81 0004 00012345 1ae1 0000 00000000',
    counted: 'OUT_OF_RESOURCES',
  },
  {
    name: 'D-7 the table is full',
    wire: '00 01 0000 1ae1 2000 00001c20',
    script: [[addition(0x2000), refused('table-full')]],
    want: '00 81 0004 00012345 1ae1 0000 00000000',
    counted: 'OUT_OF_RESOURCES',
  },
  {
    name: 'R-59 the kernel refuses, for three seconds',
    wire: '00 01 0000 1ae1 2000 00001c20',
    script: Array<[Request, Answer]>(7).fill([addition(0x2000), refused('kernel')]),
    want: '00 81 0003 00012348 1ae1 0000 00000000',
    counted: 'NETWORK_FAILURE',
  },
  {
    name: 'R-64 off the LAN',
    wire: '00 01 0000 1ae1 2000 00001c20',
    source: ip('203.0.113.9'),
    want: null,
    counted: 'off-lan',
  },
  {
    name: 'R-64 the router itself',
    wire: '00 01 0000 1ae1 2000 00001c20',
    source: ip('192.168.1.1'),
    want: null,
    counted: 'off-lan',
  },
  {
    name: 'R-64 the broadcast address',
    wire: '00 01 0000 1ae1 2000 00000000',
    source: ip('192.168.1.255'),
    want: null,
    counted: 'off-lan',
  },
  {
    name: 'D-7 too many new mappings',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { newMappings: new RateLimiter({ burst: 0, intervalMs: 1 }) },
    want: null,
    counted: 'rate-limited',
  },
  {
    name: 'D-7 too many requests in flight',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { inFlight: new InFlight({ total: 0, allocations: 1, throttled: 0, perHost: 1 }) },
    want: null,
    counted: 'shed',
  },
  {
    name: 'D-7 too many new mappings in flight',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: { inFlight: new InFlight({ total: 1, allocations: 0, throttled: 0, perHost: 1 }) },
    want: null,
    counted: 'shed',
  },
  {
    name: 'D-7 a renewal has room beside them',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: {
      inFlight: new InFlight({ total: 1, allocations: 0, throttled: 0, perHost: 1 }),
      leases: [lease({ ...UDP, externalPort: 0x2000 })],
    },
    script: [[addition(0x2000), granted(0x2000)]],
    want: '00 81 0000 00012345 1ae1 2000 00001c20',
    counted: 'SUCCESS',
  },
  {
    name: 'D-7 a renewal is never rate limited',
    wire: '00 01 0000 1ae1 2000 00001c20',
    setting: {
      newMappings: new RateLimiter({ burst: 0, intervalMs: 1 }),
      leases: [...three, lease({ ...UDP, externalPort: 0x2000 })],
    },
    script: [[addition(0x2000), granted(0x2000)]],
    want: '00 81 0000 00012345 1ae1 2000 00001c20',
    counted: 'SUCCESS',
  },
];

const removal: Request = { kind: 'remove-mapping', ...UDP };
const removalOfAll: Request = { kind: 'remove-host-mappings', protocol: 'tcp', internalAddress: ALICE };
const DELETIONS: Row[] = [
  {
    name: 'R-70 deletion',
    wire: '00 01 0000 1ae1 0000 00000000',
    setting: { leases: [lease({ ...UDP, externalPort: 9000 })] },
    script: [[removal, { kind: 'removed', count: 1 }]],
    want: '00 81 0000 00012345 1ae1 0000 00000000',
    counted: 'SUCCESS',
  },
  {
    name: 'R-69 the suggested port is ignored',
    wire: '00 01 0000 1ae1 1ae1 00000000',
    script: [[removal, { kind: 'removed', count: 1 }]],
    want: '00 81 0000 00012345 1ae1 0000 00000000',
    counted: 'SUCCESS',
  },
  {
    name: 'R-71 R-72 a mapping that does not exist',
    wire: '00 01 0000 1ae1 0000 00000000',
    script: [[removal, { kind: 'removed', count: 0 }]],
    want: '00 81 0000 00012345 1ae1 0000 00000000',
    counted: 'SUCCESS',
  },
  {
    name: 'R-74 made by hand',
    wire: '00 01 0000 1ae1 0000 00000000',
    setting: { leases: [staticLease({ ...UDP, externalPort: 80 })] },
    script: [[removal, refused('not-permitted')]],
    want: '00 81 0002 00012345 1ae1 0000 00000000',
    counted: 'NOT_AUTHORIZED',
  },
  {
    name: 'R-73 the kernel refuses, for three seconds',
    wire: '00 01 0000 1ae1 0000 00000000',
    script: Array<[Request, Answer]>(7).fill([removal, refused('kernel')]),
    want: '00 81 0003 00012348 1ae1 0000 00000000',
    counted: 'NETWORK_FAILURE',
  },
  {
    name: 'R-70 asked again while a firewall is being loaded, and a helper started',
    wire: '00 01 0000 1ae1 0000 00000000',
    script: [
      [removal, refused('kernel')],
      [removal, { kind: 'unavailable' }],
      [removal, { kind: 'removed', count: 1 }],
    ],
    want: '00 81 0000 00012346 1ae1 0000 00000000',
    counted: 'SUCCESS',
  },
  {
    name: 'R-68 without an external address',
    wire: '00 01 0000 1ae1 0000 00000000',
    setting: { addressAwayMs: 100_000 },
    script: [[removal, { kind: 'removed', count: 1 }]],
    want: '00 81 0000 00012345 1ae1 0000 00000000',
    counted: 'SUCCESS',
  },
  {
    name: 'D-7 at the quota and over every rate',
    wire: '00 01 0000 1ae1 0000 00000000',
    setting: { leases: three, newMappings: new RateLimiter({ burst: 0, intervalMs: 1 }) },
    script: [[removal, { kind: 'removed', count: 0 }]],
    want: '00 81 0000 00012345 1ae1 0000 00000000',
    counted: 'SUCCESS',
  },
  {
    name: 'R-76 R-78 all TCP mappings',
    wire: '00 02 0000 0000 0000 00000000',
    script: [[removalOfAll, { kind: 'host-mappings-removed', count: 2, kept: 0 }]],
    want: '00 82 0000 00012345 0000 0000 00000000',
    counted: 'SUCCESS',
  },
  {
    name: 'R-80 all, and there were none',
    wire: '00 02 0000 0000 0000 00000000',
    script: [[removalOfAll, { kind: 'host-mappings-removed', count: 0, kept: 0 }]],
    want: '00 82 0000 00012345 0000 0000 00000000',
    counted: 'SUCCESS',
  },
  {
    name: 'R-79 all but a static one',
    wire: '00 02 0000 0000 0000 00000000',
    script: [[removalOfAll, { kind: 'host-mappings-removed', count: 2, kept: 1 }]],
    want: '00 82 0002 00012345 0000 0000 00000000',
    counted: 'NOT_AUTHORIZED',
  },
  {
    name: 'R-69 all, suggested port not 0',
    wire: '00 02 0000 0000 1ae1 00000000',
    script: [[removalOfAll, { kind: 'host-mappings-removed', count: 1, kept: 0 }]],
    want: '00 82 0000 00012345 0000 0000 00000000',
    counted: 'SUCCESS',
  },
];

async function check(row: Row): Promise<void> {
  const helper = new ScriptedHelper(row.script ?? []);
  const gateway = gatewayWith({ ...row.setting, helper });
  const reply = await createResponder(gateway)(bytes(row.wire), row.source ?? ALICE);
  assert.is(reply === null ? null : hex(reply), row.want?.replaceAll(' ', '') ?? null);
  assert.equal(helper.unexpected, []);
  assert.ok(helper.isDone, 'the helper was asked for all that it expected');
  assert.is(gateway.counters.get(row.counted), 1);
  assert.is(gateway.inFlight.total, 0);
}

cases('answer: address and protocol errors', ADDRESS_AND_ERRORS, check);
cases('answer: mappings', MAPPINGS, check);
cases('answer: refusals', REFUSALS, check);
cases('answer: deletions', DELETIONS, check);
