// The helper's end of its API: frames, requests and peers. What the requests do is for handle.test.ts.

import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { Router } from '../../helper/router.js';
import type { Response } from '../../proto/codec.js';
import { encodeResponse, MAX_REQUEST_BYTES } from '../../proto/codec.js';
import { decodeResponse, encodeRequest } from '../../proto/client-codec.js';
import { bytes } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';
import { lease } from './leases.js';
import {
  event,
  GRANTED,
  HELLO,
  list,
  NOW,
  open,
  page,
  Peer,
  QUIET_MS,
  REPORT,
  serving,
  SOON_MS,
  status,
  watch,
  WATCHING,
} from './server-support.js';

const MALFORMED = { id: 0, body: { kind: 'refused', reason: 'malformed' } };

claims('server: requests and answers', {
  'a request is answered under its id': async () => {
    const peer = new Peer((await serving()).path);
    assert.equal(await peer.ask(7, list(9)), page(7, 9));
    assert.equal(await peer.ask(0xffffffff, list(8)), page(0xffffffff, 8));
  },
  'a request whose time has passed is refused, and not carried out': async () => {
    const { handler, path } = await serving();
    const peer = new Peer(path);
    for (const [id, notAfter] of [
      [1, NOW - 1],
      [2, NOW],
      [3, 0],
    ] as const)
      await peer.send(id, list(id), notAfter);
    await peer.send(4, { kind: 'watch' }, NOW - 1);
    const late = { kind: 'refused', reason: 'late' };
    assert.equal(await peer.receive(), { id: 1, body: late });
    assert.equal(await peer.receive(), page(2, 2));
    assert.equal(await peer.receive(), page(3, 3));
    assert.equal(await peer.receive(), { id: 4, body: late });
    assert.is(handler.asked.length, 2);
  },
  'a thousand at once: each answered once, in order, in batches of 256 at most': async () => {
    const { path, handler } = await serving();
    const peer = new Peer(path);
    const ids = Array.from({ length: 1000 }, (_, index) => index + 1);
    for (const id of ids)
      await peer.send(id, { kind: 'remove-mapping', protocol: 'tcp', internalAddress: 0xc0a80102, internalPort: id });
    for (const id of ids) assert.equal(await peer.receive(), { id, body: { kind: 'status-report', status: REPORT } });
    assert.equal(
      handler.asked.map(({ request }) => request.kind === 'remove-mapping' && request.internalPort),
      ids,
    );
    const sizes = handler.batches.map((batch) => batch.length);
    assert.ok(Math.max(...sizes) <= 256 && Math.max(...sizes) > 4, `${sizes}`);
  },
  'pages of the list are dear: four in a batch at most': async () => {
    const { path, handler } = await serving();
    const peer = new Peer(path);
    for (let id = 1; id <= 100; id++) await peer.send(id, list(id));
    for (let id = 1; id <= 100; id++) assert.equal(await peer.receive(), page(id, id));
    assert.ok(Math.max(...handler.batches.map((batch) => batch.length)) <= 4);
  },
  'a removal of all mappings of a host counts as many as it holds, and others have their turn in between': async () => {
    const { path, handler } = await serving();
    const peer = new Peer(path);
    await peer.ask(1, status);
    handler.batches.length = 0;
    handler.held = 64;
    // Timers, the other socket and the events of the kernel have their turn where the event loop goes round.
    let turn = 0;
    let next = setImmediate(function count() {
      turn++;
      next = setImmediate(count);
    });
    const turns = new Map<number, number>();
    const answer = handler.answer.bind(handler);
    handler.answer = (request) => {
      turns.set(handler.batches.length, turn);
      return answer(request);
    };
    const ids = Array.from({ length: 250 }, (_, index) => index + 1);
    for (let from = 0; from < 250; from += 50)
      await peer.dealer.send(
        ids
          .slice(from, from + 50)
          .map((id) => encodeRequest(id, { kind: 'remove-host-mappings', protocol: 'udp', internalAddress: id })),
      );
    for (const id of ids) assert.is((await peer.receive())?.id, id);
    clearImmediate(next);
    assert.ok(
      handler.batches.every((batch) => batch.length <= 4),
      `${handler.batches.map(({ length }) => length)}`,
    );
    assert.is(new Set(turns.values()).size, handler.batches.length, 'no two batches in one turn');
  },
  'many peers at once: each gets its own answers': async () => {
    const { path } = await serving();
    const peers = Array.from({ length: 20 }, () => new Peer(path));
    for (let round = 1; round <= 20; round++) {
      await Promise.all(peers.map((peer, index) => peer.send(round, list(index * 100 + round))));
    }
    for (const [index, peer] of peers.entries()) {
      for (let round = 1; round <= 20; round++) assert.equal(await peer.receive(), page(round, index * 100 + round));
    }
  },
  'the socket says who asks': async () => {
    const { path, server, handler } = await serving();
    const { path: adminPath } = await open(server, { role: 'administrator' });
    await new Peer(path).ask(1, status);
    await new Peer(adminPath).ask(1, status);
    assert.equal(
      handler.asked.map(({ role }) => role),
      ['client', 'administrator'],
    );
  },
  'a handler that throws ends it': async () => {
    const { path, handler, ended } = await serving();
    handler.answer = () => {
      throw new Error('broken invariant');
    };
    await new Peer(path).send(1, status);
    assert.match(
      await ended.then(
        () => 'served',
        (error: Error) => error.message,
      ),
      'broken invariant',
    );
  },
});

