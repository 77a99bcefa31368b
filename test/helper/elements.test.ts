// Elements as nf_tables carries them, byte for byte.

import * as assert from 'uvu/assert';
import type { SetName } from '../../helper/nft/elements.js';
import type { HeldElement } from '../../helper/types.js';
import { eachElement, elementsOf, NAME_ENDS, writeGet, writeTransaction } from '../../helper/nft/elements.js';
import { messages, MessageWriter } from '../../helper/nft/netlink.js';
import { bytes, hex, hexOfWords } from '../support/bytes.js';
import { cases, claims } from '../support/cases.js';
import { attribute as netlinkAttribute } from '../support/netlink.js';
import { lease, pinhole } from './leases.js';
import { CONFIG, NAMES } from '../lab/ruleset.js';
import { namesIn, ruleset } from '../../cli/host/ruleset-text.js';

const web = lease({ expiresAt: 1_000_000 + 0x1_0000_0001 });
const written = (write: (writer: MessageWriter) => void): string[] => {
  const writer = new MessageWriter(4096);
  writer.last = 4;
  write(writer);
  const all = Buffer.from(writer.bytes());
  return [...messages(all)].map(
    ({ type, flags, sequence, payload }) => `${type.toString(16)} ${flags.toString(16)} ${sequence} ${hex(payload)}`,
  );
};
/** The table and the set, as the beginning of a message. */
const about = (set: string) => `01000000${'08000100' + '6e617400'}${set}`;
/** "NATPMP-", and the rest of the set's name, with padding. */
const PREFIX = '4e4154504d502d';
const IN = `0e000200${PREFIX}696e000000`;
const OUT = `0f000200${PREFIX}6f75740000`;
const LIVE = `10000200${PREFIX}6c69766500`;
const timeouts = '0c000400' + '0000000100000001' + '0c000500' + '0000000100000001';

claims('a transaction', {
  'adds a lease to three sets, each number at a multiple of four, and only the last message is acknowledged': () =>
    assert.equal(
      written((writer) => writeTransaction(writer, NAMES, [], elementsOf(web, 1_000_000))),
      [
        '10 1 5 0000000a',
        `a0c 401 6 ${about(IN)}40000380` +
          '3c000180' +
          '10000180' +
          '0c000100' +
          '060000001f900000' +
          '10000280' +
          '0c000100' +
          'c0a8010200500000' +
          timeouts,
        `a0c 401 7 ${about(OUT)}40000380` +
          '3c000180' +
          '14000180' +
          '10000100' +
          '06000000c0a8010200500000' +
          '0c000280' +
          '06000100' +
          '1f900000' +
          timeouts,
        `a0c 405 8 ${about(LIVE)}38000380` +
          '34000180' +
          '18000180' +
          '14000100' +
          '06000000c0a80102005000001f900000' +
          timeouts,
        '11 1 9 0000000a',
      ],
    ),
  'adds a pinhole to its set': () =>
    assert.equal(
      written((writer) =>
        writeTransaction(writer, NAMES, [], elementsOf(pinhole({ expiresAt: 1_000_000 + 0x1_0000_0001 }), 1_000_000)),
      )[1],
      `a0c 405 6 ${about(`14000200${PREFIX}70696e686f6c657300`)}40000380` +
        '3c000180' +
        '20000180' +
        '1c000100' +
        '0600000020010db80000000000000000000000021f900000' +
        timeouts,
    ),
  'removes by the key alone': () =>
    assert.equal(
      written((writer) => writeTransaction(writer, NAMES, [elementsOf(web, 1_000_000)[0]], []))[1],
      `a0e 5 6 ${about(IN)}18000380` + '14000180' + '10000180' + '0c000100' + '060000001f900000',
    ),
  'one without an end has no timeout': () =>
    assert.match(
      written((writer) =>
        writeTransaction(writer, NAMES, [], elementsOf({ ...web, expiresAt: Infinity }, 0).slice(2)),
      )[1] as string,
      /001f900000$/,
    ),
  'elements are asked for in the sets that they are of': () =>
    assert.equal(
      written((writer) => writeGet(writer, NAMES, elementsOf(web, 0).slice(0, 2))).map(
        (message) => message.split('0380')[0],
      ),
      [`a0d 1 5 ${about(IN)}1800`, `a0d 1 6 ${about(OUT)}1c00`],
    ),
});

/** Elements in a message of a dump: each is what its list has inside. */
const dump = (...elements: string[]): Buffer => {
  const list = elements.map((inside) => attribute(0x8001, inside)).join('');
  return Buffer.from(bytes('02000000' + '08000100' + '6e617400' + attribute(0x8003, list)));
};
const attribute = (type: number, value: string) => hex(netlinkAttribute(type, bytes(value)));
const key = (octets: string) => attribute(0x8001, attribute(1, octets));
const data = (octets: string) => attribute(0x8002, attribute(1, octets));
const ends = attribute(4, '000000000036ee80') + attribute(5, '0000000100000002');
const counter = attribute(0x8007, '08000100636f756e');
const seen = (payload: Buffer, set: SetName) => {
  const found: (Omit<HeldElement, 'copy'> & { readonly copy: string })[] = [];
  eachElement({ type: 0xa0c, flags: 2, sequence: 1, portId: 0, payload }, set, ({ copy, ...element }) => {
    const { set: of, key: words, data: leadsTo, timeout } = copy();
    found.push({ ...element, copy: `${of} ${hexOfWords(words)} ${leadsTo} ${timeout}` });
  });
  return found;
};
const tcp8080 = { externalKey: 0x61f90, internalAddress: 0xc0a80102, internalPort: 80, remaining: 2 ** 32 + 2 };
const unread = { externalKey: -1, internalAddress: 0, internalPort: 0, remaining: 2 ** 32 + 2 };

