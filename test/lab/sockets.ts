// The test's ends of the sockets that an agent holds in its namespace.

import { bytes } from '../support/bytes.js';
import type { Inbox } from './inbox.js';
import { SOON_MS } from './inbox.js';
import type { Order } from './agent-protocol.js';

export interface Local {
  readonly address: string;
  readonly port: number;
}

export interface Datagram {
  readonly hex: string;
  readonly address: string;
  readonly port: number;
  /** Wall clock of the agent, milliseconds. */
  readonly atMs: number;
}

/** What befell a UDP socket: a datagram, or an error such as ECONNREFUSED (ICMP port unreachable). */
export type UdpEvent =
  | { readonly kind: 'datagram'; readonly datagram: Datagram }
  | { readonly kind: 'error'; readonly code: string };

export class Udp {
  readonly address: string;
  readonly port: number;
  readonly #events: Inbox<UdpEvent>;
  readonly #order: (order: Order) => void;
  readonly #socket: number;

  constructor(socket: number, local: Local, events: Inbox<UdpEvent>, order: (order: Order) => void) {
    this.#socket = socket;
    this.address = local.address;
    this.port = local.port;
    this.#events = events;
    this.#order = order;
  }

  /** Send spaced hex. The address is left out on a connected socket. */
  send(hex: string, address?: string, port?: number): void {
    const to = address === undefined || port === undefined ? {} : { address, port };
    this.#order({ kind: 'udp-send', socket: this.#socket, hex: hex.replaceAll(' ', ''), ...to });
  }

  sendText(text: string, address?: string, port?: number): void {
    this.send(Buffer.from(text).toString('hex'), address, port);
  }

  /** The next datagram, or null when none comes in time; errors on the way are passed over. */
  async receive(withinMs = SOON_MS): Promise<Datagram | null> {
    const until = Date.now() + withinMs;
    for (;;) {
      const event = await this.#events.next(Math.max(0, until - Date.now()));
      if (event === null) return null;
      if (event.kind === 'datagram') return event.datagram;
    }
  }

  async receiveText(withinMs = SOON_MS): Promise<string | null> {
    const datagram = await this.receive(withinMs);
    return datagram === null ? null : Buffer.from(bytes(datagram.hex)).toString();
  }

  /** The next datagram's text, or the code of the error that came instead, or 'silence': to hear that, SILENCE_MS. */
  async outcome(withinMs = SOON_MS): Promise<string> {
    const event = await this.#events.next(withinMs);
    if (event === null) return 'silence';
    return event.kind === 'error' ? event.code : Buffer.from(event.datagram.hex, 'hex').toString();
  }

  /** Forget what has come. */
  drain(): void {
    this.#events.drain();
  }

  close(): void {
    this.#order({ kind: 'close', socket: this.#socket });
  }
}

/** Text received, or how the connection ended. */
export type TcpEvent = string;

export class Connection {
  readonly local: Local;
  readonly #events: Inbox<TcpEvent>;
  readonly #order: (order: Order) => void;
  readonly #socket: number;

  constructor(socket: number, local: Local, events: Inbox<TcpEvent>, order: (order: Order) => void) {
    this.#socket = socket;
    this.local = local;
    this.#events = events;
    this.#order = order;
  }

  send(text: string): void {
    this.#order({ kind: 'tcp-send', socket: this.#socket, text });
  }

  /** The next text, or what ended the connection: 'closed', 'ECONNRESET'; or 'silence'. */
  async receive(withinMs = SOON_MS): Promise<string> {
    return (await this.#events.next(withinMs)) ?? 'silence';
  }

  close(): void {
    this.#order({ kind: 'close', socket: this.#socket });
  }
}
