// The helper's end of its API: who watches, and the events that watchers are told.

import * as assert from 'uvu/assert';
import { Server } from '../../helper/server.js';
import { claims, skip } from '../support/cases.js';
import { lease, pinhole } from './leases.js';
import {
  event,
  GRANTED,
  list,
  NOW,
  open,
  page,
  Peer,
  ScriptedHandler,
  serving,
  SOON_MS,
  status,
  watch,
  WATCHING,
} from './server-support.js';

claims('server: watching', {
  'events come under the id of the watch, numbered from 1': async () => {
    const { path, server } = await serving();
    const peer = new Peer(path);
    assert.equal(await peer.ask(9, watch), WATCHING(9));
    server.publish([GRANTED, { kind: 'resynchronised' }]);
    server.publish([GRANTED]);
    assert.equal(await peer.receive(), event(9, 1));
    assert.equal(await peer.receive(), event(9, 2, { kind: 'resynchronised' }));
    assert.equal(await peer.receive(), event(9, 3));
  },
  'each event is sent once to each watcher': async () => {
    const { handler, path } = await serving();
    const [one, other] = [new Peer(path), new Peer(path)];
    for (const peer of [one, other]) {
      await peer.send(1, { kind: 'watch' });
      await peer.receive();
    }
    handler.events = [GRANTED];
    await one.send(2, { kind: 'status' });
    await one.receive();
    assert.equal(handler.told, [GRANTED]);
  },
  'each of sixteen watchers gets every event, with numbers of its own': async () => {
    const server = new Server(new ScriptedHandler(), () => NOW);
    const { path } = await open(server, { role: 'administrator' });
    const watchers = Array.from({ length: 16 }, () => new Peer(path));
    for (const [index, watcher] of watchers.entries()) await watcher.ask(100 * index + 1, watch);
    for (let sequence = 1; sequence <= 200; sequence++) server.publish([{ kind: 'granted', lease: lease() }]);
    for (const [index, watcher] of watchers.entries())
      for (let sequence = 1; sequence <= 200; sequence++)
        assert.equal(await watcher.receive(), event(100 * index + 1, sequence));
  },
  'batches and refusals are counted': async () => {
    const { handler, path } = await serving();
    const peer = new Peer(path);
    await peer.send(1, { kind: 'status' }, NOW - 1);
    await peer.receive();
    await peer.dealer.send(Buffer.from('ff', 'hex'));
    await peer.receive();
    const { refused, batches } = handler.totals;
    assert.equal([refused[11], refused[1], refused.length], [1, 1, 12], 'REASON_LATE, REASON_MALFORMED');
    assert.is(batches.sum, 2);
    assert.is(
      batches.counts.reduce((sum, count) => sum + count, 0),
      2,
    );
  },
  'the events of a request come after its answer': async () => {
    const { path, handler } = await serving();
    const peer = new Peer(path);
    await peer.ask(9, watch);
    handler.events = [GRANTED];
    assert.equal(await peer.ask(10, list(1)), page(10, 1));
    assert.equal(await peer.receive(), event(9, 1));
  },
  'events of pinholes go to those who want them, and leave no gap for the others': async () => {
    const { path, server } = await serving();
    const [mappings, both] = [new Peer(path), new Peer(path)];
    await mappings.ask(1, watch);
    await both.ask(2, { kind: 'watch', pinholes: true });
    const { nonce: _, ...told } = pinhole();
    server.publish([{ kind: 'granted', pinhole: pinhole() }]);
    server.publish([GRANTED, { kind: 'expired', pinhole: pinhole() }, { kind: 'resynchronised' }]);
    assert.equal(
      [await mappings.receive(), await mappings.receive()],
      [event(1, 1), event(1, 2, { kind: 'resynchronised' })],
    );
    assert.equal(
      [await both.receive(), await both.receive(), await both.receive(), await both.receive()],
      [
        event(2, 1, { kind: 'granted', pinhole: told }),
        event(2, 2),
        event(2, 3, { kind: 'expired', pinhole: told }),
        event(2, 4, { kind: 'resynchronised' }),
      ],
    );
    assert.equal(await mappings.rest(), []);
    assert.is(server.isBehind, false);
  },
  'a connection without a watch hears nothing, and a watcher hears what others do': async () => {
    const { path, server, handler } = await serving();
    const { path: adminPath } = await open(server, { role: 'administrator' });
    const [watcher, other] = [new Peer(adminPath), new Peer(path)];
    await watcher.ask(4, watch);
    handler.events = [GRANTED];
    assert.equal(await other.ask(1, list(1)), page(1, 1));
    assert.equal(await watcher.receive(), event(4, 1));
    assert.equal(await other.rest(), []);
  },
  'watching again replaces the watch before, and numbers from 1': async () => {
    const { path, server } = await serving();
    const peer = new Peer(path);
    await peer.ask(1, watch);
    server.publish([GRANTED, GRANTED]);
    assert.equal([await peer.receive(), await peer.receive()], [event(1, 1), event(1, 2)]);
    assert.equal(await peer.ask(2, watch), WATCHING(2));
    server.publish([GRANTED]);
    assert.equal(await peer.rest(), [event(2, 1)]);
  },
  'a watch ends with its connection': async () => {
    const { path, server } = await serving();
    const peer = new Peer(path);
    await peer.ask(1, watch);
    const back = peer.next('handshake');
    peer.dealer.disconnect(`ipc://${path}`);
    peer.dealer.connect(`ipc://${path}`);
    await back;
    assert.equal(await peer.ask(2, list(2)), page(2, 2));
    server.publish([GRANTED]);
    assert.equal(await peer.rest(), []);
  },
  'a watcher that reads too slowly misses events, and the numbers tell': async () => {
    const { path, server } = await serving();
    const slow = new Peer(path, { receiveHighWaterMark: 1 });
    await slow.ask(1, watch);
    for (let events = 1; events <= 40_000; events++) {
      server.publish([GRANTED]);
      if (events % 1000 === 0) await new Promise(setImmediate);
    }
    const heard = (await slow.rest(2000)).map((each) => (each?.body.kind === 'event' ? each.body.sequence : 0));
    assert.ok(heard.length > 1000 && heard.length < 40_000, `${heard.length} events`);
    assert.ok(
      heard.every((sequence, index) => sequence > (heard[index - 1] ?? 0)),
      'in order, none twice',
    );
    server.publish([]);
    assert.equal(
      await slow.receive(),
      event(1, 40_001, { kind: 'probe' }),
      'once it reads again, a probe shows the gap',
    );
    server.publish([GRANTED]);
    assert.equal(await slow.receive(), event(1, 40_002), 'from here on it hears everything again');
  },
  'the fifth watcher of a user is refused; who watches already may again; all may ask': async () => {
    const { path, server } = await serving();
    const peers = Array.from({ length: 5 }, () => new Peer(path));
    const { path: adminPath } = await open(server, { role: 'administrator' });
    assert.equal(await new Peer(adminPath).ask(1, watch), WATCHING(1), 'which does not count for the other socket');
    for (const peer of peers.slice(0, 4)) assert.equal(await peer.ask(1, watch), WATCHING(1));
    const last = peers[4] as Peer;
    assert.equal(await last.ask(1, watch), { id: 1, body: { kind: 'refused', reason: 'too-many-watchers' } });
    assert.equal(await last.ask(2, list(2)), page(2, 2));
    assert.equal(await (peers[0] as Peer).ask(3, watch), WATCHING(3));
    server.publish([GRANTED]);
    assert.equal(await (peers[0] as Peer).receive(), event(3, 1));
    for (const peer of peers.slice(1, 4)) assert.equal(await peer.receive(), event(1, 1));
    assert.equal(await last.rest(), []);
  },
  'watchers that have gone make room for one that asks again': async () => {
    const { path } = await serving();
    for (let left = 0; left < 40; left++) {
      const peer = new Peer(path);
      let answer = await peer.ask(1, watch);
      for (let tries = 0; answer?.body.kind === 'refused' && tries < 100; tries++) answer = await peer.ask(1, watch);
      assert.equal(answer, WATCHING(1), `after ${left} watchers`);
      peer.dealer.close();
    }
  },
  "a routing id of one's own is no name for the watch of another on the other socket": async () => {
    const { path, server } = await serving();
    const { path: adminPath } = await open(server, { role: 'administrator' });
    const [mine, theirs] = [new Peer(adminPath, { routingId: 'tool' }), new Peer(path, { routingId: 'tool' })];
    assert.equal(await mine.ask(1, watch), WATCHING(1));
    assert.equal(await theirs.ask(2, watch), WATCHING(2));
    server.publish([GRANTED]);
    assert.equal(await theirs.receive(), event(2, 1));
    assert.equal(await mine.receive(), event(1, 1));
  },
  'four watchers of a user that have gone are no watchers': async () => {
    const { path, server } = await serving();
    const peers = Array.from({ length: 4 }, () => new Peer(path));
    for (const peer of peers) assert.equal(await peer.ask(1, watch), WATCHING(1));
    const next = new Peer(path);
    assert.equal((await next.ask(1, watch))?.body.kind, 'refused');
    for (const peer of peers) peer.dealer.close();
    // A connection is closed at some moment after `close`.
    for (const end = performance.now() + SOON_MS; (await next.ask(1, watch))?.body.kind !== 'watching'; )
      assert.ok(performance.now() < end, 'there is room');
    server.publish([GRANTED]);
    assert.equal(await next.receive(), event(1, 1));
    assert.is(server.isBehind, false, 'nobody is missed who is gone');
  },
});
/** A peer of this user, which has been answered once. */
const peerAs = async (uid: number, path: string): Promise<Peer> => {
  process.seteuid?.(uid);
  const peer = new Peer(path);
  await peer.ask(1, status).finally(() => process.seteuid?.(0));
  return peer;
};

