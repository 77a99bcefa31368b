// HTTP for control points, on inherited listening sockets: the documents, and SOAP. One request for each connection:
// what follows it is not read as another, so the body of a request that a web page made cannot be one.
//
// Hosts of the LAN are not trusted: head, body, time, connections and their rate are bounded. This server connects to
// nobody. It does without node:http, which reads further requests of a connection, keeps the first of two fields of one
// name, and closes before its last answer was taken.

import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { BootClock } from '../../proto/clock.js';
import type { Ipv4 } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { RateLimiter } from '../../proto/token-bucket.js';
import type { ControlResult } from '../igd/control.js';
import type { Answer } from './answers.js';
import { CONTINUE, encodeAnswer } from './answers.js';
import type { HttpEvent, Refusal } from './checks.js';
import { refused } from './checks.js';
import type { Member } from './crowd.js';
import { Crowd } from './crowd.js';
import type { Progress } from './request.js';
import { RequestReader } from './request.js';
import type { ServiceName } from '../igd/services.js';
import type { Call } from '../igd/soap.js';
import { answerXml, faultXml, parseCall } from '../igd/soap.js';

export { HTTP_EVENTS, type HttpEvent } from './checks.js';

/** Who sent a request: the peer of an established TCP connection. */
export interface Asker {
  readonly host: Ipv4;
  readonly interfaceIndex: number;
}

export interface HttpDeps {
  /** Where the sockets listen, which is the only port that the field Host may name. */
  readonly port: number;
  /** Whether the address is that of another host on this LAN. */
  isLanHost(interfaceIndex: number, host: Ipv4): boolean;
  /** Whether the address is one of this router on this LAN. */
  isOwnAddress(interfaceIndex: number, address: Ipv4): boolean;
  /** The largest number of mappings that a host may have now. */
  mostMappings(): number;
  /** The XML at this path, for this LAN; null if there is none. */
  document(interfaceIndex: number, path: string): string | null;
  /** Carry out an action. Must not reject; the connection waits for `LIMITS.totalMs` at most. */
  control(call: Call, asker: Asker): Promise<ControlResult>;
  readonly clock: BootClock;
  count(event: HttpEvent): void;
  onDefect(error: unknown): void;
  /** The value of the field SERVER. */
  readonly serverHeader: string;
}

/** Milliseconds, and numbers of connections of one LAN: what others do in theirs, even all of them, is nothing to it. */
export const LIMITS = {
  /** From the connection to the end of the request. */
  readMs: 5000,
  /** From the answer until the peer has closed. */
  answerMs: 5000,
  totalMs: 15_000,
  connectionsOfHost: 8,
  connections: 64,
} as const;
export type Limits = Readonly<Record<keyof typeof LIMITS, number>>;

/** Connections of a host. The list of its mappings takes one for each, and another that finds no more. */
const CONNECTION_RATE = { burst: 256, intervalMs: 20 };
/** Connections that wait for accept(2): more than a storm of one turn of the event loop, so that nobody waits for a SYN again. */
const BACKLOG = 256;
/** Of one connection: what comes beyond a request is ignored up to here. */
const MAX_BYTES = 64 << 10;

/**
 * Serve control points until `close` is called. A socket is bound to the interface of this index.
 *
 * @throws If a socket cannot be used.
 */
export async function serveHttp(
  sockets: readonly { readonly fd: number; readonly interfaceIndex: number }[],
  deps: HttpDeps,
  limits: Limits = LIMITS,
): Promise<{ close(): void }> {
  const lans = await Promise.all(sockets.map((socket) => serveLan(socket, deps, limits)));
  return {
    close() {
      for (const lan of lans) lan.close();
    },
  };
}

async function serveLan(
  { fd, interfaceIndex }: { readonly fd: number; readonly interfaceIndex: number },
  deps: HttpDeps,
  limits: Limits,
): Promise<{ close(): void }> {
  const crowd = new Crowd<Connection>(limits.connectionsOfHost, limits.connections);
  const limiter = new RateLimiter(CONNECTION_RATE);
  const mayConnect = (host: Ipv4): boolean => {
    const burst = Math.max(CONNECTION_RATE.burst, 2 * deps.mostMappings());
    return limiter.take(host, deps.clock(), { ...CONNECTION_RATE, burst });
  };
  const accept = (socket: Socket): void => {
    // An error ends the connection, which is all there is to do.
    socket.on('error', () => {});
    const host = parseIpv4(socket.remoteAddress ?? '');
    const asked = parseIpv4(socket.localAddress ?? '');
    const refuse = (event: HttpEvent): void => {
      deps.count(event);
      socket.resetAndDestroy();
    };
    if (host === null || asked === null) return void socket.destroy(); // closed already
    if (!deps.isLanHost(interfaceIndex, host) || !deps.isOwnAddress(interfaceIndex, asked)) return refuse('off-lan');
    if (!mayConnect(host)) return refuse('rate-limited');
    if (!crowd.makeRoom(host)) return refuse('crowded');
    deps.count('connection');
    const connection = new Connection(socket, { host, interfaceIndex }, deps, limits);
    crowd.add(connection);
    socket.once('close', () => crowd.remove(connection));
  };
  const server = await listening(fd, accept);
  return {
    close() {
      server.close();
      crowd.resetAll();
    },
  };
}

