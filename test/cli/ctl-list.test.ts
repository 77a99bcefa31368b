// What natpmpctl list and show make of mappings and pinholes, for people and for programs.

import * as assert from 'uvu/assert';
import { formatList, formatMapping } from '../../cli/natpmpctl/list-format.js';
import { listedMapping, passes, SORT_KEYS, sorted, type ListedMapping } from '../../cli/natpmpctl/mapping.js';
import { formatMac } from '../../cli/natpmpctl/names.js';
import { formatWhen } from '../../cli/natpmpctl/units.js';
import type { ListedLease } from '../../proto/codec.js';
import { cases, claims } from '../support/cases.js';
import { byHand, DESCRIPTIONS, NAMES, NONE, NOW, PINHOLE, web, xbox } from './listed-mappings.js';

cases(
  'listedMapping',
  [
    { name: 'time left is whole seconds, rounded down', lease: web, boot: 4_500_001, want: { timeLeft: 499 } },
    { name: 'never negative', lease: web, boot: 5_000_001, want: { timeLeft: 0 } },
    {
      name: 'granted a lifetime before its end, by the wall clock',
      lease: web,
      boot: NOW.bootMs,
      want: { grantedAt: '2026-03-28T13:16:40.000Z' },
    },
    { name: 'a static mapping has neither', lease: byHand, boot: 1, want: { timeLeft: null, grantedAt: null } },
    { name: 'traffic as told', lease: web, boot: NOW.bootMs, want: { packets: 1234, bytes: 5_600_000 } },
    { name: 'traffic that is not told', lease: byHand, boot: 1, want: { packets: null, bytes: null } },
    { name: 'a name if it is known', lease: web, boot: 1, want: { name: 'nas' } },
    { name: 'none if it is not', lease: byHand, boot: 1, want: { name: null } },
    { name: 'who asked: NAT-PMP', lease: web, boot: 1, want: { askedBy: 'NAT-PMP', description: null } },
    { name: 'who asked: nobody', lease: byHand, boot: 1, want: { askedBy: null } },
    {
      name: 'who asked: UPnP, with what it said',
      lease: xbox,
      boot: 1,
      want: { askedBy: 'UPnP', description: 'Xbox' },
    },
    {
      name: 'another tool, at a port that UPnP had',
      lease: { ...xbox, tool: 200 },
      boot: 1,
      want: { askedBy: 'tool 200', description: null },
    },
  ],
  ({ lease, boot, want }) => {
    const listed: object = listedMapping(lease, { bootMs: boot, wallMs: NOW.wallMs }, NAMES, DESCRIPTIONS);
    assert.equal({ ...listed, ...want }, listed);
  },
);

const all = { host: null, protocol: null, port: null, origin: null };
cases<{ name: string; filter: Parameters<typeof passes>[0]; want: [boolean, boolean] }>(
  'filters',
  [
    { name: 'all', filter: all, want: [true, true] },
    { name: 'host', filter: { ...all, host: new Set([0xc0a80102]) }, want: [true, false] },
    { name: 'protocol', filter: { ...all, protocol: 'udp' }, want: [false, true] },
    { name: 'the external port, not the internal one', filter: { ...all, port: 8080 }, want: [false, false] },
    { name: 'port', filter: { ...all, port: 80 }, want: [true, false] },
    { name: 'origin', filter: { ...all, origin: 'static' }, want: [false, true] },
    { name: 'what NAT-PMP asked for', filter: { ...all, origin: 'nat-pmp' }, want: [true, false] },
    { name: 'what UPnP asked for', filter: { ...all, origin: 'upnp' }, want: [false, false] },
    { name: 'two at once', filter: { ...all, protocol: 'tcp', origin: 'static' }, want: [false, false] },
  ],
  ({ filter, want }) =>
    assert.equal(
      [web, byHand].map((lease) => passes(filter, lease)),
      want,
    ),
);

cases<{ name: string; filter: Partial<Parameters<typeof passes>[0]>; want: boolean }>(
  'filters of pinholes',
  [
    { name: 'all', filter: {}, want: true },
    { name: 'its address', filter: { host: new Set([PINHOLE.address]) }, want: true },
    { name: 'its device', filter: { host: new Set(['02:00:00:00:00:07']) }, want: true },
    { name: 'another device', filter: { host: new Set(['02:00:00:00:00:08']) }, want: false },
    { name: 'an IPv4 address', filter: { host: new Set([0xc0a80102]) }, want: false },
    { name: 'one of several keys', filter: { host: new Set([0xc0a80102, PINHOLE.address]) }, want: true },
    { name: 'its port', filter: { port: 51413 }, want: true },
    { name: 'another port', filter: { port: 51414 }, want: false },
    { name: 'the other protocol', filter: { protocol: 'udp' }, want: false },
    { name: 'origin', filter: { origin: 'static' }, want: false },
  ],
  ({ filter, want }) => assert.is(passes({ ...all, ...filter }, PINHOLE), want),
);

