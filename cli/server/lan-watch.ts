// Notices when the LAN interfaces change: a socket is bound to an interface, and stays with it when it is deleted.

import { closeSync } from 'node:fs';
import { missingOf } from '../host/interfaces.js';
import type { Log } from '../host/log.js';
import { onReadable } from '../../process/poll.js';
import { readNonBlocking } from '../../process/poll.js';
import { NETLINK, openNetlink } from './sockets.js';

/** After an event; a bridge that is created again causes many. */
const REST_MS = 100;
/** In case that an event was lost, and to try again what has failed. */
const CHECK_INTERVAL_MS = 3000;
const EVENT_BUFFER_BYTES = 256 << 10;

/** Calls `check` after every change of an interface or of an address, and every few seconds. @returns `stop`. */
export function watchLans(check: () => void): () => void {
  const fd = openNetlink(NETLINK.route.protocol, NETLINK.route.linksAndIpv4Addresses, EVENT_BUFFER_BYTES);
  const stop = onReadable(fd, REST_MS, () => {
    drain(fd);
    check();
  });
  const timer = setInterval(check, CHECK_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    stop();
    closeSync(fd);
  };
}

/** Read all events: that there are some is enough. */
function drain(fd: number): void {
  const buffer = new Uint8Array(1 << 16);
  for (let isEmpty = false; !isEmpty; ) {
    try {
      isEmpty = readNonBlocking(fd, buffer) === null;
    } catch {
      // ENOBUFS: the kernel dropped some.
    }
  }
}

/** Logs what is missing of these interfaces, when it changes: one line, not one for each check. */
export function missingLog(names: readonly string[], log: Log): () => void {
  let before: string | null = null;
  return () => {
    const missing = missingOf(names);
    if (missing === before) return;
    if (missing !== null) log.warn({ missing }, 'waiting for a LAN; any other is served');
    else log.info({ lan: names }, 'every LAN interface is there');
    before = missing;
  };
}
