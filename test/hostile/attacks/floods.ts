// Too much of what is allowed.

import * as assert from 'uvu/assert';
import { decodeResponse, encodeRequest } from '../../../proto/client-codec.js';
import type { Attack } from '../attack.js';
import { add, type AttackTarget, MINE, pause, word } from '../attack-target.js';
import { DESCRIPTORS, memoryOf } from '../attacked-helper.js';
import { connectAs, frame, FRONTEND_UID, GREETING, RawPeer, READY } from '../zmtp.js';

/** As many as a socket takes of one user (helper/router.ts); the callers that behave are another's. */
const CONNECTIONS = 250;
/** Many connections in a short time may cost this much, in MB (10^6). */
const CHURN_MB = 200;
const STATUS = encodeRequest(7, { kind: 'status' });
const WATCH = frame(encodeRequest(7, { kind: 'watch' }));
const PAGES = encodeRequest(7, { kind: 'list-mappings', after: 0, limit: 1000 });
const PAGE = frame(PAGES);
const times = (count: number, data: Uint8Array): Buffer => Buffer.concat(Array<Uint8Array>(count).fill(data));

async function fill(target: AttackTarget, count: number): Promise<void> {
  await target.askAll(
    Array.from({ length: count }, (_, index) =>
      add({
        internalAddress: MINE(40 + Math.floor(index / 100)),
        internalPort: 1 + (index % 100),
        externalPort: 30_000 + index,
      }),
    ),
  );
}

async function watching(peer: RawPeer): Promise<string> {
  peer.socket.write(WATCH);
  const [message] = await peer.take(1);
  return message === undefined ? 'nothing' : word(decodeResponse(message)?.body ?? { kind: 'removed', count: 0 });
}

