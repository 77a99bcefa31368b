// Reads files by names that come from outside: a FIFO never ends an open, a device never ends a read.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1 << 16;

/**
 * The content of a regular file, or of what a link leads to if that is one. Does not wait.
 *
 * @throws an Error with a `code` if it cannot be read; without one if it is no regular file, or larger than `most` bytes.
 */
export function readRegularFile(path: string, most: number): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const file = fstatSync(fd);
    if (!file.isFile()) throw new Error('not a regular file');
    if (file.size > most) throw new Error(`larger than ${most} bytes`);
    const chunks: Buffer[] = [];
    // Files of /proc say that they are empty, and may have no end.
    for (let length = 0; length <= most; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const count = readSync(fd, chunk);
      if (count === 0) return Buffer.concat(chunks, length);
      chunks.push(chunk.subarray(0, count));
      length += count;
    }
    throw new Error(`larger than ${most} bytes`);
  } finally {
    closeSync(fd);
  }
}
