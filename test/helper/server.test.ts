// The helper's end of its API on a real socket: inherited, as the launcher hands it over, with a handler that says what
// the test tells it to. What the requests do is for handle.test.ts; here it is frames, peers and events.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Dealer } from 'zeromq';
import { openListener } from '../../cli/server/sockets.js';
import type { BatchResult, Endpoint, Handler, RequestFrom } from '../../helper/types.js';
import { Router } from '../../helper/router.js';
import { Server } from '../../helper/server.js';
import { encodeMessage } from '../../helper/zmtp.js';
import type { Event, Request, Response, StatusReport } from '../../proto/codec.js';
import { encodeResponse, MAX_REQUEST_BYTES } from '../../proto/codec.js';
import { decodeResponse, encodeRequest } from '../../proto/client-codec.js';
import { bytes } from '../support/bytes.js';
import { StatsRecorder } from '../../proto/totals.js';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import { lease, pinhole } from './leases.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmp-server-test-'));
atEnd(() => rmSync(folder, { recursive: true }));
chmodSync(folder, 0o755); // another user has to get as far as the socket

/** How long a test waits for what must come, in milliseconds. */
const SOON_MS = 5000;
/** After this long without a frame none is on its way any more, in milliseconds. A round trip takes well below one. */
const QUIET_MS = 250;

const REPORT: StatusReport = {
  epochStart: -1,
  mappings: 0,
  staticMappings: 0,
  maxMappings: 1,
  maxMappingsPerHost: 1,
  maxLifetime: 1,
  journalBytes: 8,
  kernelInStep: true,
  pid: 1,
  resynchronisations: 0,
  startedAt: 1,
  pinholes: 0,
  maxPinholes: 0,
  staticPinholes: 0,
};
const GRANTED: Event = { kind: 'granted', lease: lease() };
const MALFORMED = { id: 0, body: { kind: 'refused', reason: 'malformed' } };
const WATCHING = (id: number) => ({ id, body: { kind: 'watching', status: REPORT } });

/** Answers a list with an empty page whose cursor is the one asked for, and everything else with a status. */
class ScriptedHandler implements Handler {
  readonly totals = new StatsRecorder(() => 0);
  readonly told: Event[] = [];
  /** One entry for each batch with a request in it. */
  readonly batches: (readonly RequestFrom[])[] = [];
  /** What the next batch makes happen. */
  events: readonly Event[] = [];
  /** How many mappings each host holds. */
  held = 0;

  handle(asked: readonly RequestFrom[]): BatchResult {
    if (asked.length > 0) this.batches.push(asked);
    const events = asked.length > 0 ? this.events : [];
    if (asked.length > 0) this.events = [];
    return { responses: asked.map(({ request }) => this.answer(request)), events };
  }

  answer(request: Request): Response {
    if (request.kind === 'list-mappings') return { kind: 'mapping-list', leases: [], next: request.after };
    return { kind: 'status-report', status: REPORT };
  }

  onEvents(events: readonly Event[]): void {
    this.told.push(...events);
  }

  heldBy(): number {
    return this.held;
  }

  watching(): Response {
    return { kind: 'watching', status: REPORT };
  }

  get asked(): readonly RequestFrom[] {
    return this.batches.flat();
  }
}

let sockets = 0;
/** The server's clock, in milliseconds of CLOCK_BOOTTIME. */
const NOW = 1_000_000;

