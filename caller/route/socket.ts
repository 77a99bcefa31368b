// The inherited rtnetlink socket, which AddressWatch and RouteRequests share. By send(2) and recv(2) themselves, because a
// host is looked up for its first request of each second: Node's read throws an error with a stack if there is nothing to
// read, and a lookup took 12 us with it, jitless, instead of 7.

import koffi from 'koffi';

type Call = (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
const libc = koffi.load(null);
const send = libc.func('intptr_t send(int fd, const void *bytes, size_t length, int flags)') as Call;
const recv = libc.func('intptr_t recv(int fd, void *bytes, size_t length, int flags)') as Call;
const { EAGAIN, EBADF, ENOTSOCK } = koffi.os.errno;
const MSG_DONTWAIT = 0x40;

export interface RouteSocket {
  /** There is no answer to what cannot be sent. */
  write(message: Uint8Array): void;
  /**
   * Never blocks.
   *
   * @returns Bytes read; `empty`: nothing to read; `overrun`: messages are lost, as the kernel says by an error of the
   * socket. Mostly it is ENOBUFS, but also the one for which it could not tell of a change (rtnl_set_sk_err of
   * net/core/rtnetlink.c). Reading takes it away; one that stays is for the caller to give up on.
   */
  read(into: Uint8Array): number | 'empty' | 'overrun';
}

export function routeSocket(fd: number): RouteSocket {
  return {
    write(message) {
      if (send(fd, message, message.length, MSG_DONTWAIT) < 0) throwIfNone('send');
    },
    read(into) {
      const length = recv(fd, into, into.length, MSG_DONTWAIT);
      if (length >= 0) return length || 'empty';
      if (koffi.errno() === EAGAIN) return 'empty';
      throwIfNone('recv');
      return 'overrun';
    },
  };
}

/** Only a descriptor that is no socket is a defect. */
function throwIfNone(call: string): void {
  const errno = koffi.errno();
  if (errno === EBADF || errno === ENOTSOCK) throw new Error(`${call} on the route socket: errno ${errno}`);
}
