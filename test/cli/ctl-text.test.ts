// What natpmpctl makes of numbers, names and mappings, for people and for programs.

import * as assert from 'uvu/assert';
import type { Descriptions } from '../../cli/natpmpctl/descriptions.js';
import { descriptionsIn, deviceIn } from '../../cli/natpmpctl/descriptions.js';
import { printable } from '../../cli/host/printable.js';
import { formatList, formatMapping } from '../../cli/natpmpctl/list-format.js';
import { listedMapping, passes, SORT_KEYS, sorted, type ListedMapping } from '../../cli/natpmpctl/mapping.js';
import { formatMac, mergeNames, namesFromHosts, namesFromLeases, type HostKey } from '../../cli/natpmpctl/names.js';
import { formatStatus, reportedStatus } from '../../cli/natpmpctl/status.js';
import { formatTable, paint, truncate, widthOf } from '../../cli/natpmpctl/table.js';
import { formatCount, formatSeconds, formatWhen, shortSeconds } from '../../cli/natpmpctl/units.js';
import { findHost } from '../../cli/natpmpctl/name-options.js';
import { parsePortFilter } from '../../cli/natpmpctl/arguments.js';
import { formatWatched, watchedEvent } from '../../cli/natpmpctl/watch.js';
import type { ListedLease, ListedPinhole } from '../../proto/codec.js';
import { parseIpv6 } from '../../proto/ipv6.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { cases, claims } from '../support/cases.js';

const web: ListedLease = {
  protocol: 'tcp',
  internalAddress: 0xc0a80102,
  internalPort: 8080,
  externalPort: 80,
  origin: 'dynamic',
  lifetime: 3600,
  expiresAt: 5_000_000,
  traffic: { packets: 1234, bytes: 5_600_000 },
};
const byHand: ListedLease = {
  protocol: 'udp',
  internalAddress: 0xffffffff,
  internalPort: 65535,
  externalPort: 65535,
  origin: 'static',
  lifetime: 0,
  expiresAt: Infinity,
};
const PINHOLE: ListedPinhole = {
  protocol: 'tcp',
  address: '20010db8000000000000000000000005',
  port: 51413,
  origin: 'dynamic',
  lifetime: 3600,
  expiresAt: 5_000_000,
  hardwareAddress: 0x020000000007,
  traffic: { packets: 3, bytes: 180 },
};
const NOW = { bootMs: 4_000_000, wallMs: Date.UTC(2026, 2, 28, 14, 0, 0) };
const NONE = new Map<number, string>();
const NAMES = new Map([[0xc0a80102, 'nas']]);

cases(
  'printable',
  [
    { name: 'text, tabs and line feeds', text: 'a\tb\nc ä', want: 'a\tb\nc ä' },
    { name: 'our own colours', text: '\x1b[31mred\x1b[0m', want: '\x1b[31mred\x1b[0m' },
    { name: 'a title (OSC), and the bell', text: '\x1b]0;owned\x07', want: '\ufffd]0;owned\ufffd' },
    { name: 'the cursor (CSI), of eight bits too', text: '\x1b[2Ja\x9b2J', want: '\ufffd[2Ja\ufffd2J' },
    { name: 'a carriage return, which hides what was before', text: 'bad\rgood', want: 'bad\ufffdgood' },
    { name: 'text turned around', text: 'a\u202ecba', want: 'a\ufffdcba' },
  ],
  ({ text, want }) => assert.is(printable(text), want),
);

cases(
  'formatSeconds',
  [
    { name: 'nothing', seconds: 0, want: '0s', short: '0s' },
    { name: 'seconds', seconds: 59, want: '59s', short: '59s' },
    { name: 'minutes', seconds: 60, want: '1m 0s', short: '1m' },
    { name: 'just below an hour', seconds: 3599, want: '59m 59s', short: '59m59s' },
    { name: 'hours', seconds: 86399, want: '23h 59m', short: '23h59m' },
    { name: 'days', seconds: 90000, want: '1d 1h', short: '1d1h' },
    { name: 'many days', seconds: 99 * 86400 + 86399, want: '99d 23h', short: '99d23h' },
    { name: 'the longest there is', seconds: 0xffffffff, want: '49710d 6h', short: '49710d' },
  ],
  ({ seconds, want, short }) => {
    assert.is(formatSeconds(seconds), want);
    assert.is(shortSeconds(seconds), short);
    assert.ok(short.length <= 6);
  },
);

