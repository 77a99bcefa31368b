// --external-address: a fact for packets as soon as it is one of the router's addresses, and only then.

import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { tcpFlow, until } from '../lab/flows.js';
import { SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import { EXTERNAL, openLab, REMOTE, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

const TOLD = '203.0.113.11';

const lab = await openLab();

if (lab !== null) {
  const { alice, outside, router } = lab;
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
    'of a router in front of this one: the addresses of the interface count': async () => {
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
    'that goes away: the addresses of the interface count again': async () => {
      await lab.ip(`addr del ${TOLD}/24 dev wan0`);
      await until('it is out of the ruleset', async () => connects(EXTERNAL, SILENCE_MS));
      assert.is(await leaves(), `${EXTERNAL}:8080`);
      assert.is(await server.stop(), 0);
    },
  });
}
