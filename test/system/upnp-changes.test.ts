// What happens to a router while control points use it: addresses of the LAN that change, a cable that is pulled, and
// processes that stand still.

import * as assert from 'uvu/assert';
import { act, header, mapping, outcomeOf, exchange, post, envelope, replies } from '../lab/control-point.js';
import { tcpFlow, until } from '../lab/flows.js';
import { ALICE, BOB, EXTERNAL, openLab, ROUTER } from '../lab/lab.js';
import { Server } from '../lab/server.js';
import { discover, GATEWAY_DEVICE, HTTP_PORT, searchFor, SSDP_GROUP, SSDP_PORT } from '../lab/upnp.js';
import { claims } from '../support/cases.js';

const lab = await openLab();

if (lab !== null) {
  const { alice, bob, outside, router } = lab;
  const server = await Server.start(lab, ['--upnp']);
  await until('natpmp-upnp is ready', async () => server.log.includes('"upnpPort"'));
  const locationAt = (address: string) => `http://${address}:${HTTP_PORT}/igd.xml`;
  const isFoundAt = (address: string, to = SSDP_GROUP) =>
    until(
      `it is found at ${address}`,
      async () => (await discover(alice, to, GATEWAY_DEVICE, 500)) === locationAt(address),
    );
  const pids = () => [server.pid('frontend'), server.pid('helper'), server.pid('upnp')];

  claims('what changes on the LAN', {
    'another address in another network: each host is told the one that it can reach': async () => {
      const before = pids();
      await bob.namespace.ip(
        ...['addr flush dev eth0', 'addr add 192.168.3.3/24 dev eth0', 'route add default via 192.168.3.1'],
      );
      await router.namespace.ip('addr add 192.168.3.1/24 dev br-lan label br-lan:1');
      const find = () => discover(bob, SSDP_GROUP, GATEWAY_DEVICE, 500);
      await until('bob finds it', async () => (await find()) === locationAt('192.168.3.1'));
      await isFoundAt(ROUTER);
      const wish = mapping('TCP', 4001, '192.168.3.3', 4001, 600);
      assert.equal(await act(bob, 'AddPortMapping', wish, { address: '192.168.3.1' }), {});
      assert.equal(await server.mappings(), ['tcp 4001 -> 192.168.3.3:4001']);
      // Back to one network.
      assert.equal(
        await act(
          bob,
          'DeletePortMapping',
          { NewRemoteHost: '', NewExternalPort: '4001', NewProtocol: 'TCP' },
          { address: '192.168.3.1' },
        ),
        {},
      );
      await router.namespace.ip('addr del 192.168.3.1/24 dev br-lan');
      await bob.namespace.ip('addr flush dev eth0', `addr add ${BOB}/24 dev eth0`, `route add default via ${ROUTER}`);
      assert.equal(pids(), before);
    },
    'an address that is exchanged for another: announced there, answered there, and mappings stay': async () => {
      const before = pids();
      assert.equal(await act(alice, 'AddPortMapping', mapping('TCP', 4000, ALICE, 4000, 600)), {});
      const ear = await alice.udp({ address: SSDP_GROUP, port: SSDP_PORT, join: { group: SSDP_GROUP, on: ALICE } });
      await router.namespace.ip(`addr del ${ROUTER}/24 dev br-lan`, 'addr add 192.168.1.254/24 dev br-lan');
      const heard = new Set<string | null>();
      await until('it is announced', async () => {
        const notify = await ear.receiveText(100);
        if (notify?.startsWith('NOTIFY ') === true) heard.add(header(notify, 'LOCATION'));
        return heard.has(locationAt('192.168.1.254'));
      });
      ear.close();
      await isFoundAt('192.168.1.254');
      const address = '192.168.1.254';
      const entry = { NewRemoteHost: '', NewExternalPort: '4000', NewProtocol: 'TCP' };
      const seen = await act(alice, 'GetSpecificPortMappingEntry', entry, { address });
      assert.is(typeof seen === 'object' ? seen['NewInternalClient'] : seen, ALICE);
      await router.namespace.ip(`addr del ${address}/24 dev br-lan`, `addr add ${ROUTER}/24 dev br-lan`);
      await isFoundAt(ROUTER);
      assert.equal(pids(), before);
    },
    'a bridge that goes down and comes back: found by the group again, which it is still a member of': async () => {
      const before = pids();
      await router.namespace.ip('link set br-lan down');
      await router.namespace.ip('link set br-lan up');
      await isFoundAt(ROUTER);
      await isFoundAt(ROUTER, ROUTER);
      assert.equal(pids(), before);
    },
  });

  claims('processes that stand still', {
    'the helper, for a moment: a request waits for it, and is carried out': async () => {
      const helper = server.pid('helper');
      process.kill(helper, 'SIGSTOP');
      const asking = act(alice, 'AddPortMapping', mapping('TCP', 4100, ALICE, 4100, 600));
      setTimeout(() => process.kill(helper, 'SIGCONT'), 1000);
      assert.equal(await asking, {});
      assert.ok((await server.mappings()).includes(`tcp 4100 -> ${ALICE}:4100`));
    },
    'the helper, for longer: 501, while the gateway is found and tells its address; then all is well': async () => {
      const helper = server.pid('helper');
      process.kill(helper, 'SIGSTOP');
      try {
        const asking = act(alice, 'AddPortMapping', mapping('TCP', 4101, ALICE, 4101, 600), { withinMs: 30_000 });
        assert.is(await discover(bob), locationAt(ROUTER));
        assert.equal(await act(bob, 'GetExternalIPAddress'), { NewExternalIPAddress: EXTERNAL });
        assert.is(await asking, 501);
      } finally {
        process.kill(helper, 'SIGCONT');
      }
      await until(
        'it maps again',
        async () => typeof (await act(alice, 'AddPortMapping', mapping('TCP', 4102, ALICE, 4102, 600))) === 'object',
      );
      const web = await alice.listen(4102);
      await tcpFlow(outside, EXTERNAL, 4102, web);
      web.close();
    },
    'natpmp-upnp: what waits for it is answered when it goes on, and the other processes do not notice': async () => {
      const upnp = server.pid('upnp');
      process.kill(upnp, 'SIGSTOP');
      const searching = replies(alice, searchFor(GATEWAY_DEVICE));
      const asking = exchange(alice, [post('GetExternalIPAddress', envelope('GetExternalIPAddress'))]);
      await server.answering(); // by NAT-PMP
      process.kill(upnp, 'SIGCONT');
      assert.is(header((await searching)[0] ?? '', 'LOCATION'), locationAt(ROUTER));
      assert.equal(outcomeOf(await asking), { NewExternalIPAddress: EXTERNAL });
    },
    'natpmp-upnp is killed again and again: found each time, with a greater BOOTID': async () => {
      let last = 0;
      for (let times = 0; times < 4; times++) {
        await isFoundAt(ROUTER);
        const [reply = ''] = await replies(alice, searchFor(GATEWAY_DEVICE));
        const bootId = Number(header(reply, 'BOOTID.UPNP.ORG'));
        assert.ok(bootId > last, `${bootId} after ${last}`);
        last = bootId;
        await server.killOne('upnp');
      }
    },
    'so it is if it is killed with its first message, and back within a second': async () => {
      const ear = await alice.udp({ address: SSDP_GROUP, port: SSDP_PORT, join: { group: SSDP_GROUP, on: ALICE } });
      const bootIds: number[] = [];
      while (bootIds.length < 5) {
        await server.killOne('upnp');
        await until('it says that the run before is over', async () => {
          const text = (await ear.receiveText(100)) ?? '';
          if (header(text, 'NTS') !== 'ssdp:byebye' || header(text, 'NT') !== 'upnp:rootdevice') return false;
          return bootIds.push(Number(header(text, 'BOOTID.UPNP.ORG'))) > 0;
        });
      }
      ear.close();
      assert.ok(
        bootIds.every((bootId, index) => bootId > (bootIds[index - 1] ?? 0)),
        `${bootIds}`,
      );
      await isFoundAt(ROUTER);
    },
  });
}
