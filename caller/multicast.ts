// IPv4 multicast on inherited UDP sockets, by system calls that Node's dgram makes only for sockets of its own: ip(7).
// The kernel does this in the network namespace of the socket, so a process in an empty one can.

import koffi from 'koffi';
import type { Ipv4 } from '../proto/mapping.js';
import { putUint32 } from './bytes.js';
import { setsockopt } from './datagrams.js';

// include/uapi/linux/in.h
const IPPROTO_IP = 0;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_DROP_MEMBERSHIP = 36;
const IP_MULTICAST_ALL = 49;
/** struct ip_mreqn: the group, an address that chooses the interface if there is no index, and the index. */
const MREQN_BYTES = 12;
const INTERFACE_AT = 8;
const EADDRINUSE = 98;

/**
 * Set up multicast for this socket: what it sends has this TTL and is not heard on this machine; it gets datagrams of
 * those groups alone that it has joined itself, and not of those that other programs have.
 *
 * @param ttl 1-255: how many routers forward what it sends, and one more.
 * @throws If a system call fails.
 */
export function prepareMulticast(fd: number, ttl: number): void {
  for (const [option, value] of [
    [IP_MULTICAST_TTL, ttl],
    [IP_MULTICAST_LOOP, 0],
    [IP_MULTICAST_ALL, 0],
  ] as const) {
    const bytes = new Uint8Array(Int32Array.of(value).buffer);
    if (setsockopt(fd, IPPROTO_IP, option, bytes, bytes.length) !== 0)
      throw new Error(`file descriptor ${fd}: multicast option ${option}: errno ${koffi.errno()}`);
  }
}

/**
 * Join a group on an interface, which needs no address. The membership ends with the socket. A socket that is a member
 * leaves and joins: of an interface that was deleted and created again with the same index, only the socket remembers that.
 *
 * @returns 0 if the socket is a member now; else the errno: ENODEV if there is no such interface.
 */
export function joinGroup(fd: number, group: Ipv4, interfaceIndex: number): number {
  const mreqn = new Uint8Array(MREQN_BYTES);
  putUint32(mreqn, 0, group);
  mreqn.set(new Uint8Array(Int32Array.of(interfaceIndex).buffer), INTERFACE_AT);
  const set = (option: number): number =>
    setsockopt(fd, IPPROTO_IP, option, mreqn, mreqn.length) === 0 ? 0 : koffi.errno();
  const errno = set(IP_ADD_MEMBERSHIP);
  if (errno !== EADDRINUSE) return errno;
  set(IP_DROP_MEMBERSHIP);
  return set(IP_ADD_MEMBERSHIP);
}