const good = encodeRequest(5, list(5));
cases(
  'server: a frame that is no request is refused as malformed, with id 0',
  [
    { name: 'an empty frame', frames: [bytes('')] },
    { name: 'more frames than a message may have', frames: Array.from({ length: 65 }, () => good) },
    { name: 'an unknown field', frames: [bytes('0805 2a 02 1001 4801')] },
    { name: 'id 0', frames: [bytes('2a 02 1001')] },
    { name: 'a response', frames: [encodeResponse(5, { kind: 'removed', count: 1 })] },
    { name: '96 bytes of nothing', frames: [new Uint8Array(MAX_REQUEST_BYTES)] },
    { name: 'text', frames: [Buffer.from('GET / HTTP/1.1\r\n\r\n')] },
  ],
  async ({ frames }) => {
    const { path, handler } = await serving();
    const peer = new Peer(path);
    await peer.dealer.send(frames.map((frame) => Buffer.from(frame)));
    assert.equal(await peer.receive(), MALFORMED);
    assert.equal(await peer.ask(6, list(6)), page(6, 6), 'the connection goes on');
    assert.is(handler.asked.length, 1);
  },
);

claims('server: several requests in one message', {
  'each is answered, in order, and all in one message': async () => {
    const { path, handler } = await serving();
    const peer = new Peer(path);
    const ids = Array.from({ length: 64 }, (_, index) => index + 1);
    await peer.dealer.send(ids.map((id) => encodeRequest(id, status)));
    const frames = await peer.dealer.receive();
    assert.equal(
      frames.map(decodeResponse),
      ids.map((id) => ({ id, body: { kind: 'status-report', status: REPORT } })),
    );
    assert.is(handler.batches.length, 1);
  },
  'pages are four in a batch at most, also if one message asks for all': async () => {
    const { path, handler } = await serving();
    const greedy = new Peer(path);
    await greedy.dealer.send(Array.from({ length: 64 }, (_, index) => encodeRequest(index + 1, list(index + 1))));
    for (let id = 1; id <= 64; id++) assert.equal(await greedy.receive(), page(id, id));
    assert.ok(Math.max(...handler.batches.map((batch) => batch.length)) <= 4);
  },
  'one that is none is refused, and the others are carried out': async () => {
    const { path } = await serving();
    const peer = new Peer(path);
    await peer.dealer.send([encodeRequest(1, list(1)), Buffer.from(''), encodeRequest(2, list(2))]);
    assert.equal(
      [await peer.receive(), await peer.receive(), await peer.receive()],
      [page(1, 1), MALFORMED, page(2, 2)],
    );
  },
  'the events of the batch are in the same message, after the answers': async () => {
    const { path, handler } = await serving();
    const peer = new Peer(path);
    await peer.ask(9, watch);
    handler.events = [GRANTED, GRANTED];
    await peer.send(10, list(1));
    assert.equal((await peer.dealer.receive()).map(decodeResponse), [page(10, 1), event(9, 1), event(9, 2)]);
  },
  'a message does not grow without end': async () => {
    const { path, handler } = await serving();
    handler.answer = () => ({ kind: 'mapping-list', leases: Array.from({ length: 1000 }, () => lease()), next: 0 });
    const peer = new Peer(path);
    await peer.dealer.send([1, 2, 3].map((id) => encodeRequest(id, list(1))));
    const messages = [await peer.dealer.receive(), await peer.dealer.receive()];
    // The first page is below 32 KiB, the first two are above.
    assert.equal(
      messages.map((frames) => frames.map((frame) => decodeResponse(frame)?.id)),
      [[1, 2], [3]],
    );
  },
});

