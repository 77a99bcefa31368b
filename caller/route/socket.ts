// The inherited rtnetlink socket, which AddressWatch and RouteRequests share. By send(2) and recv(2) themselves, because a
// host is looked up for its first request of each second: Node's read throws an error with a stack if there is nothing to
// read, and a lookup took 12 us with it, jitless, instead of 7.

import koffi from 'koffi';

type Call = (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
const libc = koffi.load(null);
const send = libc.func('intptr_t send(int fd, const void *bytes, size_t length, int flags)') as Call;
const recv = libc.func('intptr_t recv(int fd, void *bytes, size_t length, int flags)') as Call;
const { EAGAIN, ENOBUFS } = koffi.os.errno;
const MSG_DONTWAIT = 0x40;

export interface RouteSocket {
  write(message: Uint8Array): void;
  /** Never blocks. @returns bytes read; `empty`: nothing to read; `overrun`: the kernel dropped messages (ENOBUFS). */
  read(into: Uint8Array): number | 'empty' | 'overrun';
}

export function routeSocket(fd: number): RouteSocket {
  return {
    write(message) {
      if (send(fd, message, message.length, MSG_DONTWAIT) < 0) throw failure('send');
    },
    read(into) {
      const length = recv(fd, into, into.length, MSG_DONTWAIT);
      if (length >= 0) return length || 'empty';
      const errno = koffi.errno();
      if (errno === EAGAIN) return 'empty';
      if (errno === ENOBUFS) return 'overrun';
      throw failure('recv');
    },
  };
}

function failure(call: string): Error {
  return new Error(`${call} on the route socket: errno ${koffi.errno()}`);
}
