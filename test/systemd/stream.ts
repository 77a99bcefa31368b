// One request each ten milliseconds, none of them repeated: how many are never answered.

import { bytes } from '../support/bytes.js';
import type { Host } from '../lab/host.js';
import { ROUTER } from '../lab/lab.js';
import { mapRequest, PORT } from '../lab/natpmp.js';

const EVERY_MS = 10;
/** How long the last ones may take. */
const LATE_MS = 5000;
const FIRST_PORT = 60_000;

export interface Stream {
  /** Resolves when so many more have been sent. */
  sent(count: number): Promise<void>;
  stop(): Promise<{
    readonly unanswered: number;
    readonly slowestMs: number;
    /** When the last unanswered one was sent, on CLOCK_MONOTONIC, which systemd's timestamps use, too. */
    readonly lastUnansweredUs: number;
  }>;
}

/** Ask for one mapping after the other; an answer that says "not now" is one, too. */
export async function startStream(host: Host): Promise<Stream> {
  const socket = await host.udp({ peer: { address: ROUTER, port: PORT } });
  const sentAt = new Map<number, number>();
  let next = FIRST_PORT;
  let slowestMs = 0;
  let ended = false;
  const timer = setInterval(() => {
    sentAt.set(next, performance.now());
    socket.send(mapRequest('tcp', next, next, 60));
    next++;
  }, EVERY_MS);
  const heard = (async () => {
    while (!ended) {
      const reply = await socket.receive(100);
      if (reply === null) continue;
      const port = new DataView(bytes(reply.hex).buffer).getUint16(8);
      slowestMs = Math.max(slowestMs, performance.now() - (sentAt.get(port) ?? Infinity));
      sentAt.delete(port);
    }
  })();
  return {
    async sent(count) {
      for (const last = next + count; next < last; ) await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    },
    async stop() {
      clearInterval(timer);
      for (const endMs = performance.now() + LATE_MS; sentAt.size > 0 && performance.now() < endMs; ) {
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      }
      ended = true;
      await heard;
      socket.close();
      // performance.now() counts from the start of this process.
      const startMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();
      const lastUnansweredUs = Math.max(0, ...[...sentAt.values()].map((sentMs) => (startMs + sentMs) * 1000));
      return { unanswered: sentAt.size, slowestMs, lastUnansweredUs };
    },
  };
}
