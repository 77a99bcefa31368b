// The inherited rtnetlink socket, which AddressWatch and RouteRequests share.

import { writeSync } from 'node:fs';
import { readNonBlocking } from '../../process/poll.js';

export interface RouteSocket {
  write(message: Uint8Array): void;
  /** Never blocks. @returns bytes read; `empty`: nothing to read; `overrun`: the kernel dropped messages (ENOBUFS). */
  read(into: Uint8Array): number | 'empty' | 'overrun';
}

export function routeSocket(fd: number): RouteSocket {
  return {
    write: (message) => void writeSync(fd, message),
    read(into) {
      try {
        return readNonBlocking(fd, into) || 'empty';
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOBUFS') return 'overrun';
        throw error;
      }
    },
  };
}