function listening(fd: number, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, accept);
    server.once('error', reject);
    server.listen({ fd }, BACKLOG, () => {
      server.removeListener('error', reject);
      // An error of accept(2) costs one connection and nothing else.
      server.on('error', () => {});
      resolve(server);
    });
  });
}

class Connection implements Member {
  readonly #socket: Socket;
  readonly #asker: Asker;
  readonly #deps: HttpDeps;
  readonly #limits: Limits;
  readonly #endMs: number;
  #timer: NodeJS.Timeout;
  #phase: Member['phase'] = 'reading';
  /** Null if the request is here as a whole, or was refused. */
  #reader: RequestReader | null;

  constructor(socket: Socket, asker: Asker, deps: HttpDeps, limits: Limits) {
    this.#socket = socket;
    this.#asker = asker;
    this.#deps = deps;
    this.#limits = limits;
    const { interfaceIndex } = asker;
    this.#reader = new RequestReader({
      port: deps.port,
      isOwnAddress: (address) => deps.isOwnAddress(interfaceIndex, address),
      isDocument: (path) => deps.document(interfaceIndex, path) !== null,
    });
    this.#endMs = deps.clock() + limits.totalMs;
    this.#timer = this.#startTimer(limits.readMs);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.once('end', () => {
      // A request may end with its half of the connection.
      if (this.#phase === 'reading') this.reset();
    });
    socket.once('close', () => clearTimeout(this.#timer));
  }

  get host(): Ipv4 {
    return this.#asker.host;
  }

  get phase(): Member['phase'] {
    return this.#phase;
  }

  /** Close at once, and let the kernel forget what was not sent. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #startTimer(delayMs: number): NodeJS.Timeout {
    const leftMs = Math.max(0, this.#endMs - this.#deps.clock());
    return setTimeout(
      () => {
        this.#deps.count('timeout');
        this.reset();
      },
      Math.min(delayMs, leftMs),
    );
  }

  #enter(phase: Member['phase'], mostMs: number): void {
    this.#phase = phase;
    this.#reader = null;
    clearTimeout(this.#timer);
    this.#timer = this.#startTimer(mostMs);
  }

  #receive(chunk: Buffer): void {
    if (this.#socket.bytesRead > MAX_BYTES) return this.reset();
    if (this.#reader === null) return;
    try {
      this.#proceed(this.#reader.push(chunk));
    } catch (error) {
      this.#fail(error);
    }
  }

  #proceed(progress: Progress): void {
    switch (progress.kind) {
      case 'incomplete':
        if (progress.continue) this.#socket.write(CONTINUE);
        return;
      case 'refused':
        return this.#refuse(progress);
      case 'document': {
        this.#deps.count('document');
        const body = this.#deps.document(this.#asker.interfaceIndex, progress.path) ?? '';
        return this.#answer({ status: 200, body, isHead: progress.isHead });
      }
      case 'action':
        return this.#act(progress);
    }
  }

  #act({ body, soapAction, service }: Extract<Progress, { kind: 'action' }>): void {
    const parsed = parseCall(body, soapAction, service);
    if (parsed.kind === 'http') return this.#refuse(refused(parsed.status, 'bad-request'));
    if (parsed.kind === 'fault') return this.#answerControl(service, '', parsed);
    this.#enter('working', this.#limits.totalMs);
    const { action } = parsed.call;
    this.#deps.control(parsed.call, this.#asker).then(
      (result) => this.#answerControl(service, action, result),
      (error: unknown) => this.#fail(error),
    );
  }

  #fail(error: unknown): void {
    this.reset();
    this.#deps.onDefect(error);
  }

  #answerControl(service: ServiceName, action: string, result: ControlResult): void {
    if (result.kind === 'fault') {
      this.#deps.count('fault');
      return this.#answer({ status: 500, body: faultXml(result.code) });
    }
    this.#deps.count('action');
    this.#answer({ status: 200, body: answerXml(service, action, result.values) });
  }

  #refuse({ status, event, allow }: Refusal): void {
    this.#deps.count(event);
    this.#answer({ status, body: '', allow });
  }

  /** Send the answer, and wait until the peer has closed: until then, the answer takes memory of the kernel. */
  #answer(answer: Answer): void {
    if (this.#socket.destroyed) return;
    this.#enter('answered', this.#limits.answerMs);
    this.#socket.end(encodeAnswer(answer, this.#deps.serverHeader));
  }
}
