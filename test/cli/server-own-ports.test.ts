// The sockets of the router that packets from outside reach, and the arithmetic of ports.

import * as assert from 'uvu/assert';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { BoundSocket } from '../../cli/host/bound-sockets.js';
import { readBoundSockets } from '../../cli/host/bound-sockets.js';
import { servedPorts } from '../../cli/host/listening-ports.js';
import { PortSet } from '../../cli/host/port-set.js';
import { readSocketTable } from '../../cli/host/socket-table.js';
import type { PortRange } from '../../proto/mapping.js';
import { commonPorts, inRanges, parseIpv4, withoutPorts } from '../../proto/mapping.js';
import { cases, claims } from '../support/cases.js';

const ip = (text: string): number => parseIpv4(text) ?? NaN;
/** wan0 is 3, its VRF 9, br-lan 4. */
const OUTSIDE = { devices: [3, 9], otherAddresses: new Set([ip('192.168.1.1'), ip('10.9.0.1')]) };
const EPHEMERAL = { from: 32768, to: 60999 };
const SOCKET: BoundSocket = { protocol: 'tcp', address: 0, port: 8080, device: 0, uid: 0, inode: 1 };

cases<{ name: string; socket: Partial<BoundSocket>; before?: number[]; want: number[] }>(
  'servedPorts (D-6)',
  [
    { name: 'on any address', socket: {}, want: [8080] },
    { name: 'on the external address', socket: { address: ip('203.0.113.2') }, want: [8080] },
    { name: 'on loopback', socket: { address: ip('127.0.0.1') }, want: [] },
    { name: 'on all of loopback', socket: { address: ip('127.0.0.53') }, want: [] },
    { name: 'on the LAN only', socket: { address: ip('192.168.1.1') }, want: [] },
    { name: "on a tunnel's address", socket: { address: ip('10.9.0.1') }, want: [] },
    { name: 'on a multicast address', socket: { address: ip('224.0.0.251') }, want: [] },
    { name: 'on IPv6 alone', socket: { address: null }, want: [] },
    { name: 'bound to the LAN device', socket: { device: 4 }, want: [] },
    { name: 'bound to the external device', socket: { device: 3 }, want: [8080] },
    { name: 'bound to its VRF', socket: { device: 9 }, want: [8080] },
    { name: "a user's service", socket: { uid: 1000 }, want: [8080] },
    { name: "a user's listener on a port that the kernel chose", socket: { uid: 1000, port: 40000 }, want: [40000] },
    { name: 'UDP: WireGuard', socket: { protocol: 'udp', port: 51820 }, want: [51820] },
    { name: "UDP: a user's game server", socket: { protocol: 'udp', uid: 1000, port: 27015 }, want: [27015] },
    { name: "UDP: a resolver's query, seen once", socket: { protocol: 'udp', uid: 53, port: 40000 }, want: [] },
    {
      name: 'and still there at the next look',
      socket: { protocol: 'udp', uid: 53, port: 40000 },
      before: [1],
      want: [40000],
    },
    { name: 'another one there', socket: { protocol: 'udp', uid: 53, port: 40000 }, before: [2], want: [] },
  ],
  ({ socket, before = [], want }) => {
    const served = servedPorts([{ ...SOCKET, ...socket }], OUTSIDE, EPHEMERAL, new Set(before));
    assert.equal(
      served.ports.ranges(),
      want.map((port) => ({ from: port, to: port })),
    );
    assert.equal(served.capped, []);
  },
);

claims('ports of one user', {
  'count up to 256, the lowest: nobody can take all of them from the LAN': () => {
    const sockets = Array.from({ length: 10_000 }, (_, at) => ({
      ...SOCKET,
      uid: 65534,
      port: 65_000 - 2 * at,
      inode: at,
    }));
    const served = servedPorts([...sockets, { ...SOCKET, port: 60001 }], OUTSIDE, EPHEMERAL, new Set());
    const lowest = 65_000 - 2 * 9_999;
    assert.equal(
      served.ports.ranges(),
      [...Array.from({ length: 256 }, (_, at) => lowest + 2 * at), 60001].map((port) => ({ from: port, to: port })),
    );
    assert.equal(served.ofRoot.ranges(), [{ from: 60001, to: 60001 }]);
    assert.equal(served.capped, [{ uid: 65534, ports: 10_000 }]);
  },
});

