// The ports that the router itself serves: giving one of them to a LAN host would take the service away from it. Pure.

import type { Ipv4 } from '../../proto/mapping.js';
import { readSocketTable } from './socket-table.js';

/** TCP_LISTEN and TCP_CLOSE of net/tcp_states.h: a listening TCP socket, and an unconnected UDP socket. */
const LISTENING = { tcp: '0A', udp: '07' } as const;

/**
 * The ports in one of the kernel's tables of sockets that can be reached from outside: the socket is bound to any
 * address, or to one that is neither loopback nor among the router's own LAN addresses.
 */
export function listeningPorts(
  protocol: 'tcp' | 'udp',
  table: string,
  lanAddresses: readonly Ipv4[],
): readonly number[] {
  const ports = new Set<number>();
  for (const { address, port, state } of readSocketTable(table)) {
    if (state !== LISTENING[protocol]) continue;
    if (address === null || address >>> 24 === 127 || lanAddresses.includes(address)) continue;
    ports.add(port);
  }
  return [...ports].sort((a, b) => a - b);
}
