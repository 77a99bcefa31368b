// The helper's end of its API on a real socket: inherited, as the launcher hands it over, with a handler that says what
// the test tells it to.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dealer } from 'zeromq';
import { openListener } from '../../cli/server/sockets.js';
import type { BatchResult, Endpoint, Handler, RequestFrom } from '../../helper/types.js';
import { Server } from '../../helper/server.js';
import type { Event, Request, Response, StatusReport } from '../../proto/codec.js';
import { decodeResponse, encodeRequest } from '../../proto/client-codec.js';
import { bytes } from '../support/bytes.js';
import { StatsRecorder } from '../../proto/totals.js';
import { atEnd } from '../support/cases.js';
import { lease } from './leases.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmp-server-test-'));
atEnd(() => rmSync(folder, { recursive: true }));
chmodSync(folder, 0o755); // another user has to get as far as the socket

/** How long a test waits for what must come, in milliseconds. */
export const SOON_MS = 5000;
/** After this long without a frame none is on its way any more, in milliseconds. A round trip takes well below one. */
export const QUIET_MS = 250;

export const REPORT: StatusReport = {
  epochStart: -1,
  mappings: 0,
  staticMappings: 0,
  maxMappings: 1,
  maxMappingsPerHost: 1,
  maxLifetime: 1,
  journalBytes: 8,
  kernelInStep: true,
  pid: 1,
  resynchronisations: 0,
  startedAt: 1,
  pinholes: 0,
  maxPinholes: 0,
  staticPinholes: 0,
};
export const GRANTED: Event = { kind: 'granted', lease: lease() };
export const WATCHING = (id: number) => ({ id, body: { kind: 'watching', status: REPORT } });

/** Answers a list with an empty page whose cursor is the one asked for, and everything else with a status. */
export class ScriptedHandler implements Handler {
  readonly totals = new StatsRecorder(() => 0);
  readonly told: Event[] = [];
  /** One entry for each batch with a request in it. */
  readonly batches: (readonly RequestFrom[])[] = [];
  /** What the next batch makes happen. */
  events: readonly Event[] = [];
  /** How many mappings each host holds. */
  held = 0;

  handle(asked: readonly RequestFrom[]): BatchResult {
    if (asked.length > 0) this.batches.push(asked);
    const events = asked.length > 0 ? this.events : [];
    if (asked.length > 0) this.events = [];
    return { responses: asked.map(({ request }) => this.answer(request)), events };
  }

  answer(request: Request): Response {
    if (request.kind === 'list-mappings') return { kind: 'mapping-list', leases: [], next: request.after };
    return { kind: 'status-report', status: REPORT };
  }

  onEvents(events: readonly Event[]): void {
    this.told.push(...events);
  }

  heldBy(): number {
    return this.held;
  }

  watching(): Response {
    return { kind: 'watching', status: REPORT };
  }

  get asked(): readonly RequestFrom[] {
    return this.batches.flat();
  }
}

let sockets = 0;
/** The server's clock, in milliseconds of CLOCK_BOOTTIME. */
export const NOW = 1_000_000;

export async function open(
  server: Server,
  fields: Partial<Endpoint> = {},
): Promise<{ path: string; ended: Promise<void> }> {
  const path = join(folder, `${++sockets}.sock`);
  const fd = await openListener({ path, mode: 0o666, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  return { path, ended: server.serve({ role: 'client', fd, uids: [], ...fields }) };
}

export async function serving(now = () => NOW) {
  const handler = new ScriptedHandler();
  const server = new Server(handler, now);
  return { handler, server, ...(await open(server)) };
}

export class Peer {
  readonly dealer: Dealer;
  readonly #frames: Buffer[] = [];

  constructor(path: string, options: ConstructorParameters<typeof Dealer>[0] = {}) {
    this.dealer = new Dealer({
      linger: 0,
      sendTimeout: SOON_MS,
      receiveTimeout: SOON_MS,
      receiveHighWaterMark: 0,
      ...options,
    });
    this.dealer.connect(`ipc://${path}`);
    atEnd(() => this.dealer.close());
  }

  /** Resolves when the connection next comes up, or breaks. */
  next(what: 'handshake' | 'disconnect'): Promise<unknown> {
    return new Promise((resolve) => {
      this.dealer.events.on(what, resolve);
    });
  }

  async send(id: number, request: Request, notAfter = 0): Promise<void> {
    await this.dealer.send(encodeRequest(id, request, notAfter));
  }

  /** The next frame, of this message or the next. */
  async receive() {
    if (this.#frames.length === 0) this.#frames.push(...(await this.dealer.receive()));
    return decodeResponse(this.#frames.shift() as Buffer);
  }

  async ask(id: number, request: Request) {
    await this.send(id, request);
    return this.receive();
  }

  /** Everything that is there or on its way. */
  async rest(quietMs = QUIET_MS) {
    this.dealer.receiveTimeout = quietMs;
    const all = [];
    try {
      for (;;) all.push(await this.receive());
    } catch {
      this.dealer.receiveTimeout = SOON_MS;
      return all;
    }
  }
}

/** Greeting and READY: without them the server closes the connection after 2 s. */
export const HELLO = bytes(`ff 0000000000000001 7f 0301 ${'4e554c4c'.padEnd(104, '0')} 04 06 05 5245414459`);
export const list = (after: number): Request => ({ kind: 'list-mappings', after, limit: 1 });
export const page = (id: number, next: number) => ({ id, body: { kind: 'mapping-list', leases: [], next } });
export const event = (id: number, sequence: number, what: Event = GRANTED) => ({
  id,
  body: { kind: 'event', sequence, event: what },
});
export const watch: Request = { kind: 'watch' };
export const status: Request = { kind: 'status' };

/** Connect as this user, whom the kernel notes at `connect`: the connection once it is greeted, null if it is closed. */
export const connectAs = (uid: number, path: string): Promise<Socket | null> => {
  process.seteuid?.(uid);
  const socket = connect(path).on('error', () => {});
  process.seteuid?.(0);
  return new Promise((resolve) => {
    socket.once('data', () => resolve(socket));
    socket.once('close', () => resolve(null));
  });
};
