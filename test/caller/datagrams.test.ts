import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { openUdp } from '../../cli/server/sockets.js';
import { bindingOf, IPV4, ReceiveBatch, SendBatch } from '../../caller/datagrams.js';
import { hex } from '../support/bytes.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { ip } from '../frontend/support.js';

const HERE = '127.0.0.41';
const THERE = '127.0.0.42';

/** A descriptor bound to HERE, and a socket that hears what is sent to THERE. */
async function ends() {
  const there = createSocket('udp4');
  there.bind(0, THERE);
  await once(there, 'listening');
  const fd = openUdp(ip(HERE), 0, null);
  const { port } = bindingOf(fd);
  atEnd(() => {
    there.close();
    closeSync(fd);
  });
  return { there, fd, port, to: { address: ip(THERE), port: there.address().port, from: 0 } };
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
      name: 'the longest of which all is taken, twice',
      sent: [new Uint8Array(1101).fill(5), new Uint8Array(1101).fill(6)],
      taken: [2, 0],
    },
    { name: 'more than there is room for', sent: numbered(70), taken: [32, 32, 6, 0] },
  ],
  async ({ sent, taken }) => {
    const { there, fd, port } = await ends();
    // On the loopback device what is sent is there.
    for (const octets of sent) await new Promise((resolve) => there.send(octets, port, HERE, resolve));
    const inbox = new ReceiveBatch(IPV4);
    const found: string[] = [];
    const counts = taken.map(() => {
      const count = inbox.take(fd);
      for (let index = 0; index < count; index++) {
        assert.equal([inbox.source(index), inbox.port(index)], [ip(THERE), there.address().port]);
        assert.equal([inbox.destination(index), inbox.interfaceIndex(index)], [ip(HERE), 1]);
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
    { name: 'the longest there is', put: [new Uint8Array(1100).fill(9), Uint8Array.of(3)] },
    { name: 'more than there is room for', put: numbered(70) },
  ],
  async ({ put }) => {
    const { there, fd, to } = await ends();
    const outbox = new SendBatch(
      IPV4,
      fd,
      () => true,
      () => assert.unreachable(),
    );
    const all = heard(there, put.length);
    for (const octets of put) {
      const own = octets.slice();
      outbox.put(own, to);
      own.fill(0xee); // it is ours again
    }
    assert.equal(await all, put.map(hex));
  },
);

claims('when they leave', {
  'at a flush, if they were held for it': async () => {
    const { fd, port, to } = await ends();
    const there = openUdp(ip(THERE), 0, null);
    const inbox = new ReceiveBatch(IPV4);
    const batch = new SendBatch(
      IPV4,
      fd,
      () => true,
      () => assert.unreachable(),
    );
    const address = { ...to, port: bindingOf(there).port };
    batch.hold();
    batch.put(Uint8Array.of(1), address);
    await Promise.resolve();
    await new Promise((done) => process.nextTick(done));
    assert.is(inbox.take(there), 0, 'not before');
    batch.flush();
    assert.is(inbox.take(there), 1, 'and then at once');
    batch.put(Uint8Array.of(2), address);
    await new Promise((done) => process.nextTick(done));
    assert.is(inbox.take(there), 1, 'what is not held leaves by itself');
    assert.is(inbox.port(0), port);
    closeSync(there);
  },
  'any number, also to hosts that are not resolved, if the kernel holds none of them back': async () => {
    const { there, fd, to } = await ends();
    const batch = new SendBatch(
      IPV4,
      fd,
      () => false,
      () => assert.unreachable(),
    );
    const all = heard(there, 120);
    for (const octets of numbered(120)) batch.put(octets, to);
    assert.equal(await all, numbered(120).map(hex));
  },
});

claims('what the kernel does not take at once', {
  'is lost, alone, and the others leave': async () => {
    const { there, fd, to } = await ends();
    let lost = 0;
    const outbox = new SendBatch(
      IPV4,
      fd,
      () => true,
      () => lost++,
    );
    const all = heard(there, 2);
    outbox.put(Uint8Array.of(1), to);
    outbox.put(Uint8Array.of(2), { ...to, address: ip('255.255.255.255') }); // EACCES: no broadcast
    outbox.put(Uint8Array.of(3), to);
    assert.equal(await all, ['01', '03']);
    assert.is(lost, 1);
  },
  'so is what is too long, at once, and nothing of it leaves': async () => {
    const { there, fd, to } = await ends();
    let lost = 0;
    const outbox = new SendBatch(
      IPV4,
      fd,
      () => true,
      () => lost++,
    );
    const all = heard(there, 1);
    outbox.put(new Uint8Array(1101), to);
    assert.is(lost, 1);
    outbox.put(Uint8Array.of(1), to);
    assert.equal(await all, ['01']);
  },
  'a descriptor that is closed gives nothing, and stops nothing': async () => {
    assert.is(new ReceiveBatch(IPV4).take(0x7fff), 0);
    let lost = 0;
    const outbox = new SendBatch(
      IPV4,
      0x7fff,
      () => true,
      () => lost++,
    );
    outbox.put(Uint8Array.of(1), { address: ip(THERE), port: 9, from: 0 });
    await new Promise(setImmediate);
    assert.is(lost, 1);
  },
});

claims('where a datagram came in and leaves from', {
  'a socket for all addresses tells which was asked, and replies from any of them': async () => {
    const there = createSocket('udp4');
    there.bind(0, THERE);
    await once(there, 'listening');
    const fd = openUdp(0, 0, null);
    const { port } = bindingOf(fd);
    const inbox = new ReceiveBatch(IPV4);
    const outbox = new SendBatch(
      IPV4,
      fd,
      () => true,
      () => assert.unreachable(),
    );
    for (const asked of ['127.0.0.44', '127.0.0.45', '127.0.0.44']) {
      await new Promise((resolve) => there.send('x', port, asked, resolve));
      assert.is(inbox.take(fd), 1);
      assert.is(inbox.destination(0), ip(asked));
      const reply = once(there, 'message');
      outbox.put(Uint8Array.of(1), { address: ip(THERE), port: there.address().port, from: inbox.destination(0) });
      const [, peer] = await reply;
      assert.is(peer.address, asked);
    }
    there.close();
    closeSync(fd);
  },
  'R-5 what a descriptor is bound to; others are refused': () => {
    const fd = openUdp(ip(HERE), 0, null);
    assert.equal(bindingOf(fd), {
      fd,
      family: 2,
      address: ip(HERE),
      port: bindingOf(fd).port,
      interfaceIndex: 0,
      interfaceName: '',
    });
    closeSync(fd);
    for (const wrong of [0x7fff, openSync('/dev/null', 'r')]) assert.throws(() => bindingOf(wrong), /file descriptor/);
  },
});
