// NAT-PMP as the system tests speak it: bytes written out by hand, so that no code of the project checks itself.

import { bytes } from '../support/bytes.js';
import type { Host } from './host.js';
import { SOON_MS } from './inbox.js';
import type { Udp } from './sockets.js';

export const PORT = 5351;

export type Protocol = 'udp' | 'tcp';

/** A mapping request (RFC 6886 §3.3) as hex. */
export function mapRequest(protocol: Protocol, internalPort: number, externalPort: number, lifetime: number): string {
  const opcode = protocol === 'udp' ? '01' : '02';
  return `00${opcode}0000${digits(internalPort, 4)}${digits(externalPort, 4)}${digits(lifetime, 8)}`;
}

export interface MapReply {
  readonly result: number;
  readonly epoch: number;
  readonly internalPort: number;
  readonly externalPort: number;
  readonly lifetime: number;
}

/** The reply with its four epoch octets, which no test can know, as dots. */
export function withoutEpoch(hex: string): string {
  return hex.length < 16 ? hex : `${hex.slice(0, 8)}........${hex.slice(16)}`;
}

export function epochOf(hex: string): number {
  return Number.parseInt(hex.slice(8, 16), 16);
}

/**
 * Whether the reply is one to the request, as a client judges: of its opcode, and for a mapping also of its internal
 * port and, if it succeeded, a deletion for a deletion. A late second reply to what was sent twice is no answer to
 * the next.
 */
export function isReplyTo(request: string, reply: string): boolean {
  const opcode = Number.parseInt(request.slice(2, 4), 16);
  if (!request.startsWith('00') || opcode > 2) return true;
  if (Number.parseInt(reply.slice(2, 4), 16) !== opcode + 128) return false;
  if (opcode === 0 || reply.length !== 32) return true;
  const isDeletion = (hex: string) => hex.slice(-8) === '00000000';
  const succeeded = reply.slice(4, 8) === '0000';
  return (
    reply.slice(16, 20) === request.slice(8, 12) &&
    (!succeeded || isDeletion(reply) === isDeletion(request.slice(0, 24)))
  );
}

/** A LAN host's conversation with the gateway. */
export class Asker {
  readonly udp: Udp;

  private constructor(udp: Udp) {
    this.udp = udp;
  }

  static async open(host: Host, gateway: string, port = PORT): Promise<Asker> {
    return new Asker(await host.udp({ peer: { address: gateway, port } }));
  }

  /** Send these octets until something comes back, as a client does; throws when nothing does. */
  async ask(hex: string, withinMs = SOON_MS): Promise<string> {
    this.udp.drain();
    const until = Date.now() + withinMs;
    for (let waitMs = 250; Date.now() < until; waitMs *= 2) {
      this.udp.send(hex);
      const againAt = Math.min(Date.now() + waitMs, until);
      for (
        let reply = await this.udp.receive(againAt - Date.now());
        reply !== null;
        reply = await this.udp.receive(againAt - Date.now())
      ) {
        if (isReplyTo(hex.replaceAll(' ', ''), reply.hex)) return reply.hex;
      }
    }
    throw new Error(`no answer to ${hex} within ${withinMs} ms`);
  }

  async map(protocol: Protocol, internalPort: number, externalPort: number, lifetime: number): Promise<MapReply> {
    const reply = await this.ask(mapRequest(protocol, internalPort, externalPort, lifetime));
    if (reply.length !== 32) throw new Error(`a mapping reply has 16 octets, not ${reply}`);
    const view = new DataView(bytes(reply).buffer);
    return {
      result: view.getUint16(2),
      epoch: view.getUint32(4),
      internalPort: view.getUint16(8),
      externalPort: view.getUint16(10),
      lifetime: view.getUint32(12),
    };
  }

  unmap(protocol: Protocol, internalPort: number): Promise<MapReply> {
    return this.map(protocol, internalPort, 0, 0);
  }

  /** The external address and the epoch. */
  async info(): Promise<{ result: number; epoch: number; address: string }> {
    const view = bytes(await this.ask('0000'));
    const data = new DataView(view.buffer);
    return { result: data.getUint16(2), epoch: data.getUint32(4), address: view.slice(8, 12).join('.') };
  }
}

function digits(value: number, count: number): string {
  return value.toString(16).padStart(count, '0');
}