cases<{ name: string; uids: readonly number[]; users: readonly number[] }>(
  'who is one user, each with 200 ports, and 256 that count of each user',
  [
    { name: 'a user', uids: [1000], users: [1000] },
    { name: 'two users', uids: [1000, 1001], users: [1000, 1001] },
    {
      name: 'the containers of users, 3 of 100,000 and 65,536 above: one',
      uids: [100_000, 100_001, 165_536],
      users: [-1],
    },
    { name: 'one of them', uids: [165_536], users: [100_000] },
    { name: 'of the highest uids', uids: [2 ** 32 - 2, 524_288], users: [-1] },
    { name: 'daemons of natpmp-server and units: each', uids: [61183, 61184, 65519], users: [61183, 61184, 65519] },
    { name: 'nobody, and the last before', uids: [65534, 99_999], users: [65534, 99_999] },
  ],
  ({ uids, users }) => {
    const sockets = uids.flatMap((uid, nth) =>
      Array.from({ length: 200 }, (_, at) => ({ ...SOCKET, uid, port: 1000 + nth * 200 + at, inode: nth * 200 + at })),
    );
    const served = servedPorts(sockets, OUTSIDE, EPHEMERAL, new Set());
    const isCapped = users[0] === -1;
    const count = served.ports.ranges().reduce((sum, { from, to }) => sum + to - from + 1, 0);
    assert.is(count, isCapped ? 256 : 200 * users.length);
    assert.equal(served.capped, isCapped ? [{ uid: 100_000, ports: 200 * uids.length }] : []);
  },
);

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const rest = '00000000:00000000 00:00000000 00000000   1000        0 77 1 0000000000000000 100 0 0 10 0';
cases<{ name: string; line: string; want: object }>(
  'readSocketTable',
  [
    {
      name: 'any address',
      line: `   0: 00000000:1F90 00000000:0000 0A ${rest}`,
      want: { address: 0, port: 8080, state: '0A', uid: 1000, inode: '77', queuedBytes: 0 },
    },
    {
      name: 'an address, in host order',
      line: `   0: 0A7100CB:1F90 00000000:0000 0A ${rest}`,
      want: { address: ip('203.0.113.10'), port: 8080, state: '0A', uid: 1000, inode: '77', queuedBytes: 0 },
    },
    {
      name: 'IPv6, any address',
      line: `   0: ${'0'.repeat(32)}:0016 ${'0'.repeat(32)}:0000 0A ${rest}`,
      want: { address: 0, port: 22, state: '0A', uid: 1000, inode: '77', queuedBytes: 0 },
    },
    {
      name: 'an IPv4-mapped address',
      line: `   0: 0000000000000000FFFF00000A7100CB:0016 ${'0'.repeat(32)}:0000 0A ${rest}`,
      want: { address: ip('203.0.113.10'), port: 22, state: '0A', uid: 1000, inode: '77', queuedBytes: 0 },
    },
    {
      name: 'IPv6 alone',
      line: `   0: B80D0120000000000000000001000000:0016 ${'0'.repeat(32)}:0000 0A ${rest}`,
      want: { address: null, port: 22, state: '0A', uid: 1000, inode: '77', queuedBytes: 0 },
    },
  ],
  ({ line, want }) => assert.equal(readSocketTable(`${head}${line}\n`), [want]),
);

