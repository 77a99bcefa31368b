// --external-address: a fact for packets as soon as it is one of the router's addresses, and only then.

import { closeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { openTcpListener } from '../../cli/server/sockets.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { claims } from '../support/cases.js';
import { cable } from '../support/network.js';
import { passes, tcpFlow, until } from '../lab/flows.js';
import { SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import { BOB, EXTERNAL, openLab, OUTSIDE, REMOTE, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

const TOLD = '203.0.113.11';
/** Of the second provider: the router's, and the other end. */
const SECOND = '198.18.0.2';
const SECOND_OUTSIDE = '198.18.0.1';
const ON_LO = '198.51.100.9';

const lab = await openLab();

if (lab !== null) {
  const { alice, bob, outside, router } = lab;
  await cable(
    { in: router.namespace, device: 'wan1', addresses: [`${SECOND}/24`] },
    { in: outside.namespace, device: 'eth1', addresses: [`${SECOND_OUTSIDE}/24`] },
  );
  await lab.nft('table ip lab { chain postrouting { oifname "wan1" masquerade; }; }');
  // As a provider does: no source addresses of others.
  await outside.namespace.nft(`table ip provider { chain from { type filter hook prerouting priority raw
    iifname "eth1" ip saddr != ${SECOND} drop
    iifname "eth0" ip saddr ${SECOND} drop
  }; }`);
  const server = await Server.start(lab, ['--external-address', TOLD]);
  const asker = await Asker.open(alice, ROUTER);
  for (const protocol of ['tcp', 'udp'] as const) await asker.map(protocol, 80, 8080, 600);
  const web = await alice.listen(80);
  const udp = await alice.udp({ port: 80 });
  /** From where a datagram from the mapped port comes. */
  const leaves = async (): Promise<string> => {
    await router.run('conntrack', '-D', '-p', 'udp');
    const there = await outside.udp({ address: REMOTE });
    udp.sendText('hello', REMOTE, there.port);
    const got = await there.receive();
    there.close();
    return `${got?.address}:${got?.port}`;
  };
  const connects = async (address: string, withinMs = SOON_MS): Promise<boolean> => {
    const connected = await outside.connect(address, 8080, { withinMs });
    if (connected.kind === 'connected') connected.connection.close();
    return connected.kind === 'connected' && (await web.accept()) !== null;
  };

  claims('--external-address', {
    'of a router in front of this one: the addresses of the interface count, and LAN hosts reach mappings by it':
      async () => {
        const neighbour = await bob.udp();
        for (const address of [TOLD, EXTERNAL]) assert.ok(await passes(neighbour, udp, address, 8080), address);
        neighbour.close();
        assert.ok(await connects(EXTERNAL));
        assert.is(await leaves(), `${EXTERNAL}:8080`);
      },
    'that comes to the interface later: it alone counts, and connections go on': async () => {
      const flow = await tcpFlow(outside, EXTERNAL, 8080, web);
      await lab.ip(`addr add ${TOLD}/24 dev wan0`);
      await until('it is in the ruleset', async () => (await leaves()) === `${TOLD}:8080`);
      assert.ok(await connects(TOLD));
      assert.not.ok(await connects(EXTERNAL, SILENCE_MS));
      flow.caller.send('still there');
      assert.is(await flow.called.receive(), 'still there');
    },
    'of an interface that is not the way out any more: UDP goes on by the other, TCP when it is back': async () => {
      const there = await outside.udp({ address: REMOTE });
      const seen = async (): Promise<string | undefined> => {
        there.drain();
        udp.sendText('hello', REMOTE, there.port);
        return (await there.receive(SILENCE_MS))?.address;
      };
      const far = await outside.listen(9000, REMOTE);
      await asker.map('tcp', 8081, 8081, 600);
      const flow = await tcpFlow(alice, REMOTE, 9000, far, { port: 8081 });
      const hairpin = await bob.udp();
      const inside = async (): Promise<boolean> => (await passes(hairpin, udp, TOLD, 8080)) !== null;
      assert.ok(await inside());
      assert.is(await seen(), TOLD);
      await lab.ip(`route replace default via ${SECOND_OUTSIDE}`);
      await until('the flow is the other interface’s', async () => (await seen()) === SECOND, 20_000);
      assert.ok(await inside());
      await lab.ip(`route replace default via ${OUTSIDE}`);
      await until('it is back', async () => (await seen()) === TOLD, 20_000);
      flow.caller.send('still there');
      assert.is(await flow.called.receive(), 'still there');
      for (const one of [there, hairpin, far]) one.close();
      await asker.unmap('tcp', 8081);
    },
    'that goes away: the addresses of the interface count again': async () => {
      await lab.ip(`addr del ${TOLD}/24 dev wan0`);
      await until('it is out of the ruleset', async () => connects(EXTERNAL, SILENCE_MS));
      assert.is(await leaves(), `${EXTERNAL}:8080`);
      assert.not.match(server.log, /the ruleset is gone/);
      assert.is(await server.stop(), 0);
    },
  });

  claims('--external-address on lo', {
    'what the router serves there, and what is forwarded from there by hand, is given to nobody (D-6)': async () => {
      await lab.ip(`addr add ${ON_LO}/32 dev lo`);
      const service = router.namespace.during(() => openTcpListener(parseIpv4(ON_LO) ?? NaN, 8443, '--port'));
      await lab.nft(
        `table ip hand { chain prerouting { type nat hook prerouting priority dstnat; ip daddr ${ON_LO} tcp dport 8444 dnat to ${BOB}; }; }`,
      );
      const here = await Server.start(lab, ['--external-address', ON_LO], 'on-lo');
      const given = async (port: number) => (await asker.map('tcp', 8000, port, 600)).externalPort;
      for (const [port, isGiven] of [
        [8443, false],
        [8444, false],
        [8445, true],
      ] as const) {
        assert.is((await given(port)) === port, isGiven, `${port}:\n${here.log}`);
        await asker.unmap('tcp', 8000);
      }
      closeSync(service);
      await until(
        '8443 is free',
        async () => {
          const is = (await given(8443)) === 8443;
          await asker.unmap('tcp', 8000);
          return is;
        },
        20_000,
      );
      assert.is(await here.stop(), 0);
    },
  });
}
