// What one read of a netlink socket returned, to the parsers of both daemons.

import * as fc from 'fast-check';
import { addressesOf, decodeRoute, DUMP, encodeDump, indexOf, sourceAddress } from '../../../caller/route/rtnetlink.js';
import { RepairPlan } from '../../../helper/nft/repair-plan.js';
import type { HeldElement, Message } from '../../../helper/types.js';
import {
  eachElement,
  elementsOf,
  generationIn,
  SETS,
  isAbout,
  writeDump,
  writeTransaction,
} from '../../../helper/nft/elements.js';
import { errorOf, messages, MessageWriter } from '../../../helper/nft/netlink.js';
import { bytes, hexOfWords } from '../../support/bytes.js';
import { attributes } from '../../support/netlink.js';
import { be, raw } from '../arbitraries.js';
import { LEASES } from '../seeds.js';
import type { Target } from '../target.js';
import { must } from '../target.js';
import { NAMES } from '../../lab/ruleset.js';

const NOW = 1_000_000;

export const netlink: Target = {
  name: 'netlink',
  inputs: fc.oneof(
    raw(200),
    fc
      .array(fc.tuple(fc.constantFrom(2, 3, 16, 20, 0xa0c, 0xa0f), raw(80)), { maxLength: 4 })
      .map((list) => Buffer.concat(list.map(([type, payload]) => message(type, payload)))),
    fc
      .tuple(fc.constantFrom(1, 2), fc.integer({ min: 0, max: 12 }), raw(16))
      .map(([type, length, rest]) =>
        message(20, Buffer.concat([bytes('02 18 00 00 02000000'), Uint8Array.of(length, 0, type, 0), rest])),
      ),
    fc.tuple(fc.subarray([...LEASES]), raw(8)).map(([leases, tail]) => Buffer.concat([transaction(leases), tail])),
  ),
  words: [
    '0c0a',
    '0f0a',
    '0200',
    '0300',
    '1000',
    '1400',
    '01800800',
    '0800010000000000',
    '0400',
    '0380',
    '14000180',
    '10000400',
    'ffff',
  ].map((word) => Buffer.from(word, 'hex')),
  seeds: {
    elements: transaction(LEASES),
    dump: new Uint8Array(writer((to) => writeDump(to, NAMES, 'in'), 7)),
    'route-dump': encodeDump(DUMP.ADDRESSES, 3),
    link: message(
      16,
      bytes(`00 00 0100 02000000 00000000 00000000 0900 0300 ${Buffer.from('eth1\0').toString('hex')} 000000`),
    ),
    address: message(20, bytes('02 18 00 00 02000000 0800 0200 cb007107 0800 0100 cb007101')),
    nextHop: message(
      24,
      bytes('02 20 00 00 00 00 00 00 00020000 0800 0100 c6290004 0800 0500 cb007101 0800 0f00 fe000000'),
    ),
    generation: message(0xa0f, bytes('00000000 0800 0100 00000005')),
    error: message(2, bytes('ffffffff 14000000 100a 0100 01000000 00000000')),
  },
  run(input) {
    const data = Buffer.from(input);
    const difference = new RepairPlan(LEASES);
    let octets = 0;
    for (const each of messages(data)) {
      octets += 16 + each.payload.length;
      must(isInside(each.payload, data), 'a message lies inside what was read');
      look(each);
      for (const set of SETS) eachElement(each, set, (element) => compare(element, each, difference));
    }
    must(octets <= data.length, 'messages do not overlap', octets);
    must(difference.steps().length <= LEASES.length + data.length, 'no more is repaired than was read');
    const route = decodeRoute(input);
    must(route.length * 16 <= input.length, 'there are no more messages than octets');
    for (const each of route) {
      if (each.kind === 'address')
        must(data.includes(be(each.address, 4)), 'an address that was read stands in what was read', each);
    }
    const addresses = addressesOf(route, indexOf(route, 'eth1') ?? 0);
    for (const each of route) {
      if (each.kind !== 'next-hop') continue;
      const source = sourceAddress(addresses, each, null);
      must(
        source === null ? addresses.length === 0 : addresses.some(({ address }) => address === source),
        'the source is an address of the interface',
        source,
      );
    }
  },
};

function look(each: Message): void {
  const generation = generationIn(each);
  must(generation === null || Number.isInteger(generation), 'a generation is a number', generation);
  isAbout(NAMES, each);
  must(Number.isInteger(errorOf(each)), 'an errno is a number');
  for (const [type, value] of attributes(each.payload))
    must(type <= 0x3fff && isInside(value, each.payload), 'an attribute lies inside its message');
}

function compare(element: HeldElement, { payload }: Message, difference: RepairPlan): void {
  const { key, data, timeout } = element.copy();
  must(data === null && payload.includes(Buffer.from(hexOfWords(key), 'hex')), 'an element lies inside its message');
  must(timeout >= 0 && element.remaining >= 0, 'no time is negative', element);
  const { internalAddress, internalPort } = element;
  must(
    element.externalKey >= -1 && element.externalKey <= 0xffffff,
    'an external key is of a protocol and a port',
    element,
  );
  must(
    internalAddress >= 0 && internalAddress <= 0xffffffff && internalPort >= 0 && internalPort <= 0xffff,
    'it leads to an endpoint',
    element,
  );
  difference.compare(element, NOW);
}

function isInside(part: Buffer, whole: Buffer): boolean {
  return (
    part.length === 0 ||
    (part.buffer === whole.buffer &&
      part.byteOffset >= whole.byteOffset &&
      part.byteOffset + part.length <= whole.byteOffset + whole.length)
  );
}

function writer(write: (to: MessageWriter) => void, number = 1): Buffer {
  const to = new MessageWriter(8192);
  to.last = number - 1;
  write(to);
  return Buffer.from(to.bytes());
}

/** What the helper writes reads like what the kernel dumps. */
function transaction(leases: readonly (typeof LEASES)[number][]): Buffer {
  return writer(
    (to) =>
      void writeTransaction(
        to,
        NAMES,
        [],
        leases.flatMap((lease) => elementsOf(lease, NOW)),
      ),
  );
}

function message(type: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + payload.length, 0);
  header.writeUInt16LE(type, 4);
  return Buffer.concat([header, payload, Buffer.alloc(-payload.length & 3)]);
}
