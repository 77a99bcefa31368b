// The external address, as hosts meet it: the one that clients are told is the one that their traffic has outside; and
// what clients notice of one that goes away, and of a helper that is killed.
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { until } from '../lab/flows.js';
import { EXTERNAL, openLab, OUTSIDE, REMOTE, ROUTER, setExternal } from '../lab/lab.js';
import { Asker, mapRequest, withoutEpoch } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';
import type { Datagram } from '../lab/sockets.js';

const CTL = join(import.meta.dirname, '../../cli/natpmpctl.js');
const OTHER = '203.0.113.20';
/** So long does a request wait for the helper, in milliseconds; and some more. */
const PATIENCE_MS = 4000;

const lab = await openLab();

if (lab !== null) {
  const { alice, bob, outside, router } = lab;
  const server = await Server.start(lab);
  const asker = await Asker.open(alice, ROUTER);
  const hearing = await alice.udp({ port: 5350, join: { group: '224.0.0.1', on: '192.168.1.2' } });
  const peer = await outside.udp({ port: 7000 });
  await outside.namespace.ip('addr add 192.168.100.1/24 dev eth0');
  await outside.namespace.ip('addr add 198.51.100.1/24 dev eth0');
  await outside.namespace.ip('addr add 10.64.0.1/32 dev eth0');

  /** Where a datagram to the peer comes from, as the peer sees it. */
  const seenFrom = async (host: typeof alice, port = 0): Promise<Datagram | null> => {
    const socket = await host.udp({ port });
    peer.drain();
    socket.sendText('from where?', REMOTE, 7000);
    const datagram = await peer.receive();
    socket.close();
    return datagram;
  };

  interface Layout {
    readonly name: string;
    /** ip(8) in the router, after `wan0` has been emptied. */
    readonly ip: readonly string[];
    readonly told: string;
  }
  const LAYOUTS: readonly Layout[] = [
    {
      name: 'an address to reach the modem, then the one of the default route',
      ip: [
        'addr add 192.168.100.2/24 dev wan0',
        `addr add ${EXTERNAL}/24 dev wan0`,
        `route add default via ${OUTSIDE}`,
      ],
      told: EXTERNAL,
    },
    {
      name: 'the same, the other way round',
      ip: [`addr add ${OTHER}/24 dev wan0`, 'addr add 192.168.100.2/24 dev wan0', `route add default via ${OUTSIDE}`],
      told: OTHER,
    },
    {
      name: 'two public networks',
      ip: [
        'addr add 198.51.100.10/24 dev wan0',
        `addr add ${EXTERNAL}/24 dev wan0`,
        `route add ${REMOTE}/32 via ${OUTSIDE}`,
        `route add default via ${OUTSIDE}`,
      ],
      told: EXTERNAL,
    },
    {
      name: 'a second address in the network, which is the source of the router’s own traffic',
      ip: [
        `addr add ${OTHER}/24 dev wan0`,
        `addr add ${EXTERNAL}/24 dev wan0`,
        `route add default via ${OUTSIDE} src ${EXTERNAL}`,
      ],
      told: OTHER,
    },
    {
      name: 'private: traffic leaves so, although there is a public one',
      ip: [
        `addr add ${EXTERNAL}/24 dev wan0`,
        'addr add 192.168.100.2/24 dev wan0',
        'route add default via 192.168.100.1',
      ],
      told: '192.168.100.2',
    },
    {
      name: 'point to point',
      ip: [
        'addr add 192.168.100.2/24 dev wan0',
        `addr add ${EXTERNAL} peer 10.64.0.1 dev wan0`,
        'route add default via 10.64.0.1',
      ],
      told: EXTERNAL,
    },
    {
      name: 'a gateway on the link, in none of its networks',
      ip: [
        `addr add ${OTHER}/32 dev wan0`,
        'addr add 192.168.100.2/24 dev wan0',
        `route add default via ${OUTSIDE} dev wan0 onlink`,
      ],
      told: OTHER,
    },
    {
      name: 'the route changes, the addresses do not',
      ip: [
        'addr add 198.51.100.10/24 dev wan0',
        `addr add ${EXTERNAL}/24 dev wan0`,
        'route add default via 198.51.100.1',
        `route replace default via ${OUTSIDE}`,
        `route add ${REMOTE}/32 via ${OUTSIDE}`,
      ],
      told: EXTERNAL,
    },
  ];

  let lastPort = 4000;
  cases('R-28 what clients are told is what is seen outside', LAYOUTS, async ({ ip, told }) => {
    await outside.namespace.ip('route replace 203.0.113.20/32 dev eth0');
    await lab.ip('addr flush dev wan0');
    for (const command of ip) {
      const { status, stderr } = await lab.ip(command);
      assert.is(status, 0, `${command}: ${stderr}`);
    }
    await until(`${told} is told`, async () => (await asker.info().catch(() => null))?.address === told);
    const status = await router.run(process.execPath, CTL, 'status', '--json', '--socket', server.socket);
    assert.is(JSON.parse(status.stdout).externalAddress, told, 'natpmpctl says the same');
    await outside.run('ip', 'neigh', 'flush', 'all');
    assert.is((await seenFrom(bob))?.address, told, 'from a port that is not mapped');
    // A port of its own for each row: connection tracking remembers the address of a flow.
    const internalPort = ++lastPort;
    assert.is((await asker.map('udp', internalPort, internalPort + 1000, 600)).result, 0);
    const { address, port } = (await seenFrom(alice, internalPort)) ?? {};
    assert.equal([address, port], [told, internalPort + 1000], 'from one that is');
  });

  claims('what passes', {
    'a DHCP client takes the address away and puts it back: nobody notices': async () => {
      await setExternal(lab, OTHER);
      await until('the address is told', async () => (await asker.info().catch(() => null))?.address === OTHER);
      // The announcements of that change come ever more slowly: after the sixth there are eight seconds until the next.
      hearing.drain();
      await setExternal(lab, EXTERNAL);
      for (let heard = 0; heard < 6; heard++) assert.ok((await hearing.receive(9000)) !== null);
      assert.is((await asker.map('udp', 4000, 4001, 600)).result, 0);
      await server.logs(/"externalPort":4001,/);
      const [lines, before, beganMs] = [server.log.split('\n').length, await asker.info(), performance.now()];
      for (let times = 0; times < 3; times++) {
        await lab.ip('addr flush dev wan0');
        const reply = await asker.ask('00 00');
        assert.is(withoutEpoch(reply), '00800000........cb00710a');
        assert.is((await asker.map('udp', 4000, 4001, 600)).result, 0);
        await setExternal(lab, EXTERNAL);
        assert.is((await asker.info()).address, EXTERNAL);
      }
      assert.is(await hearing.receive(1500), null, 'no announcement');
      const after = await asker.info();
      assert.ok(
        after.epoch >= before.epoch && after.epoch <= before.epoch + 2 + (performance.now() - beganMs) / 1000,
        `${before.epoch}, then ${after.epoch}`,
      );
      assert.equal(server.log.split('\n').length, lines, server.log);
    },
    'another address is announced at once': async () => {
      hearing.drain();
      await setExternal(lab, OTHER);
      const since = Date.now();
      // The last of those before may come first.
      let heard = await hearing.receive();
      if (withoutEpoch(heard?.hex ?? '') === '00800000........cb00710a') heard = await hearing.receive();
      assert.is(withoutEpoch(heard?.hex ?? ''), '00800000........cb007114');
      assert.ok((heard?.atMs ?? Infinity) - since < 1500);
    },
    'kill -9 of the helper: what is asked in the same moment waits, and is granted': async () => {
      await asker.map('tcp', 5000, 5000, 600);
      const once = await alice.udp({ peer: { address: ROUTER, port: 5351 } });
      for (const [request, reply] of [
        [mapRequest('tcp', 5000, 0, 600), '00820000........1388138800000258'],
        [mapRequest('tcp', 5001, 5001, 600), '00820000........1389138900000258'],
        [mapRequest('tcp', 5001, 0, 0), '00820000........1389000000000000'],
        ['0000', '00800000........cb007114'],
      ] as const) {
        const helper = server.pid('helper');
        await server.killOne('helper');
        once.send(request); // once: nobody asks again
        assert.is(withoutEpoch((await once.receive(PATIENCE_MS))?.hex ?? 'silence'), reply);
        await until('another helper runs', async () => ![0, helper].includes(server.pid('helper')));
        await server.answering();
      }
      once.close();
    },
    'the ruleset is flushed: no result 3 either': async () => {
      for (let port = 6000; port < 6010; port++) {
        if (port % 3 === 0) await router.run('nft', 'flush', 'ruleset');
        assert.is((await asker.map('tcp', port, port, 600)).result, 0);
      }
    },
  });
}
