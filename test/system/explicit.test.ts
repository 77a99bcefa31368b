// What the administrator has said wins in the kernel, in whichever order tables were loaded; the external address is a fact
// for packets; and a mapping leads into a LAN or nowhere. On the rules alone, without daemons.

import { closeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { RulesetConfig } from '../../cli/host/ruleset-text.js';
import { ruleset } from '../../cli/host/ruleset-text.js';
import { openUdp } from '../../cli/server/sockets.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { cases, claims } from '../support/cases.js';
import type { Host } from '../lab/host.js';
import { endsOf, isAlive, passes, tcpFlow } from '../lab/flows.js';
import { SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import {
  ALICE,
  BOB,
  CAROL,
  EXTERNAL,
  GUEST_ROUTER,
  MASQUERADE,
  openLab,
  OUTSIDE,
  OUTSIDE_TOO,
  REMOTE,
  ROUTER,
} from '../lab/lab.js';
import { CONFIG, ending, mapping } from '../lab/ruleset.js';

/** More addresses of wan0. */
const TOLD = '203.0.113.11';
const ALIAS = '203.0.113.12';
const GIVEN_AWAY = '203.0.113.13';
/** Of a router in front of this one. */
const IN_FRONT = '198.51.100.77';
/** Of a network that is routed to this router, and on none of its interfaces outside. */
const ROUTED = '198.51.100.9';

const lab = await openLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { router, alice, bob, outside, carol } = lab;
  for (const address of [TOLD, ALIAS, GIVEN_AWAY]) await lab.ip(`addr add ${address}/24 dev wan0`);
  const MAPPINGS =
    mapping('tcp', 8080, ALICE, 80) +
    mapping('udp', 8080, ALICE, 80) +
    mapping('tcp', 8443, ALICE, 443) +
    mapping('udp', 8443, ALICE, 443);
  const install = async (changes: Partial<RulesetConfig> = {}, more = ''): Promise<void> => {
    await router.run('conntrack', '-F');
    await lab.nft(`table inet nat\ndelete table inet nat\n${ruleset({ ...CONFIG, ...changes })}${MAPPINGS}${more}`);
  };
  const hosts = { alice, bob, router, outside };
  type Name = keyof typeof hosts;
  // Every host answers on every port with its name, but the router, which is to serve only what a test says.
  const serve = async (host: Host, port: number, address?: string) => ({
    tcp: await host.listen(port, address),
    udp: await host.udp(address === undefined ? { port } : { port, address }),
  });
  const served = {
    alice: [await serve(alice, 80), await serve(alice, 443)],
    bob: [await serve(bob, 80), await serve(bob, 8080)],
  };

  /** Who is reached at this address and port, by TCP and by UDP: 'alice', 'bob', 'router', or null for nobody. */
  const reached = async (
    from: Host,
    address: string,
    port: number,
    { isAnybody = true, own = [] }: { isAnybody?: boolean; own?: readonly Awaited<ReturnType<typeof serve>>[] } = {},
  ): Promise<readonly (Name | null)[]> => {
    const there = Object.entries({ alice: served.alice, bob: served.bob, router: own }).flatMap(([name, sockets]) =>
      sockets.map((socket) => ({ ...socket, name: name as Name })),
    );
    const withinMs = isAnybody ? SOON_MS : SILENCE_MS;
    /** The first of them that heard of it. */
    const who = async (heard: (one: (typeof there)[number]) => Promise<unknown>): Promise<Name | null> => {
      for (const until = performance.now() + withinMs; performance.now() < until; )
        for (const one of there) if ((await heard(one)) !== null) return one.name;
      return null;
    };
    const connected = await from.connect(address, port, { withinMs });
    const byTcp = connected.kind === 'connected' ? await who(({ tcp }) => tcp.accept(10)) : null;
    if (connected.kind === 'connected') connected.connection.close();
    const caller = await from.udp();
    caller.sendText('who?', address, port);
    const byUdp = await who(({ udp }) => udp.receive(10));
    caller.close();
    return [byTcp, byUdp];
  };
  const both = (name: Name | null) => [name, name];

  await install();
  cases<{ name: string; address?: string; port: number; want: Name; from?: Host; asked?: string }>(
    'a service of the router that starts after the mapping',
    [
      { name: 'none', port: 9, want: 'alice' },
      { name: 'on any address', port: 8443, want: 'router' },
      { name: 'on the external address', port: 8443, address: EXTERNAL, want: 'router' },
      { name: 'on loopback alone', port: 8443, address: '127.0.0.1', want: 'alice' },
      { name: 'on the LAN address alone', port: 8443, address: ROUTER, want: 'alice' },
      { name: 'for LAN hosts that ask the external address', port: 8443, from: bob, want: 'router' },
    ],
    async ({ address, port, want, from = outside }) => {
      await router.run('conntrack', '-F');
      const own = await serve(router, port, address);
      assert.equal(await reached(from, EXTERNAL, 8443, { own: [own] }), both(want));
      own.tcp.close();
      own.udp.close();
    },
  );

  claims('sockets of the router that serve nobody', {
    'one that is connected to somebody else leaves the port to the mapping': async () => {
      const own = await router.udp({ port: 8443, peer: { address: OUTSIDE_TOO, port: 53 } });
      assert.equal(await reached(outside, EXTERNAL, 8443), both('alice'));
      own.close();
    },
    'nor does one of a LAN device keep it': async () => {
      const fd = router.namespace.during(() => openUdp(0, 8080, 'br-lan'));
      assert.equal(await reached(outside, EXTERNAL, 8080), both('alice'));
      closeSync(fd);
    },
  });

  /** A forward by hand, or by the program that publishes the ports of containers. */
  const forward = (family: string, priority: string, rule: string) =>
    `table ${family} theirs { chain prerouting { type nat hook prerouting priority ${priority}; ${rule}; }; }\n`;
  const FORWARDS = [
    {
      name: 'of a container (iptables, Docker)',
      script: forward('ip', 'dstnat', `fib daddr type local meta l4proto { tcp, udp } th dport 8080 dnat to ${BOB}`),
    },
    {
      name: 'of firewalld',
      script: forward(
        'inet',
        'dstnat + 10',
        `iifname "wan0" meta l4proto { tcp, udp } th dport 8080 dnat ip to ${BOB}`,
      ),
    },
    {
      name: 'in a filter’s place',
      script: forward('inet', '0', `iifname "wan0" meta l4proto { tcp, udp } th dport 8080 dnat ip to ${BOB}`),
    },
  ];
  cases(
    'a forward of somebody else keeps its port',
    FORWARDS.flatMap((row) => [
      { ...row, name: `${row.name}, loaded before`, isFirst: true },
      { ...row, name: `${row.name}, loaded after`, isFirst: false },
    ]),
    async ({ script, isFirst }) => {
      if (isFirst) await lab.nft(script);
      await install();
      if (!isFirst) await lab.nft(script);
      assert.equal(await reached(outside, EXTERNAL, 8080), both('bob'));
      assert.equal(await reached(outside, EXTERNAL, 8443), both('alice'));
      await lab.nft(script.startsWith('table ip ') ? 'delete table ip theirs' : 'delete table inet theirs');
    },
  );

  const ONE_TO_ONE = forward('ip', 'dstnat', `ip daddr ${GIVEN_AWAY} dnat to ${BOB}`);
  const told = { externalAddress: parseIpv4(TOLD) };
  const from = { outside, bob, carol };
  cases<{
    name: string;
    config?: Partial<RulesetConfig>;
    from: keyof typeof from;
    to: string;
    want: Name | null;
  }>(
    'which addresses lead to a mapping',
    [
      { name: 'the first of wan0', from: 'outside', to: EXTERNAL, want: 'alice' },
      { name: 'another of wan0', from: 'outside', to: ALIAS, want: 'alice' },
      { name: 'one that is given to a host (1:1 NAT)', from: 'outside', to: GIVEN_AWAY, want: 'bob' },
      { name: 'one of another interface, from outside', from: 'outside', to: ROUTER, want: null },
      { name: 'told: that one', config: told, from: 'outside', to: TOLD, want: 'alice' },
      { name: 'told: no other', config: told, from: 'outside', to: EXTERNAL, want: null },
      { name: 'told: not the one that is given to a host', config: told, from: 'outside', to: GIVEN_AWAY, want: 'bob' },
      { name: 'hairpin: one of wan0', from: 'bob', to: EXTERNAL, want: 'alice' },
      { name: 'hairpin: the router in the own LAN', from: 'bob', to: ROUTER, want: null },
      { name: 'hairpin: the router in the other LAN, once used', from: 'bob', to: GUEST_ROUTER, want: null },
      { name: 'hairpin from the other LAN: one of wan0', from: 'carol', to: EXTERNAL, want: 'alice' },
      { name: 'hairpin from the other LAN: the router in the first', from: 'carol', to: ROUTER, want: null },
      { name: 'hairpin, told: that one', config: told, from: 'bob', to: TOLD, want: 'alice' },
      { name: 'hairpin, told: no other', config: told, from: 'bob', to: EXTERNAL, want: null },
      { name: 'no hairpin', config: { hairpin: false }, from: 'bob', to: EXTERNAL, want: null },
    ],
    async ({ config = {}, from: who, to, want }) => {
      await lab.nft(ONE_TO_ONE);
      await install({ listenInterfaces: ['br-lan', 'br-guest'], ...config });
      await outside.run('ip', 'route', 'replace', '192.168.0.0/16', 'via', EXTERNAL);
      // As hosts do: they resolve names, and ask for mappings.
      for (const [host, gateway] of [
        [bob, ROUTER],
        [carol, GUEST_ROUTER],
      ] as const)
        await host.connect(gateway, 9, { withinMs: SILENCE_MS });
      assert.equal(await reached(from[who], to, 8080, { isAnybody: want !== null }), both(want));
      await lab.nft('delete table ip theirs');
    },
  );

  cases(
    'hairpin by the address of a router in front of this one (1:1 NAT)',
    [
      { name: 'from Linux 6.5 on', looksIntoMaps: true },
      { name: 'before', looksIntoMaps: false },
    ],
    async ({ looksIntoMaps }) => {
      await outside.run('ip', 'addr', 'replace', `${IN_FRONT}/32`, 'dev', 'lo');
      const inFront = { externalAddress: parseIpv4(IN_FRONT), isAddressHere: false, looksIntoMaps };
      await install({ listenInterfaces: ['br-lan', 'br-guest'], ...inFront });
      for (const host of [bob, carol]) assert.equal(await reached(host, IN_FRONT, 8080), both('alice'));
      for (const host of [bob, outside]) assert.equal(await reached(host, EXTERNAL, 8080), both('alice'));
      // What is not mapped is for the router in front.
      const front = await serve(outside, 9300, IN_FRONT);
      const flow = await tcpFlow(bob, IN_FRONT, 9300, front.tcp);
      const caller = await bob.udp();
      for (let round = 0; round < 2; round++) {
        const got = await passes(caller, front.udp, IN_FRONT, 9300);
        front.udp.sendText('back', got?.address, got?.port);
        assert.is(await caller.receiveText(), 'back');
      }
      assert.ok(await isAlive(flow));
      const mapped = await tcpFlow(bob, IN_FRONT, 8080, served.alice[0]?.tcp ?? front.tcp);
      await lab.nft(ending('tcp', 8080, ALICE, 80));
      assert.equal(await endsOf(mapped), { caller: 'ECONNRESET', called: 'ECONNRESET' });
      await install({ hairpin: false, ...inFront });
      assert.equal(await reached(bob, IN_FRONT, 8080), both(null));
      flow.caller.close();
      for (const one of [front.tcp, front.udp, caller]) one.close();
    },
  );

  /** The port of a connection that has just ended is not free at once. */
  let nextPort = 4000;
  cases<{ name: string; config?: Partial<RulesetConfig>; protocol: 'tcp' | 'udp'; want: string }>(
    '§3.9 what leaves from a mapped port has the address and port that the client was told',
    [
      { name: 'told, UDP', config: told, protocol: 'udp', want: `${TOLD}:8080` },
      { name: 'told, TCP', config: told, protocol: 'tcp', want: `${TOLD}:8080` },
      { name: 'not told, UDP: the address of all that leaves', protocol: 'udp', want: `${EXTERNAL}:8080` },
      { name: 'not told, TCP', protocol: 'tcp', want: `${EXTERNAL}:8080` },
    ],
    async ({ config = {}, protocol, want }) => {
      await install(config);
      if (protocol === 'udp') {
        const there = await outside.udp({ address: REMOTE });
        served.alice[0]?.udp.sendText('hello', REMOTE, there.port);
        const got = await there.receive();
        assert.is(`${got?.address}:${got?.port}`, want);
        there.sendText('back', got?.address, got?.port);
        assert.is(await served.alice[0]?.udp.receiveText(), 'back');
        there.close();
      } else {
        const port = nextPort++;
        await lab.nft(ending('tcp', 8080, ALICE, 80) + mapping('tcp', 8080, ALICE, port));
        const there = await outside.listen(9100, REMOTE);
        const connected = await alice.connect(REMOTE, 9100, { port });
        const peer = (await there.accept())?.peer;
        assert.is(`${peer?.address}:${peer?.port}`, want);
        if (connected.kind === 'connected') connected.connection.close();
        there.close();
      }
    },
  );

  cases<{ name: string; mapped: string; before?: string; after?: string }>(
    'a mapping leads into a LAN, or nowhere',
    [
      // 192.168.1.53 is of the LAN's prefix, but an address of the router itself.
      {
        name: 'an address of the router',
        mapped: '192.168.1.53',
        before: 'addr add 192.168.1.53/32 dev lo',
        after: 'addr del 192.168.1.53/32 dev lo',
      },
      { name: 'loopback', mapped: '127.0.0.1' },
      { name: 'a host of a LAN that is not served', mapped: CAROL },
      { name: 'a host outside', mapped: OUTSIDE_TOO },
    ],
    async ({ mapped, before, after }) => {
      if (before !== undefined) await lab.ip(before);
      await install({}, mapping('tcp', 7000, mapped, 22) + mapping('udp', 7000, mapped, 22));
      const inRouter = mapped === '192.168.1.53' || mapped === '127.0.0.1';
      const host = inRouter ? router : mapped === CAROL ? carol : outside;
      const victim = await serve(host, 22, mapped);
      assert.is((await outside.connect(EXTERNAL, 7000, { withinMs: SILENCE_MS })).kind, 'failed');
      assert.is(await victim.tcp.accept(0), null);
      const caller = await outside.udp();
      caller.sendText('who?', EXTERNAL, 7000);
      assert.is(await victim.udp.receive(SILENCE_MS), null);
      victim.tcp.close();
      victim.udp.close();
      if (after !== undefined) await lab.ip(after);
    },
  );

  claims('what a frontend’s socket could be turned into', {
    'sends nothing to the Internet, to the router itself, or to another interface': async () => {
      await install();
      const socket = await router.udp({ port: 5351 });
      const overflow = await router.udp({ port: 5352 });
      const there = await outside.udp({ port: 7777 });
      const local = await router.udp({ port: 7777 });
      const guest = await carol.udp({ port: 7777 });
      for (const from_ of [socket, overflow]) {
        from_.sendText('out', OUTSIDE, 7777);
        from_.sendText('out', '127.0.0.1', 7777);
        from_.sendText('out', CAROL, 7777);
      }
      assert.is(await there.receive(SILENCE_MS), null);
      assert.is(await local.receive(0), null);
      assert.is(await guest.receive(0), null);
      for (const one of [socket, overflow, local]) one.close();
    },
    'answers nobody outside': async () => {
      const socket = await router.udp({ port: 5351 });
      const there = await outside.udp();
      there.sendText('knock', EXTERNAL, 5351);
      const knock = await socket.receive();
      socket.sendText('answer', knock?.address, knock?.port);
      assert.is(await there.receive(SILENCE_MS), null);
      socket.close();
    },
    'answers the LAN; and another gateway, in a LAN of its own, is not hindered': async () => {
      const socket = await router.udp({ port: 5351 });
      for (const [host, gateway] of [
        [alice, ROUTER],
        [carol, GUEST_ROUTER],
      ] as const) {
        const there = await host.udp();
        there.send('0000', gateway, 5351);
        const request = await socket.receive();
        socket.sendText('answer', request?.address, request?.port);
        assert.is(await there.receiveText(), 'answer');
      }
      const listener = await carol.udp({ port: 5350, join: { group: '224.0.0.1', on: CAROL } });
      const announcer = await router.udp({ port: 5352, address: GUEST_ROUTER });
      await router.run('ip', 'route', 'add', '224.0.0.1/32', 'dev', 'br-guest');
      announcer.sendText('announcement', '224.0.0.1', 5350);
      assert.is(await listener.receiveText(), 'announcement');
      socket.close();
      announcer.close();
    },
  });

  claims('a neighbour', {
    'that sends from the source port that another holds outside leaves from another port': async () => {
      await install();
      const peer = await outside.udp({ address: REMOTE, port: 9200 });
      const neighbour = await bob.udp({ port: 8443 });
      neighbour.sendText('mine now', REMOTE, 9200);
      const first = await peer.receive();
      assert.is(first?.address, EXTERNAL);
      assert.is.not(first?.port, 8443);
      peer.sendText('for the owner', EXTERNAL, 8443);
      assert.is(await served.alice[1]?.udp.receiveText(), 'for the owner');
      peer.sendText('for the neighbour', first?.address, first?.port);
      assert.is(await neighbour.receiveText(), 'for the neighbour');
      served.alice[1]?.udp.sendText('from the owner', REMOTE, 9200);
      assert.is((await peer.receive())?.port, 8443);
      neighbour.close();
    },
    'that is routed with a public address, or exempt from translation, keeps address and port': async () => {
      await install();
      const PUBLIC = '198.51.100.130';
      await carol.run('ip', 'addr', 'add', `${PUBLIC}/32`, 'dev', 'lo');
      await lab.ip(`route add ${PUBLIC}/32 via ${CAROL}`);
      await outside.run('ip', 'route', 'add', `${PUBLIC}/32`, 'via', EXTERNAL);
      await outside.run('ip', 'route', 'add', `${BOB}/32`, 'via', EXTERNAL);
      await outside.run('ip', 'addr', 'add', '10.99.0.1/32', 'dev', 'lo');
      await lab.ip(`route add 10.99.0.1/32 via ${OUTSIDE}`);
      await lab.nft(`flush chain ip lab postrouting
        add rule ip lab postrouting ip daddr 10.99.0.0/24 accept
        add rule ip lab postrouting ip saddr 192.168.0.0/16 oifname "wan0" masquerade`);
      const peer = await outside.udp({ port: 9202 });
      (await carol.udp({ address: PUBLIC, port: 8443 })).sendText('routed', OUTSIDE, 9202);
      assert.equal(await peer.receive().then((one) => [one?.address, one?.port]), [PUBLIC, 8443]);
      (await bob.udp({ port: 8443 })).sendText('in a tunnel', '10.99.0.1', 9202);
      assert.equal(await peer.receive().then((one) => [one?.address, one?.port]), [BOB, 8443]);
      await lab.nft(`flush chain ip lab postrouting\n${MASQUERADE}`);
      await outside.run('ip', 'route', 'del', `${BOB}/32`);
    },
    'keeps its source port if nobody holds it': async () => {
      const peer = await outside.udp({ address: REMOTE, port: 9201 });
      const neighbour = await bob.udp({ port: 5555 });
      neighbour.sendText('hello', REMOTE, 9201);
      assert.is((await peer.receive())?.port, 5555);
    },
  });

  claims('from a mapped port', {
    'what the administrator exempts from translation, to private addresses, keeps address and port': async () => {
      await install();
      await outside.run('ip', 'route', 'replace', `${ALICE}/32`, 'via', EXTERNAL);
      await outside.run('ip', 'addr', 'replace', '10.99.0.1/32', 'dev', 'lo');
      await lab.ip(`route replace 10.99.0.1/32 via ${OUTSIDE}`);
      await lab.nft(`flush chain ip lab postrouting
        add rule ip lab postrouting ip daddr 10.99.0.0/24 accept
        add rule ip lab postrouting ip saddr 192.168.0.0/16 oifname "wan0" masquerade`);
      const peer = await outside.udp({ port: 9204 });
      served.alice[0]?.udp.sendText('in a tunnel', '10.99.0.1', 9204);
      assert.equal(await peer.receive().then((one) => [one?.address, one?.port]), [ALICE, 80]);
      served.alice[0]?.udp.sendText('to the Internet', OUTSIDE, 9204);
      assert.equal(await peer.receive().then((one) => [one?.address, one?.port]), [EXTERNAL, 8080]);
      await lab.nft(`flush chain ip lab postrouting\n${MASQUERADE}`);
      await outside.run('ip', 'route', 'del', `${ALICE}/32`);
      peer.close();
    },
  });

  const MAP_E_WIDEST = { from: 36928, to: 36943 };
  const MAP_E = [{ from: 32832, to: 32839 }, MAP_E_WIDEST, { from: 41024, to: 41031 }];
  cases<{ name: string; config: Partial<RulesetConfig>; address: string; ports?: { from: number; to: number } }>(
    'a neighbour whose source port is held has the address of all, and a port that the router may use',
    [
      { name: 'told: that address', config: told, address: TOLD },
      {
        name: 'told, of no interface that leads outside',
        config: { externalAddress: parseIpv4(ROUTED) },
        address: ROUTED,
      },
      { name: 'of a set of ports (MAP-E)', config: { allowedPorts: MAP_E }, address: EXTERNAL, ports: MAP_E_WIDEST },
      { name: 'told, of a set', config: { ...told, allowedPorts: MAP_E }, address: TOLD, ports: MAP_E_WIDEST },
      {
        name: 'where one port is allowed: another',
        config: { allowedPorts: [{ from: 36930, to: 36930 }] },
        address: EXTERNAL,
      },
    ],
    async ({ config, address, ports = { from: 1024, to: 65535 } }) => {
      await lab.ip(`addr replace ${ROUTED}/32 dev lo`);
      await outside.run('ip', 'route', 'replace', `${ROUTED}/32`, 'via', EXTERNAL);
      await install(config, mapping('udp', 36930, ALICE, 5000) + mapping('tcp', 36930, ALICE, 5000));
      const there = await outside.udp({ address: REMOTE });
      const neighbour = await bob.udp({ port: 36930 });
      const seen: number[] = [];
      // Of 16 ports one is the held one itself.
      for (let round = 0; round < 6; round++) {
        await router.run('conntrack', '-D', '-p', 'udp');
        neighbour.sendText('mine', REMOTE, there.port);
        const got = await there.receive();
        assert.is(got?.address, address);
        assert.ok((got?.port ?? 0) >= ports.from && (got?.port ?? 0) <= ports.to, `${got?.port}`);
        seen.push(got?.port ?? 0);
        there.sendText('yours', got?.address, got?.port);
        assert.is(await neighbour.receiveText(), 'yours');
      }
      assert.ok(seen.some((port) => port !== 36930));
      there.close();
      neighbour.close();
      await lab.ip(`addr del ${ROUTED}/32 dev lo`);
    },
  );

  claims('a mapping that ends while a first packet is on its way', {
    'leaves no connection behind': async () => {
      await install();
      // Between translation and forward the first packet itself ends the mapping.
      await lab.nft(`table inet nat { chain between {
        type filter hook prerouting priority filter
        tcp dport 80 ct status dnat delete @NATPMP-live { meta l4proto . ip daddr . tcp dport . ct original proto-dst }
      }; }`);
      assert.equal(await outside.connect(EXTERNAL, 8080), { kind: 'failed', code: 'ECONNREFUSED' });
      assert.not.match((await router.run('nft', 'list', 'set', 'inet', 'nat', 'NATPMP-live')).stdout, /tcp . .* 8080/);
      assert.is(await served.alice[0]?.tcp.accept(0), null);
    },
  });
}
