// The ports that the router itself serves on: giving one of them to a LAN host would take the service away from it.
// Pure: the kernel's lists of sockets (proc(5)) are arguments.

import type { Ipv4 } from '../../proto/mapping.js';

/** TCP_LISTEN and TCP_CLOSE of net/tcp_states.h: a listening TCP socket, and a UDP socket that is not connected. */
const WAITING = { tcp: '0A', udp: '07' } as const;

/** An address in /proc/net/tcp6 that also takes IPv4: the unspecified one, or an IPv4 address in IPv6 clothes. */
const ANY6 = '0'.repeat(32);
const MAPPED6 = /^0{16}FFFF0000([0-9A-F]{8})$/;

/**
 * The ports of one of /proc/net/{tcp,udp,tcp6,udp6} that can be reached from outside: those that wait on any address,
 * or on one that is neither loopback nor one of `inside`, the router's addresses in its LANs.
 */
export function listeningPorts(protocol: 'tcp' | 'udp', list: string, inside: readonly Ipv4[]): readonly number[] {
  const ports = new Set<number>();
  for (const line of list.split('\n').slice(1)) {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    if (state !== WAITING[protocol]) continue;
    const ipv4 = ipv4Of(address);
    if (ipv4 === null || ipv4 >>> 24 === 127 || inside.includes(ipv4)) continue;
    ports.add(parseInt(port, 16));
  }
  return [...ports].sort((a, b) => a - b);
}

/**
 * The IPv4 address a socket waits on, 0 for any; null where it takes no IPv4. /proc writes each 32 bits in host order.
 */
function ipv4Of(address: string): Ipv4 | null {
  if (address === ANY6) return 0;
  const inHostOrder = address.length === 8 ? address : MAPPED6.exec(address)?.[1];
  if (inHostOrder === undefined) return null;
  return Buffer.from(inHostOrder, 'hex').readUInt32LE(0);
}
