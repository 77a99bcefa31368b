// A PCP client for the tests, written from the figures of RFC 6887 and from nothing of the project, so that no code of
// it checks itself. It asks for what a test says, also for what no client may.

import type { Host } from './host.js';
import { SOON_MS } from './inbox.js';
import type { Udp } from './sockets.js';

/** §19.1: the server's port, and the clients' for announcements. */
export const PORT = 5351;
export const ANNOUNCEMENT_PORT = 5350;

export const OPCODE = { announce: 0, map: 1, peer: 2 } as const;
/** Assigned Internet protocol numbers, as §11.1 has them. */
export const PROTOCOL = { tcp: 6, udp: 17 } as const;
export type Protocol = keyof typeof PROTOCOL;

/** §7.4 */
export const RESULT = {
  success: 0,
  unsuppVersion: 1,
  notAuthorized: 2,
  malformedRequest: 3,
  unsuppOpcode: 4,
  unsuppOption: 5,
  malformedOption: 6,
  networkFailure: 7,
  noResources: 8,
  unsuppProtocol: 9,
  userExQuota: 10,
  cannotProvideExternal: 11,
  addressMismatch: 12,
} as const;

/** Of an option: §13, and code 3 for FILTER. */
export const OPTION = { thirdParty: 1, preferFailure: 2, filter: 3 } as const;

/** §7.1 figure 2: what every request begins with. */
export interface Header {
  readonly version?: number;
  readonly opcode: number;
  readonly lifetime: number;
  /** The client's address as text. */
  readonly client: string;
}

/** §11.1 figure 9, in a request. */
export interface MapRequest {
  readonly version?: number;
  readonly client: string;
  readonly lifetime: number;
  /** 96 bits as hex. */
  readonly nonce: string;
  readonly protocol: number;
  readonly internalPort: number;
  readonly suggestedPort?: number;
  readonly suggestedAddress?: string;
  /** As `option` makes them, one after the other. */
  readonly options?: string;
}

/** What came back; `map`: if it is as long as figure 10 says. */
export interface PcpReply {
  readonly hex: string;
  readonly version: number;
  /** With the R bit: 129 for MAP. */
  readonly opcode: number;
  readonly result: number;
  readonly lifetime: number;
  readonly epoch: number;
  /** The 96 bits that are reserved. */
  readonly reserved: string;
  readonly map: MapData | null;
  /** All behind the opcode's data. */
  readonly options: string;
}

export interface MapData {
  readonly nonce: string;
  readonly protocol: number;
  readonly internalPort: number;
  readonly externalPort: number;
  /** The 128 bits as hex. */
  readonly externalAddress: string;
}

const HEADER_OCTETS = 24;
const MAP_OCTETS = 36;

/** 128 bits as hex, of an address as text; IPv4 addresses as IPv4-mapped ones (§5). */
export function bits(address: string): string {
  if (!address.includes(':'))
    return `${'0'.repeat(20)}ffff${address
      .split('.')
      .map((octet) => digits(Number(octet), 2))
      .join('')}`;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => group.padStart(4, '0')));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const between = Array<string>(8 - before.length - after.length).fill('0000');
  return [...before, ...between, ...after].join('');
}

export function header({ version = 2, opcode, lifetime, client }: Header): string {
  return `${digits(version, 2)}${digits(opcode, 2)}0000${digits(lifetime, 8)}${bits(client)}`;
}

export function mapRequest(request: MapRequest): string {
  const { client, lifetime, nonce, protocol, internalPort } = request;
  const { version = 2, suggestedPort = 0, suggestedAddress = '::', options = '' } = request;
  return [
    header({ version, opcode: OPCODE.map, lifetime, client }),
    nonce,
    `${digits(protocol, 2)}000000${digits(internalPort, 4)}${digits(suggestedPort, 4)}${bits(suggestedAddress)}`,
    options,
  ].join('');
}

/** §7.3 figure 4, padded with zeros to a multiple of 4 octets. */
export function option(code: number, data = ''): string {
  const padded = data.padEnd(Math.ceil(data.length / 8) * 8, '0');
  return `${digits(code, 2)}00${digits(data.length / 2, 4)}${padded}`;
}

