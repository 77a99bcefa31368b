// Waits for input on an inherited netlink socket, which Node's event loop cannot do. A thread of Node's pool blocks in
// poll(2), so the process sleeps until there is something to read.

import koffi from 'koffi';

const libc = koffi.load(null);
const poll = libc.func('int poll(void *fds, unsigned long count, int timeout)') as unknown as {
  async(fds: Uint8Array, count: number, timeout: number, done: (error: Error | null, ready: number) => void): void;
};
const eventfd = libc.func('int eventfd(unsigned int initial, int flags)') as (initial: number, flags: number) => number;
const eventfd_write = libc.func('int eventfd_write(int fd, uint64_t value)') as (fd: number, value: number) => number;

const EFD_CLOEXEC = 0o2000000;
/** struct pollfd: int fd, short events, short revents. */
const POLLFD_BYTES = 8;
const POLLIN = 1;

/** Signalled at exit so that threads blocked in poll(2) return; Node waits for them. -1 until it is first needed. */
let exitEvent = -1;

/**
 * Call `run` whenever the descriptor has input or an error, until the process ends. Level-triggered: input that
 * `run` leaves unread causes another call.
 *
 * @param restMs The pause after each call, which limits the rate of calls under a stream of events.
 */
export function onReadable(fd: number, restMs: number, run: () => void): void {
  if (exitEvent < 0) {
    exitEvent = eventfd(0, EFD_CLOEXEC);
    process.on('exit', () => eventfd_write(exitEvent, 1));
  }
  const fds = new DataView(new ArrayBuffer(2 * POLLFD_BYTES));
  for (const [index, one] of [fd, exitEvent].entries()) {
    fds.setInt32(index * POLLFD_BYTES, one, true);
    fds.setInt16(index * POLLFD_BYTES + 4, POLLIN, true);
  }
  const wait = (): void =>
    poll.async(new Uint8Array(fds.buffer), 2, -1, () => {
      run();
      setTimeout(wait, restMs);
    });
  wait();
}
