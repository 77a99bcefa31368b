import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { openUdp } from '../../cli/server/sockets.js';
import { ReceiveBatch, SendBatch } from '../../frontend/datagrams.js';
import { hex } from '../support/bytes.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { ip } from './support.js';

const HERE = '127.0.0.41';
const THERE = '127.0.0.42';

/** A descriptor bound to HERE, and a socket that hears what is sent to THERE. */
async function ends() {
  const there = createSocket('udp4');
  there.bind(0, THERE);
  await once(there, 'listening');
  const fd = openUdp(ip(HERE), 0, null);
  // The receiver learns our port, which nobody has told us.
  const learnt = once(there, 'message');
  new SendBatch(fd, () => {}).put(new Uint8Array(), ip(THERE), there.address().port);
  const [, peer] = await learnt;
  atEnd(() => {
    there.close();
    closeSync(fd);
  });
  return { there, fd, port: peer.port as number };
}

/** What a socket hears until it has heard so many. */
function heard(socket: ReturnType<typeof createSocket>, count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const all: string[] = [];
    const late = setTimeout(() => reject(new Error(`heard ${all.length} of ${count}: ${all.join(' ')}`)), 5000);
    socket.on('message', (octets) => {
      if (all.push(hex(octets)) < count) return;
      clearTimeout(late);
      socket.removeAllListeners('message');
      resolve(all);
    });
  });
}

const numbered = (count: number): Uint8Array[] => Array.from({ length: count }, (_, index) => Uint8Array.of(7, index));

cases(
  'in: as many as wait, in order, each with its octets and where it comes from',
  [
    { name: 'nothing waits', sent: [], taken: [0] },
    { name: 'one', sent: [Uint8Array.of(1, 2, 3)], taken: [1, 0] },
    {
      name: 'an empty one, and one that is shorter than the one before',
      sent: [Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3)],
      taken: [3, 0],
    },
    {
      name: 'the longest there can be, twice',
      sent: [new Uint8Array(65507).fill(5), new Uint8Array(65507).fill(6)],
      taken: [2, 0],
    },
    { name: 'more than there is room for', sent: numbered(70), taken: [32, 32, 6, 0] },
  ],
  async ({ sent, taken }) => {
    const { there, fd, port } = await ends();
    // On the loopback device what is sent is there.
    for (const octets of sent) await new Promise((resolve) => there.send(octets, port, HERE, resolve));
    const inbox = new ReceiveBatch();
    const found: string[] = [];
    const counts = taken.map(() => {
      const count = inbox.take(fd);
      for (let index = 0; index < count; index++) {
        assert.equal([inbox.source(index), inbox.port(index)], [ip(THERE), there.address().port]);
        found.push(hex(inbox.payload(index)));
      }
      return count;
    });
    assert.equal(counts, taken);
    assert.equal(found, sent.map(hex));
  },
);

cases(
  'out: all of a turn of the event loop, in order, from the address that was asked',
  [
    { name: 'one', put: [Uint8Array.of(1)] },
    { name: 'an empty one between others', put: [Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3)] },
    { name: 'the longest that has a place', put: [new Uint8Array(64).fill(9), Uint8Array.of(3)] },
    { name: 'more than there is room for', put: numbered(70) },
  ],
  async ({ put }) => {
    const { there, fd } = await ends();
    const outbox = new SendBatch(fd, () => assert.unreachable());
    const all = heard(there, put.length);
    for (const octets of put) {
      const own = octets.slice();
      outbox.put(own, ip(THERE), there.address().port);
      own.fill(0xee); // it is ours again
    }
    assert.equal(await all, put.map(hex));
  },
);

claims('what the kernel does not take at once', {
  'is left to the slow way, alone, and the others leave': async () => {
    const { there, fd } = await ends();
    const slow: string[] = [];
    const outbox = new SendBatch(fd, (octets, address, port) => slow.push(`${hex(octets)} ${address} ${port}`));
    const all = heard(there, 2);
    outbox.put(Uint8Array.of(1), ip(THERE), there.address().port);
    outbox.put(Uint8Array.of(2), ip('255.255.255.255'), 9); // EACCES: no broadcast
    outbox.put(Uint8Array.of(3), ip(THERE), there.address().port);
    assert.equal(await all, ['01', '03']);
    assert.equal(slow, [`02 ${ip('255.255.255.255')} 9`]);
  },
  'so is what has no place, after all that came before it': async () => {
    const { there, fd } = await ends();
    const order: string[] = [];
    const outbox = new SendBatch(fd, (octets) => order.push(`slow ${octets.length}`));
    outbox.put(Uint8Array.of(1), ip(HERE), 0); // EINVAL: nobody has port 0
    outbox.put(new Uint8Array(65), ip(THERE), there.address().port);
    assert.equal(order, ['slow 1', 'slow 65']);
  },
  'a descriptor that is closed gives nothing, and stops nothing': async () => {
    assert.is(new ReceiveBatch().take(0x7fff), 0);
    const slow: string[] = [];
    new SendBatch(0x7fff, (octets) => slow.push(hex(octets))).put(Uint8Array.of(1), ip(THERE), 9);
    await new Promise(setImmediate);
    assert.equal(slow, ['01']);
  },
});
