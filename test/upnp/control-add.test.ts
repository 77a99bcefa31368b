// What AddPortMapping does: the messages to the helper, what it holds then, and the answer.

import * as assert from 'uvu/assert';
import { EVERYONE } from '../../config/rules.js';
import type { ControlEvent, ControlResult } from '../../upnp/igd/control.js';
import { cases } from '../support/cases.js';
import type { Setting } from './control-world.js';
import {
  ADD,
  ALICE,
  BOB,
  byNatPmp,
  ControlWorld,
  DONE,
  fault,
  GRANT,
  held,
  inSync,
  INTERFACE,
  lease,
  NEW,
  NOW,
  shown,
  staticLease,
} from './control-world.js';

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

const five = [5001, 5002, 5003, 5004, 5005].map((externalPort) => lease({ externalPort }));

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
