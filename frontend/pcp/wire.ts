// The gateway's codec of PCP (RFC 6887): requests to values, replies to bytes. Pure: no I/O, no clock, no log. PCP is
// served over IPv6 alone; over IPv4, frontend/wire.ts answers every version but NAT-PMP's.

import type { Ipv6, Protocol } from '../../proto/mapping.js';
import { protocolOf } from '../../proto/mapping.js';
import { putUint16, putUint32, uint16, uint32 } from '../../caller/bytes.js';

/** The version that is spoken (§9). */
export const VERSION = 2;

/** Opcodes (§7.1); a response carries its request's opcode with the top bit set (R, §7.2). */
export const OPCODE = { ANNOUNCE: 0, MAP: 1, RESPONSE: 128 } as const;

/** Result codes (§7.4). */
export const PCP_RESULT = {
  SUCCESS: 0,
  UNSUPP_VERSION: 1,
  NOT_AUTHORIZED: 2,
  MALFORMED_REQUEST: 3,
  UNSUPP_OPCODE: 4,
  UNSUPP_OPTION: 5,
  MALFORMED_OPTION: 6,
  NETWORK_FAILURE: 7,
  NO_RESOURCES: 8,
  UNSUPP_PROTOCOL: 9,
  USER_EX_QUOTA: 10,
  CANNOT_PROVIDE_EXTERNAL: 11,
  ADDRESS_MISMATCH: 12,
  EXCESSIVE_REMOTE_PEERS: 13,
} as const;
export type PcpResultName = keyof typeof PCP_RESULT;
export type PcpErrorName = Exclude<PcpResultName, 'SUCCESS'>;

/** The names of result codes, by number. */
export const PCP_RESULT_NAMES = Object.keys(PCP_RESULT) as readonly PcpResultName[];

/**
 * How long a client should expect the same error (§7.4), in seconds. Never 0: some clients take that as final. What may
 * pass soon is short; what a change of configuration or of the request would change is long.
 */
const SHORT_ERROR_SECONDS = 30;
const LONG_ERROR_SECONDS = 1800;
const SHORT_ERRORS: ReadonlySet<PcpErrorName> = new Set(['NETWORK_FAILURE', 'NO_RESOURCES', 'USER_EX_QUOTA']);

/** The errors of a request that could not be read to its end. Their replies keep the reserved field of §7.2. */
const SYNTAX_ERRORS: ReadonlySet<PcpErrorName> = new Set([
  'UNSUPP_VERSION',
  'MALFORMED_REQUEST',
  'UNSUPP_OPCODE',
  'UNSUPP_OPTION',
  'MALFORMED_OPTION',
]);

/** Lengths in bytes: the header (§7.1), a MAP request or reply without options (§11.1), the longest message (§7). */
export const PCP_LENGTH = { HEADER: 24, MAP: 60, MAX: 1100 } as const;

// Offsets in requests and replies (§7.1, §7.2, §11.1).
const AT = {
  RESULT: 3,
  LIFETIME: 4,
  CLIENT: 8,
  EPOCH: 8,
  RESERVED: 12,
  NONCE: 24,
  PROTOCOL: 36,
  INTERNAL_PORT: 40,
  EXTERNAL_PORT: 42,
  EXTERNAL_ADDRESS: 44,
} as const;
const NONCE_BYTES = 12;
const ADDRESS_BYTES = 16;

/** Options (§7.3, §13.2). Codes from OPTIONAL on may be ignored (§7.3). */
const OPTION = { PREFER_FAILURE: 2, OPTIONAL: 128 } as const;
const OPTION_HEADER_BYTES = 4;

/** "No address" (§5): any that is of IPv6. That of IPv4, ::ffff:0.0.0.0, asks for an IPv4 address (NAT64). */
const NO_ADDRESS = '0'.repeat(32);

export type PcpDecoded =
  | { readonly kind: 'drop'; readonly why: 'runt' | 'response' }
  | { readonly kind: 'error'; readonly result: PcpErrorName }
  | { readonly kind: 'announce' }
  | PcpMapRequest
  | PcpDeleteRequest;

/** Open a port, or keep it open (§11.1). */
export interface PcpMapRequest {
  readonly kind: 'map';
  readonly protocol: Protocol;
  /** 1..65535 */
  readonly port: number;
  /** Seconds, 1..2^32-1. */
  readonly lifetime: number;
  /** 24 hexadecimal digits. */
  readonly nonce: string;
  /** PREFER_FAILURE (§13.2): nothing but what is suggested will do. */
  readonly prefersFailure: boolean;
  /** The suggestion names this address and port, or no address and this port. */
  readonly suggestsOwn: boolean;
}

