// Datagrams made to hurt, against a model of the helper that refuses whatever no frontend may ask.

import { isLanHost } from '../../config/lans.js';
import * as assert from 'uvu/assert';
import { createResponder } from '../../frontend/answer.js';
import { RateLimiter } from '../../proto/token-bucket.js';

import { bytes } from '../support/bytes.js';
import { claims } from '../support/cases.js';
import { ModelHelper } from './model-helper.js';
import { gatewayWith, ip, LAN, seeded } from './support.js';

const SEEDS = [
  '00 00',
  '00 01 0000 1ae1 1ae1 00001c20',
  '00 02 0000 1ae1 1ae1 00001c20',
  '00 01 0000 1ae1 0000 00000000',
  '00 02 0000 0000 0000 00000000',
  '00 03',
  '00 7f 0000 0000',
  '00 80',
  `02 01 ${'00'.repeat(58)}`,
  '00',
  '',
].map(bytes);

function mutant(random: () => number): Uint8Array {
  const below = (limit: number) => Math.floor(random() * limit);
  const seed = SEEDS[below(SEEDS.length)]!;
  const length = random() < 0.7 ? seed.length : below(random() < 0.95 ? 80 : 2000);
  const octets = new Uint8Array(length);
  octets.set(seed.subarray(0, length));
  for (let flips = below(4); flips > 0 && length > 0; flips--) octets[below(Math.min(length, 16))] = below(256);
  // Few ports, so that hosts meet.
  if (random() < 0.6 && length >= 8) {
    octets[4] = octets[6] = 4;
    octets[5] = below(8);
    octets[7] = below(8);
  }
  return octets;
}

const SOURCES = ['192.168.1.0', '192.168.1.1', '192.168.1.255', '192.168.0.255', '0.0.0.0', '255.255.255.255'].map(ip);

async function flood(count: number, seed: number, wait: boolean): Promise<void> {
  const random = seeded(seed);
  const helper = new ModelHelper();
  const gateway = gatewayWith({ helper, random, newMappings: new RateLimiter({ burst: count, intervalMs: 1 }) });
  const answer = createResponder(gateway);
  const replies: Promise<void>[] = [];
  for (let sent = 0; sent < count; sent++) {
    const datagram = mutant(random);
    const before = Buffer.from(datagram);
    const source =
      random() < 0.1 ? SOURCES[Math.floor(random() * SOURCES.length)]! : ip('192.168.1.2') + Math.floor(random() * 5);
    replies.push(Promise.resolve(answer(datagram, source)).then((reply) => checkReply(before, source, reply)));
    if (wait) await replies.at(-1);
    else if (sent % 50 === 0) await Promise.all(replies);
  }
  await Promise.all(replies);
  assert.equal(helper.outsidePolicy, []);
  assert.ok(helper.asked > count / 20, 'the flood reached the helper');
  assert.is(gateway.inFlight.total, 0);
  assert.is(gateway.counters.get('defect'), 0);
  assert.is(gateway.leases.size, helper.table.size);
  for (const held of helper.table.leases()) assert.is(gateway.leases.mappingOf(held)?.externalPort, held.externalPort);
}

function checkReply(datagram: Uint8Array, source: number, reply: Uint8Array | null): void {
  if (reply === null) return;
  assert.ok(isLanHost(LAN, source), 'only hosts of the LAN are answered');
  assert.ok(datagram.length >= 2 && datagram[1]! < 128, 'R-13 no response is answered');
  assert.ok(reply.length >= 8 && reply.length <= Math.max(16, datagram.length), 'no amplification');
  assert.is(reply[0], 0, 'R-3');
  assert.ok(reply[1]! >= 128, 'R-9');
  const result = reply[2]! * 256 + reply[3]!;
  assert.ok(result <= 5, 'R-15');
  if (reply.length === 16 && (reply[1] === 129 || reply[1] === 130)) {
    assert.equal([...reply.subarray(8, 10)], [...datagram.subarray(4, 6)], 'R-19');
    if (result !== 0) assert.equal([...reply.subarray(10)], [0, 0, 0, 0, 0, 0], 'R-20');
  }
}

claims('flood', {
  'D-5 20,000 datagrams, one after the other': () => flood(20_000, 1, true),
  'D-5 20,000 datagrams, fifty at a time': () => flood(20_000, 2, false),
});
