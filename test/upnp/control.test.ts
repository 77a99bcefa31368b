// What each action does, on the helper's real decisions: the answer, what the helper was asked, and what it then holds.

import * as assert from 'uvu/assert';
import { PATIENCE_MS } from '../../caller/waiting.js';
import { EVERYONE } from '../../config/rules.js';
import { parseIpv4 } from '../../proto/mapping.js';
import type { ControlResult } from '../../upnp/igd/control.js';
import { CONTROL_EVENTS } from '../../upnp/igd/control.js';
import type { ServiceName } from '../../upnp/igd/services.js';
import { SERVICES } from '../../upnp/igd/services.js';
import { cases, claims } from '../support/cases.js';
import type { Setting } from './control-world.js';
import {
  ADD,
  ALICE,
  BOB,
  byNatPmp,
  ControlWorld,
  DONE,
  fault,
  held,
  inSync,
  lease,
  NEW,
  NOW,
  shown,
  staticLease,
  values,
} from './control-world.js';

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
