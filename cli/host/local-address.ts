// Whether an address is this router's: one of an interface, or one of a local route (`ip route add local PREFIX dev lo`).

import { closeSync, readSync, writeSync } from 'node:fs';
import type { Ipv4 } from '../../proto/mapping.js';
import type { Interfaces } from './interfaces.js';
import { readInterfaces } from './interfaces.js';
import { libc } from './libc.js';

const AF_INET = 2;
const AF_NETLINK = 16;
/** SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC. */
const RAW = 3 | 0o4000 | 0o2000000;
/** linux/rtnetlink.h, linux/netlink.h. */
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const NLM_F_REQUEST = 1;
const RTA_DST = 1;
const RTN_LOCAL = 2;
/** Of struct nlmsghdr; of struct rtmsg; where rtm_type is in the latter. */
const [HEADER, RTMSG, TYPE_AT] = [16, 12, 7];

/** One question to the kernel at most: a router may have some hundred thousand routes, so no table is read. */
export function isLocalAddress(address: Ipv4, interfaces: Interfaces = readInterfaces()): boolean {
  for (const lans of interfaces.values()) if (lans.some(({ routerAddress }) => routerAddress === address)) return true;
  return routeType(address) === RTN_LOCAL;
}

/** The type of the route to an address (rtm_type of linux/rtnetlink.h); null if there is none. */
function routeType(address: Ipv4): number | null {
  const fd = libc.socket(AF_NETLINK, RAW, 0);
  if (fd < 0) return null;
  try {
    const question = Buffer.alloc(HEADER + RTMSG + 8);
    question.writeUInt32LE(question.length, 0);
    question.writeUInt16LE(RTM_GETROUTE, 4);
    question.writeUInt16LE(NLM_F_REQUEST, 6);
    question.writeUInt8(AF_INET, HEADER);
    question.writeUInt8(32, HEADER + 1);
    question.writeUInt16LE(8, HEADER + RTMSG);
    question.writeUInt16LE(RTA_DST, HEADER + RTMSG + 2);
    question.writeUInt32BE(address, HEADER + RTMSG + 4);
    writeSync(fd, question);
    // The kernel has answered before the write returns.
    const answer = Buffer.alloc(4096);
    const length = readSync(fd, answer);
    const isRoute = length >= HEADER + RTMSG && answer.readUInt16LE(4) === RTM_NEWROUTE;
    return isRoute ? answer.readUInt8(HEADER + TYPE_AT) : null;
  } catch {
    return null; // no route to it, or no answer
  } finally {
    closeSync(fd);
  }
}
