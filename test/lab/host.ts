// One network namespace of the lab, with an agent in it that opens sockets for the test.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Inbox, SOON_MS } from './inbox.js';
import type { Order, Report } from './agent-protocol.js';
import type { Namespace } from '../support/network.js';
import { run, type Finished } from '../support/run.js';
import { Connection, type Local, type TcpEvent, Udp, type UdpEvent } from './sockets.js';

export interface Accepted {
  /** The peer as the server sees it. */
  readonly peer: Local;
  readonly connection: Connection;
}

export interface Listening {
  readonly port: number;
  accept(withinMs?: number): Promise<Accepted | null>;
  close(): void;
}

export type Connected =
  | { readonly kind: 'connected'; readonly connection: Connection }
  | { readonly kind: 'failed'; readonly code: string };

export class Host {
  /** What the test calls it: alice. */
  readonly name: string;
  readonly namespace: Namespace;
  readonly #agent: ChildProcess;
  readonly #opening = new Map<number, (report: Report & { kind: 'open' | 'failed' }) => void>();
  readonly #udp = new Map<number, Inbox<UdpEvent>>();
  readonly #tcp = new Map<number, Inbox<TcpEvent>>();
  readonly #accepted = new Map<number, Inbox<Accepted>>();
  #lastSocket = 0;

  private constructor(name: string, namespace: Namespace, agent: ChildProcess) {
    this.name = name;
    this.namespace = namespace;
    this.#agent = agent;
    agent.on('message', (report: Report) => this.#hear(report));
  }

  static async start(name: string, namespace: Namespace): Promise<Host> {
    const [enter, ...rest] = namespace.entrance;
    const agent = spawn(enter, [...rest, process.execPath, join(import.meta.dirname, 'agent.js')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(agent, 'message');
    return new Host(name, namespace, agent);
  }

  stop(): void {
    this.#agent.disconnect();
  }

  /** Run a program in this namespace to its end. */
  run(program: string, ...args: readonly string[]): Promise<Finished> {
    const [enter, ...rest] = this.namespace.entrance;
    return run(enter, [...rest, program, ...args]);
  }

  /** Open a UDP socket, of IPv4 unless an address says otherwise; with a peer, connected to it. */
  async udp(
    options: { address?: string; port?: number; join?: { group: string; on: string }; peer?: Local } = {},
  ): Promise<Udp> {
    const { address = anyLike(options.peer?.address), port = 0, ...rest } = options;
    const socket = ++this.#lastSocket;
    const events = new Inbox<UdpEvent>();
    this.#udp.set(socket, events);
    const local = await this.#open({ kind: 'udp', socket, address, port, ...rest });
    if (local.kind === 'failed') throw new Error(`${this.name} cannot open UDP ${address}:${port}: ${local.code}`);
    return new Udp(socket, local, events, (order) => this.#order(order));
  }

  async listen(port: number, address = '0.0.0.0'): Promise<Listening> {
    const socket = ++this.#lastSocket;
    const accepted = new Inbox<Accepted>();
    this.#accepted.set(socket, accepted);
    const local = await this.#open({ kind: 'tcp-listen', socket, address, port });
    if (local.kind === 'failed') throw new Error(`${this.name} cannot listen on ${address}:${port}: ${local.code}`);
    return {
      port: local.port,
      accept: (withinMs = SOON_MS) => accepted.next(withinMs),
      close: () => this.#order({ kind: 'close', socket }),
    };
  }

  async connect(
    address: string,
    port: number,
    from: { address?: string; port?: number; withinMs?: number } = {},
  ): Promise<Connected> {
    const socket = ++this.#lastSocket;
    const events = new Inbox<TcpEvent>();
    this.#tcp.set(socket, events);
    const local = await this.#open({
      kind: 'tcp-connect',
      socket,
      address,
      port,
      withinMs: from.withinMs ?? SOON_MS,
      ...(from.address === undefined ? {} : { localAddress: from.address }),
      ...(from.port === undefined ? {} : { localPort: from.port }),
    });
    if (local.kind === 'failed') return { kind: 'failed', code: local.code };
    return { kind: 'connected', connection: new Connection(socket, local, events, (order) => this.#order(order)) };
  }

  #open(order: Order): Promise<Report & { kind: 'open' | 'failed' }> {
    return new Promise((resolve) => {
      this.#opening.set(order.socket, resolve);
      this.#order(order);
    });
  }

  #order(order: Order): void {
    if (this.#agent.connected) this.#agent.send(order);
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case 'ready':
        return;
      case 'open':
      case 'failed':
        this.#opening.get(report.socket)?.(report);
        this.#opening.delete(report.socket);
        return;
      case 'datagram':
        this.#udp.get(report.socket)?.put({ kind: 'datagram', datagram: report });
        return;
      case 'udp-error':
        this.#udp.get(report.socket)?.put({ kind: 'error', code: report.code });
        return;
      case 'accepted': {
        const events = new Inbox<TcpEvent>();
        this.#tcp.set(report.connection, events);
        const peer = { address: report.address, port: report.port };
        const connection = new Connection(report.connection, peer, events, (order) => this.#order(order));
        this.#accepted.get(report.socket)?.put({ peer, connection });
        return;
      }
      case 'text':
        this.#tcp.get(report.socket)?.put(report.text);
        return;
      case 'ended':
        this.#tcp.get(report.socket)?.put(report.how);
        return;
    }
  }
}

/** The address that stands for any, of the family of this one; without one, of IPv4. */
function anyLike(address = ''): string {
  return address.includes(':') ? '::' : '0.0.0.0';
}
