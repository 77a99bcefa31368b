// What natpmpctl doctor makes of UPnP: its process and ports, others in its way, and what natpmp-upnp says that LAN hosts
// are told. test/system/doctor-upnp.test.ts tries it on a router.

import * as assert from 'uvu/assert';
import type { BoundSocket } from '../../cli/host/bound-sockets.js';
import type { Device } from '../../cli/natpmpctl/descriptions.js';
import { isUpnpOn } from '../../cli/natpmpctl/doctor/collect-upnp.js';
import type { Facts, Upnp } from '../../cli/natpmpctl/doctor/facts.js';
import { sandbox } from '../../cli/natpmpctl/doctor/host.js';
import { upnp } from '../../cli/natpmpctl/doctor/upnp.js';
import type { DaemonProcess } from '../../cli/natpmpctl/processes.js';
import { cases } from '../support/cases.js';
import { daemon, HEALTHY, up } from '../support/healthy-router.js';

const [BR_LAN, BR_GUEST] = [3, 4];
const ROUTER = 0xc0a80101;
const ssdp: BoundSocket = { protocol: 'udp', address: 0, port: 1900, device: BR_LAN, uid: 0, inode: 11 };
const http: BoundSocket = { protocol: 'tcp', address: 0, port: 2869, device: BR_LAN, uid: 0, inode: 12 };
/** Of a media server, say. */
const foreign: BoundSocket = { ...ssdp, device: 0, uid: 108, inode: 99 };
const told = { interface: 'br-lan', location: 'http://192.168.1.1:2869/igd.xml', joined: true };
const device: Device = { lans: [told], status: 'Connected', externalAddress: '44.0.0.2' };
const IN_ORDER: Upnp = {
  port: 2869,
  sockets: [ssdp, http],
  inodes: new Set(['11', '12']),
  indexes: new Map([
    ['br-lan', BR_LAN],
    ['br-guest', BR_GUEST],
  ]),
  others: [],
  devices: [device],
};
const PROCESS = daemon('upnp', { pid: 9, uid: 989, uptimeSeconds: 61 });
const RUNNING: Partial<Facts> = { daemons: [...HEALTHY.daemons, PROCESS] };
const guest = { ...told, interface: 'br-guest', location: 'http://192.168.2.1:2869/igd.xml' };
const TWO: Partial<Facts> = {
  ...RUNNING,
  setup: { ...HEALTHY.setup, listenInterfaces: ['br-lan', 'br-guest'], lans: [] },
  interfaces: new Map([
    ...HEALTHY.interfaces,
    ['br-guest', { ...up, lans: [{ routerAddress: 0xc0a80201, prefixLength: 24 }] }],
  ]),
};
const ofGuest = [ssdp, http].map((one) => ({ ...one, device: BR_GUEST, inode: one.inode + 10 }));
const FOUND = 'ok a search on br-lan finds http://192.168.1.1:2869/igd.xml: Connected, external address 44.0.0.2';
const PID = 'ok pid 9, up 1m 1s';

