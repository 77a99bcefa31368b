// What natpmpctl makes of descriptions and devices that natpmp-upnp tells of.

import * as assert from 'uvu/assert';
import type { Told } from '../../cli/natpmpctl/descriptions.js';
import { answerReader } from '../../cli/natpmpctl/descriptions.js';
import { formatList, formatMapping } from '../../cli/natpmpctl/list-format.js';
import { listedMapping } from '../../cli/natpmpctl/mapping.js';
import { widthOf } from '../../cli/natpmpctl/table.js';
import { formatWhen } from '../../cli/natpmpctl/units.js';
import { linesOf } from '../../upnp/status.js';
import { cases, claims } from '../support/cases.js';
import { plainText } from '../../caller/plain-text.js';
import { byHand, DESCRIPTIONS, NONE, NOW, xbox } from './listed-mappings.js';

/** What is read of an answer, in pieces of some size; nothing if it is none of natpmp-upnp. */
function read(text: string, pieceBytes = 65_536): Told | null {
  const reader = answerReader();
  const bytes = Buffer.from(text);
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) reader.take(bytes.subarray(at, at + pieceBytes));
  } catch {
    return null;
  }
  return reader.told();
}

const described = (fields: object): string =>
  `${JSON.stringify({ protocol: 'tcp', externalPort: 3074, description: 'a game', ...fields })}\n`;
const LAN = { interface: 'br-lan', location: 'http://192.168.1.1:2869/igd.xml', joined: true };
const CONNECTION = { status: 'Connected', externalAddress: '203.0.113.10' };

cases<{ name: string; text: string; want: readonly (readonly [string, string])[] | null }>(
  'an answer of natpmp-upnp',
  [
    {
      name: 'has descriptions by protocol and port',
      text: '{"protocol":"udp","externalPort":3074,"description":"Xbox"}\n',
      want: [['udp 3074', 'Xbox']],
    },
    {
      name: 'without one for this mapping, and lines of a later version',
      text: '{"protocol":"udp","externalPort":3074,"description":""}\nnull\n{}\n7\n"x"\n{"later":[1]}\n',
      want: [],
    },
    { name: 'of something else', text: '[]\n', want: [] },
    { name: 'none', text: '', want: [] },
    {
      name: 'without the end of its last line',
      text: `${described({})}{"protocol":"tcp"`,
      want: [['tcp 3074', 'a game']],
    },
    { name: 'of no JSON', text: `${described({})}HTTP/1.1 200 OK\n`, want: null },
    { name: 'with an empty line', text: `${described({})}\n`, want: null },
    ...['icmp', 'TCP', 'tcp 1', '', 6, null, ['tcp'], { toString: 'tcp' }].map((protocol) => ({
      name: `with the protocol ${JSON.stringify(protocol)}`,
      text: described({ protocol }),
      want: [],
    })),
    ...[0, 65536, -1, 1.5, 1e300, '3074', '3074 ', null, [3074], { valueOf: 1 }].map((externalPort) => ({
      name: `with the port ${JSON.stringify(externalPort)}`,
      text: described({ externalPort }),
      want: [],
    })),
    ...[7, true, ['a game'], { length: 9 }, null, '', '\u0000\u200b\n'].map((description) => ({
      name: `with the description ${JSON.stringify(description)}`,
      text: described({ description }),
      want: [],
    })),
    {
      name: 'with what a terminal would obey, other lines and another direction',
      text: described({ description: '\u001b[2Ja\r\nb\u0007\u009b31m\u2028c\u202egpj\u2066\ud800' }),
      want: [['tcp 3074', '[2Jab31mcgpj']],
    },
    {
      name: 'with a description that is longer than any',
      text: described({ description: 'x'.repeat(300) }),
      want: [['tcp 3074', 'x'.repeat(64)]],
    },
    { name: 'with a line that is longer than any', text: described({ description: 'x'.repeat(8 << 20) }), want: null },
    {
      name: 'with 64 characters that are pairs',
      text: described({ description: '😀'.repeat(100) }),
      want: [['tcp 3074', '😀'.repeat(64)]],
    },
    {
      name: 'with names of JavaScript',
      text: '{"__proto__":{"protocol":"tcp"},"constructor":1,"externalPort":1}\n',
      want: [],
    },
  ],
  ({ text, want }) => {
    const told = read(text);
    assert.equal(told === null ? null : [...told.descriptions], want);
    assert.equal(read(text, 1), told);
  },
);

