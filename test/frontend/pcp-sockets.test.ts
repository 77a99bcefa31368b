// The sockets of IPv6, and what the kernel says of addresses, routes and neighbours: a router and a host on a cable.

import { closeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { NETLINK, openNetlink, openUdp, openUdp6 } from '../../cli/server/sockets.js';
import { Counters } from '../../frontend/counters.js';
import type { AnyBinding, Binding } from '../../caller/datagrams.js';
import { bindingOf, IPV6, ReceiveBatch, SendBatch } from '../../caller/datagrams.js';
import { inheritedSockets } from '../../frontend/inherited-sockets.js';
import { isLinkLocal } from '../../caller/ipv6-addresses.js';
import { Devices } from '../../caller/route/devices.js';
import { LanHosts } from '../../caller/route/lan-hosts.js';
import { RouteRequests } from '../../caller/route/requests.js';
import { routeSocket } from '../../caller/route/socket.js';
import type { ServeDeps } from '../../frontend/serve.js';
import { serve } from '../../frontend/serve.js';
import { Histogram } from '../../proto/totals.js';
import { parseIpv6 } from '../../proto/ipv6.js';
import type { Ipv6 } from '../../proto/mapping.js';
import { bytes, hex } from '../support/bytes.js';
import { atEnd, claims, skip } from '../support/cases.js';
import { canMakeNetns } from '../support/netns.js';
import { cable, openNamespaces } from '../support/network.js';
import { ip } from './support.js';

const ip6 = (text: string): Ipv6 => parseIpv6(text) ?? '';
const [ROUTER, ROUTER_LOCAL] = [ip6('2001:db8:1::1'), ip6('fe80::1')];
const [HOST, HOST_OTHER, HOST_LOCAL] = [ip6('2001:db8:1::2'), ip6('2001:db8:1::3'), ip6('fe80::2')];
const ELSEWHERE = ip6('2001:db8:2::9');
const ALL_NODES = ip6('ff02::1');
const HOST_MAC = 0x020000000002;

function ipv6Binding(fd: number): Binding<Ipv6> {
  const binding = bindingOf(fd);
  if (binding.family !== IPV6.number) throw new Error('a socket of IPv4');
  return binding;
}

async function lan() {
  const [router, host] = await openNamespaces(['router', 'host']);
  atEnd(() => {
    router.close();
    host.close();
  });
  await cable(
    { in: router, device: 'br-lan', addresses: ['2001:db8:1::1/64 nodad', '192.168.1.1/24'] },
    { in: host, device: 'eth0', addresses: ['2001:db8:1::2/64 nodad', '2001:db8:1::3/64 nodad'] },
  );
  // Known addresses, which are there at once.
  for (const [namespace, device, number] of [
    [router, 'br-lan', 1],
    [host, 'eth0', 2],
  ] as const)
    await namespace.ip(
      `link set ${device} down`,
      `link set ${device} address 02:00:00:00:00:0${number} addrgenmode none`,
      `link set ${device} up`,
      `addr add fe80::${number}/64 dev ${device} nodad`,
      `addr replace 2001:db8:1::${number}/64 dev ${device} nodad`,
    );
  await host.ip('addr replace 2001:db8:1::3/64 dev eth0 nodad');
  await router.ip(
    'route add 2001:db8:2::/64 via fe80::2 dev br-lan',
    'link add one type veth peer name other',
    'link set one arp off',
    'link set other arp off',
  );
  return { router, host };
}

/** A socket of the host, on all its addresses. */
function hostSocket(fd: number) {
  const { interfaceIndex } = bindingOf(fd);
  const [inbox, outbox] = [
    new ReceiveBatch(IPV6),
    new SendBatch(
      IPV6,
      fd,
      () => true,
      () => assert.unreachable(),
    ),
  ];
  return {
    send: (octets: string, from: Ipv6, address: Ipv6, port: number) =>
      outbox.put(bytes(octets), { address, port, from, interfaceIndex }),
    async receive(): Promise<string> {
      for (const end = Date.now() + 5000; Date.now() < end; await new Promise((done) => setTimeout(done, 2))) {
        if (inbox.take(fd) === 0) continue;
        return `${hex(inbox.payload(0))} from ${inbox.source(0)} port ${inbox.port(0)} to ${inbox.destination(0)}`;
      }
      return 'nothing';
    },
    receivedNothing: () => inbox.take(fd) === 0,
  };
}

if (!canMakeNetns()) skip('sockets of IPv6', 'not root');
else {
  const { router, host } = await lan();
  const fds = router.during(() => [openUdp6(5352, 'br-lan'), openUdp6(5351, 'br-lan')]);
  const requests = new RouteRequests(
    routeSocket(router.during(() => openNetlink(0, NETLINK.route.none, 1 << 20))),
    () => {},
  );
  const counters = new Counters();
  const now = () => performance.now();
  const hosts = new LanHosts<Ipv6>(requests.ipv6, now);
  const client = hostSocket(host.during(() => openUdp6(40_000, 'eth0')));
  const listener = hostSocket(host.during(() => openUdp6(5350, 'eth0')));
  const deps: ServeDeps<Ipv6> = {
    family: IPV6,
    group: { address: ALL_NODES, port: 5350 },
    announceFrom: (index) => hosts.addresses(index).filter(isLinkLocal),
    answer: (datagram, source, isThrottled, index) =>
      Buffer.concat([datagram, Uint8Array.of(isThrottled ? 1 : 0, index), Buffer.from(source, 'hex')]),
    counters,
    lanHosts: hosts,
    latency: new Histogram([1]),
    stopwatch: () => 0,
    onDefect: (error) => {
      throw error;
    },
  };
  const bindings = fds.map(ipv6Binding);
  const [{ interfaceIndex } = { interfaceIndex: 0 }] = bindings;
  const service = serve(bindings, deps);
  atEnd(() => service.close());
  const index = interfaceIndex.toString(16).padStart(2, '0');

  claims('sockets of IPv6', {
    'the reply comes from the address that was asked, link-local or global, and goes to the one that asks':
      async () => {
        for (const asked of [ROUTER_LOCAL, ROUTER, ROUTER_LOCAL])
          for (const from of [HOST, HOST_OTHER, HOST_LOCAL]) {
            client.send('07', from, asked, 5351);
            assert.is(await client.receive(), `0700${index}${from} from ${asked} port 5351 to ${from}`);
          }
      },
    'what comes in by the second socket is known for it, and answered from the first': async () => {
      client.send('08', HOST, ROUTER_LOCAL, 5352);
      assert.is(await client.receive(), `0801${index}${HOST} from ${ROUTER_LOCAL} port 5351 to ${HOST}`);
    },
    'what is sent to all hosts is not answered': async () => {
      client.send('09', HOST, ALL_NODES, 5351);
      client.send('0a', HOST, ROUTER, 5351);
      assert.match(await client.receive(), /^0a/);
      assert.is(counters.get('destination'), 1);
      assert.ok(client.receivedNothing());
    },
    '§14.1.3 an announcement goes to all hosts, port 5350, from the link-local address and port 5351': async () => {
      service.announce(bytes('0280'));
      assert.is(await listener.receive(), `0280 from ${ROUTER_LOCAL} port 5351 to ${ALL_NODES}`);
      assert.equal([counters.get('announced'), listener.receivedNothing()], [1, true]);
    },
    'the longest reply is sent, and one that is longer is lost and counted': async () => {
      deps.counters.takeChangedTotals();
      client.send('01'.repeat(1082), HOST, ROUTER, 5351);
      assert.match(await client.receive(), /^(01){1082}00/);
      client.send('01'.repeat(1083), HOST, ROUTER, 5351);
      client.send('0b', HOST, ROUTER, 5351);
      assert.match(await client.receive(), /^0b/);
      assert.is(counters.get('send-failed'), 1);
    },
  });

  claims('what the kernel says of IPv6', {
    'the addresses of an interface': () =>
      assert.equal([...hosts.addresses(interfaceIndex)].sort(), [ROUTER, ROUTER_LOCAL].sort()),
    'routes: on the link, by another router, to itself, and none': () => {
      const route = (to: Ipv6) => requests.ipv6.routesTo([to])[0] ?? null;
      const onLink = { prefixLength: 64, isUnicast: true, interfaces: [interfaceIndex], gateway: null };
      for (const [to, want] of [
        [HOST, onLink],
        [ELSEWHERE, { ...onLink, gateway: HOST_LOCAL }],
      ] as const) {
        const { prefixLength, isUnicast, interfaces, gateway } = (route(to) ?? {}) as typeof onLink;
        assert.equal({ prefixLength, isUnicast, interfaces, gateway }, want);
      }
      const own = route(ROUTER);
      assert.is(own !== null && own !== 'unreachable' && own.isUnicast, false);
      assert.is(route(ip6('2001:db8:3::1')), 'unreachable');
      assert.equal(
        [HOST, ELSEWHERE, ROUTER, ip6('2001:db8:3::1')].map((one) => hosts.isHost(interfaceIndex, one)),
        [true, true, false, false],
      );
    },
    'the hardware address of a host, and of the router that a host is behind': () => {
      assert.is(requests.ipv6.hardwareAddress(interfaceIndex, HOST), HOST_MAC);
      const devices = new Devices(requests.ipv6, now);
      assert.equal([devices.find(interfaceIndex, HOST), devices.find(interfaceIndex, ELSEWHERE)], [HOST_MAC, HOST_MAC]);
      assert.is(hosts.isResolved(interfaceIndex, HOST), true);
    },
    'a host that it does not know is asked for when something is sent to it, and known a moment later': async () => {
      await host.ip('addr add 2001:db8:1::77/64 dev eth0 nodad');
      const fresh = ip6('2001:db8:1::77');
      const devices = new Devices(requests.ipv6, now);
      assert.is(devices.find(interfaceIndex, fresh), 'unresolved');
      service.probe(interfaceIndex, fresh);
      for (const end = now() + 5000; now() < end && devices.find(interfaceIndex, fresh) === 'unresolved'; )
        await new Promise((done) => setTimeout(done, 2));
      assert.is(devices.find(interfaceIndex, fresh), HOST_MAC);
    },
    'which links have hardware addresses: not lo, and none that asks for none (NOARP)': () => {
      assert.equal([...(requests.ipv6.ethernets() ?? [])], [interfaceIndex]);
    },
  });

  claims('inherited sockets', {
    'are told by their family': () => {
      const [ipv4, ipv6, route] = router.during(() => [
        openUdp(0, 6000, 'br-lan'),
        openUdp6(6000, 'br-lan'),
        openNetlink(0, NETLINK.route.none, 1 << 20),
      ]);
      const taken = inheritedSockets(
        new Map([
          ['natpmp', [ipv6!, ipv4!]],
          ['route', [route!]],
        ]),
        { externalAddress: null, lans: [] },
      );
      if (!('ok' in taken)) throw new Error(taken.complaints.join());
      const told = (all: readonly Partial<AnyBinding>[]) =>
        all.map(({ fd, family, address, port, interfaceName }) => [fd, family, address, port, interfaceName]);
      assert.equal(told(taken.ok.natpmp as AnyBinding[]), [[ipv4, 2, 0, 6000, 'br-lan']]);
      assert.equal(told(taken.ok.pcp as AnyBinding[]), [[ipv6, 10, '0'.repeat(32), 6000, 'br-lan']]);
      for (const fd of [ipv4!, ipv6!, route!]) closeSync(fd);
    },
    'R-64 those of two LANs need the route socket; one LAN may have two, one of them for overflow': () => {
      const take = (...fds: readonly number[]) => {
        const [externalAddress, lans] = [1, [{ routerAddress: 0xc0a80101, prefixLength: 24 }]];
        const taken = inheritedSockets(new Map([['natpmp', fds]]), { externalAddress, lans });
        for (const fd of fds) closeSync(fd);
        return 'complaints' in taken ? taken.complaints.join() : taken.ok.natpmp.length;
      };
      const opened = (...lans: readonly (readonly [address: string, port: number, device: string | null])[]) =>
        router.during(() => lans.map(([address, port, device]) => openUdp(ip(address), port, device)));
      assert.is(take(...opened(['0.0.0.0', 6000, 'br-lan'], ['0.0.0.0', 6001, 'br-lan'])), 2);
      const says = /^no file descriptor named "route", and "natpmp" of more than one LAN: /;
      assert.match(String(take(...opened(['0.0.0.0', 6000, 'br-lan'], ['0.0.0.0', 6000, 'lo']))), says);
      assert.match(String(take(...opened(['127.0.0.1', 6000, null], ['127.0.0.2', 6000, null]))), says);
    },
    'one of IPv6 needs the route socket': () => {
      const [ipv4, ipv6] = router.during(() => [openUdp(0, 6000, 'br-lan'), openUdp6(6000, 'br-lan')]);
      const taken = inheritedSockets(new Map([['natpmp', [ipv4!, ipv6!]]]), {
        externalAddress: 1,
        lans: [{ routerAddress: 0xc0a80101, prefixLength: 24 }],
      });
      assert.match('complaints' in taken ? taken.complaints.join() : '', /"route", and a "natpmp" of IPv6/);
      for (const fd of [ipv4!, ipv6!]) closeSync(fd);
    },
  });
}
