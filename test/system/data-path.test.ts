// What a mapping does to packets while it is in force (RFC 6886 §3.9): seen from both ends.
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { ALICE, CAROL, EXTERNAL, GUEST_ROUTER, openLab, OUTSIDE, OUTSIDE_TOO, REMOTE, ROUTER } from '../lab/lab.js';
import type { Host } from '../lab/host.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { Asker } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

const lab = await openLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { carol } = lab;
  const { alice, bob, outside } = lab;
  await Server.start(lab, ['--listen-interface', 'br-lan', '--listen-interface', 'br-guest']);
  const asker = await Asker.open(alice, ROUTER);
  for (const protocol of ['tcp', 'udp'] as const) {
    const { result } = await asker.map(protocol, 80, 8080, 3600);
    if (result !== 0) throw new Error(`${protocol} 80 cannot be mapped: ${result}`);
  }
  const web = await alice.listen(80);
  const udp = await alice.udp({ port: 80 });

  interface Caller {
    readonly name: string;
    readonly host: Host;
    readonly from?: string;
    /** How the inside host sees the caller. */
    readonly seenAs: string;
  }

  const callers: readonly Caller[] = [
    { name: '§3.9 from outside, whose address stays visible (D-12)', host: outside, from: OUTSIDE, seenAs: OUTSIDE },
    { name: '§3.9 from another outside address', host: outside, from: OUTSIDE_TOO, seenAs: OUTSIDE_TOO },
    { name: '§3.9 from further away', host: outside, from: REMOTE, seenAs: REMOTE },
    { name: '§4.3.4 hairpin: from the same LAN, through the router', host: bob, seenAs: ROUTER },
    { name: '§4.3.4 hairpin: from the mapped host itself', host: alice, seenAs: ROUTER },
    { name: '§4.3.4 hairpin: from another LAN', host: carol, seenAs: CAROL },
  ];

  cases('TCP to the mapped port', callers, async ({ host, from, seenAs }) => {
    const connected = await host.connect(EXTERNAL, 8080, from === undefined ? {} : { address: from });
    assert.is(connected.kind, 'connected');
    const accepted = await web.accept();
    assert.is(accepted?.peer.address, seenAs);
    if (connected.kind !== 'connected' || accepted === null) return;
    connected.connection.send('question');
    assert.is(await accepted.connection.receive(), 'question');
    accepted.connection.send('answer');
    assert.is(await connected.connection.receive(), 'answer');
    connected.connection.close();
  });

  cases('UDP to the mapped port; the reply comes from it', callers, async ({ host, from, seenAs }) => {
    const socket = await host.udp(from === undefined ? {} : { address: from });
    socket.sendText('question', EXTERNAL, 8080);
    const question = await udp.receive();
    assert.is(question?.address, seenAs);
    udp.sendText('answer', question?.address, question?.port);
    const answer = await socket.receive();
    assert.is(`${answer?.address}:${answer?.port}`, `${EXTERNAL}:8080`);
    socket.close();
  });

  claims('traffic that the inside host starts from the mapped port (§3.9)', {
    'UDP leaves from the mapped external port': async () => {
      const there = await outside.udp({ address: REMOTE, port: 9000 });
      udp.sendText('hello', REMOTE, 9000);
      const hello = await there.receive();
      assert.is(`${hello?.address}:${hello?.port}`, `${EXTERNAL}:8080`);
      there.sendText('back', hello?.address, hello?.port);
      assert.is(await udp.receiveText(), 'back');
    },
    'TCP leaves from the mapped external port': async () => {
      await asker.map('tcp', 4000, 4001, 3600);
      const there = await outside.listen(9001);
      const connected = await alice.connect(OUTSIDE, 9001, { address: ALICE, port: 4000 });
      assert.is(connected.kind, 'connected');
      const accepted = await there.accept();
      assert.equal(accepted?.peer, { address: EXTERNAL, port: 4001 });
      accepted?.connection.send('hello');
      if (connected.kind === 'connected') assert.is(await connected.connection.receive(), 'hello');
    },
    'R-92 also when connection tracking has forgotten the flow': async () => {
      const caller = await outside.udp({ address: OUTSIDE });
      caller.sendText('one', EXTERNAL, 8080);
      const one = await udp.receive();
      await lab.router.run('conntrack', '-F');
      udp.sendText('late answer', one?.address, one?.port);
      const answer = await caller.receive();
      assert.is(`${answer?.address}:${answer?.port}`, `${EXTERNAL}:8080`);
    },
    'from an unmapped port it leaves as without a server': async () => {
      const there = await outside.udp({ port: 9002 });
      const unmapped = await alice.udp({ port: 5555 });
      unmapped.sendText('hello', OUTSIDE, 9002);
      assert.is((await there.receive())?.address, EXTERNAL);
      const tcp = await outside.listen(9003);
      assert.is((await bob.connect(OUTSIDE, 9003)).kind, 'connected');
      assert.is((await tcp.accept())?.peer.address, EXTERNAL);
    },
  });

  claims('what is not translated', {
    'the external port of one protocol is not that of the other': async () => {
      await asker.map('tcp', 6000, 6000, 3600);
      const inside = await alice.udp({ port: 6000 });
      const caller = await outside.udp({ peer: { address: EXTERNAL, port: 6000 } });
      caller.sendText('knock');
      assert.is(await caller.outcome(), 'ECONNREFUSED');
      assert.is(await inside.receive(0), null);
    },
    'a LAN host that asks a remote address for a mapped port gets the remote host': async () => {
      const remote = await outside.listen(8080, REMOTE);
      const connected = await bob.connect(REMOTE, 8080);
      assert.is(connected.kind, 'connected');
      assert.is((await remote.accept())?.peer.address, EXTERNAL);
      const remoteUdp = await outside.udp({ address: REMOTE, port: 8080 });
      const asking = await bob.udp();
      asking.sendText('for the remote', REMOTE, 8080);
      assert.is(await remoteUdp.receiveText(), 'for the remote');
    },
    'what arrives on wan0 for an address that is not ours': async () => {
      // The outside host routes a foreign address to the router, which would forward it to where the route says.
      await outside.run('ip', 'route', 'add', '192.0.2.0/24', 'via', EXTERNAL);
      const caller = await outside.udp({ address: OUTSIDE });
      udp.drain();
      caller.sendText('not for you', '192.0.2.1', 8080);
      assert.is(await udp.receive(SILENCE_MS), null);
      assert.is((await outside.connect('192.0.2.1', 8080, { withinMs: SILENCE_MS })).kind, 'failed');
    },
    "the router's own LAN address": async () => {
      assert.equal(await bob.connect(ROUTER, 8080), { kind: 'failed', code: 'ECONNREFUSED' });
      assert.equal(await carol.connect(GUEST_ROUTER, 8080), { kind: 'failed', code: 'ECONNREFUSED' });
    },
    "D-6 a port on which the router itself serves stays the router's": async () => {
      const own = await lab.router.listen(7777, EXTERNAL);
      assert.is((await outside.connect(EXTERNAL, 7777)).kind, 'connected');
      assert.ok((await own.accept()) !== null);
    },
  });

  claims('a second LAN', {
    'its hosts map for themselves, and are reached': async () => {
      const mine = await Asker.open(carol, GUEST_ROUTER);
      assert.is((await mine.map('tcp', 80, 8181, 3600)).externalPort, 8181);
      const server = await carol.listen(80);
      assert.is((await outside.connect(EXTERNAL, 8181)).kind, 'connected');
      assert.is((await server.accept())?.peer.address, OUTSIDE);
    },
  });
}
