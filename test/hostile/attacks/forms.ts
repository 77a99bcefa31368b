// Frames that are not the one wire form.

import { randomBytes, randomInt } from 'node:crypto';
import * as assert from 'uvu/assert';
import { decodeRequest } from '../../../proto/codec.js';
import { encodeRequest } from '../../../proto/client-codec.js';
import type { Attack } from '../attack.js';
import { bytesOf, message, number, varint } from '../frames.js';
import { add, MINE, tally, word } from '../attack-target.js';

/** The fields of an AddMapping that would be granted. */
const FIELDS = [number(1, 6), number(2, MINE(0)), number(3, 80), number(4, 20_000), number(5, 600)];
const GOOD = encodeRequest(7, add());

interface Form {
  readonly name: string;
  readonly frames: readonly Uint8Array[];
}

const FORMS: readonly Form[] = [
  {
    name: 'unknown fields, outside and inside',
    frames: [
      bytesOf(number(1, 7), message(2, ...FIELDS), number(15, 1)),
      bytesOf(number(1, 7), message(2, ...FIELDS, number(8, 1))),
      bytesOf(number(1, 7), message(9)),
      bytesOf(number(1, 7), message(2, ...FIELDS), message(100, [0, 0])),
      bytesOf(number(1, 7), message(7, number(1, 1))),
    ],
  },
  {
    name: 'fields twice',
    frames: [
      bytesOf(number(1, 6), number(1, 7), message(2, ...FIELDS)),
      bytesOf(number(1, 7), message(2, ...FIELDS), message(2, ...FIELDS)),
      bytesOf(number(1, 7), message(2, number(1, 6), ...FIELDS)),
      bytesOf(number(1, 7), message(2, ...FIELDS, number(5, 601))),
      bytesOf(number(1, 7), message(7), message(7)),
    ],
  },
  {
    name: 'fields in another order',
    frames: [
      bytesOf(message(2, ...FIELDS), number(1, 7)),
      bytesOf(number(1, 7), message(2, ...FIELDS.toReversed())),
      bytesOf(number(1, 7), number(8, 2 ** 40), message(2, ...FIELDS)),
    ],
  },
  {
    name: 'two requests in one',
    frames: [
      bytesOf(number(1, 7), message(2, ...FIELDS), message(7)),
      bytesOf(number(1, 7), message(3, ...FIELDS.slice(0, 3)), message(2, ...FIELDS)),
    ],
  },
  {
    name: 'varints and lengths longer than they need be',
    frames: [
      bytesOf(number(1, 7, 1), message(2, ...FIELDS)),
      bytesOf(number(1, 7, 3), message(7)),
      bytesOf(number(1, 7), message(2, number(1, 6, 4), ...FIELDS.slice(1))),
      bytesOf(number(1, 7), varint(18, 1), varint(FIELDS.flat().length), FIELDS.flat()),
      bytesOf(number(1, 7), varint(18), varint(FIELDS.flat().length, 1), FIELDS.flat()),
      bytesOf(number(1, 2n ** 32n + 7n), message(7)),
      bytesOf(number(1, 2n ** 64n - 1n), message(7)),
      bytesOf([8], Array<number>(40).fill(0xff)),
    ],
  },
  {
    name: 'zeros that are written',
    frames: [
      bytesOf(number(1, 7), message(2, ...FIELDS, number(6, 0))),
      bytesOf(number(1, 7), message(7), number(8, 0)),
      bytesOf(number(1, 0), message(7)),
    ],
  },
  {
    name: 'wrong types, groups, cut short, more behind, nothing',
    frames: [
      bytesOf(message(1, [7]), message(7)),
      bytesOf(number(1, 7), number(2, 1)),
      bytesOf(number(1, 7), [0x13], ...FIELDS, [0x14]),
      bytesOf([0x0b, 0x0b, 0x0b, 0x0b]),
      bytesOf([0x0d, 7, 0, 0, 0], message(7)),
      ...Array.from({ length: GOOD.length }, (_, length) => GOOD.subarray(0, length)),
      Uint8Array.of(...GOOD, 0),
      new Uint8Array(64),
      new Uint8Array(64).fill(0xff),
    ],
  },
];

const forms: readonly Attack[] = FORMS.map(({ name, frames }) => ({
  name,
  expected: 'malformed with id 0, each',
  async run(target) {
    const answers = await target.sendAll(frames);
    assert.equal([...new Set(answers.map(({ id, body }) => `${id} ${word(body)}`))], ['0 malformed']);
    return tally(answers.map(({ body }) => body));
  },
}));

/** One to three bits turned over. */
function turned(frame: Uint8Array): Uint8Array {
  const octets = Uint8Array.from(frame);
  for (let turns = randomInt(1, 4); turns > 0; turns--) {
    const at = randomInt(octets.length);
    octets[at] = (octets[at] as number) ^ (1 << randomInt(8));
  }
  return octets;
}

export const FORMS_OF_FRAMES: readonly Attack[] = [
  ...forms,
  {
    name: 'random frames',
    expected: 'malformed, each',
    async run(target) {
      const frames = Array.from({ length: 5000 * target.scale }, () => randomBytes(randomInt(65))).filter(
        (frame) => decodeRequest(frame) === null,
      );
      const answers = (await target.sendAll(frames)).map(({ body }) => body);
      assert.equal([...new Set(answers.map(word))], ['malformed']);
      return tally(answers);
    },
  },
  {
    // What may be asked for is asked for now and then: only requests that have nothing to do with others are turned.
    name: 'requests with bits turned over',
    expected: 'refused, or a mapping within the limits',
    gets: true,
    async run(target) {
      const frames = Array.from({ length: 3000 * target.scale }, () => turned(GOOD)).filter((frame) => {
        const request = decodeRequest(frame)?.body;
        return request === undefined || !('internalAddress' in request) || !isOfAnother(request.internalAddress);
      });
      const answers = (await target.sendAll(frames)).map(({ body }) => body);
      for (const answer of answers) {
        if (answer.kind !== 'granted') continue;
        const { internalAddress, externalPort, lifetime, origin } = answer.lease;
        assert.ok(
          internalAddress >>> 8 === MINE(0) >>> 8 && externalPort >= 1024 && lifetime <= 86_400 && origin === 'dynamic',
        );
      }
      return tally(answers);
    },
  },
];

/** Of this LAN, but not one that is swept. */
function isOfAnother(address: number): boolean {
  return address >>> 8 === MINE(0) >>> 8 && (address < MINE(0) || address >= MINE(150));
}
