// Requests as datagrams, and replies from them, many in one system call: for mappings (RFC 6886 §3.2, §3.3), and for
// pinholes (RFC 6887 §7, §11.1).

import { parseIpv4 } from '../../proto/mapping.js';
import { Datagrams } from './datagrams.js';
import { monotonicMs } from './generator-protocol.js';
import { bits } from '../lab/pcp.js';
import { FIRST_HOST, HOST_PREFIX6, OPCODE, ROUTER, ROUTER6 } from './mappings.js';
import type { Request } from './outstanding.js';

const NATPMP_PORT = 5351;
/** The most datagrams in one call. */
export const A_CALL = 256;
/** How long one receive waits, in milliseconds. */
export const PATIENCE_MS = 4;

const REPLY = { opcode: 1, result: 2, internalPort: 8 } as const;

export type Heard = (host: number, opcode: number, port: number, result: number, now: number) => void;

export interface Exchange {
  /** Write one request as the outgoing message of this number. */
  compose(index: number, request: Pick<Request, 'host' | 'opcode' | 'port'>, lifetime: number): void;
  send(count: number): void;
  /** Take all replies there are, tell `heard` of each, and return the time at which they came. */
  receive(heard: Heard): number;
  /** Replies to requests of an earlier job, which it did not wait for, are not of the next one. */
  forgetLateReplies(): void;
}

export class NatPmpExchange implements Exchange {
  readonly #net = new Datagrams(A_CALL, { address: parseIpv4(ROUTER) ?? 0, port: NATPMP_PORT }, PATIENCE_MS);

  compose(index: number, { host, opcode, port }: Pick<Request, 'host' | 'opcode' | 'port'>, lifetime: number): void {
    const isAddress = opcode === OPCODE.address;
    const { view } = this.#net.outgoing;
    const at = this.#net.outgoing.compose(index, isAddress ? 2 : 12, FIRST_HOST + host);
    view.setUint32(at, opcode << 16); // version 0, opcode, reserved
    if (isAddress) return;
    view.setUint16(at + 4, port);
    view.setUint16(at + 6, port);
    view.setUint32(at + 8, lifetime);
  }

  send(count: number): void {
    this.#net.send(count);
  }

  receive(heard: Heard): number {
    const { incoming } = this.#net;
    const count = this.#net.receive();
    const now = monotonicMs();
    for (let index = 0; index < count; index++) {
      const at = incoming.data(index);
      const opcode = incoming.view.getUint8(at + REPLY.opcode) & 0x7f;
      const port = incoming.length(index) < 16 ? 0 : incoming.view.getUint16(at + REPLY.internalPort);
      heard(incoming.destination(index) - FIRST_HOST, opcode, port, incoming.view.getUint16(at + REPLY.result), now);
    }
    return now;
  }

  forgetLateReplies(): void {
    while (this.#net.receive() > 0);
  }
}

/** Octets of a PCP request or reply for MAP, and where its fields are: figures 2, 3, 9 and 10 of RFC 6887. */
const PCP = { octets: 60, lifetime: 4, client: 8, result: 3, nonce: 24, protocol: 36, internalPort: 40 } as const;
const PCP_MAP = 0x0201;
/** By the opcodes of NAT-PMP, which say protocols. */
const PROTOCOLS: Readonly<Record<number, number>> = { [OPCODE.udp]: 17, [OPCODE.tcp]: 6 };
/** Of every host. */
const NONCE_WORD = 0x6e6f6e63;

/** The same over IPv6; the opcodes are those of NAT-PMP. */
export class PcpExchange implements Exchange {
  readonly #net = new Datagrams(
    A_CALL,
    { address: bits(ROUTER6), port: NATPMP_PORT, ownPrefix: HOST_PREFIX6 },
    PATIENCE_MS,
  );

  compose(index: number, { host, opcode, port }: Pick<Request, 'host' | 'opcode' | 'port'>, lifetime: number): void {
    const { view } = this.#net.outgoing;
    const at = this.#net.outgoing.compose(index, PCP.octets, FIRST_HOST + host);
    for (let word = 0; word < PCP.octets; word += 4) view.setUint32(at + word, 0);
    view.setUint16(at, PCP_MAP);
    view.setUint32(at + PCP.lifetime, lifetime);
    for (let word = 0; word < 3; word++) {
      view.setUint32(at + PCP.client + 4 * word, Number.parseInt(HOST_PREFIX6.slice(8 * word, 8 * word + 8), 16));
      view.setUint32(at + PCP.nonce + 4 * word, NONCE_WORD);
    }
    view.setUint32(at + PCP.client + 12, FIRST_HOST + host);
    view.setUint8(at + PCP.protocol, PROTOCOLS[opcode] ?? 0);
    view.setUint16(at + PCP.internalPort, port);
  }

  send(count: number): void {
    this.#net.send(count);
  }

  receive(heard: Heard): number {
    const { incoming } = this.#net;
    const count = this.#net.receive();
    const now = monotonicMs();
    for (let index = 0; index < count; index++) {
      if (incoming.length(index) < PCP.octets) continue;
      const at = incoming.data(index);
      const opcode = incoming.view.getUint8(at + PCP.protocol) === PROTOCOLS[OPCODE.udp] ? OPCODE.udp : OPCODE.tcp;
      const port = incoming.view.getUint16(at + PCP.internalPort);
      heard(incoming.destination(index) - FIRST_HOST, opcode, port, incoming.view.getUint8(at + PCP.result), now);
    }
    return now;
  }

  forgetLateReplies(): void {
    while (this.#net.receive() > 0);
  }
}
