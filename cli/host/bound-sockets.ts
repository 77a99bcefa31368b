// The sockets of this network namespace that take packets of strangers: listening TCP sockets and unconnected UDP
// sockets. From the kernel's socket diagnostics (sock_diag(7), linux/inet_diag.h), which tell device and owner; from
// /proc/net (proc(5)) if this kernel lacks them.

import { closeSync, readSync, writeSync } from 'node:fs';
import type { Ipv4 } from '../../proto/mapping.js';
import { libc } from './libc.js';
import { readOr } from './machine.js';
import { readSocketTable } from './socket-table.js';

export interface BoundSocket {
  readonly protocol: 'tcp' | 'udp';
  /** The local IPv4 address, 0 for any; null if the socket takes no IPv4. */
  readonly address: Ipv4 | null;
  readonly port: number;
  /** The index of the interface that it is bound to; 0 for none, or if it is not known. */
  readonly device: number;
  readonly uid: number;
  readonly inode: number;
}

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const REQUEST_DUMP = 0x301; // NLM_F_REQUEST | NLM_F_DUMP
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const PROTOCOLS = [
  // The state of those wanted: TCP_LISTEN, TCP_CLOSE of net/tcp_states.h.
  { protocol: 'tcp', number: 6, state: 10 },
  { protocol: 'udp', number: 17, state: 7 },
] as const;
const DIAG_MESSAGE_BYTES = 72;
const INET_DIAG_SKV6ONLY = 11;

export function readBoundSockets(): readonly BoundSocket[] {
  return readDiagnostics() ?? readProc();
}

/** Null if the kernel has no socket diagnostics. */
function readDiagnostics(): readonly BoundSocket[] | null {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return null;
  try {
    const found: BoundSocket[] = [];
    for (const { protocol, number, state } of PROTOCOLS) {
      for (const family of [AF_INET, AF_INET6]) {
        writeSync(fd, dumpRequest(family, number, state));
        if (!readDump(fd, protocol, found)) return null;
      }
    }
    return found;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** struct nlmsghdr, struct inet_diag_req_v2. Numbers are in host order, which is little-endian. */
export function dumpRequest(family: number, protocol: number, state: number): Buffer {
  const request = Buffer.alloc(72);
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  request.writeUInt16LE(REQUEST_DUMP, 6);
  request.writeUInt8(family, 16);
  request.writeUInt8(protocol, 17);
  request.writeUInt32LE(1 << state, 20);
  return request;
}

/** False if the kernel answers with an error: it does not have this family or protocol here. */
function readDump(fd: number, protocol: 'tcp' | 'udp', found: BoundSocket[]): boolean {
  // The kernel fills at most 32 KiB for each read.
  const buffer = Buffer.allocUnsafe(65_536);
  for (;;) {
    const end = decodeDump(buffer.subarray(0, readSync(fd, buffer)), protocol, found);
    if (end !== 'more') return end === 'done';
  }
}

/** Pure: adds the sockets in one datagram of a dump. */
export function decodeDump(datagram: Buffer, protocol: 'tcp' | 'udp', found: BoundSocket[]): 'more' | 'done' | 'error' {
  for (let at = 0; at + 16 <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    const type = datagram.readUInt16LE(at + 4);
    if (type === NLMSG_DONE) return 'done';
    if (type === NLMSG_ERROR || length < 16 || at + length > datagram.length) return 'error';
    if (length >= 16 + DIAG_MESSAGE_BYTES) found.push(decodeSocket(datagram.subarray(at + 16, at + length), protocol));
    at += (length + 3) & ~3;
  }
  return 'more';
}

/** struct inet_diag_msg: ports and addresses are in network order. */
function decodeSocket(message: Buffer, protocol: 'tcp' | 'udp'): BoundSocket {
  const isIpv6 = message[0] === AF_INET6;
  return {
    protocol,
    address: isIpv6 ? ipv4In(message) : message.readUInt32BE(8),
    port: message.readUInt16BE(4),
    device: message.readUInt32LE(40),
    uid: message.readUInt32LE(64),
    inode: message.readUInt32LE(68),
  };
}

/** The unspecified address takes IPv4 as well, without IPV6_V6ONLY; so does an IPv4-mapped one. */
function ipv4In(message: Buffer): Ipv4 | null {
  const [high, middle, low] = [message.readBigUInt64BE(8), message.readUInt32BE(16), message.readUInt32BE(20)];
  if (high !== 0n) return null;
  if (middle === 0xffff) return low;
  return middle === 0 && low === 0 && !isIpv6Only(message) ? 0 : null;
}

function isIpv6Only(message: Buffer): boolean {
  for (let at = DIAG_MESSAGE_BYTES; at + 4 <= message.length; ) {
    const length = message.readUInt16LE(at);
    if (length < 4) return false;
    if (message.readUInt16LE(at + 2) === INET_DIAG_SKV6ONLY) return message[at + 4] === 1;
    at += (length + 3) & ~3;
  }
  return false;
}

/** Without devices: a socket that is bound to one counts as if it were not. */
function readProc(): readonly BoundSocket[] {
  return PROTOCOLS.flatMap(({ protocol, state }) =>
    [protocol, `${protocol}6`].flatMap((file) =>
      readSocketTable(readOr(`/proc/net/${file}`, ''))
        .filter((socket) => parseInt(socket.state, 16) === state)
        .map(({ address, port, uid, inode }) => ({ protocol, address, port, device: 0, uid, inode: Number(inode) })),
    ),
  );
}
