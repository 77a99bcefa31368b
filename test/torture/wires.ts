// The protocols that the clients of the torture speak: what they ask, and what a reply says.

import { bytes } from '../support/bytes.js';
import { isReplyTo, mapRequest, type Protocol } from '../lab/natpmp.js';
import { isReplyTo as isPcpReplyTo, mapRequest as pcpMapRequest, parseReply, PROTOCOL } from '../lab/pcp.js';

export interface Reply {
  readonly epoch: number;
  readonly result: number;
  readonly externalPort: number;
  readonly lifetime: number;
}

export interface Wire {
  /** A request as hex; lifetime 0 deletes. */
  request(protocol: Protocol, internalPort: number, externalPort: number, lifetime: number): string;
  /** Null if it is no reply to that request. */
  reply(request: string, hex: string): Reply | null;
  /** Whether all mappings of a protocol can be deleted at once: by port 0. */
  readonly hasDeleteAll: boolean;
}

export const NATPMP: Wire = {
  request: mapRequest,
  reply(request, hex) {
    const view = new DataView(bytes(hex).buffer);
    if (view.byteLength !== 16 || !isReplyTo(request, hex)) return null;
    return {
      result: view.getUint16(2),
      epoch: view.getUint32(4),
      externalPort: view.getUint16(10),
      lifetime: view.getUint32(12),
    };
  },
  hasDeleteAll: true,
};

/** Over IPv6, from this address, always with the same nonce. */
export function pcp(client: string, nonce: string): Wire {
  return {
    request: (protocol, internalPort, suggestedPort, lifetime) =>
      pcpMapRequest({ client, lifetime, nonce, protocol: PROTOCOL[protocol], internalPort, suggestedPort }),
    reply(request, hex) {
      const reply = parseReply(hex);
      if (reply?.map == null || !isPcpReplyTo(request, hex)) return null;
      const { result, epoch, lifetime, map } = reply;
      return { result, epoch, externalPort: map.externalPort, lifetime };
    },
    hasDeleteAll: false,
  };
}