claims('server: peers that do not behave', {
  'good and malformed requests in one batch: each gets its own': async () => {
    const { path } = await serving();
    const peer = new Peer(path);
    for (let id = 1; id <= 100; id++) {
      await peer.send(id, list(id));
      await peer.dealer.send('x');
    }
    for (let id = 1; id <= 100; id++) {
      assert.equal(await peer.receive(), page(id, id));
      assert.equal(await peer.receive(), MALFORMED);
    }
  },
  'a frame of more than 96 bytes ends that connection, and no other': async () => {
    const { path, handler } = await serving();
    const [other, peer] = [new Peer(path), new Peer(path)];
    await other.ask(1, list(1));
    await peer.ask(1, list(1));
    const gone = peer.next('disconnect');
    const back = peer.next('handshake');
    await peer.dealer.send(Buffer.alloc(MAX_REQUEST_BYTES + 1));
    await gone;
    assert.equal(await other.ask(2, list(2)), page(2, 2));
    await back;
    assert.equal(await peer.ask(3, list(3)), page(3, 3), 'connected again');
    assert.is(handler.asked.length, 4);
  },
  'a peer that goes without its answers': async () => {
    const { path, handler } = await serving();
    const [other, peer] = [new Peer(path), new Peer(path)];
    await peer.ask(1, list(1));
    for (let id = 2; id <= 500; id++) await peer.send(id, list(id));
    peer.dealer.close();
    assert.equal(await other.ask(2, list(2)), page(2, 2));
    assert.ok(handler.asked.length >= 2);
  },
  'input without a whole message is looked at in parts, with a turn for others in between': async () => {
    const { receive } = Router.prototype;
    let [pieces, most, total] = [0, 0, 0];
    Router.prototype.receive = function count(this: Router) {
      total++;
      most = Math.max(most, ++pieces);
      return receive.call(this);
    };
    const turn = () => {
      pieces = 0;
      immediate = setImmediate(turn);
    };
    let immediate = setImmediate(turn);
    const { path } = await serving();
    const endless = bytes('0100'.repeat(30_000));
    const peers = Array.from({ length: 10 }, () => connect(path).on('error', () => {}));
    for (const peer of peers) peer.write(HELLO);
    // Greeting and READY: from here on the server waits for all of them at once.
    for (const peer of peers) while (peer.bytesRead < 94) await new Promise((resolve) => peer.once('data', resolve));
    for (const peer of peers) peer.write(endless);
    for (const end = performance.now() + SOON_MS; total < (10 * endless.length) / 4096; await new Promise(setImmediate))
      assert.ok(performance.now() < end, `${total} pieces`);
    assert.ok(most <= 256 / 16, `${most} pieces of 4 KiB in one turn`);
    clearImmediate(immediate);
    Router.prototype.receive = receive;
    for (const peer of peers) peer.destroy();
  },
  'a peer that does not speak ZeroMQ': async () => {
    const { path } = await serving();
    const stranger = connect(path);
    stranger.on('error', () => {}); // a reset is one way to be shown out
    const closed = new Promise((resolve) => {
      stranger.once('close', resolve);
    });
    stranger.write(Buffer.alloc(64 * 1024, 'HELO\r\n'));
    stranger.resume();
    await closed;
    assert.equal(await new Peer(path).ask(1, list(1)), page(1, 1));
  },
  'a peer that does not read its answers loses them, and holds up nobody': async () => {
    const { path, handler } = await serving();
    const long: Response = { kind: 'mapping-list', leases: Array.from({ length: 100 }, () => lease()), next: 0 };
    const { answer } = handler;
    handler.answer = (request) => (request.kind === 'list-mappings' && request.after === 0 ? long : answer(request));
    const deaf = new Peer(path, { receiveHighWaterMark: 1 });
    const other = new Peer(path);
    // One at a time, so that each answer is a message.
    for (let id = 1; id <= 3000; id++) {
      await deaf.send(id, list(0));
      assert.equal(await other.ask(id, list(id)), page(id, id));
    }
    const heard = (await deaf.rest(2000)).length;
    assert.ok(heard >= 1000 && heard < 3000, `${heard} answers`);
    assert.equal(await deaf.ask(3, list(3)), page(3, 3), 'what it asks once it reads again is answered');
  },
});

cases(
  'server: routing ids',
  [
    { name: '55 bytes', length: 55, want: 'answered' },
    { name: '56 bytes make the handshake longer than a frame may be', length: 56, want: 'no answer' },
  ],
  async ({ length, want }) => {
    const peer = new Peer((await serving()).path, { routingId: 'x'.repeat(length), receiveTimeout: QUIET_MS });
    assert.is(
      await peer.ask(1, status).then(
        () => 'answered',
        () => 'no answer',
      ),
      want,
    );
  },
);

claims('server: routing ids', {
  'are no names: two connections with the same one are served, each with its own': async () => {
    const { path, server } = await serving();
    const [one, other] = [new Peer(path, { routingId: 'tool' }), new Peer(path, { routingId: 'tool' })];
    assert.equal(await one.ask(1, watch), WATCHING(1));
    assert.equal(await other.ask(2, watch), WATCHING(2));
    assert.equal([await one.ask(3, list(3)), await other.ask(4, list(4))], [page(3, 3), page(4, 4)]);
    server.publish([GRANTED]);
    assert.equal([await one.receive(), await other.receive()], [event(1, 1), event(2, 1)]);
  },
});
