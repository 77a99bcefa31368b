// Notices when the LAN interfaces change: a socket is bound to an interface, and stays with it when it is deleted. And
// says which interfaces are waited for.

import { closeSync } from 'node:fs';
import { missingInterface, missingOf } from '../host/interfaces.js';
import type { Log } from '../host/log.js';
import { onReadable } from '../../process/poll.js';
import { readNonBlocking } from '../../process/poll.js';
import type { Config } from './config.js';
import { drain } from './drain.js';
import { NETLINK, openNetlink } from './sockets.js';

/** After an event; a bridge that is created again causes many. */
const REST_MS = 100;
/** In case that an event was lost, and to try again what has failed. */
const CHECK_INTERVAL_MS = 3000;
const EVENT_BUFFER_BYTES = 256 << 10;

/** Calls `check` after every change of an interface or of an address, and every few seconds. @returns `stop`. */
export function watchLans(check: () => void): () => void {
  const fd = openNetlink(NETLINK.route.protocol, NETLINK.route.linksAndIpv4Addresses, EVENT_BUFFER_BYTES);
  const buffer = new Uint8Array(1 << 16);
  const stop = onReadable(fd, REST_MS, () => {
    // That there are some is enough, and that some were lost, too.
    drain(
      () => readNonBlocking(fd, buffer),
      () => {},
    );
    check();
  });
  const timer = setInterval(check, CHECK_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    stop();
    closeSync(fd);
  };
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

/**
 * The same for the interfaces that face the Internet. Nothing of ours needs them before there is something to translate
 * or to let in: ppp0 and a tunnel come with the connection.
 */
export function missingOutsideLog(config: Config, log: Log): () => void {
  const { externalInterface, pinholes, pinholeInterface } = config;
  const reports = [
    missingOneLog('the external interface', { external: externalInterface }, externalInterface, log),
    ...(pinholes && pinholeInterface !== externalInterface
      ? [missingOneLog('the interface of pinholes', { pinholeInterface }, pinholeInterface, log)]
      : []),
  ];
  return () => {
    for (const report of reports) report();
  };
}

function missingOneLog(what: string, fields: object, name: string, log: Log): () => void {
  let wasMissing = false;
  return () => {
    const missing = missingInterface(name);
    if ((missing !== null) === wasMissing) return;
    wasMissing = missing !== null;
    if (missing !== null) log.warn(fields, `waiting for ${what}: ${missing}`);
    else log.info(fields, `${what} is there`);
  };
}