cases<{
  name: string;
  set: Parameters<typeof seen>[1];
  elements: string[];
  want: Omit<ReturnType<typeof seen>[number], 'set'>[];
}>(
  'an element of a dump',
  [
    {
      name: 'in',
      set: 'in',
      elements: [key('060000001f900000') + data('c0a8010200500000') + ends],
      want: [{ ...tcp8080, copy: 'in 060000001f900000 null 3600000' }],
    },
    {
      name: 'out',
      set: 'out',
      elements: [key('06000000c0a8010200500000') + data('1f90') + ends],
      want: [{ ...tcp8080, copy: 'out 06000000c0a8010200500000 null 3600000' }],
    },
    {
      name: 'live, with a counter before its end',
      set: 'live',
      elements: [key('06000000c0a80102005000001f900000') + counter + ends],
      want: [{ ...tcp8080, copy: 'live 06000000c0a80102005000001f900000 null 3600000' }],
    },
    {
      name: 'for ever',
      set: 'in',
      elements: [key('11000000ffff0000') + data('ffffffffffff0000')],
      want: [
        {
          externalKey: 0x11ffff,
          internalAddress: 0xffffffff,
          internalPort: 65535,
          remaining: Infinity,
          copy: 'in 11000000ffff0000 null Infinity',
        },
      ],
    },
    {
      name: 'several, and one without a key between them',
      set: 'in',
      elements: [
        key('060000001f900000') + data('c0a8010200500000') + ends,
        ends,
        key('ff000000ffff0000') + data('0000000000000000') + ends,
      ],
      want: [
        { ...tcp8080, copy: 'in 060000001f900000 null 3600000' },
        {
          externalKey: 0xffffff,
          internalAddress: 0,
          internalPort: 0,
          remaining: 2 ** 32 + 2,
          copy: 'in ff000000ffff0000 null 3600000',
        },
      ],
    },
    {
      name: 'a key of another set',
      set: 'in',
      elements: [key('06000000c0a8010200500000') + data('c0a8010200500000') + ends],
      want: [{ ...unread, copy: 'in 06000000c0a8010200500000 null 3600000' }],
    },
    {
      name: 'a key too short',
      set: 'live',
      elements: [key('06') + ends],
      want: [{ ...unread, copy: 'live  null 3600000' }],
    },
    {
      name: 'data too short',
      set: 'in',
      elements: [key('060000001f900000') + data('c0a8') + ends],
      want: [{ ...unread, copy: 'in 060000001f900000 null 3600000' }],
    },
    {
      name: 'no data',
      set: 'out',
      elements: [key('06000000c0a8010200500000') + ends],
      want: [{ ...unread, copy: 'out 06000000c0a8010200500000 null 3600000' }],
    },
    {
      name: 'an end that is no number',
      set: 'in',
      elements: [key('060000001f900000') + data('c0a8010200500000') + attribute(5, '0000')],
      want: [{ ...tcp8080, remaining: Infinity, copy: 'in 060000001f900000 null Infinity' }],
    },
    { name: 'none', set: 'in', elements: [], want: [] },
  ],
  ({ set, elements, want }) => {
    assert.equal(
      seen(dump(...elements), set),
      want.map((one) => ({ set, ...one })),
    );
  },
);

claims('messages', {
  'those of one socket are left out where nobody wants them': () => {
    const three = [7, 8, 7].map((portId, index) => {
      const message = Buffer.alloc(17);
      message.writeUInt32LE(17, 0);
      message.writeUInt32LE(index, 8);
      message.writeUInt32LE(portId, 12);
      return Buffer.concat([message, Buffer.alloc(3)]);
    });
    assert.equal(
      [...messages(Buffer.concat(three))].map(({ sequence }) => sequence),
      [0, 1, 2],
    );
    assert.equal(
      [...messages(Buffer.concat(three), 7)].map(({ sequence }) => sequence),
      [1],
    );
    assert.equal(
      [...messages(Buffer.concat(three), 8)].map(({ sequence, portId }) => [sequence, portId]),
      [
        [0, 7],
        [2, 7],
      ],
    );
  },
});

claims('the names of the ruleset', {
  'are those that the helper knows': () => {
    const script = ruleset({
      ...CONFIG,
      listenInterfaces: ['br-lan', 'br-guest'],
      pinholes: { externalInterface: 'wan0' },
    });
    const names = [...namesIn(script, 'chain'), ...namesIn(script, 'map|set')].map((name) => name.slice(6)).sort();
    const told = (/\((.*)\)/.exec(NAME_ENDS.source.replaceAll(/^\^\(-|\)\?\$$/g, ''))?.[1] ?? '').split('|');
    assert.equal([...new Set(names)], ['', ...told.map((end) => `-${end}`)].sort());
  },
});
