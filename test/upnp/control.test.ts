// What each action does, on the helper's real decisions: the answer, what the helper was asked, and what it then holds.

import * as assert from 'uvu/assert';
import { PATIENCE_MS } from '../../caller/waiting.js';
import { EVERYONE } from '../../config/rules.js';
import { parseIpv4 } from '../../proto/mapping.js';
import type { ControlEvent, ControlResult } from '../../upnp/control.js';
import { CONTROL_EVENTS } from '../../upnp/control.js';
import type { ServiceName } from '../../upnp/services.js';
import { SERVICES } from '../../upnp/services.js';
import { cases, claims } from '../support/cases.js';
import type { Setting } from './control-world.js';
import { ALICE, BOB, byNatPmp, ControlWorld, GRANT, INTERFACE, lease, NOW, staticLease } from './control-world.js';

const DONE: ControlResult = { kind: 'values', values: [] };
const fault = (code: number): ControlResult => ({ kind: 'fault', code });
const values = (...all: [string, string][]): ControlResult => ({ kind: 'values', values: all });

/** What a world says when it is done. */
function inSync(world: ControlWorld): void {
  assert.equal(world.known, [...world.held].sort(), 'the replica is what the helper holds');
  assert.equal(world.malformed, []);
}

interface AddRow {
  readonly name: string;
  readonly setting?: Setting;
  readonly given?: Readonly<Record<string, string | undefined>>;
  readonly want: ControlResult;
  /** The messages to the helper, requests with "; " between; none by default. */
  readonly messages?: readonly string[];
  /** What the helper holds then; if not given, as before. */
  readonly held?: readonly string[];
  readonly counted?: readonly ControlEvent[];
}

const NEW = 'tcp 4000 -> 192.168.1.10:4000 3600 s UPnP';
const ADD = `add ${NEW}`;
const ADDED: readonly ControlEvent[] = ['added'];
const argumentsOf = (name: string, changes: readonly (readonly [string | undefined, ControlResult])[]): AddRow[] =>
  changes.map(([value, want]) => ({
    name: `${name} ${value === undefined ? 'missing' : JSON.stringify(value)}`,
    given: { [name]: value },
    want,
    ...(want.kind === 'values' ? { messages: [ADD], held: [NEW] } : {}),
  }));

cases<AddRow>(
  'AddPortMapping: its arguments',
  [
    ...argumentsOf('NewInternalClient', [
      ['192.168.1.10', DONE],
      ['', DONE], // U-51: Rainbow Six
      [undefined, DONE],
      ['   ', DONE],
      [' \t192.168.1.10\r\n', DONE],
      ['192.168.1.11', fault(606)], // U-52
      ['192.168.1.1', fault(606)],
      ['127.0.0.1', fault(606)],
      ['0.0.0.0', fault(606)],
      ['255.255.255.255', fault(606)],
      ['192.168.1.255', fault(606)],
      ['8.8.8.8', fault(606)],
      ['gaming-pc', fault(606)],
      ['localhost', fault(606)],
      ['192.168.1.010', fault(606)],
      ['192.168.1.10.', fault(606)],
      ['0xc0a8010a', fault(606)],
      ['3232235786', fault(606)],
      ['::ffff:192.168.1.10', fault(606)],
    ]),
    ...argumentsOf('NewInternalPort', [
      ['4000', DONE],
      ['04000', DONE],
      [' 4000 ', DONE],
      ['0', fault(402)], // U-53
      [undefined, fault(402)],
      ['', fault(402)],
      ['*', fault(402)],
      ['65536', fault(402)],
      ['69536', fault(402)], // 4000 in 16 bits
      ['-1', fault(402)],
      ['+4000', fault(402)],
      ['0xfa0', fault(402)],
      ['4000.0', fault(402)],
      ['4e3', fault(402)],
      ['00000004000', fault(402)],
    ]),
    ...argumentsOf('NewExternalPort', [
      [' 04000', DONE],
      ['0', fault(716)],
      ['000', fault(716)],
      ['*', fault(716)],
      [' * ', fault(716)],
      [undefined, fault(402)],
      ['', fault(402)],
      ['65536', fault(402)],
      ['99999', fault(402)],
      ['-4000', fault(402)],
    ]),
    ...argumentsOf('NewRemoteHost', [
      ['', DONE], // U-58
      [undefined, DONE],
      ['*', DONE],
      ['0.0.0.0', DONE],
      [' ', DONE],
      ['198.51.100.7', fault(726)],
      ['example.org', fault(726)],
      ['255.255.255.255', fault(726)],
    ]),
    ...argumentsOf('NewProtocol', [
      ['tcp', DONE], // U-59
      ['Tcp', DONE],
      [' TCP ', DONE],
      ['', fault(402)],
      [undefined, fault(402)],
      ['BOTH', fault(402)],
      ['SCTP', fault(402)],
      ['6', fault(402)],
      ['TCP,UDP', fault(402)],
    ]),
    ...argumentsOf('NewEnabled', [
      ['1', DONE], // U-60
      ['true', DONE],
      ['TRUE', DONE],
      ['yes', DONE],
      ['0', fault(402)],
      ['false', fault(402)],
      ['no', fault(402)],
      ['2', fault(402)],
      ['', fault(402)],
      [undefined, fault(402)],
    ]),
    ...argumentsOf('NewLeaseDuration', [
      ['3600', DONE],
      ['0003600', DONE],
      ['', fault(402)],
      [undefined, fault(402)],
      ['-1', fault(402)],
      ['4294967296', fault(402)],
      ['99999999999999999999', fault(402)],
    ]),
    ...argumentsOf('NewPortMappingDescription', [
      ['', DONE], // U-63
      [undefined, DONE],
      ['x'.repeat(256), DONE],
      ['R&D <x> "ä" \u202e\u0000', DONE],
    ]),
  ],
  addRow,
);

async function addRow({ setting, given, want, messages = [], held, counted }: AddRow): Promise<void> {
  const world = new ControlWorld(setting);
  const before = world.held;
  assert.equal(await world.add(given), want);
  assert.equal(
    world.messages.map((message) => message.join('; ')),
    messages,
  );
  assert.equal(world.held, held ?? before);
  const code = want.kind === 'fault' ? [`fault-${want.code}`] : [];
  const causes = world.counted.filter((event) => event !== 'AddPortMapping' && !event.startsWith('fault-'));
  if (counted !== undefined) assert.equal(causes, counted);
  assert.equal(
    world.counted.filter((event) => event === 'AddPortMapping' || event.startsWith('fault-')),
    ['AddPortMapping', ...code],
  );
  if (setting?.atHelper === undefined) inSync(world);
}

const held = (fields: Parameters<typeof lease>[0]): Setting => ({ leases: [lease(fields)] });
const five = [5001, 5002, 5003, 5004, 5005].map((externalPort) => lease({ externalPort }));
const shown = (port: number, tail = '3600 s UPnP', to = port): string => `tcp ${port} -> 192.168.1.10:${to} ${tail}`;

