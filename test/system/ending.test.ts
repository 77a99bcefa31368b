// What the end of a mapping does to packets: by deletion, by expiry, by a server that is dead, by another holder.
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { EXTERNAL, openLab, OUTSIDE, ROUTER } from '../lab/lab.js';
import { endsOf, isAlive, passes, tcpFlow, until } from '../lab/flows.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { Asker } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

const REFUSED = { kind: 'failed', code: 'ECONNREFUSED' } as const;
const RESET = { caller: 'ECONNRESET', called: 'ECONNRESET' };
const lab = await openLab();

if (lab !== null) {
  const { alice, bob, outside } = lab;
  let server = await Server.start(lab);
  const asker = await Asker.open(alice, ROUTER);
  const other = await Asker.open(bob, ROUTER);
  const web = await alice.listen(80);
  const inside = await alice.udp({ port: 53 });
  const noElements = async () => (await server.elements()).in.length === 0;

  const noUdp = async () => !(await server.elements()).in.some((line) => line.startsWith('udp'));

  /** All that is mapped has this lifetime from now on, so that it is in force however long its flows took to be made. */
  const shorten = async (seconds: number): Promise<void> => {
    await asker.map('tcp', 80, 8080, seconds);
    await asker.map('udp', 53, 5353, seconds);
    await asker.map('tcp', 4000, 4001, seconds);
  };
  /** Each ends what alice has mapped. */
  const endings = [
    {
      name: 'by deletion',
      end: async () => {
        await asker.unmap('tcp', 0);
        await asker.unmap('udp', 0);
      },
    },
    {
      name: 'by expiry',
      end: async () => {
        await shorten(1);
        await until('the mapping has expired', noElements);
      },
    },
    {
      name: 'by expiry, with both processes dead',
      end: async () => {
        await shorten(2);
        await server.kill();
        await until('the mapping has expired', noElements);
      },
    },
  ];

  cases('R-75, D-10 a mapping ends, and its flows with it', endings, async ({ end }) => {
    await server.answering().catch(async () => {
      server = await Server.start(lab);
    });
    await shorten(600);
    const inbound = await tcpFlow(outside, EXTERNAL, 8080, web);
    const backwards = await tcpFlow(outside, EXTERNAL, 8080, web);
    const there = await outside.listen(0, OUTSIDE);
    const outbound = await tcpFlow(alice, OUTSIDE, there.port, there, { port: 4000 });
    const caller = await outside.udp({ peer: { address: EXTERNAL, port: 5353 } });
    caller.sendText('in force');
    const seen = await inside.receive();
    assert.is(seen?.address, OUTSIDE);

    await end();

    assert.equal(await outside.connect(EXTERNAL, 8080), REFUSED, 'new flows are refused at once');
    assert.equal(await endsOf(inbound), RESET, 'inbound: each end is reset when it next sends');
    assert.equal(await endsOf({ caller: backwards.called, called: backwards.caller }), RESET, 'the inside host first');
    assert.equal(await endsOf(outbound), RESET, 'started from the mapped port');
    inside.drain();
    caller.sendText('after the end');
    assert.is(await caller.outcome(), 'ECONNREFUSED', 'the sender of UDP gets an ICMP error');
    assert.is(await inside.receive(SILENCE_MS), null, 'and nothing arrives');
    inside.sendText('from inside', seen?.address, seen?.port);
    assert.is(await caller.outcome(SILENCE_MS), 'silence', 'nor does anything leave');
    if (server.pid('helper') !== 0) assert.equal(await server.mappings(), []);
    there.close();
    caller.close();
  });

  claims('R-75, D-10', {
    'a renewal leaves flows alone, also a shorter one': async () => {
      server = await Server.start(lab);
      await asker.map('tcp', 80, 8080, 600);
      const flow = await tcpFlow(outside, EXTERNAL, 8080, web);
      for (const lifetime of [600, 60, 6000]) {
        await asker.map('tcp', 80, 8080, lifetime);
        assert.ok(await isAlive(flow), `after renewal for ${lifetime} s`);
      }
    },
    'a renewal moves the end: the first lifetime ends nothing': async () => {
      await asker.map('tcp', 81, 8181, 1);
      const renewed = performance.now();
      await asker.map('tcp', 81, 8181, 3);
      const another = await alice.listen(81);
      const flow = await tcpFlow(outside, EXTERNAL, 8181, another);
      await until('two seconds have passed', async () => performance.now() - renewed > 2000);
      assert.ok(await isAlive(flow));
      // It was there at some time after the first of these, and gone at some time before the other.
      let [there, gone] = [0, 0];
      await until('it has expired', async () => {
        const look = performance.now() - renewed;
        const isThere = (await server.elements()).in.some((line) => line.startsWith('tcp 8181'));
        if (isThere) there = look;
        else gone = performance.now() - renewed;
        return !isThere;
      });
      assert.ok(gone > 2900 && there < 3600, `there after ${there} ms, gone after ${gone} ms`);
      assert.equal(await endsOf(flow), RESET);
    },
    'a renewal for as long as before keeps the mapping, and its flows': async () => {
      const another = await alice.listen(83);
      const asked = performance.now();
      await asker.map('tcp', 83, 8585, 4);
      const flow = await tcpFlow(outside, EXTERNAL, 8585, another);
      await until('more than half the lifetime has passed', async () => performance.now() - asked > 2200);
      await asker.map('tcp', 83, 8585, 4);
      await until('the first lifetime is over', async () => performance.now() - asked > 4200);
      assert.ok(await isAlive(flow));
      assert.ok(await isAlive(await tcpFlow(outside, EXTERNAL, 8585, another)));
      await asker.unmap('tcp', 83);
      another.close();
    },
    'the UDP flow is forgotten too, so that the inside host can begin one with that peer again': async () => {
      for (const [port, end] of [
        [9393, () => asker.unmap('udp', 0)],
        [
          9494,
          async () => {
            await asker.map('udp', 53, 9494, 1);
            await until('it has expired', noUdp);
          },
        ],
      ] as const) {
        const peer = await outside.udp({ address: OUTSIDE });
        await asker.map('udp', 53, port, 600);
        inside.drain();
        peer.sendText('in force', EXTERNAL, port);
        const seen = await inside.receive();
        inside.sendText('answer', seen?.address, seen?.port);
        assert.is((await peer.receive())?.port, port);
        await end();
        await until('what the inside host sends leaves by another port', async () => {
          inside.sendText('a new flow', OUTSIDE, peer.port);
          const arrived = await peer.receive(100);
          return arrived !== null && arrived.port !== port;
        });
        peer.close();
        await asker.unmap('udp', 0);
      }
    },
    'deleting one mapping ends no flow of another': async () => {
      const flow = await tcpFlow(outside, EXTERNAL, 8080, web);
      await asker.map('tcp', 82, 8282, 600);
      await asker.unmap('tcp', 82);
      assert.ok(await isAlive(flow));
    },
    'flows that no mapping carried live on when mappings end': async () => {
      const there = await outside.listen(0, OUTSIDE);
      const flow = await tcpFlow(alice, OUTSIDE, there.port, there);
      await asker.unmap('tcp', 0);
      assert.ok(await isAlive(flow));
    },
    "D-9 a port granted to another host does not keep the old host's flows": async () => {
      await asker.map('tcp', 80, 9090, 600);
      await asker.map('udp', 53, 9091, 600);
      const flow = await tcpFlow(outside, EXTERNAL, 9090, web);
      const caller = await outside.udp({ address: OUTSIDE });
      assert.ok((await passes(caller, inside, EXTERNAL, 9091)) !== null);
      await asker.unmap('tcp', 0);
      await asker.unmap('udp', 0);
      assert.is((await other.map('tcp', 80, 9090, 600)).externalPort, 9090);
      assert.is((await other.map('udp', 53, 9091, 600)).externalPort, 9091);

      const theirs = await bob.listen(80);
      const theirUdp = await bob.udp({ port: 53 });
      assert.equal(await endsOf(flow), RESET);
      assert.is(
        await passes(caller, inside, EXTERNAL, 9091, SILENCE_MS),
        null,
        'the old flow does not reach the old host',
      );
      assert.ok(await isAlive(await tcpFlow(outside, EXTERNAL, 9090, theirs)), 'new connections reach the new one');
      assert.ok(
        (await passes(await outside.udp({ address: OUTSIDE }), theirUdp, EXTERNAL, 9091)) !== null,
        'new UDP flows too',
      );
      assert.equal((await server.mappings()).filter((line) => line.includes(' 909')).length, 2);
    },
    'D-9 a late retransmitted deletion does not touch the new holder': async () => {
      await asker.unmap('tcp', 80);
      assert.ok((await server.mappings()).includes('tcp 9090 -> 192.168.1.3:80'));
    },
    'deleted and made again at once: new flows pass': async () => {
      await asker.map('tcp', 80, 8383, 600);
      const flow = await tcpFlow(outside, EXTERNAL, 8383, web);
      await asker.unmap('tcp', 80);
      assert.equal(await outside.connect(EXTERNAL, 8383), REFUSED);
      await asker.map('tcp', 80, 8383, 600);
      assert.ok(await isAlive(await tcpFlow(outside, EXTERNAL, 8383, web)));
      flow.caller.close();
    },
  });
}
