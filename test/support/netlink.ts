// Netlink attributes, read and written for tests: plainly, and not as helper/ does it for its long dumps. Total: what
// does not fit ends the walk.

import type { Message } from '../../helper/types.js';
import { NFGEN_BYTES } from '../../helper/nft/netlink.js';

/** The attributes in `data` from `offset` on, as [type, value]. */
export function* attributes(data: Buffer, offset = 0): Generator<readonly [number, Buffer]> {
  let at = offset;
  while (at + 4 <= data.length) {
    const length = data.readUInt16LE(at);
    if (length < 4 || at + length > data.length) return;
    yield [data.readUInt16LE(at + 2) & 0x3fff, data.subarray(at + 4, at + length)];
    at += (length + 3) & ~3;
  }
}

/** The attributes of a message that begins with the nfnetlink header. */
export function nfAttributes(message: Message): Generator<readonly [number, Buffer]> {
  return attributes(message.payload, NFGEN_BYTES);
}

/** The value of the first attribute of the type; empty if there is none. */
export function find(list: Iterable<readonly [number, Buffer]>, type: number): Buffer {
  for (const [each, value] of list) if (each === type) return value;
  return Buffer.alloc(0);
}

export function attribute(type: number, value: Uint8Array): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(4 + value.length, 0);
  header.writeUInt16LE(type, 2);
  return Buffer.concat([header, value, Buffer.alloc(-value.length & 3)]);
}