async function open(server: Server, fields: Partial<Endpoint> = {}): Promise<{ path: string; ended: Promise<void> }> {
  const path = join(folder, `${++sockets}.sock`);
  const fd = await openListener({ path, mode: 0o666, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  return { path, ended: server.serve({ role: 'client', fd, uids: [], ...fields }) };
}

async function serving(now = () => NOW) {
  const handler = new ScriptedHandler();
  const server = new Server(handler, now);
  return { handler, server, ...(await open(server)) };
}

class Peer {
  readonly dealer: Dealer;
  readonly #frames: Buffer[] = [];

  constructor(path: string, options: ConstructorParameters<typeof Dealer>[0] = {}) {
    this.dealer = new Dealer({
      linger: 0,
      sendTimeout: SOON_MS,
      receiveTimeout: SOON_MS,
      receiveHighWaterMark: 0,
      ...options,
    });
    this.dealer.connect(`ipc://${path}`);
    atEnd(() => this.dealer.close());
  }

  /** Resolves when the connection next comes up, or breaks. */
  next(what: 'handshake' | 'disconnect'): Promise<unknown> {
    return new Promise((resolve) => {
      this.dealer.events.on(what, resolve);
    });
  }

  async send(id: number, request: Request, notAfter = 0): Promise<void> {
    await this.dealer.send(encodeRequest(id, request, notAfter));
  }

  /** The next frame, of this message or the next. */
  async receive() {
    if (this.#frames.length === 0) this.#frames.push(...(await this.dealer.receive()));
    return decodeResponse(this.#frames.shift() as Buffer);
  }

  async ask(id: number, request: Request) {
    await this.send(id, request);
    return this.receive();
  }

  /** Everything that is there or on its way. */
  async rest(quietMs = QUIET_MS) {
    this.dealer.receiveTimeout = quietMs;
    const all = [];
    try {
      for (;;) all.push(await this.receive());
    } catch {
      this.dealer.receiveTimeout = SOON_MS;
      return all;
    }
  }
}

/** Greeting and READY: without them the server closes the connection after 2 s. */
const HELLO = bytes(`ff 0000000000000001 7f 0301 ${'4e554c4c'.padEnd(104, '0')} 04 06 05 5245414459`);
const list = (after: number): Request => ({ kind: 'list-mappings', after, limit: 1 });
const page = (id: number, next: number) => ({ id, body: { kind: 'mapping-list', leases: [], next } });
const event = (id: number, sequence: number, what: Event = GRANTED) => ({
  id,
  body: { kind: 'event', sequence, event: what },
});
const watch: Request = { kind: 'watch' };
const status: Request = { kind: 'status' };

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

if (process.getuid?.() !== 0) skip('the uid filter of the admin socket', 'not root');
else {
  /** Connect as this user, whom the kernel notes at `connect`: the connection once it is greeted, null if it is closed. */
  const connectAs = (uid: number, path: string): Promise<Socket | null> => {
    process.seteuid?.(uid);
    const socket = connect(path).on('error', () => {});
    process.seteuid?.(0);
    return new Promise((resolve) => {
      socket.once('data', () => resolve(socket));
      socket.once('close', () => resolve(null));
    });
  };

  /** A connection of this user, greeted, and its READY sent. */
  const readyAs = async (uid: number, path: string): Promise<Socket> => {
    const socket = (await connectAs(uid, path)) as Socket;
    atEnd(() => void socket.destroy());
    socket.resume().write(HELLO);
    return socket;
  };
  /** The same as a peer that asks. */
  const peerAs = async (uid: number, path: string): Promise<Peer> => {
    process.seteuid?.(uid);
    const peer = new Peer(path);
    await peer.ask(1, status).finally(() => process.seteuid?.(0));
    return peer;
  };

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

  /** A message of requests, each of a list of this many. */
  const message = (requests: readonly Request[]): Buffer =>
    encodeMessage(requests.map((request, index) => encodeRequest(index + 1, request)));
  const isPage = ({ request }: RequestFrom): boolean => request.kind === 'list-mappings';

  cases<{ name: string; asked: readonly Request[]; most: number; uidOf?: (index: number) => number }>(
    'server: users have equal turns',
    [
      { name: 'one request beside 20 connections full of pages', asked: [status], most: 16 },
      {
        name: 'one request beside as many of 20 uids that the containers of one user have',
        asked: [status],
        most: 16,
        uidOf: (index: number) => 100_000 + index,
      },
      {
        name: '256 changes beside them',
        asked: Array.from(
          { length: 64 },
          (): Request => ({ kind: 'remove-mapping', protocol: 'tcp', internalAddress: 1, internalPort: 1 }),
        ),
        most: 24,
      },
    ],
    async ({ asked, most, uidOf = () => 65534 }) => {
      const { path, handler } = await serving();
      const other = await readyAs(0, path);
      const greedy = await Promise.all(Array.from({ length: 20 }, (_, index) => readyAs(uidOf(index), path)));
      const pages = Buffer.concat(Array<Buffer>(5).fill(message(Array.from({ length: 64 }, () => list(1)))));
      for (const socket of greedy) socket.write(pages);
      for (const end = performance.now() + SOON_MS; handler.asked.length < 100; await new Promise(setImmediate))
        assert.ok(performance.now() < end, 'the pages are served');
      const before = handler.asked.length;
      for (let count = 0; count < (asked.length === 1 ? 1 : 4); count++) other.write(message(asked));
      const wanted = asked.length === 1 ? 1 : 256;
      const served = () => handler.asked.slice(before);
      for (const end = performance.now() + SOON_MS; served().filter((one) => !isPage(one)).length < wanted; ) {
        assert.ok(performance.now() < end, 'the other is served');
        await new Promise(setImmediate);
      }
      const last = served().findLastIndex((one) => !isPage(one));
      const between = served().slice(0, last).filter(isPage).length;
      assert.ok(between <= most, `${between} pages before the last of ${wanted}`);
      for (const socket of [...greedy, other]) socket.destroy();
    },
  );

  claims('server: connections', {
    'are taken many at a time': async () => {
      const { path } = await serving();
      const took: number[] = [];
      for (let round = 0; round < 5; round++) {
        const since = performance.now();
        const sockets = await Promise.all(Array.from({ length: 100 }, () => connectAs(60_000 + round, path)));
        took.push(performance.now() - since);
        for (const socket of sockets) socket?.destroy();
      }
      assert.ok(Math.min(...took) < 75, `100 took ${took.map((ms) => ms.toFixed())} ms`);
    },
    'a user that connects more than 250 times, and 1,000 times a second, is shown out, and another is not':
      async () => {
        let now = NOW;
        const { path } = await serving(() => now);
        const greeted = async (uid: number, count: number): Promise<number> => {
          let some = 0;
          for (let left = count; left > 0; left--) {
            const socket = await connectAs(uid, path);
            if (socket !== null) some++;
            socket?.destroy();
          }
          return some;
        };
        assert.equal([await greeted(65534, 300), await greeted(65533, 1), await greeted(65534, 1)], [250, 1, 0]);
        now += 20;
        assert.is(await greeted(65534, 30), 20);
      },
    'containers of a user, whose uids begin at 100,000, are one user': async () => {
      const { path } = await serving();
      const sockets: (Socket | null)[] = [];
      for (let count = 0; count < 260; count++) {
        const socket = await connectAs(100_000 + count * 300, path);
        socket?.write(HELLO);
        sockets.push(socket);
      }
      assert.is(sockets.filter((socket) => socket !== null).length, 250);
      for (const uid of [0, 99_999, 61183, 61184, 65534]) {
        const socket = await connectAs(uid, path);
        assert.ok(socket !== null, `user ${uid} is let in`);
        socket.destroy();
      }
      for (const socket of sockets) socket?.destroy();
    },
    'one user may have 250; that keeps no other user out, and there is room again when they have gone': async () => {
      const { path } = await serving(() => performance.now());
      const sockets: (Socket | null)[] = [];
      for (let count = 0; count < 260; count++) {
        const socket = await connectAs(65534, path);
        socket?.write(HELLO);
        sockets.push(socket);
      }
      assert.equal(
        sockets.map((socket) => socket !== null),
        sockets.map((_, index) => index < 250),
      );
      assert.equal(await new Peer(path).ask(1, list(1)), page(1, 1));
      for (const socket of sockets) socket?.destroy();
      for (const end = performance.now() + SOON_MS; ; ) {
        const socket = await connectAs(65534, path);
        socket?.destroy();
        if (socket !== null) break;
        assert.ok(performance.now() < end, 'there is room again');
      }
    },
    'all users together may have 1,000': async () => {
      const { path } = await serving();
      const sockets: (Socket | null)[] = [];
      for (let count = 0; count < 1010; count++) {
        const socket = await connectAs(60_000 + (count % 5), path);
        socket?.write(HELLO);
        sockets.push(socket);
      }
      assert.equal(
        sockets.map((socket) => socket !== null),
        sockets.map((_, index) => index < 1000),
      );
      for (const socket of sockets) socket?.destroy();
    },
  });

  cases(
    'server: who may connect, whatever the mode of the socket file says',
    [
      { name: 'root, where only root may', uids: [0], uid: 0, want: 'greeted' },
      { name: 'another user, where only root may', uids: [0], uid: 65534, want: 'shown out' },
      { name: 'one of two users', uids: [0, 65534], uid: 65534, want: 'greeted' },
      { name: 'root, where only another may', uids: [65534], uid: 0, want: 'shown out' },
      { name: 'anybody, if no user is named', uids: [], uid: 65534, want: 'greeted' },
      { name: 'one of containers, where only another may', uids: [100_000], uid: 100_001, want: 'shown out' },
      { name: 'one of containers, where it may', uids: [100_001], uid: 100_001, want: 'greeted' },
    ],
    async ({ uids, uid, want }) => {
      const { path } = await open(new Server(new ScriptedHandler(), () => NOW), { role: 'administrator', uids });
      const socket = await connectAs(uid, path);
      socket?.destroy();
      assert.is(socket === null ? 'shown out' : 'greeted', want);
    },
  );
}
