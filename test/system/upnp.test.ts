// UPnP from a search to a packet that arrives: natpmp-server --upnp with two LANs, beside NAT-PMP.

import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { tcpFlow, until } from '../lab/flows.js';
import { ALICE, BOB, CAROL, EXTERNAL, GUEST_ROUTER, openLab, OUTSIDE, ROUTER, setExternal } from '../lab/lab.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { Asker } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';
import { ControlPoint, discover, get, http, HTTP_PORT, SSDP_GROUP } from '../lab/upnp.js';
import { claims } from '../support/cases.js';
import { cable } from '../support/network.js';

const lab = await openLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { alice, bob, carol, outside, router } = lab;
  const config = join(lab.folder, 'upnp.conf');
  writeFileSync(config, '');
  const server = await Server.start(lab, [
    ...['--config', config],
    ...['br-lan', 'br-guest', 'br-late'].flatMap((name) => ['--listen-interface', name]),
    ...['--upnp', '--upnp-metrics-listen', '127.0.0.1:9552'],
  ]);
  await until('natpmp-upnp is ready', async () => server.log.includes('"upnpPort"'));
  const scrape = async () =>
    (await http(router, '127.0.0.1', 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9552\r\n\r\n', 9552)).body;
  const [ofAlice, ofBob] = [new ControlPoint(alice, ROUTER), new ControlPoint(bob, ROUTER)];
  const ofCarol = new ControlPoint(carol, GUEST_ROUTER);
  const [location, guestLocation] = [
    `http://${ROUTER}:${HTTP_PORT}/igd.xml`,
    `http://${GUEST_ROUTER}:${HTTP_PORT}/igd.xml`,
  ];
  const uuidOf = async (host: typeof alice, address: string) =>
    /<UDN>(uuid:[0-9a-f-]{36})<\/UDN>/.exec((await get(host, address, '/igd.xml')).body)?.[1] ?? '';

  claims('UPnP', {
    'a search, a mapping, a connection from outside, and its end': async () => {
      assert.is(await discover(alice), location);
      assert.is((await get(alice, ROUTER, '/igd.xml')).status, 200);
      const { values } = await ofAlice.call('GetExternalIPAddress');
      assert.is(values['NewExternalIPAddress'], EXTERNAL);
      assert.is((await ofAlice.call('GetStatusInfo')).values['NewConnectionStatus'], 'Connected');

      const web = await alice.listen(4000);
      assert.is(await ofAlice.add('TCP', 4000, ALICE, 4000, 600, 'a game'), null);
      const { caller, called } = await tcpFlow(outside, EXTERNAL, 4000, web);
      assert.equal(await ofAlice.list(), [`TCP 4000 -> ${ALICE}:4000 a game`]);
      assert.equal(await server.mappings(), [`tcp 4000 -> ${ALICE}:4000`]);
      assert.equal((await server.elements()).in, [`tcp 4000 -> ${ALICE}:4000`]);

      assert.is(await ofAlice.remove('TCP', 4000), null);
      caller.send('more');
      assert.is(await caller.receive(), 'ECONNRESET');
      assert.equal([await ofAlice.list(), await server.mappings()], [[], []]);
      called.close();
      web.close();
      assert.is((await outside.connect(EXTERNAL, 4000, { withinMs: 1000 })).kind, 'failed');
    },
    'UDP: a datagram from outside arrives, and the answer leaves from the mapped port': async () => {
      const game = await bob.udp({ port: 3074 });
      assert.is(await ofBob.add('UDP', 3074, BOB, 3074, 0), null);
      const player = await outside.udp();
      player.sendText('join', EXTERNAL, 3074);
      const got = await game.receive();
      assert.is(got?.address, OUTSIDE);
      game.sendText('welcome', OUTSIDE, player.port);
      const answer = await player.receive();
      assert.equal([answer?.address, answer?.port], [EXTERNAL, 3074]);
      assert.is(await ofBob.remove('UDP', 3074), null);
      for (const socket of [game, player]) socket.close();
    },
    'a mapping of another host is neither made, seen nor removed': async () => {
      assert.is(await ofAlice.add('TCP', 4001, ALICE), null);
      assert.is(await ofBob.add('TCP', 4002, ALICE), 606);
      assert.is(await ofBob.add('TCP', 4001, BOB), 718);
      assert.equal(await ofBob.list(), []);
      assert.is(await ofBob.remove('TCP', 4001), 714);
      assert.is(await ofAlice.remove('TCP', 4001), null);
    },
    'NAT-PMP beside it: one table, one owner, and no port twice': async () => {
      const [askAlice, askBob] = [await Asker.open(alice, ROUTER), await Asker.open(bob, ROUTER)];
      assert.is((await askAlice.map('tcp', 4010, 4010, 600)).externalPort, 4010);
      assert.is(await ofBob.add('TCP', 4010, BOB), 718);
      assert.is(await ofAlice.add('TCP', 4010, ALICE), null);
      // A move would take away the port that NAT-PMP has told.
      assert.is(await ofAlice.add('TCP', 4011, ALICE, 4010), 718);
      assert.is(await ofBob.add('UDP', 4020, BOB), null);
      assert.is.not((await askAlice.map('udp', 4020, 4020, 600)).externalPort, 4020);
      assert.is((await askBob.map('udp', 4020, 4020, 600)).externalPort, 4020);
      assert.equal(await ofBob.list(), [`UDP 4020 -> ${BOB}:4020 libminiupnpc`]);
      assert.is(await ofAlice.remove('TCP', 4010), null);
      assert.is((await askBob.unmap('udp', 4020)).result, 0);
      // What another process has changed comes as an event.
      await until('bob has none', async () => (await ofBob.list()).length === 0);
      assert.is((await askAlice.unmap('udp', 4020)).result, 0);
    },
  });

  claims('UPnP on two LANs', {
    'each has a device of its own, at its own address': async () => {
      assert.is(await discover(carol), guestLocation);
      const [one, other] = [await uuidOf(alice, ROUTER), await uuidOf(carol, GUEST_ROUTER)];
      assert.match(one, /^uuid:/);
      assert.match(other, /^uuid:/);
      assert.is.not(one, other);
    },
    'a search to the address of the router is answered, too': async () => {
      assert.is(await discover(alice, ROUTER), location);
      assert.is(await discover(carol, GUEST_ROUTER), guestLocation);
    },
    'a host of one LAN does not reach the device of the other': async () => {
      assert.is(await discover(carol, ROUTER, undefined, SILENCE_MS), null);
      assert.is((await get(carol, ROUTER, '/igd.xml')).status, 0);
      // Its own device, by the other's name.
      const renamed = `GET /igd.xml HTTP/1.1\r\nHost: ${ROUTER}:${HTTP_PORT}\r\n\r\n`;
      assert.is((await http(carol, GUEST_ROUTER, renamed)).status, 403);
      assert.is(await ofCarol.add('TCP', 4030, ALICE), 606);
    },
    'each sees its own mappings alone': async () => {
      assert.is(await ofCarol.add('TCP', 4031, CAROL), null);
      assert.equal([await ofCarol.list(), await ofAlice.list()], [[`TCP 4031 -> ${CAROL}:4031 libminiupnpc`], []]);
      assert.is(await ofAlice.add('TCP', 4031, ALICE), 718);
      assert.is(await ofCarol.remove('TCP', 4031), null);
    },
    'nobody outside finds it': async () => {
      assert.is(await discover(outside, EXTERNAL, undefined, SILENCE_MS), null);
      assert.is(await discover(outside, SSDP_GROUP, undefined, SILENCE_MS), null);
      assert.is((await outside.connect(EXTERNAL, HTTP_PORT, { withinMs: 1000 })).kind, 'failed');
    },
  });

  /** Rules for as long as something is tried. */
  const withRules = async (lines: readonly string[], run: () => Promise<void>): Promise<void> => {
    const apply = async (text: string): Promise<void> => {
      const reloads = server.log.split('"configuration reloaded"').length;
      writeFileSync(config, text);
      server.signal('SIGHUP');
      // The launcher, and each of the three daemons.
      await until('all have read it', async () => server.log.split('"configuration reloaded"').length >= reloads + 4);
    };
    await apply(`${lines.join('\n')}\n`);
    try {
      await run();
    } finally {
      await apply('');
    }
  };

  claims('UPnP by the rules, after a reload', {
    'a host that is denied by its address': () =>
      withRules([`rule = deny ${BOB}`], async () => {
        assert.equal([await ofBob.add('TCP', 4080, BOB), await ofAlice.add('TCP', 4080, ALICE)], [606, null]);
        assert.is(await ofAlice.remove('TCP', 4080), null);
      }),
    'a host that is denied by its hardware address': async () => {
      const [{ address = '' } = {}] = JSON.parse((await alice.run('ip', '-j', 'link', 'show', 'eth0')).stdout) as {
        address?: string;
      }[];
      await withRules([`rule = deny mac ${address}`], async () => {
        assert.equal([await ofAlice.add('TCP', 4081, ALICE), await ofBob.add('TCP', 4081, BOB)], [606, null]);
        assert.is(await ofBob.remove('TCP', 4081), null);
      });
    },
    'ports that are not allowed, and internal ports that are denied': () =>
      withRules(['allowed-ports = 5000-5999', 'denied-ports = 5100'], async () => {
        assert.is(await ofAlice.add('TCP', 4082, ALICE), 718);
        assert.is(await ofAlice.add('TCP', 5101, ALICE, 5100), 606);
        assert.is(await ofAlice.add('TCP', 5101, ALICE), null);
        assert.is(await ofAlice.remove('TCP', 5101), null);
      }),
    'no public address, where one is required': () =>
      withRules(['require-public-address = yes'], async () => {
        const connection = async () => (await ofAlice.call('GetStatusInfo')).values['NewConnectionStatus'];
        assert.is(await connection(), 'Connected');
        await setExternal(lab, '10.0.0.10');
        await until('it is told', async () => (await connection()) === 'Disconnected');
        assert.is(await ofAlice.add('TCP', 4083, ALICE), 501);
        await setExternal(lab, EXTERNAL);
        await until('it is back', async () => (await connection()) === 'Connected');
        assert.is(await ofAlice.add('TCP', 4083, ALICE), null);
        assert.is(await ofAlice.remove('TCP', 4083), null);
      }),
    'a lifetime above the ceiling, and for ever: the ceiling': () =>
      withRules(['max-lifetime = 900', 'default-lifetime = 900'], async () => {
        for (const lifetime of [0, 901, 4_294_967_295]) {
          assert.is(await ofAlice.add('TCP', 4084, ALICE, 4084, lifetime), null);
          const { values } = await ofAlice.call('GetGenericPortMappingEntry', { NewPortMappingIndex: 0 });
          assert.ok(Number(values['NewLeaseDuration']) > 890 && Number(values['NewLeaseDuration']) <= 900);
          assert.is(await ofAlice.remove('TCP', 4084), null);
        }
      }),
  });

  claims('UPnP goes on', {
    'after a restart of natpmp-upnp: mappings stay and are its own, descriptions are gone': async () => {
      assert.is(await ofAlice.add('TCP', 4040, ALICE), null);
      await server.killOne('upnp');
      // What comes meanwhile waits in the sockets, and the address is known to the first that asks.
      const [found, { values }] = await Promise.all([discover(bob), ofAlice.call('GetExternalIPAddress')]);
      assert.equal([found, values['NewExternalIPAddress']], [location, EXTERNAL]);
      assert.equal(await ofAlice.list(), [`TCP 4040 -> ${ALICE}:4040 `]);
      // Made by UPnP, as the helper still knows: the last one wins.
      assert.is(await ofAlice.add('TCP', 4041, ALICE, 4040), null);
      assert.equal(await server.mappings(), [`tcp 4041 -> ${ALICE}:4040`]);
      assert.is(await ofAlice.remove('TCP', 4041), null);
    },
    'without the helper: discovery and the address; with it again: mappings': async () => {
      assert.is(await ofAlice.add('TCP', 4050, ALICE), null);
      server.signalOne('helper', 'SIGSTOP');
      assert.is(await discover(alice), location);
      assert.is((await ofAlice.call('GetExternalIPAddress')).values['NewExternalIPAddress'], EXTERNAL);
      const waiting = ofAlice.add('TCP', 4051, ALICE);
      await server.killOne('helper');
      assert.is(await waiting, null);
      assert.equal(await server.mappings(), [`tcp 4050 -> ${ALICE}:4050`, `tcp 4051 -> ${ALICE}:4051`]);
      for (const port of [4050, 4051]) assert.is(await ofAlice.remove('TCP', port), null);
    },
    'its metrics count what happened, and no text of a host is in the log': async () => {
      assert.is(await ofAlice.add('TCP', 4060, ALICE, 4060, 600, 'secret&#10;words'), null);
      assert.is(await ofAlice.remove('TCP', 4060), null);
      const body = await scrape();
      assert.match(body, /^natpmp_upnp_ssdp_total\{event="search"\} [1-9]/m);
      assert.match(body, /^natpmp_upnp_outcomes_total\{outcome="added"\} [1-9]/m);
      assert.match(body, /^natpmp_upnp_helper_ready 1$/m);
      assert.not.match(server.log, /secret|libminiupnpc|a game/);
      // The helper's line for a mapping says who made it.
      await server.logs(/"externalPort":4000,"internalAddress":"192\.168\.1\.2".*"tool":1/);
    },
    'docs/monitoring.md lists exactly the metrics of a scrape': async () => {
      const page = readFileSync(join(import.meta.dirname, '../../../docs/monitoring.md'), 'utf8');
      const listed = [...page.matchAll(/^\| `(natpmp_upnp_\w+)` \| (\w+) \|/gm)].map(
        ([, name, type]) => `${type} ${name}`,
      );
      const told = [...(await scrape()).matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(
        ([, name, type]) => `${type} ${name}${type === 'counter' ? '_total' : ''}`,
      );
      assert.equal(listed.sort(), told.sort());
    },
    'its socket tells root the descriptions of mappings': async () => {
      assert.is(await ofBob.add('UDP', 4070, BOB, 4070, 600, 'a &lt;b&gt;'), null);
      const told = await new Promise<string>((resolve, reject) => {
        const socketPath = join(dirname(server.socket), 'upnp.sock');
        request({ socketPath, path: '/mappings' }, (response) => void text(response).then(resolve, reject))
          .once('error', reject)
          .end();
      });
      const at = (name: string, one: string | null) => ({ interface: name, location: one, joined: true });
      assert.equal(
        told.split('\n').map((line) => (line === '' ? null : (JSON.parse(line) as unknown))),
        [
          { protocol: 'udp', externalPort: 4070, description: 'a <b>' },
          at('br-lan', location),
          at('br-guest', guestLocation),
          { status: 'Connected', externalAddress: EXTERNAL },
          null,
        ],
      );
      assert.is(await ofBob.remove('UDP', 4070), null);
    },
    'on a LAN interface that comes later, and is created again': async () => {
      for (const [address, peer] of [
        ['192.168.9.1', '192.168.9.2'],
        ['192.168.10.1', '192.168.10.2'],
      ] as const) {
        await cable(
          { in: router.namespace, device: 'br-late', addresses: [`${address}/24`] },
          { in: carol.namespace, device: 'late', addresses: [`${peer}/24`] },
        );
        await until(
          'it is served',
          async () => (await discover(carol, address, undefined, 1000)) === `http://${address}:${HTTP_PORT}/igd.xml`,
        );
        assert.is((await get(carol, address, '/igd.xml')).status, 200);
        // The others, too.
        await until('alice is served', async () => (await discover(alice, ROUTER, undefined, 1000)) === location);
        await router.namespace.ip('link del br-late');
      }
    },
    'at its end the LAN hears that the device is gone': async () => {
      const listener = await alice.udp({ port: 1900, join: { group: SSDP_GROUP, on: ALICE } });
      assert.is(await server.stop(), 0);
      let heard = '';
      while (!heard.includes('NTS: ssdp:byebye')) heard = (await listener.receiveText()) ?? 'silence NTS: ssdp:byebye';
      assert.match(heard, /^NOTIFY \* HTTP\/1\.1\r\n/);
      listener.close();
    },
  });
}