/** Close a port (§15.1). */
export interface PcpDeleteRequest {
  readonly kind: 'delete';
  /** Null for a mapping of all ports or of all protocols, which nobody has. */
  readonly endpoint: { readonly protocol: Protocol; readonly port: number } | null;
  readonly nonce: string;
}

// Constants, because floods are made of these.
const RUNT: PcpDecoded = { kind: 'drop', why: 'runt' };
const RESPONSE: PcpDecoded = { kind: 'drop', why: 'response' };
const ANNOUNCE: PcpDecoded = { kind: 'announce' };
const ERRORS = Object.fromEntries(PCP_RESULT_NAMES.map((result) => [result, { kind: 'error', result }])) as Readonly<
  Record<PcpErrorName, PcpDecoded>
>;

/**
 * Decode one datagram (§8.2). Total: never throws. The order of the checks is the RFC's: version, length, address,
 * opcode, the opcode's fields, options.
 *
 * @param source The sender's address.
 */
export function decodePcp(datagram: Uint8Array, source: Ipv6): PcpDecoded {
  if (datagram.length < 2) return RUNT;
  const opcode = datagram[1]!;
  // Checked before the version: two servers that answer each other's errors would never stop.
  if (opcode >= OPCODE.RESPONSE) return RESPONSE;
  if (datagram[0] !== VERSION) return ERRORS.UNSUPP_VERSION;
  if (datagram.length < PCP_LENGTH.HEADER) return RUNT;
  if (datagram.length > PCP_LENGTH.MAX || datagram.length % 4 !== 0) return ERRORS.MALFORMED_REQUEST;
  const fields = hexFrom(datagram, AT.CLIENT, PCP_LENGTH.MAP);
  if (fields.slice(0, 2 * ADDRESS_BYTES) !== source) return ERRORS.ADDRESS_MISMATCH;
  if (opcode === OPCODE.MAP) return decodeMap(datagram, source, fields);
  if (opcode !== OPCODE.ANNOUNCE) return ERRORS.UNSUPP_OPCODE;
  // §14.1.2: the lifetime is ignored. No option belongs to this opcode.
  const options = decodeOptions(datagram, PCP_LENGTH.HEADER);
  if (typeof options === 'string') return ERRORS[options];
  return options ? ERRORS.MALFORMED_OPTION : ANNOUNCE;
}

/** `fields`: the bytes from the client address to the end of the suggested one, in hexadecimal. */
function decodeMap(datagram: Uint8Array, source: Ipv6, fields: string): PcpDecoded {
  if (datagram.length < PCP_LENGTH.MAP) return ERRORS.MALFORMED_REQUEST;
  const lifetime = uint32(datagram, AT.LIFETIME);
  const number = datagram[AT.PROTOCOL]!;
  const port = uint16(datagram, AT.INTERNAL_PORT);
  const protocol = protocolOf(number);
  if (number !== 0 && protocol === null) return ERRORS.UNSUPP_PROTOCOL;
  // §11.1: all protocols have no port. All protocols, or all ports of one, are not opened here.
  if (lifetime !== 0 && number === 0 && port !== 0) return ERRORS.MALFORMED_REQUEST;
  if (lifetime !== 0 && (protocol === null || port === 0)) return ERRORS.UNSUPP_PROTOCOL;

  const prefersFailure = decodeOptions(datagram, PCP_LENGTH.MAP);
  if (typeof prefersFailure === 'string') return ERRORS[prefersFailure];
  const nonceAt = 2 * (AT.NONCE - AT.CLIENT);
  const nonce = fields.slice(nonceAt, nonceAt + 2 * NONCE_BYTES);
  const suggestedPort = uint16(datagram, AT.EXTERNAL_PORT);
  if (prefersFailure && (lifetime === 0 || suggestedPort === 0)) return ERRORS.MALFORMED_OPTION;
  if (protocol === null || port === 0) return { kind: 'delete', endpoint: null, nonce };
  if (lifetime === 0) return { kind: 'delete', endpoint: { protocol, port }, nonce };
  const suggestedAddress = fields.slice(2 * (AT.EXTERNAL_ADDRESS - AT.CLIENT));
  const suggestsOwn = suggestedPort === port && (suggestedAddress === source || suggestedAddress === NO_ADDRESS);
  return { kind: 'map', protocol, port, lifetime, nonce, prefersFailure, suggestsOwn };
}

/**
 * The options from this offset to the end, which is a multiple of 4 (§7.3): whether PREFER_FAILURE is one of them, or the
 * error of the first wrong one.
 */