cases(
  'formatCount',
  [
    { name: 'nothing', count: 0, want: '0' },
    { name: 'a few', count: 999, want: '999' },
    { name: 'a fraction, as rates are', count: 0.4, want: '0' },
    { name: 'a thousand', count: 1000, want: '1.0k' },
    { name: 'rounds up to the next prefix', count: 999_999, want: '1.0M' },
    { name: 'rounds up to two digits', count: 9960, want: '10k' },
    { name: 'three digits', count: 123_456, want: '123k' },
    { name: 'giga', count: 3_400_000_000, want: '3.4G' },
    { name: 'the most that is exact', count: Number.MAX_SAFE_INTEGER, want: '9.0P' },
  ],
  ({ count, want }) => assert.is(formatCount(count), want),
);

cases(
  'formatWhen',
  [
    { name: 'today: the time', ago: 3600, want: /^\d\d:\d\d$/ },
    { name: 'a day ago: the date', ago: 86_400, want: /^03-2[78]$/ },
  ],
  ({ ago, want }) => assert.match(formatWhen(NOW.wallMs - ago * 1000, NOW.wallMs), want),
);

const namesOf = (want: Readonly<Record<string, string | undefined>>) =>
  new Map(Object.entries(want).map(([key, name]) => [parseIpv4(key) ?? parseIpv6(key) ?? key, name]));
cases(
  'names from hosts',
  [
    { name: 'address, name, aliases', text: '192.168.1.2 nas nas.lan\n', want: { '192.168.1.2': 'nas' } },
    {
      name: 'comments and empty lines',
      text: '# all\n\n192.168.1.2\tnas # the box\n#192.168.1.3 no',
      want: { '192.168.1.2': 'nas' },
    },
    {
      name: 'the first line about an address counts',
      text: '192.168.1.2 a\n192.168.1.2 b',
      want: { '192.168.1.2': 'a' },
    },
    { name: 'IPv6, in any form', text: '2001:DB8:0::5 nas\n', want: { '2001:db8::5': 'nas' } },
    { name: 'an address alone, rubbish', text: '192.168.1.2\nx y', want: {} },
  ],
  ({ text, want }) => assert.equal(namesFromHosts(text), namesOf(want)),
);

const KEA = 'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n';
cases(
  'names from DHCP leases',
  [
    {
      name: 'dnsmasq',
      text: '1767225600 52:54:00:00:00:01 192.168.1.2 nas 01:52:54:00:00:00:01\n',
      want: { '192.168.1.2': 'nas', '52:54:00:00:00:01': 'nas' },
    },
    { name: 'dnsmasq: no name', text: '1767225600 52:54:00:00:00:01 192.168.1.2 * *\n', want: {} },
    { name: 'dnsmasq: the DUID line of IPv6 is none', text: 'duid 00:01:00:01:2a\n', want: {} },
    {
      name: 'dnsmasq, IPv6: a number is where the hardware address is in IPv4',
      text: '1767225600 1234567 2001:db8::5 nas 00:01:00:01:2a:52:54:00:00:00:01\n',
      want: { '2001:db8::5': 'nas' },
    },
    {
      name: 'dnsmasq: a hardware address of another kind of link',
      text: '1767225600 06-52:54:00:00:00:01 192.168.1.2 nas *\n',
      want: { '192.168.1.2': 'nas' },
    },
    {
      name: 'Kea',
      text: `${KEA}192.168.1.2,52:54:00:00:00:01,,3600,1767225600,1,0,0,nas.lan.,0,\n`,
      want: { '192.168.1.2': 'nas.lan', '52:54:00:00:00:01': 'nas.lan' },
    },
    {
      name: 'Kea: columns in another order',
      text: 'address,hostname\n192.168.1.2,nas',
      want: { '192.168.1.2': 'nas' },
    },
    {
      name: 'Kea: the last line about an address counts',
      text: 'address,hostname\n192.168.1.2,a\n192.168.1.2,b',
      want: { '192.168.1.2': 'b' },
    },
    {
      name: 'a host that names itself to write on the terminal',
      text: 'address,hostname\n192.168.1.2,\x1b[2Jevil\x07',
      want: { '192.168.1.2': '??2Jevil?' },
    },
    { name: 'rubbish', text: '\0\x01\x02', want: {} },
  ],
  ({ text, want }) => assert.equal(namesFromLeases(text), namesOf(want)),
);

