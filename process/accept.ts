// Accepts connections on an inherited Unix socket, and says whose they are, which Node cannot.

import koffi from 'koffi';
import { onReadable } from './poll.js';

const libc = koffi.load(null);
const accept4 = libc.func('int accept4(int fd, void *address, void *length, int flags)') as (
  fd: number,
  address: null,
  length: null,
  flags: number,
) => number;
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)') as (
  fd: number,
  level: number,
  name: number,
  value: Uint32Array,
  length: Uint32Array,
) => number;

const SOCK_FLAGS = 0o4000 | 0o2000000; // SOCK_NONBLOCK | SOCK_CLOEXEC
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** One connection in this time at most, in milliseconds: also the pause after an error such as EMFILE. */
const REST_MS = 1;

/**
 * Accept connections until the process ends.
 *
 * @param accepted Gets the descriptor, which is now the callee's, and the peer's uid as of its connect(2) (SO_PEERCRED,
 *   unix(7)).
 */
export function onConnection(listener: number, accepted: (fd: number, uid: number) => void): void {
  onReadable(listener, REST_MS, () => {
    const fd = accept4(listener, null, null, SOCK_FLAGS);
    if (fd < 0) return;
    const ucred = new Uint32Array(3); // pid, uid, gid
    const failed = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, Uint32Array.of(ucred.byteLength));
    accepted(fd, failed === 0 ? (ucred[1] as number) : -1);
  });
}
