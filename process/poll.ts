// Waits for input on inherited sockets that Node cannot wait for, or only by reading or accepting itself. It is Node's own
// event loop that waits (uv_poll_t of libuv, which koffi has): no thread, and no system call for what becomes readable.

import { fstatSync, readSync } from 'node:fs';
import koffi from 'koffi';

/** What koffi passes to the callback; its type declaration lacks `status`, which is below 0 for an error (POLLERR). */
type OnPoll = (status: number) => void;
const poll = koffi.node.poll as unknown as (fd: number, callback: OnPoll) => PollHandle;
interface PollHandle {
  start(callback: OnPoll): void;
  stop(): void;
  close(): void;
}

/** After an error, which may be one that no read takes away (IP_RECVERR). */
const ERROR_REST_MS = 1;
/** A second poll of one descriptor would end the process, as the error below. */
const polled = new Set<number>();

/**
 * Call `run` whenever the descriptor has input or an error, until the function that it returns is called, or the process
 * ends. Level-triggered: input that `run` leaves unread causes another call. The descriptor becomes non-blocking.
 *
 * @param restMs The pause after each call, which limits the rate of calls under a stream of events; 0 for none.
 * @throws If the descriptor is not that of a socket or a pipe, or is polled already.
 */
export function onReadable(fd: number, restMs: number, run: () => void): () => void {
  const kind = fstatSync(fd);
  // koffi's own error would end the process without a word to read.
  if (!kind.isSocket() && !kind.isFIFO()) throw new Error(`file descriptor ${fd} is no socket`);
  if (polled.has(fd)) throw new Error(`file descriptor ${fd} is polled already`);
  let rest: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;
  const call = (isWaiting: boolean): void => {
    if (restMs > 0 || !isWaiting) rest = setTimeout(begin, restMs || ERROR_REST_MS);
    run();
  };
  const ready: OnPoll = (status) => {
    if (restMs > 0) handle.stop();
    // koffi's callback is none of Node's: an error in it would be lost. An immediate has its turn in this turn of the
    // loop. After an error, which `run` meets when it reads, libuv no longer waits.
    turn = setImmediate(call, status >= 0);
  };
  // `ready` refers to it, so it is not collected.
  const handle = poll(fd, ready);
  polled.add(fd);
  const begin = (): void => handle.start(ready);
  return () => {
    clearTimeout(rest);
    clearImmediate(turn);
    handle.close();
    polled.delete(fd);
  };
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
