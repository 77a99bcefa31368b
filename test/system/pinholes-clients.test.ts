// Clients as they are: they are started again and have another nonce, wake up, change their address, ask whichever
// address of the router they know, and get another prefix from the provider.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { tcpFlow, until } from '../lab/flows.js';
import { SILENCE_MS } from '../lab/inbox.js';
import {
  ALICE6,
  ALICE6_LOCAL,
  BOB6,
  LAN6,
  onLan,
  openDualStackLab,
  OTHER_LAN6,
  ROUTER6,
  ROUTER6_LOCAL,
} from '../lab/ipv6.js';
import { OPTION, option, PcpClient, RESULT } from '../lab/pcp.js';
import { Server } from '../lab/server.js';

const QUOTA = 10;
/** Unique local, and temporary, addresses of alice's. */
const ALICE_ULA = 'fd00:db8:a:1::2';
const lab = await openDualStackLab();

if (lab !== null) {
  const { alice, bob, outside, router } = lab;
  let server = await Server.start(lab, ['--pinholes', '--max-mappings-per-ip', String(QUOTA)]);
  const gateway = onLan(ROUTER6_LOCAL);
  const client = await PcpClient.open(alice, ALICE6, gateway);
  /** The same program, started again. */
  const again = await PcpClient.open(alice, ALICE6, gateway);
  const noPinholes = async () => (await server.pinholes()).length === 0;
  const outcome = ({ result, lifetime }: { result: number; lifetime: number }) => ({ result, lifetime });

  claims('P-58 §11.3 another nonce', {
    'is refused for as long as the pinhole lives, and told so': async () => {
      await client.map(8000, { lifetime: 600 });
      const { result, lifetime, map } = await again.map(8000, { lifetime: 7200 });
      assert.is(result, RESULT.notAuthorized);
      assert.ok(lifetime > 590 && lifetime <= 600, `${lifetime}`);
      assert.is(map?.nonce, again.nonce, 'P-12 the refusal has what was asked');
      assert.is(map?.internalPort, 8000);
    },
    'cannot delete it': async () => {
      assert.is((await again.unmap(8000)).result, RESULT.notAuthorized);
      assert.equal(await server.pinholes(), [`tcp [${ALICE6}]:8000`]);
    },
    'is one of that pinhole: the other protocol and other ports are free': async () => {
      assert.is((await again.map(8000, { protocol: 'udp', lifetime: 600 })).result, RESULT.success);
      assert.is((await again.map(8001, { lifetime: 600 })).result, RESULT.success);
      await again.unmap(8001);
      await again.unmap(8000, { protocol: 'udp' });
    },
    'is remembered by the helper over kill -9, and over a restart of everything': async () => {
      await server.killOne('helper');
      assert.is((await again.map(8000)).result, RESULT.notAuthorized);
      await server.kill();
      server = await Server.start(lab, ['--pinholes', '--max-mappings-per-ip', String(QUOTA)]);
      assert.is((await again.map(8000)).result, RESULT.notAuthorized);
      assert.is((await client.map(8000, { lifetime: 600 })).result, RESULT.success);
    },
    'is refused by a frontend that was started again': async () => {
      await server.killOne('frontend');
      assert.is((await again.map(8000)).result, RESULT.notAuthorized);
    },
    'is welcome when the pinhole was deleted': async () => {
      assert.equal(outcome(await client.unmap(8000)), { result: RESULT.success, lifetime: 0 });
      assert.is((await again.map(8000, { lifetime: 600 })).result, RESULT.success);
      assert.is((await client.map(8000)).result, RESULT.notAuthorized, 'and is the one that counts now');
      await again.unmap(8000);
    },
    'is welcome when the pinhole has expired: a client that lost its nonce waits no longer than its lease':
      async () => {
        await client.map(8000, { lifetime: 600 });
        assert.is((await again.map(8000, { lifetime: 600 })).result, RESULT.notAuthorized);
        await client.map(8000, { lifetime: 1 });
        await until(
          'it is granted',
          async () => (await again.map(8000, { lifetime: 600 })).result === RESULT.success,
          5000,
        );
        await again.unmap(8000);
        assert.ok(await noPinholes());
      },
    'of one that the administrator has added is no matter: static pinholes have none': async () => {
      await server.administrate('add', 'tcp', '8000', ALICE6);
      for (const one of [client, again]) {
        const reply = await one.map(8000, { lifetime: 600 });
        assert.is(reply.result, RESULT.success, 'P-59');
        assert.is(reply.map?.nonce, one.nonce);
      }
      assert.is((await client.unmap(8000)).result, RESULT.notAuthorized, 'P-76');
      await server.administrate('remove', 'tcp', '8000', ALICE6);
      assert.ok(await noPinholes());
    },
  });

  cases(
    'P-73 P-74 P-75 deletions',
    [
      { name: 'of what is not there', port: 4000, wish: {}, result: RESULT.success },
      {
        name: 'with suggestions, which come back',
        port: 4000,
        wish: { suggestedPort: 4000, suggestedAddress: ALICE6 },
        result: RESULT.success,
      },
      { name: 'of all ports deletes no pinhole', port: 0, wish: {}, result: RESULT.success },
      { name: 'of all protocols deletes no pinhole', port: 0, wish: { protocol: 0 }, result: RESULT.success },
    ],
    async ({ port, wish, result }) => {
      await client.map(8000);
      const reply = await client.unmap(port, wish);
      assert.equal(outcome(reply), { result, lifetime: 0 });
      assert.is(reply.map?.externalPort, 'suggestedPort' in wish ? wish.suggestedPort : 0);
      assert.equal(await server.pinholes(), [`tcp [${ALICE6}]:8000`]);
      await client.unmap(8000);
    },
  );

  cases(
    'whom a client asks, and from where',
    [
      { name: 'from its global address, the link-local router (Bitcoin Core, libtorrent)', from: ALICE6, to: gateway },
      { name: 'from its global address, the global router', from: ALICE6, to: ROUTER6 },
      {
        name: 'P-78 with PREFER_FAILURE, which is in the reply',
        from: ALICE6,
        to: gateway,
        options: option(OPTION.preferFailure),
      },
      {
        name: 'P-42 with an optional option, which is not',
        from: ALICE6,
        to: gateway,
        options: option(128, '61626364'),
        kept: '',
      },
      {
        name: 'P-99 from its link-local address: NOT_AUTHORIZED',
        from: onLan(ALICE6_LOCAL),
        to: gateway,
        refused: true,
      },
      { name: 'P-99 from a unique local address: NOT_AUTHORIZED', from: ALICE_ULA, to: gateway, refused: true },
    ] satisfies { name: string; from: string; to: string; options?: string; kept?: string; refused?: boolean }[],
    async ({ from, to, options = '', kept = options, refused }) => {
      await lab.ip('addr replace fd00:db8:a:1::1/64 dev br-lan nodad');
      await alice.namespace.ip(`addr replace ${ALICE_ULA}/64 dev eth0 nodad preferred_lft 0`);
      const asking = await PcpClient.open(alice, from, to);
      const reply = await asking.map(9000, { suggestedPort: 9000, options });
      if (refused === true) {
        assert.equal(outcome(reply), { result: RESULT.notAuthorized, lifetime: 1800 });
        assert.ok(await noPinholes());
      } else {
        assert.is(reply.result, RESULT.success);
        assert.is(reply.options, kept);
        assert.equal(await server.pinholes(), [`tcp [${ALICE6}]:9000`]);
        await asking.unmap(9000);
      }
      asking.close();
    },
  );

  claims('§8.3 hosts that ask at the same moment', {
    'each get the answer to their own request, with their own nonce': async () => {
      const others = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          PcpClient.open(index % 2 === 0 ? alice : bob, index % 2 === 0 ? ALICE6 : BOB6, gateway),
        ),
      );
      for (let round = 0; round < 10; round++) {
        const requests = others.map((one, index) =>
          one.request(9000 + index, { protocol: round % 2 === 0 ? 'tcp' : 'udp', lifetime: round < 8 ? 600 : 0 }),
        );
        others.forEach((one, index) => {
          one.udp.send(requests[index] ?? '');
        });
        for (const [index, one] of others.entries()) {
          const [asked, reply] = [requests[index] ?? '', (await one.udp.receive())?.hex ?? ''];
          assert.is(reply.slice(0, 8), '02810000');
          assert.is(reply.slice(48, 84), asked.slice(48, 84), 'nonce, protocol, internal port');
        }
      }
      for (const one of others) one.close();
      assert.ok(await noPinholes());
    },
  });

  claims('P-67 P-61 addresses that change', {
    'all addresses of a device share one quota, and another device has its own': async () => {
      const addresses = Array.from({ length: QUOTA + 2 }, (_, index) => `${LAN6}f00:${index + 1}`);
      await alice.namespace.ip(...addresses.map((address) => `addr add ${address}/64 dev eth0 nodad preferred_lft 0`));
      const replies = [];
      const clients = [];
      for (const address of addresses) {
        const one = await PcpClient.open(alice, address, gateway);
        clients.push(one);
        replies.push(outcome(await one.map(8000, { lifetime: 600 })));
      }
      assert.equal(replies.slice(0, QUOTA), Array(QUOTA).fill({ result: RESULT.success, lifetime: 600 }));
      assert.equal(replies.slice(QUOTA), Array(2).fill({ result: RESULT.userExQuota, lifetime: 30 }), 'P-36');
      const neighbour = await PcpClient.open(bob, BOB6, gateway);
      assert.is((await neighbour.map(8000, { lifetime: 600 })).result, RESULT.success);
      await neighbour.unmap(8000);
      for (const one of clients) {
        await one.unmap(8000);
        one.close();
      }
      assert.ok(await noPinholes());
      await alice.namespace.ip(...addresses.map((address) => `addr del ${address}/64 dev eth0`));
    },
    'a host with a temporary address more has pinholes of both; the old one ends by its lifetime': async () => {
      const TEMPORARY = `${LAN6}1234:5678`;
      await client.map(8000, { lifetime: 600 });
      await alice.namespace.ip(`addr add ${TEMPORARY}/64 dev eth0 nodad`);
      const other = await PcpClient.open(alice, TEMPORARY, gateway);
      assert.is((await other.map(8000, { lifetime: 600 })).result, RESULT.success);
      const web = await alice.listen(8000, '::');
      for (const address of [ALICE6, TEMPORARY]) (await tcpFlow(outside, address, 8000, web)).caller.close();
      await client.map(8000, { lifetime: 1 });
      await until('the old one has ended', async () => `${await server.pinholes()}` === `tcp [${TEMPORARY}]:8000`);
      await other.unmap(8000);
      other.close();
      web.close();
      await alice.namespace.ip(`addr del ${TEMPORARY}/64 dev eth0`);
    },
    'another prefix: hosts are served under it at once, and what was open leads nowhere': async () => {
      const web = await alice.listen(8000, '::');
      assert.is((await client.map(8000, { lifetime: 600 })).result, RESULT.success);
      const [frontend, helper] = [server.pid('frontend'), server.pid('helper')];
      const flow = await tcpFlow(outside, ALICE6, 8000, web);
      const NEW = `${OTHER_LAN6}2`;
      await lab.ip(`addr add ${OTHER_LAN6}1/64 dev br-lan nodad`);
      await alice.namespace.ip(`addr add ${NEW}/64 dev eth0 nodad`);
      await lab.ip(`addr del ${ROUTER6}/64 dev br-lan`);
      const moved = await PcpClient.open(alice, NEW, gateway);
      assert.is((await moved.map(8000, { lifetime: 600 })).result, RESULT.success);
      (await tcpFlow(outside, NEW, 8000, web)).caller.close();
      assert.is((await outside.connect(ALICE6, 8000, { withinMs: SILENCE_MS })).kind, 'failed');
      flow.caller.send('anybody?');
      assert.is(await flow.called.receive(SILENCE_MS), 'silence');
      // It cannot be asked for any more: the route back is gone.
      assert.is(await client.ask(client.request(8000), 1000), null);
      assert.equal([server.pid('frontend'), server.pid('helper')], [frontend, helper]);
      await moved.unmap(8000);
      await lab.ip(`addr add ${ROUTER6}/64 dev br-lan nodad`);
      await lab.ip(`addr del ${OTHER_LAN6}1/64 dev br-lan`);
      await client.unmap(8000);
      web.close();
    },
    'the LAN gets its global prefix after the gateway has started': async () => {
      await server.stop();
      await lab.ip(`addr del ${ROUTER6}/64 dev br-lan`);
      server = await Server.start(lab, ['--pinholes', '--max-mappings-per-ip', String(QUOTA)]);
      assert.is(await client.ask(client.request(8000), 500), null, 'no route leads back');
      await lab.ip(`addr add ${ROUTER6}/64 dev br-lan nodad`);
      assert.is((await client.map(8000)).result, RESULT.success);
      await client.unmap(8000);
    },
    'the LAN interface is made again': async () => {
      await router.namespace.ip('link del br-lan');
      await router.namespace.bridge('br-lan', '192.168.1.1/24');
      await router.namespace.ip(
        'link set dev br-lan addrgenmode none',
        `addr add ${ROUTER6_LOCAL}/64 dev br-lan nodad`,
        `addr add ${ROUTER6}/64 dev br-lan nodad`,
        'link set to-alice master br-lan',
        'link set to-bob master br-lan',
      );
      await alice.namespace.ip('neigh flush dev eth0');
      await until(
        'it is served',
        async () => (await client.ask(client.request(8000), 1000))?.result === RESULT.success,
      );
      await client.unmap(8000);
    },
  });
}