claims('a pinhole', {
  'is listed as a mapping to itself, with its device': () =>
    assert.equal(listedMapping(PINHOLE, NOW, new Map([['02:00:00:00:00:07', 'phone']])), {
      protocol: 'tcp',
      externalPort: 51413,
      internalAddress: '2001:db8::5',
      internalPort: 51413,
      name: 'phone',
      origin: 'dynamic',
      askedBy: 'PCP',
      description: null,
      grantedAt: '2026-03-28T13:16:40.000Z',
      lifetime: 3600,
      timeLeft: 1000,
      packets: 3,
      bytes: 180,
      hardwareAddress: '02:00:00:00:00:07',
    }),
  'of a device that was not known has none': () =>
    assert.is(listedMapping({ ...PINHOLE, hardwareAddress: 0 }, NOW, NONE).hardwareAddress, null),
  'only a pinhole has that field': () => assert.not('hardwareAddress' in listedMapping(web, NOW, NONE)),
  'with all details': () =>
    assert.match(
      formatMapping(listedMapping(PINHOLE, NOW, NONE)),
      new RegExp(
        [
          '^tcp 51413 -> \\[2001:db8::5\\]:51413',
          '  kind:     a pinhole of IPv6: nothing is translated',
          '  device:   02:00:00:00:00:07',
          '  origin:   dynamic: .*',
          '  granted:  .*',
          '  ends:     .*',
          '  traffic:  3 packets, 180 bytes \\(180\\), both directions$',
        ].join('\n'),
      ),
    ),
  'hardware addresses have all their digits': () =>
    assert.equal([0x020000000007, 0xffffffffffff, 1].map(formatMac), [
      '02:00:00:00:00:07',
      'ff:ff:ff:ff:ff:ff',
      '00:00:00:00:00:01',
    ]),
});

const of = (externalPort: number, fields: Partial<ListedMapping>): ListedMapping => ({
  ...listedMapping({ ...web, externalPort }, NOW, NONE),
  ...fields,
});
const SORTS: Readonly<Record<(typeof SORT_KEYS)[number], readonly [ListedMapping[], number[]]>> = {
  port: [
    [of(3, { protocol: 'udp' }), of(10, {}), of(9, {})],
    [9, 10, 3],
  ],
  host: [
    [of(1, { internalAddress: '192.168.1.10' }), of(2, { internalAddress: '192.168.1.9' })],
    [2, 1],
  ],
  name: [
    [of(1, { name: null }), of(2, { name: 'b' }), of(3, { name: 'a' })],
    [3, 2, 1],
  ],
  left: [
    [of(1, { timeLeft: null }), of(2, { timeLeft: 60 }), of(3, { timeLeft: 5 }), of(4, { timeLeft: null })],
    [3, 2, 1, 4],
  ],
  granted: [
    [
      of(1, { grantedAt: null }),
      of(2, { grantedAt: '2026-01-01T00:00:00.000Z' }),
      of(3, { grantedAt: '2026-01-02T00:00:00.000Z' }),
    ],
    [3, 2, 1],
  ],
  packets: [
    [of(1, { packets: null }), of(2, { packets: 0 }), of(3, { packets: 9 })],
    [3, 2, 1],
  ],
  bytes: [
    [of(1, { bytes: 5 }), of(2, { bytes: 50 }), of(3, { bytes: 5 })],
    [2, 1, 3],
  ],
};
cases(
  'sorted by',
  SORT_KEYS.map((name) => ({ name })),
  ({ name }) =>
    assert.equal(
      sorted(SORTS[name][0], name).map(({ externalPort }) => externalPort),
      SORTS[name][1],
    ),
);

