// The caller's end of the contract: send requests to the helper, receive its events.

import { Dealer } from 'zeromq';
import type { BootClock } from './clock.js';
import { bootClock } from './clock.js';
import type { Event, Request, Response } from './codec.js';
import { MAX_FRAMES } from './codec.js';
import { decodeResponse, encodeRequest, MAX_RESPONSE_BYTES } from './client-codec.js';

/** The helper's answer; `unavailable` if there is none: not connected, connection lost, or no answer in time. */
export type Answer = Exclude<Response, { kind: 'event' }> | { readonly kind: 'unavailable' };

export interface Listener {
  /** Connected: requests go out from now on. Called again after every reconnection; every watch has ended then. */
  connected(): void;
  /** Events were lost: a replica built from events has to start again. */
  resync(): void;
  /** The connection is lost: every open request is answered `unavailable`, and every watch has ended. */
  disconnected(): void;
  event(event: Event): void;
}

export interface HelperClient {
  /**
   * Ask, and resolve with the answer; never rejects. `unavailable` does not say whether the request was carried out:
   * ask again, every request is idempotent. Code that awaits this continues before any later answer or event is read.
   */
  ask(request: Request): Promise<Answer>;
  close(): void;
}

const SILENT: Listener = { connected() {}, resync() {}, disconnected() {}, event() {} };

/** How long an answer may take before it counts as none, in milliseconds. A healthy helper needs a few. */
const DEADLINE_MS = 3000;
/** Sent as not-after: a stalled helper must not run a request that we have reported as failed. */
const NOT_AFTER_FRACTION = 5 / 6;

/** Connect to the helper's socket, and again whenever the connection is lost. */
export function connectHelper(
  socketPath: string,
  listener: Listener = SILENT,
  deadlineMs = DEADLINE_MS,
  now: BootClock = bootClock(),
): HelperClient {
  const dealer = new Dealer({
    // Without these two a request made while the helper is down is queued, and delivered stale when it is back.
    immediate: true,
    sendTimeout: 0,
    linger: 0,
    maxMessageSize: MAX_RESPONSE_BYTES,
    handshakeInterval: 2000,
    // Detects a hung helper. Long intervals suffice: requests have deadlines, and each heartbeat wakes both ends.
    heartbeatInterval: 5000,
    heartbeatTimeout: 4000,
    reconnectInterval: 20,
    reconnectMaxInterval: 500,
    sendHighWaterMark: 4096,
    receiveHighWaterMark: 0,
  });
  /** In the order in which they were asked, so in that of their deadlines. */
  const pending = new Map<number, { readonly resolve: (answer: Answer) => void; readonly endsAt: number }>();
  /**
   * Asked in this turn of the event loop: they leave together at its end, for a message costs more than what it
   * carries.
   */
  let outgoing: { readonly id: number; readonly frame: Uint8Array }[] = [];
  let lastId = 0;
  let lastSequence = 0;
  let isUp = false;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  function settle(id: number, answer: Answer): void {
    const waiting = pending.get(id);
    if (waiting === undefined) return; // its deadline has passed
    pending.delete(id);
    waiting.resolve(answer);
  }

  /** Ends what has waited too long, and comes again while anything waits: one timer for all. */
  function giveUp(): void {
    for (const [id, { endsAt }] of pending) {
      if (endsAt > now()) {
        timer = setTimeout(giveUp, endsAt - now());
        return;
      }
      settle(id, { kind: 'unavailable' });
    }
    timer = null;
  }

  function sendPending(): void {
    const batch = outgoing;
    outgoing = [];
    for (let from = 0; from < batch.length; from += MAX_FRAMES) {
      const part = batch.slice(from, from + MAX_FRAMES);
      dealer.send(part.map(({ frame }) => frame)).catch(() => {
        for (const { id } of part) settle(id, { kind: 'unavailable' });
      });
    }
  }

  function onDisconnect(): void {
    isUp = false;
    outgoing = []; // what was asked of this connection is not for the next
    for (const id of [...pending.keys()]) settle(id, { kind: 'unavailable' });
    listener.disconnected();
  }

  async function listen(): Promise<void> {
    for await (const frames of dealer) {
      for (const frame of frames) {
        const response = decodeResponse(frame);
        if (response === null) continue; // a newer helper may say what this caller does not know
        if (response.body.kind === 'event') {
          handleEvent(response.body);
          continue;
        }
        if (response.body.kind === 'watching') lastSequence = 0;
        settle(response.id, response.body);
        await null; // the caller continues before the next frame is read, as `ask` promises
      }
    }
  }

  function handleEvent({ sequence, event }: Extract<Response, { kind: 'event' }>): void {
    const isNext = sequence === lastSequence + 1;
    lastSequence = sequence;
    if (isNext) listener.event(event);
    else listener.resync();
  }

  dealer.events.on('handshake', () => {
    isUp = true;
    listener.connected();
  });
  dealer.events.on('disconnect', onDisconnect);
  dealer.connect(`ipc://${socketPath}`);
  listen().catch((error: unknown) => {
    if (!closed) throw error;
  });

  return {
    ask(request) {
      // For a moment after a break the socket still takes requests, and loses them.
      if (!isUp) return Promise.resolve({ kind: 'unavailable' });
      return new Promise((resolve) => {
        lastId = lastId === 0xffffffff ? 1 : lastId + 1;
        const id = lastId;
        const askedAt = now();
        timer ??= setTimeout(giveUp, deadlineMs);
        pending.set(id, { resolve, endsAt: askedAt + deadlineMs });
        const notAfter = Math.floor(askedAt + deadlineMs * NOT_AFTER_FRACTION);
        outgoing.push({ id, frame: encodeRequest(id, request, notAfter) });
        if (outgoing.length === 1) setImmediate(sendPending);
      });
    },
    close() {
      closed = true;
      onDisconnect();
      if (timer !== null) clearTimeout(timer); // it would keep the process alive
      dealer.close();
    },
  };
}
