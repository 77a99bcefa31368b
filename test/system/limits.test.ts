// Quotas, races and floods: what a greedy or mad client can do to others, which is nothing.
import { randomBytes, randomInt } from 'node:crypto';
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { until } from '../lab/flows.js';
import { ALICE, BOB, openLab, ROUTER } from '../lab/lab.js';
import type { Protocol } from '../lab/natpmp.js';
import { Asker, mapRequest } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

const QUOTA = 20;

/** Asks 4,000 times for the address, 32 of them outstanding; takes answers from where it asks only. */
const GREEDY = `
  const socket = require('dgram').createSocket('udp4');
  let asked = 0, answered = 0;
  const ask = () => { if (asked++ < 4000) socket.send(Buffer.from('0000', 'hex')); };
  socket.on('message', (reply) => {
    if (reply.toString('hex', 0, 4) !== '00800000') process.exit(1);
    if (++answered === 4000) process.exit(0);
    ask();
  });
  socket.bind(0, () => socket.connect(5351, '${ROUTER}', () => { for (let width = 0; width < 32; width++) ask(); }));
  setTimeout(() => { console.error(answered + ' answers'); process.exit(1); }, 50_000);`;
const lab = await openLab();

if (lab !== null) {
  // A host may ask for new mappings as fast as its quota is large: a large one first, for the races.
  let server = await Server.start(lab, ['--max-mappings-per-ip', '1000']);
  const alice = await Asker.open(lab.alice, ROUTER);
  const bob = await Asker.open(lab.bob, ROUTER);
  const clear = async () => {
    for (const asker of [alice, bob]) for (const protocol of ['tcp', 'udp'] as const) await asker.unmap(protocol, 0);
  };

  cases<{ name: string; protocol: Protocol }>(
    'R-60 two hosts race for one port, fifty times',
    [
      { name: 'TCP', protocol: 'tcp' },
      { name: 'UDP', protocol: 'udp' },
    ],
    async ({ protocol }) => {
      for (let round = 0; round < 50; round++) {
        const port = 2000 + round;
        const replies = await Promise.all([alice.map(protocol, 80, port, 600), bob.map(protocol, 80, port, 600)]);
        assert.equal(
          replies.map(({ result }) => result),
          [0, 0],
        );
        const [one, other] = replies.map(({ externalPort }) => externalPort);
        assert.is.not(one, other);
        assert.ok(one === port || other === port, 'one of them has it');
        await Promise.all([alice.unmap(protocol, 80), bob.unmap(protocol, 80)]);
      }
      assert.equal(await server.mappings(), []);
    },
  );

  claims('§3.3 the companion port', {
    'is kept for the holder while two race for it': async () => {
      await alice.map('tcp', 80, 2100, 600);
      const [theirs, mine] = await Promise.all([bob.map('udp', 80, 2100, 600), alice.map('udp', 81, 2100, 600)]);
      assert.is(mine.externalPort, 2100);
      assert.is.not(theirs.externalPort, 2100);
    },
    'is free for all when the holder is gone': async () => {
      await clear();
      assert.is((await bob.map('udp', 80, 2100, 600)).externalPort, 2100);
      await clear();
    },
  });

  claims('D-7 the quota', {
    'is a flag, and so are the allowed ports': async () => {
      await server.stop();
      const ports = ['--allowed-ports', '2000-2999', '--allowed-ports', '5000'];
      server = await Server.start(lab, ['--max-mappings-per-ip', String(QUOTA), ...ports]);
    },
    'is reached: result 4, with the layout of a mapping reply': async () => {
      for (let port = 0; port < QUOTA; port++)
        assert.is((await alice.map('tcp', 3000 + port, 2200 + port, 600)).result, 0);
      assert.equal(await alice.map('udp', 4000, 2300, 600).then(({ epoch: _, ...rest }) => rest), {
        result: 4,
        internalPort: 4000,
        externalPort: 0,
        lifetime: 0,
      });
      assert.is((await server.mappings()).length, QUOTA);
    },
    "stands in nobody else's way": async () => assert.is((await bob.map('tcp', 3000, 2400, 600)).result, 0),
    'nor in that of a renewal': async () => {
      const { result, externalPort } = await alice.map('tcp', 3000, 2999, 1200);
      assert.equal({ result, externalPort }, { result: 0, externalPort: 2200 });
    },
    'nor in that of a deletion, after which there is room for one': async () => {
      assert.is((await alice.unmap('tcp', 3000)).result, 0);
      assert.is((await alice.map('udp', 4000, 2300, 600)).result, 0);
      assert.is((await alice.map('udp', 4001, 2301, 600)).result, 4);
    },
    'counts a mapping no more when it has expired': async () => {
      await alice.unmap('udp', 4000);
      await alice.map('udp', 4000, 2300, 1);
      await until('there is room', async () => (await alice.map('udp', 4001, 2301, 600)).result === 0, 10_000);
      await clear();
    },
  });

  claims('R-45 the allowed ports', {
    'no other is ever given': async () => {
      for (const wish of [1, 80, 1999, 3000, 4999, 5001, 65535]) {
        const { result, externalPort } = await alice.map('tcp', 6000, wish, 600);
        assert.is(result, 0);
        assert.ok(
          (externalPort >= 2000 && externalPort <= 2999) || externalPort === 5000,
          `${wish} gave ${externalPort}`,
        );
        await alice.unmap('tcp', 6000);
      }
      assert.is((await alice.map('tcp', 6000, 5000, 600)).externalPort, 5000);
      await clear();
    },
  });

  claims('D-5 a flood', {
    '20,000 random and mutated datagrams: it answers, and holds no mapping that nobody asked for': async () => {
      const asked = mapRequest('tcp', 7000, 2700, 600);
      await bob.map('tcp', 7000, 2700, 600);
      /** What a mutated request may come to ask for: the table is held against it. */
      const wishes = new Set<string>([`tcp -> ${BOB}:7000`]);
      for (let sent = 0; sent < 20_000; sent++) {
        const datagram = sent % 2 === 0 ? randomBytes(randomInt(0, 80)) : mutated(asked);
        const wish = wishOf(datagram);
        if (wish !== null) wishes.add(`${wish.protocol} -> ${ALICE}:${wish.port}`);
        alice.udp.send(datagram.toString('hex'));
        // Every so often wait for an answer: what the kernel drops because nobody reads so fast tests nothing.
        if (sent % 100 === 99) await bob.info();
      }
      assert.is((await bob.info()).result, 0);
      const reply = await bob.map('tcp', 7000, 2700, 600);
      assert.equal([reply.result, reply.externalPort], [0, 2700]);
      for (const { protocol, internalAddress, internalPort, externalPort } of await server.list()) {
        assert.ok(
          wishes.has(`${protocol} -> ${internalAddress}:${internalPort}`),
          `nobody asked for ${protocol} ${internalPort}`,
        );
        assert.ok((externalPort >= 2000 && externalPort <= 2999) || externalPort === 5000);
      }
      assert.ok((await server.mappings()).filter((line) => line.includes(ALICE)).length <= QUOTA);
      assert.ok(server.pid('frontend') !== 0 && server.pid('helper') !== 0);
    },
    'a device that asks far too much is answered too if there is time for it, from the port it asked': async () => {
      const { status, stderr } = await lab.alice.run(process.execPath, '-e', GREEDY);
      assert.equal({ status, stderr }, { status: 0, stderr: '' });
    },
    'the same two processes serve as before': async () => {
      assert.not.match(server.log, /defect|uncaught|restart/i);
      await clear();
      assert.equal(await server.mappings(), []);
    },
  });
}

/** One to three octets changed, and perhaps cut or made longer. */
function mutated(request: string): Buffer {
  const octets = Buffer.concat([Buffer.from(request, 'hex'), randomBytes(randomInt(0, 3))]);
  for (let changes = randomInt(1, 4); changes > 0; changes--) octets[randomInt(0, octets.length)] = randomInt(0, 256);
  return octets.subarray(0, randomInt(0, octets.length + 1));
}

/** The mapping that a datagram asks for, if it is a valid request for one. */
function wishOf(datagram: Buffer): { protocol: 'udp' | 'tcp'; port: number } | null {
  if (datagram.length < 12 || datagram[0] !== 0 || (datagram[1] !== 1 && datagram[1] !== 2)) return null;
  return { protocol: datagram[1] === 1 ? 'udp' : 'tcp', port: datagram.readUInt16BE(4) };
}
