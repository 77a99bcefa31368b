// Receives a gateway's announcements (RFC 6886 §3.2.1, RFC 6887 §14.1.3), and derives changes of its state from them.

import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { ANNOUNCEMENT_GROUP, PORT } from '../../frontend/wire.js';
import { parseIpv6 } from '../../proto/ipv6.js';
import type { Ipv4 } from '../../proto/mapping.js';
import type { EpochRule, EpochSample } from './epoch.js';
import { hasLostState } from './epoch.js';
import type { Gateway } from './exchange.js';
import type { Reply } from './packets.js';
import { decodeReply } from './packets.js';
import type { PcpReply } from './pcp-packets.js';
import { PCP_RESULT } from '../../frontend/pcp/wire.js';
import { decodePcpReply } from './pcp-packets.js';

export type Announcement = Reply & { readonly kind: 'external-address' };
export type PcpAnnouncement = PcpReply & { readonly kind: 'announce' };

/** All nodes of a link (RFC 4291 §2.7.1), where PCP announces to port 5350 (RFC 6887 §14.1.3). */
const PCP_ANNOUNCEMENT_GROUP = 'ff02::1';

/**
 * Receive the announcements of the gateway at this address, on the interface with the address `own`. Resolves when it
 * listens; rejects if port 5350 or the group cannot be joined.
 */
export function receiveAnnouncements(
  gatewayAddress: string,
  localAddress: string,
  onAnnouncement: (announcement: Announcement) => void,
): Promise<{ close(): void }> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (datagram, from) => {
    if (from.address !== gatewayAddress) return; // §3.2.1: anybody can send to the group
    const reply = decodeReply(datagram);
    if (reply?.kind === 'external-address') onAnnouncement(reply);
  });
  return join(socket, ANNOUNCEMENT_GROUP, localAddress);
}

/**
 * The same by PCP, of the gateway at this link-local address with its interface, "fe80::1%eth0": announcements come from
 * there and from its port, whichever address of it was asked.
 */
export function receivePcpAnnouncements(
  { address, port }: Gateway,
  onAnnouncement: (announcement: PcpAnnouncement) => void,
): Promise<{ close(): void }> {
  const socket = createSocket({ type: 'udp6', reuseAddr: true, ipv6Only: true });
  const sender = canonical(address);
  socket.on('message', (datagram, from) => {
    if (canonical(from.address) !== sender || from.port !== port) return; // anybody can send to the group
    const reply = decodePcpReply(datagram);
    if (reply?.kind === 'announce' && reply.result === PCP_RESULT.SUCCESS) onAnnouncement(reply);
  });
  return join(socket, PCP_ANNOUNCEMENT_GROUP, `::%${interfaceOf(address) ?? ''}`);
}

/** The interface of a link-local address: "eth0" of "fe80::1%eth0". Null if it names none. */
export function interfaceOf(address: string): string | null {
  return /%(.+)$/.exec(address)?.[1] ?? null;
}

/** The same text for the same address and interface. */
function canonical(address: string): string {
  return `${parseIpv6(address.replace(/%.*/, '')) ?? address}%${interfaceOf(address) ?? ''}`;
}

/** Other programs on this machine receive announcements too: all of them share the port. */
function join(socket: Socket, group: string, on: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.bind(PORT.ANNOUNCEMENT, () => {
      try {
        socket.addMembership(group, on);
      } catch (error) {
        return fail(error as Error);
      }
      socket.off('error', fail).on('error', () => {}); // a lost announcement does no harm
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
  readonly #hasLostState: EpochRule;
  #lastSample: EpochSample | null = null;
  #address: Ipv4 | null = null;

  constructor(rule: EpochRule = hasLostState) {
    this.#hasLostState = rule;
  }

  /** Take a packet into account. The first one changes nothing. */
  observe(reply: Reply | PcpReply, atMs: number): StateChange {
    const now: EpochSample = { epochSeconds: reply.secondsSinceStartOfEpoch, atMs };
    const lostState = this.#hasLostState(this.#lastSample, now);
    this.#lastSample = now;
    if (reply.kind !== 'external-address') return { lostState, addressChanged: false };
    const addressChanged = this.#address !== null && this.#address !== reply.address;
    this.#address = reply.address;
    return { lostState, addressChanged };
  }
}