cases<{
  name: string;
  seen?: Partial<Upnp>;
  facts?: Partial<Facts>;
  want: readonly (string | RegExp)[];
  remedy?: RegExp;
}>(
  'doctor: UPnP',
  [
    { name: 'in order', want: [PID, FOUND] },
    {
      name: 'seen by a user who sees no descriptors, and may not ask',
      seen: { inodes: null, devices: [] },
      want: [PID, /^unknown what hosts of br-lan are told was not read/],
      remedy: /^run as root \(sudo\); if that is not it, restart/,
    },
    {
      name: 'the process is not there; its supervisor keeps the ports',
      facts: { daemons: HEALTHY.daemons },
      seen: { inodes: new Set(), devices: [] },
      want: ['fail natpmp-upnp is not seen: no program finds a UPnP gateway'],
      remedy: /--upnp, or: systemctl status 'natpmp-upnp@\*\.service'$/,
    },
    {
      name: 'nor are the ports, one of which another program has',
      facts: { daemons: HEALTHY.daemons },
      seen: { inodes: new Set(), devices: [], sockets: [foreign] },
      want: [
        'fail natpmp-upnp is not seen: no program finds a UPnP gateway',
        'fail UDP 1900 on br-lan is held by another program, which does not share it',
        'fail nobody listens on TCP 2869 of br-lan',
      ],
    },
    {
      name: 'nobody listens for searches',
      seen: { sockets: [http] },
      want: [PID, 'fail nobody listens on UDP 1900 of br-lan'],
      remedy: /systemctl status natpmp-ssdp@br-lan\.socket$/,
    },
    {
      name: 'nobody listens for requests',
      seen: { sockets: [ssdp] },
      want: [PID, 'fail nobody listens on TCP 2869 of br-lan'],
      remedy: /systemctl status natpmp-upnp@br-lan\.socket$/,
    },
    {
      name: 'the port of requests is that of another program',
      seen: { sockets: [ssdp, { ...http, device: 0, inode: 98 }] },
      want: [PID, 'fail TCP 2869 on br-lan is held by another program, which does not share it'],
      remedy: /^ss -lntp 'sport = :2869' shows which: stop it/,
    },
    {
      name: 'searches are read by another program, on the same device',
      seen: { sockets: [{ ...foreign, device: BR_LAN }, http] },
      want: [PID, 'fail UDP 1900 on br-lan is held by another program, which does not share it'],
      remedy: /^ss -lnup 'sport = :1900' shows which: stop it, or have it share/,
    },
    { name: 'a media server shares the port', seen: { sockets: [foreign, ssdp, http] }, want: [PID, FOUND] },
    {
      name: 'another program has it at the address of the router',
      seen: { sockets: [{ ...foreign, address: ROUTER }, ssdp, http] },
      want: [PID, 'warn another program has UDP 1900 at 192.168.1.1: what is sent to this address goes to it', FOUND],
      remedy: /^ss -lnup/,
    },
    {
      name: 'another has it on another device',
      seen: { sockets: [{ ...foreign, device: 9, address: ROUTER }, ssdp, http] },
      want: [PID, FOUND],
    },
    {
      name: 'another port',
      seen: { port: 5000, sockets: [ssdp, { ...http, port: 5000 }] },
      want: [PID, FOUND],
    },
    {
      name: 'another gateway',
      seen: { others: [{ pid: 5, name: 'miniupnpd' }] },
      want: [
        PID,
        'warn another UPnP gateway runs here: miniupnpd (pid 5). On a LAN of both, programs take the first that answers',
        FOUND,
      ],
      remedy: /enable_upnp=no/,
    },
    {
      name: 'not in the group',
      seen: { devices: [{ ...device, lans: [{ ...told, joined: false }] }] },
      want: [PID, /^fail br-lan is not in the group 239\.255\.255\.250: no search arrives there/],
      remedy: /ip -4 maddress show dev br-lan/,
    },
    {
      name: 'a search finds nothing',
      seen: { devices: [{ ...device, lans: [{ ...told, location: null }] }] },
      want: [PID, 'fail a search on br-lan finds no gateway'],
      remedy: /^has br-lan an IPv4 address, and is it one of --lan\?/,
    },
    {
      name: 'no external address',
      seen: { devices: [{ ...device, status: 'Disconnected', externalAddress: null }] },
      facts: { interfaces: new Map([...HEALTHY.interfaces, ['wan0', { ...up, lans: [] }]]) },
      want: [PID, /^warn a search on br-lan finds \S+: Disconnected, no external address; consoles see no Internet/],
      remedy: /--require-public-address/,
    },
    {
      name: 'an address that is not public, on two LANs: said once',
      facts: TWO,
      seen: {
        sockets: [ssdp, http, ...ofGuest],
        inodes: new Set(['11', '12', '21', '22']),
        devices: [{ ...device, lans: [told, guest], externalAddress: '100.64.0.9' }],
      },
      want: [
        PID,
        /^ok a search on br-lan finds/,
        /^ok a search on br-guest finds http:\/\/192\.168\.2\.1:2869\/igd\.xml/,
        'warn the external address 100.64.0.9 is not a public one: programs that use miniupnpc map nothing',
      ],
      remedy: /--external-address$/,
    },
    {
      name: 'two processes, one of each LAN, one of which does not answer',
      facts: TWO,
      seen: { sockets: [ssdp, http, ...ofGuest], inodes: new Set(['11', '12', '21', '22']) },
      want: [PID, FOUND, /^unknown what hosts of br-guest are told was not read/],
    },
    {
      name: 'one LAN of two is not served',
      facts: TWO,
      want: [PID, FOUND, 'fail nobody listens on UDP 1900 of br-guest', 'fail nobody listens on TCP 2869 of br-guest'],
    },
  ],
  ({ seen = {}, facts = {}, want, remedy = /./ }) => {
    const found = upnp({ ...HEALTHY, ...RUNNING, ...facts, upnp: { ...IN_ORDER, ...seen } });
    const lines = found.map(({ verdict, says }) => `${verdict} ${says}`);
    assert.is(lines.length, want.length, lines.join('\n'));
    for (const [index, line] of lines.entries()) {
      const one = want[index];
      if (one instanceof RegExp) assert.match(line, one);
      else assert.is(line, one);
    }
    const first = found.find(({ verdict }) => verdict !== 'ok');
    if (first !== undefined) assert.match(first.remedy ?? '', remedy);
  },
);

cases<{ name: string; process: Partial<DaemonProcess>; missing?: readonly string[]; want: RegExp }>(
  'doctor: the isolation of natpmp-upnp',
  [
    { name: 'in order', process: {}, want: /^ok/ },
    { name: 'as root', process: { uid: 0 }, want: /^warn upnp \(pid 9\) runs as root$/ },
    {
      name: 'with the right of the helper, which it does not have',
      process: { capabilities: 0x1000n },
      want: /^warn upnp \(pid 9\) has capabilities beyond its own \(1000\)$/,
    },
    {
      name: 'in the network of the router',
      process: {},
      missing: ['is in the network of this machine'],
      want: /^warn upnp \(pid 9\), if it were taken over: is in the network of this machine$/,
    },
  ],
  ({ process, missing = [], want }) => {
    const [found] = sandbox({
      ...HEALTHY,
      daemons: [...HEALTHY.daemons, { ...PROCESS, ...process }],
      missingIsolation: new Map([[9, missing]]),
    });
    assert.match(`${found?.verdict} ${found?.says}`, want);
  },
);

const unit = (name: string) => ({ name, state: 'active', restarts: 0 });
cases<{ name: string; daemons: readonly DaemonProcess[]; units?: readonly string[]; want: boolean }>(
  'doctor: whether UPnP is on',
  [
    { name: 'nothing says so', daemons: HEALTHY.daemons, units: ['natpmp-frontend@br-lan.service'], want: false },
    { name: 'its process', daemons: [PROCESS], want: true },
    { name: 'a server that was told', daemons: [daemon('server', { args: ['--upnp'] })], want: true },
    {
      name: 'a server that was told its port alone',
      daemons: [daemon('server', { args: ['--upnp-port', '5000'] })],
      want: false,
    },
    { name: 'a socket of the units', daemons: [], units: ['natpmp-ssdp@br-lan.socket'], want: true },
    { name: 'a service of the units', daemons: [], units: ['natpmp-upnp@br-lan.service'], want: true },
  ],
  ({ daemons, units = [], want }) => assert.is(isUpnpOn(daemons, units.map(unit)), want),
);
