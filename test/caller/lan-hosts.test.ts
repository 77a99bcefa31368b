import * as assert from 'uvu/assert';
import { LanHosts } from '../../caller/route/lan-hosts.js';
import type { RouteTables } from '../../caller/route/requests.js';
import type { Neighbour, Route } from '../../caller/route/rtnetlink.js';
import { cases, claims } from '../support/cases.js';
import { ALICE, BOB, ip } from '../frontend/support.js';

const BR_LAN = 3;
const BR_GUEST = 4;
/** Macvlans on the two. */
const VRRP_LAN = 5;
const VRRP_GUEST = 6;
const ROUTER = ip('192.168.1.1');

/** Tables that count how often each is read, and a clock that is set by hand. */
function tables() {
  const state = {
    now: 0,
    reads: { addresses: 0, routes: 0, neighbours: 0, links: 0 },
    addresses: new Map([[BR_LAN, [ROUTER]]]) as ReadonlyMap<number, readonly number[]> | null,
    route: null as Route | 'unreachable' | null,
    routes: new Map<number, Route | 'unreachable' | null>(),
    asked: [] as number[],
    neighbours: [] as readonly Neighbour<number>[] | null,
    lowers: new Map([
      [VRRP_LAN, BR_LAN],
      [VRRP_GUEST, BR_GUEST],
    ]) as ReadonlyMap<number, number> | null,
  };
  const kernel: RouteTables = {
    addresses: () => (state.reads.addresses++, state.addresses),
    routesTo: (hosts) => (
      state.reads.routes++, state.asked.push(...hosts), hosts.map((host) => state.routes.get(host) ?? state.route)
    ),
    neighbours: () => (state.reads.neighbours++, state.neighbours),
    lowerInterfaces: () => (state.reads.links++, state.lowers),
  };
  return { state, lanHosts: new LanHosts(kernel, () => state.now) };
}

const unicast = (prefixLength: number, ...interfaces: number[]): Route => ({
  prefixLength,
  isUnicast: true,
  interfaces,
});

cases<{ name: string; route: Route | 'unreachable' | null; want: boolean }>(
  'who is a host of the LAN, by the route that leads to it',
  [
    { name: 'a network of the interface', route: unicast(24, BR_LAN), want: true },
    { name: 'a host of its own: WireGuard, PPP', route: unicast(32, BR_LAN), want: true },
    { name: 'the shortest prefix', route: unicast(8, BR_LAN), want: true },
    { name: 'one of two next hops', route: unicast(16, BR_GUEST, BR_LAN), want: true },
    { name: 'a default route', route: unicast(0, BR_LAN), want: false },
    { name: 'half a default route', route: unicast(1, BR_LAN), want: false },
    { name: 'another LAN', route: unicast(24, BR_GUEST), want: false },
    { name: "the router's own address", route: { ...unicast(32, BR_LAN), isUnicast: false }, want: false },
    { name: 'no route', route: 'unreachable', want: false },
    { name: 'no answer', route: null, want: false },
  ],
  ({ route, want }) => {
    const { state, lanHosts } = tables();
    state.route = route;
    assert.is(lanHosts.isHost(BR_LAN, ALICE), want);
  },
);

cases<{ name: string; asked: number; by: readonly number[]; prefixLength?: number; want: boolean }>(
  'interfaces that share a link count as one',
  [
    { name: 'asked on the macvlan, the route by the interface below', asked: VRRP_LAN, by: [BR_LAN], want: true },
    { name: 'asked on the interface below, the route by the macvlan', asked: BR_LAN, by: [VRRP_LAN], want: true },
    { name: 'one of two next hops', asked: VRRP_LAN, by: [BR_GUEST, BR_LAN], want: true },
    { name: 'not the interface below another', asked: VRRP_LAN, by: [BR_GUEST], want: false },
    { name: 'nor a macvlan on another', asked: BR_LAN, by: [VRRP_GUEST], want: false },
    { name: 'nor two macvlans on two interfaces', asked: VRRP_LAN, by: [VRRP_GUEST], want: false },
    { name: 'a default route', asked: VRRP_LAN, by: [BR_LAN], prefixLength: 0, want: false },
    { name: 'a route by none', asked: VRRP_LAN, by: [], want: false },
  ],
  ({ asked, by, prefixLength = 24, want }) => {
    const { state, lanHosts } = tables();
    state.route = unicast(prefixLength, ...by);
    assert.is(lanHosts.isHost(asked, ALICE), want);
  },
);

