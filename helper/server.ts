// The ROUTER loop: takes what waits on a socket as one batch, checks size and frames, hands it to `handle`, and sends
// the answers and events. Decides nothing.

import type { Endpoint, Handler, RequestFrom, Role } from './types.js';
import type { Event, RequestEnvelope, Response } from '../proto/messages.js';
import { Router } from 'zeromq';
import { decodeRequest, encodeEvent, encodeResponse, MAX_FRAMES, MAX_REQUEST_BYTES, REASON } from '../proto/codec.js';

/** ZMQ_USE_FD: listen on an inherited socket (zmq.h). Not among zeromq.js' properties, hence the subclass. */
const ZMQ_USE_FD = 89;
/** ZMQ_IPC_FILTER_UID: accept only peers of this uid, as SO_PEERCRED says (zmq.h). May be set more than once. */
const ZMQ_IPC_FILTER_UID = 59;

/** A batch takes requests until their cost reaches this: 1 for each mapping that a request may change, but at least 1. */
const MAX_BATCH_COST = 256;
/** A page of the list takes as long as this many other requests. */
const LIST_COST = 64;
const MAX_WATCHERS = 16;
/** A message of this size is not added to, in bytes: the longest answer is 64 KiB. */
const MESSAGE_BYTES = 32 * 1024;

