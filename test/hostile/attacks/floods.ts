// Too much of what is allowed.

import * as assert from 'uvu/assert';
import { decodeResponse, encodeRequest } from '../../../proto/client-codec.js';
import type { Attack } from '../attack.js';
import { add, type AttackTarget, MINE, pause, word } from '../attack-target.js';
import { DATA_MB, DESCRIPTORS } from '../attacked-helper.js';
import { frame, GREETING, RawPeer, READY } from '../zmtp.js';

const WATCH = frame(encodeRequest(7, { kind: 'watch' }));
const PAGE = frame(encodeRequest(7, { kind: 'list-mappings', after: 0, limit: 1000 }));
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
    expected: '16 watch, the rest too-many-watchers; room again when they have gone',
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
        [16, 184],
      );
      for (const peer of peers) peer.close();
      const next = await target.peer();
      let tries = 0;
      for (const end = performance.now() + 10_000; (await watching(next)) !== 'watching'; await pause(20)) {
        tries++;
        assert.ok(performance.now() < end, 'room for another watch');
      }
      return `16 of 200; another one after ${tries + 1} tries`;
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
    // At the end they go, with more requests waiting than the helper takes in: libzmq ends a process that has
    // heartbeats then.
    name: 'pages for readers that never read, and go',
    expected: `no page more than its queues hold: below ${DATA_MB} MB`,
    gets: true,
    memoryMb: DATA_MB,
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
    name: `more connections than the helper has descriptors (${DESCRIPTORS})`,
    expected: 'it ends, and is back',
    ends: true,
    memoryMb: 512,
    async run(target) {
      const starts = target.helper.starts();
      let count = 0;
      for (; count < DESCRIPTORS + 200 && target.helper.starts() === starts; count++) {
        const peer = await RawPeer.open(target.helper.path).catch(() => null);
        if (peer === null) break;
        target.keep(peer).socket.write(Buffer.concat([GREETING, READY]));
      }
      for (const until = performance.now() + 10_000; target.helper.starts() === starts && performance.now() < until; )
        await pause(10);
      assert.is.not(target.helper.starts(), starts, 'the helper was started again');
      return `ended at connection ${count}`;
    },
  },
  {
    name: 'fewer connections than that, all asking',
    expected: 'all are answered',
    async run(target) {
      const peers: RawPeer[] = [];
      for (let count = 0; count < 800; count++) peers.push(await target.peer());
      for (const peer of peers) peer.socket.write(frame(encodeRequest(7, { kind: 'status' })));
      const answers = await Promise.all(peers.map((peer) => peer.take(1, 15_000)));
      assert.is(answers.flat().length, peers.length);
      return `${answers.length} answered`;
    },
  },
  {
    name: 'messages that never end',
    expected: `grows, to ${DATA_MB} MB at most; then it ends, and is back`,
    ends: true,
    memoryMb: DATA_MB,
    async run(target) {
      const starts = target.helper.starts();
      const peer = await target.peer();
      const chunk = times(20_000, frame(Buffer.alloc(64), true));
      let parts = 0;
      for (const end = performance.now() + 60_000; !peer.isClosed && performance.now() < end; ) {
        if (await peer.write(chunk)) parts += 20_000;
      }
      for (const end = performance.now() + 5000; target.helper.starts() === starts && performance.now() < end; )
        await pause(10);
      assert.is.not(target.helper.starts(), starts, 'the helper was ended by its limit, and started again');
      return `ended after ${(parts / 1e6).toFixed(1)} million frames`;
    },
  },
];
