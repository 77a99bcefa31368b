// The kernel's tables of sockets: /proc/net/{tcp,udp,tcp6,udp6} (proc(5)). Pure.

import type { Ipv4 } from '../../proto/mapping.js';

export interface SocketEntry {
  /** The local IPv4 address, 0 for any; null if the socket takes no IPv4. */
  readonly address: Ipv4 | null;
  readonly port: number;
  /** In hexadecimal, as in net/tcp_states.h. */
  readonly state: string;
  /** The owner's user id. */
  readonly uid: number;
  readonly inode: string;
  /** Bytes in the receive queue. */
  readonly queuedBytes: number;
}

/** The unspecified address of IPv6, whose sockets also take IPv4; and an IPv4 address mapped into IPv6. */
const ANY6 = '0'.repeat(32);
const MAPPED6 = /^0{16}FFFF0000([0-9A-F]{8})$/;

export function readSocketTable(table: string): readonly SocketEntry[] {
  return table
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, local = '', , state = '', queues = '', , , uid = '', , inode = ''] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      return {
        address: ipv4Of(address),
        port: parseInt(port, 16),
        state,
        uid: Number(uid),
        inode,
        queuedBytes: parseInt(queues.split(':')[1] ?? '0', 16),
      };
    });
}

/** The kernel writes each 32 bits in host order. */
function ipv4Of(address: string): Ipv4 | null {
  if (address === ANY6) return 0;
  const inHostOrder = address.length === 8 ? address : MAPPED6.exec(address)?.[1];
  return inHostOrder === undefined ? null : Buffer.from(inHostOrder, 'hex').readUInt32LE(0);
}
