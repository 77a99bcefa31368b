import * as assert from 'uvu/assert';
import { MAX_WAITING, Responder } from '../../upnp/ssdp/responder.js';
import { resourcesOf } from '../../upnp/ssdp/resources.js';
import type { SsdpDeps } from '../../upnp/ssdp/types.js';
import { ALICE, BOB, ip, manualClock, seeded } from '../frontend/support.js';
import { cases, claims } from '../support/cases.js';

const BR_LAN = 3;
const BR_GUEST = 4;
const ROUTER = ip('192.168.1.1');
const GROUP = ip('239.255.255.250');
const named = (digit: string) => ({
  root: `uuid:${digit}0000000-0000-5000-8000-000000000000`,
  wan: `uuid:${digit}0000000-0000-5000-8000-000000000001`,
  connection: `uuid:${digit}0000000-0000-5000-8000-000000000002`,
});

/** A responder for two LANs, and what it sent: the interface, from, to, after how many milliseconds, ST. */
function responder(more: Partial<SsdpDeps> = {}) {
  const clock = manualClock();
  const events: string[] = [];
  const sent: { interfaceIndex: number; from: number; address: number; port: number; atMs: number; text: string }[] =
    [];
  const lans = new Map([
    [BR_LAN, { identity: named('a') }],
    [BR_GUEST, { identity: named('b') }],
  ]);
  const deps: SsdpDeps = {
    lans,
    httpPort: 2869,
    descriptionPath: '/igd.xml',
    serverHeader: 'Linux UPnP/1.1 natpmp-server/0',
    bootId: 1,
    configId: 1,
    lookUp() {},
    isLanHost: (_interface, host) => host >>> 8 === ROUTER >>> 8 && host !== ROUTER,
    isOwnAddress: (interfaceIndex, address) => interfaceIndex === BR_LAN && address === ROUTER,
    addresses: (interfaceIndex) => (interfaceIndex === BR_LAN ? [ROUTER] : [ip('192.168.2.1')]),
    isResolved: () => true,
    clock: clock.now,
    schedule: clock.schedule,
    random: seeded(1),
    count: (event) => void events.push(event),
    onDefect: (error) => assert.unreachable(String(error)),
    ...more,
  };
  const resources = new Map([...lans].map(([index, { identity }]) => [index, resourcesOf(identity)]));
  const own = new Responder(deps, resources, (interfaceIndex, payload, { address, port, from }) => {
    sent.push({ interfaceIndex, from, address, port, atMs: clock.now(), text: Buffer.from(payload).toString() });
  });
  const search = (target: string, { from = ALICE, port = 40000, to = GROUP, on = BR_LAN } = {}): void => {
    const datagram = Buffer.from(`M-SEARCH * HTTP/1.1\r\nMAN: "ssdp:discover"\r\nMX: 2\r\nST: ${target}\r\n\r\n`);
    const found = own.understand(on, datagram, { address: from, port, asked: to });
    if (typeof found === 'string') events.push(found);
    else own.answer(on, found);
  };
  return { clock, events, sent, search, own };
}

const st = (text: string): string => /^ST: (.*)\r$/m.exec(text)?.[1] ?? '';

