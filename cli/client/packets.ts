// RFC 6886 §3 on the wire, as a client sees it: requests out, replies in. Pure. frontend/wire.ts is the gateway's side.

import type { MapRequest } from '../../frontend/wire.js';
import { putUint16, putUint32, uint16, uint32 } from '../../caller/bytes.js';
import { LENGTH, OP, RESULT } from '../../frontend/wire.js';
import type { Ipv4, Protocol } from '../../proto/mapping.js';

export type ClientRequest = { readonly kind: 'external-address' } | MapRequest;

/** `result` is any 16-bit number, not only those that RESULT lists. */
interface ReplyHead {
  readonly result: number;
  readonly secondsSinceStartOfEpoch: number;
}

export type Reply =
  /** Also the layout of an announcement (§3.2.1), which differs only in where it arrives. */
  | ({ readonly kind: 'external-address'; readonly address: Ipv4 } & ReplyHead)
  | ({
      readonly kind: 'mapping';
      readonly protocol: Protocol;
      readonly internalPort: number;
      readonly externalPort: number;
      readonly lifetime: number;
    } & ReplyHead)
  /** Unsupported version or opcode, or a reply that another gateway has truncated: only the result is known. */
  | ({ readonly kind: 'error'; readonly opcode: number } & ReplyHead);

export function encodeRequest(request: ClientRequest): Uint8Array {
  if (request.kind === 'external-address') return new Uint8Array(LENGTH.ADDRESS_REQUEST);
  const bytes = new Uint8Array(LENGTH.MAP_REQUEST);
  bytes[1] = request.protocol === 'udp' ? OP.MAP_UDP : OP.MAP_TCP;
  putUint16(bytes, 4, request.internalPort);
  putUint16(bytes, 6, request.suggestedExternalPort);
  putUint32(bytes, 8, request.lifetime);
  return bytes;
}

/** Decode a gateway's reply or announcement; null for anything else. Total: nothing throws. */
export function decodeReply(datagram: Uint8Array): Reply | null {
  if (datagram.length < LENGTH.ERROR || datagram[0] !== 0) return null;
  const opcode = datagram[1]! - OP.RESPONSE;
  if (opcode < 0) return null;
  const head = { result: uint16(datagram, 2), secondsSinceStartOfEpoch: uint32(datagram, 4) };
  const isMapping = opcode === OP.MAP_UDP || opcode === OP.MAP_TCP;
  if (opcode === OP.EXTERNAL_ADDRESS && datagram.length >= LENGTH.ADDRESS_REPLY) {
    return { kind: 'external-address', ...head, address: uint32(datagram, 8) };
  }
  if (isMapping && datagram.length >= LENGTH.MAP_REPLY) {
    return {
      kind: 'mapping',
      ...head,
      protocol: opcode === OP.MAP_UDP ? 'udp' : 'tcp',
      internalPort: uint16(datagram, 8),
      externalPort: uint16(datagram, 10),
      lifetime: uint32(datagram, 12),
    };
  }
  return head.result === RESULT.SUCCESS ? null : { kind: 'error', ...head, opcode };
}
