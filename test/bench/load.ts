// The load generator: a program of its own in the LAN's network namespace, which does one job after the other as ordered
// over the IPC channel. It measures and never judges.

import { parseIpv4 } from '../../proto/mapping.js';
import { Datagrams } from './datagrams.js';
import type { Done, Job, Op, Report } from './load-protocol.js';
import { LIFETIME_SECONDS, monotonicMs } from './load-protocol.js';
import { FIRST_HOST, jump, OPCODE, ROUTER, wish } from './mappings.js';
import type { Request } from './outstanding.js';
import { Outstanding } from './outstanding.js';
import { percentile } from './statistics.js';

const NATPMP_PORT = 5351;
/** More than any width. */
const A_CALL = 256;
/** How long one receive waits, in milliseconds. */
const PATIENCE_MS = 4;
const STALL_MS = 20_000;
const PROBE_EVERY_MS = 5;
const PROBE_LIMIT_MS = 30_000;

const REPLY = { opcode: 1, result: 2, internalPort: 8 } as const;

const net = new Datagrams(A_CALL, { address: parseIpv4(ROUTER) ?? 0, port: NATPMP_PORT }, PATIENCE_MS);

/** Write one request (RFC 6886 §3.2, §3.3) as the outgoing message of this number. */
function compose(index: number, { host, opcode, port }: Request, lifetime: number): void {
  const isAddress = opcode === OPCODE.address;
  const { view } = net.outgoing;
  const at = net.outgoing.compose(index, isAddress ? 2 : 12, FIRST_HOST + host);
  view.setUint32(at, opcode << 16); // version 0, opcode, reserved
  if (isAddress) return;
  view.setUint16(at + 4, port);
  view.setUint16(at + 6, port);
  view.setUint32(at + 8, lifetime);
}

type Heard = (host: number, opcode: number, port: number, result: number, now: number) => void;

/** Take all replies there are, tell `heard` of each, and return the time at which they came. */
function receive(heard: Heard): number {
  const { incoming } = net;
  const count = net.receive();
  const now = monotonicMs();
  for (let index = 0; index < count; index++) {
    const at = incoming.data(index);
    const opcode = incoming.view.getUint8(at + REPLY.opcode) & 0x7f;
    const port = incoming.length(index) < 16 ? 0 : incoming.view.getUint16(at + REPLY.internalPort);
    heard(incoming.destination(index) - FIRST_HOST, opcode, port, incoming.view.getUint16(at + REPLY.result), now);
  }
  return now;
}

/** Replies to requests of an earlier job, which it did not wait for, are not of this one. */
function forgetLateReplies(): void {
  while (net.receive() > 0);
}

function load({ op, first, span, count, width, portsAHost, repeatMs, limitMs }: Job & { kind: 'load' }): Done {
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
      compose(batch++, outstanding.sent(host, opcode, port, now), lifetime);
    }
    for (const request of now - lastReply > PATIENCE_MS ? outstanding.overdue(now - repeatMs) : []) {
      request.sentAt = now;
      compose(batch++, request, lifetime);
      repeats++;
    }
    net.send(batch);
    now = receive(heard);
    if ((outstanding.size === 0 && !mayAsk()) || now - lastReply > STALL_MS) break;
  }
  const microseconds = outstanding.latencies().map((each) => each * 1000);
  return {
    kind: 'done', asked, count: outstanding.answered, elapsedMs: now - start, p50: percentile(microseconds, 0.5),
    p99: percentile(microseconds, 0.99), longest: percentile(microseconds, 1), results, repeats,
    isStalled: outstanding.answered < asked,
  };
}

/** The n-th request of a job. Address requests say nothing of themselves in their replies: each that waits has its own host. */
function wanted(op: Op, n: number, first: number, span: number, width: number, portsAHost: number) {
  if (op === 'address') return { host: n % (64 * width), opcode: OPCODE.address, port: 0 };
  return wish(first + jump(n, span), portsAHost);
}

function probe({ number, portsAHost }: Job & { kind: 'probe' }): Report {
  const { host, opcode, port } = wish(number, portsAHost);
  const until = monotonicMs() + PROBE_LIMIT_MS;
  let refusals = 0;
  let succeeded = false;
  let sentAt = -Infinity;
  while (!succeeded && monotonicMs() < until) {
    if (monotonicMs() - sentAt >= PROBE_EVERY_MS) {
      sentAt = monotonicMs();
      compose(0, { host, opcode, port, since: 0, sentAt: 0 }, LIFETIME_SECONDS);
      net.send(1);
    }
    receive((_host, _opcode, replyPort, result) => {
      if (replyPort !== port) return;
      if (result === 0) succeeded = true;
      else refusals++;
    });
  }
  return { kind: 'answered', atMs: succeeded ? monotonicMs() : null, refusals };
}

process.on('message', (job: Job) => {
  forgetLateReplies();
  process.send?.(job.kind === 'load' ? load(job) : probe(job));
});
// The bench is over, or has died.
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'ready' });
