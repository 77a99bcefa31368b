import * as assert from 'uvu/assert';
import type { Device } from '../../caller/route/devices.js';
import { Devices } from '../../caller/route/devices.js';
import { LanHosts } from '../../caller/route/lan-hosts.js';
import type { Ipv6Tables } from '../../caller/route/requests.js';
import type { Ipv6Route } from '../../caller/route/rtnetlink.js';
import type { Ipv6 } from '../../proto/mapping.js';
import { cases, claims } from '../support/cases.js';

const BR_LAN = 3;
const TUNNEL = 5;
const HOST = '20010db8000100000000000000000a0a';
const GATEWAY = 'fe800000000000000000000000000001';
const ROUTER = 'fe8000000000000000000000000000ff';
const MAC = 0x020000000007;

function tables() {
  const state = {
    now: 0,
    reads: { neighbours: 0, routes: 0, links: 0 },
    ethernets: new Set([BR_LAN]) as ReadonlySet<number> | null,
    macs: new Map<Ipv6, number>(),
    route: null as Ipv6Route | 'unreachable' | null,
  };
  const kernel: Ipv6Tables = {
    addresses: () => new Map([[BR_LAN, [ROUTER, HOST]]]),
    routesTo: (all) => (state.reads.routes++, all.map(() => state.route)),
    neighbours: () => [{ index: BR_LAN, address: HOST, mac: MAC, isResolved: true }],
    lowerInterfaces: () => new Map(),
    ethernets: () => (state.reads.links++, state.ethernets),
    hardwareAddress: (index, host) => (
      state.reads.neighbours++, index === BR_LAN ? (state.macs.get(host) ?? null) : null
    ),
  };
  const now = () => state.now;
  return { state, devices: new Devices(kernel, now), hosts: new LanHosts<Ipv6>(kernel, now) };
}

const route = (prefixLength: number, gateway: Ipv6 | null = null, index = BR_LAN): Ipv6Route => ({
  prefixLength,
  isUnicast: true,
  interfaces: [index],
  gateway,
});

interface Row {
  readonly name: string;
  readonly index?: number;
  readonly macs?: readonly (readonly [Ipv6, number])[];
  readonly route?: Ipv6Route | 'unreachable' | null;
  readonly want: Device;
}
cases<Row>(
  'which device an IPv6 host is',
  [
    { name: 'the neighbour', macs: [[HOST, MAC]], want: MAC },
    { name: 'one that the kernel does not know', route: route(64), want: 'unresolved' },
    { name: 'one behind another router: that router', macs: [[GATEWAY, 8]], route: route(56, GATEWAY), want: 8 },
    { name: 'one behind another router that the kernel does not know', route: route(56, GATEWAY), want: 'unresolved' },
    {
      name: 'one that is both: the neighbour',
      macs: [
        [HOST, MAC],
        [GATEWAY, 8],
      ],
      route: route(56, GATEWAY),
      want: MAC,
    },
    { name: 'one that claims to have no hardware address', macs: [[HOST, 0]], route: route(64), want: 'unresolved' },
    { name: 'one that claims to be everybody', macs: [[HOST, 0xffffffffffff]], route: route(64), want: 'unresolved' },
    { name: 'one that claims to be a group', macs: [[HOST, 0x333300000001]], route: route(64), want: 'unresolved' },
    { name: 'another router that claims so', macs: [[GATEWAY, 0]], route: route(56, GATEWAY), want: 'unresolved' },
    { name: 'one that no route leads to', route: 'unreachable', want: 'unresolved' },
    { name: 'the kernel does not answer', route: null, want: 'unresolved' },
    { name: 'a tunnel has no hardware addresses', index: TUNNEL, want: 0 },
  ],
  ({ index = BR_LAN, macs = [], route: given = null, want }) => {
    const { state, devices } = tables();
    state.macs = new Map(macs);
    state.route = given;
    assert.is(devices.find(index, HOST), want);
  },
);

