// RFC 6887 on the wire, as a client over IPv6 sees it: MAP and ANNOUNCE requests out, replies in. Pure.
// frontend/pcp/wire.ts is the gateway's side.

import type { Ipv6, Protocol } from '../../proto/lease.js';
import { PROTOCOL_NUMBER, protocolOf } from '../../proto/mapping.js';
import { OPCODE, PCP_LENGTH, PCP_RESULT, VERSION } from '../../frontend/pcp/wire.js';
import { putUint16, putUint32, uint16, uint32 } from '../../caller/bytes.js';
import { LENGTH } from '../../frontend/wire.js';

/** Where the fields are, in octets from the start (RFC 6887 §7.1, RFC 6887 §7.2, RFC 6887 §11.1). */
const AT = {
  OPCODE: 1,
  RESULT: 3,
  LIFETIME: 4,
  EPOCH: 8,
  CLIENT_ADDRESS: 8,
  NONCE: 24,
  PROTOCOL: 36,
  INTERNAL_PORT: 40,
  EXTERNAL_PORT: 42,
  EXTERNAL_ADDRESS: 44,
} as const;
const NONCE_BYTES = 12;
const ADDRESS_BYTES = 16;
export interface PinholeRequest {
  readonly kind: 'map';
  /** This machine's address, which the request is sent from (RFC 6887 §8.1). */
  readonly clientAddress: Ipv6;
  /** 24 hexadecimal digits; a renewal and a deletion need that of the first request (RFC 6887 §11.2). */
  readonly nonce: string;
  readonly protocol: Protocol;
  readonly internalPort: number;
  readonly suggestedExternalPort: number;
  /** Seconds; 0 for a deletion (RFC 6887 §15.1). */
  readonly lifetime: number;
}

export type PcpRequest = { readonly kind: 'announce'; readonly clientAddress: Ipv6 } | PinholeRequest;

interface PcpReplyHead {
  /** 0..255 */
  readonly result: number;
  readonly secondsSinceStartOfEpoch: number;
  /** Seconds; of an error, how long the same answer is to be expected (RFC 6887 §7.4). */
  readonly lifetime: number;
}

export type PcpReply =
  /** Also the layout of an announcement (RFC 6887 §14.1.3), which differs only in where it arrives. */
  | ({ readonly kind: 'announce' } & PcpReplyHead)
  | ({
      readonly kind: 'map';
      readonly nonce: string;
      readonly protocol: Protocol;
      readonly internalPort: number;
      readonly externalAddress: Ipv6;
      readonly externalPort: number;
    } & PcpReplyHead)
  /** Only the head is known: another opcode or version, or an error that is shorter than the opcode's fields. */
  | ({ readonly kind: 'error'; readonly opcode: number } & PcpReplyHead);

export function encodePcpRequest(request: PcpRequest): Uint8Array {
  const bytes = new Uint8Array(request.kind === 'map' ? PCP_LENGTH.MAP : PCP_LENGTH.HEADER);
  bytes[0] = VERSION;
  putHex(bytes, AT.CLIENT_ADDRESS, request.clientAddress);
  if (request.kind === 'announce') return bytes;
  bytes[AT.OPCODE] = OPCODE.MAP;
  putUint32(bytes, AT.LIFETIME, request.lifetime);
  putHex(bytes, AT.NONCE, request.nonce);
  bytes[AT.PROTOCOL] = PROTOCOL_NUMBER[request.protocol];
  putUint16(bytes, AT.INTERNAL_PORT, request.internalPort);
  putUint16(bytes, AT.EXTERNAL_PORT, request.suggestedExternalPort);
  // The unspecified address asks for an IPv6 address, whichever it is (RFC 6887 §11.1). A firewall gives the client's own.
  return bytes;
}

/** Decode a gateway's reply or announcement; null for anything else. Total: nothing throws. */
export function decodePcpReply(datagram: Uint8Array): PcpReply | null {
  const opcode = (datagram[AT.OPCODE] ?? 0) - OPCODE.RESPONSE;
  if (opcode < 0) return null;
  const result = datagram[AT.RESULT] ?? 0;
  if (datagram.length >= LENGTH.ERROR && datagram[0] === 0)
    return result === PCP_RESULT.UNSUPP_VERSION ? natpmpOnly(datagram, opcode) : null;
  if (datagram.length < PCP_LENGTH.HEADER || datagram.length % 4 !== 0) return null;
  const head = {
    result,
    secondsSinceStartOfEpoch: uint32(datagram, AT.EPOCH),
    lifetime: uint32(datagram, AT.LIFETIME),
  };
  if (datagram[0] !== VERSION) return result === PCP_RESULT.UNSUPP_VERSION ? { kind: 'error', opcode, ...head } : null;
  if (opcode === OPCODE.ANNOUNCE) return { kind: 'announce', ...head };
  const protocol = protocolOf(datagram[AT.PROTOCOL] ?? 0);
  if (opcode === OPCODE.MAP && datagram.length >= PCP_LENGTH.MAP && protocol !== null)
    return {
      kind: 'map',
      ...head,
      nonce: hexAt(datagram, AT.NONCE, NONCE_BYTES),
      protocol,
      internalPort: uint16(datagram, AT.INTERNAL_PORT),
      externalAddress: hexAt(datagram, AT.EXTERNAL_ADDRESS, ADDRESS_BYTES),
      externalPort: uint16(datagram, AT.EXTERNAL_PORT),
    };
  return result === PCP_RESULT.SUCCESS ? null : { kind: 'error', opcode, ...head };
}

/** The error of a gateway that speaks NAT-PMP only: its epoch is where PCP has the lifetime (RFC 6886 §3.5). */
function natpmpOnly(datagram: Uint8Array, opcode: number): PcpReply {
  return {
    kind: 'error',
    opcode,
    result: PCP_RESULT.UNSUPP_VERSION,
    secondsSinceStartOfEpoch: uint32(datagram, 4),
    lifetime: 0,
  };
}

/** Whether the reply belongs to the request; a late reply to an earlier request does not (RFC 6887 §8.3). */
export function isPcpAnswerTo(request: PcpRequest, reply: PcpReply): boolean {
  switch (reply.kind) {
    case 'announce':
      return request.kind === 'announce';
    case 'map':
      return (
        request.kind === 'map' &&
        reply.nonce === request.nonce &&
        reply.protocol === request.protocol &&
        reply.internalPort === request.internalPort
      );
    case 'error':
      return (
        reply.result === PCP_RESULT.UNSUPP_VERSION ||
        reply.opcode === (request.kind === 'map' ? OPCODE.MAP : OPCODE.ANNOUNCE)
      );
  }
}

function putHex(bytes: Uint8Array, at: number, digits: string): void {
  bytes.set(Buffer.from(digits, 'hex'), at);
}

function hexAt(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.subarray(at, at + length)).toString('hex');
}
