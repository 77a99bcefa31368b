// A client that behaves, on a device of its own: one request at a time, repeated as RFC 6886 §3.1 says, every answer
// looked at.
// `node client.js`: works until its input ends, and then says what it has seen, as JSON.

import { createSocket } from 'node:dgram';
import { NEIGHBOUR, ROUTER } from '../load/mappings.js';

export interface Seen {
  /** Milliseconds from the first datagram of a request to its answer, for each. */
  readonly latencies: readonly number[];
  /** Of how many requests the first datagram stayed without an answer for 250 ms. */
  readonly repeated: number;
  /** Requests that got no answer at all, to nine datagrams. */
  readonly unanswered: number;
  /** Answers that were not what they should be, as hexadecimal: request, answer. */
  readonly wrong: readonly string[];
}

const NATPMP_PORT = 5351;
const FIRST_WAIT_MS = 250;
const TRIES = 9;
/**
 * Between an answer and the next request, in milliseconds: it asks for no more new mappings than its quota lets it, ten
 * a second.
 */
const PAUSE_MS = 25;
const PORT = 40_000;
const EXTERNAL_ADDRESS = 'cb00710a';

const socket = createSocket({ type: 'udp4', lookup: (host, _options, found) => found(null, host, 4) });
await new Promise<void>((resolve) => {
  socket.bind(0, NEIGHBOUR, () => socket.connect(NATPMP_PORT, ROUTER, resolve));
});

let ended = false;
process.stdin
  .once('end', () => {
    ended = true;
  })
  .resume();

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const map = (port: number, lifetime: number): string => `00020000${hex(port, 4)}${hex(port, 4)}${hex(lifetime, 8)}`;
/** What is asked in turn, and what must come back; dots stand for what cannot be known. */
function* conversation(): Generator<{ ask: string; expect: RegExp }> {
  for (let port = PORT; ; port = PORT + ((port + 1) % 64)) {
    const granted = new RegExp(`^00820000........${hex(port, 4)}(?!0000)....00000e10$`);
    yield { ask: '0000', expect: new RegExp(`^00800000........${EXTERNAL_ADDRESS}$`) };
    yield { ask: map(port, 3600), expect: granted };
    yield { ask: map(port, 3600), expect: granted };
    yield { ask: map(port, 0), expect: new RegExp(`^00820000........${hex(port, 4)}000000000000$`) };
  }
}

const latencies: number[] = [];
const wrong: string[] = [];
let repeated = 0;
let unanswered = 0;
for (const { ask, expect } of conversation()) {
  if (ended) break;
  const startMs = performance.now();
  const tries = await talk(ask, expect);
  if (tries === null) unanswered++;
  else latencies.push(performance.now() - startMs);
  if (tries !== 1) repeated++;
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
console.log(JSON.stringify({ latencies, repeated, unanswered, wrong } satisfies Seen));
process.exit(0);

/** Ask until the answer comes; how many datagrams it took, null if none was answered. */
async function talk(ask: string, expect: RegExp): Promise<number | null> {
  const isDeletion = ask.endsWith('00000000');
  for (let tries = 1, waitMs = FIRST_WAIT_MS; tries <= TRIES; tries++, waitMs *= 2) {
    socket.send(Buffer.from(ask, 'hex'));
    for (const endMs = performance.now() + waitMs; ; ) {
      const answer = await heard(endMs - performance.now());
      if (answer === null) break;
      // A second answer to what was sent twice is no answer to the next question.
      const isOther =
        ask.length > 4 ? answer.slice(16, 20) !== ask.slice(8, 12) || answer.length !== 32 : answer.length !== 24;
      if (isOther || (answer.slice(4, 8) === '0000' && isDeletion !== answer.endsWith('00000000') && ask.length > 4))
        continue;
      if (!expect.test(answer)) wrong.push(`${ask} ${answer}`);
      return tries;
    }
  }
  return null;
}

function heard(withinMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const take = (datagram: Buffer): void => {
      clearTimeout(timer);
      resolve(datagram.toString('hex'));
    };
    const timer = setTimeout(
      () => {
        socket.off('message', take);
        resolve(null);
      },
      Math.max(0, withinMs),
    );
    socket.once('message', take);
  });
}
