// The ROUTER loop: takes what waits on a socket as one batch, checks size and frames, hands it to `handle`, and sends the
// answers and events. Decides nothing.

import { Router } from 'zeromq';
import type { Event, RequestEnvelope, Response } from '../proto/codec.js';
import { decodeRequest, encodeResponse, MAX_REQUEST_BYTES } from '../proto/codec.js';
import type { Asked, Handled } from './handle.js';
import type { Role } from './validate.js';

/** ZMQ_USE_FD: listen on an inherited socket (zmq.h). Not among zeromq.js' properties, hence the subclass. */
const ZMQ_USE_FD = 89;
/** ZMQ_IPC_FILTER_UID: accept only peers of this uid, as SO_PEERCRED says (zmq.h). May be set more than once. */
const ZMQ_IPC_FILTER_UID = 59;

/** How many requests form a batch at most. */
const BATCH = 256;
const MAX_WATCHERS = 16;

export interface Endpoint {
  readonly role: Role;
  /** The inherited listening socket, and the path it is bound to. */
  readonly fd: number;
  readonly path: string;
  /** Only peers of these uids are accepted; empty: whoever may open the socket file. */
  readonly uids: readonly number[];
}

export interface Handler {
  handle(asked: readonly Asked[]): Handled;
  /** Answers a Watch. */
  watching(): Response;
}

class InheritedRouter extends Router {
  constructor({ fd, uids }: Endpoint) {
    super({
      maxMessageSize: MAX_REQUEST_BYTES,
      handshakeInterval: 2000,
      heartbeatInterval: 5000,
      heartbeatTimeout: 15000,
      sendHighWaterMark: 8192,
      receiveHighWaterMark: 1024,
      backlog: 128,
      linger: 0,
      // A peer that is gone or does not read is an error from `send`, at once, and no reason to wait.
      mandatory: true,
      sendTimeout: 0,
    });
    this.setInt32Option(ZMQ_USE_FD, fd);
    for (const uid of uids) this.setInt32Option(ZMQ_IPC_FILTER_UID, uid);
  }
}

interface Watcher {
  readonly router: Router;
  readonly peer: Buffer;
  readonly id: number;
  sequence: number;
}

/** A received message: who sent it, and its Request; null where it is none. */
interface Received {
  readonly peer: Buffer;
  readonly request: RequestEnvelope | null;
}

export class Server {
  readonly #handler: Handler;
  readonly #now: () => number;
  readonly #watchers = new Map<string, Watcher>();

  /** `now`: milliseconds of CLOCK_BOOTTIME. */
  constructor(handler: Handler, now: () => number) {
    this.#handler = handler;
    this.#now = now;
  }

  /** Serve one socket until the process ends. Rejects when the socket fails, which is the end of the process. */
  async serve(endpoint: Endpoint): Promise<void> {
    const router = new InheritedRouter(endpoint);
    await router.bind(`ipc://${endpoint.path}`);
    for (;;) {
      const batch = [receivedFrom(await router.receive())];
      while (batch.length < BATCH && router.readable) batch.push(receivedFrom(await router.receive()));
      this.#answer(router, endpoint.role, batch.filter((received) => received !== null));
      // A peer that sends without end must not keep timers and the other socket from their turn.
      if (router.readable) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Tell every watcher. An event that finds no room is dropped: the gap in the numbers tells the watcher. */
  publish(events: readonly Event[]): void {
    for (const watcher of this.#watchers.values()) {
      for (const event of events) {
        const response: Response = { kind: 'event', sequence: ++watcher.sequence, event };
        send(watcher.router, watcher.peer, watcher.id, response, () => this.#watchers.delete(nameOf(watcher.peer)));
      }
    }
  }

  // Without an await from here on: between `handle` and the last answer no other batch may put its events on the wire,
  // or a caller that lists and watches would hear of a change before it gets the page that lacks it.
  #answer(router: Router, role: Role, batch: readonly Received[]): void {
    const now = this.#now();
    const asked: Asked[] = [];
    for (const { request } of batch) {
      if (request === null || request.body.kind === 'watch' || isLate(request, now)) continue;
      asked.push({ request: request.body, role });
    }
    const { responses, events } = this.#handler.handle(asked);
    this.publish(events);
    let next = 0;
    for (const { peer, request } of batch) {
      if (request === null) send(router, peer, 0, { kind: 'refused', reason: 'malformed' });
      else if (isLate(request, now)) send(router, peer, request.id, { kind: 'refused', reason: 'late' });
      else if (request.body.kind === 'watch') send(router, peer, request.id, this.#watch(router, peer, request.id));
      else send(router, peer, request.id, responses[next++] as Response);
    }
  }

  #watch(router: Router, peer: Buffer, id: number): Response {
    const name = nameOf(peer);
    if (!this.#watchers.has(name) && this.#watchers.size >= MAX_WATCHERS) {
      return { kind: 'refused', reason: 'too-many-watchers' };
    }
    this.#watchers.set(name, { router, peer, id, sequence: 0 });
    return this.#handler.watching();
  }
}

/** Whether the caller has given up on the request. */
function isLate({ notAfter }: RequestEnvelope, now: number): boolean {
  return notAfter !== 0 && notAfter < now;
}

/** A ROUTER's message is the peer's routing id and what it sent, which must be a single frame. */
function receivedFrom(frames: readonly Buffer[]): Received | null {
  const [peer, frame, ...more] = frames;
  if (peer === undefined) return null;
  return { peer, request: frame === undefined || more.length > 0 ? null : decodeRequest(frame) };
}

/** Send now or not at all: a peer that is gone, or whose queue is full because it does not read, gets nothing. */
function send(router: Router, peer: Buffer, id: number, response: Response, gone: () => void = () => {}): void {
  router.send([peer, encodeResponse(id, response)]).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EHOSTUNREACH') gone();
  });
}

function nameOf(peer: Buffer): string {
  return peer.toString('latin1');
}
