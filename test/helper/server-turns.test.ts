// The helper's end of its API: users take turns, whatever one of them asks for.

import type { Socket } from 'node:net';
import * as assert from 'uvu/assert';
import type { RequestFrom } from '../../helper/types.js';
import { encodeMessage } from '../../helper/zmtp.js';
import type { Request } from '../../proto/codec.js';
import { encodeRequest } from '../../proto/client-codec.js';
import { atEnd, cases, skip } from '../support/cases.js';
import { connectAs, HELLO, list, serving, SOON_MS, status } from './server-support.js';

/** A connection of this user, greeted, and its READY sent. */
const readyAs = async (uid: number, path: string): Promise<Socket> => {
  const socket = (await connectAs(uid, path)) as Socket;
  atEnd(() => void socket.destroy());
  socket.resume().write(HELLO);
  return socket;
};

if (process.getuid?.() !== 0) skip('the turns of users', 'not root');
else {
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
}
