// Opens every socket of the daemons, with the launcher's rights; they are passed by number (docs/architecture.md).
// They are close-on-exec: a child gets only those that are passed to it.

import { chmodSync, chownSync, closeSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import type { Ipv4 } from '../../proto/mapping.js';
import { formatIpv4 } from '../../proto/mapping.js';
import { EXIT, Failure } from '../host/failure.js';
import { errorName, libc, nativeInt } from '../host/libc.js';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const FLAGS = 0o4000 | 0o2000000; // SOCK_NONBLOCK | SOCK_CLOEXEC
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_BINDTODEVICE = 25;
const SO_SNDBUFFORCE = 32;
const SO_MARK = 36;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const IP_MULTICAST_ALL = 49;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
export const NETLINK = {
  route: { protocol: 0, none: 0, ipv4AddressesAndRoutes: 16 | 64, linksAndIpv4Addresses: 1 | 16 },
  netfilter: { protocol: 12, none: 0, nftables: 64 },
} as const;

function open(domain: number, type: number, protocol: number): number {
  const fd = libc.socket(domain, type | FLAGS, protocol);
  if (fd < 0) throw new Error(`socket(${domain}, ${type}, ${protocol}): ${errorName()}`);
  return fd;
}

function option(fd: number, level: number, name: number, value: Uint8Array): void {
  if (libc.setsockopt(fd, level, name, value, value.length) !== 0)
    throw new Error(`setsockopt(${level}, ${name}): ${errorName()}`);
}

/** Bind; on failure close and throw. `flag`: another port can be chosen by it; null: none can. */
function bind(fd: number, address: Uint8Array, what: string, flag: string | null = '--listen-port'): number {
  if (libc.bind(fd, address, address.length) === 0) return fd;
  const name = errorName();
  closeSync(fd);
  if (name === 'EADDRINUSE') throw inUse(what, flag);
  if (name === 'EACCES' && flag !== null)
    throw new Failure(EXIT.capability, `${what}: not permitted: run as root, or choose a port above 1023 with ${flag}`);
  throw new Error(`bind ${what}: ${name}`);
}

function inUse(what: string, flag: string | null): Failure {
  const otherwise = flag === null ? 'or make it share the port (SO_REUSEADDR)' : `or choose another ${flag}`;
  return new Failure(EXIT.unavailable, `${what} is in use: stop what listens there (see: ss -lntup), ${otherwise}`);
}

/** Some thousand datagrams: requests wait here while the frontend restarts. */
const UDP_BUFFER_BYTES = 1 << 20;

/**
 * A UDP socket for requests, on any device if `device` is null. Datagrams tell which address they were sent to, because a
 * reply has to come from it (IP_PKTINFO), so that one socket serves all addresses of a device (0.0.0.0).
 */
export function openUdp(address: Ipv4, port: number, device: string | null): number {
  const fd = open(AF_INET, SOCK_DGRAM, 0);
  if (device !== null) option(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device}\0`));
  option(fd, IPPROTO_IP, IP_PKTINFO, nativeInt(1));
  setBuffer(fd, [SO_RCVBUFFORCE, SO_RCVBUF], UDP_BUFFER_BYTES);
  setBuffer(fd, [SO_SNDBUFFORCE, SO_SNDBUF], UDP_BUFFER_BYTES);
  const on = device === null ? '' : ` on ${device}`;
  return bind(fd, sockaddrIn(address, port), `${formatIpv4(address)}:${port}/udp${on}`);
}

/** The same for PCP: all IPv6 addresses of a device, and no IPv4 address. */
export function openUdp6(port: number, device: string): number {
  const fd = open(AF_INET6, SOCK_DGRAM, 0);
  option(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device}\0`));
  option(fd, IPPROTO_IPV6, IPV6_V6ONLY, nativeInt(1));
  option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, nativeInt(1));
  setBuffer(fd, [SO_RCVBUFFORCE, SO_RCVBUF], UDP_BUFFER_BYTES);
  setBuffer(fd, [SO_SNDBUFFORCE, SO_SNDBUF], UDP_BUFFER_BYTES);
  return bind(fd, sockaddrIn6Any(port), `[::]:${port}/udp on ${device}`);
}

/** FORCE may exceed net.core.rmem_max and wmem_max, and needs CAP_NET_ADMIN in the initial user namespace. */
function setBuffer(fd: number, [force, plain]: readonly [number, number], bytes: number): void {
  if (libc.setsockopt(fd, SOL_SOCKET, force, nativeInt(bytes), 4) !== 0)
    option(fd, SOL_SOCKET, plain, nativeInt(bytes));
}

/** Of the simple service discovery protocol (UPnP Device Architecture 1.1 §1). */
export const SSDP_PORT = 1900;
/** A LAN's searches of a few seconds. */
const SSDP_BUFFER_BYTES = 256 << 10;

