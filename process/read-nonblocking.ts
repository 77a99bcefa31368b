// Reads from an inherited descriptor that is already non-blocking, such as a netlink socket.

import { readSync } from 'node:fs';

/**
 * Read once without waiting.
 *
 * @returns The number of bytes read; null if nothing is there to read (EAGAIN).
 * @throws Any other error of read(2); ENOBUFS means that a netlink socket lost messages (netlink(7)).
 */
export function readNonBlocking(fd: number, into: Uint8Array): number | null {
  try {
    return readSync(fd, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}
