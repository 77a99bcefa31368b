// Below the requests: bytes, frames and connections that no ZeroMQ library makes.

import { randomBytes, randomInt } from 'node:crypto';
import * as assert from 'uvu/assert';
import { decodeResponse, encodeRequest } from '../../../proto/client-codec.js';
import type { Attack } from '../attack.js';
import type { AttackTarget } from '../attack-target.js';
import { pause, word } from '../attack-target.js';
import { command, frame, GREETING, RawPeer, READY } from '../zmtp.js';

const STATUS = encodeRequest(7, { kind: 'status' });
/** A connection that has to be closed is given this long, in milliseconds. The helper waits 2 s for a handshake. */
const CLOSED_MS = 10_000;
/** Fewer connections than end the helper. */
const MOST = 3000;

async function allClosed(peers: readonly RawPeer[], withinMs = CLOSED_MS): Promise<number> {
  let timeout: NodeJS.Timeout | undefined;
  await Promise.race([
    Promise.all(peers.map(({ closed }) => closed)),
    new Promise((resolve) => {
      timeout = setTimeout(resolve, withinMs);
    }),
  ]);
  clearTimeout(timeout);
  return peers.filter(({ isClosed }) => isClosed).length;
}

async function open(target: AttackTarget, count: number): Promise<RawPeer[]> {
  const peers: RawPeer[] = [];
  for (let each = 0; each < count; each++) peers.push(target.keep(await RawPeer.open(target.helper.path)));
  return peers;
}

async function answered(peer: RawPeer): Promise<string> {
  const [message] = await peer.take(1);
  const answer = message === undefined ? null : decodeResponse(message);
  return answer === null ? 'nothing' : word(answer.body);
}

/** READY of a DEALER that chooses its routing id. */
const readyAs = (id: Uint8Array): Buffer =>
  command(
    'READY',
    Buffer.concat([
      Buffer.from('\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0', 'latin1'),
      Buffer.from([id.length]),
      id,
    ]),
  );

