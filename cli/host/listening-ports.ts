// The ports that the router itself serves towards the outside: giving one of them to a LAN host would take the service
// away from it, or the mapping would not be reached. Pure.

import { userOf } from '../../process/user-of.js';
import type { Ipv4, PortRange } from '../../proto/mapping.js';
import type { BoundSocket } from './bound-sockets.js';
import { PortSet } from './port-set.js';

/** Where packets from outside arrive. */
export interface OutsideView {
  /** The indexes of the external interface, and of the VRF device that it may belong to; empty if there is none. */
  readonly devices: readonly number[];
  /** Addresses of the other interfaces: what is bound to one of these serves the LAN, a tunnel, or this host. */
  readonly otherAddresses: ReadonlySet<Ipv4>;
}

/** The ports that the kernel gives to sockets without a port of their own: net.ipv4.ip_local_port_range. */
export type EphemeralPorts = PortRange;

/**
 * Ports of one user other than root that count, the lowest ones: any local user may open sockets, but may not keep the
 * LAN from all ports. The kernel hands packets to the router's own socket in any case. All uids of containers are one
 * user (process/user-of.ts).
 */
export const MAX_PORTS_OF_USER = 256;

export interface ServedPorts {
  readonly ports: PortSet;
  /** Ports of root's sockets alone. */
  readonly ofRoot: PortSet;
  /** Users with more than MAX_PORTS_OF_USER; FIRST_SUBORDINATE for all from there on. */
  readonly capped: readonly { readonly uid: number; readonly ports: number }[];
}

/** Whether packets from outside reach the socket. */
export function isReachable({ address, device }: BoundSocket, { devices, otherAddresses }: OutsideView): boolean {
  if (address === null || (device !== 0 && !devices.includes(device))) return false;
  // Loopback; multicast and broadcast addresses, on which nothing from outside is answered.
  if (address >>> 24 === 127 || address >>> 24 >= 224) return false;
  return !otherAddresses.has(address);
}

/**
 * @param before The inodes of the sockets at the look before. A user's UDP socket on a port that the kernel chose is
 *   often there for one DNS query only: it counts from the second look on.
 */
export function servedPorts(
  sockets: readonly BoundSocket[],
  outside: OutsideView,
  ephemeral: EphemeralPorts,
  before: ReadonlySet<number>,
): ServedPorts {
  const byUser = new Map<number, Set<number>>();
  for (const socket of sockets) {
    const { protocol, port, uid, inode } = socket;
    if (!isReachable(socket, outside)) continue;
    const isBrief = uid !== 0 && protocol === 'udp' && port >= ephemeral.from && port <= ephemeral.to;
    if (isBrief && !before.has(inode)) continue;
    const ports = byUser.get(userOf(uid)) ?? new Set();
    byUser.set(userOf(uid), ports.add(port));
  }
  const single = (ports: Iterable<number>) => PortSet.of([...ports].map((port) => ({ from: port, to: port })));
  const ofRoot = single(byUser.get(0) ?? []);
  const others = [...byUser].filter(([uid]) => uid !== 0);
  return {
    ofRoot,
    ports: others.reduce(
      (all, [, ports]) => all.or(single([...ports].sort((a, b) => a - b).slice(0, MAX_PORTS_OF_USER))),
      ofRoot,
    ),
    capped: others.flatMap(([uid, { size }]) => (size > MAX_PORTS_OF_USER ? [{ uid, ports: size }] : [])),
  };
}
