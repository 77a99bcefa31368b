// What hostile LAN hosts send: datagrams by number, from as many addresses as there are hosts. Pure and repeatable.

import { HOST_PREFIX6, OPCODE } from '../load/mappings.js';

/** Half is garbage and half looks as a request should; `valid` is only the latter, `garbage` only the former. */
export const STORMS = ['mixed', 'valid', 'garbage'] as const;
/** Each the same all the time: the shortest request, and the longest one with an unknown opcode. */
export const PLAIN_STORMS = ['address', 'echo'] as const;
/** Over IPv6: half garbage and half PCP, and ANNOUNCE requests alone. */
export const PCP_STORMS = ['pcp', 'announce'] as const;
export type Storm = (typeof STORMS)[number] | (typeof PLAIN_STORMS)[number] | (typeof PCP_STORMS)[number];

export function isOverIpv6(storm: string): boolean {
  return (PCP_STORMS as readonly string[]).includes(storm);
}

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

/**
 * Write the datagram of this number at `at`; returns its length. There is room for MOST_OCTETS, or for ECHO_OCTETS.
 * `host`: the last 32 bits of the address that it is sent from.
 */
export function compose(storm: Storm, number: number, into: DataView, at: number, host = 0): number {
  if (storm === 'announce') return pcpHeader(PCP.announce, 0, host, into, at);
  if (storm === 'address' || storm === 'echo') {
    into.setUint16(at, storm === 'echo' ? UNKNOWN_OPCODE : OPCODE.address);
    return storm === 'echo' ? ECHO_OCTETS : 2;
  }
  const chance = scramble(number);
  const isGarbage = storm === 'garbage' || (storm !== 'valid' && (number & 1) === 0);
  if (isGarbage) return garbage(chance, into, at);
  return storm === 'pcp' ? pcpRequest(chance, host, into, at) : request(chance, into, at);
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

/** Version and opcode; and where fields are: figures 2 and 9 of RFC 6887. */
const PCP = { announce: 0x0200, map: 0x0201, header: 24, octets: 60, client: 8, nonce: 24, protocol: 36 } as const;

function pcpHeader(opcode: number, lifetime: number, host: number, into: DataView, at: number): number {
  into.setUint32(at, opcode << 16);
  into.setUint32(at + 4, lifetime);
  for (let word = 0; word < 3; word++)
    into.setUint32(at + PCP.client + 4 * word, Number.parseInt(HOST_PREFIX6.slice(8 * word, 8 * word + 8), 16));
  into.setUint32(at + PCP.client + 12, host);
  return PCP.header;
}

/** One in four is an ANNOUNCE, one in eight deletes; the rest asks for pinholes, one in four with another nonce. */
function pcpRequest(chance: number, host: number, into: DataView, at: number): number {
  if ((chance & 3) === 0) return pcpHeader(PCP.announce, 0, host, into, at);
  pcpHeader(PCP.map, (chance & 0x38) === 0 ? 0 : 60 + (chance % 7200), host, into, at);
  for (let octet = PCP.nonce; octet < PCP.octets; octet += 4) into.setUint32(at + octet, 0);
  into.setUint32(at + PCP.nonce, (chance & 0xc0) === 0 ? chance : 0);
  into.setUint8(at + PCP.protocol, (chance & 4) === 0 ? 17 : 6);
  const port = FIRST_PORT + ((chance >>> 8) % PORTS);
  into.setUint16(at + PCP.protocol + 4, port);
  into.setUint16(at + PCP.protocol + 6, port);
  return PCP.octets;
}