/** As many bytes as all mappings may have. */
const MANY = 64 << 20;
claims('an answer of natpmp-upnp', {
  'is understood as natpmp-upnp writes it, with the longest texts that it keeps': () => {
    for (const letter of ['x', '"', '\\', '😀', '\u5bbd']) {
      // As natpmp-upnp keeps it.
      const kept = plainText(letter.repeat(65), 64);
      const mappings = [
        { protocol: 'tcp', externalPort: 1, description: 'R&D' },
        { protocol: 'tcp', externalPort: 65535, description: kept },
      ] as const;
      // A name is 15 bytes at most (IFNAMSIZ), and may have a quote.
      const lan = { interface: '"'.repeat(15), location: 'http://255.255.255.255:65535/igd.xml', joined: false };
      assert.equal(read(linesOf(mappings, { lans: [LAN, lan], ...CONNECTION })), {
        descriptions: new Map([
          ['tcp 1', 'R&D'],
          ['tcp 65535', letter.repeat(64)],
        ]),
        device: { lans: [LAN, lan], ...CONNECTION },
      });
      assert.equal(read(linesOf(mappings, null))?.device, null);
    }
  },
  'has as many lines as there can be mappings and LANs, and one for the device': () => {
    const line = described({});
    assert.is(read(line.repeat(129_024 + 256 + 1))?.descriptions.size, 1);
    assert.is(read(line.repeat(129_024 + 256 + 2)), null);
  },
});

cases<{ name: string; answer: () => Buffer }>(
  'a natpmp-upnp that was taken over costs little, by',
  [
    { name: 'arrays in each other', answer: () => Buffer.from('['.repeat(MANY)) },
    { name: 'objects in each other', answer: () => Buffer.from('{"":'.repeat(MANY / 4)) },
    { name: 'empty objects', answer: () => Buffer.from(`{"mappings":[${'{},'.repeat(MANY / 3)}0]}\n`) },
    { name: 'empty objects, a line each', answer: () => Buffer.from('{}\n'.repeat(MANY / 3)) },
    { name: 'lines that are empty', answer: () => Buffer.alloc(MANY, '\n') },
    { name: 'spaces', answer: () => Buffer.alloc(MANY, ' ') },
    {
      name: 'lines of objects in each other',
      answer: () => Buffer.from(`${'{"":'.repeat(100)}0${'}'.repeat(100)}\n`.repeat(MANY / 502)),
    },
    {
      name: 'mappings without end, with the longest texts',
      answer: () =>
        Buffer.from(
          Array.from({ length: 140_000 }, (_, at) =>
            described({
              protocol: at < 65_535 ? 'tcp' : 'udp',
              externalPort: 1 + (at % 65_535),
              description: '\u5bbd'.repeat(64),
            }),
          ).join(''),
        ),
    },
  ],
  ({ answer }) => {
    const bytes = answer();
    const reader = answerReader();
    const before = process.memoryUsage().rss;
    const cpu = process.cpuUsage();
    try {
      for (let at = 0; at < bytes.length; at += 65_536) reader.take(bytes.subarray(at, at + 65_536));
    } catch {
      // It is none of natpmp-upnp.
    }
    reader.told();
    const { user, system } = process.cpuUsage(cpu);
    assert.ok(user + system < 10e6, `${user + system} µs`);
    const grownBytes = process.memoryUsage().rss - before;
    assert.ok(grownBytes < 96 << 20, `${grownBytes >> 20} MiB`);
  },
);

const told = (lans: readonly unknown[], connection: object = CONNECTION): string =>
  [...lans, connection].map((line) => `${JSON.stringify(line)}\n`).join('');
cases<{ name: string; text: string; want: Told['device'] }>(
  'what natpmp-upnp says of the device',
  [
    { name: 'in order', text: told([LAN]), want: { lans: [LAN], ...CONNECTION } },
    {
      name: 'nothing is found',
      text: told([{ interface: 'br-lan', location: null, joined: false }], {
        status: 'Disconnected',
        externalAddress: null,
      }),
      want: {
        lans: [{ interface: 'br-lan', location: null, joined: false }],
        status: 'Disconnected',
        externalAddress: null,
      },
    },
    {
      name: 'of other types, and long',
      text: told([7, { interface: 'x'.repeat(200), location: ['y'], joined: 'true' }], {
        status: 5,
        externalAddress: 'z'.repeat(200),
      }),
      want: {
        lans: [{ interface: 'x'.repeat(100), location: null, joined: false }],
        status: null,
        externalAddress: 'z'.repeat(100),
      },
    },
    {
      name: 'more LANs than there can be',
      text: told(Array(300).fill(LAN)),
      want: { lans: Array(256).fill(LAN) as (typeof LAN)[], ...CONNECTION },
    },
    { name: 'that could not be told', text: described({}), want: null },
    { name: 'LANs of no device', text: `${JSON.stringify(LAN)}\n`, want: null },
    {
      name: 'with what a terminal would obey',
      text: told([{ ...LAN, interface: 'br\u001b[2J\n' }], { ...CONNECTION, status: 'a\u202eb' }),
      want: { lans: [{ ...LAN, interface: 'br[2J' }], status: 'ab', externalAddress: '203.0.113.10' },
    },
  ],
  ({ text, want }) => assert.equal(read(text)?.device, want),
);