/** Null if it is shorter than a header. */
export function parseReply(hex: string): PcpReply | null {
  if (hex.length < 2 * HEADER_OCTETS) return null;
  const number = (octet: number, octets: number) => Number.parseInt(text(octet, octets), 16);
  const text = (octet: number, octets: number) => hex.slice(2 * octet, 2 * (octet + octets));
  const opcode = number(1, 1);
  const isMap = (opcode & 0x7f) === OPCODE.map && hex.length >= 2 * (HEADER_OCTETS + MAP_OCTETS);
  return {
    hex,
    version: number(0, 1),
    opcode,
    result: number(3, 1),
    lifetime: number(4, 4),
    epoch: number(8, 4),
    reserved: text(12, 12),
    map: isMap
      ? {
          nonce: text(24, 12),
          protocol: number(36, 1),
          internalPort: number(40, 2),
          externalPort: number(42, 2),
          externalAddress: text(44, 16),
        }
      : null,
    options: hex.slice(2 * (HEADER_OCTETS + (isMap ? MAP_OCTETS : 0))),
  };
}

/**
 * §8.3, §11.4: whether a client takes the reply for one to its request: of its opcode, and for MAP also of its nonce,
 * protocol and internal port. A late second reply to a request that was sent twice is told apart by whether it deletes.
 */
export function isReplyTo(request: string, hex: string): boolean {
  const [asked, reply] = [parseReply(request), parseReply(hex)];
  if (asked === null || reply === null) return true;
  if (reply.version === 0) return true; // an answer of NAT-PMP
  if (reply.opcode !== asked.opcode + 0x80) return false;
  if (asked.map === null || reply.map === null) return true;
  const isSame = (of: (data: MapData) => unknown) => of(asked.map as MapData) === of(reply.map as MapData);
  return (
    isSame(({ nonce }) => nonce) &&
    isSame(({ protocol }) => protocol) &&
    isSame(({ internalPort }) => internalPort) &&
    (reply.result !== RESULT.success || (reply.lifetime === 0) === (asked.lifetime === 0))
  );
}

export interface Wish {
  readonly protocol?: Protocol | number;
  readonly lifetime?: number;
  readonly nonce?: string;
  readonly suggestedPort?: number;
  readonly suggestedAddress?: string;
  readonly options?: string;
  /** What the header calls it, if not the address it asks from. */
  readonly client?: string;
}

/** A program of a LAN host, bound to one of its addresses: with one nonce for all that it asks (§11.2). */
export class PcpClient {
  readonly udp: Udp;
  readonly address: string;
  readonly nonce: string;

  private constructor(udp: Udp, address: string, nonce: string) {
    this.udp = udp;
    this.address = address;
    this.nonce = nonce;
  }

  /** `gateway` with its zone, if it is link-local: fe80::1%eth0. */
  static async open(host: Host, address: string, gateway: string, nonce = newNonce()): Promise<PcpClient> {
    const udp = await host.udp({ address, peer: { address: gateway, port: PORT } });
    return new PcpClient(udp, address.split('%')[0] ?? '', nonce);
  }

  /** The octets of a request of this client. */
  request(internalPort: number, wish: Wish = {}): string {
    const { protocol = 'tcp', lifetime = 3600, nonce = this.nonce, client = this.address, ...rest } = wish;
    const number = typeof protocol === 'number' ? protocol : PROTOCOL[protocol];
    return mapRequest({ client, lifetime, nonce, protocol: number, internalPort, ...rest });
  }

  /** Send these octets again and again until a reply comes (§8.1.1, in quicker steps); null if none does. */
  async ask(hex: string, withinMs = SOON_MS): Promise<PcpReply | null> {
    this.udp.drain();
    const until = Date.now() + withinMs;
    for (let waitMs = 250; Date.now() < until; waitMs *= 2) {
      this.udp.send(hex);
      for (const againAt = Math.min(Date.now() + waitMs, until); ; ) {
        const datagram = await this.udp.receive(againAt - Date.now());
        if (datagram === null) break;
        if (isReplyTo(hex, datagram.hex)) return parseReply(datagram.hex);
      }
    }
    return null;
  }

  /** Ask for a pinhole, or have one renewed. @throws if there is no reply. */
  async map(internalPort: number, wish: Wish = {}): Promise<PcpReply> {
    const request = this.request(internalPort, wish);
    const reply = await this.ask(request);
    if (reply === null) throw new Error(`no reply to ${request}`);
    return reply;
  }

  unmap(internalPort: number, wish: Wish = {}): Promise<PcpReply> {
    return this.map(internalPort, { ...wish, lifetime: 0 });
  }

  /** §14.1. */
  async announce(withinMs = SOON_MS): Promise<PcpReply | null> {
    return this.ask(header({ opcode: OPCODE.announce, lifetime: 0, client: this.address }), withinMs);
  }

  close(): void {
    this.udp.close();
  }
}

/** 96 bits that no other client has (§11.2). */
export function newNonce(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((octet) => digits(octet, 2)).join('');
}

function digits(value: number, count: number): string {
  return value.toString(16).padStart(count, '0');
}