export const TRANSPORT: readonly Attack[] = [
  {
    name: 'frames of 97 octets, of 1 MB, of 2^62 announced',
    expected: 'connection closed, each',
    async run(target) {
      const peers = [await target.peer(), await target.peer(), await target.peer(), await target.peer()];
      const frames = [
        frame(Buffer.alloc(97)),
        frame(Buffer.alloc(1 << 20)),
        frame(Buffer.alloc(10), false, 2 ** 62),
        frame(Buffer.alloc(10), true, 2 ** 40),
      ];
      for (const [index, peer] of peers.entries()) peer.socket.write(frames[index] as Buffer);
      const closed = await allClosed(peers);
      assert.is(closed, peers.length);
      return `${closed} closed`;
    },
  },
  {
    name: 'messages of an empty frame, of 65, of 100,000',
    expected: 'malformed, once each; the connection goes on',
    async run(target) {
      const peer = await target.peer();
      const seen: string[] = [];
      for (const parts of [
        [Buffer.alloc(0)],
        Array<Uint8Array>(65).fill(STATUS),
        Array<Uint8Array>(100_000).fill(STATUS),
      ]) {
        peer.socket.write(Buffer.concat(parts.map((part, index) => frame(part, index < parts.length - 1))));
        seen.push(await answered(peer));
      }
      assert.equal(seen, ['malformed', 'malformed', 'malformed']);
      peer.socket.write(frame(STATUS));
      assert.is(await answered(peer), 'status-report');
      return `malformed ${seen.length}, then a status`;
    },
  },
  {
    name: 'good and bad requests mixed in one message',
    expected: 'each as if it were alone',
    async run(target) {
      const peer = await target.peer();
      const parts = [
        STATUS,
        Buffer.alloc(0),
        encodeRequest(8, { kind: 'list-mappings', after: 0, limit: 1001 }),
        Buffer.alloc(96),
        STATUS,
      ];
      peer.socket.write(Buffer.concat(parts.map((part, index) => frame(part, index < parts.length - 1))));
      const seen = (await peer.take(5)).map((message) =>
        word(decodeResponse(message)?.body ?? { kind: 'removed', count: 0 }),
      );
      assert.equal(seen, ['status-report', 'malformed', 'malformed', 'malformed', 'status-report']);
      return seen.join(', ');
    },
  },
  {
    name: 'half-open handshakes: nothing said, or a part of it',
    expected: 'closed after 2 s, each; at once, those beyond the limit',
    async run(target) {
      const peers = await open(target, Math.min(MOST, 500 * target.scale));
      const whole = Buffer.concat([GREETING, READY]);
      for (const [index, peer] of peers.entries()) {
        // Every second one says a part; every tenth of these goes on, an octet at a time.
        const said = index % 2 === 0 ? 0 : index % (whole.length - 1);
        if (said > 0) peer.socket.write(whole.subarray(0, said));
        if (index % 20 !== 1) continue;
        let at = said;
        const drip = setInterval(() => {
          if (at < whole.length - 1 && !peer.isClosed) peer.socket.write(whole.subarray(at, ++at));
          else clearInterval(drip);
        }, 100);
      }
      const since = performance.now();
      const closed = await allClosed(peers);
      assert.is(closed, peers.length);
      return `${closed} closed after ${((performance.now() - since) / 1000).toFixed(1)} s`;
    },
  },
  {
    name: 'raw bytes: noise, HTTP, TLS, greetings of older versions',
    expected: 'closed, each; no answer',
    async run(target) {
      const texts = [
        'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
        '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
        '\xff\0\0\0\0\0\0\0\x01\x7f',
        '\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\0\0',
        '\xff\0\0\0\0\0\0\0\x01\x7f\x03\x00CURVE',
        '\x01\0',
        '\0',
        '\x00\x00\x00\x00',
      ].map((text) => Buffer.from(text, 'latin1'));
      const noise = Array.from({ length: Math.min(MOST / 2, 200 * target.scale) }, () =>
        randomBytes(randomInt(1, 2000)),
      );
      const afterGreeting = Array.from({ length: Math.min(MOST / 3, 100 * target.scale) }, () =>
        Buffer.concat([GREETING, randomBytes(randomInt(1, 500))]),
      );
      const all = [...texts, ...noise, ...afterGreeting];
      const peers = await open(target, all.length);
      for (const [index, peer] of peers.entries()) peer.socket.write(all[index] as Buffer);
      const closed = await allClosed(peers, 4000);
      for (const peer of peers) {
        for (const message of peer.messages())
          assert.is(word(decodeResponse(message)?.body ?? { kind: 'removed', count: 0 }), 'malformed');
      }
      // Noise may be the beginning of a long frame, or a version without handshake: such a one just stays.
      assert.ok(closed >= all.length * 0.9, `${closed} of ${all.length}`);
      return `${closed} of ${all.length} closed`;
    },
  },
  {
    name: 'commands: pings without end, subscriptions, errors, nonsense',
    expected: 'ignored, or the connection closed',
    async run(target) {
      const ping = command('PING', Buffer.from([0, 100, ...Buffer.alloc(16)]));
      const commands = [
        Buffer.concat(Array<Buffer>(20_000).fill(ping)),
        command('PING', Buffer.alloc(60)),
        command('PING', Buffer.alloc(0)),
        command('PONG', Buffer.alloc(60)),
        command('ERROR', Buffer.from([255])),
        command('SUBSCRIBE', Buffer.alloc(40)),
        command('CANCEL', Buffer.alloc(1)),
        READY,
        command('', Buffer.alloc(0)),
        Buffer.from([4, 0]),
        Buffer.from([4, 1, 200]),
        Buffer.from([7, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
        Buffer.from([0xf8, 1, 0]),
      ];
      const peers = [];
      for (const each of commands) {
        const peer = await target.peer();
        await peer.write(each);
        peer.socket.write(frame(STATUS));
        peers.push(peer);
      }
      const seen = await Promise.all(peers.map(async (peer) => (peer.isClosed ? 'closed' : answered(peer))));
      for (const each of seen) assert.ok(['status-report', 'malformed', 'nothing', 'closed'].includes(each), each);
      return seen.join(', ');
    },
  },
  {
    name: 'heartbeats behind requests without end, and gone at once',
    expected: 'nothing',
    async run(target) {
      const ping = command('PING', Buffer.from([0, 100, ...Buffer.alloc(16)]));
      const empty = frame(Buffer.alloc(0));
      // What waits is above, at and below each queue that an implementation may have.
      const counts = [1500, 1500, 1500, 900, 1024, 1025, 2048, 2049, 4100, 20_000];
      for (const count of counts) {
        const peer = await target.peer();
        const requests = Array<Buffer>(count).fill(empty);
        await peer.write(Buffer.concat([...requests, ...Array<Buffer>(100).fill(ping)]));
        peer.close();
        await target.reached();
      }
      return `${counts.length} connections`;
    },
  },
  {
    name: 'pings with less in them than a ping has',
    expected: 'no octet of the helper in an answer',
    async run(target) {
      const seen: string[] = [];
      for (const length of [0, 1, 2, 3, 18, 19, 40]) {
        const peer = await target.peer();
        const greeted = peer.raw().length;
        await peer.write(command('PING', Buffer.alloc(length, 0x5a)));
        await Promise.race([peer.received(greeted + 2), pause(300)]);
        const pong = peer.raw().subarray(greeted);
        const echoed = Math.min(Math.max(length - 2, 0), 16);
        const expected = length < 2 ? Buffer.alloc(0) : command('PONG', Buffer.alloc(echoed, 0x5a));
        assert.equal(pong, expected, `a ping of ${length}`);
        seen.push(`${length}: ${pong.length}`);
      }
      return seen.join(', ');
    },
  },
  {
    name: 'routing ids of their own choice: the same, empty, binary, too long',
    expected: 'all are served: an id is no name',
    async run(target) {
      const chosen = [
        ...Array<Buffer>(20).fill(Buffer.from('same')),
        Buffer.alloc(0),
        Buffer.from([0]),
        Buffer.from([0, 0, 0, 0, 1]),
        Buffer.alloc(55, 65),
        ...Array.from({ length: 100 }, () => Buffer.concat([Buffer.from([0]), randomBytes(4)])),
      ];
      const peers = await Promise.all(
        chosen.map(async (id) => target.keep(await RawPeer.greeted(target.helper.path, readyAs(id)))),
      );
      const tooLong = await RawPeer.greeted(target.helper.path, readyAs(Buffer.alloc(56, 65))).catch(() => null);
      assert.is(tooLong, null, 'not let in');
      for (const [index, peer] of peers.entries())
        peer.socket.write(frame(encodeRequest(index + 1, { kind: 'status' })));
      const answers = await Promise.all(peers.map((peer) => peer.take(1, 1000)));
      // An answer goes to the connection that asked, whatever it calls itself.
      assert.equal(
        answers.map(([message]) => (message === undefined ? null : decodeResponse(message)?.id)),
        chosen.map((_, index) => index + 1),
      );
      return `${answers.flat().length} of ${chosen.length} served, each with its own answer`;
    },
  },
  {
    name: 'connections that come, ask, and go at once',
    expected: 'nothing stays behind',
    async run(target) {
      const count = 500 * target.scale;
      for (let each = 0; each < count; each++) {
        const peer = await RawPeer.greeted(target.helper.path);
        peer.socket.end(Buffer.concat([frame(STATUS), frame(STATUS)]));
        if (each % 2 === 0) peer.close();
        else target.keep(peer);
      }
      return `${count} connections`;
    },
  },
];