claims('formatList, with descriptions', {
  'has a column for them, and leaves it out where there is no room': () => {
    const mappings = [xbox, byHand].map((lease) => listedMapping(lease, NOW, NONE, DESCRIPTIONS));
    const [head, line, other] = formatList(mappings, NOW.wallMs, 120, false).split('\n');
    assert.match(head ?? '', /  DESCRIPTION$/);
    assert.match(line ?? '', /^udp +3074 .* UPnP .* Xbox$/);
    assert.match(other ?? '', / -$/);
    assert.not.match(formatList(mappings, NOW.wallMs, 60, false), /Xbox/);
  },
  'tells it in the details': () =>
    assert.match(
      formatMapping(listedMapping(xbox, NOW, NONE, DESCRIPTIONS)),
      /\n {2}origin: {7}dynamic: requested by the host, by UPnP\n {2}description: {2}Xbox\n/,
    ),
});

/** What a program may say about itself: 64 characters (upnp/igd/descriptions.ts). */
const WIDE_ONES = '\u5bbd'.repeat(64);

cases<{ name: string; description: string; width: number; names?: Readonly<Record<number, string>>; want: string }>(
  'the column of descriptions',
  [
    {
      name: 'one that fits',
      description: 'Xbox',
      width: 100,
      want: 'udp    3074  192.168.1.2:8080  UPnP    {since}   1h  16m40s  1.2k   5.6M  Xbox',
    },
    {
      name: 'of 30 characters takes nothing from the other columns',
      description: 'Teredo 192.168.1.2:3074->3074 UDP',
      width: 80,
      want: 'udp   3074 192.168.1.2:8080 UPnP   {since}  1h 16m40s 1.2k  5.6M Teredo 192.168.1…',
    },
    {
      name: 'of 64 characters, cut to the room that there is',
      description: 'x'.repeat(64),
      width: 80,
      want: 'udp   3074 192.168.1.2:8080 UPnP   {since}  1h 16m40s 1.2k  5.6M xxxxxxxxxxxxxxxx…',
    },
    {
      name: 'of 64 wide characters: columns of the terminal count',
      description: WIDE_ONES,
      width: 80,
      want: `udp   3074 192.168.1.2:8080 UPnP   {since}  1h 16m40s 1.2k  5.6M ${'\u5bbd'.repeat(8)}…`,
    },
    {
      name: 'is cut before a name is',
      description: 'x'.repeat(64),
      width: 80,
      names: { 0xc0a80102: 'playstation' },
      want: 'udp   3074 192.168.1.2:8080 playsta… UPnP   {since}  1h 16m40s 1.2k  5.6M xxxxxxx…',
    },
    {
      name: 'the times go before it is narrower than 8 columns',
      description: WIDE_ONES,
      width: 66,
      want: 'udp   3074 192.168.1.2:8080 UPnP    1h 16m40s 1.2k  5.6M \u5bbd\u5bbd\u5bbd\u5bbd…',
    },
    {
      name: 'and then it goes, never what the gateway knows: the protocol',
      description: WIDE_ONES,
      width: 58,
      want: 'udp    3074  192.168.1.2:8080  UPnP    16m40s  1.2k   5.6M',
    },
  ],
  ({ description, width, names = {}, want }) => {
    const mappings = [xbox, byHand].map((lease) =>
      listedMapping(
        lease,
        NOW,
        new Map(Object.entries(names).map(([host, name]) => [Number(host), name])),
        new Map([['udp 3074', description]]),
      ),
    );
    const lines = formatList(mappings.slice(0, 1), NOW.wallMs, width, false).split('\n');
    const [granted] = mappings;
    assert.is(lines[1], want.replace('{since}', formatWhen(Date.parse(granted?.grantedAt ?? ''), NOW.wallMs)));
    for (const line of formatList(mappings, NOW.wallMs, width, false).split('\n'))
      assert.ok(widthOf(line) <= width, `${widthOf(line)}: ${line}`);
  },
);