cases<AddRow>(
  'AddPortMapping: what becomes of it',
  [
    { name: 'U-50 a new one', want: DONE, messages: [ADD], held: [NEW], counted: ADDED },
    {
      name: 'U-50 of UDP',
      given: { NewProtocol: 'UDP' },
      want: DONE,
      messages: ['add udp 4000 -> 192.168.1.10:4000 3600 s UPnP'],
      held: ['udp 4000 -> 192.168.1.10:4000 3600 s UPnP'],
    },
    {
      name: 'U-50 beside the same port of the other protocol',
      setting: held({ protocol: 'udp', externalPort: 4000 }),
      want: DONE,
      messages: [ADD],
      held: [NEW, 'udp 4000 -> 192.168.1.10:4000 3600 s UPnP'],
    },
    {
      name: 'U-54 another host has the port',
      setting: held({ externalPort: 4000, internalAddress: BOB }),
      want: fault(718),
    },
    {
      name: 'U-54 another host has the port for the other protocol',
      setting: held({ externalPort: 4000, protocol: 'udp', internalAddress: BOB }),
      want: fault(718),
    },
    { name: 'U-54 a port that is not allowed', given: { NewExternalPort: '80' }, want: fault(718) },
    {
      name: 'U-54 a reserved port',
      setting: { grant: { ports: [{ from: 4001, to: 65535 }] } },
      want: fault(718),
    },
    {
      name: 'U-54 the helper knows better: another host has the port',
      setting: { leases: [], atHelper: [lease({ externalPort: 4000, internalAddress: BOB })] },
      want: fault(718),
      messages: [ADD],
      counted: ['port-refused'],
    },
    {
      name: 'U-54 the helper knows better: the port is not allowed',
      setting: { answers: { 1: 'port' } },
      want: fault(718),
      messages: [ADD],
      counted: ['port-refused'],
    },
    {
      name: 'U-55 a renewal',
      setting: held({ externalPort: 4000, lifetime: 60, expiresAt: NOW + 1000 }),
      want: DONE,
      messages: [ADD],
      held: [NEW],
      counted: ['renewed'],
    },
    {
      name: 'U-55 a renewal is as short as asked',
      setting: held({ externalPort: 4000 }),
      given: { NewLeaseDuration: '1' },
      want: DONE,
      messages: [`add ${shown(4000, '1 s UPnP')}`],
      held: [shown(4000, '1 s UPnP')],
    },
    {
      name: 'U-55 a renewal at the quota',
      setting: { leases: five },
      given: { NewExternalPort: '5001', NewInternalPort: '5001' },
      want: DONE,
      messages: [`add ${shown(5001)}`],
    },
    {
      name: 'U-55 what NAT-PMP made stays of NAT-PMP, and has the longer time',
      setting: { leases: [byNatPmp({ externalPort: 4000, lifetime: 7200, expiresAt: NOW + 5_000_500 })] },
      want: DONE,
      messages: [`add ${shown(4000, '5001 s')}`],
      held: [shown(4000, '5001 s')],
    },
    {
      name: 'U-55 what NAT-PMP made is renewed for longer',
      setting: { leases: [byNatPmp({ externalPort: 4000, lifetime: 60, expiresAt: NOW + 60_000 })] },
      want: DONE,
      messages: [`add ${shown(4000, '3600 s')}`],
      held: [shown(4000, '3600 s')],
    },
    {
      name: "U-55 what NAT-PMP made has at most the host's ceiling",
      setting: {
        grant: { maxLifetime: 600 },
        leases: [byNatPmp({ externalPort: 4000, lifetime: 7200, expiresAt: NOW + 7_200_000 })],
      },
      want: DONE,
      messages: [`add ${shown(4000, '600 s')}`],
      held: [shown(4000, '600 s')],
    },
    {
      name: 'U-55 a renewal that the helper does not know, on a port that another host has now',
      setting: {
        leases: [lease({ externalPort: 4000 })],
        atHelper: [lease({ externalPort: 4000, internalAddress: BOB })],
      },
      want: fault(718),
      messages: [ADD],
      counted: ['port-refused'],
    },
    {
      name: 'U-56 another internal port for the same external port: one message of two requests',
      setting: held({ externalPort: 4000 }),
      given: { NewInternalPort: '4001' },
      want: DONE,
      messages: [`remove tcp 192.168.1.10:4000; add ${shown(4000, '3600 s UPnP', 4001)}`],
      held: [shown(4000, '3600 s UPnP', 4001)],
      counted: ['moved'],
    },
    {
      name: 'U-56 the same, at the quota',
      setting: { leases: five },
      given: { NewExternalPort: '5001', NewInternalPort: '6001' },
      want: DONE,
      messages: [`remove tcp 192.168.1.10:5001; add ${shown(5001, '3600 s UPnP', 6001)}`],
      held: [shown(5001, '3600 s UPnP', 6001), ...five.slice(1).map(({ externalPort }) => shown(externalPort))],
    },
    {
      name: 'U-56 the old one is of NAT-PMP',
      setting: { leases: [byNatPmp({ externalPort: 4000 })] },
      given: { NewInternalPort: '4001' },
      want: fault(718),
    },
    {
      name: 'U-56 the old one is static',
      setting: { leases: [staticLease({ externalPort: 4000 })] },
      given: { NewInternalPort: '4001' },
      want: fault(718),
    },
    {
      name: 'U-56 the new one is refused: the old one is put back, with the rest of its time',
      setting: {
        leases: [lease({ externalPort: 4000, lifetime: 3600, expiresAt: NOW + 1_000_500 })],
        answers: { 2: 'host-full' },
      },
      given: { NewInternalPort: '4001' },
      want: fault(728),
      messages: [
        `remove tcp 192.168.1.10:4000; add ${shown(4000, '3600 s UPnP', 4001)}`,
        `add ${shown(4000, '1001 s UPnP')}`,
      ],
      held: [shown(4000, '1001 s UPnP')],
      counted: ['restored'],
    },
    {
      name: 'U-56 the new one is refused and so is the old one, by the rate: it is put back when that has passed',
      setting: { leases: [lease({ externalPort: 4000 })], answers: { 2: 'rate', 3: 'rate', 4: 'rate' } },
      given: { NewInternalPort: '4001' },
      want: fault(501),
      messages: [
        `remove tcp 192.168.1.10:4000; add ${shown(4000, '3600 s UPnP', 4001)}`,
        `add ${shown(4000)}`,
        `add ${shown(4000)}`,
        `add ${shown(4000, '3599 s UPnP')}`,
      ],
      held: [shown(4000, '3599 s UPnP')],
      counted: ['restored'],
    },
    {
      name: 'U-56 the new one and the old one are refused for good',
      setting: { leases: [lease({ externalPort: 4000 })], answers: { 2: 'host-full', 3: 'not-permitted' } },
      given: { NewInternalPort: '4001' },
      want: fault(728),
      messages: [`remove tcp 192.168.1.10:4000; add ${shown(4000, '3600 s UPnP', 4001)}`, `add ${shown(4000)}`],
      held: [],
    },
    {
      name: 'U-56 the old one is refused by the rate for more than 3 s: the call ends, and that goes on',
      setting: {
        leases: [lease({ externalPort: 4000 })],
        answers: { 2: 'host-full', ...Object.fromEntries([3, 4, 5, 6, 7, 8, 9, 10].map((each) => [each, 'rate'])) },
      },
      given: { NewInternalPort: '4001' },
      want: fault(728),
      messages: [
        `remove tcp 192.168.1.10:4000; add ${shown(4000, '3600 s UPnP', 4001)}`,
        ...[3600, 3600, 3599, 3599, 3598, 3598, 3597].map((seconds) => `add ${shown(4000, `${seconds} s UPnP`)}`),
      ],
      held: [],
    },
    {
      name: 'U-56 the old one was removed, but nobody heard of it, and the new one is refused: it is put back',
      setting: { leases: [lease({ externalPort: 4000 })], answers: { 1: 'lost', 2: 'host-full' } },
      given: { NewInternalPort: '4001' },
      want: fault(728),
      messages: [`remove tcp 192.168.1.10:4000; add ${shown(4000, '3600 s UPnP', 4001)}`, `add ${shown(4000)}`],
      held: [shown(4000)],
      counted: ['restored'],
    },
    {
      name: 'U-56 the old one was not removed, and the new one is refused: there is nothing to put back',
      setting: { leases: [lease({ externalPort: 4000 })], answers: { 1: 'unavailable', 2: 'host-full' } },
      given: { NewInternalPort: '4001' },
      want: fault(728),
      messages: [`remove tcp 192.168.1.10:4000; add ${shown(4000, '3600 s UPnP', 4001)}`],
      held: [shown(4000)],
    },
    {
      name: 'U-56 the helper has not had the old one for a moment, and refuses the new one: there is nothing to put back',
      setting: { leases: [lease({ externalPort: 4000 })], atHelper: [], answers: { 2: 'host-full' } },
      given: { NewInternalPort: '4001' },
      want: fault(728),
      messages: [`remove tcp 192.168.1.10:4000; add ${shown(4000, '3600 s UPnP', 4001)}`],
      held: [],
    },
    {
      name: 'U-57 another external port: the last one wins',
      setting: held({ externalPort: 4007, internalPort: 4000 }),
      want: DONE,
      messages: [`remove tcp 192.168.1.10:4000; ${ADD}`],
      held: [NEW],
      counted: ['moved'],
    },
    {
      name: 'U-57 another external port, at the quota',
      setting: { leases: five },
      given: { NewExternalPort: '6001', NewInternalPort: '5001' },
      want: DONE,
      messages: [`remove tcp 192.168.1.10:5001; add ${shown(6001, '3600 s UPnP', 5001)}`],
      held: [...five.slice(1).map(({ externalPort }) => shown(externalPort)), shown(6001, '3600 s UPnP', 5001)],
    },
    {
      name: 'U-57 above a quota that was lowered: nothing is taken away',
      setting: { leases: five, grant: { maxMappings: 4 } },
      given: { NewExternalPort: '6001', NewInternalPort: '5001' },
      want: fault(728),
      counted: ['over-quota'],
    },
    {
      name: 'U-57 NAT-PMP made it: nothing changes',
      setting: { leases: [byNatPmp({ externalPort: 4007, internalPort: 4000 })] },
      want: fault(718),
    },
    {
      name: 'U-57 another external port, which another host has: nothing changes',
      setting: {
        leases: [
          lease({ externalPort: 4007, internalPort: 4000 }),
          lease({ externalPort: 4000, internalAddress: BOB }),
        ],
      },
      want: fault(718),
    },
    {
      name: 'U-57 another external port, which another host has for the other protocol: nothing changes',
      setting: {
        leases: [
          lease({ externalPort: 4007, internalPort: 4000 }),
          lease({ externalPort: 4000, protocol: 'udp', internalAddress: BOB }),
        ],
      },
      want: fault(718),
    },
    {
      name: 'U-57 another external port, which is not allowed: nothing changes',
      setting: held({ externalPort: 4007, internalPort: 4000 }),
      given: { NewExternalPort: '443' },
      want: fault(718),
    },
    {
      name: 'U-57 both ends are taken by own ones: both are removed',
      setting: {
        leases: [lease({ externalPort: 4007, internalPort: 4000 }), lease({ externalPort: 4000, internalPort: 4001 })],
      },
      want: DONE,
      messages: [`remove tcp 192.168.1.10:4000; remove tcp 192.168.1.10:4001; ${ADD}`],
      held: [NEW],
    },
    {
      name: 'U-57 both ends are taken by own ones, and the new one is refused: both are put back',
      setting: {
        leases: [lease({ externalPort: 4007, internalPort: 4000 }), lease({ externalPort: 4000, internalPort: 4001 })],
        answers: { 3: 'conflict' },
      },
      want: fault(718),
      messages: [
        `remove tcp 192.168.1.10:4000; remove tcp 192.168.1.10:4001; ${ADD}`,
        `add ${shown(4007, '3600 s UPnP', 4000)}`,
        `add ${shown(4000, '3600 s UPnP', 4001)}`,
      ],
      counted: ['port-refused', 'restored', 'restored'],
    },
    {
      name: 'U-57 the kernel refuses the move once: nothing is lost meanwhile',
      setting: { leases: [lease({ externalPort: 4007, internalPort: 4000 })], kernelRefuses: 3 },
      want: DONE,
      messages: [`remove tcp 192.168.1.10:4000; ${ADD}`, `remove tcp 192.168.1.10:4000; ${ADD}`],
      held: [NEW],
      counted: ['moved'],
    },
    {
      name: 'U-57 the kernel refuses only the new one, for ever: the old one is put back',
      setting: {
        leases: [lease({ externalPort: 4007, internalPort: 4000 })],
        answers: Object.fromEntries([2, 3, 4, 5, 6, 7, 8].map((number) => [number, 'kernel'])),
      },
      want: fault(501),
      messages: [
        `remove tcp 192.168.1.10:4000; ${ADD}`,
        ...Array<string>(6).fill(ADD),
        `add ${shown(4007, '3597 s UPnP', 4000)}`,
      ],
      held: [shown(4007, '3597 s UPnP', 4000)],
      counted: ['helper-away', 'restored'],
    },
    {
      name: 'U-57 the helper has it on another port meanwhile: no success with that one',
      setting: { leases: [], atHelper: [byNatPmp({ externalPort: 4007, internalPort: 4000 })] },
      want: fault(718),
      messages: [ADD],
      held: [shown(4007, '3600 s UPnP', 4000)],
      counted: ['port-refused'],
    },
    {
      name: "U-61 lease 0 is the host's ceiling",
      given: { NewLeaseDuration: '0' },
      want: DONE,
      messages: [`add ${shown(4000, '86400 s UPnP')}`],
      held: [shown(4000, '86400 s UPnP')],
    },
    {
      name: 'U-61 lease 0 is the ceiling of the rule',
      setting: { grant: { maxLifetime: 120 } },
      given: { NewLeaseDuration: '0' },
      want: DONE,
      messages: [`add ${shown(4000, '120 s UPnP')}`],
      held: [shown(4000, '120 s UPnP')],
    },
    {
      name: 'U-62 the longest lease',
      given: { NewLeaseDuration: '4294967295' },
      want: DONE,
      messages: [`add ${shown(4000, '86400 s UPnP')}`],
      held: [shown(4000, '86400 s UPnP')],
    },
    {
      name: 'U-62 a short one',
      given: { NewLeaseDuration: '20' },
      want: DONE,
      messages: [`add ${shown(4000, '20 s UPnP')}`],
      held: [shown(4000, '20 s UPnP')],
    },
    {
      name: 'U-64 a denied host',
      setting: { rules: { rules: [{ who: EVERYONE, grant: null }] } },
      want: fault(606),
    },
    {
      name: 'U-64 a denied host does not renew',
      setting: { ...held({ externalPort: 4000 }), rules: { rules: [{ who: EVERYONE, grant: null }] } },
      want: fault(606),
    },
    {
      name: 'U-64 a denied internal port',
      setting: { rules: { deniedPorts: [{ from: 3999, to: 4001 }] } },
      given: { NewExternalPort: '5000' },
      want: fault(606),
    },
    {
      name: 'U-64 the rule is for a hardware address',
      setting: {
        rules: {
          rules: [
            { who: { kind: 'mac', mac: 0x020000000007 }, grant: { ...GRANT, maxLifetime: 77 } },
            { who: EVERYONE, grant: null },
          ],
        },
        hardwareAddress: (interfaceIndex, host) =>
          interfaceIndex === INTERFACE && host === ALICE ? 0x020000000007 : null,
      },
      want: DONE,
      messages: [`add ${shown(4000, '77 s UPnP')}`],
      held: [shown(4000, '77 s UPnP')],
    },
    {
      name: 'U-64 a rule needs the hardware address, which nobody knows',
      setting: { rules: { rules: [{ who: { kind: 'mac', mac: 0x020000000007 }, grant: GRANT }] } },
      want: fault(501),
      counted: ['unknown-host'],
    },
    {
      name: 'U-64 the helper does not permit it',
      setting: { answers: { 1: 'not-permitted' } },
      want: fault(606),
      messages: [ADD],
    },
    { name: 'U-65 at the quota', setting: { leases: five }, want: fault(728), counted: ['over-quota'] },
    {
      name: 'U-65 what NAT-PMP made counts as well',
      setting: { leases: five.map(({ externalPort }) => byNatPmp({ externalPort })) },
      want: fault(728),
    },
    {
      name: "U-65 the helper's quota",
      setting: { answers: { 1: 'host-full' } },
      want: fault(728),
      messages: [ADD],
    },
    { name: 'U-65 its table', setting: { answers: { 1: 'table-full' } }, want: fault(728), messages: [ADD] },
    { name: 'U-66 its rate', setting: { answers: { 1: 'rate' } }, want: fault(501), messages: [ADD] },
    {
      name: 'U-67 the kernel refuses it once',
      setting: { answers: { 1: 'kernel' } },
      want: DONE,
      messages: [ADD, ADD],
      held: [NEW],
    },
    {
      name: 'U-66 another try costs nothing',
      setting: { answers: { 1: 'kernel' }, burst: 1 },
      want: DONE,
      messages: [ADD, ADD],
      held: [NEW],
    },
    {
      name: 'U-67 the helper is too busy once',
      setting: { answers: { 1: 'late' } },
      want: DONE,
      messages: [ADD, ADD],
      held: [NEW],
    },
    {
      name: 'U-67 the helper does not answer once',
      setting: { answers: { 1: 'unavailable' } },
      want: DONE,
      messages: [ADD, ADD],
      held: [NEW],
    },
    { name: 'U-67 the helper is away', setting: { away: true }, want: fault(501), counted: ['helper-away'] },
    {
      name: 'U-85 the helper is back within 3 s',
      setting: { away: { backAfterMs: 2999 } },
      want: DONE,
      messages: [ADD],
      held: [NEW],
      counted: ADDED,
    },
    {
      name: 'U-85 the helper is back later',
      setting: { away: { backAfterMs: 3001 } },
      want: fault(501),
      counted: ['helper-away'],
    },
    {
      name: 'U-68 a static mapping of the same endpoint and port',
      setting: { leases: [staticLease({ externalPort: 4000 })] },
      want: DONE,
    },
    {
      name: 'U-68 a static mapping of the same endpoint on another port',
      setting: { leases: [staticLease({ externalPort: 80, internalPort: 4000 })] },
      want: fault(718),
    },
    {
      name: 'U-68 a static mapping of another host on the port',
      setting: { leases: [staticLease({ externalPort: 4000, internalAddress: BOB })] },
      want: fault(718),
    },
    {
      name: 'U-80 without an external address',
      setting: { address: null },
      want: DONE,
      messages: [ADD],
      held: [NEW],
    },
    {
      name: 'U-80 without one that may be used, which is required',
      setting: { address: null, rules: { requirePublicAddress: true } },
      want: fault(501),
      counted: ['no-address'],
    },
    {
      name: 'U-80 a move without an address that is required: nothing changes',
      setting: {
        ...held({ externalPort: 4007, internalPort: 4000 }),
        address: null,
        rules: { requirePublicAddress: true },
      },
      want: fault(501),
      counted: ['no-address'],
    },
    {
      name: 'U-80 a renewal without an address that is required: it may come again',
      setting: { ...held({ externalPort: 4000 }), address: null, rules: { requirePublicAddress: true } },
      want: DONE,
      messages: [ADD],
    },
    {
      name: 'U-80 a renewal with an address that may not be used',
      setting: {
        ...held({ externalPort: 4000 }),
        address: null,
        isAddressForbidden: true,
        rules: { requirePublicAddress: true },
      },
      want: fault(501),
      counted: ['no-address'],
    },
    {
      name: 'U-81 with an address that is required and there',
      setting: { rules: { requirePublicAddress: true } },
      want: DONE,
      messages: [ADD],
      held: [NEW],
    },
  ],
  addRow,
);

