// Sound frames whose groups hold anything: the checks on the checksum's far side.

import * as fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { encodeFrame, MAGIC, replay } from '../../../helper/journal/format.js';
import { restore } from '../../../helper/journal/restore.js';
import { isPort } from '../../../proto/mapping.js';
import { raw } from '../arbitraries.js';
import { CLOCK, LEASES } from '../seeds.js';
import type { Target } from '../target.js';
import { mappingsOf } from '../../support/mappings.js';
import { must, Reader } from '../target.js';
import { LIMITS } from '../worlds/helper.js';
import { mustBeRestored } from '../worlds/restored.js';

const GROUPS = [
  encodeFrame([], CLOCK, 1000),
  encodeFrame(
    LEASES.map((after) => ({ before: undefined, after })),
    CLOCK,
    1000,
  ),
  encodeFrame([{ before: LEASES[0], after: undefined }], null, 2000),
].map((frame) => frame.subarray(16));
const sized = (group: Uint8Array): Buffer => Buffer.concat([Uint8Array.of(group.length), group]);

/** A lease of any numbers. */
const odd = fc
  .record({
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    internalAddress: fc.constantFrom(0xc0a8010a, 0, 0xffffffff),
    internalPort: fc.constantFrom(0, 1, 80, 65535, 65536),
    externalPort: fc.constantFrom(0, 1, 1024, 8080, 65535, 65536),
    origin: fc.constantFrom('dynamic' as const, 'static' as const),
    lifetime: fc.constantFrom(0, 1, 3600, 0xffffffff),
    expiresAt: fc.constantFrom(0, 1_000_001, 2 ** 53, 2 ** 63),
  })
  .map((after) => encodeFrame([{ before: undefined, after }], CLOCK, 1000).subarray(16));

export const groups: Target = {
  name: 'groups',
  inputs: fc
    .array(fc.oneof(raw(60), fc.constantFrom(...GROUPS), odd), { maxLength: 6 })
    .map((list) => Buffer.concat(list.map(sized))),
  words: [
    '0a',
    '12',
    '1a',
    '20',
    '08',
    '10',
    '18',
    '28',
    '0a0a0a026231',
    '1000',
    '90bf18',
    '829844',
    'ffffffffffffffffff01',
    'ffffffff0f',
  ].map((word) => Buffer.from(word, 'hex')),
  seeds: {
    clock: sized(GROUPS[0] as Buffer),
    leases: Buffer.concat([sized(GROUPS[1] as Buffer), sized(GROUPS[2] as Buffer)]),
  },
  run(input) {
    const frames: Buffer[] = [MAGIC];
    for (const reader = new Reader(input); !reader.isDone; ) frames.push(frame(Buffer.from(reader.bytes(reader.u8()))));
    const read = replay(Buffer.concat(frames));
    if (read.kind === 'intact') {
      const leases = mappingsOf(read.leases);
      for (const lease of leases) {
        must(
          isPort(lease.externalPort) &&
            isPort(lease.internalPort) &&
            lease.internalAddress >= 0 &&
            lease.internalAddress <= 0xffffffff,
          'a lease that was read could have been granted',
          lease,
        );
        must(
          (lease.origin === 'static') === (lease.lifetime === 0) &&
            (lease.origin === 'static') === (lease.expiresAt === Infinity),
          'a static lease has no end',
          lease,
        );
      }
      const keys = leases.map(({ protocol, externalPort }) => `${protocol} ${externalPort}`);
      must(new Set(keys).size === keys.length, 'a port is held once', keys);
    }
    for (const bootId of [CLOCK.bootId, 'b2']) {
      const now = { bootId, boottimeMs: 1_000_000, wall: CLOCK.wallOffsetMs + 1_000_000 };
      mustBeRestored(restore(read, LIMITS, now), read, now.boottimeMs);
    }
  },
};

function frame(group: Buffer): Buffer {
  const header = Buffer.from(encodeFrame([], null, 0).subarray(0, 16));
  header.writeUInt32LE(group.length, 4);
  header.writeUInt32LE(crc32(group), 8);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return Buffer.concat([header, group]);
}
