// Receives a gateway's announcements (RFC 6886 §3.2.1), and derives changes of its state from them.

import { createSocket } from 'node:dgram';
import { ANNOUNCEMENT_GROUP, PORT } from '../../frontend/wire.js';
import type { Ipv4 } from '../../proto/mapping.js';
import type { EpochSample } from './epoch.js';
import { hasLostState } from './epoch.js';
import type { Reply } from './packets.js';
import { decodeReply } from './packets.js';

export type Announcement = Reply & { readonly kind: 'external-address' };

/**
 * Receive the announcements of the gateway at this address, on the interface with the address `own`. Resolves when it
 * listens; rejects if port 5350 or the group cannot be joined.
 */
export function receiveAnnouncements(
  gatewayAddress: string,
  localAddress: string,
  onAnnouncement: (announcement: Announcement) => void,
): Promise<{ close(): void }> {
  // Other programs on this machine receive announcements too: all of them share the port.
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (datagram, from) => {
    if (from.address !== gatewayAddress) return; // §3.2.1: anybody can send to the group
    const reply = decodeReply(datagram);
    if (reply?.kind === 'external-address') onAnnouncement(reply);
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind(PORT.ANNOUNCEMENT, () => {
      socket.addMembership(ANNOUNCEMENT_GROUP, localAddress);
      socket.on('error', () => {}); // a lost announcement does no harm
      resolve(socket);
    });
  });
}

/** What a packet of the gateway changes, compared with all packets before. */
export interface StateChange {
  readonly lostState: boolean;
  readonly addressChanged: boolean;
}

/** Follows the epoch and the external address of a gateway. Time is an argument: milliseconds of a steady clock. */
export class GatewayMonitor {
  #lastSample: EpochSample | null = null;
  #address: Ipv4 | null = null;

  /** Take a packet into account. The first one changes nothing. */
  observe(reply: Reply, atMs: number): StateChange {
    const now: EpochSample = { epochSeconds: reply.secondsSinceStartOfEpoch, atMs };
    const lostState = hasLostState(this.#lastSample, now);
    this.#lastSample = now;
    if (reply.kind !== 'external-address') return { lostState, addressChanged: false };
    const addressChanged = this.#address !== null && this.#address !== reply.address;
    this.#address = reply.address;
    return { lostState, addressChanged };
  }
}
