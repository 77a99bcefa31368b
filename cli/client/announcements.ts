// Hearing a gateway's announcements (RFC 6886 §3.2.1), and what they tell of its state.

import { createSocket } from 'node:dgram';
import { ANNOUNCEMENT_GROUP, PORT } from '../../frontend/wire.js';
import type { Ipv4 } from '../../proto/mapping.js';
import type { EpochSample } from './epoch.js';
import { hasLostState } from './epoch.js';
import type { Reply } from './packets.js';
import { decodeReply } from './packets.js';

export type Announcement = Reply & { readonly kind: 'external-address' };

/**
 * Hear what the gateway at this address announces, on the interface with the address `own`. Resolves when it listens;
 * rejects where port 5350 or the group can not be had.
 */
export function hearAnnouncements(
  gatewayAddress: string,
  own: string,
  onAnnouncement: (announcement: Announcement) => void,
): Promise<{ close(): void }> {
  // Others on this machine hear announcements too: all of them share the port.
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
      socket.addMembership(ANNOUNCEMENT_GROUP, own);
      socket.on('error', () => {}); // from now on a lost announcement is just that
      resolve(socket);
    });
  });
}

/** What a packet of the gateway tells, compared with all it has said before. */
export interface StateChange {
  readonly lostState: boolean;
  readonly addressChanged: boolean;
}

/** Remembers what a gateway has said of itself. Time is an argument: milliseconds of a steady clock. */
export class GatewayMonitor {
  #heard: EpochSample | null = null;
  #address: Ipv4 | null = null;

  /** Take in a packet. The first of all is no news. */
  observe(reply: Reply, atMs: number): StateChange {
    const now: EpochSample = { epoch: reply.secondsSinceStartOfEpoch, atMs };
    const lostState = hasLostState(this.#heard, now);
    this.#heard = now;
    if (reply.kind !== 'external-address') return { lostState, addressChanged: false };
    const addressChanged = this.#address !== null && this.#address !== reply.address;
    this.#address = reply.address;
    return { lostState, addressChanged };
  }
}