claims('LanHosts', {
  'links are read for what has no route by the interface itself, five times a second at most': () => {
    const { state, lanHosts } = tables();
    state.route = unicast(24, BR_LAN);
    assert.is(lanHosts.isHost(BR_LAN, ALICE), true);
    assert.is(state.reads.links, 0);
    assert.equal([lanHosts.isHost(BR_GUEST, ALICE), lanHosts.isHost(VRRP_LAN, ALICE)], [false, true]);
    assert.is(state.reads.links, 1);
    state.now = 199;
    state.lowers = null;
    assert.is(lanHosts.isHost(VRRP_LAN, BOB), true);
    state.now = 200;
    assert.is(lanHosts.isHost(VRRP_LAN, ip('192.168.1.7')), false, 'no answer: what was there before is not believed');
    assert.is(state.reads.links, 2);
  },
  'a host is looked up once a second, on each interface by itself': () => {
    const { state, lanHosts } = tables();
    state.route = unicast(24, BR_LAN);
    assert.equal([lanHosts.isHost(BR_LAN, ALICE), lanHosts.isHost(BR_LAN, ALICE)], [true, true]);
    assert.is(lanHosts.isHost(BR_GUEST, ALICE), false);
    assert.is(state.reads.routes, 2);
    state.now = 999;
    assert.is(lanHosts.isHost(BR_LAN, ALICE), true);
    assert.is(state.reads.routes, 2);
    state.now = 1000;
    state.route = unicast(24, BR_GUEST);
    assert.is(lanHosts.isHost(BR_LAN, ALICE), false);
  },
  'a route that comes is there for the next request': () => {
    const { state, lanHosts } = tables();
    state.route = 'unreachable';
    assert.is(lanHosts.isHost(BR_LAN, ALICE), false);
    state.route = unicast(32, BR_LAN);
    assert.is(lanHosts.isHost(BR_LAN, ALICE), true);
  },
  'however many hosts ask, few are remembered': () => {
    const { state, lanHosts } = tables();
    state.route = unicast(8, BR_LAN);
    for (let host = 0; host < 4097; host++) lanHosts.isHost(BR_LAN, ip('10.0.0.0') + host);
    const before = state.reads.routes;
    lanHosts.isHost(BR_LAN, ip('10.0.0.0'));
    assert.is(state.reads.routes, before + 1);
  },
  'the hosts of a batch are looked up in one request, those that are known not at all': () => {
    const { state, lanHosts } = tables();
    state.route = unicast(24, BR_LAN);
    state.routes.set(BOB, unicast(24, BR_GUEST));
    lanHosts.isHost(BR_LAN, ALICE);
    const hosts = [ALICE, BOB, ip('192.168.1.7'), ip('192.168.1.8')];
    state.asked = [];
    lanHosts.lookUp(BR_LAN, hosts);
    assert.equal(state.asked, hosts.slice(1));
    assert.equal(
      hosts.map((host) => lanHosts.isHost(BR_LAN, host)),
      [true, false, true, true],
    );
    assert.is(lanHosts.isHost(BR_LAN, BOB), false, 'its second request in the batch');
    assert.is(lanHosts.isHost(BR_GUEST, BOB), true);
    assert.is(state.reads.routes, 3);
  },
  'what was no host in one batch is looked up again in the next, also if it is alone there': () => {
    const { state, lanHosts } = tables();
    for (const hosts of [[BOB], [BOB, ALICE]]) {
      state.route = 'unreachable';
      lanHosts.lookUp(BR_LAN, [ALICE, BOB]);
      state.route = unicast(32, BR_LAN);
      assert.is(lanHosts.isHost(BR_LAN, BOB), false);
      lanHosts.lookUp(BR_LAN, hosts);
      assert.is(lanHosts.isHost(BR_LAN, BOB), true);
      state.now += 2000;
    }
  },
  'addresses: of the interface alone, read once a second, and at once for one that is new': () => {
    const { state, lanHosts } = tables();
    assert.is(lanHosts.isOwnAddress(BR_LAN, ROUTER), true);
    assert.is(lanHosts.isOwnAddress(BR_LAN, ROUTER), true);
    assert.is(state.reads.addresses, 1);
    assert.is(lanHosts.isOwnAddress(BR_GUEST, ROUTER), false);
    assert.is(state.reads.addresses, 1, 'not for each request that misses');
    state.now = 50;
    state.addresses = new Map([[BR_LAN, [ROUTER, ip('192.168.2.1')]]]);
    assert.is(lanHosts.isOwnAddress(BR_LAN, ip('192.168.2.1')), true);
    state.now = 1050;
    state.addresses = new Map();
    assert.is(lanHosts.isOwnAddress(BR_LAN, ROUTER), false);
    assert.equal(lanHosts.addresses(BR_LAN), []);
  },
  'addresses: also of an interface that shares the link, and of none that shares that of another LAN': () => {
    const { state, lanHosts } = tables();
    const [virtual, guests] = [ip('192.168.1.254'), ip('192.168.2.254')];
    state.addresses = new Map([
      [BR_LAN, [ROUTER]],
      [VRRP_LAN, [virtual]],
      [VRRP_GUEST, [guests]],
    ]);
    const seen = (index: number) => [ROUTER, virtual, guests].map((address) => lanHosts.isOwnAddress(index, address));
    assert.equal(seen(BR_LAN), [true, true, false]);
    assert.equal(seen(VRRP_LAN), [true, true, false]);
    assert.equal(seen(VRRP_GUEST), [false, false, true]);
    assert.equal(lanHosts.addresses(BR_LAN), [ROUTER], 'announcements leave from its own');
  },
  'addresses: a reading that fails leaves those of before': () => {
    const { state, lanHosts } = tables();
    assert.equal(lanHosts.addresses(BR_LAN), [ROUTER]);
    state.addresses = null;
    assert.equal(lanHosts.addresses(BR_LAN), [ROUTER]);
  },
  'D-7 neighbours: those that can be sent to at once, read five times a second at most': () => {
    const { state, lanHosts } = tables();
    const one = { index: BR_LAN, mac: null };
    state.neighbours = [
      { ...one, address: ALICE, isResolved: true },
      { ...one, address: BOB, isResolved: false },
      { index: 7, mac: null, address: 0, isResolved: true },
    ];
    const seen = () => [
      lanHosts.isResolved(BR_LAN, ALICE),
      lanHosts.isResolved(BR_LAN, BOB),
      lanHosts.isResolved(BR_GUEST, ALICE),
      lanHosts.isResolved(7, ALICE), // a point-to-point link
    ];
    assert.equal(seen(), [true, false, false, true]);
    assert.is(state.reads.neighbours, 1);
    state.neighbours = null;
    state.now = 199;
    assert.equal(seen(), [true, false, false, true]);
    state.now = 200;
    assert.equal(seen(), [true, false, false, true], 'a reading that fails leaves those of before');
    assert.is(state.reads.neighbours, 2);
    state.neighbours = [];
    state.now = 400;
    assert.equal(seen(), [false, false, false, false]);
    assert.is(state.reads.neighbours, 3);
  },
});
