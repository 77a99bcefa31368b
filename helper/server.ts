// The ROUTER loop: takes what waits on a socket as one batch, checks size and frames, hands it to `handle`, and sends
// the answers and events. Decides nothing.

import { Router } from 'zeromq';
import type { Event, RequestEnvelope, Response } from '../proto/codec.js';
import { decodeRequest, encodeResponse, MAX_FRAMES, MAX_REQUEST_BYTES, REASON } from '../proto/codec.js';
import type { StatsRecorder } from '../proto/totals.js';
import type { RequestFrom, BatchResult } from './handle.js';
import type { Role } from './validate.js';

/** ZMQ_USE_FD: listen on an inherited socket (zmq.h). Not among zeromq.js' properties, hence the subclass. */
const ZMQ_USE_FD = 89;
/** ZMQ_IPC_FILTER_UID: accept only peers of this uid, as SO_PEERCRED says (zmq.h). May be set more than once. */
const ZMQ_IPC_FILTER_UID = 59;

/** How many requests form a batch at most. */
const BATCH = 256;
/** A page of the list counts for this many: it keeps everyone waiting for as long. */
const PAGE = 64;
const MAX_WATCHERS = 16;
/** A message that has got this long is not added to, in bytes: the longest answer is 64 KiB. */
const MESSAGE_BYTES = 32 * 1024;

export interface Endpoint {
  readonly role: Role;
  /** The inherited listening socket, and the path it is bound to. */
  readonly fd: number;
  readonly path: string;
  /** Only peers of these uids are accepted; empty: whoever may open the socket file. */
  readonly uids: readonly number[];
}

export interface Handler {
  handle(asked: readonly RequestFrom[]): BatchResult;
  /** Answers a Watch. */
  watching(): Response;
  /** After every batch and `publish`: all that happened, in order, as it is told to those who watch. */
  happened(events: readonly Event[]): void;
  readonly totals: StatsRecorder;
}

