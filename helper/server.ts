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
  readonly name: string;
  readonly router: Router;
  readonly peer: Buffer;
  readonly id: number;
  /** Of the last event, sent or dropped. */
  sequence: number;
  /** An event was dropped, and the watcher can not know yet. */
  missed: boolean;
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

  /**
   * Tell every watcher. An event that finds no room is dropped; the gap in the numbers tells the watcher, with the next
   * event or the probe that follows as soon as there is room.
   */
  publish(events: readonly Event[]): void {
    for (const watcher of this.#watchers.values()) {
      if (watcher.missed && events.length === 0) this.#tell(watcher, { kind: 'probe' });
      for (const event of events) this.#tell(watcher, event);
    }
  }

  // Without an await: between `handle` and the last event no other batch may come. Events go out after all the answers:
  // whoever lists and watches hears of a change after the page that lacks it, never before.
  #answer(router: Router, role: Role, batch: readonly Received[]): void {
    const now = this.#now();
    const asked: Asked[] = [];
    for (const { request } of batch) {
      if (request === null || request.body.kind === 'watch' || isLate(request, now)) continue;
      asked.push({ request: request.body, role });
    }
    const { responses, events } = this.#handler.handle(asked);
    let next = 0;
    for (const { peer, request } of batch) {
      if (request === null) send(router, peer, 0, { kind: 'refused', reason: 'malformed' });
      else if (isLate(request, now)) send(router, peer, request.id, { kind: 'refused', reason: 'late' });
      else if (request.body.kind === 'watch') send(router, peer, request.id, this.#watch(router, role, peer, request.id));
      else send(router, peer, request.id, responses[next++] as Response);
    }
    this.publish(events);
  }

  #watch(router: Router, role: Role, peer: Buffer, id: number): Response {
    // A peer may choose its routing id, so it names a peer on its own socket only.
    const name = `${role} ${peer.toString('latin1')}`;
    if (!this.#watchers.has(name) && this.#watchers.size >= MAX_WATCHERS) {
      // Those that have gone are found out by telling them something, and make room for whoever asks again.
      for (const watcher of this.#watchers.values()) this.#tell(watcher, { kind: 'probe' });
      return { kind: 'refused', reason: 'too-many-watchers' };
    }
    this.#watchers.set(name, { name, router, peer, id, sequence: 0, missed: false });
    return this.#handler.watching();
  }

  #tell(watcher: Watcher, event: Event): void {
    watcher.missed = false;
    send(watcher.router, watcher.peer, watcher.id, { kind: 'event', sequence: ++watcher.sequence, event }, (error) => {
      if (error !== 'EHOSTUNREACH') watcher.missed = true;
      else if (this.#watchers.get(watcher.name) === watcher) this.#watchers.delete(watcher.name);
    });
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
function send(
  router: Router, peer: Buffer, id: number, response: Response, failed: (code: string | undefined) => void = () => {},
): void {
  router.send([peer, encodeResponse(id, response)]).catch((error: NodeJS.ErrnoException) => failed(error.code));
}