claims('formatList', {
  'says when there is nothing': () => assert.is(formatList([], NOW.wallMs, 80, true), 'no mappings'),
  'aligns its columns, without colours unless asked': () => {
    const mappings = [web, byHand].map((lease) => listedMapping(lease, NOW, NONE));
    const since = formatWhen(Date.parse('2026-03-28T13:16:40Z'), NOW.wallMs);
    assert.is(
      formatList(mappings, NOW.wallMs, 80, false),
      [
        'PROTO   PORT  HOST                   ORIGIN   SINCE  FOR    LEFT  PKTS  BYTES',
        `tcp       80  192.168.1.2:8080       NAT-PMP  ${since}   1h  16m40s  1.2k   5.6M`,
        'udp    65535  255.255.255.255:65535  static       -    -       -     -      -',
      ].join('\n'),
    );
  },
  'has a column of names if there is one': () => {
    const [head, line] = formatList([listedMapping(web, NOW, NAMES)], NOW.wallMs, 80, false).split('\n');
    assert.match(head ?? '', /^PROTO  PORT  HOST +NAME  ORIGIN/);
    assert.match(line ?? '', /192\.168\.1\.2:8080  nas /);
  },
  'fits into 80 columns, whatever is in it: names are cut': () => {
    const names = new Map([[0xffffffff, 'a-television-with-a-very-long-name-of-its-own.lan']]);
    const widest: ListedLease = {
      ...byHand,
      origin: 'dynamic',
      lifetime: 0xffffffff,
      expiresAt: NOW.bootMs + 0xffffffff * 1000,
      traffic: { packets: 999_000, bytes: 999_000_000 },
    };
    const lines = formatList([listedMapping(widest, NOW, names)], NOW.wallMs, 80, false).split('\n');
    for (const line of lines) assert.ok(line.length <= 80, `${line.length}: ${line}`);
    assert.match(lines[1] ?? '', / a-t[a-z-]*… /);
  },
  'has a pinhole with its whole address in 80 columns, and leaves out what is known by show': () => {
    const longest = { ...PINHOLE, address: '20010db8123456789abcdef012345678' };
    const lines = (names: ReadonlyMap<string, string>, width: number) =>
      formatList([listedMapping(longest, NOW, names), listedMapping(web, NOW, NONE)], NOW.wallMs, width, false).split(
        '\n',
      );
    assert.equal(lines(NONE as never, 80), [
      'PROTO  PORT HOST                                   ORIGIN  FOR   LEFT PKTS BYTES',
      'tcp   51413 2001:db8:1234:5678:9abc:def0:1234:5678 PCP      1h 16m40s    3   180',
      'tcp      80 192.168.1.2:8080                       NAT-PMP  1h 16m40s 1.2k  5.6M',
    ]);
    assert.equal(lines(new Map([[longest.address, 'television-with-a-long-name.lan']]), 80), [
      'PROTO  PORT HOST                                   NAME          LEFT PKTS BYTES',
      'tcp   51413 2001:db8:1234:5678:9abc:def0:1234:5678 television… 16m40s    3   180',
      'tcp      80 192.168.1.2:8080                       -           16m40s 1.2k  5.6M',
    ]);
    assert.match(lines(NONE as never, 120)[0] ?? '', /^PROTO +PORT +HOST +ORIGIN +SINCE +FOR +LEFT +PKTS +BYTES$/);
  },
  'colours the head and what is static, on a terminal': () => {
    const [head, line] = formatList([listedMapping(byHand, NOW, NONE)], NOW.wallMs, 80, true).split('\n');
    assert.match(head ?? '', /^\x1b\[1mPROTO.*\x1b\[0m$/);
    assert.match(line ?? '', /^\x1b\[36mudp.*\x1b\[0m$/);
  },
});

claims('formatMapping', {
  'a dynamic one': () =>
    assert.match(
      formatMapping(listedMapping(web, NOW, NAMES)),
      new RegExp(
        [
          '^tcp 80 -> 192\\.168\\.1\\.2:8080',
          '  host:     nas',
          '  origin:   dynamic: .*',
          '  granted:  2026-03-2\\d \\d\\d:\\d\\d:40, for 1h \\(3600 s\\)',
          '  ends:     2026-03-2\\d \\d\\d:\\d\\d:40, in 16m40s unless renewed',
          '  traffic:  1234 packets, 5600000 bytes \\(5.6M\\), both directions$',
        ].join('\n'),
      ),
    ),
  'a static one': () =>
    assert.is(
      formatMapping(listedMapping(byHand, NOW, NONE)),
      [
        'udp 65535 -> 255.255.255.255:65535',
        '  origin:   static: stays until natpmpctl remove',
        '  traffic:  not known: the kernel does not hold the mapping at this moment',
      ].join('\n'),
    ),
});
