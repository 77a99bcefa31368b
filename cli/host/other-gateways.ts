// Other UPnP gateways on this router: programs take the first that answers a search.

import { readdirSync, readlinkSync } from 'node:fs';
import { readOr } from './machine.js';

/** What the programs are called, as the kernel cuts it: proc_pid_comm(5). */
const GATEWAYS: readonly string[] = ['miniupnpd', 'upnpd'];

/** Those that run in this network. They may serve another LAN. */
export function findOtherGateways(): readonly { readonly pid: number; readonly name: string }[] {
  const here = networkOf('self');
  return readdirSync('/proc')
    .filter((pid) => /^[0-9]+$/.test(pid))
    .map((pid) => ({ pid: Number(pid), name: readOr(`/proc/${pid}/comm`, '').trim() }))
    .filter(({ pid, name }) => GATEWAYS.includes(name) && networkOf(String(pid)) === here);
}

function networkOf(pid: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null; // it has ended
  }
}