claims('Devices', {
  'a device is looked up once a second; one that is not known, each time': () => {
    const { state, devices } = tables();
    assert.equal([devices.find(BR_LAN, HOST), devices.find(BR_LAN, HOST)], ['unresolved', 'unresolved']);
    assert.is(state.reads.neighbours, 2);
    state.macs = new Map([[HOST, MAC]]);
    assert.equal([devices.find(BR_LAN, HOST), devices.find(BR_LAN, HOST)], [MAC, MAC]);
    assert.is(state.reads.neighbours, 3);
    state.now = 999;
    assert.equal([devices.find(BR_LAN, HOST), state.reads.neighbours], [MAC, 3]);
    state.now = 1000;
    state.macs = new Map([[HOST, 8]]);
    assert.equal([devices.find(BR_LAN, HOST), state.reads.neighbours], [8, 4]);
  },
  'however many hosts ask, few are remembered': () => {
    const { state, devices } = tables();
    for (let host = 0; host < 4097; host++) devices.find(TUNNEL, host.toString(16).padStart(32, '0'));
    const before = state.reads.neighbours;
    state.macs = new Map([[HOST, MAC]]);
    devices.find(BR_LAN, HOST);
    devices.find(BR_LAN, HOST);
    assert.is(state.reads.neighbours, before + 1);
  },
  'a kernel that does not list its links leaves what was known': () => {
    const { state, devices } = tables();
    devices.find(BR_LAN, HOST);
    state.now = 1000;
    state.ethernets = null;
    assert.is(devices.find(BR_LAN, HOST), 'unresolved');
  },
  'one that has not listed them yet: each link may have hardware addresses': () => {
    const { state, devices } = tables();
    state.ethernets = null;
    assert.equal([devices.find(BR_LAN, HOST), devices.find(TUNNEL, HOST)], ['unresolved', 'unresolved']);
    state.macs = new Map([[HOST, MAC]]);
    assert.is(devices.find(BR_LAN, HOST), MAC);
    state.ethernets = new Set([BR_LAN]);
    state.now = 1000;
    assert.is(devices.find(TUNNEL, HOST), 0);
  },
});

cases<{ name: string; host?: Ipv6; route: Ipv6Route | 'unreachable' | null; want: boolean }>(
  'who is a host of the LAN, over IPv6',
  [
    { name: 'a network of the interface', route: route(64), want: true },
    { name: 'a host behind another router of it', route: route(56, GATEWAY), want: true },
    { name: 'another LAN', route: route(64, null, 4), want: false },
    { name: 'a default route', route: route(0, GATEWAY), want: false },
    { name: 'the route of all global addresses (2000::/3)', route: route(3, GATEWAY), want: false },
    { name: "the router's own address", route: { ...route(128), isUnicast: false }, want: false },
    { name: 'no route', route: 'unreachable', want: false },
    { name: 'no answer', route: null, want: false },
    { name: 'a link-local address needs no route', host: GATEWAY, route: null, want: true },
    { name: 'the last link-local address', host: 'febfffffffffffffffffffffffffffff', route: null, want: true },
    { name: 'a site-local address is none', host: 'fec00000000000000000000000000001', route: null, want: false },
  ],
  ({ host = HOST, route: given, want }) => {
    const { state, hosts } = tables();
    state.route = given;
    assert.is(hosts.isHost(BR_LAN, host), want);
  },
);

claims('LanHosts, over IPv6', {
  'a host is remembered by interface and address': () => {
    const { state, hosts } = tables();
    state.route = route(64);
    assert.is(hosts.isHost(BR_LAN, HOST), true);
    assert.is(hosts.isHost(BR_LAN, HOST), true);
    assert.is(state.reads.routes, 1);
    assert.is(hosts.isHost(4, HOST), false);
    assert.is(hosts.isHost(BR_LAN, HOST.replace('a0a', 'a0b')), true);
    assert.is(state.reads.routes, 3);
  },
  'what can be sent to at once, and which addresses are the router’s': () => {
    const { hosts } = tables();
    assert.equal(
      [hosts.isResolved(BR_LAN, HOST), hosts.isResolved(BR_LAN, GATEWAY), hosts.isResolved(4, HOST)],
      [true, false, false],
    );
    assert.equal(
      [hosts.isOwnAddress(BR_LAN, ROUTER), hosts.isOwnAddress(4, ROUTER), hosts.isOwnAddress(BR_LAN, GATEWAY)],
      [true, false, false],
    );
  },
});
