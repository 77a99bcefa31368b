// What natpmp-upnp tells the administrator of itself: what a LAN host would be told now.

import * as assert from 'uvu/assert';
import type { ControlCall, ControlResult } from '../../upnp/igd/control.js';
import { documentsOf } from '../../upnp/igd/description.js';
import { deviceReport, type ReportDeps } from '../../upnp/device-report.js';
import { identityOf } from '../../upnp/igd/identity.js';
import type { SsdpDeps } from '../../upnp/ssdp/types.js';
import { ip, manualClock } from '../frontend/support.js';
import { cases, claims } from '../support/cases.js';

const [BR_LAN, BR_GUEST] = [3, 4];
const ROUTER = ip('192.168.1.1');
const GUEST_ROUTER = ip('192.168.2.1');
const bind = (interfaceName: string, interfaceIndex: number) =>
  ({ fd: 9, family: 2, interfaceName, interfaceIndex, address: 0, port: 1900 }) as never;

interface World {
  readonly ssdp?: Partial<SsdpDeps>;
  readonly document?: ReportDeps['document'];
  readonly isJoined?: ReportDeps['isJoined'];
  readonly externalAddress?: string;
}

/** Two LANs in order, and what was called. */
function world({ ssdp = {}, isJoined = () => true, externalAddress = '203.0.113.10', ...more }: World) {
  const calls: string[] = [];
  const identities = new Map([
    [BR_LAN, identityOf('test', 'br-lan')],
    [BR_GUEST, identityOf('test', 'br-guest')],
  ]);
  const documents = new Map([...identities].map(([index, identity]) => [index, documentsOf(identity, '0')]));
  const control = async ({ service, action }: ControlCall, caller: { host: number }): Promise<ControlResult> => {
    calls.push(`${service} ${action} by ${caller.host >>> 0}`);
    const values: readonly (readonly [string, string])[] =
      action === 'GetStatusInfo'
        ? [['NewConnectionStatus', externalAddress === '' ? 'Disconnected' : 'Connected']]
        : [['NewExternalIPAddress', externalAddress]];
    return { kind: 'values', values };
  };
  const deps: ReportDeps = {
    lans: [bind('br-lan', BR_LAN), bind('br-guest', BR_GUEST)],
    ssdp: {
      lans: new Map([...identities].map(([index, identity]) => [index, { identity }])),
      httpPort: 2869,
      descriptionPath: '/igd.xml',
      serverHeader: 'Linux UPnP/1.1 natpmp-server/0',
      bootId: 1,
      configId: 1,
      lookUp() {},
      isLanHost: (index, host) =>
        host >>> 8 === (index === BR_LAN ? ROUTER : GUEST_ROUTER) >>> 8 && ![0, 1, 255].includes(host & 255),
      isOwnAddress: (index, address) => address === (index === BR_LAN ? ROUTER : GUEST_ROUTER),
      addresses: (index) => [index === BR_LAN ? ROUTER : GUEST_ROUTER],
      isResolved: () => false,
      clock: manualClock().now,
      schedule: () => {
        throw new Error('nothing is left for later');
      },
      random: () => 0.5,
      count: (event) => assert.unreachable(`${event} is counted`),
      onDefect: (error) => assert.unreachable(String(error)),
      ...ssdp,
    },
    document: more.document ?? ((index, path) => documents.get(index)?.get(path) ?? null),
    control,
    isJoined,
  };
  return { deps, calls };
}

const lan = { interface: 'br-lan', location: 'http://192.168.1.1:2869/igd.xml', joined: true };
const guest = { interface: 'br-guest', location: 'http://192.168.2.1:2869/igd.xml', joined: true };
const connected = { status: 'Connected', externalAddress: '203.0.113.10' };

cases<World & { name: string; want: object }>(
  'a report of the device',
  [
    { name: 'in order', want: { lans: [lan, guest], ...connected } },
    {
      name: 'no external address',
      externalAddress: '',
      want: { lans: [lan, guest], status: 'Disconnected', externalAddress: null },
    },
    {
      name: 'a LAN without an address',
      ssdp: { addresses: (index) => (index === BR_LAN ? [] : [GUEST_ROUTER]) },
      want: { lans: [{ ...lan, location: null }, guest], ...connected },
    },
    {
      name: 'no LAN host could ask',
      ssdp: { isLanHost: (index, host) => index === BR_GUEST && host === ip('192.168.2.2') },
      want: { lans: [{ ...lan, location: null }, guest], ...connected },
    },
    {
      name: 'the router has the last address of a network',
      ssdp: {
        addresses: () => [ip('192.168.1.254')],
        isLanHost: (_index, host) => host === ip('192.168.1.253'),
      },
      document: (index, path) => documentsOf(identityOf('test', String(index)), '0').get(path) ?? null,
      want: {
        lans: [lan, guest].map((each) => ({ ...each, location: 'http://192.168.1.254:2869/igd.xml' })),
        ...connected,
      },
    },
    {
      name: 'of several addresses one that hosts have',
      ssdp: { addresses: (index) => (index === BR_LAN ? [ip('10.9.9.9'), ROUTER] : [GUEST_ROUTER]) },
      want: { lans: [lan, guest], ...connected },
    },
    {
      name: 'no description where the reply says',
      document: () => null,
      want: { lans: [lan, guest].map((each) => ({ ...each, location: null })), ...connected },
    },
    {
      name: 'a description without the service',
      document: () => '<root/>',
      want: { lans: [lan, guest].map((each) => ({ ...each, location: null })), ...connected },
    },
    {
      name: 'not in the group',
      isJoined: (index) => index !== BR_LAN,
      want: { lans: [{ ...lan, joined: false }, guest], ...connected },
    },
  ],
  async ({ want, ...given }) => assert.equal(await deviceReport(world(given).deps), want),
);

claims('a report of the device', {
  'is what the actions answer to a host of the LAN': async () => {
    const { deps, calls } = world({});
    await deviceReport(deps);
    assert.equal(calls, [
      `WANIPConnection GetExternalIPAddress by ${ip('192.168.1.2')}`,
      `WANIPConnection GetStatusInfo by ${ip('192.168.1.2')}`,
    ]);
  },
  'of no LAN tells nothing': async () => {
    const { deps } = world({});
    assert.equal(await deviceReport({ ...deps, lans: [] }), { lans: [], status: null, externalAddress: null });
  },
});
