// SSDP over real sockets: a router with two LANs, whose hosts search by multicast and by unicast, and listen. The sockets
// are opened in the router's namespace and served from this process, which is in another, as the daemon is.

import { closeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { bindingOf, type Binding } from '../../caller/datagrams.js';
import { LanHosts } from '../../caller/route/lan-hosts.js';
import { RouteRequests } from '../../caller/route/requests.js';
import { routeSocket } from '../../caller/route/socket.js';
import { schedule } from '../../caller/schedule.js';
import { errorName, libc, nativeInt } from '../../cli/host/libc.js';
import { openNetlink } from '../../cli/server/sockets.js';
import { bootClock } from '../../proto/clock.js';
import type { Ipv4 } from '../../proto/mapping.js';
import { serveSsdp, type Ssdp } from '../../upnp/ssdp/serve.js';
import type { SsdpDeps, SsdpEvent } from '../../upnp/ssdp/types.js';
import type { Udp } from '../lab/sockets.js';
import { ALICE, CAROL, GUEST_ROUTER, openLab, ROUTER } from '../lab/lab.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { ip, manualClock } from '../frontend/support.js';
import { atEnd, claims } from '../support/cases.js';

const GROUP = '239.255.255.250';
const IDENTITIES = {
  'br-lan': { root: 'uuid:a-0', wan: 'uuid:a-1', connection: 'uuid:a-2' },
  'br-guest': { root: 'uuid:b-0', wan: 'uuid:b-1', connection: 'uuid:b-2' },
};
const SEARCH = 'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 2\r\nST: ';
const ROOT = `${SEARCH}upnp:rootdevice\r\n\r\n`;
const ALL = `${SEARCH}ssdp:all\r\n\r\n`;
const lab = await openLab({ guest: true });

if (lab !== null) {
  const { router, alice, bob, outside, carol } = lab;
  if (carol === null) throw new Error('a lab with a guest');

  /** The sockets as the launcher opens them; others may share the port. */
  const open = (device: string): Binding<Ipv4> => {
    const fd = router.namespace.during(() => openSsdp(device));
    return bindingOf(fd) as Binding<Ipv4>;
  };
  const route = router.namespace.during(() => openNetlink(0, 0, 1 << 20));
  const lanHosts = new LanHosts(new RouteRequests(routeSocket(route), () => {}), bootClock());

  /** Serve both LANs; with `more`, differently. */
  const serve = (
    devices: readonly ('br-lan' | 'br-guest')[] = ['br-lan', 'br-guest'],
    more: Partial<SsdpDeps> = {},
  ) => {
    const counts = new Map<SsdpEvent, number>();
    const defects: unknown[] = [];
    const bindings = devices.map(open);
    const service = serveSsdp(bindings, {
      lans: new Map(bindings.map(({ interfaceIndex }, at) => [interfaceIndex, { identity: IDENTITIES[devices[at]!] }])),
      httpPort: 2869,
      descriptionPath: '/igd.xml',
      serverHeader: 'Linux UPnP/1.1 natpmp-server/0',
      bootId: 7,
      configId: 9,
      lookUp: (interfaceIndex, hosts) => lanHosts.lookUp(interfaceIndex, hosts),
      isLanHost: (interfaceIndex, host) => lanHosts.isHost(interfaceIndex, host),
      isOwnAddress: (interfaceIndex, address) => lanHosts.isOwnAddress(interfaceIndex, address),
      addresses: (interfaceIndex) => lanHosts.addresses(interfaceIndex),
      isResolved: (interfaceIndex, host) => lanHosts.isResolved(interfaceIndex, host),
      clock: bootClock(),
      schedule,
      random: Math.random,
      count: (event) => void counts.set(event, (counts.get(event) ?? 0) + 1),
      onDefect: (error) => void defects.push(error),
      ...more,
    });
    const running = { service, counts, defects };
    alive.add(service);
    return running;
  };
  const alive = new Set<Ssdp>();
  const end = (service: Ssdp): void => {
    if (alive.delete(service)) service.close();
  };
  atEnd(() => {
    for (const service of alive) end(service);
  });

  /** So many replies, and where each came from. @throws if they do not come */
  const replies = (udp: Udp, count: number): Promise<string[]> => hear(udp, count, 'HTTP/1.1 200 OK\r\n');
  /** So many announcements, beside what other hosts send to the group. */
  const announcements = (udp: Udp, count: number): Promise<string[]> => hear(udp, count, 'NOTIFY * HTTP/1.1\r\n');
  const hear = async (udp: Udp, count: number, start: string): Promise<string[]> => {
    const heard: string[] = [];
    while (heard.length < count) {
      const datagram = await udp.receive();
      if (datagram === null) throw new Error(`${heard.length} of ${count}`);
      const text = Buffer.from(datagram.hex, 'hex').toString();
      if (text.startsWith(start)) heard.push(`${datagram.address}:${datagram.port} ${text}`);
    }
    return heard;
  };
  /** NT or ST of each, and NTS if it is an announcement. */
  const kindOf = (text: string): string =>
    `${/NTS: ssdp:(\w+)/.exec(text)?.[1] ?? 'reply'} ${/\r\n[NS]T: (\S+)/.exec(text)?.[1]}`;

  claims('SSDP on a LAN', {
    'U-01 U-02 U-10 U-11 by multicast and by unicast, the reply comes from port 1900 of the LAN address': async () => {
      const { service, defects } = serve();
      for (const [host, gateway, names] of [
        [alice, ROUTER, 'uuid:a-0'],
        [carol, GUEST_ROUTER, 'uuid:b-0'],
      ] as const) {
        for (const to of [GROUP, gateway]) {
          const udp = await host.udp();
          udp.sendText(ROOT, to, 1900);
          const [reply = ''] = await replies(udp, 1);
          assert.ok(reply.startsWith(`${gateway}:1900 HTTP/1.1 200 OK\r\n`), reply);
          assert.match(reply, `\r\nLOCATION: http://${gateway}:2869/igd.xml\r\n`);
          assert.match(reply, `\r\nUSN: ${names}::upnp:rootdevice\r\n`);
          assert.match(reply, '\r\nBOOTID.UPNP.ORG: 7\r\nCONFIGID.UPNP.ORG: 9\r\n\r\n');
          udp.close();
        }
      }
      end(service);
      assert.equal(defects, []);
    },
    'U-02 U-10 without MX by unicast, and from port 1900': async () => {
      const { service } = serve();
      const udp = await alice.udp({ port: 1900 });
      udp.sendText(ROOT.replace('MX: 2\r\n', ''), ROUTER, 1900);
      assert.match((await replies(udp, 1))[0]!, '\r\nST: upnp:rootdevice\r\n');
      udp.close();
      end(service);
    },
    'U-07 U-09 ssdp:all: ten replies, the gateway first, in less than 250 ms': async () => {
      const { service, counts } = serve();
      const udp = await bob.udp();
      const start = Date.now();
      udp.sendText(ALL, GROUP, 1900);
      const heard = await replies(udp, 10);
      assert.ok(Date.now() - start < 250, `${Date.now() - start} ms`);
      assert.is(kindOf(heard[0]!), 'reply urn:schemas-upnp-org:device:InternetGatewayDevice:1');
      assert.is(new Set(heard.map(kindOf)).size, 10);
      assert.equal([counts.get('search'), counts.get('reply')], [1, 10]);
      udp.close();
      end(service);
    },
    'U-16 U-18 U-11 announcements: byebye, three times alive, on each LAN its own; at the end byebye': async () => {
      const listeners = [
        await alice.udp({ port: 1900, join: { group: GROUP, on: ALICE } }),
        await carol.udp({ port: 1900, join: { group: GROUP, on: CAROL } }),
      ];
      const { service } = serve();
      for (const [udp, gateway, names] of [
        [listeners[0]!, ROUTER, 'uuid:a-'],
        [listeners[1]!, GUEST_ROUTER, 'uuid:b-'],
      ] as const) {
        const heard = await announcements(udp, 40);
        assert.ok(
          heard.every((text) => text.startsWith(`${gateway}:1900 NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n`)),
          'each from the address of its LAN',
        );
        assert.ok(heard.every((text) => text.includes(`\r\nUSN: ${names}`)));
        const sets = [0, 10, 20, 30].map((from) => heard.slice(from, from + 10));
        for (const [at, set] of sets.entries()) {
          assert.ok(
            set.every((text) => text.includes(at === 0 ? '\r\nNTS: ssdp:byebye\r\n' : '\r\nNTS: ssdp:alive\r\n')),
          );
          assert.is(new Set(set.map(kindOf)).size, 10);
        }
        assert.ok(sets[1]!.every((text) => text.includes(`\r\nLOCATION: http://${gateway}:2869/igd.xml\r\n`)));
      }
      const searching = await bob.udp();
      service.byebye();
      for (const udp of listeners)
        assert.ok((await announcements(udp, 10)).every((text) => text.includes('\r\nNTS: ssdp:byebye\r\n')));
      searching.sendText(ROOT, GROUP, 1900);
      assert.is(await searching.receive(SILENCE_MS), null, 'it is gone');
      service.announceAlive();
      searching.sendText(ROOT, GROUP, 1900);
      assert.is((await replies(searching, 1)).length, 1, 'and here again');
      assert.ok((await announcements(listeners[0]!, 30)).every((text) => text.includes('\r\nNTS: ssdp:alive\r\n')));
      for (const udp of [...listeners, searching]) udp.close();
      end(service);
    },
    'U-16 announcements have TTL 2, and this machine does not hear them': async () => {
      const { service, counts } = serve(['br-lan']);
      const heard = await alice.namespace.must('python3', ['-c', TTL, ALICE]);
      assert.is(heard.trim(), '2');
      // A set of announcements is over, and a search comes after them: only that was heard.
      const udp = await bob.udp();
      udp.sendText(ROOT, GROUP, 1900);
      await replies(udp, 1);
      assert.is(counts.get('not-a-search'), undefined);
      assert.is(counts.get('search'), 1);
      udp.close();
      end(service);
    },
    'U-12 not from the outside, not for another LAN, not at a broadcast address, not for a forged address':
      async () => {
        const { service, counts } = serve();
        const wan = await outside.udp();
        const lan = await alice.udp();
        wan.sendText(ROOT, GROUP, 1900);
        wan.sendText(ROOT, '203.0.113.10', 1900);
        lan.sendText(ROOT, GUEST_ROUTER, 1900); // the address of the other LAN
        lan.sendText(ROOT, '192.168.1.255', 1900);
        lan.sendText(ROOT, '255.255.255.255', 1900);
        await alice.run('python3', '-c', FORGED, '198.51.100.7', CAROL, ROUTER, '192.168.1.255');
        lan.sendText(ROOT, ROUTER, 1900); // and this comes after all of them
        const [reply = ''] = await replies(lan, 1);
        assert.match(reply, `${ROUTER}:1900 HTTP/1.1 200 OK`);
        assert.is(await lan.receive(SILENCE_MS), null);
        assert.is(await wan.receive(1), null);
        assert.equal([counts.get('search'), counts.get('reply')], [1, 1]);
        assert.is(counts.get('destination'), 3);
        assert.ok((counts.get('source') ?? 0) >= 1);
        for (const udp of [wan, lan]) udp.close();
        end(service);
      },
    'another program of the router shares the port: searches by multicast and by unicast come here': async () => {
      const other = router.namespace.during(() => openSsdp(null));
      const { service } = serve(['br-lan']);
      const late = router.namespace.during(() => openSsdp(null));
      const udp = await alice.udp();
      for (const to of [GROUP, ROUTER, ROUTER]) {
        udp.sendText(ROOT, to, 1900);
        await replies(udp, 1);
      }
      for (const fd of [other, late]) closeSync(fd);
      udp.close();
      end(service);
    },
    'U-14 a flood of any bytes stops nothing': async () => {
      const { service, counts, defects } = serve(['br-lan']);
      await alice.run('python3', '-c', FLOOD, ROUTER);
      const udp = await bob.udp();
      for (let times = 0; times < 20; times++) udp.sendText(ROOT, ROUTER, 1900);
      await replies(udp, 1);
      assert.equal(defects, []);
      assert.ok((counts.get('malformed') ?? 0) > 100 && (counts.get('not-a-search') ?? 0) > 100, [...counts].join(' '));
      udp.close();
      end(service);
    },
    'U-13 what a host is sent for many searches: sixty replies, and twenty a second': async () => {
      const { service, counts } = serve(['br-lan']);
      const udp = await bob.udp();
      for (let times = 0; times < 100; times++) udp.sendText(ALL, GROUP, 1900);
      const heard = await replies(udp, 60);
      assert.is(heard.length, 60);
      const more: unknown[] = [];
      for (let next = await udp.receive(SILENCE_MS); next !== null; next = await udp.receive(SILENCE_MS))
        more.push(next);
      assert.ok(more.length <= 20, `${more.length} more`);
      assert.ok((counts.get('host-rate') ?? 0) >= 80);
      udp.close();
      end(service);
    },
    'an address that comes later is announced, and found at once': async () => {
      await lab.ip(`addr del ${ROUTER}/24 dev br-lan`);
      const listening = await alice.udp({ port: 1900, join: { group: GROUP, on: ALICE } });
      const { service, counts } = serve(['br-lan']);
      await once(() => (counts.get('no-address') ?? 0) >= 4);
      assert.is(counts.get('announced'), undefined);
      await lab.ip(`addr add ${ROUTER}/24 dev br-lan`);
      const searching = await bob.udp();
      searching.sendText(ROOT, GROUP, 1900);
      await replies(searching, 1);
      const heard = await announcements(listening, 10);
      assert.ok(
        heard.every((text) => text.includes('\r\nNTS: ssdp:alive\r\n')),
        heard[0],
      );
      for (const udp of [listening, searching]) udp.close();
      end(service);
    },
    'U-11 an interface with two addresses: each is announced, from itself': async () => {
      await lab.ip('addr add 192.168.1.254/24 dev br-lan');
      const listening = await alice.udp({ port: 1900, join: { group: GROUP, on: ALICE } });
      const { service } = serve(['br-lan']);
      const heard = (await announcements(listening, 80)).slice(20);
      const places = new Set(heard.map((text) => `${text.split(':')[0]} ${/http:..([0-9.]+)/.exec(text)?.[1]}`));
      assert.equal([...places].sort(), [`${ROUTER} ${ROUTER}`, '192.168.1.254 192.168.1.254']);
      await lab.ip('addr del 192.168.1.254/24 dev br-lan');
      listening.close();
      end(service);
    },
    'U-14 a search of 2,048 bytes is read, one of 2,049 is not': async () => {
      const { service, counts } = serve(['br-lan']);
      const udp = await alice.udp();
      for (const bytes of [2049, 2048]) udp.sendText(ROOT.padEnd(bytes, 'x'), ROUTER, 1900);
      await replies(udp, 1);
      assert.equal([counts.get('malformed'), counts.get('search')], [1, 1]);
      udp.close();
      end(service);
    },
    'U-18 after byebye nothing waits: no reply, and no announcement': async () => {
      const clock = manualClock();
      const looked: number[] = [];
      const { service, counts } = serve(['br-lan'], {
        schedule: clock.schedule,
        lookUp: (_interface, hosts) => void looked.push(...hosts),
      });
      assert.is(clock.pending(), 2, 'the announcements, and the group that is joined again');
      const udp = await alice.udp();
      udp.sendText(ALL, ROUTER, 1900);
      await once(() => counts.get('search') === 1);
      assert.is(clock.pending(), 12);
      assert.equal(looked, [ip(ALICE)], 'who may ask is looked up before');
      service.byebye();
      assert.is(clock.pending(), 1, 'the group');
      assert.equal([counts.get('announced'), counts.get('reply')], [1, undefined]);
      udp.close();
      end(service);
      assert.is(clock.pending(), 0);
    },
    'U-01 an interface that is created again with the same index: found after a minute, or when it is announced':
      async () => {
        let minute = (): void => {};
        const { service } = serve(['br-guest'], {
          schedule(delayMs, run) {
            if (delayMs !== 60_000) return schedule(delayMs, run);
            minute = run;
            return () => {};
          },
        });
        const index = Number.parseInt(await router.namespace.must('ip', ['-o', 'link', 'show', 'br-guest']), 10);
        for (const again of [() => minute(), () => service.announceAlive()]) {
          await router.namespace.ip(
            'link del br-guest',
            `link add br-guest index ${index} type bridge`,
            `addr add ${GUEST_ROUTER}/24 dev br-guest`,
            'link set br-guest up',
            'link set to-carol master br-guest',
          );
          const udp = await carol.udp();
          await until(udp, GUEST_ROUTER);
          const other = await carol.udp();
          other.sendText(ROOT, GROUP, 1900);
          assert.is(await other.receive(SILENCE_MS), null, 'the kernel has forgotten that it is a member');
          again();
          await until(other, GROUP);
          for (const each of [udp, other]) each.close();
        }
        assert.ok(service.isJoined(index));
        end(service);
      },
    'U-01 a group that cannot be joined is tried again every 2 s': () => {
      const clock = manualClock();
      const counts: SsdpEvent[] = [];
      const binding = { ...open('br-lan'), interfaceIndex: 4711 };
      const service = serveSsdp([binding], {
        lans: new Map([[4711, { identity: IDENTITIES['br-lan'] }]]),
        schedule: clock.schedule,
        random: () => 0,
        addresses: () => [],
        count: (event: SsdpEvent) => void counts.push(event),
      } as never);
      for (const [advance, tries] of [
        [1999, 1],
        [1, 2],
        [2000, 3],
      ] as const) {
        clock.advance(advance);
        assert.is(counts.filter((event) => event === 'join-failed').length, tries);
      }
      service.close();
      assert.is(clock.pending(), 0);
    },
    'a socket that is bound to no interface is refused': () => {
      const fd = router.namespace.during(() => openSsdp(null));
      assert.throws(
        () => serveSsdp([bindingOf(fd) as Binding<Ipv4>], { lans: new Map() } as never),
        `file descriptor ${fd} is not bound to the interface of a LAN`,
      );
      closeSync(fd);
    },
  });
}

/** Search there until there is a reply: a bridge that is new forwards nothing for a moment. */
async function until(udp: Udp, to: string): Promise<void> {
  for (let times = 0; times < 40; times++) {
    udp.sendText(ROOT, to, 1900);
    if ((await udp.receive(250)) !== null) return;
  }
  throw new Error(`no reply from ${to}`);
}

/** Wait until it is so, which an event of the server makes it. */
async function once(isSo: () => boolean): Promise<void> {
  for (const last = Date.now() + 5000; !isSo() && Date.now() < last; )
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(isSo());
}

/** The socket as the launcher opens it: on one interface, or on all; others may share the port (SO_REUSEADDR). */
function openSsdp(device: string | null): number {
  const fd = libc.socket(2, 2 | 0o4000 | 0o2000000, 0); // AF_INET, SOCK_DGRAM, not blocking, close-on-exec
  const options = [[2, nativeInt(1)], ...(device === null ? [] : [[25, Buffer.from(`${device}\0`)] as const])] as const;
  for (const [name, value] of options) assert.is(libc.setsockopt(fd, 1, name, value, value.length), 0);
  const any = Buffer.from('0200076c000000000000000000000000', 'hex'); // 0.0.0.0:1900
  assert.is(libc.bind(fd, any, any.length), 0, errorName());
  return fd;
}

/** The TTL of the first announcement that is heard. */
const TTL = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.IPPROTO_IP, 12, 1) # IP_RECVTTL
s.bind(('239.255.255.250', 1900))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('239.255.255.250') + socket.inet_aton(sys.argv[1]))
s.settimeout(10)
print(s.recvmsg(2000, 100)[1][0][2][0])
`;
/** Searches of the group whose source address is forged. */
const FORGED = `
import socket, struct, sys
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    return ~((total & 0xffff) + (total >> 16)) & 0xffff
text = b'M-SEARCH * HTTP/1.1\\r\\nMAN: "ssdp:discover"\\r\\nMX: 2\\r\\nST: upnp:rootdevice\\r\\n\\r\\n'
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
for source in sys.argv[1:]:
    group = socket.inet_aton('239.255.255.250')
    udp = struct.pack('!HHHH', 40000, 1900, 8 + len(text), 0) + text
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 1, 0, 4, 17, 0, socket.inet_aton(source), group)
    head = head[:10] + struct.pack('!H', checksum(head)) + head[12:]
    s.sendto(head + udp, ('eth0', 0x0800, 0, 0, bytes.fromhex('01005e7ffffa')))
`;
/** Two thousand datagrams of every kind that is no search. */
const FLOOD = `
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
kinds = [b'', b'M-SEARCH', b'M-SEARCH * HTTP/1.1' + b'\\n:' * 1000, b'M-SEARCH * HTTP/1.1\\r\\nMAN:' + b' ' * 2000, os.urandom(1400),
  b'NOTIFY * HTTP/1.1\\r\\n\\r\\n', b'M-SEARCH * HTTP/1.1\\r\\n' + b'ST: x\\r\\n' * 200, b'x' * 9000]
for index in range(2000): s.sendto(kinds[index % len(kinds)], (sys.argv[1], 1900))
`;
