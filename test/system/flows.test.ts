// Flows that are older than their mapping: what began before the grant follows it from the grant on, and nothing else
// is touched. That they end with it is tested in ending.test.ts.
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { ALICE, EXTERNAL, openLab, OUTSIDE, OUTSIDE_TOO, REMOTE, ROUTER } from '../lab/lab.js';
import { isAlive, tcpFlow, until } from '../lab/flows.js';
import { SOON_MS } from '../lab/inbox.js';
import { Asker } from '../lab/natpmp.js';
import { MAP_IN } from '../lab/ruleset.js';
import { Server } from '../lab/server.js';
import { run } from '../support/run.js';
import type { Udp } from '../lab/sockets.js';

const NATPMPCTL = join(import.meta.dirname, '../../cli/natpmpctl.js');
const lab = await openLab();

if (lab !== null) {
  const { alice, bob, outside, router } = lab;
  let server = await Server.start(lab);
  const asker = await Asker.open(alice, ROUTER);
  const other = await Asker.open(bob, ROUTER);
  const stun = await outside.udp({ address: REMOTE, port: 3478 });

  const flows = async () => (await router.run('conntrack', '-L', '-p', 'udp', '-o', 'id')).stdout;
  /** What connection tracking calls the flow of these two ports; another one of the same ports has another id. */
  const idOf = async (source: number, destination: number) =>
    new RegExp(`sport=${source} dport=${destination} .*\\bid=(\\d+)`).exec(await flows())?.[1];

  /** A peer that has sent to the external port, which is nobody's. */
  const peerOf = async (port: number, address = OUTSIDE) => {
    const peer = await outside.udp({ address });
    peer.sendText('before', EXTERNAL, port);
    await until('the flow is there', async () => (await idOf(peer.port, port)) !== undefined);
    return peer;
  };

  /** The port that the peer sees what is sent from this socket with. */
  const seenPort = async (from: Udp, peer = stun, port = 3478, withinMs = SOON_MS) => {
    peer.drain();
    from.sendText('which port?', REMOTE, port);
    return (await peer.receive(withinMs))?.port;
  };

  const byHand = (...args: readonly string[]) =>
    run(process.execPath, [NATPMPCTL, ...args, '--socket', server.adminSocket]);

  /** Each grants alice's UDP port 9999 to herself, outside as 9999, and has all its effects when it returns. */
  const grants = [
    {
      name: 'by NAT-PMP',
      grant: () => asker.map('udp', 9999, 9999, 600),
      end: () => asker.unmap('udp', 9999),
    },
    {
      name: 'by hand',
      grant: () => byHand('add', 'udp', '9999', `${ALICE}:9999`),
      end: () => byHand('remove', 'udp', '9999'),
    },
  ];

  cases('a peer that has been sending is heard from the grant on', grants, async ({ grant, end }) => {
    const inside = await alice.udp({ port: 9999 });
    const peers = [await peerOf(9999), await peerOf(9999, OUTSIDE_TOO)];
    const fromLan = await bob.udp();
    fromLan.sendText('before', EXTERNAL, 9999);
    await until('the flow is there', async () => (await idOf(fromLan.port, 9999)) !== undefined);
    await grant();
    for (const peer of [...peers, fromLan]) {
      peer.sendText('after', EXTERNAL, 9999);
      const seen = await inside.receive();
      assert.ok(seen !== null, 'the first packet after the answer arrives');
      inside.sendText('answer', seen?.address, seen?.port);
      assert.is(await peer.receiveText(), 'answer');
      peer.close();
    }
    inside.close();
    await end();
  });

  claims('a host that has been sending', {
    'leaves by the mapped port from the grant on (§3.9)': async () => {
      const sender = await alice.udp({ port: 41641 });
      assert.is((await other.map('udp', 41641, 41641, 600)).externalPort, 41641);
      const before = await seenPort(sender);
      const { externalPort } = await asker.map('udp', 41641, 41641, 600);
      assert.is.not(externalPort, 41641);
      assert.is.not(externalPort, before);
      assert.is(await seenPort(sender), externalPort);
      await asker.unmap('udp', 0);
      await other.unmap('udp', 0);
      sender.close();
    },
    'goes on unnoticed where it has left by that port already, and where it sends from another one': async () => {
      const sender = await alice.udp({ port: 7001 });
      const another = await alice.udp({ port: 7002 });
      assert.is(await seenPort(sender), 7001);
      await seenPort(another);
      const id = await idOf(7002, 3478);
      assert.is((await asker.map('udp', 7001, 7001, 600)).externalPort, 7001);
      stun.sendText('answer', EXTERNAL, 7001);
      assert.is(await sender.receiveText(), 'answer');
      assert.is(await seenPort(sender), 7001);
      assert.is(await idOf(7002, 3478), id);
      await asker.unmap('udp', 0);
      sender.close();
      another.close();
    },
  });

  claims('what a grant does not touch', {
    "flows of other hosts and of the router to that port elsewhere, and another host's from that port": async () => {
      const elsewhere = await outside.udp({ address: REMOTE, port: 9100 });
      const own = await router.udp();
      const bobs = await bob.udp({ port: 9101 });
      const bobsToo = await bob.udp({ port: 9100 });
      const [ownPort] = [
        await seenPort(own, elsewhere, 9100),
        await seenPort(bobs, elsewhere, 9100),
        await seenPort(bobsToo),
      ];
      elsewhere.sendText('answer', EXTERNAL, ownPort);
      assert.is(await own.receiveText(), 'answer');
      const ids = async () => [await idOf(ownPort ?? 0, 9100), await idOf(9101, 9100), await idOf(9100, 3478)];
      const before = await ids();
      assert.not.ok(before.includes(undefined));
      assert.is((await asker.map('udp', 9100, 9100, 600)).externalPort, 9100);
      assert.equal(await ids(), before);
      await asker.unmap('udp', 0);
      for (const socket of [elsewhere, own, bobs, bobsToo]) socket.close();
    },
    'anything, by a renewal': async () => {
      const inside = await alice.udp({ port: 9200 });
      await asker.map('udp', 9200, 9200, 600);
      assert.is(await seenPort(inside), 9200);
      const id = await idOf(9200, 3478);
      await asker.map('udp', 9200, 9200, 900);
      assert.is(await idOf(9200, 3478), id);
      await asker.unmap('udp', 0);
      inside.close();
    },
    'a TCP connection: the next one has the mapped port': async () => {
      const there = await outside.listen(0, OUTSIDE);
      assert.is((await other.map('tcp', 4500, 4500, 600)).externalPort, 4500);
      const flow = await tcpFlow(alice, OUTSIDE, there.port, there, { port: 4500 });
      const { externalPort } = await asker.map('tcp', 4500, 4500, 600);
      assert.is.not(externalPort, 4500);
      assert.ok(await isAlive(flow));
      const elsewhere = await outside.listen(0, OUTSIDE_TOO);
      flow.caller.close();
      assert.is(await flow.called.receive(), 'closed');
      await alice.connect(OUTSIDE_TOO, elsewhere.port, { port: 4500 });
      assert.is((await elsewhere.accept())?.peer.port, externalPort);
      await asker.unmap('tcp', 0);
      await other.unmap('tcp', 0);
      there.close();
      elsewhere.close();
    },
  });

  claims('a peer that was refused', {
    'is connected by TCP once there is a mapping': async () => {
      const from = { address: OUTSIDE, port: 6000 };
      assert.is((await outside.connect(EXTERNAL, 4600, from)).kind, 'failed');
      await asker.map('tcp', 4600, 4600, 600);
      const inside = await alice.listen(4600);
      const flow = await tcpFlow(outside, EXTERNAL, 4600, inside, from);
      assert.ok(await isAlive(flow));
      flow.caller.close();
      inside.close();
      await asker.unmap('tcp', 0);
    },
  });

  claims('a mapping that ended while no helper ran', {
    'leaves no flow behind': async () => {
      const sender = await alice.udp({ port: 7100 });
      assert.is((await asker.map('udp', 7100, 7101, 1)).externalPort, 7101);
      assert.is(await seenPort(sender), 7101);
      await server.kill();
      await until('it has expired', async () => (await server.elements()).live.length === 0);
      assert.is(await seenPort(sender), undefined, 'the ruleset stops it');
      server = await Server.start(lab);
      await until('it leaves by its own port', async () => (await seenPort(sender, stun, 3478, 500)) === 7100);
      sender.close();
    },
  });

  claims('a mapping that comes back', {
    'after a firewall reload: who began in between is heard': async () => {
      const inside = await alice.udp({ port: 9300 });
      await asker.map('udp', 9300, 9300, 600);
      // Stopped, it cannot put the mapping back before the peer has sent.
      server.signalOne('helper', 'SIGSTOP');
      await lab.nft(`flush map ${MAP_IN}`);
      const peer = await peerOf(9300);
      server.signalOne('helper', 'SIGCONT');
      await until('it arrives', async () => {
        peer.sendText('after', EXTERNAL, 9300);
        return (await inside.receive(100)) !== null;
      });
      peer.close();
      inside.close();
    },
    'with its rules, which alone were away: who began in between is heard, and leaves by the mapped port': async () => {
      const inside = await alice.udp({ port: 9300 });
      const sender = await bob.udp({ port: 41641 });
      await other.map('udp', 41641, 41642, 600);
      assert.is(await seenPort(sender), 41642);
      server.signalOne('helper', 'SIGSTOP');
      await lab.nft('flush table inet nat');
      await router.run('conntrack', '-F');
      const peer = await peerOf(9300);
      assert.is(await seenPort(sender), 41641);
      server.signalOne('helper', 'SIGCONT');
      await until('it arrives', async () => {
        peer.sendText('after', EXTERNAL, 9300);
        return (await inside.receive(100)) !== null;
      });
      await until('it leaves by its port', async () => (await seenPort(sender, stun, 3478, 500)) === 41642);
      await other.unmap('udp', 0);
      for (const socket of [peer, inside, sender]) socket.close();
    },
    'after a reboot: who began before the gateway did is heard': async () => {
      const inside = await alice.udp({ port: 9300 });
      await server.kill();
      await lab.nft('delete table inet nat');
      await router.run('conntrack', '-F');
      const peer = await peerOf(9300);
      server = await Server.start(lab);
      await until('it arrives', async () => {
        peer.sendText('after', EXTERNAL, 9300);
        return (await inside.receive(100)) !== null;
      });
      peer.close();
      inside.close();
      await asker.unmap('udp', 0);
    },
  });
}
