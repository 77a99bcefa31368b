// The frontend's watch of the external address, over a socket that says anything.

import * as fc from 'fast-check';
import { AddressWatch } from '../../../caller/route/address.js';
import { raw, sequence } from '../arbitraries.js';
import { manualClock } from '../../frontend/support.js';
import type { Target } from '../target.js';
import { must, Reader } from '../target.js';
import { netlink } from './netlink.js';

const STEP = { DATA: 0, OVERRUN: 1, POLL: 2, DONE: 3, ECHO: 4 } as const;
const data = fc
  .oneof(raw(100), fc.constantFrom(netlink.seeds['link'] as Uint8Array, netlink.seeds['address'] as Uint8Array))
  .map((octets) => Buffer.concat([Uint8Array.of(STEP.DATA, octets.length), octets]));
const one = (...octets: number[]) => fc.constant(Uint8Array.from(octets));
const reading = (name: string): Buffer =>
  Buffer.concat([Uint8Array.of(STEP.ECHO, netlink.seeds[name]!.length), netlink.seeds[name] as Uint8Array]);
/** The answer to a route lookup. */
const answering = reading('nextHop');

export const route: Target = {
  name: 'route',
  inputs: sequence(
    20,
    { weight: 4, arbitrary: data },
    { weight: 3, arbitrary: fc.constantFrom(reading('link'), reading('address'), answering) },
    { weight: 2, arbitrary: one(STEP.POLL) },
    { weight: 2, arbitrary: one(STEP.DONE) },
    { weight: 1, arbitrary: one(STEP.OVERRUN) },
  ),
  words: [Uint8Array.of(STEP.POLL), Uint8Array.of(STEP.DONE), reading('link'), reading('address'), answering],
  seeds: {
    found: Buffer.concat([
      reading('link'),
      Uint8Array.of(STEP.DONE),
      reading('address'),
      Uint8Array.of(STEP.DONE),
      answering,
      Uint8Array.of(STEP.POLL, STEP.POLL),
    ]),
  },
  run(input) {
    const reader = new Reader(input);
    let [sequenceNumber, reads, last] = [0, 0, null as number | null];
    const clock = manualClock();
    const watch = new AddressWatch(
      {
        write(message) {
          sequenceNumber = Buffer.from(message).readUInt32LE(8);
        },
        read(into) {
          must(++reads < 100_000, 'the frontend does not read without end');
          if (reader.isDone) return 'empty';
          const kind = reader.u8() % 5;
          if (kind === STEP.OVERRUN) return 'overrun';
          if (kind === STEP.POLL) return 'empty';
          const octets =
            kind === STEP.DONE
              ? Buffer.from('14000000030002000000000000000000' + '00000000', 'hex')
              : Buffer.from(reader.bytes(reader.u8()));
          // As the kernel would: the number of the request, and the flag of a dump.
          if (kind !== STEP.DATA && octets.length >= 16) {
            octets.writeUInt32LE(sequenceNumber, 8);
            octets.writeUInt16LE(octets.readUInt16LE(6) | 2, 6);
          }
          into.set(octets);
          return octets.length;
        },
      },
      'eth1',
      (address) => {
        must(
          address !== last && (address === null || (address >= 0 && address <= 0xffffffff)),
          'a change is one, to an address or none',
          address,
        );
        last = address;
      },
      () => {},
      clock.schedule,
    );
    for (let polls = 0; polls < 50 && !reader.isDone; polls++) {
      watch.poll();
      clock.advance(700); // a loss is told after three of these
      must(watch.address === last, 'who watches is told of every change', { address: watch.address, last });
    }
  },
};
