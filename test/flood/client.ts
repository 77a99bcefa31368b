// A client that behaves, on a device of its own: one request at a time, repeated as RFC 6886 §3.1 says, every answer
// looked at.
// `node client.js natpmp|pcp`: works until its input ends, and then says what it has seen, as JSON. By PCP it asks over
// IPv6.

import { createSocket } from 'node:dgram';
import { bits, header, isReplyTo, mapRequest, OPCODE, PROTOCOL } from '../lab/pcp.js';
import { NEIGHBOUR, NEIGHBOUR6, ROUTER, ROUTER6 } from '../load/mappings.js';

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

const isPcp = process.argv[2] === 'pcp';
const family = isPcp ? 6 : 4;
const socket = createSocket({ type: `udp${family}`, lookup: (host, _options, found) => found(null, host, family) });
await new Promise<void>((resolve) => {
  const [own, router] = isPcp ? [NEIGHBOUR6, ROUTER6] : [NEIGHBOUR, ROUTER];
  socket.bind(0, own, () => socket.connect(NATPMP_PORT, router, resolve));
});

let ended = false;
process.stdin
  .once('end', () => {
    ended = true;
  })
  .resume();

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const map = (port: number, lifetime: number): string => `00020000${hex(port, 4)}${hex(port, 4)}${hex(lifetime, 8)}`;
interface Question {
  readonly ask: string;
  /** What must come back; dots stand for what cannot be known. */
  readonly expect: RegExp;
}

/** What is asked in turn. */
function* conversation(): Generator<Question> {
  for (let port = PORT; ; port = PORT + ((port + 1) % 64)) {
    const granted = new RegExp(`^00820000........${hex(port, 4)}(?!0000)....00000e10$`);
    yield { ask: '0000', expect: new RegExp(`^00800000........${EXTERNAL_ADDRESS}$`) };
    yield { ask: map(port, 3600), expect: granted };
    yield { ask: map(port, 3600), expect: granted };
    yield { ask: map(port, 0), expect: new RegExp(`^00820000........${hex(port, 4)}000000000000$`) };
  }
}

/** The same in every run: the last one may have left a pinhole. */
const NONCE = '0123456789abcdef01234567';
function* pcpConversation(): Generator<Question> {
  const announce = header({ opcode: OPCODE.announce, lifetime: 0, client: NEIGHBOUR6 });
  for (let port = PORT; ; port = PORT + ((port + 1) % 64)) {
    const ask = (lifetime: number) =>
      mapRequest({ client: NEIGHBOUR6, lifetime, nonce: NONCE, protocol: PROTOCOL.tcp, internalPort: port });
    const reply = (lifetime: number, external: string) =>
      new RegExp(`^02810000${hex(lifetime, 8)}.{8}0{24}${NONCE}06000000${hex(port, 4)}${external}$`);
    const granted = reply(3600, `${hex(port, 4)}${bits(NEIGHBOUR6)}`);
    yield { ask: announce, expect: /^0280000000000000.{8}0{24}$/ };
    yield { ask: ask(3600), expect: granted };
    yield { ask: ask(3600), expect: granted };
    yield { ask: ask(0), expect: reply(0, '0{36}') };
  }
}

/** A second answer to what was sent twice is no answer to the next question. */
function isAnswerTo(ask: string, answer: string): boolean {
  if (isPcp) return isReplyTo(ask, answer);
  if (ask.length === 4) return answer.length === 24;
  if (answer.length !== 32 || answer.slice(16, 20) !== ask.slice(8, 12)) return false;
  return answer.slice(4, 8) !== '0000' || ask.endsWith('00000000') === answer.endsWith('00000000');
}

const latencies: number[] = [];
const wrong: string[] = [];
let repeated = 0;
let unanswered = 0;
for (const { ask, expect } of isPcp ? pcpConversation() : conversation()) {
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
  for (let tries = 1, waitMs = FIRST_WAIT_MS; tries <= TRIES; tries++, waitMs *= 2) {
    socket.send(Buffer.from(ask, 'hex'));
    for (const endMs = performance.now() + waitMs; ; ) {
      const answer = await heard(endMs - performance.now());
      if (answer === null) break;
      if (!isAnswerTo(ask, answer)) continue;
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