interface DeleteRow {
  readonly name: string;
  readonly setting?: Setting;
  readonly given?: Readonly<Record<string, string | undefined>>;
  readonly want: ControlResult;
  readonly messages?: readonly string[];
  readonly isGone?: true;
}

const REMOVE = 'remove tcp 192.168.1.10:4000';

cases<DeleteRow>(
  'DeletePortMapping',
  [
    {
      name: 'U-70 an own one',
      setting: held({ externalPort: 4000 }),
      want: DONE,
      messages: [REMOVE],
      isGone: true,
    },
    {
      name: 'U-70 by external port, not by internal port',
      setting: held({ externalPort: 4000, internalPort: 5000 }),
      want: DONE,
      messages: ['remove tcp 192.168.1.10:5000'],
      isGone: true,
    },
    { name: 'U-71 there is none', want: fault(714) },
    {
      name: "U-71 another host's: no difference to be seen",
      setting: held({ externalPort: 4000, internalAddress: BOB }),
      want: fault(714),
    },
    {
      name: "U-71 another host's static one",
      setting: { leases: [staticLease({ externalPort: 4000, internalAddress: BOB })] },
      want: fault(714),
    },
    {
      name: "U-71 the other protocol's",
      setting: held({ externalPort: 4000, protocol: 'udp' }),
      want: fault(714),
    },
    {
      name: 'U-71 an own static one',
      setting: { leases: [staticLease({ externalPort: 4000 })] },
      want: fault(606),
    },
    {
      name: 'U-71 a static one since a moment ago',
      setting: { leases: [lease({ externalPort: 4000 })], atHelper: [staticLease({ externalPort: 4000 })] },
      want: fault(606),
      messages: [REMOVE],
    },
    {
      name: 'U-71 an own one that NAT-PMP made',
      setting: { leases: [byNatPmp({ externalPort: 4000 })] },
      want: DONE,
      messages: [REMOVE],
      isGone: true,
    },
    {
      name: 'U-64 a denied host removes its own',
      setting: { ...held({ externalPort: 4000 }), rules: { rules: [{ who: EVERYONE, grant: null }] } },
      want: DONE,
      messages: [REMOVE],
      isGone: true,
    },
    {
      name: 'U-58 for one peer: there is no such mapping',
      setting: held({ externalPort: 4000 }),
      given: { NewRemoteHost: '198.51.100.7' },
      want: fault(714),
    },
    {
      name: 'U-58 any peer',
      setting: held({ externalPort: 4000 }),
      given: { NewRemoteHost: '0.0.0.0' },
      want: DONE,
      messages: [REMOVE],
      isGone: true,
    },
    {
      name: 'U-59 lower case',
      setting: held({ externalPort: 4000 }),
      given: { NewProtocol: 'tcp', NewRemoteHost: undefined },
      want: DONE,
      messages: [REMOVE],
      isGone: true,
    },
    { name: 'U-46 no protocol', given: { NewProtocol: undefined }, want: fault(402) },
    { name: 'U-46 no port', given: { NewExternalPort: undefined }, want: fault(402) },
    { name: 'U-47 a port out of range', given: { NewExternalPort: '69536' }, want: fault(402) },
    { name: 'U-53 any port', given: { NewExternalPort: '*' }, want: fault(402) },
    { name: 'U-53 port 0', given: { NewExternalPort: '0' }, want: fault(714) },
    {
      name: 'U-67 the kernel refuses it once',
      setting: { ...held({ externalPort: 4000 }), answers: { 1: 'kernel' } },
      want: DONE,
      messages: [REMOVE, REMOVE],
      isGone: true,
    },
    {
      name: 'U-67 the kernel refuses it for ever',
      setting: {
        ...held({ externalPort: 4000 }),
        answers: Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((number) => [number, 'kernel'])),
      },
      want: fault(501),
      messages: Array<string>(7).fill(REMOVE),
    },
    {
      name: 'U-67 it was removed, but nobody heard of it',
      setting: { ...held({ externalPort: 4000 }), answers: { 1: 'lost' } },
      want: DONE,
      messages: [REMOVE],
      isGone: true,
    },
    {
      name: 'U-67 the helper is away',
      setting: { ...held({ externalPort: 4000 }), away: true },
      want: fault(501),
    },
    {
      name: 'U-85 the helper is back within 3 s',
      setting: { ...held({ externalPort: 4000 }), away: { backAfterMs: 500 } },
      want: DONE,
      messages: [REMOVE],
      isGone: true,
    },
  ],
  async ({ setting, given, want, messages = [], isGone }) => {
    const world = new ControlWorld(setting);
    const before = world.held;
    const all = { NewRemoteHost: '', NewExternalPort: '4000', NewProtocol: 'TCP', ...given };
    const rest = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
    assert.equal(await world.call('WANIPConnection', 'DeletePortMapping', Object.fromEntries(rest)), want);
    assert.equal(
      world.messages.map((message) => message.join('; ')),
      messages,
    );
    assert.equal(world.held, isGone ? [] : before);
    assert.equal(
      world.counted.filter((event) => event === 'removed').length,
      messages.length > 0 && isGone === true ? 1 : 0,
    );
    if (setting?.atHelper === undefined) inSync(world);
  },
);

