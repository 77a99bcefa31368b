// What programs and consoles do one after the other, from the bytes of the body to those of the answer.

import * as assert from 'uvu/assert';
import type { Ipv4 } from '../../proto/mapping.js';
import { answerXml, faultXml, parseCall } from '../../upnp/igd/soap.js';
import { cases } from '../support/cases.js';
import type { Setting } from './control-world.js';
import { ALICE, BOB, byNatPmp, ControlWorld, INTERFACE } from './control-world.js';

const TYPE = 'urn:schemas-upnp-org:service:WANIPConnection:1';

/** The body of a request, as miniupnpc writes it. */
function request(action: string, given: readonly string[]): string {
  const inside = given.map((each) => {
    const [name = '', value = ''] = each.split('=');
    return `<New${name}>${value}</New${name}>`;
  });
  return (
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${TYPE}">${inside.join('')}</u:${action}></s:Body></s:Envelope>\r\n`
  );
}

/** The body of the answer. */
async function answer(world: ControlWorld, host: Ipv4, action: string, body: string): Promise<string> {
  const parsed = parseCall(Buffer.from(body), `"${TYPE}#${action}"`, 'WANIPConnection');
  if (parsed.kind === 'http') return `HTTP ${parsed.status}`;
  if (parsed.kind === 'fault') return faultXml(parsed.code);
  const result = await world.control(parsed.call, { host, interfaceIndex: INTERFACE });
  return result.kind === 'fault' ? faultXml(result.code) : answerXml('WANIPConnection', action, result.values);
}

/** What is in the body of an answer: the elements of its values, or the error's code. */
function inside(xml: string, action: string): string {
  const start = `<u:${action}Response xmlns:u="${TYPE}">`;
  const end = `</u:${action}Response></s:Body></s:Envelope>\r\n`;
  if (xml.includes(start) && xml.endsWith(end)) return xml.slice(xml.indexOf(start) + start.length, -end.length);
  return /<faultstring>UPnPError<\/faultstring>.*<errorCode>([0-9]+)<\/errorCode>/.exec(xml)?.[1] ?? xml;
}

/** AddPortMapping of the host's own, with the lease 0 of consoles. */
const add = (port: number, protocol: string, internal = port, lease = 0, client = '192.168.1.10', text = 'x') => [
  'RemoteHost=',
  `ExternalPort=${port}`,
  `Protocol=${protocol}`,
  `InternalPort=${internal}`,
  `InternalClient=${client}`,
  'Enabled=1',
  `PortMappingDescription=${text}`,
  `LeaseDuration=${lease}`,
];
const key = (port: number, protocol: string) => ['RemoteHost=', `ExternalPort=${port}`, `Protocol=${protocol}`];
const content = (internal: number, text: string, lease: number, client = '192.168.1.10'): string =>
  `<NewInternalPort>${internal}</NewInternalPort><NewInternalClient>${client}</NewInternalClient>` +
  `<NewEnabled>1</NewEnabled><NewPortMappingDescription>${text}</NewPortMappingDescription>` +
  `<NewLeaseDuration>${lease}</NewLeaseDuration>`;

type Step = readonly [host: Ipv4, action: string, given: readonly string[], want: string];

interface ClientRow {
  readonly name: string;
  readonly setting?: Setting;
  readonly steps: readonly Step[];
  /** What the helper holds at the end. */
  readonly held: readonly string[];
}

const BOBS = '192.168.1.11';

