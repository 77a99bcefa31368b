// Who may ask on routers whose routes are more than one table: rules for policy routing, virtual routers (VRRP), nexthop
// objects. A host of the LAN is served, and nobody speaks for a host of another LAN by a forged address.
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import type { Host } from '../lab/host.js';
import { tcpFlow } from '../lab/flows.js';
import { SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import {
  ALICE6,
  BOB6,
  CAROL6,
  GUEST_LAN6,
  GUEST_ROUTER6,
  LAN6,
  openDualStackLab,
  OUTSIDE6,
  ROUTER6,
} from '../lab/ipv6.js';
import { ALICE, BOB, CAROL, EXTERNAL, GUEST_ROUTER, OUTSIDE, REMOTE, ROUTER } from '../lab/lab.js';
import { Asker, mapRequest, PORT } from '../lab/natpmp.js';
import { mapRequest as pcpRequest, newNonce, PcpClient, PROTOCOL } from '../lab/pcp.js';
import { Server } from '../lab/server.js';

/** The addresses of virtual routers. */
const [VIRTUAL, VIRTUAL6] = ['192.168.1.254', `${LAN6}fe`];
const [GUEST_VIRTUAL, GUEST_VIRTUAL6] = ['192.168.2.254', `${GUEST_LAN6}fe`];

const lab = await openDualStackLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { alice, carol, outside, router } = lab;
  // Virtual routers, as keepalived makes them with use_vmac: the address of the hosts' gateway, on a macvlan.
  for (const [name, lan, mac, ...addresses] of [
    ['vrrp.10', 'br-lan', '00:00:5e:00:01:0a', `${VIRTUAL}/32`, `${VIRTUAL6}/64`],
    ['vrrp.20', 'br-guest', '00:00:5e:00:01:14', `${GUEST_VIRTUAL}/32`, `${GUEST_VIRTUAL6}/64`],
  ] as const)
    await router.namespace.ip(
      `link add ${name} link ${lan} address ${mac} type macvlan mode private`,
      `link set ${name} addrgenmode none`,
      ...addresses.map((address) => `addr add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`),
      `link set ${name} up`,
    );
  const LANS = ['br-lan', 'br-guest', 'vrrp.10', 'vrrp.20'];
  const server = await Server.start(lab, ['--pinholes', ...LANS.flatMap((name) => ['--listen-interface', name])]);

  // Source addresses that are not theirs: no row changes who has them. The router filters no reverse paths.
  await carol.namespace.ip(`addr add ${BOB}/32 dev lo`, `addr add ${BOB6}/128 dev lo nodad`);
  await alice.namespace.ip(`addr add ${CAROL}/32 dev lo`, `addr add ${CAROL6}/128 dev lo nodad`);
  await outside.namespace.ip(
    `addr add ${BOB}/32 dev lo`,
    `addr add ${BOB6}/128 dev lo nodad`,
    'route add 192.168.0.0/16 via 203.0.113.10',
  );
  const openFor = (address: string) =>
    pcpRequest({ client: address, lifetime: 600, nonce: newNonce(), protocol: PROTOCOL.tcp, internalPort: 7000 });
  const request = (source: string) => (source.includes(':') ? openFor(source) : mapRequest('tcp', 7000, 7000, 600));

  /** Each who asks in the name of another, and at which address of the router. */
  const FORGERS: readonly (readonly [name: string, from: Host, source: string, to: string])[] = [
    ['a guest, for a LAN host', carol, BOB, GUEST_ROUTER],
    ["a guest, for a LAN host, at the LAN's router", carol, BOB, ROUTER],
    ['a LAN host, for a guest', alice, CAROL, ROUTER],
    ['outside, for a LAN host', outside, BOB, ROUTER],
    ['a guest, for a LAN host, over IPv6', carol, BOB6, GUEST_ROUTER6],
    ["a guest, for a LAN host, over IPv6, at the LAN's router", carol, BOB6, ROUTER6],
    ['a LAN host, for a guest, over IPv6', alice, CAROL6, ROUTER6],
    ['a guest, for a LAN host, at the virtual router', carol, BOB, GUEST_VIRTUAL],
    ["a guest, for a LAN host, at the LAN's virtual router", carol, BOB, VIRTUAL],
    ['a LAN host, for a guest, at the virtual router', alice, CAROL, VIRTUAL],
    ['a guest, for a LAN host, over IPv6, at the virtual router', carol, BOB6, GUEST_VIRTUAL6],
    ['outside, for a LAN host, over IPv6', outside, BOB6, ROUTER6],
  ];
  /** The forgers that got an answer. */
  const heard = async (forgers = FORGERS, withinMs = SILENCE_MS): Promise<readonly string[]> => {
    const sockets = await Promise.all(forgers.map(([, from, address]) => from.udp({ address })));
    for (const [at, [, , source, to]] of forgers.entries())
      for (let times = 0; times < 2; times++) sockets[at]!.send(request(source), to, PORT);
    const answers = await Promise.all(sockets.map((socket) => socket.receive(withinMs)));
    for (const socket of sockets) socket.close();
    return forgers.flatMap(([name], at) => (answers[at] === null ? [] : [name]));
  };

  /** A mapping, and a pinhole, that alice asks for, and deletes. @throws if nothing answers */
  const serves = async (gateway = ROUTER, gateway6 = ROUTER6): Promise<void> => {
    const asker = await Asker.open(alice, gateway);
    assert.match(await asker.ask(mapRequest('tcp', 8080, 8080, 600)), /^00820000........1f901f90/);
    assert.equal(await server.mappings(), [`tcp 8080 -> ${ALICE}:8080`]);
    assert.match(await asker.ask(mapRequest('tcp', 8080, 0, 0)), /^00820000/);
    asker.udp.close();
    const client = await PcpClient.open(alice, ALICE6, gateway6);
    assert.is((await client.map(8080)).result, 0);
    assert.equal(await server.pinholes(), [`tcp [${ALICE6}]:8080`]);
    assert.is((await client.map(8080, { lifetime: 0 })).result, 0);
    client.udp.close();
  };

  // A tunnel that takes what the LAN sends to the Internet, and has no route to the LAN.
  await router.namespace.ip(
    'link add vpn0 type veth peer name vpn-end',
    'link set vpn-end up',
    'addr add 10.8.0.2/24 dev vpn0',
    'addr add 2001:db8:8::2/64 dev vpn0 nodad',
    'link set vpn0 up',
  );
  for (const route of [
    'default via 10.8.0.1 dev vpn0 table 100',
    'default via 2001:db8:8::1 dev vpn0 table 100',
    `default via ${OUTSIDE} dev wan0 table 200`,
    `default via ${OUTSIDE6} dev wan0 table 200`,
  ])
    await router.namespace.ip(`route add ${route}`);

  cases(
    'rules for policy routing: hosts of the LAN are served, and nobody in the name of another',
    [
      { name: 'none', rules: [] },
      {
        name: 'what the LAN sends goes into a tunnel',
        rules: ['from 192.168.1.0/24 lookup 100', 'from 2001:db8:a:1::/64 lookup 100'],
      },
      {
        name: 'what the LAN sends leaves by the WAN, in a table of its own',
        rules: ['from 192.168.1.0/24 lookup 200', 'from 2001:db8:a:1::/64 lookup 200'],
      },
      {
        name: 'what comes in from the LAN goes into a tunnel',
        rules: ['iif br-lan lookup 100', '-6 iif br-lan lookup 100'],
      },
      { name: 'what has a mark', rules: ['fwmark 0x1 lookup 100', '-6 fwmark 0x1 lookup 100'] },
      {
        name: 'all but what has a mark, behind the routes of main (wg-quick)',
        rules: [
          'not fwmark 0x1 lookup 100 priority 32001',
          'lookup main suppress_prefixlength 0 priority 32000',
          '-6 not fwmark 0x1 lookup 100 priority 32001',
          '-6 lookup main suppress_prefixlength 0 priority 32000',
        ],
      },
    ],
    async ({ rules }) => {
      const change = async (action: 'add' | 'del') => {
        for (const rule of rules) {
          const isIpv6 = rule.startsWith('-6 ') || rule.includes(':');
          await router.namespace.must('ip', [
            isIpv6 ? '-6' : '-4',
            'rule',
            action,
            ...rule.replace('-6 ', '').split(' '),
          ]);
        }
      };
      await change('add');
      try {
        await serves();
        await serves(VIRTUAL, VIRTUAL6);
        assert.equal(await heard(), []);
        assert.equal([await server.mappings(), await server.pinholes()], [[], []]);
      } finally {
        await change('del');
      }
    },
  );

  claims('a virtual router', {
    'what is mapped there is reached from outside, and answers by the virtual router': async () => {
      await alice.namespace.ip(`route replace default via ${VIRTUAL}`);
      const asker = await Asker.open(alice, VIRTUAL);
      const web = await alice.listen(80);
      try {
        assert.match(await asker.ask(mapRequest('tcp', 80, 8081, 600)), /^00820000........00501f91/);
        await tcpFlow(outside, EXTERNAL, 8081, web);
        // What alice begins from the mapped port comes in by the virtual router.
        const peer = await outside.udp({ address: REMOTE, port: 9100 });
        assert.match(await asker.ask(mapRequest('udp', 5060, 5062, 600)), /^00810000........13c413c6/);
        (await alice.udp({ port: 5060 })).send('00', REMOTE, 9100);
        assert.is((await peer.receive())?.port, 5062);
      } finally {
        await alice.namespace.ip(`route replace default via ${ROUTER}`);
        web.close();
      }
    },
    'a guest speaks for no LAN host, whichever of the two sends for it': async () => {
      // The route to bob by the macvlan alone, as if the LAN were there.
      await router.namespace.ip(`route add ${BOB}/32 dev vrrp.10`);
      assert.equal(await heard(), []);
      const bobs = await Asker.open(lab.bob, ROUTER);
      assert.match(await bobs.ask('0000'), /^00800000/);
      await router.namespace.ip(`route del ${BOB}/32 dev vrrp.10`);
    },
  });

  // Hosts behind alice, to which a nexthop object leads, or a group of two: she has two addresses.
  await alice.namespace.ip('addr add 192.168.1.12/24 dev eth0', `addr add ${LAN6}12/64 dev eth0 nodad`);
  for (const host of [alice, carol])
    await host.namespace.ip(
      ...[5, 6, 7, 8].flatMap((last) => [
        `addr add 10.7.0.${last}/32 dev lo`,
        `addr add 2001:db8:7::${last}/128 dev lo nodad`,
      ]),
    );
  await router.namespace.ip(
    `nexthop add id 1 via ${ALICE} dev br-lan`,
    'nexthop add id 2 via 192.168.1.12 dev br-lan',
    'nexthop add id 3 group 1/2',
    `nexthop add id 11 via ${ALICE6} dev br-lan`,
    `nexthop add id 12 via ${LAN6}12 dev br-lan`,
    'nexthop add id 13 group 11/12',
  );
  cases(
    'networks behind a LAN host, by nexthop objects: served, and not in the other LAN',
    // Of different hosts, because one that was found is known for a second.
    [
      { name: 'one, told with its interface', compatible: 1, ids: [1, 11], last: 5 },
      { name: 'one, told by its number', compatible: 0, ids: [1, 11], last: 6 },
      { name: 'a group, told with its interfaces', compatible: 1, ids: [3, 13], last: 7 },
      { name: 'a group, told by its number', compatible: 0, ids: [3, 13], last: 8 },
    ],
    async ({ compatible, ids: [id, id6], last }) => {
      const [behind, behind6] = [`10.7.0.${last}`, `2001:db8:7::${last}`];
      await router.namespace.must('sysctl', ['-qw', `net.ipv4.nexthop_compat_mode=${compatible}`]);
      await router.namespace.ip(`route add 10.7.0.0/24 nhid ${id}`, `route add 2001:db8:7::/64 nhid ${id6}`);
      const own = [
        ['the host behind', alice, behind, ROUTER],
        ['the host behind, over IPv6', alice, behind6, ROUTER6],
      ] as const;
      const others = [
        ['a guest', carol, behind, GUEST_ROUTER],
        ['a guest, over IPv6', carol, behind6, GUEST_ROUTER6],
        ['a guest, at the virtual router', carol, behind, GUEST_VIRTUAL],
      ] as const;
      assert.equal(await heard(own, SOON_MS), ['the host behind', 'the host behind, over IPv6']);
      assert.equal(await heard(others), []);
      await router.namespace.ip('route del 10.7.0.0/24', 'route del 2001:db8:7::/64');
    },
  );
}