class InheritedRouter extends Router {
  constructor({ fd, uids }: Endpoint) {
    super({
      maxMessageSize: MAX_REQUEST_BYTES,
      handshakeInterval: 2000,
      // No heartbeats: on a Unix socket the kernel tells when a peer is gone, and a peer that goes while more of its
      // requests wait than are taken in makes libzmq 4.3.5 end the process at the next one (an assertion, !_io_error).
      sendHighWaterMark: 1024,
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

const MALFORMED: Response = { kind: 'refused', reason: 'malformed' };
const LATE: Response = { kind: 'refused', reason: 'late' };

/** A received frame: who sent it, and its Request; null where it is none. */
interface Received {
  readonly peer: Buffer;
  readonly name: string;
  readonly request: RequestEnvelope | null;
}

/** What one peer is to be told: a message, with a frame for each Response. */
interface Message {
  readonly router: Router;
  readonly peer: Buffer;
  readonly frames: Uint8Array[];
  bytes: number;
  /** The peer's watch, where events are in it. */
  watcher: Watcher | null;
}

/** Collects what a batch has to say, by peer: sending a message costs more than what is in it. */
class Outbound {
  readonly messages: Message[] = [];
  readonly #last = new Map<string, Message>();

  add(name: string, router: Router, peer: Buffer, id: number, response: Response): Message {
    let message = this.#last.get(name);
    if (message === undefined || message.bytes >= MESSAGE_BYTES) {
      message = { router, peer, frames: [], bytes: 0, watcher: null };
      this.messages.push(message);
      this.#last.set(name, message);
    }
    const frame = encodeResponse(id, response);
    message.frames.push(frame);
    message.bytes += frame.length;
    return message;
  }

  addEvent(watcher: Watcher, event: Event): void {
    const { name, router, peer, id } = watcher;
    this.add(name, router, peer, id, { kind: 'event', sequence: ++watcher.sequence, event }).watcher = watcher;
  }
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
    const waiting: Received[] = [];
    for (;;) {
      const batch: Received[] = [];
      for (let size = 0; size === 0 || (size < BATCH && (waiting.length > 0 || router.readable)); ) {
        if (waiting.length === 0) waiting.push(...receivedFrom(endpoint.role, await router.receive()));
        batch.push(waiting.shift() as Received);
        size += batch.at(-1)?.request?.body.kind === 'list-mappings' ? PAGE : 1;
      }
      this.#answer(router, endpoint.role, batch);
      // A peer that sends without end must not keep timers and the other socket from their turn.
      if (waiting.length > 0 || router.readable) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Whether a watcher is still to be told that it missed something: publish again, if only nothing. */
  get isBehind(): boolean {
    return [...this.#watchers.values()].some(({ missed }) => missed);
  }

  /**
   * Tell every watcher. An event that finds no room is dropped; the gap in the numbers tells the watcher, with the next
   * event or the probe that follows as soon as there is room.
   */
  publish(events: readonly Event[]): void {
    this.#deliver(new Outbound(), events);
  }

  // Without an await: between `handle` and the last event no other batch may come. Events go out after all the answers:
  // whoever lists and watches hears of a change after the page that lacks it, never before.
  #answer(router: Router, role: Role, batch: readonly Received[]): void {
    const now = this.#now();
    const asked: RequestFrom[] = [];
    for (const { request } of batch) {
      if (request === null || request.body.kind === 'watch' || isLate(request, now)) continue;
      asked.push({ request: request.body, role });
    }
    const { responses, events } = this.#handler.handle(asked);
    const { totals } = this.#handler;
    totals.batches.observe(batch.length);
    const post = new Outbound();
    let next = 0;
    for (const { peer, name, request } of batch) {
      const response =
        request === null
          ? MALFORMED
          : isLate(request, now)
            ? LATE
            : request.body.kind === 'watch'
              ? this.#watch(router, name, peer, request.id)
              : (responses[next++] as Response);
      if (response.kind === 'refused') totals.refuse(REASON[response.reason]);
      post.add(name, router, peer, request?.id ?? 0, response);
    }
    this.#deliver(post, events);
  }

  #watch(router: Router, name: string, peer: Buffer, id: number): Response {
    if (!this.#watchers.has(name) && this.#watchers.size >= MAX_WATCHERS) {
      // Those that have gone are found out by telling them something, and make room for whoever asks again.
      const post = new Outbound();
      for (const watcher of this.#watchers.values()) post.addEvent(watcher, { kind: 'probe' });
      this.#send(post);
      return { kind: 'refused', reason: 'too-many-watchers' };
    }
    this.#watchers.set(name, { name, router, peer, id, sequence: 0, missed: false });
    return this.#handler.watching();
  }

  /** Send what is in the post, and the events to every watcher. */
  #deliver(post: Outbound, events: readonly Event[]): void {
    this.#handler.happened(events);
    for (const watcher of this.#watchers.values()) {
      if (watcher.missed && events.length === 0) post.addEvent(watcher, { kind: 'probe' });
      for (const event of events) post.addEvent(watcher, event);
    }
    this.#send(post);
  }

  /** Now or not at all: a peer that is gone, or whose queue is full because it does not read, gets nothing. */
  #send({ messages }: Outbound): void {
    for (const { router, peer, frames, watcher } of messages) {
      if (watcher !== null) watcher.missed = false;
      router.send([peer, ...frames]).catch(({ code }: NodeJS.ErrnoException) => {
        if (watcher === null) return;
        if (code !== 'EHOSTUNREACH') watcher.missed = true;
        else if (this.#watchers.get(watcher.name) === watcher) this.#watchers.delete(watcher.name);
      });
    }
  }
}

/** Whether the caller has given up on the request. */
function isLate({ notAfter }: RequestEnvelope, now: number): boolean {
  return notAfter !== 0 && notAfter < now;
}

/** A ROUTER's message is the peer's routing id and what it sent: one frame or several, each a Request. */
function receivedFrom(role: Role, message: readonly Buffer[]): readonly Received[] {
  const [peer, ...frames] = message as [Buffer, ...Buffer[]];
  // A peer may choose its routing id, so it names a peer on its own socket only.
  const name = `${role} ${peer.toString('latin1')}`;
  if (frames.length === 0 || frames.length > MAX_FRAMES) return [{ peer, name, request: null }];
  return frames.map((frame) => ({ peer, name, request: decodeRequest(frame) }));
}