const entry = (port: number, description: string, seconds: string): [string, string][] => [
  ['NewInternalPort', String(port)],
  ['NewInternalClient', '192.168.1.10'],
  ['NewEnabled', '1'],
  ['NewPortMappingDescription', description],
  ['NewLeaseDuration', seconds],
];

interface SpecificRow {
  readonly name: string;
  readonly setting?: Setting;
  readonly given?: Readonly<Record<string, string>>;
  readonly want: ControlResult;
}

cases<SpecificRow>(
  'GetSpecificPortMappingEntry',
  [
    {
      name: 'U-72 an own one',
      setting: held({ externalPort: 4000, internalPort: 5000 }),
      want: values(...entry(5000, '', '3600')),
    },
    { name: 'U-72 there is none', want: fault(714) },
    {
      name: "U-72 another host's",
      setting: held({ externalPort: 4000, internalAddress: BOB }),
      want: fault(714),
    },
    {
      name: 'U-72 for one peer',
      setting: held({ externalPort: 4000 }),
      given: { NewRemoteHost: '198.51.100.7' },
      want: fault(714),
    },
    { name: 'U-47 a port out of range', given: { NewExternalPort: '65536' }, want: fault(402) },
    { name: 'U-59 no such protocol', given: { NewProtocol: 'ICMP' }, want: fault(402) },
    {
      name: 'U-71 one that NAT-PMP made',
      setting: { leases: [byNatPmp({ externalPort: 4000 })] },
      want: values(...entry(4000, '', '3600')),
    },
    {
      name: 'U-75 the rest is rounded up',
      setting: held({ externalPort: 4000, expiresAt: NOW + 1001 }),
      want: values(...entry(4000, '', '2')),
    },
    {
      name: 'U-75 at least 1, also if its time is over',
      setting: held({ externalPort: 4000, expiresAt: NOW - 10 }),
      want: values(...entry(4000, '', '1')),
    },
    {
      name: 'U-75 0 for a static one',
      setting: { leases: [staticLease({ externalPort: 4000 })] },
      want: values(...entry(4000, '', '0')),
    },
    {
      name: 'U-85 the table is not complete within 3 s',
      setting: { ...held({ externalPort: 4000 }), away: true },
      want: fault(501),
    },
    {
      name: 'U-85 the table is complete later',
      setting: { ...held({ externalPort: 4000 }), away: { backAfterMs: 3001 } },
      want: fault(501),
    },
    {
      name: 'U-85 the table is complete within 3 s',
      setting: { ...held({ externalPort: 4000 }), away: { backAfterMs: 100 } },
      want: values(...entry(4000, '', '3600')),
    },
  ],
  async ({ setting, given, want }) => {
    const world = new ControlWorld(setting);
    const all = { NewRemoteHost: '', NewExternalPort: '4000', NewProtocol: 'TCP', ...given };
    assert.equal(await world.call('WANIPConnection', 'GetSpecificPortMappingEntry', all), want);
    assert.equal(world.messages, []);
  },
);