claims('names', {
  'of several lists the first that knows counts': () => {
    const merged = mergeNames([
      new Map([[1, 'a']]),
      new Map([
        [1, 'b'],
        [2, 'c'],
      ]),
    ]);
    assert.equal([...merged].sort(), [
      [1, 'a'],
      [2, 'c'],
    ]);
  },
  'a host is found by address or by name, in any case': () => {
    assert.equal(findHost('192.168.1.9', NAMES), new Set([0xc0a80109]));
    assert.equal(findHost('NAS', NAMES), new Set([0xc0a80102]));
    assert.equal(findHost('nobody', NAMES), new Set());
    assert.equal(findHost('2001:DB8::0:5', NAMES), new Set([PINHOLE.address]));
    assert.equal(findHost('02:00:00:00:00:0A', NAMES), new Set(['02:00:00:00:00:0a']));
  },
  'a name finds all that has it: addresses of both families, and the device': () =>
    assert.equal(
      findHost(
        'phone',
        new Map<HostKey, string>([...NAMES, [PINHOLE.address, 'phone'], [5, 'Phone'], ['02:00:00:00:00:07', 'phone']]),
      ),
      new Set([PINHOLE.address, 5, '02:00:00:00:00:07']),
    ),
});

cases<{ name: string; text: string; want: ReturnType<typeof parsePortFilter> }>(
  'a wanted port',
  [
    { name: 'of both protocols', text: '8080', want: { protocol: null, port: 8080 } },
    { name: 'of one', text: 'tcp/8080', want: { protocol: 'tcp', port: 8080 } },
    { name: 'in capitals', text: 'UDP/1', want: { protocol: 'udp', port: 1 } },
    { name: 'port 0', text: 'tcp/0', want: null },
    { name: 'an unknown protocol', text: 'sctp/1', want: null },
    { name: 'an address', text: '192.168.1.2', want: null },
    { name: 'too many parts', text: 'tcp/1/2', want: null },
  ],
  ({ text, want }) => assert.equal(parsePortFilter(text), want),
);

const xbox: ListedLease = { ...web, protocol: 'udp', externalPort: 3074, tool: 1 };
const DESCRIPTIONS: Descriptions = new Map([['udp 3074', 'Xbox']]);

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