if (process.getuid?.() !== 0) skip('watchers of many users', 'not root');
else {
  const TOO_MANY = { id: 2, body: { kind: 'refused', reason: 'too-many-watchers' } };
  claims('server: watchers of many users', {
    'one user with all its places, who asks for more, keeps no other out': async () => {
      const { path } = await serving();
      const greedy = await Promise.all(Array.from({ length: 20 }, () => new Peer(path)));
      const answers = await Promise.all(greedy.map((peer) => peer.ask(2, watch)));
      assert.is(answers.filter((answer) => answer?.body.kind === 'watching').length, 4);
      for (const uid of [61183, 61184, 65534]) assert.equal(await (await peerAs(uid, path)).ask(2, watch), WATCHING(2));
    },
    'there is room for 63, and one more place for an administrator': async () => {
      const { path, server } = await serving();
      const { path: adminPath } = await open(server, { role: 'administrator' });
      for (let count = 0; count < 63; count++)
        assert.equal(await (await peerAs(1000 + (count >> 2), path)).ask(2, watch), WATCHING(2), `${count} before`);
      for (const uid of [1015, 1016, 0]) assert.equal(await (await peerAs(uid, path)).ask(2, watch), TOO_MANY);
      assert.equal(await new Peer(adminPath).ask(2, watch), WATCHING(2));
      assert.equal(await new Peer(adminPath).ask(2, watch), TOO_MANY);
    },
    'the places of administrators are not counted by user': async () => {
      const { path: adminPath } = await open(new Server(new ScriptedHandler(), () => NOW), { role: 'administrator' });
      const peers = Array.from({ length: 16 }, () => new Peer(adminPath));
      for (const peer of peers) assert.equal(await peer.ask(2, watch), WATCHING(2));
    },
  });
}