const listed = (port: number, protocol: string, internalPort = port): ControlResult =>
  values(
    ['NewRemoteHost', ''],
    ['NewExternalPort', String(port)],
    ['NewProtocol', protocol],
    ...entry(internalPort, '', '3600'),
  );
const several = [
  lease({ externalPort: 9000 }),
  lease({ externalPort: 8000, protocol: 'udp' }),
  lease({ externalPort: 1500, internalAddress: BOB }),
  byNatPmp({ externalPort: 2000, internalPort: 60000 }),
];

interface GenericRow {
  readonly name: string;
  readonly leases?: Setting['leases'];
  readonly index?: string;
  readonly want: ControlResult;
}

cases<GenericRow>(
  'GetGenericPortMappingEntry',
  [
    { name: 'U-74 0: own ones by protocol and port', leases: several, index: '0', want: listed(2000, 'TCP', 60000) },
    { name: 'U-74 1', leases: several, index: '1', want: listed(9000, 'TCP') },
    { name: 'U-74 2', leases: several, index: '2', want: listed(8000, 'UDP') },
    { name: 'U-74 past the end', leases: several, index: '3', want: fault(713) },
    { name: 'U-74 the last index', leases: several, index: '65535', want: fault(713) },
    { name: 'U-74 index 0 of nothing', index: '0', want: fault(713) },
    { name: "U-74 others' are not listed", leases: several.slice(2, 3), index: '0', want: fault(713) },
    { name: 'U-47 above ui2', leases: several, index: '65536', want: fault(402) },
    { name: 'U-47 negative', leases: several, index: '-1', want: fault(402) },
    { name: 'U-46 missing', leases: several, want: fault(402) },
  ],
  async ({ leases = [], index, want }) => {
    const world = new ControlWorld({ leases });
    const given = index === undefined ? {} : { NewPortMappingIndex: index };
    const answer = await world.call('WANIPConnection', 'GetGenericPortMappingEntry', given as Record<string, string>);
    assert.equal(answer, want);
  },
);

