// What hostile LAN hosts send: datagrams by number, from as many addresses as there are hosts. Pure and repeatable.

import { HOST_PREFIX6, OPCODE } from '../load/mappings.js';

/** Half is garbage and half looks as a request should; `valid` is only the latter, `garbage` only the former. */
export const STORMS = ['mixed', 'valid', 'garbage'] as const;
/** Each the same all the time: the shortest request, and the longest one with an unknown opcode. */
export const PLAIN_STORMS = ['address', 'echo'] as const;
/** Over IPv6: half garbage and half PCP, and ANNOUNCE requests alone. */
export const PCP_STORMS = ['pcp', 'announce'] as const;
/** To the port of SSDP: searches for all kinds of devices beside garbage, and those whose answer is longest alone. */
export const SSDP_STORMS = ['search', 'search-all'] as const;
/** Of TCP connections to natpmp-upnp (connections.ts). */
export const CONNECTION_STORMS = ['silent', 'slow', 'deaf', 'hasty', 'garbled', 'heavy', 'mappings'] as const;
export type Storm =
  | (typeof STORMS)[number]
  | (typeof PLAIN_STORMS)[number]
  | (typeof PCP_STORMS)[number]
  | (typeof SSDP_STORMS)[number]
  | (typeof CONNECTION_STORMS)[number];

export function isOverIpv6(storm: string): boolean {
  return (PCP_STORMS as readonly string[]).includes(storm);
}

export function isOfSsdp(storm: string): boolean {
  return (SSDP_STORMS as readonly string[]).includes(storm);
}

export function isOfConnections(storm: string): boolean {
  return (CONNECTION_STORMS as readonly string[]).includes(storm);
}

/** The longest datagram of a storm, in octets. */
export const MOST_OCTETS = 64;
/** That of `echo`. */
export const ECHO_OCTETS = 60_000;
const UNKNOWN_OPCODE = 3;
/** That of a storm of searches. */
const SEARCH_OCTETS = 256;
const SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:1';
const SEARCHES = [
  'upnp:rootdevice',
  'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
  'urn:schemas-upnp-org:device:InternetGatewayDevice:2',
  SERVICE,
  'urn:schemas-upnp-org:device:MediaServer:1',
  'uuid:00000000-0000-0000-0000-000000000000',
].map(search);
const SEARCH_ALL = search('ssdp:all');

function search(target: string): Uint8Array {
  return new TextEncoder().encode(
    `M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: ${target}\r\nMAN: "ssdp:discover"\r\nMX: 2\r\n\r\n`,
  );
}

/** The longest datagram of this storm, in octets. */
export function octetsOf(storm: string): number {
  return storm === 'echo' ? ECHO_OCTETS : isOfSsdp(storm) ? SEARCH_OCTETS : MOST_OCTETS;
}
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
 * Write the datagram of this number at `at`; returns its length. There is room for `octetsOf(storm)`.
 * `host`: the last 32 bits of the address that it is sent from.
 */
export function compose(storm: Storm, number: number, into: DataView, at: number, host = 0): number {
  if (storm === 'announce') return pcpHeader(PCP.announce, 0, host, into, at);
  if (storm === 'address' || storm === 'echo') {
    into.setUint16(at, storm === 'echo' ? UNKNOWN_OPCODE : OPCODE.address);
    return storm === 'echo' ? ECHO_OCTETS : 2;
  }
  const chance = scramble(number);
  if (isOfSsdp(storm)) return searchOrGarbage(storm, chance, into, at);
  const isGarbage = storm === 'garbage' || (storm !== 'valid' && (number & 1) === 0);
  if (isGarbage) return garbage(chance, into, at);
  return storm === 'pcp' ? pcpRequest(chance, host, into, at) : request(chance, into, at);
}

function garbage(chance: number, into: DataView, at: number): number {
  const length = chance % (MOST_OCTETS + 1);
  for (let octet = 0; octet < length; octet += 4) into.setUint32(at + octet, scramble(chance + octet));
  return length;
}

/** Of a mixed storm, half are searches with some octets changed. */
function searchOrGarbage(storm: string, chance: number, into: DataView, at: number): number {
  const text = storm === 'search-all' ? SEARCH_ALL : SEARCHES[chance % SEARCHES.length]!;
  for (let octet = 0; octet < text.length; octet++) into.setUint8(at + octet, text[octet]!);
  if (storm === 'search' && (chance & 0x100) !== 0)
    for (let change = 0; change <= (chance & 7); change++) {
      const octet = scramble(chance + change);
      into.setUint8(at + (octet % text.length), octet >>> 24);
    }
  return text.length;
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
