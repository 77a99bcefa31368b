import * as assert from 'uvu/assert';
import type { PcpContext } from '../../frontend/pcp/answer.js';
import { createPcpResponder } from '../../frontend/pcp/answer.js';
import { PinholeReplica } from '../../caller/pinhole-replica.js';
import { InFlight } from '../../frontend/in-flight.js';
import type { Device } from '../../caller/route/devices.js';
import type { PolicyConfig } from '../../frontend/config.js';
import type { Answer } from '../../proto/client.js';
import type { Reason, Request } from '../../proto/codec.js';
import type { Ipv6, Pinhole } from '../../proto/mapping.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import { EVERYONE } from '../../config/rules.js';
import { bytes, hex } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';
import type { Setting } from './support.js';
import { CONFIG, gatewayWith, NOW, ScriptedHelper } from './support.js';

/** 2001:db8:1::a0a */
const HOST: Ipv6 = '20010db8000100000000000000000a0a';
const OTHER: Ipv6 = '20010db8000100000000000000000b0b';
const LINK_LOCAL: Ipv6 = 'fe800000000000000000000000000a0a';
const NONE = '0'.repeat(32);
const NONCE = '0102030405060708090a0b0c';
const MAC = 0x0200_0000_0007;
const BR_LAN = 3;
const ZEROS = '00'.repeat(12);

const EPOCH = '00012345';
const open = (fields = '', host = HOST, lifetime = '00001c20'): string =>
  `02 01 0000 ${lifetime} ${host} ${fields === '' ? TCP : fields}`;
const close = (fields = '', host = HOST): string => open(fields, host, '00000000');
const TCP = `${NONCE} 06 000000 1ae1 0000 ${NONE}`;
const UDP = `${NONCE} 11 000000 1ae1 0000 ${NONE}`;
const granted = (lifetime = '00001c20', protocol = '06', epoch = EPOCH): string =>
  `02 81 00 00 ${lifetime} ${epoch} ${ZEROS} ${NONCE} ${protocol} 000000 1ae1 1ae1 ${HOST}`;
const failed = (result: string, lifetime: string, fields = TCP, epoch = EPOCH): string =>
  `02 81 00 ${result} ${lifetime} ${epoch} ${ZEROS} ${fields}`;
const LONG = '00000708';
const SHORT = '0000001e';

interface PcpSetting extends Omit<Setting, 'leases' | 'isLanHost' | 'hardwareAddress' | 'newMappings'> {
  readonly pinholes?: readonly Pinhole[];
  readonly isHost?: PcpContext['isLanHost'];
  /** What is found, one look after the other; the last one stays. */
  readonly devices?: readonly Device[];
  readonly newPinholes?: RateLimiter;
}

function contextWith({ isHost, ...setting }: PcpSetting) {
  const { state, helper, inFlight, counters, clock, schedule, startedAtMs, config } = gatewayWith(setting);
  const pinholes = new PinholeReplica();
  pinholes.reset(setting.pinholes ?? []);
  const devices = [...(setting.devices ?? [MAC])];
  const resolved: string[] = [];
  const context: PcpContext = {
    state,
    helper,
    inFlight,
    counters,
    clock,
    schedule,
    startedAtMs,
    config,
    pinholes,
    newPinholes: setting.newPinholes ?? new RateLimiter({ burst: 1000, intervalMs: 1 }),
    isLanHost: isHost ?? (() => true),
    findDevice: () => (devices.length > 1 ? devices.shift()! : devices[0]!),
    resolve: (interfaceIndex, host) => resolved.push(`${interfaceIndex} ${host}`),
    resolving: { count: 0 },
  };
  return { context, resolved };
}

function pinhole(more: Partial<Pinhole> = {}): Pinhole {
  const lifetime = 7200;
  return {
    protocol: 'tcp',
    address: HOST,
    port: 0x1ae1,
    origin: 'dynamic',
    lifetime,
    expiresAt: NOW + lifetime * 1000,
    hardwareAddress: MAC,
    ...more,
  };
}
const staticPinhole = pinhole({ origin: 'static', lifetime: 0, expiresAt: Infinity, hardwareAddress: 0 });

