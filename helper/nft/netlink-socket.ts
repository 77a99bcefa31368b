// Reads and writes of an inherited, non-blocking netlink socket: Node cannot open one, but it can use its descriptor.

import type { NetlinkSocket } from '../types.js';
import { writeSync } from 'node:fs';
import { readNonBlocking } from '../../process/poll.js';

/** Larger than any datagram the kernel sends here: it fills at most 32 KiB of a dump at a time. */
const READ_BYTES = 64 * 1024;

export function netlinkSocket(fd: number): NetlinkSocket {
  const buffer = Buffer.alloc(READ_BYTES);
  return {
    write(data) {
      const written = writeSync(fd, data);
      if (written !== data.length) throw new Error(`netlink took ${written} of ${data.length} bytes`);
    },
    read() {
      const length = readNonBlocking(fd, buffer);
      return length === null ? null : buffer.subarray(0, length);
    },
  };
}
