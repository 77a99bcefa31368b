import * as assert from 'uvu/assert';
import { resourcesOf } from '../../upnp/ssdp/resources.js';
import { cases, claims } from '../support/cases.js';

const ROOT = 'uuid:11111111-aaaa-5111-8111-111111111111';
const WAN = 'uuid:22222222-bbbb-5222-8222-222222222222';
const CONNECTION = 'uuid:33333333-cccc-5333-8333-333333333333';
const here = resourcesOf({ root: ROOT, wan: WAN, connection: CONNECTION });
const DEVICE = 'urn:schemas-upnp-org:device:';
const SERVICE = 'urn:schemas-upnp-org:service:';

claims('what is here', {
  'U-07 ssdp:all finds ten, the gateway first': () => {
    assert.equal(
      here.find('ssdp:all').map(({ type, usn }) => `${type} ${usn}`),
      [
        `${DEVICE}InternetGatewayDevice:1 ${ROOT}::${DEVICE}InternetGatewayDevice:1`,
        `upnp:rootdevice ${ROOT}::upnp:rootdevice`,
        `${ROOT} ${ROOT}`,
        `${SERVICE}Layer3Forwarding:1 ${ROOT}::${SERVICE}Layer3Forwarding:1`,
        `${WAN} ${WAN}`,
        `${DEVICE}WANDevice:1 ${WAN}::${DEVICE}WANDevice:1`,
        `${SERVICE}WANCommonInterfaceConfig:1 ${WAN}::${SERVICE}WANCommonInterfaceConfig:1`,
        `${CONNECTION} ${CONNECTION}`,
        `${DEVICE}WANConnectionDevice:1 ${CONNECTION}::${DEVICE}WANConnectionDevice:1`,
        `${SERVICE}WANIPConnection:1 ${CONNECTION}::${SERVICE}WANIPConnection:1`,
      ],
    );
    assert.equal(here.find('ssdp:all'), here.all);
  },
});

cases<{ name: string; target: string; usn: string }>(
  'U-04 one of them',
  [
    ...here.all.map(({ type, usn }) => ({ name: type, target: type, usn })),
    {
      name: 'U-05 WANPPPConnection, which ssdp:all does not tell of',
      target: `${SERVICE}WANPPPConnection:1`,
      usn: `${CONNECTION}::${SERVICE}WANPPPConnection:1`,
    },
    { name: 'a UUID in upper case', target: WAN.toUpperCase().replace('UUID', 'uuid'), usn: WAN },
    { name: 'and its prefix too', target: WAN.toUpperCase(), usn: WAN },
  ],
  // The reply has the target as it was sent.
  ({ target, usn }) => assert.equal(here.find(target), [{ type: target, usn }]),
);

cases(
  'U-06 nothing else',
  [
    `${DEVICE}InternetGatewayDevice:2`,
    `${DEVICE}InternetGatewayDevice:0`,
    `${DEVICE}InternetGatewayDevice:11`,
    `${DEVICE}InternetGatewayDevice`,
    `${SERVICE}WANIPConnection:2`,
    `${SERVICE}WANIPv6FirewallControl:1`,
    `${DEVICE}internetgatewaydevice:1`,
    'urn:schemas-upnp-org:device:MediaServer:1',
    'ssdp:ALL',
    'upnp:rootdevice ',
    'uuid:44444444-dddd-5444-8444-444444444444',
    ROOT.slice(0, -1),
    ROOT.slice(5),
    '__proto__',
    'constructor',
    '',
  ].map((name) => ({ name })),
  ({ name }) => assert.equal(here.find(name), []),
);
