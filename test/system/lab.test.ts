// The laboratory itself, without a server: what the other system tests find different is the server's doing.
import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { SILENCE_MS } from '../lab/inbox.js';
import {
  ALICE6,
  BOB6_LOCAL,
  CAROL6,
  onLan,
  openDualStackLab,
  OUTSIDE6,
  REMOTE6,
  ROUTER6,
  ROUTER6_LOCAL,
} from '../lab/ipv6.js';
import { ALICE, EXTERNAL, OUTSIDE, REMOTE, ROUTER } from '../lab/lab.js';
import { PcpClient } from '../lab/pcp.js';

const lab = await openDualStackLab({ guest: true });

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

  claims('its second stack', {
    'a LAN host reaches the outside under its own address, by TCP and UDP': async () => {
      const server = await outside.listen(8000, '::');
      assert.is((await alice.connect(REMOTE6, 8000)).kind, 'connected');
      assert.is((await server.accept())?.peer.address, ALICE6);
      const there = await outside.udp({ address: '::', port: 8001 });
      const here = await alice.udp({ address: '::' });
      here.sendText('ping', OUTSIDE6, 8001);
      const ping = await there.receive();
      assert.is(ping?.address, ALICE6);
      there.sendText('pong', ping?.address, ping?.port);
      assert.is(await here.receiveText(), 'pong');
    },
    'nobody outside reaches a LAN host that listens, nor does a guest': async () => {
      const open = await alice.listen(8002, '::');
      const udp = await alice.udp({ address: '::', port: 8002 });
      for (const from of [outside, carol]) {
        assert.equal(await from?.connect(ALICE6, 8002, { withinMs: SILENCE_MS }), {
          kind: 'failed',
          code: 'ETIMEDOUT',
        });
        (await from?.udp({ address: '::' }))?.sendText('knock', ALICE6, 8002);
        assert.is(await udp.receive(SILENCE_MS), null);
      }
      assert.is((await bob.connect(ALICE6, 8002)).kind, 'connected');
      assert.ok((await open.accept()) !== null);
    },
    'the firewall lets through what has the label': async () => {
      await lab.nft(`table inet marking { chain forward { type filter hook forward priority filter - 5;
        iifname "wan0" ip6 daddr ${ALICE6} tcp dport 8004 ct label set 113; }; }`);
      await alice.listen(8004, '::');
      assert.is((await outside.connect(ALICE6, 8004)).kind, 'connected');
      assert.is((await outside.connect(CAROL6, 8004, { withinMs: SILENCE_MS })).kind, 'failed');
      await lab.nft('delete table inet marking');
    },
    'nobody answers PCP, under any address': async () => {
      for (const [from, to] of [
        [ALICE6, ROUTER6],
        [ALICE6, onLan(ROUTER6_LOCAL)],
      ] as const) {
        const client = await PcpClient.open(alice, from, to);
        client.udp.send(client.request(80));
        assert.is(await client.udp.outcome(), 'ECONNREFUSED');
      }
      const local = await PcpClient.open(bob, onLan(BOB6_LOCAL), onLan(ROUTER6_LOCAL));
      local.udp.send(local.request(80));
      assert.is(await local.udp.outcome(), 'ECONNREFUSED');
    },
  });

  claims('the PCP client of the tests sends what the figures of RFC 6887 show', {
    'figures 2 and 9': async () => {
      const there = await bob.udp({ address: '::', port: 5351 });
      const client = await PcpClient.open(alice, ALICE6, '2001:db8:a:1::3', '00112233445566778899aabb');
      const options = { suggestedPort: 0x1f91, suggestedAddress: '198.51.100.7' };
      client.udp.send(client.request(8080, { protocol: 'udp', lifetime: 7200, ...options }));
      assert.is(
        (await there.receive())?.hex,
        '0201000000001c20' +
          '20010db8000a00010000000000000002' +
          '00112233445566778899aabb' +
          '11000000' +
          '1f901f91' +
          '00000000000000000000ffffc6336407',
      );
    },
  });
}
