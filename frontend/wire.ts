// The gateway's codec of RFC 6886 §3: requests to values, replies to bytes. Pure: no I/O, no clock, no log. The
// client's codec is cli/client/packets.ts.

import { putUint16, putUint32, uint16, uint32 } from '../caller/bytes.js';
import type { Ipv4, Protocol } from '../proto/mapping.js';

/** Opcodes (§3.2, §3.3); a response carries its request's opcode with the top bit set (§3). */
export const OP = { EXTERNAL_ADDRESS: 0, MAP_UDP: 1, MAP_TCP: 2, RESPONSE: 128 } as const;

/** Result codes (§3.5). */
export const RESULT = {
  SUCCESS: 0,
  UNSUPPORTED_VERSION: 1,
  NOT_AUTHORIZED: 2,
  NETWORK_FAILURE: 3,
  OUT_OF_RESOURCES: 4,
  UNSUPPORTED_OPCODE: 5,
} as const;
export type ResultName = keyof typeof RESULT;
export type ResultCode = (typeof RESULT)[ResultName];

/** The names of result codes, by number. */
export const RESULT_NAMES = Object.keys(RESULT) as readonly ResultName[];

/** The UDP ports for requests (§3) and for announcements (§3.2.1). */
export const PORT = { GATEWAY: 5351, ANNOUNCEMENT: 5350 } as const;
export const ANNOUNCEMENT_GROUP = '224.0.0.1';

/** The length of each layout in octets; `ERROR` is the least (§3.5). */
export const LENGTH = { ADDRESS_REQUEST: 2, ADDRESS_REPLY: 12, MAP_REQUEST: 12, MAP_REPLY: 16, ERROR: 8 } as const;

/**
 * The longest reply in bytes, and the longest request with an unknown opcode that is answered, because its reply is as
 * long (§3.5). It is the longest message of PCP (RFC 6887 §7), which shares the port; nothing longer needs an answer, and
 * with a forged source address it would be a packet of anyone's choice for another host.
 */
export const MAX_REPLY_BYTES = 1100;

export interface MapRequest {
  readonly kind: 'map';
  readonly protocol: Protocol;
  readonly internalPort: number;
  readonly suggestedExternalPort: number;
  /** Seconds; 0 for a deletion (§3.4). */
  readonly lifetime: number;
}

export type Decoded =
  | { readonly kind: 'drop'; readonly why: 'runt' | 'response' | 'truncated' }
  | { readonly kind: 'unsupported-version' }
  | { readonly kind: 'unsupported-opcode' }
  | { readonly kind: 'external-address' }
  | MapRequest;

// Constants, because most datagrams are one of these.
const RUNT: Decoded = { kind: 'drop', why: 'runt' };
const RESPONSE: Decoded = { kind: 'drop', why: 'response' };
const TRUNCATED: Decoded = { kind: 'drop', why: 'truncated' };
const UNSUPPORTED_VERSION: Decoded = { kind: 'unsupported-version' };
const UNSUPPORTED_OPCODE: Decoded = { kind: 'unsupported-opcode' };
const EXTERNAL_ADDRESS: Decoded = { kind: 'external-address' };

/** Decode one datagram (§3). Total: never throws. Octets after a request are ignored. */
export function decode(datagram: Uint8Array): Decoded {
  if (datagram.length < 2) return RUNT;
  const opcode = datagram[1]!;
  // Checked before the version: two gateways that answer each other's errors would never stop (§3.5).
  if (opcode >= OP.RESPONSE) return RESPONSE;
  if (datagram[0] !== 0) return UNSUPPORTED_VERSION;
  if (opcode === OP.EXTERNAL_ADDRESS) return EXTERNAL_ADDRESS;
  if (opcode !== OP.MAP_UDP && opcode !== OP.MAP_TCP) return UNSUPPORTED_OPCODE;
  if (datagram.length < LENGTH.MAP_REQUEST) return TRUNCATED;
  return {
    kind: 'map',
    protocol: opcode === OP.MAP_UDP ? 'udp' : 'tcp',
    // §3.3: the reserved octets 2 and 3 are ignored.
    internalPort: uint16(datagram, 4),
    suggestedExternalPort: uint16(datagram, 6),
    lifetime: uint32(datagram, 8),
  };
}

/** The reply to an external address request (§3.2); the address field is 0 for null. */
export function encodeAddressReply(result: ResultCode, sssoe: number, address: Ipv4 | null): Uint8Array {
  const reply = header(LENGTH.ADDRESS_REPLY, OP.EXTERNAL_ADDRESS, result, sssoe);
  putUint32(reply, 8, address ?? 0);
  return reply;
}

/** The announcement of a possible change of state, for ANNOUNCEMENT_GROUP (§3.2.1). */
export function encodeAnnouncement(sssoe: number, address: Ipv4): Uint8Array {
  return encodeAddressReply(RESULT.SUCCESS, sssoe, address);
}

export interface MappingResult {
  readonly result: ResultCode;
  /** 0 unless there is a mapping (§3.4, §3.5). */
  readonly externalPort: number;
  /** Seconds; 0 unless there is a mapping (§3.4, §3.5). */
  readonly lifetime: number;
}

/** The reply to a mapping request: the whole layout also for errors, with the internal port of the request (§3.5). */
export function encodeMappingReply(request: MapRequest, mapping: MappingResult, sssoe: number): Uint8Array {
  const opcode = request.protocol === 'udp' ? OP.MAP_UDP : OP.MAP_TCP;
  const reply = header(LENGTH.MAP_REPLY, opcode, mapping.result, sssoe);
  putUint16(reply, 8, request.internalPort);
  putUint16(reply, 10, mapping.externalPort);
  putUint32(reply, 12, mapping.lifetime);
  return reply;
}

/**
 * The reply to another version than 0 (§3.5): eight octets. The opcode is 128: erratum 3618 corrects the figure's 0.
 */
export function encodeUnsupportedVersion(sssoe: number): Uint8Array {
  return header(LENGTH.ERROR, OP.EXTERNAL_ADDRESS, RESULT.UNSUPPORTED_VERSION, sssoe);
}

/** The reply to an unknown opcode (§3.5): the whole request with result code and SSSoE, and at least eight octets. */
export function encodeUnsupportedOpcode(request: Uint8Array, sssoe: number): Uint8Array {
  const length = Math.max(LENGTH.ERROR, request.length);
  const reply = header(length, request[1] ?? 0, RESULT.UNSUPPORTED_OPCODE, sssoe);
  reply.set(request.subarray(LENGTH.ERROR), LENGTH.ERROR);
  return reply;
}

/** SSSoE (§3.2) in whole seconds; both arguments are milliseconds of the same clock. */
export function secondsSinceStartOfEpoch(epochStartMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - epochStartMs) / 1000)) >>> 0;
}

function header(length: number, opcode: number, result: ResultCode, sssoe: number): Uint8Array {
  const reply = new Uint8Array(length);
  reply[1] = OP.RESPONSE | opcode;
  putUint16(reply, 2, result);
  putUint32(reply, 4, sssoe);
  return reply;
}