interface PlainRow {
  readonly name: string;
  readonly service?: ServiceName;
  readonly action: string;
  readonly setting?: Setting;
  readonly given?: Readonly<Record<string, string>>;
  readonly want: ControlResult;
}

const links = (status: string): ControlResult =>
  values(
    ['NewWANAccessType', 'Ethernet'],
    ['NewLayer1UpstreamMaxBitRate', '1000000000'],
    ['NewLayer1DownstreamMaxBitRate', '1000000000'],
    ['NewPhysicalLinkStatus', status],
  );
const status = (connection: string, uptime: string): ControlResult =>
  values(['NewConnectionStatus', connection], ['NewLastConnectionError', 'ERROR_NONE'], ['NewUptime', uptime]);

const plain: readonly PlainRow[] = [
  { name: 'U-76', action: 'GetExternalIPAddress', want: values(['NewExternalIPAddress', '203.0.113.7']) },
  {
    name: 'U-80 no external address',
    action: 'GetExternalIPAddress',
    setting: { address: null },
    want: values(['NewExternalIPAddress', '']),
  },
  {
    name: 'U-81 a private address is told as it is',
    action: 'GetExternalIPAddress',
    setting: { address: parseIpv4('10.0.0.7') },
    want: values(['NewExternalIPAddress', '10.0.0.7']),
  },
  {
    name: 'U-77 connected since',
    action: 'GetStatusInfo',
    setting: { addressSinceMs: NOW - 61_999 },
    want: status('Connected', '61'),
  },
  {
    name: 'U-77 connected since this moment',
    action: 'GetStatusInfo',
    setting: { addressSinceMs: NOW },
    want: status('Connected', '0'),
  },
  {
    name: 'U-80 not connected',
    action: 'GetStatusInfo',
    setting: { address: null },
    want: status('Disconnected', '0'),
  },
  {
    name: 'U-80 not connected, because the address may not be used',
    action: 'GetStatusInfo',
    setting: { address: null, addressSinceMs: NOW - 61_999 },
    want: status('Disconnected', '0'),
  },
  {
    name: 'U-78',
    action: 'GetNATRSIPStatus',
    want: values(['NewRSIPAvailable', '0'], ['NewNATEnabled', '1']),
  },
  {
    name: 'U-78',
    action: 'GetConnectionTypeInfo',
    want: values(['NewConnectionType', 'IP_Routed'], ['NewPossibleConnectionTypes', 'IP_Routed']),
  },
  { name: 'U-79', action: 'SetConnectionType', given: { NewConnectionType: 'IP_Bridged' }, want: fault(501) },
  { name: 'U-79', action: 'ForceTermination', want: fault(501) },
  { name: 'U-79 connected', action: 'RequestConnection', want: DONE },
  { name: 'U-79 not connected', action: 'RequestConnection', setting: { address: null }, want: fault(704) },
  { name: 'U-82', service: 'WANCommonInterfaceConfig', action: 'GetCommonLinkProperties', want: links('Up') },
  {
    name: 'U-82 no external address',
    service: 'WANCommonInterfaceConfig',
    action: 'GetCommonLinkProperties',
    setting: { address: null },
    want: links('Down'),
  },
  ...['TotalBytesSent', 'TotalBytesReceived', 'TotalPacketsSent', 'TotalPacketsReceived'].map(
    (counter): PlainRow => ({
      name: `U-82 ${counter}`,
      service: 'WANCommonInterfaceConfig',
      action: `Get${counter}`,
      want: values([`New${counter}`, '0']),
    }),
  ),
  {
    name: 'U-24',
    service: 'Layer3Forwarding',
    action: 'GetDefaultConnectionService',
    want: values([
      'NewDefaultConnectionService',
      'uuid:71a008e5-149e-5abe-acc2-9e23f6dda2cc:WANConnectionDevice:1,urn:upnp-org:serviceId:WANIPConn1',
    ]),
  },
  {
    name: 'U-24 nobody sets it',
    service: 'Layer3Forwarding',
    action: 'SetDefaultConnectionService',
    given: { NewDefaultConnectionService: 'uuid:x' },
    want: fault(501),
  },
  { name: 'U-49 of version 2', action: 'AddAnyPortMapping', want: fault(401) },
  { name: 'U-49 of version 2', action: 'DeletePortMappingRange', want: fault(401) },
  { name: 'U-49 of version 2', action: 'GetListOfPortMappings', want: fault(401) },
  { name: 'U-49 of another service', action: 'GetCommonLinkProperties', want: fault(401) },
  { name: 'U-49 in another case', action: 'getexternalipaddress', want: fault(401) },
  { name: 'U-49 QueryStateVariable', action: 'QueryStateVariable', want: fault(401) },
  { name: 'U-49 a property of all objects', action: 'constructor', want: fault(401) },
  { name: 'U-49 a property of all objects', action: '__proto__', want: fault(401) },
  { name: 'U-49 no name', action: '', want: fault(401) },
  ...(Object.keys(SERVICES) as ServiceName[]).flatMap((service) =>
    SERVICES[service].notOffered.map(
      (action): PlainRow => ({ name: 'U-49 optional', service, action, want: fault(602) }),
    ),
  ),
];

cases<PlainRow>(
  'the other actions, with the helper away',
  plain.map((row) => ({ ...row, name: `${row.name} ${row.action}` })),
  async ({ service = 'WANIPConnection', action, setting, given = {}, want }) => {
    const world = new ControlWorld({ ...setting, away: true });
    assert.equal(await world.call(service, action, given), want);
    assert.equal(world.now, NOW, 'at once');
    const known = SERVICES[service].actions.some(({ name }) => name === action);
    const code = want.kind === 'fault' ? [`fault-${want.code}`] : [];
    assert.equal(world.counted, [known ? action : 'other-action', ...code]);
  },
);