claims('the responder', {
  'U-10 a reply goes to the address and port of the search, from the address that LOCATION names': () => {
    for (const port of [40000, 1900]) {
      const { clock, events, sent, search } = responder();
      search('upnp:rootdevice', { port });
      clock.advance(80);
      assert.equal(events, ['search', 'reply']);
      assert.is(sent.length, 1);
      const [{ text, ...to }] = sent as [(typeof sent)[0]];
      assert.equal({ ...to, atMs: 0 }, { interfaceIndex: BR_LAN, from: ROUTER, address: ALICE, port, atMs: 0 });
      assert.match(text, '\r\nLOCATION: http://192.168.1.1:2869/igd.xml\r\n');
      assert.match(text, '\r\nUSN: uuid:a0000000-0000-5000-8000-000000000000::upnp:rootdevice\r\n');
    }
  },
  'U-11 each LAN has an address and names of its own': () => {
    const { clock, sent, search } = responder({ isLanHost: () => true });
    search('upnp:rootdevice', { on: BR_GUEST, from: ip('192.168.2.9') });
    clock.advance(80);
    assert.match(sent[0]!.text, '\r\nLOCATION: http://192.168.2.1:2869/igd.xml\r\n');
    assert.match(sent[0]!.text, 'uuid:b0000000');
    assert.equal([sent[0]!.from, sent[0]!.interfaceIndex], [ip('192.168.2.1'), BR_GUEST]);
  },
  'U-11 of several addresses the one of the network that the host is in; asked by address, that one': () => {
    const own = ['10.0.0.1', '192.168.1.1', '192.168.9.1'].map(ip);
    const { clock, sent, search } = responder({
      addresses: () => own,
      isLanHost: () => true,
      isOwnAddress: (_interface, address) => own.includes(address),
    });
    for (const from of ['192.168.9.77', '192.168.1.77', '10.9.9.9']) search('upnp:rootdevice', { from: ip(from) });
    search('upnp:rootdevice', { from: ip('192.168.9.77'), to: own[0]! });
    clock.advance(80);
    const seen = sent.map(({ address, text }) => [address, /http:..([0-9.]+)/.exec(text)?.[1]]);
    for (const [host, address] of [
      ['192.168.9.77', '192.168.9.1'],
      ['192.168.1.77', '192.168.1.1'],
      ['10.9.9.9', '10.0.0.1'],
      ['192.168.9.77', '10.0.0.1'],
    ] as const)
      assert.ok(
        seen.some(([to, at]) => to === ip(host) && at === address),
        `${host} ${address}`,
      );
  },
  'U-09 every reply within 80 ms, at random; those of ssdp:all spread, in order': () => {
    const { clock, sent, search } = responder();
    for (let times = 0; times < 50; times++) {
      search('upnp:rootdevice');
      clock.advance(1000);
    }
    const delays = sent.map(({ atMs }, index) => atMs - 1000 * index);
    assert.is(delays.length, 50);
    assert.ok(delays.every((delay) => delay >= 0 && delay < 80));
    assert.ok(Math.min(...delays) < 20 && Math.max(...delays) > 60, delays.join(' '));
    sent.length = 0;
    search('ssdp:all');
    clock.advance(80);
    assert.equal(
      sent.map(({ text }) => st(text)),
      resourcesOf(named('a')).all.map(({ type }) => type),
    );
    assert.ok(new Set(sent.map(({ atMs }) => atMs)).size === 10);
  },
  'U-09 timers are bounded': () => {
    const { clock, events, search } = responder({
      // A clock that never moves refills nothing, and one that leaps empties no timer.
      clock: (
        (now) => () =>
          (now += 1000)
      )(0),
    });
    for (let index = 0; index < 2000; index++) search('upnp:rootdevice', { from: ALICE + (index % 100) });
    assert.is(clock.pending(), MAX_WAITING);
    assert.is(events.filter((event) => event === 'busy').length, 2000 - MAX_WAITING);
    search('ssdp:all');
    assert.is(clock.pending(), MAX_WAITING);
    clock.advance(80);
    search('upnp:rootdevice');
    assert.is(clock.pending(), 1);
  },
  'cancelled: nothing of what waits leaves': () => {
    const { clock, sent, search, own } = responder();
    search('ssdp:all');
    own.cancel();
    clock.advance(1000);
    assert.equal([sent.length, clock.pending()], [0, 0]);
    search('upnp:rootdevice');
    clock.advance(1000);
    assert.is(sent.length, 1);
  },
  'U-13 sixty replies for a host, and the others have theirs': () => {
    const { clock, events, sent, search } = responder();
    for (let times = 0; times < 10; times++) search('ssdp:all');
    search('upnp:rootdevice', { from: BOB });
    clock.advance(80);
    assert.is(sent.filter(({ address }) => address === ALICE).length, 60);
    assert.is(sent.filter(({ address }) => address === BOB).length, 1);
    assert.is(events.filter((event) => event === 'host-rate').length, 4);
  },
  'U-13 each LAN has limits of its own: its hosts take nothing from those of another': () => {
    const { clock, events, sent, search } = responder({
      isLanHost: () => true,
      // A clock that leaps refills all, and empties no timer.
      clock: () => (leaps ? (now += 1000) : now),
    });
    let [leaps, now] = [false, 0];
    // 10.78.0.15 has the slot of 10.77.0.3 in a table of hosts.
    for (let times = 0; times < 61; times++) search('upnp:rootdevice', { on: BR_GUEST, from: ip('10.78.0.15') });
    assert.equal(events.splice(0).at(-1), 'host-rate');
    search('upnp:rootdevice', { from: ip('10.77.0.3') });
    assert.equal(events.splice(0), ['search']);
    for (let times = 0; times < 400; times++)
      search('upnp:rootdevice', { on: BR_GUEST, from: ip('10.78.1.0') + times });
    assert.equal(events.splice(0).at(-1), 'total-rate');
    search('upnp:rootdevice', { from: ALICE });
    assert.equal(events.splice(0), ['search']);
    leaps = true;
    for (let times = 0; times < MAX_WAITING; times++)
      search('upnp:rootdevice', { on: BR_GUEST, from: ip('10.78.0.9') });
    assert.equal(events.splice(0).at(-1), 'busy');
    search('upnp:rootdevice', { from: ALICE });
    assert.equal(events.splice(0), ['search']);
    clock.advance(80);
    assert.is(sent.filter(({ interfaceIndex }) => interfaceIndex === BR_LAN).length, 3);
  },
  'U-13 when all have had what they may, the kernel is not asked about anybody': () => {
    let lookups = 0;
    const { events, search } = responder({ isLanHost: () => (lookups++, true) });
    for (let index = 0; index < 1000; index++) search('upnp:rootdevice', { from: ip('192.168.1.2') + (index % 250) });
    assert.is(lookups, 400);
    assert.is(events.filter((event) => event === 'total-rate').length, 600);
  },
  'U-13 what clients do is answered': () => {
    const { clock, sent, search } = responder();
    // Transmission without an end, the four searches of miniupnpc in 2 s; NetBird, nine; libtorrent, three by two.
    const igd = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
    const ip4 = 'urn:schemas-upnp-org:service:WANIPConnection:1';
    const ppp = 'urn:schemas-upnp-org:service:WANPPPConnection:1';
    for (let round = 0; round < 30; round++) {
      for (const target of [igd, ip4, ppp, 'upnp:rootdevice']) search(target);
      clock.advance(2000);
    }
    assert.is(sent.length, 120);
    for (const target of [igd, 'ssdp:all', 'upnp:rootdevice']) for (let t = 0; t < 3; t++) search(target);
    for (let t = 0; t < 6; t++) search('upnp:rootdevice', { port: t % 2 === 0 ? 1900 : 40000 });
    clock.advance(80);
    assert.is(sent.length, 120 + 36 + 6);
  },
  'no address yet: silence, and an answer to the first search after it is there': () => {
    let own: readonly number[] = [];
    const { clock, events, sent, search } = responder({ addresses: () => own });
    search('upnp:rootdevice');
    own = [ROUTER];
    search('upnp:rootdevice');
    clock.advance(80);
    assert.equal(events, ['no-address', 'search', 'reply']);
    assert.is(sent.length, 1);
  },
  'an address that changes is in the replies 50 ms later': () => {
    let reads = 0;
    let own = [ROUTER];
    const { clock, sent, search } = responder({ addresses: () => (reads++, own) });
    for (let times = 0; times < 10; times++) search('upnp:rootdevice');
    assert.is(reads, 1);
    own = [ip('192.168.1.254')];
    clock.advance(50);
    search('upnp:rootdevice', { from: BOB });
    clock.advance(80);
    assert.match(sent.find(({ address }) => address === BOB)?.text ?? '', 'http://192.168.1.254:2869/');
  },
});

