// As after a power cut: all hosts of the LAN ask for their mappings at once, each for one after the other, waits for
// each answer, and asks again as the protocol says (RFC 6886 §3.1).

import { A_CALL, type Exchange } from './exchange.js';
import type { Done, Job } from './generator-protocol.js';
import { LIFETIME_SECONDS, monotonicMs } from './generator-protocol.js';
import { wish, type Wish } from './mappings.js';
import { percentile } from './statistics.js';

/** The first interval; each of the next is twice as long. */
const FIRST_INTERVAL_MS = 250;
/** How often requests that have waited for too long are looked for. */
const LOOK_EVERY_MS = 10;
const STALL_MS = 20_000;

interface Host {
  readonly number: number;
  /** Of the mappings of the job, which is its next one, and which is not its own any more. */
  next: number;
  readonly end: number;
  asked: Wish | null;
  since: number;
  interval: number;
  dueAt: number;
}

export function cold(net: Exchange, { count, portsAHost }: Job & { kind: 'cold' }): Done {
  const hosts = hostsOf(count, portsAHost);
  const latencies = new Float64Array(count);
  const results: Record<number, number> = {};
  const toSend: Host[] = [...hosts];
  let answered = 0;
  let repeats = 0;
  const start = monotonicMs();
  let now = start;
  let lastReply = start;
  let lookAt = start + LOOK_EVERY_MS;

  while (answered < count && now - lastReply < STALL_MS) {
    // One that was to ask again may have had its last answer meanwhile.
    const batch = toSend.splice(0, A_CALL).filter((host) => host.asked !== null || host.next < host.end);
    batch.forEach((host, index) => {
      if (host.asked === null) begin(host, now, portsAHost);
      net.compose(index, host.asked as Wish, LIFETIME_SECONDS);
    });
    net.send(batch.length);
    now = net.receive((number, opcode, port, result, at) => {
      const host = hosts[number];
      if (host?.asked?.opcode !== opcode || host.asked.port !== port) return; // a second answer, after a repetition
      results[result] = (results[result] ?? 0) + 1;
      latencies[answered++] = (at - host.since) * 1000;
      lastReply = at;
      host.asked = null;
      if (host.next < host.end) toSend.push(host);
    });
    if (now < lookAt) continue;
    lookAt = now + LOOK_EVERY_MS;
    for (const host of hosts) {
      if (host.asked === null || now < host.dueAt) continue;
      host.interval *= 2;
      host.dueAt = now + host.interval;
      repeats++;
      toSend.push(host);
    }
  }
  const ascending = latencies.subarray(0, answered).sort();
  return {
    kind: 'done',
    asked: count,
    count: answered,
    elapsedMs: now - start,
    p50: percentile(ascending, 0.5),
    p99: percentile(ascending, 0.99),
    longest: percentile(ascending, 1),
    results,
    repeats,
    isStalled: answered < count,
  };
}

function hostsOf(count: number, portsAHost: number): Host[] {
  const each = 2 * portsAHost;
  return Array.from({ length: Math.ceil(count / each) }, (_, number) => ({
    number,
    next: number * each,
    end: Math.min(count, (number + 1) * each),
    asked: null,
    since: 0,
    interval: 0,
    dueAt: 0,
  }));
}

function begin(host: Host, now: number, portsAHost: number): void {
  host.asked = wish(host.next++, portsAHost);
  host.since = now;
  host.interval = FIRST_INTERVAL_MS;
  host.dueAt = now + host.interval;
}
