// The address of the external interface that a frontend tells clients, found as the frontend finds it.

import { closeSync } from 'node:fs';
import type { Ipv4 } from '../../proto/mapping.js';
import { AddressWatch } from '../../caller/route/address.js';
import { routeSocket } from '../../caller/route/socket.js';
import { schedule } from '../../caller/schedule.js';
import { errorName, libc } from '../host/libc.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const FLAGS = 0o4000 | 0o2000000; // SOCK_NONBLOCK | SOCK_CLOEXEC
const NETLINK_ROUTE = 0;

/** Null if the interface has none, or if there is no such interface. */
export function externalAddressOn(interfaceName: string): Ipv4 | null {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | FLAGS, NETLINK_ROUTE);
  if (fd < 0) throw new Error(`socket: ${errorName()}`);
  try {
    const ignore = (): void => {};
    const watch = new AddressWatch(routeSocket(fd), interfaceName, ignore, ignore, schedule);
    watch.poll();
    return watch.address;
  } finally {
    closeSync(fd);
  }
}
