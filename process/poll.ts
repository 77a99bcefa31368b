// Waits for input on inherited sockets that Node's event loop cannot wait for, or only by reading or accepting itself. A
// thread of Node's pool blocks in poll(2), one for all of them, so the process sleeps until there is something to read.

import { readSync } from 'node:fs';
import koffi from 'koffi';

const libc = koffi.load(null);
const poll = libc.func('int poll(void *fds, unsigned long count, int timeout)') as unknown as {
  async(fds: Uint8Array, count: number, timeout: number, done: (error: Error | null, ready: number) => void): void;
};
const eventfd = libc.func('int eventfd(unsigned int initial, int flags)') as (initial: number, flags: number) => number;
const eventfd_write = libc.func('int eventfd_write(int fd, uint64_t value)') as (fd: number, value: number) => number;

const EFD_FLAGS = 0o2000000 | 0o4000; // EFD_CLOEXEC | EFD_NONBLOCK
const POLLIN = 1;

/** What is waited for: descriptors, by what to call. A call that rests is not here. */
const waiting = new Map<() => void, readonly number[]>();
/** Ends the poll(2) under way: when what is waited for changes, and at exit, because Node waits for its threads. */
const wakeEvent = eventfd(0, EFD_FLAGS);
let isPolling = false;
process.on('exit', wake);

/**
 * Call `run` whenever one of the descriptors has input or an error, until the function that it returns is called, or the
 * process ends. Level-triggered: input that `run` leaves unread causes another call.
 *
 * @param restMs The pause after each call, which limits the rate of calls under a stream of events; 0 for none.
 */
export function onReadable(inputs: number | readonly number[], restMs: number, run: () => void): () => void {
  let rest: NodeJS.Timeout | undefined;
  const begin = (): void => {
    waiting.set(call, [inputs].flat());
    if (isPolling) wake();
    else wait();
  };
  const call = (): void => {
    if (restMs > 0) {
      waiting.delete(call);
      rest = setTimeout(begin, restMs);
    }
    run();
  };
  begin();
  return () => {
    clearTimeout(rest);
    waiting.delete(call);
    wake();
  };
}

function wake(): void {
  eventfd_write(wakeEvent, 1);
}

function wait(): void {
  isPolling = waiting.size > 0;
  if (!isPolling) return;
  const polled = [...waiting].flatMap(([call, fds]) => fds.map((fd) => ({ call, fd })));
  // struct pollfd, little-endian: int fd, short events, short revents.
  const pollfds = Int32Array.from([...polled, { fd: wakeEvent }].flatMap(({ fd }) => [fd, POLLIN]));
  poll.async(new Uint8Array(pollfds.buffer), polled.length + 1, -1, () => {
    readNonBlocking(wakeEvent, new Uint8Array(8));
    const ready = polled.filter((_, index) => pollfds[2 * index + 1]! >>> 16 !== 0);
    for (const call of new Set(ready.map((one) => one.call))) if (waiting.has(call)) call();
    wait();
  });
}

/**
 * Read once, without waiting, from a descriptor that is non-blocking, such as an inherited netlink socket.
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
