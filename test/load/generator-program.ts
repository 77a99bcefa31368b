// The load generator: a program of its own in the LAN's network namespace, which does one job after the other as
// ordered over the IPC channel. It measures and never judges.

import { cold } from './cold.js';
import { type Exchange, type Heard, NatPmpExchange, PATIENCE_MS, PcpExchange } from './exchange.js';
import type { Done, Job, Op, Report, What } from './generator-protocol.js';
import { LIFETIME_SECONDS, monotonicMs } from './generator-protocol.js';
import { jump, OPCODE, wish } from './mappings.js';
import { Outstanding } from './outstanding.js';
import { percentile } from './statistics.js';

const STALL_MS = 20_000;
const PROBE_EVERY_MS = 5;
const PROBE_LIMIT_MS = 30_000;

const mappings = new NatPmpExchange();
let pinholes: PcpExchange | null = null;

/** IPv6 may not be there. */
function exchangeFor(what: What): Exchange {
  return what === 'mappings' ? mappings : (pinholes ??= new PcpExchange());
}

function load({ what, op, first, span, count, width, portsAHost, repeatMs, limitMs }: Job & { kind: 'load' }): Done {
  const net = exchangeFor(what);
  net.forgetLateReplies();
  const outstanding = new Outstanding(count);
  const results: Record<number, number> = {};
  const lifetime = op === 'unmap' ? 0 : LIFETIME_SECONDS;
  let asked = 0;
  let repeats = 0;
  const start = monotonicMs();
  let now = start;
  let lastReply = start;

  const mayAsk = () => asked < count && (limitMs === null || now - start < limitMs);
  const heard: Heard = (host, opcode, port, result, at) => {
    if (!outstanding.reply(host, opcode, port, at)) return;
    results[result] = (results[result] ?? 0) + 1;
    lastReply = at;
  };
  for (;;) {
    let batch = 0;
    for (; mayAsk() && outstanding.size < width; asked++) {
      const { host, opcode, port } = wanted(op, asked, first, span, width, portsAHost);
      net.compose(batch++, outstanding.sent(host, opcode, port, now), lifetime);
    }
    for (const request of now - lastReply > PATIENCE_MS ? outstanding.overdue(now - repeatMs) : []) {
      request.sentAt = now;
      net.compose(batch++, request, lifetime);
      repeats++;
    }
    net.send(batch);
    now = net.receive(heard);
    if ((outstanding.size === 0 && !mayAsk()) || now - lastReply > STALL_MS) break;
  }
  const microseconds = outstanding.latencies().map((each) => each * 1000);
  return {
    kind: 'done',
    asked,
    count: outstanding.answered,
    elapsedMs: now - start,
    p50: percentile(microseconds, 0.5),
    p99: percentile(microseconds, 0.99),
    longest: percentile(microseconds, 1),
    results,
    repeats,
    isStalled: outstanding.answered < asked,
  };
}

/**
 * The n-th request of a job. Address requests say nothing of themselves in their replies: each that waits has its own
 * host.
 */
function wanted(op: Op, n: number, first: number, span: number, width: number, portsAHost: number) {
  if (op === 'address') return { host: n % (64 * width), opcode: OPCODE.address, port: 0 };
  return wish(first + jump(n, span), portsAHost);
}

/** What nobody wakes. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

function probe({ number, portsAHost }: Job & { kind: 'probe' }): Report {
  const { host, opcode, port } = wish(number, portsAHost);
  const until = monotonicMs() + PROBE_LIMIT_MS;
  let refusals = 0;
  let succeeded = false;
  let sentAt = -Infinity;
  while (!succeeded && monotonicMs() < until) {
    if (monotonicMs() - sentAt >= PROBE_EVERY_MS) {
      sentAt = monotonicMs();
      mappings.compose(0, { host, opcode, port }, LIFETIME_SECONDS);
      mappings.send(1);
    }
    Atomics.wait(NEVER, 0, 0, 1); // a millisecond: who starts again is to have the processor
    mappings.receive((_host, _opcode, replyPort, result) => {
      if (replyPort !== port) return;
      if (result === 0) succeeded = true;
      else refusals++;
    });
  }
  return { kind: 'answered', atMs: succeeded ? monotonicMs() : null, refusals };
}

process.on('message', (job: Job) => {
  mappings.forgetLateReplies();
  process.send?.(job.kind === 'load' ? load(job) : job.kind === 'cold' ? cold(mappings, job) : probe(job));
});
// The bench is over, or has died.
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'ready' });
