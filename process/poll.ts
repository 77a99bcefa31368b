// Waits for input on inherited sockets that Node's event loop cannot wait for: netlink, and listening sockets whose peers
// are to be identified. A thread of Node's pool blocks in poll(2), one for all of them, so the process sleeps until there
// is something to read.

import koffi from 'koffi';
import { readNonBlocking } from './read-nonblocking.js';

const libc = koffi.load(null);
const poll = libc.func('int poll(void *fds, unsigned long count, int timeout)') as unknown as {
  async(fds: Uint8Array, count: number, timeout: number, done: (error: Error | null, ready: number) => void): void;
};
const eventfd = libc.func('int eventfd(unsigned int initial, int flags)') as (initial: number, flags: number) => number;
const eventfd_write = libc.func('int eventfd_write(int fd, uint64_t value)') as (fd: number, value: number) => number;

const EFD_FLAGS = 0o2000000 | 0o4000; // EFD_CLOEXEC | EFD_NONBLOCK
/** struct pollfd: int fd, short events, short revents. */
const POLLFD = { BYTES: 8, EVENTS: 4, REVENTS: 6 } as const;
const POLLIN = 1;

/** By descriptor. One that rests after its call is not here. */
const watched = new Map<number, () => void>();
/** Ends the poll(2) under way: when what is waited for changes, and at exit, because Node waits for its threads. */
let wakeEvent = -1;
const wake = () => eventfd_write(wakeEvent, 1);

/**
 * Call `run` whenever the descriptor has input or an error, until the process ends. Level-triggered: input that
 * `run` leaves unread causes another call. Once for each descriptor.
 *
 * @param restMs The pause after each call, which limits the rate of calls under a stream of events.
 */
export function onReadable(fd: number, restMs: number, run: () => void): void {
  watched.set(fd, () => {
    watched.delete(fd);
    setTimeout(() => onReadable(fd, restMs, run), restMs);
    run();
  });
  if (wakeEvent >= 0) return void wake();
  wakeEvent = eventfd(0, EFD_FLAGS);
  process.on('exit', wake);
  wait();
}

function wait(): void {
  const polled = [[wakeEvent, () => readNonBlocking(wakeEvent, new Uint8Array(8))] as const, ...watched];
  const fds = new DataView(new ArrayBuffer(polled.length * POLLFD.BYTES));
  for (const [index, [fd]] of polled.entries()) {
    fds.setInt32(index * POLLFD.BYTES, fd, true);
    fds.setInt16(index * POLLFD.BYTES + POLLFD.EVENTS, POLLIN, true);
  }
  poll.async(new Uint8Array(fds.buffer), polled.length, -1, () => {
    for (const [index, [, run]] of polled.entries())
      if (fds.getInt16(index * POLLFD.BYTES + POLLFD.REVENTS, true) !== 0) run();
    wait();
  });
}