function addition(more: Partial<Extract<Request, { kind: 'add-pinhole' }>> = {}): Request {
  return {
    kind: 'add-pinhole',
    protocol: 'tcp',
    address: HOST,
    port: 0x1ae1,
    lifetime: 7200,
    origin: 'dynamic',
    nonce: NONCE,
    hardwareAddress: MAC,
    ...more,
  };
}
const removal: Request = { kind: 'remove-pinhole', protocol: 'tcp', address: HOST, port: 0x1ae1, nonce: NONCE };
const yes = (more: Partial<Pinhole> = {}): Answer => ({ kind: 'pinhole-granted', pinhole: pinhole(more) });
const no = (reason: Reason): Answer => ({ kind: 'refused', reason });

interface Row {
  readonly name: string;
  readonly wire: string;
  readonly source?: Ipv6;
  readonly setting?: PcpSetting;
  readonly script?: readonly (readonly [Request, Answer])[];
  /** Null for silence. */
  readonly want: string | null;
  readonly counted: Parameters<PcpContext['counters']['get']>[0];
}

async function check(row: Row): Promise<void> {
  const helper = new ScriptedHelper(row.script ?? []);
  const { context } = contextWith({ ...row.setting, helper });
  const datagram = Buffer.from(bytes(row.wire)); // as the sockets give it: its `slice` is no copy
  const answer = createPcpResponder(context)(datagram, row.source ?? HOST, false, BR_LAN);
  datagram.fill(0xee); // the buffer is used again
  const reply = await answer;
  assert.is(reply === null ? null : hex(reply), row.want?.replaceAll(' ', '') ?? null);
  assert.equal(helper.unexpected, []);
  assert.ok(helper.isDone, 'the helper was asked for all that it expected');
  assert.is(context.counters.get(row.counted), 1);
  assert.is(context.inFlight.total, 0);
}