claims('the actions', {
  'are those of the service descriptions, and each gives the values that they list': async () => {
    for (const [service, { actions }] of Object.entries(SERVICES) as [ServiceName, (typeof SERVICES)[ServiceName]][]) {
      for (const { name, out } of actions) {
        const world = new ControlWorld({ leases: [lease({ externalPort: 4000 })] });
        const given = {
          NewPortMappingIndex: '0',
          NewExternalPort: '4000',
          NewProtocol: 'TCP',
          NewInternalPort: '4000',
          NewEnabled: '1',
          NewLeaseDuration: '0',
        };
        const answer = await world.call(service, name, given);
        if (answer.kind === 'fault') assert.equal(answer.code, 501, name);
        else
          assert.equal(
            answer.values.map(([each]) => each),
            out.map((argument) => argument.name),
            name,
          );
        assert.is.not(world.counted[0], 'other-action');
      }
    }
  },
  'have counters, each of its own name': async () => {
    assert.is(new Set(CONTROL_EVENTS).size, CONTROL_EVENTS.length);
    for (const { actions } of Object.values(SERVICES))
      for (const { name } of actions) assert.ok((CONTROL_EVENTS as readonly string[]).includes(name), name);
  },
  'are answered from the configuration of now: rules and limits may be replaced': async () => {
    const world = new ControlWorld();
    const context = world.context as { config: object };
    context.config = { ...context.config, rules: [{ who: EVERYONE, grant: null }] };
    assert.equal(await world.add(), fault(606));
  },
});

claims('a mapping', {
  'U-69 is read back at once, before the event': async () => {
    const world = new ControlWorld({ lateEvents: true });
    assert.equal(await world.add({ NewLeaseDuration: '600' }), DONE);
    assert.equal(await world.specific(4000), values(...entry(4000, 'a game', '600')));
    const first = await world.generic(0);
    assert.equal(first.kind === 'values' && first.values[1], ['NewExternalPort', '4000']);
    assert.equal(await world.generic(1), fault(713));
    assert.equal(await world.specific(4000, 'UDP'), fault(714));
    world.hear();
    assert.equal(await world.specific(4000), values(...entry(4000, 'a game', '600')));
  },
  'U-69 is read back at once after a move, before the events, and after them': async () => {
    const world = new ControlWorld({ leases: [lease({ externalPort: 4000, internalPort: 4001 })], lateEvents: true });
    assert.equal(await world.add(), DONE);
    assert.equal(await world.add({ NewExternalPort: '4002' }), DONE);
    for (const _ of [1, 2]) {
      assert.equal(await world.specific(4000), fault(714));
      assert.equal(await world.specific(4002), values(...entry(4000, 'a game', '3600')));
      assert.equal(await world.generic(1), fault(713));
      world.hear();
    }
    inSync(world);
  },
  'U-70 is gone at once when it is deleted': async () => {
    const world = new ControlWorld({ lateEvents: true });
    await world.add();
    world.hear();
    assert.equal(await world.remove(4000), DONE);
    assert.equal(await world.specific(4000), fault(714));
    assert.equal(await world.remove(4000), fault(714));
    assert.is(world.descriptions.get(lease({ externalPort: 4000 })), '');
    assert.equal(await world.add({ NewPortMappingDescription: 'again' }), DONE);
    assert.equal(await world.specific(4000), values(...entry(4000, 'again', '3600')));
  },
  "U-71 of one host is not another's to see, renew, remove or move": async () => {
    const world = new ControlWorld();
    assert.equal(await world.add(), DONE);
    assert.equal(await world.specific(4000, 'TCP', BOB), fault(714));
    assert.equal(await world.generic(0, BOB), fault(713));
    assert.equal(await world.remove(4000, 'TCP', BOB), fault(714));
    assert.equal(await world.add({}, BOB), fault(718));
    assert.equal(await world.add({ NewInternalClient: '192.168.1.10' }, BOB), fault(606));
    assert.equal(world.held, [NEW]);
  },
  'U-73 has its description, also after a renewal and a move': async () => {
    const world = new ControlWorld();
    await world.add({ NewPortMappingDescription: 'ZeroTier/0123456789@9993' });
    await world.add({ NewPortMappingDescription: 'ZeroTier/0123456789@9994' });
    assert.equal(await world.specific(4000), values(...entry(4000, 'ZeroTier/0123456789@9994', '3600')));
    await world.add({ NewExternalPort: '4001', NewPortMappingDescription: 'moved' });
    assert.equal(await world.specific(4001), values(...entry(4000, 'moved', '3600')));
    assert.equal(world.descriptions.list(), [{ protocol: 'tcp', externalPort: 4001, description: 'moved' }]);
    await world.add({ NewExternalPort: '4001', NewInternalPort: '4005', NewPortMappingDescription: 'another' });
    assert.equal(await world.specific(4001), values(...entry(4005, 'another', '3600')));
  },
  'U-73 has its description again when it is put back': async () => {
    const world = new ControlWorld({ answers: { 3: 'host-full' } });
    await world.add({ NewPortMappingDescription: 'the first' });
    assert.equal(await world.add({ NewExternalPort: '4001', NewPortMappingDescription: 'the second' }), fault(728));
    assert.equal(await world.specific(4000), values(...entry(4000, 'the first', '3600')));
    assert.equal(world.descriptions.list(), [{ protocol: 'tcp', externalPort: 4000, description: 'the first' }]);
  },
  'U-73 has none of the one that was on the port before': async () => {
    const world = new ControlWorld();
    await world.add({ NewPortMappingDescription: 'secret of Alice' });
    await world.remove(4000);
    world.askElsewhere({ ...lease({ externalPort: 4000, internalAddress: BOB }), kind: 'add-mapping' });
    assert.equal((await world.specific(4000, 'TCP', BOB)).kind, 'values');
    assert.equal(world.descriptions.list(), []);
    const answer = await world.specific(4000, 'TCP', BOB);
    assert.equal(answer.kind === 'values' && answer.values[3], ['NewPortMappingDescription', '']);
  },
  'U-55 that the helper no longer has is forgotten when its renewal is refused': async () => {
    const world = new ControlWorld({
      leases: [lease({ externalPort: 4000 })],
      atHelper: [lease({ externalPort: 4000, internalAddress: BOB })],
      lateEvents: true,
    });
    assert.equal(await world.add(), fault(718));
    assert.equal(await world.specific(4000), fault(714));
    assert.equal(await world.add({ NewExternalPort: '4001' }), DONE, 'as a new one, not a move');
    assert.equal(world.messages.at(-1), [`add ${shown(4001, '3600 s UPnP', 4000)}`]);
  },
  "U-57 that NAT-PMP renews is no longer UPnP's to move": async () => {
    const world = new ControlWorld();
    await world.add();
    const { tool: _, ...natPmp } = lease({ externalPort: 4000 });
    world.askElsewhere({ ...natPmp, kind: 'add-mapping' });
    assert.equal(await world.add({ NewExternalPort: '4001' }), fault(718));
    assert.equal(world.held, ['tcp 4000 -> 192.168.1.10:4000 3600 s']);
  },
});

claims('U-83', {
  'U-83 a new external address is told from the next request on, and mappings stay': async () => {
    const world = new ControlWorld({ leases: [lease({ externalPort: 4000 })] });
    world.address = parseIpv4('198.51.100.9');
    assert.equal(
      await world.call('WANIPConnection', 'GetExternalIPAddress'),
      values(['NewExternalIPAddress', '198.51.100.9']),
    );
    assert.equal((await world.specific(4000)).kind, 'values');
    world.address = null;
    assert.equal((await world.specific(4000)).kind, 'values');
    assert.equal(await world.call('WANIPConnection', 'GetStatusInfo'), status('Disconnected', '0'));
  },
});