claims('readBoundSockets', {
  'finds what listens, by protocol, address and owner; not what is connected, and no IPv6 alone': async () => {
    const tcp = createServer().listen(0, '127.0.0.1');
    const tcp6 = createServer().listen({ port: 0, host: '::', ipv6Only: true });
    const both = createServer().listen(0, '::');
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    const connected = createSocket('udp4').bind(0, '127.0.0.1');
    await Promise.all(
      [tcp, tcp6, both, udp, connected].map(
        (each) => new Promise<void>((resolve) => void each.once('listening', resolve)),
      ),
    );
    await new Promise<void>((resolve) => connected.connect(9, '127.0.0.1', resolve));
    const portOf = (socket: { address(): unknown }): number => (socket.address() as { port: number }).port;
    const found = readBoundSockets();
    const at = (protocol: string, port: number) =>
      found
        .filter((socket) => socket.protocol === protocol && socket.port === port)
        .map(({ address, device, uid }) => ({ address, device, uid }));
    const uid = process.getuid?.() ?? 0;
    assert.equal(at('tcp', portOf(tcp)), [{ address: ip('127.0.0.1'), device: 0, uid }]);
    assert.equal(at('tcp', portOf(tcp6)), [{ address: null, device: 0, uid }]);
    assert.equal(at('tcp', portOf(both)), [{ address: 0, device: 0, uid }]);
    assert.equal(at('udp', portOf(udp)), [{ address: ip('127.0.0.1'), device: 0, uid }]);
    assert.equal(at('udp', portOf(connected)), []);
    for (const socket of [tcp, tcp6, both, udp, connected]) socket.close();
  },
});

const all = [{ from: 1024, to: 65535 }];
cases(
  'withoutPorts',
  [
    { name: 'none', ranges: all, ports: [], want: all },
    {
      name: 'in the middle',
      ranges: all,
      ports: [8080],
      want: [
        { from: 1024, to: 8079 },
        { from: 8081, to: 65535 },
      ],
    },
    { name: 'the first and the last', ranges: all, ports: [1024, 65535], want: [{ from: 1025, to: 65534 }] },
    { name: 'outside', ranges: all, ports: [22], want: all },
    { name: 'the only one', ranges: [{ from: 80, to: 80 }], ports: [80], want: [] },
    {
      name: 'of several ranges',
      ranges: [
        { from: 1, to: 9 },
        { from: 20, to: 29 },
      ],
      ports: [9, 25],
      want: [
        { from: 1, to: 8 },
        { from: 20, to: 24 },
        { from: 26, to: 29 },
      ],
    },
  ],
  ({ ranges, ports, want }) => {
    const holes = ports.map((port) => ({ from: port, to: port }));
    assert.equal(withoutPorts(ranges, holes), want);
    assert.equal(PortSet.of(ranges).without(PortSet.of(holes)).ranges(), want);
  },
);

/** Reproducible numbers below `limit`: a linear congruential generator. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const joinPorts = (ranges: readonly PortRange[]) => withoutPorts(ranges, []);
claims('ranges of ports', {
  'are joined, cut and searched as single ports would be': () => {
    const next = numbers(7);
    const some = () =>
      Array.from({ length: 1 + next(8) }, () => {
        const from = 1 + next(120);
        return { from, to: from + next(20) };
      });
    for (let round = 0; round < 500; round++) {
      const [ranges, others] = [some(), some()];
      const ports = Array.from({ length: 160 }, (_, port) => port);
      const has = (list: readonly { from: number; to: number }[], port: number) =>
        list.some(({ from, to }) => port >= from && port <= to);
      const same = (list: readonly { from: number; to: number }[], wanted: (port: number) => boolean) => {
        assert.equal(
          ports.filter((port) => inRanges(list, port)),
          ports.filter(wanted),
        );
        assert.equal(joinPorts(list), list, 'joined already');
      };
      same(joinPorts(ranges), (port) => has(ranges, port));
      same(withoutPorts(ranges, others), (port) => has(ranges, port) && !has(others, port));
      same(commonPorts(joinPorts(ranges), joinPorts(others)), (port) => has(ranges, port) && has(others, port));
      assert.equal(PortSet.of(ranges).or(PortSet.of(others)).ranges(), joinPorts([...ranges, ...others]));
      assert.equal(
        PortSet.of(ranges).and(PortSet.of(others)).ranges(),
        commonPorts(joinPorts(ranges), joinPorts(others)),
      );
    }
  },
});
