import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, writeSync } from 'node:fs';
import koffi from 'koffi';
import * as assert from 'uvu/assert';
import { AddressWatch } from '../../caller/route/address.js';
import { RouteRequests } from '../../caller/route/requests.js';
import { routeSocket, type RouteSocket } from '../../caller/route/socket.js';
import { libc } from '../../cli/host/libc.js';
import { openUdp } from '../../cli/server/sockets.js';
import { onReadable } from '../../process/poll.js';
import type { Ipv4 } from '../../proto/mapping.js';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import { canMakeNetns, makeNetns } from '../support/netns.js';
import { bytes } from '../support/bytes.js';
import { ip } from '../frontend/support.js';

/** RTMGRP_IPV4_IFADDR and RTMGRP_IPV4_ROUTE: the groups of the inherited socket. */
const GROUPS = 80;
/** More events than there is room for in the socket. */
const EVENTS = 12_000;

const [AF_INET, SOCK_STREAM] = [2, 1];
const connect = koffi.load(null).func('int connect(int fd, const uint8_t *address, uint32_t length)') as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number;

/** A socket with one error, that nobody listens where it has sent to. */
async function refused(): Promise<number> {
  const closed = createSocket('udp4').bind(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address();
  closed.close();
  await once(closed, 'close');
  const fd = openUdp(0x7f000001, 0, null);
  const there = new Uint8Array([2, 0, port >>> 8, port & 255, 127, 0, 0, 1, ...Array<number>(8).fill(0)]);
  assert.is(connect(fd, there, there.length), 0);
  writeSync(fd, 'a');
  await new Promise<void>((done) => {
    const stop = onReadable(fd, 0, () => {
      stop();
      done();
    });
  });
  return fd;
}

claims('the route socket', {
  'a descriptor that is none: an error, and no endless reading': () => {
    const socket = routeSocket(0x7fff);
    assert.throws(() => socket.read(new Uint8Array(10)), 'recv on the route socket: errno 9');
    assert.throws(() => socket.write(new Uint8Array(10)), 'send on the route socket: errno 9');
  },
  'an error of the socket is what the kernel has lost, and one that stays neither ends nor holds the process': () => {
    const fd = libc.socket(AF_INET, SOCK_STREAM, 0); // not connected: ENOTCONN, EPIPE
    atEnd(() => closeSync(fd));
    const socket = routeSocket(fd);
    assert.is(socket.read(new Uint8Array(10)), 'overrun');
    let polls = 0;
    const changes: (Ipv4 | null)[] = [];
    const watch = new AddressWatch(
      socket,
      'wan0',
      (address) => changes.push(address),
      () => polls++,
      () => () => {},
    );
    watch.poll();
    assert.ok(polls > 0, 'it is asked again');
    assert.equal([new RouteRequests(socket, () => {}).addresses(), changes], [null, []]);
  },
  'an error that passes': async () => {
    const socket = routeSocket(await refused());
    const reads = [new Uint8Array(10), new Uint8Array(10)].map((into) => socket.read(into));
    assert.equal(reads, ['overrun', 'empty']);
  },
  'one that never ends to overrun does not hold the process': () => {
    let reads = 0;
    const socket: RouteSocket = { write() {}, read: () => (reads++, 'overrun') };
    assert.is(new RouteRequests(socket, () => {}).routesTo([ip('192.168.1.9')])[0], null);
    assert.ok(reads < 10_000);
  },
});

/** A kernel that answers each request with these messages, one a read; their sequence number is that of the first request. */
function kernelThatAnswers(...wire: readonly string[]) {
  const queue: Uint8Array[] = [];
  const socket: RouteSocket = {
    write: () => void queue.push(...wire.map(bytes)),
    read(into) {
      const next = queue.shift();
      if (next === undefined) return 'empty';
      into.set(next);
      return next.length;
    },
  };
  return { queue, requests: new RouteRequests(socket, () => assert.unreachable('an event')) };
}
type Requests = Pick<RouteRequests, 'addresses' | 'neighbours' | 'lowerInterfaces' | 'ipv6'>;
const DUMPS: Readonly<Record<string, (requests: Requests) => unknown>> = {
  addresses: (requests) => requests.addresses(),
  neighbours: (requests) => requests.neighbours(),
  'IPv6 addresses': ({ ipv6 }) => ipv6.addresses(),
  'IPv6 neighbours': ({ ipv6 }) => ipv6.neighbours(),
  links: ({ ipv6 }) => ipv6.ethernets(),
  'links that are shared': (requests) => requests.lowerInterfaces(),
};
const BUSY = '24000000 0200 0000 01000040 d43c0000 f0ffffff 18000000 1600 0103 01000040 00000000';
const PART = '20000000 1400 0200 01000040 d43c0000 02 18 80 00 03000000 0800 0100 cb007109';
const LOOPBACK = '20000000 1400 1200 01000040 d43c0000 02 08 80 00 01000000 0800 0100 7f000001';
const END = '14000000 0300 0200 01000040 d43c0000 00000000';
const INTERRUPTED_END = '14000000 0300 1200 01000040 d43c0000 00000000';
const FAILED_END = '14000000 0300 0200 01000040 d43c0000 a6ffffff';

cases(
  'a dump that is not believed is not an empty table, and is read to its end',
  Object.entries(DUMPS).flatMap(([table, dump]) =>
    [
      { is: 'refused (EBUSY)', wire: [BUSY] },
      { is: 'failed after its first part (EMSGSIZE)', wire: [PART, FAILED_END] },
      { is: 'interrupted', wire: [LOOPBACK, PART, END] },
      { is: 'interrupted at its end', wire: [PART, INTERRUPTED_END] },
      { is: 'without an end', wire: [PART] },
    ].map(({ is, wire }) => ({ name: `${table}: ${is}`, dump, wire })),
  ),
  ({ dump, wire }) => {
    const { queue, requests } = kernelThatAnswers(...wire);
    assert.equal([dump(requests), queue.length], [null, 0]);
  },
);

claims('a dump', {
  'of an empty table is an empty table': () => {
    const { requests } = kernelThatAnswers(END);
    assert.equal(requests.addresses(), new Map());
  },
  'in parts is all of them': () => {
    const { requests } = kernelThatAnswers(PART, PART, END);
    assert.equal(requests.addresses(), new Map([[3, [ip('203.0.113.9'), ip('203.0.113.9')]]]));
  },
});

if (!canMakeNetns()) skip('requests to the real kernel', 'needs root, for network namespaces');
else {
  const netns = await makeNetns();
  const ipCommand = (...commands: string[]) => netns.run('ip', ['-batch', '-'], commands.join('\n'));
  ipCommand(
    'link add lan0 type veth peer name far0',
    'link set far0 up',
    'addr add 192.168.1.1/24 dev lan0',
    'link set lan0 up',
  );
  const index = Number(netns.run('ip', ['-o', 'link', 'show', 'lan0']).split(':')[0]);
  let events = 0;
  const socket = routeSocket(netns.openNetlink(0, GROUPS));
  const requests = new RouteRequests(socket, () => events++);
  const routeToHost = () => {
    const [route = null] = requests.routesTo([ip('192.168.1.9')]);
    return route === null || route === 'unreachable' ? route : [route.prefixLength, route.isUnicast, route.interfaces];
  };

  claims('RouteRequests, the real kernel', {
    'a route, and none': () => {
      assert.equal(routeToHost(), [24, true, [index]]);
      assert.equal(requests.routesTo([ip('203.0.113.9')]), ['unreachable']);
      assert.equal(requests.addresses()?.get(index), [ip('192.168.1.1')]);
      assert.is(events, 0);
    },
    'a route by a nexthop object, and by a group of them, told by its number': () => {
      netns.run('sysctl', ['-qw', 'net.ipv4.nexthop_compat_mode=0']);
      ipCommand(
        'nexthop add id 1 via 192.168.1.2 dev lan0',
        'nexthop add id 2 via 192.168.1.3 dev lan0',
        'nexthop add id 3 group 1/2',
        'nexthop add id 4 blackhole',
        'addr add 2001:db8:1::1/64 dev lan0 nodad',
        'nexthop add id 11 via 2001:db8:1::2 dev lan0',
        'nexthop add id 12 via 2001:db8:1::3 dev lan0',
        'nexthop add id 13 group 11/12',
        ...[1, 3, 4].map((id) => `route add 10.7.${id}.0/24 nhid ${id}`),
        ...[11, 13].map((id) => `route add 2001:db8:7:${id}::/64 nhid ${id}`),
      );
      const found = requests.routesTo(['10.7.1.1', '10.7.3.1', '10.7.1.2', '192.168.1.9'].map(ip));
      assert.equal(
        found.map((route) => (route === null || route === 'unreachable' ? route : route.interfaces)),
        [[index], [index, index], [index], [index]],
      );
      const [discarded] = requests.routesTo([ip('10.7.4.1')]);
      assert.ok(discarded === 'unreachable' || discarded?.isUnicast === false);
      const ipv6 = requests.ipv6.routesTo(['20010db8000700110000000000000001', '20010db8000700130000000000000001']);
      assert.equal(
        ipv6.map((route) => (route === null || route === 'unreachable' ? route : [route.interfaces, route.gateway])),
        [
          [[index], '20010db8000100000000000000000002'],
          [[index, index], '20010db8000100000000000000000002'],
        ],
      );
      ipCommand(...[3, 13, 1, 2, 4, 11, 12].map((id) => `nexthop del id ${id}`), 'addr del 2001:db8:1::1/64 dev lan0');
      netns.run('sysctl', ['-qw', 'net.ipv4.nexthop_compat_mode=1']);
      routeToHost(); // reads the events
      events = 0;
    },
    'an interface that shares the link of another': () => {
      ipCommand('link add vrrp.10 link lan0 type macvlan mode private');
      const macvlan = Number(netns.run('ip', ['-o', 'link', 'show', 'vrrp.10']).split(':')[0]);
      assert.equal(requests.lowerInterfaces(), new Map([[macvlan, index]]));
      ipCommand('link del vrrp.10', 'link add vrrp.10 link lan0 type macvlan mode source');
      assert.equal(requests.lowerInterfaces(), new Map());
      ipCommand('link del vrrp.10');
    },
    'those of many hosts, each as if it were alone': () => {
      const hosts = ['192.168.1.9', '203.0.113.9', '192.168.1.1', '192.168.1.255', '192.168.1.9'].map(ip);
      const many = Array.from({ length: 32 }, (_, number) => hosts[number % hosts.length]!);
      const found = requests.routesTo(many).map((route) => (typeof route === 'string' ? route : route?.isUnicast));
      const each = [true, 'unreachable', false, false, true];
      assert.equal(
        found,
        many.map((_, number) => each[number % each.length]),
      );
    },
    'an event that waits is told, and the answer is found behind it': () => {
      ipCommand('route add 10.9.9.0/24 dev lan0');
      assert.equal([routeToHost(), events], [[24, true, [index]], 1]);
    },
    'events that left no room for the answer are read, and it is asked again': () => {
      ipCommand(...Array.from({ length: EVENTS }, (_, n) => `route add 10.${n >> 8}.${n & 255}.0/25 dev lan0`));
      assert.equal(routeToHost(), [24, true, [index]]);
      assert.ok(events > 1000 && events < EVENTS, `the socket overran: ${events} events`);
      assert.equal(requests.addresses()?.get(index), [ip('192.168.1.1')]);
      assert.is(socket.read(new Uint8Array(65536)), 'empty');
    },
  });
}