function decodeOptions(datagram: Uint8Array, from: number): boolean | 'UNSUPP_OPTION' | 'MALFORMED_OPTION' {
  let prefersFailure = false;
  for (let at = from; at < datagram.length; ) {
    const code = datagram[at]!;
    const length = uint16(datagram, at + 2);
    const next = at + OPTION_HEADER_BYTES + ((length + 3) & ~3);
    if (next > datagram.length) return 'MALFORMED_OPTION';
    if (code < OPTION.OPTIONAL && code !== OPTION.PREFER_FAILURE) return 'UNSUPP_OPTION';
    if (code === OPTION.PREFER_FAILURE) {
      if (length !== 0 || prefersFailure) return 'MALFORMED_OPTION';
      prefersFailure = true;
    }
    at = next;
  }
  return prefersFailure;
}

/** The reply to ANNOUNCE, and the announcement of a possible loss of state for ALL_NODES (§14.1.2, §14.1.3). */
export function encodeAnnounce(epoch: number): Uint8Array {
  const reply = new Uint8Array(PCP_LENGTH.HEADER);
  putHeader(reply, OPCODE.ANNOUNCE, 'SUCCESS', 0, epoch);
  return reply;
}

/**
 * The reply to a MAP request that was granted (§11.1): what was opened is the client's own address and port. It has the
 * option that was processed, and no other.
 *
 * @param lifetime Seconds that were granted.
 */
export function encodeGranted(
  datagram: Uint8Array,
  { port, prefersFailure }: PcpMapRequest,
  lifetime: number,
  epoch: number,
): Uint8Array {
  const reply = new Uint8Array(PCP_LENGTH.MAP + (prefersFailure ? OPTION_HEADER_BYTES : 0));
  reply.set(datagram.subarray(AT.NONCE, AT.PROTOCOL + 1), AT.NONCE);
  putHeader(reply, OPCODE.MAP, 'SUCCESS', lifetime, epoch);
  putUint16(reply, AT.INTERNAL_PORT, port);
  putUint16(reply, AT.EXTERNAL_PORT, port);
  // §8.2: the client's address is the sender's, or the request would have been refused.
  reply.set(datagram.subarray(AT.CLIENT, AT.CLIENT + ADDRESS_BYTES), AT.EXTERNAL_ADDRESS);
  if (prefersFailure) reply[PCP_LENGTH.MAP] = OPTION.PREFER_FAILURE;
  return reply;
}

/** The reply to a deletion (§15.1): lifetime 0, and the suggestions as they came. */
export function encodeDeleted(datagram: Uint8Array, epoch: number): Uint8Array {
  const reply = new Uint8Array(PCP_LENGTH.MAP);
  reply.set(datagram.subarray(AT.NONCE, PCP_LENGTH.MAP), AT.NONCE);
  reply.fill(0, AT.PROTOCOL + 1, AT.INTERNAL_PORT);
  putHeader(reply, OPCODE.MAP, 'SUCCESS', 0, epoch);
  return reply;
}

/**
 * The reply for an error (§8.2): the request with the header of a reply, cut to 1,100 bytes and padded to a multiple of
 * 4. So it is no longer than the request, but for a request that is shorter than a header.
 *
 * @param lifetime Seconds for which the same answer is to be expected, if it is neither that of a short nor of a long
 * error.
 */
export function encodePcpError(
  datagram: Uint8Array,
  result: PcpErrorName,
  epoch: number,
  lifetime = SHORT_ERRORS.has(result) ? SHORT_ERROR_SECONDS : LONG_ERROR_SECONDS,
): Uint8Array {
  const kept = datagram.subarray(0, PCP_LENGTH.MAX);
  const reply = new Uint8Array(Math.max(PCP_LENGTH.HEADER, (kept.length + 3) & ~3));
  reply.set(kept);
  // §7.2: zero if the request could be read, else the last 96 bits of its client address, which are there already.
  if (!SYNTAX_ERRORS.has(result)) reply.fill(0, AT.RESERVED, PCP_LENGTH.HEADER);
  putHeader(reply, datagram[1]!, result, lifetime, epoch);
  return reply;
}

/** The epoch time in seconds (§8.5), from SSSoE: never 0, which some clients take for none. */
export function epochTime(sssoe: number): number {
  return Math.max(1, sssoe);
}

function putHeader(reply: Uint8Array, opcode: number, result: PcpResultName, lifetime: number, epoch: number): void {
  reply[0] = VERSION;
  reply[1] = OPCODE.RESPONSE | opcode;
  reply[2] = 0;
  reply[AT.RESULT] = PCP_RESULT[result];
  putUint32(reply, AT.LIFETIME, lifetime);
  putUint32(reply, AT.EPOCH, epoch);
}

/** The bytes from one offset to another, or to their end. */
function hexFrom(bytes: Uint8Array, from: number, to: number): string {
  const octets = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return octets.toString('hex', from, to);
}