export const FLOODS: readonly Attack[] = [
  {
    name: 'Watch from 200 connections',
    expected: '4 watch, the rest too-many-watchers; room again when they have gone',
    async run(target) {
      const seen: string[] = [];
      const peers: RawPeer[] = [];
      for (let count = 0; count < 200; count++) {
        const peer = await target.peer();
        peers.push(peer);
        seen.push(await watching(peer));
      }
      assert.equal(
        [seen.filter((each) => each === 'watching').length, seen.filter((each) => each === 'too-many-watchers').length],
        [4, 196],
      );
      for (const peer of peers) peer.close();
      const next = await target.peer();
      let tries = 0;
      for (const end = performance.now() + 10_000; (await watching(next)) !== 'watching'; await pause(20)) {
        tries++;
        assert.ok(performance.now() < end, 'room for another watch');
      }
      return `4 of 200; another one after ${tries + 1} tries`;
    },
  },
  {
    name: 'a watcher that never reads, and a flood of changes',
    expected: 'its events are dropped',
    gets: true,
    async run(target) {
      const deaf = await Promise.all([target.peer(), target.peer(), target.peer()]);
      for (const peer of deaf) {
        peer.socket.pause();
        peer.socket.write(WATCH);
      }
      const renewals = Array.from({ length: 2000 }, (_, index) =>
        add({ internalAddress: MINE(30), internalPort: 1 + (index % 50), externalPort: 40_000 + (index % 50) }),
      );
      for (let round = 0; round < 4 * target.scale; round++) await target.askAll(renewals);
      return `${8000 * target.scale} changes`;
    },
  },
  {
    name: 'pages of the list without end',
    expected: 'others are served in between',
    gets: true,
    async run(target) {
      await fill(target, 1000);
      const peers = await Promise.all(Array.from({ length: 4 }, () => target.peer()));
      for (const peer of peers) peer.socket.write(times(25 * target.scale, PAGE));
      let pages = 0;
      for (const peer of peers) pages += (await peer.take(25 * target.scale, 300_000)).length;
      assert.is(pages, 100 * target.scale);
      return `${pages} pages`;
    },
  },
  {
    name: 'pages of the list without end, from as many connections as a user may have',
    expected: 'another user has its turn in between',
    gets: true,
    async run(target) {
      await fill(target, 1000);
      const peers: RawPeer[] = [];
      for (let count = 0; count < CONNECTIONS - 5; count++) peers.push(await target.peer());
      const message = Buffer.concat([...Array<Buffer>(63).fill(frame(PAGES, true)), PAGE]);
      for (const peer of peers) {
        peer.socket.pause();
        peer.socket.write(times(20, message));
      }
      await pause(2000 * target.scale);
      return `${peers.length} connections with ${64 * 20 * peers.length} pages asked for`;
    },
  },
  {
    // At the end they go, with requests and answers waiting.
    name: 'pages for readers that never read, and go',
    expected: 'no page more than its queues hold',
    gets: true,
    async run(target) {
      await fill(target, 1000);
      const peers = await Promise.all(Array.from({ length: Math.min(4, target.scale) }, () => target.peer()));
      for (const peer of peers) peer.socket.pause();
      const chunk = times(50, PAGE);
      const end = performance.now() + 2000 * target.scale;
      let asked = 0;
      while (performance.now() < end && peers.some(({ isClosed }) => !isClosed)) {
        for (const peer of peers) if (await peer.write(chunk, 100)) asked += 50;
        await pause(1);
      }
      for (const peer of peers) peer.close();
      await pause(5500);
      return `${asked} asked for`;
    },
  },
  {
    name: 'more connections than the helper has descriptors',
    expected: `${CONNECTIONS} are taken, the rest closed; room again when they have gone`,
    async run(target) {
      const peers: RawPeer[] = [];
      for (let count = 0; count < DESCRIPTORS + 200; count++) {
        const peer = target.keep(await RawPeer.open(target.helper.path));
        peer.socket.write(Buffer.concat([GREETING, READY]));
        peers.push(peer);
      }
      for (const peer of peers) if (!peer.isClosed) await peer.received(GREETING.length + READY.length - 1);
      const open = peers.filter(({ isClosed }) => !isClosed);
      assert.ok(
        open.length <= CONNECTIONS && open.length >= CONNECTIONS - 3,
        `${open.length} of ${peers.length} taken`,
      );
      for (const peer of open) peer.socket.write(frame(STATUS));
      for (const peer of open) assert.is((await peer.take(1)).length, 1, 'those are served');
      for (const peer of peers) peer.close();
      await Promise.all(peers.map(({ closed }) => closed));
      assert.is(await firstAnswer(target), 'status-report');
      return `${open.length} of ${peers.length} taken`;
    },
  },
  {
    name: 'connections in a loop, as fast as one process makes them',
    expected: 'above 1,000 a second shown out; another user gets in',
    async run(target) {
      let [count, closed] = [0, 0];
      for (const end = performance.now() + 1500 * target.scale; performance.now() < end; await pause(0)) {
        for (let each = 0; each < 64; each++) {
          count++;
          const socket = connectAs(FRONTEND_UID, target.helper.path).on('error', () => {});
          socket.on('connect', () => {
            closed++;
            socket.destroy();
          });
        }
      }
      const since = performance.now();
      const other = target.keep(await RawPeer.greeted(target.helper.path, READY, 0));
      other.socket.write(frame(STATUS));
      assert.is((await other.take(1)).length, 1, 'another user is served');
      await pause(500); // the user's own allowance, for the attacks that follow
      return `${closed} of ${count} connected; another user after ${(performance.now() - since - 500).toFixed(0)} ms`;
    },
  },
  {
    name: 'fewer connections than that, all asking',
    expected: 'all are answered',
    async run(target) {
      const peers: RawPeer[] = [];
      for (let count = 0; count < 200; count++) peers.push(await target.peer());
      for (const peer of peers) peer.socket.write(frame(encodeRequest(7, { kind: 'status' })));
      const answers = await Promise.all(peers.map((peer) => peer.take(1, 15_000)));
      assert.is(answers.flat().length, peers.length);
      return `${answers.length} answered`;
    },
  },
  {
    name: 'messages that never end',
    expected: 'counted, not kept',
    async run(target) {
      const peers = [await target.peer(), await target.peer()];
      const chunk = times(20_000, frame(Buffer.alloc(64), true));
      const empty = times(20_000, frame(Buffer.alloc(0), true));
      let octets = 0;
      for (const end = performance.now() + 3000 * target.scale; performance.now() < end; ) {
        for (const [index, data] of [chunk, empty].entries())
          if (await (peers[index] as RawPeer).write(data)) octets += data.length;
      }
      return `${(octets / 1e6).toFixed(1)} MB of frames`;
    },
  },
  {
    // What a process needs for one connection it must not need for each that ever was.
    name: 'connections that ask, and leave before their answer',
    expected: 'no more memory after many than after few',
    memoryMb: CHURN_MB,
    async run(target) {
      const requests = Buffer.concat([GREETING, READY, times(20, PAGE)]);
      const resident: number[] = [];
      for (let round = 0; round < 4; round++) {
        for (let count = 0; count < 500 * target.scale; count++) {
          const peer = await RawPeer.open(target.helper.path);
          await peer.write(requests);
          peer.close();
        }
        await target.reached();
        resident.push(Math.round(memoryOf(target.helper.pid()).resident));
      }
      return `${2000 * target.scale} connections; ${resident.join(', ')} MB after each quarter`;
    },
  },
];

async function firstAnswer(target: AttackTarget): Promise<string> {
  for (const end = performance.now() + 10_000; performance.now() < end; await pause(10)) {
    const peer = await RawPeer.greeted(target.helper.path).catch(() => null);
    if (peer === null) continue;
    target.keep(peer).socket.write(frame(STATUS));
    const [message] = await peer.take(1);
    return word(decodeResponse(message ?? Buffer.alloc(0))?.body ?? { kind: 'removed', count: 0 });
  }
  return 'nothing';
}
