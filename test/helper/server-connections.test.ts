// The helper's end of its API: who may connect, and how often.

import type { Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { Server } from '../../helper/server.js';
import { cases, claims, skip } from '../support/cases.js';
import { connectAs, HELLO, list, NOW, open, page, Peer, ScriptedHandler, serving, SOON_MS } from './server-support.js';

if (process.getuid?.() !== 0) skip('the uid filter of the admin socket', 'not root');
else {
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
