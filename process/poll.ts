// Waits for input on inherited sockets that Node's event loop cannot wait for, or only by reading them. A thread of
// Node's pool blocks in poll(2), so the process sleeps until there is something to read.

import koffi from 'koffi';

const libc = koffi.load(null);
const poll = libc.func('int poll(void *fds, unsigned long count, int timeout)') as unknown as {
  async(fds: Uint8Array, count: number, timeout: number, done: (error: Error | null, ready: number) => void): void;
};
const eventfd = libc.func('int eventfd(unsigned int initial, int flags)') as (initial: number, flags: number) => number;
const eventfd_write = libc.func('int eventfd_write(int fd, uint64_t value)') as (fd: number, value: number) => number;

const EFD_CLOEXEC = 0o2000000;

/**
 * Call `run` whenever one of the descriptors has input or an error, until the function that it returns
 * is called, or the process ends. Level-triggered: input that `run` leaves unread causes another call.
 *
 * @param restMs The pause after each call, which limits the rate of calls under a stream of events; 0 for none.
 */
export function onReadable(inputs: number | readonly number[], restMs: number, run: () => void): () => void {
  // Signalled so that the thread in poll(2) returns; at its exit, Node waits for the thread.
  const stopEvent = eventfd(0, EFD_CLOEXEC);
  const fds = [stopEvent].concat(inputs);
  // struct pollfd, little-endian: int fd, short events (POLLIN is 1), short revents.
  const pollfds = new Uint8Array(Int32Array.from(fds.flatMap((fd) => [fd, 1])).buffer);
  let isStopped = false;
  const wait = (): void =>
    poll.async(pollfds, fds.length, -1, () => {
      if (isStopped) return;
      run();
      if (restMs === 0) wait();
      else setTimeout(wait, restMs);
    });
  const stop = (): void => {
    isStopped = true;
    eventfd_write(stopEvent, 1);
    process.off('exit', stop);
  };
  process.on('exit', stop);
  wait();
  return stop;
}
