// What a peer of the helper sends on its connection, in pieces of any size.

import * as fc from 'fast-check';
import { encodeMessage, ZmtpInput } from '../../../helper/zmtp.js';
import { MAX_FRAMES, MAX_REQUEST_BYTES } from '../../../proto/codec.js';
import { hex } from '../../support/bytes.js';
import { below, join, just, raw, sequence } from '../arbitraries.js';
import type { Target } from '../target.js';
import { must } from '../target.js';

const HELLO = Buffer.from(`ff${'00'.repeat(8)}7f0301${'4e554c4c'.padEnd(104, '0')}`, 'hex');
const READY = Buffer.from('0417055245414459' + '0b536f636b65742d54797065' + '0000000130', 'hex');
const PING = Buffer.from('040a0450494e470064616263', 'hex');
const OPEN = Buffer.concat([HELLO, READY]);
const short = fc.uint8Array({ maxLength: 70 }).map((body) => Buffer.from([body.length, ...body]));
const traffic = sequence(
  40,
  { weight: 4, arbitrary: join(below(2), short) },
  { weight: 2, arbitrary: fc.constantFrom(PING, READY, Buffer.from('0100', 'hex'), Buffer.from('0000', 'hex')) },
  { weight: 1, arbitrary: join(below(9), short) },
  { weight: 1, arbitrary: join(just(2, 0, 0, 0, 0, 0, 0, 0), short) },
  { weight: 1, arbitrary: raw(12) },
);

interface Seen {
  readonly messages: string[];
  readonly pongs: string[];
  isBroken: boolean;
}

/** The grammar of RFC 37 once more, for a connection that is here as a whole. */
function expected(input: Buffer): Seen {
  const seen: Seen = { messages: [], pongs: [], isBroken: false };
  if (input.length < 64) return seen;
  const isOurs =
    hex(input.subarray(0, 1)) + hex(input.subarray(9, 10)) === 'ff7f' &&
    input.readUInt8(10) >= 3 &&
    input.toString('latin1', 12, 32) === 'NULL'.padEnd(20, '\0');
  let isReady = false;
  let frames: string[] = [];
  let rest = input.subarray(64);
  seen.isBroken = !isOurs;
  while (!seen.isBroken && rest.length > 0) {
    const flags = rest.readUInt8(0);
    const header = (flags & 2) === 2 ? 9 : 2;
    if (rest.length < header) break;
    const length = header === 9 ? rest.readBigUInt64BE(1) : BigInt(rest.readUInt8(1));
    const isKind = [0, 1, 2, 3, 4, 6].includes(flags) && (isReady || flags >= 4);
    seen.isBroken = !isKind || length > BigInt(MAX_REQUEST_BYTES);
    const end = header + Number(length);
    if (seen.isBroken || rest.length < end) break;
    const body = rest.subarray(header, end);
    rest = rest.subarray(end);
    if (flags >= 4) {
      const name = body.toString('latin1', 1, 1 + (body[0] ?? 0));
      isReady ||= name === 'READY';
      if (name === 'PING' && isReady && body.length >= 7) seen.pongs.push(hex(body.subarray(7, 23)));
      seen.isBroken = !isReady || (name === 'PING' && body.length < 7);
      continue;
    }
    if (frames.length <= MAX_FRAMES) frames.push(hex(body));
    if ((flags & 1) === 1) continue;
    seen.messages.push(frames.join(','));
    frames = [];
  }
  return seen;
}

export const zmtp: Target = {
  name: 'zmtp',
  inputs: join(below(100), fc.oneof(fc.constant(OPEN), fc.constant(HELLO), raw(70)), traffic),
  words: [
    HELLO,
    READY,
    PING,
    OPEN,
    ...['00', '01', '02', '03', '04', '0000', '0100', '0440'].map((word) => Buffer.from(word, 'hex')),
  ],
  seeds: {
    greeting: Buffer.concat([Buffer.from([9]), HELLO]),
    message: Buffer.concat([Buffer.from([0]), OPEN, Buffer.from('000101', 'hex')]),
    frames: Buffer.concat([Buffer.from([1]), OPEN, Buffer.from('0101010100020000000000000001ff', 'hex')]),
    ping: Buffer.concat([Buffer.from([5]), OPEN, PING, Buffer.from('0000', 'hex'), PING]),
    'ping-short': Buffer.concat([Buffer.from([0]), OPEN, Buffer.from('04060450494e4700', 'hex')]),
    'too-long': Buffer.concat([Buffer.from([0]), OPEN, Buffer.from('0041', 'hex')]),
    'too-many': Buffer.concat([Buffer.from([64]), OPEN, Buffer.from('0100'.repeat(70) + '0000', 'hex')]),
  },
  run(input) {
    const [size = 0] = input;
    const connection = Buffer.from(input.subarray(1));
    const zmtp = new ZmtpInput();
    const seen: Seen = { messages: [], pongs: [], isBroken: false };
    const replies: Buffer[] = [];
    for (let at = 0; at < connection.length && !seen.isBroken; at += size + 1) {
      zmtp.push(connection.subarray(at, at + size + 1));
      let next = zmtp.next();
      for (; typeof next !== 'string'; next = zmtp.next()) {
        must(next.length >= 1 && next.length <= MAX_FRAMES + 1, 'a message has 1 to 65 frames', next.length);
        must(
          next.every(({ length }) => length <= MAX_REQUEST_BYTES),
          'a frame is short',
        );
        must(again(next), 'a message that was read can be written and read again', next.map(hex));
        seen.messages.push(next.map(hex).join(','));
      }
      seen.isBroken = next === 'violation';
      if (!seen.isBroken) replies.push(...zmtp.replies.splice(0));
    }
    replies.push(...zmtp.replies.splice(0));
    const want = expected(connection);
    must(same(seen.messages, want.messages), 'the messages are those of the grammar', [seen, want]);
    must(seen.isBroken === want.isBroken, 'what is against the grammar ends the connection, and nothing else', seen);
    const octets = replies.reduce((sum, { length }) => sum + length, 0);
    must(octets <= 30 + connection.length, 'no reply is longer than what caused it', octets);
    // The handshake's reply is the first; one to a ping that is against the grammar is never sent.
    const pongs = replies.slice(1, 1 + want.pongs.length).map((each) => hex(each.subarray(7)));
    must(same(pongs, want.pongs), 'a ping is answered with its own context', [pongs, want.pongs]);
  },
};

function again(frames: readonly Buffer[]): boolean {
  const zmtp = new ZmtpInput();
  zmtp.push(Buffer.concat([OPEN, encodeMessage(frames)]));
  return same(zmtp.next(), frames);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