/**
 * The UDP socket for searches on a device, to all its addresses and to the group, which natpmp-upnp joins itself. Other
 * programs of this router may have the same port (media servers), so it is shared. `mark`: by which the ruleset keeps it to
 * the LANs (socketMarkOf).
 */
export function openSsdp(device: string, mark: number): number {
  const fd = open(AF_INET, SOCK_DGRAM, 0);
  option(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device}\0`));
  option(fd, SOL_SOCKET, SO_REUSEADDR, nativeInt(1));
  option(fd, IPPROTO_IP, IP_PKTINFO, nativeInt(1));
  option(fd, IPPROTO_IP, IP_MULTICAST_ALL, nativeInt(0));
  option(fd, SOL_SOCKET, SO_MARK, nativeInt(mark));
  setBuffer(fd, [SO_RCVBUFFORCE, SO_RCVBUF], SSDP_BUFFER_BYTES);
  return bind(fd, sockaddrIn(0, SSDP_PORT), `0.0.0.0:${SSDP_PORT}/udp on ${device}`, null);
}

/** The TCP socket of UPnP on a device, on all its addresses; with the same mark. */
export function openHttp(port: number, device: string, mark: number): number {
  const fd = openTcpListener(0, port, '--upnp-port', device, 64);
  option(fd, SOL_SOCKET, SO_MARK, nativeInt(mark));
  return fd;
}

/** A listening TCP socket, on an address that can be bound again at once after we have ended. */
export function openTcpListener(
  address: Ipv4,
  port: number,
  flag: string,
  device: string | null = null,
  backlog = 16,
): number {
  const fd = open(AF_INET, SOCK_STREAM, 0);
  if (device !== null) option(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device}\0`));
  option(fd, SOL_SOCKET, SO_REUSEADDR, nativeInt(1));
  const what = `${formatIpv4(address)}:${port}/tcp${device === null ? '' : ` on ${device}`}`;
  bind(fd, sockaddrIn(address, port), what, flag);
  // With SO_REUSEADDR a second socket can bind the same address, but not listen on it.
  if (libc.listen(fd, backlog) === 0) return fd;
  const name = errorName();
  closeSync(fd);
  if (name === 'EADDRINUSE') throw inUse(what, flag);
  throw new Error(`listen ${what}: ${name}`);
}

function sockaddrIn(address: Ipv4, port: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.set(new Uint8Array(Uint16Array.of(AF_INET).buffer));
  bytes.writeUInt16BE(port, 2);
  bytes.writeUInt32BE(address, 4);
  return bytes;
}

/** Of [::]. */
function sockaddrIn6Any(port: number): Uint8Array {
  const bytes = Buffer.alloc(28);
  bytes.set(new Uint8Array(Uint16Array.of(AF_INET6).buffer));
  bytes.writeUInt16BE(port, 2);
  return bytes;
}

/** A netlink socket in these groups (a bit mask), with a buffer for bursts of events. */
export function openNetlink(protocol: number, groups: number, receiveBytes: number): number {
  const fd = open(AF_NETLINK, SOCK_RAW, protocol);
  setBuffer(fd, [SO_RCVBUFFORCE, SO_RCVBUF], receiveBytes);
  const address = new Uint8Array(12);
  address.set(new Uint8Array(Uint16Array.of(AF_NETLINK).buffer));
  address.set(new Uint8Array(Uint32Array.of(groups).buffer), 8);
  return bind(fd, address, `netlink ${protocol}`);
}

export interface SocketFile {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A listening socket file, in place of a stale one; a Failure if a running instance listens there. */
export async function openListener({ path, mode, uid, gid }: SocketFile): Promise<number> {
  if (await isListening(path))
    throw new Failure(EXIT.unavailable, `${path}: another instance runs: stop it, or choose another --run-dir`);
  removeSocketFile(path);
  const fd = open(AF_UNIX, SOCK_STREAM, 0);
  const family = new Uint8Array(Uint16Array.of(AF_UNIX).buffer);
  // No other user may connect before the file has its mode.
  const before = process.umask(0o177);
  try {
    bind(fd, Buffer.concat([family, Buffer.from(`${path}\0`)]), path);
  } finally {
    process.umask(before);
  }
  chownSync(path, uid, gid);
  chmodSync(path, mode);
  if (libc.listen(fd, 128) !== 0) throw new Error(`listen ${path}: ${errorName()}`);
  return fd;
}

/** Whether something listens on the socket file. */
export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Refused: a stale file. Absent: none. A full backlog (EAGAIN) or no permission: something listens.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(!['ECONNREFUSED', 'ENOENT'].includes(error.code ?? '')),
    );
  });
}

export function removeSocketFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
