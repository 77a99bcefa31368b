// ZMTP as the helper reads and writes it: literal bytes of RFC 37 of ZeroMQ, in one piece and byte by byte.

import * as assert from 'uvu/assert';
import { encodeMessage, GREETING, ZmtpInput } from '../../helper/zmtp.js';
import { bytes } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';

const NULL = '4e554c4c 00000000 00000000 00000000 00000000';
const ZEROS = '00'.repeat(32);
/** What libzmq 4.3.5 sends. */
const HELLO = `ff 0000000000000001 7f 0301 ${NULL} ${ZEROS}`;
const READY = '04 29 05 5245414459 0b 536f636b65742d54797065 00000006 4445414c4552 08 4964656e74697479 00000000';
const OUR_READY = '04 1c 05 5245414459 0b 536f636b65742d54797065 00000006 524f55544552';
const PING = '04 07 04 50494e47 0064';
const PONG = '04 05 04 504f4e47';

const hex = (each: Uint8Array): string => Buffer.from(each).toString('hex');
const joined = (text: string): string => text.replaceAll(' ', '');

/** All that comes of the input, given in pieces of this size. */
function read(input: Uint8Array, piece: number) {
  const zmtp = new ZmtpInput();
  const messages: string[][] = [];
  const replies: string[] = [];
  let end: string = 'incomplete';
  for (let at = 0; at < input.length && end === 'incomplete'; at += piece) {
    zmtp.push(Buffer.from(input.subarray(at, at + piece)));
    let message = zmtp.next();
    for (; typeof message !== 'string'; message = zmtp.next()) messages.push(message.map(hex));
    end = message;
    replies.push(...zmtp.replies.splice(0).map(hex));
  }
  return { messages, replies, end, isReady: zmtp.isReady };
}

const OPEN = `${HELLO} ${READY}`;
const TEN = '00'.repeat(10);

cases<{
  readonly name: string;
  readonly input: string;
  readonly messages?: readonly (readonly string[])[];
  readonly replies?: readonly string[];
  readonly end?: string;
  readonly isReady?: boolean;
}>(
  'ZMTP input',
  [
    { name: 'nothing', input: '', messages: [], replies: [], end: 'incomplete', isReady: false },
    { name: 'a greeting', input: HELLO, messages: [], replies: [OUR_READY], end: 'incomplete', isReady: false },
    { name: 'the whole handshake', input: OPEN, messages: [], replies: [OUR_READY], end: 'incomplete', isReady: true },
    { name: 'version 3.0', input: `ff ${TEN.slice(4)} 7f 0300 ${NULL} ${ZEROS} ${READY}`, isReady: true },
    { name: 'a later version', input: `ff ${TEN.slice(4)} 7f 0400 ${NULL} ${ZEROS} ${READY}`, isReady: true },
    { name: 'version 2', input: `ff ${TEN.slice(4)} 7f 0201 ${NULL} ${ZEROS}`, replies: [], end: 'violation' },
    { name: 'version 1', input: `01 00 ${'00'.repeat(62)}`, replies: [], end: 'violation' },
    { name: 'another signature', input: `ff ${TEN.slice(4)} 7e 0301 ${NULL} ${ZEROS}`, replies: [], end: 'violation' },
    {
      name: 'a security mechanism',
      input: `ff ${TEN.slice(4)} 7f 0301 504c41494e ${'00'.repeat(15)} ${ZEROS}`,
      replies: [],
      end: 'violation',
    },
    { name: 'NULLX', input: `ff ${TEN.slice(4)} 7f 0301 4e554c4c58 ${'00'.repeat(15)} ${ZEROS}`, end: 'violation' },
    { name: 'a message before READY', input: `${HELLO} 00 00`, end: 'violation' },
    { name: 'a ping before READY', input: `${HELLO} ${PING}`, replies: [OUR_READY, PONG], end: 'violation' },
    { name: 'an unknown command before READY', input: `${HELLO} 04 02 01 58`, end: 'violation' },
    { name: 'messages', input: `${OPEN} 00 02 0102 00 00`, messages: [['0102'], ['']], isReady: true },
    { name: 'a message of three frames', input: `${OPEN} 01 01 0a 01 00 00 01 0b`, messages: [['0a', '', '0b']] },
    { name: 'a frame with a long length', input: `${OPEN} 02 0000000000000003 010203`, messages: [['010203']] },
    { name: 'a frame of 96 bytes', input: `${OPEN} 00 60 ${'07'.repeat(96)}`, messages: [['07'.repeat(96)]] },
    { name: 'of 97 bytes', input: `${OPEN} 00 61`, end: 'violation' },
    { name: 'of 2^62 bytes', input: `${OPEN} 02 4000000000000000`, end: 'violation' },
    { name: 'of 2^32 + 1 bytes', input: `${OPEN} 02 0000000100000001`, end: 'violation' },
    { name: 'a reserved flag', input: `${OPEN} 08 00`, end: 'violation' },
    { name: 'a command that goes on', input: `${OPEN} 05 01 00`, end: 'violation' },
    { name: 'a command of 97 bytes', input: `${OPEN} 04 61`, end: 'violation' },
    {
      name: 'what follows a violation is not read',
      input: `${OPEN} 00 01 0a 08 00 00 01 0b`,
      messages: [['0a']],
      end: 'violation',
    },
    { name: 'a ping', input: `${OPEN} ${PING}`, replies: [OUR_READY, PONG] },
    {
      name: 'a ping with a context',
      input: `${OPEN} 04 0a 04 50494e47 0064 616263`,
      replies: [OUR_READY, '04 08 04 504f4e47 616263'],
    },
    {
      name: 'a ping with a context longer than the 16 bytes that are allowed',
      input: `${OPEN} 04 18 04 50494e47 0064 ${'61'.repeat(17)}`,
      replies: [OUR_READY, `04 15 04 504f4e47 ${'61'.repeat(16)}`],
    },
    { name: 'a ping with half a time to live', input: `${OPEN} 04 06 04 50494e47 00`, end: 'violation' },
    {
      name: 'a ping between the frames of a message',
      input: `${OPEN} 01 01 0a ${PING} 00 01 0b`,
      messages: [['0a', '0b']],
      replies: [OUR_READY, PONG],
    },
    {
      name: 'pong, subscribe, error, an empty command, one whose name is longer than itself, a second READY',
      input: `${OPEN} ${PONG} 04 0a 09 535542534352494245 04 07 05 4552524f52 00 04 00 04 02 20 58 ${READY} 00 00`,
      messages: [['']],
    },
  ],
  ({ input, messages, replies, end = 'incomplete', isReady }) => {
    const whole = bytes(input);
    for (const piece of [whole.length, 1, 7]) {
      const got = read(whole, Math.max(piece, 1));
      assert.equal(got.messages, messages ?? [], `messages, by ${piece}`);
      // A ping that ends the connection has its answer dropped with it.
      if (replies !== undefined) assert.equal(got.replies, replies.map(joined), `replies, by ${piece}`);
      assert.is(got.end, end, `by ${piece}`);
      if (isReady !== undefined) assert.is(got.isReady, isReady, `by ${piece}`);
    }
  },
);

