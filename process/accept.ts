// Accepts connections on an inherited Unix socket, and says whose they are, which Node cannot.

import koffi from 'koffi';
import { onReadable } from './poll.js';

type Call = (fd: number, ...rest: unknown[]) => number;
const libc = koffi.load(null);
const accept4 = libc.func('int accept4(int fd, void *address, void *length, int flags)') as Call;
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)') as Call;

const SOCK_FLAGS = 0o4000 | 0o2000000; // SOCK_NONBLOCK | SOCK_CLOEXEC
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** At most so many connections at once, then a pause, in milliseconds; also after an error, such as EMFILE. */
const [BURST, REST_MS] = [128, 1];

/**
 * Accept connections until the process ends. `accepted` gets a descriptor of its own, and the peer's uid as of its
 * connect(2) (SO_PEERCRED, unix(7)); -1 if the kernel does not say.
 */
export function onConnection(listener: number, accepted: (fd: number, uid: number) => void): void {
  onReadable(listener, REST_MS, () => {
    for (let count = 0; count < BURST; count++) {
      const fd = accept4(listener, null, null, SOCK_FLAGS);
      if (fd < 0) return;
      const ucred = Int32Array.of(-1, -1, -1); // pid, uid, gid
      getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, Int32Array.of(ucred.byteLength));
      accepted(fd, ucred[1]! >>> 0);
    }
  });
}
