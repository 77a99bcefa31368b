// The ROUTER loop: takes what waits on a socket as one batch, checks size and frames, hands it to `handle`, and sends
// the answers and events. Decides nothing.

import type { Endpoint, Handler, RequestFrom, Role } from './types.js';
import type { Event, RequestEnvelope, Response } from '../proto/messages.js';
import { decodeRequest, encodeResponse, REASON } from '../proto/codec.js';
import type { Connection } from './router.js';
import { Router } from './router.js';

/** A batch takes requests until their cost reaches this: 1 for each mapping that a request may change, but at least 1. */
const MAX_BATCH_COST = 256;
/** A page of the list takes as long as this many other requests. */
const LIST_COST = 64;
/** A piece of input without a whole message, such as pings, takes as long as this many requests at most. */
const PARTIAL_COST = 16;
/** Those of one user keep out no others, and none keep out the administrator. */
const MAX_WATCHERS = { client: { ofUser: 4, inAll: 63 }, administrator: { ofUser: 64, inAll: 64 } } as const;
/** A message of this size is not added to, in bytes: the longest answer is 64 KiB. */
const MESSAGE_BYTES = 32 * 1024;

interface Watcher {
  readonly peer: Connection;
  readonly user: number;
  readonly role: Role;
  /** Of the Watch, and so of all its events. */
  readonly id: number;
  /** Of the last event, sent or dropped. */
  sequence: number;
  /** An event was dropped, and the watcher cannot know yet. */
  missed: boolean;
  /** Gets events of pinholes, too. */
  readonly wantsPinholes: boolean;
}

const MALFORMED: Response = { kind: 'refused', reason: 'malformed' };
const LATE: Response = { kind: 'refused', reason: 'late' };
const TOO_MANY: Response = { kind: 'refused', reason: 'too-many-watchers' };

/** A frame; null if it is no Request. */
interface Received {
  readonly peer: Connection;
  readonly user: number;
  readonly request: RequestEnvelope | null;
}

/** What a peer is sent at once, with a frame for each Response. */
interface Message {
  readonly peer: Connection;
  readonly frames: Uint8Array[];
  bytes: number;
  /** The peer's watch, if events are among them. */
  watcher: Watcher | null;
}

/** Collects what a batch sends, by peer: a message costs more than its content. */
class Outbound {
  readonly messages: Message[] = [];
  readonly #last = new Map<Connection, Message>();

  add(peer: Connection, frame: Uint8Array): Message {
    let message = this.#last.get(peer);
    if (message === undefined || message.bytes >= MESSAGE_BYTES) {
      message = { peer, frames: [], bytes: 0, watcher: null };
      this.messages.push(message);
      this.#last.set(peer, message);
    }
    message.frames.push(frame);
    message.bytes += frame.length;
    return message;
  }

  addEvent(watchers: Iterable<Watcher>, event: Event): void {
    for (const watcher of watchers) {
      if ('pinhole' in event && !watcher.wantsPinholes) continue;
      const frame = encodeResponse(watcher.id, { kind: 'event', sequence: ++watcher.sequence, event });
      this.add(watcher.peer, frame).watcher = watcher;
    }
  }
}

export class Server {
  readonly #handler: Handler;
  readonly #now: () => number;
  readonly #watchers = new Map<Connection, Watcher>();

  /** `now`: milliseconds of CLOCK_BOOTTIME. */
  constructor(handler: Handler, now: () => number) {
    this.#handler = handler;
    this.#now = now;
  }

  /** Serve one socket until the process ends. Rejects if a batch fails, which is the end of the process. */
  async serve(endpoint: Endpoint): Promise<void> {
    const router = new Router(endpoint, this.#now);
    for (;;) {
      if (!router.hasInput) await router.untilInput();
      const batch: Received[] = [];
      for (let cost = 0; cost < MAX_BATCH_COST && router.hasInput; ) {
        const { user, peer, frame } = router.receive();
        const request = frame === null ? null : decodeRequest(frame);
        if (frame !== null) batch.push({ peer, user, request });
        cost += router.charge(frame === null ? PARTIAL_COST : this.#cost(request?.body));
      }
      if (batch.length > 0) this.#answer(endpoint.role, batch);
      // Peers that send without end, each a little, must not keep timers and the other socket from their turn.
      await new Promise((resolve) => setImmediate(resolve));
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
    for (const { peer, user, request } of batch) {
      let response: Response;
      if (request === null) response = MALFORMED;
      else if (isLate(request, now)) response = LATE;
      else if (request.body.kind === 'watch')
        response = this.#watch({ peer, user, role, id: request.id, wantsPinholes: request.body.pinholes ?? false });
      else response = responses[next++] as Response;
      if (response.kind === 'refused') totals.refuse(REASON[response.reason]);
      outbound.add(peer, encodeResponse(request?.id ?? 0, response));
    }
    this.#deliver(outbound, events);
  }

  #cost(request: RequestEnvelope['body'] | undefined): number {
    if (request?.kind === 'list-mappings' || request?.kind === 'list-pinholes') return LIST_COST;
    return request?.kind === 'remove-host-mappings' ? Math.max(1, this.#handler.heldBy(request.internalAddress)) : 1;
  }

  #watch(watcher: Omit<Watcher, 'sequence' | 'missed'>): Response {
    this.#forgetClosed();
    const others = [...this.#watchers.values()].filter(({ peer }) => peer !== watcher.peer);
    const ofUser = others.filter(({ user, role }) => user === watcher.user && role === watcher.role);
    const most = MAX_WATCHERS[watcher.role];
    if (ofUser.length >= most.ofUser || others.length >= most.inAll) return TOO_MANY;
    this.#watchers.set(watcher.peer, { ...watcher, sequence: 0, missed: false });
    return this.#handler.watching();
  }

  #forgetClosed(): void {
    for (const peer of this.#watchers.keys()) if (!peer.isOpen) this.#watchers.delete(peer);
  }

  /** Send the messages, and the events to every watcher. */
  #deliver(outbound: Outbound, events: readonly Event[]): void {
    this.#forgetClosed();
    this.#handler.onEvents(events);
    const watchers = [...this.#watchers.values()];
    if (watchers.length > 0) for (const event of events) outbound.addEvent(watchers, event);
    const behind = events.length === 0 ? watchers.filter(({ missed }) => missed) : [];
    if (behind.length > 0) outbound.addEvent(behind, { kind: 'probe' });
    for (const { peer, frames, watcher } of outbound.messages) {
      const isSent = peer.send(frames);
      if (watcher !== null) watcher.missed = !isSent;
    }
  }
}

/** Whether the caller has given up on the request. */
function isLate({ notAfter }: RequestEnvelope, now: number): boolean {
  return notAfter !== 0 && notAfter < now;
}