claims('ZMTP input', {
  'a frame that is kept keeps no more memory than it is long': () => {
    const zmtp = new ZmtpInput();
    const ping = bytes(PING);
    const rest = Array<Buffer>(500).fill(Buffer.from(ping));
    zmtp.push(Buffer.concat([Buffer.from(bytes(`${OPEN} 01 01 0a`)), ...rest]));
    assert.is(zmtp.next(), 'incomplete');
    zmtp.push(Buffer.concat([Buffer.from(bytes('01 00')), ...rest]));
    assert.is(zmtp.next(), 'incomplete');
    zmtp.push(Buffer.concat([Buffer.from(bytes(`00 60 ${'07'.repeat(96)}`)), ...rest]));
    const message = zmtp.next() as readonly Buffer[];
    assert.equal(
      message.map(({ length }) => length),
      [1, 0, 96],
    );
    assert.equal(
      message.map(({ buffer }) => buffer.byteLength),
      [1, 0, 96],
    );
  },
  'of a message without end, 65 frames are kept': () => {
    const zmtp = new ZmtpInput();
    zmtp.push(Buffer.from(bytes(OPEN)));
    assert.is(zmtp.next(), 'incomplete');
    for (let count = 0; count < 100; count++) {
      zmtp.push(Buffer.from(bytes('01 00'.repeat(1000))));
      assert.is(zmtp.next(), 'incomplete');
    }
    zmtp.push(Buffer.from(bytes('00 00 00 01 0a')));
    assert.is(zmtp.next().length, 65);
    assert.equal(zmtp.next(), [Buffer.from([0x0a])], 'the next message is whole');
  },
});

claims('ZMTP output', {
  'the greeting': () => assert.is(hex(GREETING), joined(`ff 0000000000000001 7f 0301 ${NULL} ${ZEROS}`)),
  'a message of one frame, of several, of a long one': () => {
    assert.is(hex(encodeMessage([Buffer.from('ab')])), '00026162');
    assert.is(hex(encodeMessage([Buffer.from('a'), Buffer.alloc(0), Buffer.from('b')])), '010161' + '0100' + '000162');
    assert.is(hex(encodeMessage([Buffer.alloc(255, 7)])), `00ff${'07'.repeat(255)}`);
    assert.is(
      hex(encodeMessage([Buffer.alloc(256, 7), Buffer.from('b')])),
      `030000000000000100${'07'.repeat(256)}000162`,
    );
  },
});
