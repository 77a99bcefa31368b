// What natpmpctl makes of texts and numbers, for people.

import * as assert from 'uvu/assert';
import { printable } from '../../cli/host/printable.js';
import { formatTable, paint, truncate, widthOf } from '../../cli/natpmpctl/table.js';
import { formatCount, formatSeconds, formatWhen, shortSeconds } from '../../cli/natpmpctl/units.js';
import { parsePortFilter } from '../../cli/natpmpctl/arguments.js';
import { cases, claims } from '../support/cases.js';
import { NOW } from './listed-mappings.js';

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
