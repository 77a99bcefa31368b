// Waiting for what Node's event loop can not wait for: an inherited netlink socket. A thread of Node's pool waits in
// poll(2), so that nothing wakes up until there is something to read. And a timer for who may be wanted earlier.

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

/**
 * Readable from the end of the process on: Node waits for the threads of its pool, and they must not wait any longer.
 */
let ending = -1;

/** Run this whenever there is something to read at the socket, or an error; then rest for so many milliseconds. */
export function onReadable(fd: number, restMs: number, run: () => void): void {
  if (ending < 0) {
    ending = eventfd(0, EFD_CLOEXEC);
    process.on('exit', () => eventfd_write(ending, 1));
  }
  const fds = new DataView(new ArrayBuffer(2 * POLLFD_BYTES));
  for (const [index, one] of [fd, ending].entries()) {
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

/** A timer that only comes nearer until it has gone off. */
export class EarliestTimer {
  readonly #run: () => void;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Infinity;

  /** `now`: milliseconds of a clock that nobody sets. */
  constructor(run: () => void, now: () => number) {
    this.#run = run;
    this.#now = now;
  }

  /** Go off in this many milliseconds at the latest. */
  within(ms: number): void {
    const dueAt = this.#now() + ms;
    if (dueAt >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => {
      this.#dueAt = Infinity;
      this.#run();
    }, ms);
  }
}
