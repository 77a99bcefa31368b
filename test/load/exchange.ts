// Requests as datagrams, and replies from them (RFC 6886 §3.2, §3.3), many in one system call.

import { parseIpv4 } from '../../proto/mapping.js';
import { Datagrams } from './datagrams.js';
import { monotonicMs } from './generator-protocol.js';
import { FIRST_HOST, OPCODE, ROUTER } from './mappings.js';
import type { Request } from './outstanding.js';

const NATPMP_PORT = 5351;
/** The most datagrams in one call. */
export const A_CALL = 256;
/** How long one receive waits, in milliseconds. */
export const PATIENCE_MS = 4;

const REPLY = { opcode: 1, result: 2, internalPort: 8 } as const;

export type Heard = (host: number, opcode: number, port: number, result: number, now: number) => void;

export class Exchange {
  readonly #net = new Datagrams(A_CALL, { address: parseIpv4(ROUTER) ?? 0, port: NATPMP_PORT }, PATIENCE_MS);

  /** Write one request as the outgoing message of this number. */
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

  /** Take all replies there are, tell `heard` of each, and return the time at which they came. */
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

  /** Replies to requests of an earlier job, which it did not wait for, are not of the next one. */
  forgetLateReplies(): void {
    while (this.#net.receive() > 0);
  }
}