cases<Row>(
  'PCP answer: ANNOUNCE, and errors that need no helper',
  [
    {
      name: '§14.1.2 ANNOUNCE',
      wire: `02 00 0000 00001c20 ${HOST}`,
      want: `02 80 00 00 00000000 ${EPOCH} ${ZEROS}`,
      counted: 'SUCCESS',
    },
    {
      name: '§14.1.2 ANNOUNCE from a link-local address',
      wire: `02 00 0000 00000000 ${LINK_LOCAL}`,
      source: LINK_LOCAL,
      want: `02 80 00 00 00000000 ${EPOCH} ${ZEROS}`,
      counted: 'SUCCESS',
    },
    {
      name: '§14.1.2 ANNOUNCE, the helper away for an hour',
      wire: `02 00 0000 00000000 ${HOST}`,
      setting: { helperAwayMs: 3_600_000 },
      want: `02 80 00 00 00000000 ${EPOCH} ${ZEROS}`,
      counted: 'SUCCESS',
    },
    {
      name: '§8.5 the epoch is never 0',
      wire: `02 00 0000 00000000 ${HOST}`,
      setting: { epochStartMs: NOW },
      want: `02 80 00 00 00000000 00000001 ${ZEROS}`,
      counted: 'SUCCESS',
    },
    {
      name: '§8.5 ANNOUNCE, the epoch is not known: silence',
      wire: `02 00 0000 00000000 ${HOST}`,
      setting: { epochStartMs: null, helperAwayMs: 29_999 },
      want: null,
      counted: 'no-epoch',
    },
    {
      name: '§7.4 ANNOUNCE, no helper for half a minute: NETWORK_FAILURE',
      wire: `02 00 0000 00000000 ${HOST}`,
      setting: { epochStartMs: null, helperAwayMs: 30_000, startedAtMs: NOW - 30_000 },
      want: `02 80 00 07 ${SHORT} 0000001e ${ZEROS}`,
      counted: 'NETWORK_FAILURE',
    },
    { name: '§A NAT-PMP', wire: '00 00', want: `02 80 00 01 ${LONG} ${EPOCH} ${ZEROS}`, counted: 'UNSUPP_VERSION' },
    {
      name: '§A NAT-PMP, just started: silence',
      wire: '00 00',
      setting: { epochStartMs: null, startedAtMs: NOW - 2999 },
      want: null,
      counted: 'no-epoch',
    },
    { name: '§8.2 a response', wire: `02 81 ${'00'.repeat(58)}`, want: null, counted: 'response' },
    { name: '§8.2 too short', wire: '02 01', want: null, counted: 'runt' },
    {
      name: '§18.1 no host of this LAN',
      wire: open(),
      setting: { isHost: () => false },
      want: null,
      counted: 'off-lan',
    },
    {
      name: '§18.1 nor an error for it',
      wire: '00 00',
      setting: { isHost: () => false },
      want: null,
      counted: 'off-lan',
    },
    {
      name: '§18.1 the LAN is that of the socket',
      wire: '00 00',
      setting: { isHost: (index, host) => index !== BR_LAN || host !== HOST },
      want: null,
      counted: 'off-lan',
    },
    { name: '§8.2 another address', wire: open('', OTHER), want: failed('0c', LONG), counted: 'ADDRESS_MISMATCH' },
    {
      name: '§12.1 PEER',
      wire: `02 02 0000 00001c20 ${HOST} ${TCP} 0050 0000 ${OTHER}`,
      want: `02 82 00 04 ${LONG} ${EPOCH} ${HOST.slice(8)} ${TCP} 0050 0000 ${OTHER}`,
      counted: 'UNSUPP_OPCODE',
    },
    {
      name: '§13.3 FILTER is refused, not ignored',
      wire: `${open()} 03 00 0014 00 80 0050 ${OTHER}`,
      want: `02 81 00 05 ${LONG} ${EPOCH} ${HOST.slice(8)} ${TCP} 03 00 0014 00 80 0050 ${OTHER}`,
      counted: 'UNSUPP_OPTION',
    },
    {
      name: '§8.2 malformed, 1,101 bytes: cut to 1,100',
      wire: `${open()} ${'01'.repeat(1041)}`,
      want: `02 81 00 03 ${LONG} ${EPOCH} ${HOST.slice(8)} ${TCP} ${'01'.repeat(1040)}`,
      counted: 'MALFORMED_REQUEST',
    },
    {
      name: '§11.1 MAP from a link-local address',
      wire: open('', LINK_LOCAL),
      source: LINK_LOCAL,
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§11.1 MAP from a unique local address',
      wire: open('', 'fd0000000000000000000000000000aa'),
      source: 'fd0000000000000000000000000000aa',
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§11.1 MAP from an IPv4-mapped address',
      wire: open('', '00000000000000000000ffffc0a8010a'),
      source: '00000000000000000000ffffc0a8010a',
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§11.1 the last global unicast address',
      wire: open('', '3fffffffffffffffffffffffffffffff'),
      source: '3fffffffffffffffffffffffffffffff',
      script: [[addition({ address: '3fffffffffffffffffffffffffffffff' }), yes()]],
      want: granted().replace(HOST, '3fffffffffffffffffffffffffffffff'),
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 a deletion from a link-local address',
      wire: close('', LINK_LOCAL),
      source: LINK_LOCAL,
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
  ],
  check,
);

const OWN = `${NONCE} 06 000000 1ae1 1ae1 ${HOST}`;
const three = [1, 2, 3].map((port) => pinhole({ port, address: OTHER }));
const macRules: PolicyConfig['rules'] = [
  { who: { kind: 'prefix', address: 0xc0a80000, length: 16 }, grant: { ...CONFIG, maxMappings: 1000 } },
  { who: { kind: 'mac', mac: MAC }, grant: null },
  { who: EVERYONE, grant: CONFIG },
];
cases<Row>(
  'PCP answer: MAP',
  [
    {
      name: '§11.3 a pinhole for TCP',
      wire: open(),
      script: [[addition(), yes()]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§11.3 a pinhole for UDP, and none for TCP',
      wire: open(UDP),
      script: [[addition({ protocol: 'udp' }), yes({ protocol: 'udp' })]],
      want: granted(undefined, '11'),
      counted: 'SUCCESS',
    },
    {
      name: '§11.3 another port and address suggested: its own are given',
      wire: open(`${NONCE} 06 000000 1ae1 2000 ${OTHER}`),
      script: [[addition(), yes()]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§13.2 PREFER_FAILURE and its own port',
      wire: `${open(OWN)} 02 00 0000`,
      script: [[addition(), yes()]],
      want: `${granted()} 02 00 0000`,
      counted: 'SUCCESS',
    },
    {
      name: '§13.2 PREFER_FAILURE and another port: nothing is opened',
      wire: `${open(`${NONCE} 06 000000 1ae1 2000 ${HOST}`)} 02 00 0000`,
      want: `${failed('0b', LONG, `${NONCE} 06 000000 1ae1 2000 ${HOST}`)} 02 00 0000`,
      counted: 'CANNOT_PROVIDE_EXTERNAL',
    },
    {
      name: '§13.2 PREFER_FAILURE and an address of IPv4',
      wire: `${open(`${NONCE} 06 000000 1ae1 1ae1 00000000000000000000ffff00000000`)} 02 00 0000`,
      want: `${failed('0b', LONG, `${NONCE} 06 000000 1ae1 1ae1 00000000000000000000ffff00000000`)} 02 00 0000`,
      counted: 'CANNOT_PROVIDE_EXTERNAL',
    },
    {
      name: '§15 a lifetime above two hours',
      wire: open('', HOST, '00001c21'),
      script: [[addition(), yes()]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§15 the longest lifetime',
      wire: open('', HOST, 'ffffffff'),
      script: [[addition(), yes()]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§15 a lifetime of one second',
      wire: open('', HOST, '00000001'),
      script: [[addition({ lifetime: 1 }), yes({ lifetime: 1 })]],
      want: granted('00000001'),
      counted: 'SUCCESS',
    },
    {
      name: '§15 a rule with a lower one',
      wire: open(),
      setting: { config: { maxLifetime: 60 } },
      script: [[addition({ lifetime: 60 }), yes({ lifetime: 60 })]],
      want: granted('0000003c'),
      counted: 'SUCCESS',
    },
    {
      name: '§11.3 a renewal, at the quota and over every rate',
      wire: open(),
      setting: { pinholes: [pinhole(), ...three], newPinholes: new RateLimiter({ burst: 0, intervalMs: 1 }) },
      script: [[addition(), yes()]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§11.3 a renewal asks for no hardware address, if no rule needs it',
      wire: open(),
      setting: { pinholes: [pinhole()], devices: ['unresolved'] },
      script: [[addition(), yes()]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§11.3 another nonce: NOT_AUTHORIZED for what is left of the pinhole',
      wire: open(),
      setting: { pinholes: [pinhole({ expiresAt: NOW + 60_001 })] },
      script: [[addition(), no('nonce')]],
      want: failed('02', '0000003d'),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§11.3 another nonce, of a pinhole that is not known here yet',
      wire: open(),
      script: [[addition(), no('nonce')]],
      want: failed('02', SHORT),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§11.3 another nonce, of a pinhole whose end was a moment ago',
      wire: open(),
      setting: { pinholes: [pinhole({ expiresAt: NOW })] },
      script: [[addition(), no('nonce')]],
      want: failed('02', SHORT),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§11.3 made by the administrator',
      wire: open(),
      setting: { pinholes: [staticPinhole] },
      script: [[addition(), { kind: 'pinhole-granted', pinhole: staticPinhole }]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§11.3 made by the administrator, on a denied port, at the quota',
      wire: open(),
      setting: { pinholes: [staticPinhole, ...three], policy: { deniedPorts: [{ from: 0x1ae1, to: 0x1ae1 }] } },
      script: [[addition(), { kind: 'pinhole-granted', pinhole: staticPinhole }]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§11.3 the quota of the device: USER_EX_QUOTA, whatever address it asks from',
      wire: open(),
      setting: { pinholes: three },
      want: failed('0a', SHORT),
      counted: 'USER_EX_QUOTA',
    },
    {
      name: '§11.3 the quota of another device',
      wire: open(),
      setting: { pinholes: three.map((one) => ({ ...one, hardwareAddress: 5 })) },
      script: [[addition(), yes()]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§11.3 without hardware addresses the quota is by address',
      wire: open(),
      setting: { pinholes: three.map((one) => ({ ...one, address: HOST, hardwareAddress: 0 })), devices: [0] },
      want: failed('0a', SHORT),
      counted: 'USER_EX_QUOTA',
    },
    {
      name: '§11.3 without hardware addresses, another address',
      wire: open(),
      setting: { pinholes: three.map((one) => ({ ...one, hardwareAddress: 0 })), devices: [0] },
      script: [[addition({ hardwareAddress: 0 }), yes({ hardwareAddress: 0 })]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§7.4 a denied port',
      wire: open(),
      setting: { policy: { deniedPorts: [{ from: 0x1ae1, to: 0x1ae1 }] } },
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§7.4 a port that no pinhole may open',
      wire: open(),
      setting: { config: { pinholePorts: [{ from: 8080, to: 8080 }] } },
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: "§7.4 a port that the router reserves, which is its own and not a host's",
      wire: open(),
      setting: { config: { ports: [{ from: 8080, to: 8080 }] } },
      script: [[addition(), yes()]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§7.4 a rule denies the device',
      wire: open(),
      setting: { policy: { rules: macRules } },
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§7.4 a rule denies the device, a renewal',
      wire: open(),
      setting: { pinholes: [pinhole({ hardwareAddress: 5 })], policy: { rules: macRules } },
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§7.4 a rule denies another device; one for IPv4 addresses counts for nobody',
      wire: open(),
      setting: {
        policy: { rules: macRules },
        devices: [5],
        pinholes: three.map((one) => ({ ...one, hardwareAddress: 5 })),
      },
      want: failed('0a', SHORT),
      counted: 'USER_EX_QUOTA',
    },
    {
      name: '§7.4 a rule for the hardware address 0 is not about hosts without one',
      wire: open(),
      setting: {
        devices: [0],
        policy: {
          rules: [
            { who: { kind: 'mac', mac: 0 }, grant: null },
            { who: EVERYONE, grant: CONFIG },
          ],
        },
      },
      script: [[addition({ hardwareAddress: 0 }), yes({ hardwareAddress: 0 })]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§7.4 the default rule denies',
      wire: open(),
      setting: { policy: { rules: [macRules[0]!, { who: EVERYONE, grant: null }] } },
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§7.4 the helper refuses the address',
      wire: open(),
      script: [[addition(), no('address')]],
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§7.4 the helper refuses the port',
      wire: open(),
      script: [[addition(), no('port')]],
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§7.4 the helper refuses the lifetime',
      wire: open(),
      script: [[addition(), no('lifetime')]],
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§7.4 the helper does not permit it',
      wire: open(),
      script: [[addition(), no('not-permitted')]],
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§7.4 the device has enough, says the helper',
      wire: open(),
      script: [[addition(), no('host-full')]],
      want: failed('0a', SHORT),
      counted: 'USER_EX_QUOTA',
    },
    {
      name: '§7.4 the table is full',
      wire: open(),
      script: [[addition(), no('table-full')]],
      want: failed('08', SHORT),
      counted: 'NO_RESOURCES',
    },
    {
      name: '§7.4 the kernel refuses, for three seconds',
      wire: open(),
      script: Array<[Request, Answer]>(7).fill([addition(), no('kernel')]),
      want: failed('08', SHORT, TCP, '00012348'),
      counted: 'NO_RESOURCES',
    },
    {
      name: '§8.2 asked again while a firewall is being loaded',
      wire: open(),
      script: [
        [addition(), no('kernel')],
        [addition(), { kind: 'unavailable' }],
        [addition(), yes()],
      ],
      want: granted(undefined, undefined, '00012346'),
      counted: 'SUCCESS',
    },
    {
      name: '§8.2 the helper is too busy: silence',
      wire: open(),
      script: [[addition(), no('rate')]],
      want: null,
      counted: 'helper-away',
    },
    {
      name: '§7.4 an answer of the wrong kind',
      wire: open(),
      script: [[addition(), { kind: 'removed', count: 1 }]],
      want: failed('07', SHORT),
      counted: 'NETWORK_FAILURE',
    },
    {
      name: '§8.2 the helper away for less than half a minute: silence',
      wire: open(),
      setting: { helperAwayMs: 29_999 - 3000 },
      want: null,
      counted: 'helper-away',
    },
    {
      name: '§7.4 the helper away for longer',
      wire: open(),
      setting: { helperAwayMs: 30_000 },
      want: failed('07', SHORT),
      counted: 'NETWORK_FAILURE',
    },
    {
      name: '§8.2 no external IPv4 address: nothing to pinholes',
      wire: open(),
      setting: { addressAwayMs: 100_000, isAddressForbidden: true, policy: { requirePublicAddress: true } },
      script: [[addition(), yes()]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§8.2 too many new ones of a device: silence',
      wire: open(),
      setting: { newPinholes: new RateLimiter({ burst: 0, intervalMs: 1 }) },
      want: null,
      counted: 'rate-limited',
    },
    {
      name: '§8.2 too many that wait: silence',
      wire: open(),
      setting: { inFlight: new InFlight({ total: 0, allocations: 9, throttled: 9, perHost: 9 }) },
      want: null,
      counted: 'shed',
    },
    {
      name: '§8.2 too many new ones that wait: silence',
      wire: open(),
      setting: { inFlight: new InFlight({ total: 9, allocations: 0, throttled: 9, perHost: 9 }) },
      want: null,
      counted: 'shed',
    },
    {
      name: '§8.2 a renewal has room beside them',
      wire: open(),
      setting: {
        pinholes: [pinhole()],
        inFlight: new InFlight({ total: 1, allocations: 0, throttled: 0, perHost: 1 }),
      },
      script: [[addition(), yes()]],
      want: granted(),
      counted: 'SUCCESS',
    },
    {
      name: '§8.2 a new one that waits for the helper is a new one',
      wire: open(),
      setting: {
        helperAwayMs: 0,
        inFlight: new InFlight({ total: 9, allocations: 0, throttled: 9, perHost: 9 }),
      },
      want: null,
      counted: 'shed',
    },
    {
      name: '§8.2 a renewal that waits for the helper is none',
      wire: open(),
      setting: {
        helperAwayMs: 0,
        pinholes: [pinhole()],
        inFlight: new InFlight({ total: 9, allocations: 0, throttled: 9, perHost: 9 }),
      },
      want: null,
      counted: 'helper-away',
    },
    {
      name: '§11.3 the hardware address is known after a moment',
      wire: open(),
      setting: { devices: ['unresolved', 'unresolved', MAC] },
      script: [[addition(), yes()]],
      want: granted(undefined, undefined, '00012346'),
      counted: 'SUCCESS',
    },
    {
      name: '§11.3 the hardware address is never known: silence',
      wire: open(),
      setting: { devices: ['unresolved'] },
      want: null,
      counted: 'unresolved',
    },
  ],
  check,
);

const DELETED = `02 81 00 00 00000000 ${EPOCH} ${ZEROS} ${TCP}`;
cases<Row>(
  'PCP answer: deletions',
  [
    {
      name: '§15.1 a pinhole',
      wire: close(),
      setting: { pinholes: [pinhole()] },
      script: [[removal, { kind: 'removed', count: 1 }]],
      want: DELETED,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 one that is not there',
      wire: close(),
      script: [[removal, { kind: 'removed', count: 0 }]],
      want: DELETED,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 suggestions come back as they were',
      wire: close(`${NONCE} 06 000000 1ae1 2000 ${OTHER}`),
      script: [[removal, { kind: 'removed', count: 1 }]],
      want: `02 81 00 00 00000000 ${EPOCH} ${ZEROS} ${NONCE} 06 000000 1ae1 2000 ${OTHER}`,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 another nonce: NOT_AUTHORIZED for what is left',
      wire: close(),
      setting: { pinholes: [pinhole({ expiresAt: NOW + 1 })] },
      script: [[removal, no('nonce')]],
      want: failed('02', '00000001'),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§15.1 made by the administrator',
      wire: close(),
      setting: { pinholes: [staticPinhole] },
      script: [[removal, no('not-permitted')]],
      want: failed('02', LONG),
      counted: 'NOT_AUTHORIZED',
    },
    {
      name: '§15.1 of a device that may open nothing',
      wire: close(),
      setting: { policy: { rules: [{ who: EVERYONE, grant: null }] } },
      script: [[removal, { kind: 'removed', count: 1 }]],
      want: DELETED,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 all ports: there is no such mapping, and no other goes',
      wire: close(`${NONCE} 06 000000 0000 0000 ${NONE}`),
      setting: { pinholes: [pinhole()] },
      want: `02 81 00 00 00000000 ${EPOCH} ${ZEROS} ${NONCE} 06 000000 0000 0000 ${NONE}`,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 all protocols, likewise',
      wire: close(`${NONCE} 00 000000 0000 0000 ${NONE}`),
      setting: { pinholes: [pinhole()] },
      want: `02 81 00 00 00000000 ${EPOCH} ${ZEROS} ${NONCE} 00 000000 0000 0000 ${NONE}`,
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 the helper away: silence',
      wire: close(),
      setting: { helperAwayMs: 0 },
      want: null,
      counted: 'helper-away',
    },
    {
      name: '§15.1 the helper away for half a minute',
      wire: close(),
      setting: { helperAwayMs: 30_000 },
      want: failed('07', SHORT),
      counted: 'NETWORK_FAILURE',
    },
    {
      name: '§15.1 asked again while a firewall is being loaded',
      wire: close(),
      script: [
        [removal, no('kernel')],
        [removal, { kind: 'removed', count: 1 }],
      ],
      want: DELETED.replace(EPOCH, '00012346'),
      counted: 'SUCCESS',
    },
    {
      name: '§15.1 a deletion has room beside new ones',
      wire: close(),
      setting: { inFlight: new InFlight({ total: 1, allocations: 0, throttled: 0, perHost: 1 }) },
      script: [[removal, { kind: 'removed', count: 1 }]],
      want: DELETED,
      counted: 'SUCCESS',
    },
    {
      name: '§7.4 an answer of the wrong kind to a deletion',
      wire: close(),
      script: [[removal, yes()]],
      want: failed('07', SHORT),
      counted: 'NETWORK_FAILURE',
    },
    {
      name: '§15.1 too many that wait: silence',
      wire: close(),
      setting: { inFlight: new InFlight({ total: 0, allocations: 9, throttled: 9, perHost: 9 }) },
      want: null,
      counted: 'shed',
    },
  ],
  check,
);

/** A helper that answers when told to. */
function slowHelper() {
  const asked: { request: Request; answer: (answer: Answer) => void }[] = [];
  return {
    asked,
    helper: { ask: (request: Request) => new Promise<Answer>((answer) => void asked.push({ request, answer })) },
  };
}

claims('PCP answer: requests that wait', {
  'requests on their way count for the quota': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({ helper, pinholes: three.slice(1) });
    const answer = createPcpResponder(context);
    const first = answer(bytes(open()), HOST, false, BR_LAN);
    const second = await answer(bytes(open(UDP)), HOST, false, BR_LAN);
    assert.is(hex(second!).slice(0, 8), '0281000a');
    asked[0]!.answer(yes());
    assert.is(hex((await first)!).slice(0, 8), '02810000');
    assert.is(context.pinholes.count(MAC), 3);
  },
  'a retransmission takes no second place in it': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({ helper, pinholes: three.slice(1) });
    const answer = createPcpResponder(context);
    const both = [1, 2].map(() => answer(bytes(open()), HOST, false, BR_LAN));
    assert.is(asked.length, 2);
    assert.is(context.pinholes.count(MAC), 3);
    for (const { answer: reply } of asked) reply(yes());
    assert.equal(
      (await Promise.all(both)).map((reply) => hex(reply!).slice(0, 8)),
      ['02810000', '02810000'],
    );
    assert.is(context.pinholes.count(MAC), 3);
  },
  'a deletion that comes later is not undone by an addition that is tried again': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({ helper });
    const answer = createPcpResponder(context);
    const addition = answer(bytes(open()), HOST, false, BR_LAN);
    const deletion = answer(bytes(close()), HOST, false, BR_LAN);
    asked[1]!.answer({ kind: 'removed', count: 0 });
    asked[0]!.answer(no('kernel'));
    assert.is(await addition, null);
    assert.is(hex((await deletion)!).slice(0, 8), '02810000');
    assert.is(asked.length, 2);
    assert.is(context.pinholes.count(MAC), 0);
  },
  'a renewal that is tried again makes no new pinhole of one that has ended meanwhile': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({ helper, pinholes: [pinhole()] });
    const renewal = createPcpResponder(context)(bytes(open()), HOST, false, BR_LAN);
    context.pinholes.apply({ kind: 'expired', pinhole: pinhole() });
    asked[0]!.answer(no('kernel'));
    assert.is(await renewal, null);
    assert.is(asked.length, 1);
  },
  'a renewal that is tried again goes on if it has not': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({ helper, pinholes: [pinhole()] });
    const renewal = createPcpResponder(context)(bytes(open()), HOST, false, BR_LAN);
    asked[0]!.answer(no('kernel'));
    await new Promise(setImmediate);
    asked[1]!.answer(yes());
    assert.is(hex((await renewal)!).slice(0, 8), '02810000');
  },
  'the kernel is made to ask for the hardware address once, and not for one that it knows': async () => {
    const waiting = contextWith({ devices: ['unresolved', MAC], helper: new ScriptedHelper([[addition(), yes()]]) });
    await createPcpResponder(waiting.context)(bytes(open()), HOST, false, BR_LAN);
    assert.equal(waiting.resolved, [`${BR_LAN} ${HOST}`]);
    const known = contextWith({ helper: new ScriptedHelper([[addition(), yes()]]) });
    await createPcpResponder(known.context)(bytes(open()), HOST, false, BR_LAN);
    assert.equal(known.resolved, []);
  },
  'few requests wait for hardware addresses, so that the rest of the places is for others': async () => {
    const { asked, helper } = slowHelper();
    const { context } = contextWith({
      helper,
      devices: ['unresolved'],
      inFlight: new InFlight({ total: 1000, allocations: 1000, throttled: 1000, perHost: 1000 }),
    });
    const never = { ...context, schedule: () => () => {} };
    const answer = createPcpResponder(never);
    for (let request = 0; request < 100; request++) void answer(bytes(open()), HOST, false, BR_LAN);
    assert.equal([context.inFlight.total, context.counters.get('shed')], [64, 36]);
    assert.is(await answer(bytes(open()), HOST, true, BR_LAN), null, 'and none of the overflow socket');
    const known = createPcpResponder({ ...never, findDevice: () => MAC });
    void known(bytes(open()), HOST, false, BR_LAN);
    assert.equal([asked.length, context.inFlight.total], [1, 65]);
  },
  'one that waits for a hardware address is a new one': () => {
    const inFlight = new InFlight({ total: 9, allocations: 0, throttled: 9, perHost: 9 });
    const { context, resolved } = contextWith({ devices: ['unresolved', MAC], inFlight });
    void createPcpResponder(context)(bytes(open()), HOST, false, BR_LAN);
    assert.equal([resolved, context.counters.get('shed')], [[], 1]);
  },
  'those that waited leave their places': async () => {
    const { context } = contextWith({ devices: ['unresolved'] });
    for (let request = 0; request < 100; request++)
      assert.is(await createPcpResponder(context)(bytes(open()), HOST, false, BR_LAN), null);
    assert.equal([context.resolving.count, context.counters.get('shed')], [0, 0]);
  },
  'one that waited while its client changed its mind is not carried out': async () => {
    const helper = new ScriptedHelper([[removal, { kind: 'removed', count: 0 }]]);
    const { context } = contextWith({ helper });
    const devices: Device[] = ['unresolved', MAC];
    const wakes: (() => void)[] = [];
    const answer = createPcpResponder({
      ...context,
      findDevice: () => devices.shift() ?? MAC,
      schedule: (_, wake) => (wakes.push(wake), () => {}),
    });
    const opened = answer(bytes(open()), HOST, false, BR_LAN);
    assert.is(hex((await answer(bytes(close()), HOST, false, BR_LAN))!).slice(0, 8), '02810000');
    for (const wake of wakes) wake();
    assert.is(await opened, null);
    assert.is(context.inFlight.total, 0);
  },
  'the overflow socket has a share of its own': () => {
    const inFlight = new InFlight({ total: 9, allocations: 9, throttled: 0, perHost: 9 });
    const { context } = contextWith({ inFlight });
    assert.is(createPcpResponder(context)(bytes(open()), HOST, true, BR_LAN), null);
    assert.is(context.counters.get('shed'), 1);
  },
  'replies are counted by opcode and result': async () => {
    const { context } = contextWith({ helper: new ScriptedHelper([[removal, no('not-permitted')]]) });
    const answer = createPcpResponder(context);
    await answer(bytes(close()), HOST, false, BR_LAN);
    await answer(bytes('00 00'), HOST, false, BR_LAN);
    await answer(bytes(`02 00 0000 00000000 ${HOST}`), HOST, false, BR_LAN);
    const { counters } = context;
    assert.equal(
      [
        counters.pcpReplies('pcp-delete', 'NOT_AUTHORIZED'),
        counters.pcpReplies('pcp-other', 'UNSUPP_VERSION'),
        counters.pcpReplies('pcp-announce', 'SUCCESS'),
        counters.pcpReplies('pcp-map', 'SUCCESS'),
      ],
      [1, 1, 1, 0],
    );
  },
});
