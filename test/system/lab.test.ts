// The laboratory itself, without a server: what the other system tests find different is the server's doing.
import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { ALICE, EXTERNAL, openLab, OUTSIDE, REMOTE, ROUTER } from '../lab/lab.js';

const lab = await openLab({ guest: true });

if (lab !== null) {
  const { alice, bob, carol, outside } = lab;

  claims('the lab, with no server in it', {
    'a LAN host reaches the outside, and the outside sees the router': async () => {
      const server = await outside.listen(8000);
      const connected = await alice.connect(REMOTE, 8000);
      assert.is(connected.kind, 'connected');
      assert.is((await server.accept())?.peer.address, EXTERNAL);
    },
    'UDP likewise, and the answer comes back': async () => {
      const there = await outside.udp({ port: 8001 });
      const here = await alice.udp();
      here.sendText('ping', OUTSIDE, 8001);
      const ping = await there.receive();
      assert.is(ping?.address, EXTERNAL);
      there.sendText('pong', ping?.address, ping?.port);
      assert.is(await here.receiveText(), 'pong');
    },
    'nothing is mapped: the router refuses TCP, and UDP with ICMP': async () => {
      assert.equal(await outside.connect(EXTERNAL, 8080), { kind: 'failed', code: 'ECONNREFUSED' });
      const knocking = await outside.udp({ peer: { address: EXTERNAL, port: 8080 } });
      knocking.sendText('knock');
      assert.is(await knocking.outcome(), 'ECONNREFUSED');
    },
    'nobody answers on port 5351': async () => {
      const asking = await bob.udp({ peer: { address: ROUTER, port: 5351 } });
      asking.send('00 00');
      assert.is(await asking.outcome(), 'ECONNREFUSED');
    },
    'the LANs reach each other through the router': async () => {
      await alice.listen(8002);
      assert.is((await carol?.connect(ALICE, 8002))?.kind, 'connected');
    },
    'a reset is told from an orderly end': async () => {
      const server = await alice.listen(8003);
      const connected = await bob.connect(ALICE, 8003);
      const accepted = await server.accept();
      assert.ok(connected.kind === 'connected' && accepted !== null);
      if (connected.kind !== 'connected' || accepted === null) return;
      connected.connection.send('hello');
      assert.is(await accepted.connection.receive(), 'hello');
      connected.connection.close();
      assert.is(await accepted.connection.receive(), 'closed');
    },
  });
}
