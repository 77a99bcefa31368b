// What natpmpctl makes of descriptions and devices that natpmp-upnp tells of.

import * as assert from 'uvu/assert';
import { descriptionsIn, deviceIn } from '../../cli/natpmpctl/descriptions.js';
import { formatList, formatMapping } from '../../cli/natpmpctl/list-format.js';
import { listedMapping } from '../../cli/natpmpctl/mapping.js';
import { widthOf } from '../../cli/natpmpctl/table.js';
import { formatWhen } from '../../cli/natpmpctl/units.js';
import { cases, claims } from '../support/cases.js';
import { byHand, DESCRIPTIONS, NONE, NOW, xbox } from './listed-mappings.js';

const described = (fields: object): string =>
  JSON.stringify({ mappings: [{ protocol: 'tcp', externalPort: 3074, description: 'a game', ...fields }] });

cases<{ name: string; text: string; want: readonly (readonly [string, string])[] }>(
  'an answer of natpmp-upnp',
  [
    {
      name: 'has descriptions by protocol and port',
      text: '{"mappings":[{"protocol":"udp","externalPort":3074,"description":"Xbox"}]}',
      want: [['udp 3074', 'Xbox']],
    },
    {
      name: 'without one for this mapping',
      text: '{"mappings":[{"protocol":"udp","externalPort":3074,"description":""},null,{}]}',
      want: [],
    },
    { name: 'of something else', text: '[]', want: [] },
    { name: 'null', text: 'null', want: [] },
    { name: 'cut short', text: '{"mappings":[', want: [] },
    { name: 'none', text: '', want: [] },
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
      name: 'with a long description',
      text: described({ description: 'x'.repeat(8 << 20) }),
      want: [['tcp 3074', 'x'.repeat(64)]],
    },
    {
      name: 'with 64 characters that are pairs',
      text: described({ description: '😀'.repeat(100) }),
      want: [['tcp 3074', '😀'.repeat(64)]],
    },
    {
      name: 'with names of JavaScript',
      text: '{"__proto__":{"mappings":1},"mappings":[{"__proto__":{"protocol":"tcp"},"constructor":1,"externalPort":1}]}',
      want: [],
    },
    { name: 'nested without end', text: `{"mappings":${'['.repeat(4 << 20)}`, want: [] },
    { name: 'mappings that are text', text: '{"mappings":"tcp"}', want: [] },
  ],
  ({ text, want }) => assert.equal(descriptionsIn(text), want),
);

claims('an answer of natpmp-upnp', {
  'has as many mappings as there can be, and is read in no time': () => {
    const one = described({}).slice('{"mappings":['.length, -2);
    const startedAtMs = performance.now();
    assert.is(descriptionsIn(`{"mappings":[${Array(200_000).fill(one).join()}]}`).length, 129_024);
    assert.equal(descriptionsIn(`{"mappings":[${'0,'.repeat(8 << 20)}0]}`), []);
    assert.ok(performance.now() - startedAtMs < 10_000);
  },
});

const told = (lans: unknown, status: unknown = 'Connected', externalAddress: unknown = '203.0.113.10') =>
  JSON.stringify({ mappings: [], device: { lans, status, externalAddress } });
const LAN = { interface: 'br-lan', location: 'http://192.168.1.1:2869/igd.xml', joined: true };
cases<{ name: string; text: string; want: ReturnType<typeof deviceIn> }>(
  'what natpmp-upnp says of the device',
  [
    {
      name: 'in order',
      text: told([LAN]),
      want: { lans: [LAN], status: 'Connected', externalAddress: '203.0.113.10' },
    },
    {
      name: 'nothing is found',
      text: told([{ interface: 'br-lan', location: null, joined: false }], 'Disconnected', null),
      want: {
        lans: [{ interface: 'br-lan', location: null, joined: false }],
        status: 'Disconnected',
        externalAddress: null,
      },
    },
    {
      name: 'of other types, and without end',
      text: told([7, { interface: 'x'.repeat(200), location: ['y'], joined: 'true' }], 5, 'z'.repeat(200)),
      want: {
        lans: [
          { interface: '', location: null, joined: false },
          { interface: 'x'.repeat(100), location: null, joined: false },
        ],
        status: null,
        externalAddress: 'z'.repeat(100),
      },
    },
    { name: 'of an earlier version', text: '{"mappings":[]}', want: null },
    { name: 'that could not be told', text: '{"mappings":[],"device":null}', want: null },
    { name: 'LANs that are no list', text: told({ length: 1 }), want: null },
    {
      name: 'with what a terminal would obey',
      text: told([{ ...LAN, interface: 'br\u001b[2J\n' }], 'a\u202eb'),
      want: { lans: [{ ...LAN, interface: 'br[2J' }], status: 'ab', externalAddress: '203.0.113.10' },
    },
    { name: 'null', text: 'null', want: null },
    { name: 'cut short', text: '{"device":{"lans":[', want: null },
  ],
  ({ text, want }) => assert.equal(deviceIn(text), want),
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