/** A move that the helper refused by its rate, as it did with so many requests in all, and the old mapping is away. */
async function moveThatLost(refused: number, leftMs = 3_600_000) {
  const answers = Object.fromEntries(Array.from({ length: refused - 1 }, (_, index) => [index + 2, 'rate' as const]));
  const world = new ControlWorld({ leases: [lease({ externalPort: 4000, expiresAt: NOW + leftMs })], answers });
  assert.equal(await world.add({ NewExternalPort: '4001' }), fault(501));
  assert.equal(world.held, []);
  /** Until it is so, or for 100 turns in which nothing comes. */
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let turns = 0, before = world.messages.length; turns < 100 && !isSo(); turns++) {
      await new Promise(setImmediate);
      if (world.messages.length > before) turns = 0;
      before = world.messages.length;
    }
  };
  return { world, until };
}

claims('many calls', {
  'U-66 ten adds at once of ports that are taken cost nothing, and the next is granted': async () => {
    const taken = Array.from({ length: 10 }, (_, index) => lease({ externalPort: 5000 + index, internalAddress: BOB }));
    const world = new ControlWorld({ leases: taken, burst: 1 });
    const answers = await Promise.all(
      taken.map(({ externalPort }) => world.add({ NewExternalPort: `${externalPort}` })),
    );
    assert.equal(
      answers,
      taken.map(() => fault(718)),
    );
    assert.equal(await world.add(), DONE);
    assert.equal(await world.add({ NewExternalPort: '4001', NewInternalPort: '4001' }), fault(501));
    assert.ok(world.counted.includes('rate-limited'));
    assert.equal(await world.add(), DONE, 'a renewal costs nothing');
  },
  'U-65 that are refused leave no reservation': async () => {
    const world = new ControlWorld({ answers: { 1: 'rate', 2: 'conflict', 3: 'not-permitted' } });
    for (const code of [501, 718, 606]) assert.equal(await world.add(), fault(code));
    assert.is(world.leases.count(ALICE), 0);
    assert.equal(await world.add({}, BOB), DONE);
  },
  'U-66 a host without a token moves nothing': async () => {
    const world = new ControlWorld({ burst: 1 });
    assert.equal(await world.add(), DONE);
    assert.equal(await world.add({ NewExternalPort: '4001' }), fault(501));
    assert.equal(world.held, [NEW]);
  },
  'two of the same port at once: the first has it': async () => {
    const world = new ControlWorld();
    assert.equal(await Promise.all([world.add(), world.add({}, BOB)]), [DONE, fault(718)]);
    assert.equal(world.messages, [[ADD]], 'the second is not even asked for');
    assert.equal(world.held, [NEW]);
  },
  'of one host are carried out in order, also while the helper is away': async () => {
    const world = new ControlWorld({ away: { backAfterMs: 1000 } });
    assert.equal(await Promise.all([world.add(), world.remove(4000)]), [DONE, DONE]);
    assert.equal(world.held, []);
    inSync(world);
  },
  'a move and the next move at once: the last wins, none is lost': async () => {
    const world = new ControlWorld();
    const ports = ['4000', '4001', '4002', '4003'];
    const answers = await Promise.all(ports.map((NewExternalPort) => world.add({ NewExternalPort })));
    assert.equal(
      answers,
      ports.map(() => DONE),
    );
    assert.equal(world.held, ['tcp 4003 -> 192.168.1.10:4000 3600 s UPnP']);
    inSync(world);
  },
  'U-56 whose old mapping is refused by the rate for long: it is put back without the call': async () => {
    const { world, until } = await moveThatLost(15);
    await until(() => world.held.length > 0);
    assert.equal(world.held, ['tcp 4000 -> 192.168.1.10:4000 3590 s UPnP']);
    assert.equal(await world.specific(4000), values(...entry(4000, '', '3590')));
    inSync(world);
    const messages = world.messages.length;
    await until(() => false);
    assert.is(world.messages.length, messages, 'and then no more is asked');
  },
  'U-56 whose old mapping cannot be put back before its time is over: that ends': async () => {
    const { world, until } = await moveThatLost(100_000, 60_000);
    await until(() => world.now > NOW + 65_000);
    assert.ok(world.messages.length < 75, `${world.messages.length} messages`);
    assert.equal(world.held, []);
  },
  'U-56 whose old mapping is removed before it is put back: it stays away': async () => {
    const { world, until } = await moveThatLost(15);
    assert.equal(await world.remove(4000, 'TCP', BOB), fault(714));
    assert.equal(await world.remove(4000), DONE);
    assert.equal(await world.remove(4000), fault(714));
    await until(() => world.held.length > 0);
    assert.equal(world.held, []);
  },
  'U-56 that succeeds after all, and is removed: the old mapping stays away': async () => {
    const { world, until } = await moveThatLost(9);
    assert.equal(await world.add({ NewExternalPort: '4001' }), DONE);
    assert.equal(await world.remove(4001), DONE);
    await until(() => world.held.length > 0);
    assert.equal(world.held, []);
  },
  'moves of TCP and UDP at once, of a host at its quota: both': async () => {
    const held = (['tcp', 'udp'] as const).map((protocol) => lease({ protocol, externalPort: 4000 }));
    const world = new ControlWorld({ leases: held, grant: { maxMappings: 2 } });
    const moves = ['TCP', 'UDP'].map((NewProtocol) => world.add({ NewProtocol, NewExternalPort: '4001' }));
    assert.equal(await Promise.all(moves), [DONE, DONE]);
    assert.equal(
      world.held,
      ['tcp', 'udp'].map((protocol) => `${protocol} 4001 -> 192.168.1.10:4000 3600 s UPnP`),
    );
    inSync(world);
  },
  'above the quota at once: as many as may be': async () => {
    const world = new ControlWorld();
    const ports = Array.from({ length: 8 }, (_, index) => String(5000 + index));
    const answers = await Promise.all(
      ports.map((port, index) =>
        world.add({ NewExternalPort: port, NewInternalPort: port, NewProtocol: index % 2 ? 'UDP' : 'TCP' }),
      ),
    );
    assert.is(answers.filter(({ kind }) => kind === 'values').length, 5);
    assert.equal(
      answers.filter(({ kind }) => kind === 'fault'),
      [fault(728), fault(728), fault(728)],
    );
    assert.is(world.held.length, 5);
  },
  'that wait for the helper are bounded, for a host and in all': async () => {
    const world = new ControlWorld({ away: true });
    const own = Array.from({ length: 17 }, () => world.add());
    assert.equal(await own[16], fault(501));
    assert.equal(
      world.counted.filter((event) => event === 'shed'),
      ['shed'],
    );
    const hosts = Array.from({ length: 13 }, (_, index) => BOB + index);
    const others = hosts.flatMap((host) => Array.from({ length: 10 }, () => world.add({}, host)));
    await Promise.race(others.slice(-1));
    assert.is(world.counted.filter((event) => event === 'shed').length, 1 + (16 + 130 - 128));
    await Promise.all([...own, ...others]);
    world.now += 10_000;
    assert.equal((await world.call('WANIPConnection', 'GetExternalIPAddress')).kind, 'values');
  },
  'that come after others that waited for 3 s do not wait as well': async () => {
    const answers = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [index + 1, 'kernel' as const]));
    const world = new ControlWorld({ answers });
    const began = world.now;
    const all = await Promise.all(Array.from({ length: 8 }, () => world.add()));
    assert.equal(
      all,
      all.map(() => fault(501)),
    );
    assert.ok(world.now - began <= PATIENCE_MS + 1000, `${world.now - began} ms`);
  },
});
