// LAN interfaces as they are on real routers: without a prefix of their own (WireGuard, PPP), with several addresses and
// labels, with addresses that change, created again, and not there yet.
import { closeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { openUdp } from '../../cli/server/sockets.js';
import { atEnd, claims } from '../support/cases.js';
import { cable } from '../support/network.js';
import type { Host } from '../lab/host.js';
import { ALICE, CAROL, GUEST_ROUTER, openLab, ROUTER } from '../lab/lab.js';
import { until } from '../lab/flows.js';
import { EVENTUALLY_MS } from '../lab/inbox.js';
import { mapRequest, PORT } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';
import { box, serving } from './one-router.js';

const lab = await openLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { alice, carol, router } = lab;

  /** The address and port that answer a mapping request within a time, repeated as a client does. */
  async function answerTo(host: Host, source: string, gateway: string, request: string): Promise<string> {
    const socket = await host.udp({ address: source });
    atEnd(() => socket.close());
    for (const end = Date.now() + EVENTUALLY_MS; Date.now() < end; ) {
      socket.send(request, gateway, PORT);
      const reply = await socket.receive(250);
      if (reply !== null) return `${reply.address}:${reply.port} ${reply.hex.slice(0, 8)}`;
    }
    return 'silence';
  }

  // A tunnel to carol: the router has one address and no network there.
  await cable(
    { in: router.namespace, device: 'wg0', addresses: ['10.9.0.1/32'] },
    { in: carol.namespace, device: 'wg0', addresses: ['10.9.0.2/32'] },
  );
  await router.namespace.ip('route add 10.9.0.2/32 dev wg0');
  await carol.namespace.ip('route add 10.9.0.1/32 dev wg0');

  const server = await Server.start(
    lab,
    ['br-lan', 'br-guest', 'wg0', 'wg7'].flatMap((name) => ['--listen-interface', name]),
  );

  claims('a LAN is an interface', {
    'a router with a single address, and hosts that it has routes to: they are served': async () => {
      assert.is(
        await answerTo(carol, '10.9.0.2', '10.9.0.1', mapRequest('udp', 9000, 9000, 600)),
        `10.9.0.1:${PORT} 00810000`,
      );
      assert.equal(await server.mappings(), ['udp 9000 -> 10.9.0.2:9000']);
      await carol.namespace.ip('addr add 10.9.0.3/32 dev wg0');
      const stranger = await carol.udp({ address: '10.9.0.3' });
      stranger.send(mapRequest('udp', 9001, 9001, 600), '10.9.0.1', PORT);
      assert.is(await stranger.receive(500), null, 'no route leads there');
      await router.namespace.ip('route add 10.9.0.3/32 dev wg0');
      assert.is(
        await answerTo(carol, '10.9.0.3', '10.9.0.1', mapRequest('udp', 9001, 9001, 600)),
        `10.9.0.1:${PORT} 00810000`,
      );
    },
    'another address, with a label, is served at once, and answers itself; the first one, too': async () => {
      const [frontend, helper] = [server.pid('frontend'), server.pid('helper')];
      await alice.namespace.ip('addr add 192.168.3.2/24 dev eth0');
      await router.namespace.ip('addr add 192.168.3.1/24 dev br-lan label br-lan:1');
      assert.is(await answerTo(alice, '192.168.3.2', '192.168.3.1', '0000'), `192.168.3.1:${PORT} 00800000`);
      assert.is(await answerTo(alice, ALICE, ROUTER, '0000'), `${ROUTER}:${PORT} 00800000`);
      assert.equal([server.pid('frontend'), server.pid('helper')], [frontend, helper]);
    },
    'an address that is exchanged for another is served at once, and no mapping is lost': async () => {
      const [frontend, helper] = [server.pid('frontend'), server.pid('helper')];
      const before = await server.mappings();
      await router.namespace.ip('addr del 192.168.3.1/24 dev br-lan', 'addr add 192.168.3.9/24 dev br-lan');
      assert.is(
        await answerTo(alice, '192.168.3.2', '192.168.3.9', mapRequest('tcp', 9002, 9002, 600)),
        `192.168.3.9:${PORT} 00820000`,
      );
      assert.equal(await server.mappings(), ['tcp 9002 -> 192.168.3.2:9002', ...before]);
      assert.equal([server.pid('frontend'), server.pid('helper')], [frontend, helper]);
    },
    'announcements leave from every address of every LAN': async () => {
      const heard = await alice.udp({ port: 5350 });
      await server.killOne('frontend');
      const from = new Set<string>();
      for (const end = Date.now() + EVENTUALLY_MS; from.size < 2 && Date.now() < end; ) {
        const announcement = await heard.receive(end - Date.now());
        if (announcement?.hex.startsWith('00800000') === true) from.add(`${announcement.address}:${announcement.port}`);
      }
      heard.close();
      assert.equal([...from].sort(), [`${ROUTER}:${PORT}`, `192.168.3.9:${PORT}`]);
    },
    'D-14 what waits while the frontend is away is answered, all of one host': async () => {
      const many = await alice.udp();
      const frontend = server.pid('frontend');
      process.kill(frontend, 'SIGSTOP');
      for (let number = 0; number < 200; number++) many.send('0000', ROUTER, PORT);
      await until('they wait', async () => {
        const { stdout } = await router.run('ss', '-Hlun', `sport = :${PORT}`);
        return Number(/^\S+ +(\d+) .*%br-lan:/m.exec(stdout)?.[1] ?? 0) > 200 * 256;
      });
      process.kill(frontend, 'SIGCONT');
      for (let number = 0; number < 200; number++) assert.ok((await many.receive()) !== null, `after ${number}`);
      many.close();
    },
    'an interface that is not there at the start is waited for, in one line, and served when it comes': async () => {
      await server.logs(/no interface wg7 /);
      assert.is(server.log.match(/no interface wg7 \(there are: br-guest, br-lan, lo, /g)?.length, 1, server.log);
      const helper = server.pid('helper');
      await cable(
        { in: router.namespace, device: 'wg7', addresses: ['10.9.7.1/24'] },
        { in: carol.namespace, device: 'wg7', addresses: ['10.9.7.2/24'] },
      );
      assert.is(await answerTo(carol, '10.9.7.2', '10.9.7.1', '0000'), `10.9.7.1:${PORT} 00800000`);
      assert.is(await answerTo(alice, ALICE, ROUTER, '0000'), `${ROUTER}:${PORT} 00800000`);
      assert.is(server.pid('helper'), helper, 'the helper goes on');
    },
    'an interface that is created again is served, and no other user gets the port meanwhile': async () => {
      const before = await server.mappings();
      // As any user of the router might: for all interfaces, as often as it can.
      const thief = router.run(
        process.execPath,
        '-e',
        `const end = Date.now() + 4000;
         const grab = () => {
           const socket = require('dgram').createSocket('udp4');
           socket.once('error', () => (Date.now() < end ? setImmediate(grab) : process.exit(0)));
           socket.bind(${PORT}, () => process.exit(1));
         };
         grab();`,
      );
      await router.namespace.ip('link del br-guest');
      await router.namespace.bridge('br-guest', `${GUEST_ROUTER}/24`);
      await router.namespace.ip('link set to-carol master br-guest');
      assert.is(await answerTo(carol, CAROL, GUEST_ROUTER, '0000'), `${GUEST_ROUTER}:${PORT} 00800000`);
      assert.equal(await server.mappings(), before);
      assert.is((await thief).status, 0);
    },
    'a port that another holds on a new interface is tried again until it is free': async () => {
      // Stopped, so that the other is faster.
      server.signal('SIGSTOP');
      await router.namespace.ip('link del wg7');
      await cable(
        { in: router.namespace, device: 'wg7', addresses: ['10.9.7.1/24'] },
        { in: carol.namespace, device: 'wg7', addresses: ['10.9.7.2/24'] },
      );
      const held = router.namespace.during(() => openUdp(0, PORT, 'wg7'));
      server.signal('SIGCONT');
      await until('it says so', async () => server.log.includes(`0.0.0.0:${PORT}/udp on wg7 is in use`));
      assert.is(await answerTo(alice, ALICE, ROUTER, '0000'), `${ROUTER}:${PORT} 00800000`);
      closeSync(held);
      await until(
        'it is served again',
        async () => (await answerTo(carol, '10.9.7.2', '10.9.7.1', '0000')) === `10.9.7.1:${PORT} 00800000`,
      );
    },
  });

  claims('no LAN at all yet', {
    'natpmp-server waits, says for what, and serves when the first comes': async () => {
      const bare = await box([{ device: 'wan0', addresses: ['203.0.113.2/24'], peer: 'wan-end' }]);
      const late = bare.server('--external-interface', 'wan0');
      const { missing } = await late.logged((entry) => entry['missing'] !== undefined);
      assert.is(missing, 'no interface br-lan (there are: lo, wan-end, wan0)');
      bare.run('ip', 'link', 'add', 'br-lan', 'type', 'bridge');
      await late.logged(serving);
      bare.run('ip', 'addr', 'add', '192.168.1.1/24', 'dev', 'br-lan');
      await late.logged((entry) => entry.msg === 'every LAN interface is there');
      assert.is(late.log.filter(({ msg }) => msg.startsWith('waiting for a LAN')).length, 2, 'interface, then address');
      assert.is(await late.stop(), 0);
    },
    'natpmp-server can be stopped while it waits': async () => {
      const bare = await box([{ device: 'wan0', addresses: ['203.0.113.2/24'], peer: 'wan-end' }]);
      const late = bare.server('--external-interface', 'wan0');
      await late.logged((entry) => entry['missing'] !== undefined);
      assert.is(await late.stop(), 0);
    },
  });
}