cases<ClientRow>(
  'a client',
  [
    {
      name: 'two Xboxes: it looks first; the second has another external port for the same internal one',
      steps: [
        [ALICE, 'GetExternalIPAddress', [], '<NewExternalIPAddress>203.0.113.7</NewExternalIPAddress>'],
        [ALICE, 'GetSpecificPortMappingEntry', key(3074, 'UDP'), '714'],
        [ALICE, 'AddPortMapping', add(3074, 'UDP', 3074, 0, '192.168.1.10', 'Teredo'), ''],
        [ALICE, 'GetSpecificPortMappingEntry', key(3074, 'UDP'), content(3074, 'Teredo', 86400)],
        [BOB, 'GetSpecificPortMappingEntry', key(3074, 'UDP'), '714'],
        [BOB, 'AddPortMapping', add(3074, 'UDP', 3074, 0, BOBS), '718'],
        [BOB, 'AddPortMapping', add(51000, 'UDP', 3074, 0, BOBS), ''],
        [ALICE, 'DeletePortMapping', key(3074, 'UDP'), ''],
        [ALICE, 'AddPortMapping', add(3074, 'UDP'), ''],
        [ALICE, 'DeletePortMapping', key(51000, 'UDP'), '714'],
      ],
      held: ['udp 3074 -> 192.168.1.10:3074 86400 s UPnP', 'udp 51000 -> 192.168.1.11:3074 86400 s UPnP'],
    },
    {
      name: 'two PlayStations: UDP 9308, and in a game the next port',
      steps: [
        [ALICE, 'AddPortMapping', add(9308, 'UDP'), ''],
        [BOB, 'AddPortMapping', add(9308, 'UDP', 9308, 0, BOBS), '718'],
        [ALICE, 'AddPortMapping', add(3074, 'UDP'), ''],
        [BOB, 'AddPortMapping', add(3074, 'UDP', 3074, 0, BOBS), '718'],
        [BOB, 'AddPortMapping', add(3075, 'UDP', 3074, 0, BOBS), ''],
      ],
      held: [
        'udp 3074 -> 192.168.1.10:3074 86400 s UPnP',
        'udp 3075 -> 192.168.1.11:3074 86400 s UPnP',
        'udp 9308 -> 192.168.1.10:9308 86400 s UPnP',
      ],
    },
    {
      name: 'Rainbow Six: no internal client (miniupnp issue 236)',
      steps: [[ALICE, 'AddPortMapping', add(6015, 'UDP', 6015, 3600, ''), '']],
      held: ['udp 6015 -> 192.168.1.10:6015 3600 s UPnP'],
    },
    {
      name: 'Transmission: both protocols, looked at again, deleted at the end',
      steps: [
        [ALICE, 'AddPortMapping', add(51413, 'TCP', 51413, 0, '192.168.1.10', 'Transmission at 51413'), ''],
        [ALICE, 'AddPortMapping', add(51413, 'UDP', 51413, 0, '192.168.1.10', 'Transmission at 51413'), ''],
        [ALICE, 'GetSpecificPortMappingEntry', key(51413, 'TCP'), content(51413, 'Transmission at 51413', 86400)],
        [ALICE, 'GetSpecificPortMappingEntry', key(51413, 'UDP'), content(51413, 'Transmission at 51413', 86400)],
        [ALICE, 'DeletePortMapping', key(51413, 'TCP'), ''],
        [ALICE, 'GetSpecificPortMappingEntry', key(51413, 'TCP'), '714'],
      ],
      held: ['udp 51413 -> 192.168.1.10:51413 86400 s UPnP'],
    },
    {
      name: 'libtorrent: its port is taken, then random ones until one is free',
      steps: [
        [BOB, 'AddPortMapping', add(6881, 'TCP', 6881, 3600, BOBS), ''],
        [ALICE, 'AddPortMapping', add(6881, 'TCP', 6881, 3600), '718'],
        [ALICE, 'AddPortMapping', add(41234, 'TCP', 6881, 3600, '192.168.1.10', 'libtorrent/2.0 &at;'), ''],
        [ALICE, 'AddPortMapping', add(41234, 'TCP', 6881, 3600), ''],
      ],
      held: ['tcp 6881 -> 192.168.1.11:6881 3600 s UPnP', 'tcp 41234 -> 192.168.1.10:6881 3600 s UPnP'],
    },
    {
      name: 'libtorrent beside its own NAT-PMP: the same port is shared, and no other one takes it away',
      setting: { leases: [byNatPmp({ externalPort: 6881 }), byNatPmp({ externalPort: 40000, internalPort: 7000 })] },
      steps: [
        [ALICE, 'AddPortMapping', add(6881, 'TCP', 6881, 3600), ''],
        [ALICE, 'AddPortMapping', add(7000, 'TCP', 7000, 3600), '718'],
        [ALICE, 'AddPortMapping', add(48123, 'TCP', 7000, 3600), '718'],
      ],
      held: ['tcp 6881 -> 192.168.1.10:6881 3600 s', 'tcp 40000 -> 192.168.1.10:7000 3600 s'],
    },
    {
      name: 'ZeroTier: its description comes back, or it adds again and again',
      steps: [
        [ALICE, 'AddPortMapping', add(29994, 'UDP', 9993, 0, '192.168.1.10', 'ZeroTier/8056c2e21c@9993'), ''],
        [ALICE, 'GetSpecificPortMappingEntry', key(29994, 'UDP'), content(9993, 'ZeroTier/8056c2e21c@9993', 86400)],
        [ALICE, 'AddPortMapping', add(29994, 'UDP', 9993, 0, '192.168.1.10', 'ZeroTier/8056c2e21c@9993'), ''],
      ],
      held: ['udp 29994 -> 192.168.1.10:9993 86400 s UPnP'],
    },
    {
      name: 'U-63 a long description: its beginning comes back, in whole characters',
      steps: [
        [ALICE, 'AddPortMapping', add(4000, 'UDP', 4000, 600, '192.168.1.10', '😀'.repeat(1500)), ''],
        [ALICE, 'GetSpecificPortMappingEntry', key(4000, 'UDP'), content(4000, '😀'.repeat(64), 600)],
      ],
      held: ['udp 4000 -> 192.168.1.10:4000 600 s UPnP'],
    },
    {
      name: 'upnpc -l: a walk to the end, with what has to be escaped',
      setting: { leases: [byNatPmp({ externalPort: 5000, protocol: 'udp' })] },
      steps: [
        [ALICE, 'AddPortMapping', add(4000, 'tcp', 4001, 60, '192.168.1.10', '&lt;b&gt; &amp; &quot;'), ''],
        [
          ALICE,
          'GetGenericPortMappingEntry',
          ['PortMappingIndex=0'],
          '<NewRemoteHost></NewRemoteHost><NewExternalPort>4000</NewExternalPort><NewProtocol>TCP</NewProtocol>' +
            content(4001, '&lt;b&gt; &amp; &quot;', 60),
        ],
        [
          ALICE,
          'GetGenericPortMappingEntry',
          ['PortMappingIndex=1'],
          '<NewRemoteHost></NewRemoteHost><NewExternalPort>5000</NewExternalPort><NewProtocol>UDP</NewProtocol>' +
            content(5000, '', 3600),
        ],
        [ALICE, 'GetGenericPortMappingEntry', ['PortMappingIndex=2'], '713'],
        [BOB, 'GetGenericPortMappingEntry', ['PortMappingIndex=0'], '713'],
      ],
      held: ['tcp 4000 -> 192.168.1.10:4001 60 s UPnP', 'udp 5000 -> 192.168.1.10:5000 3600 s'],
    },
    {
      name: 'UPnProxy: the router as a way to others',
      steps: [
        [ALICE, 'AddPortMapping', add(5555, 'TCP', 80, 0, '93.184.216.34'), '606'],
        [ALICE, 'AddPortMapping', add(5555, 'TCP', 80, 0, '192.168.1.1'), '606'],
        [ALICE, 'AddPortMapping', add(5555, 'TCP', 80, 0, '127.0.0.1'), '606'],
        [ALICE, 'AddPortMapping', add(5555, 'TCP', 80, 0, BOBS), '606'],
        [ALICE, 'AddPortMapping', add(99999, 'TCP', 80), '402'],
        [ALICE, 'SetConnectionType', ['ConnectionType=IP_Bridged'], '501'],
        [ALICE, 'ForceTermination', [], '501'],
      ],
      held: [],
    },
    {
      name: 'a client of version 2',
      steps: [
        [ALICE, 'AddAnyPortMapping', add(4000, 'TCP'), '401'],
        [ALICE, 'GetListOfPortMappings', ['StartPort=0', 'EndPort=65535', 'Protocol=TCP', 'Manage=1'], '401'],
        [ALICE, 'AddPortMapping', add(4000, 'TCP'), ''],
      ],
      held: ['tcp 4000 -> 192.168.1.10:4000 86400 s UPnP'],
    },
  ],
  async ({ setting, steps, held }) => {
    const world = new ControlWorld(setting);
    for (const [index, [host, action, given, want]] of steps.entries()) {
      const xml = await answer(world, host, action, request(action, given));
      assert.is(inside(xml, action), want, `step ${index + 1}: ${action} ${given.join(' ')}`);
    }
    assert.equal(world.held, held);
  },
);