cases<{ name: string; event: string; target?: string; to?: number; from?: number; port?: number; on?: number }>(
  'silence',
  [
    { name: 'U-06 version 2', event: 'other-target', target: 'urn:schemas-upnp-org:device:InternetGatewayDevice:2' },
    { name: 'U-11 the name of another LAN', event: 'other-target', target: named('b').root },
    { name: 'U-12 an address outside the LAN', event: 'source', from: ip('198.51.100.7') },
    { name: 'U-12 our own address', event: 'source', from: ROUTER },
    { name: 'U-12 asked at the broadcast address', event: 'destination', to: ip('192.168.1.255') },
    { name: 'U-12 asked at 255.255.255.255', event: 'destination', to: ip('255.255.255.255') },
    { name: 'U-12 asked at another group', event: 'destination', to: ip('239.255.255.251') },
    { name: 'U-12 asked at our address in another LAN', event: 'destination', to: ROUTER, on: BR_GUEST },
    { name: 'U-10 from port 0', event: 'source', port: 0 },
    { name: 'on an interface that is no LAN', event: 'other-target', on: 9 },
    { name: 'U-03 no target', event: 'malformed', target: '' },
  ],
  ({ event, target = 'upnp:rootdevice', ...how }) => {
    const { clock, events, sent, search } = responder();
    search(target, how);
    clock.advance(1000);
    assert.equal([events, sent], [[event], []]);
  },
);
