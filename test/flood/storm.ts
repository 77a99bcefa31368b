// What hostile LAN hosts send: datagrams by number, from as many addresses as there are hosts. Pure and repeatable.

import { OPCODE } from '../load/mappings.js';

/** Half is garbage and half looks as a request should; `valid` is only the latter, `garbage` only the former. */
export const STORMS = ['mixed', 'valid', 'garbage'] as const;
/** Each the same all the time: the shortest request, and the longest one with an unknown opcode. */
export const PLAIN_STORMS = ['address', 'echo'] as const;
export type Storm = (typeof STORMS)[number] | (typeof PLAIN_STORMS)[number];

/** The longest datagram of a storm, in octets. */
export const MOST_OCTETS = 64;
/** That of `echo`. */
export const ECHO_OCTETS = 60_000;
const UNKNOWN_OPCODE = 3;
/** Internal ports a host asks for: it renews and deletes some of what it has. */
const PORTS = 256;
const FIRST_PORT = 20_000;

/** A number of 32 bits from any other (Murmur3's last step): the same storm every time. */
export function scramble(number: number): number {
  let mixed = number | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Write the datagram of this number at `at`; returns its length. There is room for MOST_OCTETS, or for ECHO_OCTETS. */
export function compose(storm: Storm, number: number, into: DataView, at: number): number {
  if (storm === 'address' || storm === 'echo') {
    into.setUint16(at, storm === 'echo' ? UNKNOWN_OPCODE : OPCODE.address);
    return storm === 'echo' ? ECHO_OCTETS : 2;
  }
  const chance = scramble(number);
  const isGarbage = storm === 'garbage' || (storm === 'mixed' && (number & 1) === 0);
  return isGarbage ? garbage(chance, into, at) : request(chance, into, at);
}

function garbage(chance: number, into: DataView, at: number): number {
  const length = chance % (MOST_OCTETS + 1);
  for (let octet = 0; octet < length; octet += 4) into.setUint32(at + octet, scramble(chance + octet));
  return length;
}

/** One in four asks for the address, one in eight deletes; the rest asks for mappings, new ones and held ones. */
function request(chance: number, into: DataView, at: number): number {
  if ((chance & 3) === 0) {
    into.setUint16(at, OPCODE.address);
    return 2;
  }
  const port = FIRST_PORT + ((chance >>> 8) % PORTS);
  into.setUint32(at, ((chance & 4) === 0 ? OPCODE.udp : OPCODE.tcp) << 16);
  into.setUint16(at + 4, port);
  into.setUint16(at + 6, (chance >>> 16) & 0xffff);
  into.setUint32(at + 8, (chance & 0x38) === 0 ? 0 : 60 + (chance % 7200));
  return 12;
}