class InheritedRouter extends Router {
  constructor({ fd, uids }: Endpoint) {
    super({
      maxMessageSize: MAX_REQUEST_BYTES,
      handshakeInterval: 2000,
      // No heartbeats: on a Unix socket the kernel reports a peer that is gone; and if a peer goes while more of its
      // requests wait than the queue holds, libzmq 4.3.5 ends the process at the next heartbeat (assertion !_io_error).
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

/** A caller's connection. A peer may choose its routing id, so `name` has the role too: it names one of its own socket. */
interface Peer {
  readonly name: string;
  readonly router: Router;
  readonly routingId: Buffer;
}

interface Watcher {
  readonly peer: Peer;
  /** Of the Watch, and so of all its events. */
  readonly id: number;
  /** Of the last event, sent or dropped. */
  sequence: number;
  /** An event was dropped, and the watcher cannot know yet. */
  missed: boolean;
}

const MALFORMED: Response = { kind: 'refused', reason: 'malformed' };
const LATE: Response = { kind: 'refused', reason: 'late' };

/** A frame; null if it is no Request. */
interface Received {
  readonly peer: Peer;
  readonly request: RequestEnvelope | null;
}

/** What a peer is sent at once, with a frame for each Response. */
interface Message {
  readonly peer: Peer;
  readonly frames: Uint8Array[];
  bytes: number;
  /** The peer's watch, if events are among them. */
  watcher: Watcher | null;
}

/** Collects what a batch sends, by peer: a message costs more than its content. */
class Outbound {
  readonly messages: Message[] = [];
  readonly #last = new Map<string, Message>();

  add(peer: Peer, frame: Uint8Array): Message {
    let message = this.#last.get(peer.name);
    if (message === undefined || message.bytes >= MESSAGE_BYTES) {
      message = { peer, frames: [], bytes: 0, watcher: null };
      this.messages.push(message);
      this.#last.set(peer.name, message);
    }
    message.frames.push(frame);
    message.bytes += frame.length;
    return message;
  }

  addEvent(watchers: Iterable<Watcher>, event: Event): void {
    const encode = encodeEvent(event);
    for (const watcher of watchers) this.add(watcher.peer, encode(watcher.id, ++watcher.sequence)).watcher = watcher;
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
    const hasMore = (): boolean => waiting.length > 0 || router.readable;
    for (;;) {
      const batch: Received[] = [];
      let cost = 0;
      do {
        if (waiting.length === 0) waiting.push(...receivedFrom(router, endpoint.role, await router.receive()));
        const next = waiting.shift() as Received;
        batch.push(next);
        cost += this.#cost(next.request?.body);
      } while (cost < MAX_BATCH_COST && hasMore());
      this.#answer(endpoint.role, batch);
      // A peer that sends without end must not keep timers and the other socket from their turn.
      if (hasMore()) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** True while a watcher does not know that it missed events; `publish([])` tries again. */
  get isBehind(): boolean {
    return [...this.#watchers.values()].some(({ missed }) => missed);
  }

  /**
   * Send events to every watcher. One that finds no room is dropped; the watcher sees the gap in the numbers at its next
   * event, or at the probe that follows as soon as there is room.
   */
  publish(events: readonly Event[]): void {
    this.#deliver(new Outbound(), events);
  }

  // Without an await: no other batch may come between `handle` and the last event. Events follow all the answers: a peer
  // that lists and watches gets a change after the page that lacks it, never before.
  #answer(role: Role, batch: readonly Received[]): void {
    const { totals } = this.#handler;
    const now = this.#now();
    const requests: RequestFrom[] = [];
    for (const { request } of batch) {
      if (request === null || request.body.kind === 'watch' || isLate(request, now)) continue;
      requests.push({ request: request.body, role });
    }
    const { responses, events } = this.#handler.handle(requests);
    totals.batches.observe(batch.length);
    const outbound = new Outbound();
    let next = 0;
    for (const { peer, request } of batch) {
      let response: Response;
      if (request === null) response = MALFORMED;
      else if (isLate(request, now)) response = LATE;
      else if (request.body.kind === 'watch') response = this.#watch(peer, request.id);
      else response = responses[next++] as Response;
      if (response.kind === 'refused') totals.refuse(REASON[response.reason]);
      outbound.add(peer, encodeResponse(request?.id ?? 0, response));
    }
    this.#deliver(outbound, events);
  }

  #cost(request: RequestEnvelope['body'] | undefined): number {
    if (request?.kind === 'list-mappings') return LIST_COST;
    return request?.kind === 'remove-host-mappings' ? Math.max(1, this.#handler.heldBy(request.internalAddress)) : 1;
  }

  #watch(peer: Peer, id: number): Response {
    if (!this.#watchers.has(peer.name) && this.#watchers.size >= MAX_WATCHERS) {
      // Probe all watchers: dead ones fail, and free a slot for a later Watch.
      const probes = new Outbound();
      probes.addEvent(this.#watchers.values(), { kind: 'probe' });
      this.#send(probes);
      return { kind: 'refused', reason: 'too-many-watchers' };
    }
    this.#watchers.set(peer.name, { peer, id, sequence: 0, missed: false });
    return this.#handler.watching();
  }

  /** Send the messages, and the events to every watcher. */
  #deliver(outbound: Outbound, events: readonly Event[]): void {
    this.#handler.onEvents(events);
    const watchers = [...this.#watchers.values()];
    if (watchers.length > 0) for (const event of events) outbound.addEvent(watchers, event);
    const behind = events.length === 0 ? watchers.filter(({ missed }) => missed) : [];
    if (behind.length > 0) outbound.addEvent(behind, { kind: 'probe' });
    this.#send(outbound);
  }

  /** Now or not at all: a peer that is gone, or whose queue is full because it does not read, gets nothing. */
  #send({ messages }: Outbound): void {
    for (const { peer, frames, watcher } of messages) {
      if (watcher !== null) watcher.missed = false;
      peer.router.send([peer.routingId, ...frames]).catch(({ code }: NodeJS.ErrnoException) => {
        if (watcher === null) return;
        if (code !== 'EHOSTUNREACH') watcher.missed = true;
        else if (this.#watchers.get(peer.name) === watcher) this.#watchers.delete(peer.name);
      });
    }
  }
}

/** Whether the caller has given up on the request. */
function isLate({ notAfter }: RequestEnvelope, now: number): boolean {
  return notAfter !== 0 && notAfter < now;
}

/** A ROUTER's message is the peer's routing id and one or more frames, each a Request. */
function receivedFrom(router: Router, role: Role, message: readonly Buffer[]): readonly Received[] {
  const [routingId, ...frames] = message as [Buffer, ...Buffer[]];
  const peer: Peer = { name: `${role} ${routingId.toString('latin1')}`, router, routingId };
  if (frames.length === 0 || frames.length > MAX_FRAMES) return [{ peer, request: null }];
  return frames.map((frame) => ({ peer, request: decodeRequest(frame) }));
}