claims('formatTable', {
  'gaps are narrower before anything is cut': () =>
    assert.equal(
      formatTable(
        [
          { header: 'A', align: 'left' },
          { header: 'B', align: 'right' },
        ],
        [{ cells: ['aaaa', 'bbb'] }],
        8,
        false,
      ),
      ['A      B', 'aaaa bbb'],
    ),
  'columns are left out by their rank, and no more of them than must be': () => {
    const columns = [
      { header: 'A', align: 'left', dropRank: 2 },
      { header: 'B', align: 'left' },
      { header: 'C', align: 'left', dropRank: 1 },
    ] as const;
    const at = (width: number) => formatTable(columns, [{ cells: ['aaa', 'bbb', 'ccc'] }], width, false)[1];
    assert.equal([13, 11, 10, 7, 6, 1].map(at), ['aaa  bbb  ccc', 'aaa bbb ccc', 'aaa  bbb', 'aaa bbb', 'bbb', 'bbb']);
  },
  'a style without colour is nothing': () => assert.is(paint('x', 'red', false), 'x'),
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

const status = {
  epochStart: -60_000,
  mappings: 3,
  staticMappings: 1,
  maxMappings: 129024,
  maxMappingsPerHost: 100,
  maxLifetime: 86400,
  journalBytes: 4096,
  kernelInStep: true,
  pid: 77,
  resynchronisations: 2,
  startedAt: 30_000,
  pinholes: 0,
  maxPinholes: 0,
  staticPinholes: 0,
};
const seen = (role: 'frontend' | 'server' | 'upnp', args: readonly string[]) =>
  ({
    role,
    pid: 78,
    parent: 77,
    args,
    uid: 1,
    uptimeSeconds: 15,
    capabilities: 0n,
    noNewPrivileges: true,
    hasSeccompFilter: false,
    hasJit: false,
  }) as const;

claims('status', {
  'an epoch from before this boot is older than the boot': () =>
    assert.equal(reportedStatus(status, 45_999), {
      epoch: 105,
      mappings: 3,
      staticMappings: 1,
      maxMappings: 129024,
      pinholes: 0,
      staticPinholes: 0,
      maxPinholes: 0,
      maxMappingsPerHost: 100,
      maxLifetime: 86400,
      journalBytes: 4096,
      kernelInStep: true,
      connections: null,
      maxConnections: null,
      pid: 77,
      uptime: 15,
      resynchronisations: 2,
      frontends: [],
      upnp: [],
      upnpMappings: null,
      externalInterface: null,
      externalAddress: null,
    }),
  'what frontends show of themselves': () => {
    const frontend = seen('frontend', ['--external-interface', 'wan0', '--lan', '192.168.1.1/24']);
    const { frontends, externalInterface, externalAddress } = reportedStatus(
      status,
      45_999,
      [frontend],
      (name) => `address of ${name}`,
    );
    assert.equal(frontends, [{ pid: 78, uptime: 15, lan: ['192.168.1.1/24'] }]);
    assert.equal([externalInterface, externalAddress], ['wan0', 'address of wan0']);
  },
  'an external address that was given counts': () => {
    const frontend = seen('frontend', ['--external-interface=wan0', '--external-address=203.0.113.9']);
    assert.is(reportedStatus(status, 0, [frontend], () => '10.0.0.1').externalAddress, '203.0.113.9');
  },
  'for people': () =>
    assert.is(
      formatStatus(
        reportedStatus(
          status,
          45_999,
          [seen('frontend', ['--external-interface', 'wan0', '--lan', '192.168.1.1/24'])],
          () => '203.0.113.2',
        ),
      ),
      [
        'external:       203.0.113.2 on wan0',
        'epoch:          1m 45s old (105 s)',
        'mappings:       3 of at most 129024, 1 of them static',
        'pinholes:       off',
        'limits:         100 mappings a host, lifetime at most 1d 0h',
        'kernel:         in step with the table',
        'journal:        4096 bytes (4.1k)',
        'helper:         pid 77, up 15s',
        'frontend:       pid 78, up 15s, for 192.168.1.1/24',
        "resynchronised: 2 times since the helper's start",
      ].join('\n'),
    ),
  'natpmp-upnp, and how many mappings it has asked for, if they were counted': () => {
    const daemons = [seen('upnp', ['--listen-interface', 'br-lan', '--external-interface', 'wan0'])];
    const line = (count: number | null) =>
      formatStatus(
        reportedStatus(
          status,
          45_999,
          daemons,
          () => null,
          () => ['192.168.1.1/24'],
          count,
        ),
      );
    assert.match(line(3), /^upnp: {11}pid 78, up 15s, for 192\.168\.1\.1\/24; asked for 3 of the mappings$/m);
    assert.match(line(null), /^upnp: {11}pid 78, up 15s, for 192\.168\.1\.1\/24$/m);
    assert.match(line(3), /^frontend: {7}not seen$/m);
  },
  pinholes: () =>
    assert.match(
      formatStatus(reportedStatus({ ...status, pinholes: 2, staticPinholes: 1, maxPinholes: 16384 }, 0)),
      /^pinholes: {7}2 of at most 16384, 1 of them static\nlimits: {9}100 mappings and as many pinholes a host, lifetime at most 1d 0h, of pinholes 2h 0m$/m,
    ),
  'pinholes last no longer than mappings': () =>
    assert.match(
      formatStatus(reportedStatus({ ...status, maxLifetime: 3600, maxPinholes: 16384 }, 0)),
      /lifetime at most 1h 0m, of pinholes 1h 0m$/m,
    ),
  "how many connections the kernel tracks, in doctor's words": () => {
    const shown = (count: number, inColour = false): string => {
      const found = { count, max: 1000 };
      const reported = reportedStatus(status, 0, [], () => null, undefined, null, found);
      assert.equal([reported.connections, reported.maxConnections], [count, 1000]);
      return formatStatus(reported, inColour);
    };
    assert.match(shown(899), /^kernel: .*\nconntrack: {6}899 of at most 1000 connections\njournal: /m);
    assert.match(
      shown(900),
      /^conntrack: {6}the connection tracking table is nearly full \(900 of 1000\): beyond that, new connections are dropped, to mappings too\. See natpmpctl doctor$/m,
    );
    assert.match(
      shown(990),
      /^conntrack: {6}the connection tracking table is full \(990 of 1000\): new connections are dropped, to mappings too\. See natpmpctl doctor$/m,
    );
    assert.match(shown(990, true), /^conntrack: {6}\x1b\[31mthe connection tracking table is full /m);
  },
  'a kernel out of step is not to be overlooked': () =>
    assert.match(formatStatus(reportedStatus({ ...status, kernelInStep: false }, 0)), /kernel: +NOT in step/),
});

cases<{ name: string; event: Parameters<typeof watchedEvent>[0]; want: RegExp }>(
  'watch says',
  [
    {
      name: 'granted',
      event: { kind: 'granted', lease: web },
      want: /^\d\d:\d\d:\d\d granted   tcp 80 -> 192\.168\.1\.2:8080 \(nas\) for 1h$/,
    },
    {
      name: 'renewed to static',
      event: { kind: 'renewed', lease: byHand },
      want: /renewed   udp 65535 -> 255\.255\.255\.255:65535 until removed$/,
    },
    {
      name: 'expired',
      event: { kind: 'expired', lease: web },
      want: /expired   tcp 80 -> 192\.168\.1\.2:8080 \(nas\)$/,
    },
    {
      name: 'a pinhole',
      event: { kind: 'granted', pinhole: PINHOLE },
      want: /granted   tcp 51413 -> \[2001:db8::5\]:51413 for 1h$/,
    },
    {
      name: 'a pinhole that an administrator made',
      event: { kind: 'granted', pinhole: { ...PINHOLE, origin: 'static', lifetime: 0, expiresAt: Infinity } },
      want: /granted   tcp 51413 -> \[2001:db8::5\]:51413 until removed$/,
    },
    { name: 'resynchronised', event: { kind: 'resynchronised' }, want: /resynchronised someone else/ },
    { name: 'lost', event: { kind: 'lost' }, want: /lost      the helper is gone/ },
  ],
  ({ event, want }) => {
    assert.match(formatWatched(watchedEvent(event, NOW, NAMES), false), want);
    assert.ok(formatWatched(watchedEvent(event, NOW, NAMES), false).length <= 80);
  },
);

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

/** What a program may say about itself: 64 characters (upnp/values.ts). */
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

cases<{ name: string; text: string; width: number; inFive: string }>(
  'the columns that a text takes, and its first five',
  [
    { name: 'ASCII', text: 'abcdef', width: 6, inFive: 'abcd…' },
    { name: 'that fits', text: 'abcde', width: 5, inFive: 'abcde' },
    { name: 'Chinese, Japanese, Korean', text: '\u5bbd\u3042\ud55c', width: 6, inFive: '\u5bbd\u3042…' },
    { name: 'half a character is none', text: 'a\u5bbd\u5bbd\u5bbd', width: 7, inFive: 'a\u5bbd…' },
    { name: 'full-width', text: '\uff21\uff22', width: 4, inFive: '\uff21\uff22' },
    {
      name: 'emoji: two UTF-16 units stay together',
      text: '\u{1f3ae}\u{1f3ae}\u{1f3ae}',
      width: 6,
      inFive: '\u{1f3ae}\u{1f3ae}…',
    },
    { name: 'characters of the plane 2', text: '\u{20000}\u{20000}', width: 4, inFive: '\u{20000}\u{20000}' },
    { name: 'accents on their own', text: 'e\u0301e\u0301', width: 2, inFive: 'e\u0301e\u0301' },
    { name: 'Greek, Cyrillic, half-width kana', text: '\u03b1\u0436\uff76', width: 3, inFive: '\u03b1\u0436\uff76' },
  ],
  ({ text, width, inFive }) => {
    assert.is(widthOf(text), width);
    assert.is(truncate(text, 5), inFive);
  },
);
