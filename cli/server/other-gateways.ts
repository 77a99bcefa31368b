// Other UPnP gateways on this router: programs take the first that answers a search.

import { readdirSync, readlinkSync } from 'node:fs';
import type { Log } from '../host/log.js';
import { readOr } from '../host/machine.js';

/** What the programs are called, as the kernel cuts it: proc_pid_comm(5). */
const GATEWAYS: readonly string[] = ['miniupnpd', 'upnpd'];

/** One line if another UPnP gateway runs in this network. It may serve another LAN, so it is no reason not to start. */
export function warnOfOtherGateways(log: Log): void {
  const here = networkOf('self');
  const others = readdirSync('/proc').filter(
    (pid) =>
      /^[0-9]+$/.test(pid) && GATEWAYS.includes(readOr(`/proc/${pid}/comm`, '').trim()) && networkOf(pid) === here,
  );
  if (others.length > 0)
    log.warn(
      { pids: others.map(Number) },
      'another UPnP gateway runs here (miniupnpd): on a LAN of both, programs take the first that answers; stop one of them, or turn its UPnP off',
    );
}

function networkOf(pid: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null; // it has ended
  }
}
