// The pure parts of the bench: a figure is worth what the arithmetic behind it is.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { againstRival, flatness, limitRows } from './comparisons.js';
import { countInLine } from '../load/kernel-count.js';
import { jump, MOST_MAPPINGS, wish } from '../load/mappings.js';
import { parseOptions } from './options.js';
import { plot } from './plot.js';
import { median, percentile } from '../load/statistics.js';
import { rounded } from '../load/text-table.js';

cases(
  'percentile',
  [
    { name: 'the middle of three', values: [1, 2, 9], share: 0.5, want: 2 },
    { name: 'of one, whichever', values: [7], share: 0.99, want: 7 },
    { name: '99 of 100', values: Array.from({ length: 100 }, (_, at) => at + 1), share: 0.99, want: 99 },
    { name: 'the last', values: [1, 2, 3], share: 1, want: 3 },
    { name: 'of none', values: [], share: 0.5, want: NaN },
  ],
  ({ values, share, want }) => assert.ok(Object.is(percentile(values, share), want)),
);

cases(
  'rounded',
  [
    { name: 'three digits of a large number', value: 12_345, want: '12,300' },
    { name: 'all of a middling one', value: 123.4, want: '123' },
    { name: 'a decimal', value: 12.34, want: '12.3' },
    { name: 'two decimals', value: 1.234, want: '1.23' },
    { name: 'none', value: NaN, want: '-' },
  ],
  ({ value, want }) => assert.is(rounded(value), want),
);

cases(
  'elements in a line of nft',
  [
    {
      name: 'two',
      line: 'elements = { tcp . 1024 timeout 10h expires 9h : 10.77.128.1 . 1024, udp . 1024 timeout 10h expires 9h : 10.77.128.1 . 1024,',
      want: 2,
    },
    { name: 'the probe is none', line: '     255 . 65535 timeout 2h expires 1h59m : 0.0.0.0 . 0 }', want: 0 },
    {
      name: 'an address that ends in 255 is not the probe',
      line: '  tcp . 10.77.128.255 . 1024 : 1024 timeout 10h expires 9h,',
      want: 1,
    },
    { name: 'the head of a set', line: '  flags timeout', want: 0 },
  ],
  ({ line, want }) => assert.is(countInLine(line), want),
);

claims('the mappings asked for', {
  'the full space is every port from 1024 of both protocols, once': () => {
    const all = new Set(
      Array.from({ length: MOST_MAPPINGS }, (_, number) => JSON.stringify([wish(number).opcode, wish(number).port])),
    );
    assert.is(all.size, 2 * 64_512);
  },
  "both protocols of a port are one host's": () => {
    for (let number = 0; number < MOST_MAPPINGS; number += 2) assert.is(wish(number).host, wish(number + 1).host);
  },
  'jumping about meets everything once': () => {
    for (const span of [1, 2, 1000, 7919, 15_838, MOST_MAPPINGS]) {
      assert.is(new Set(Array.from({ length: span }, (_, n) => jump(n, span))).size, span);
    }
  },
  'a median of an even number lies between the two in the middle': () => assert.is(median([4, 1, 3, 2]), 2.5),
});

cases(
  'flags',
  [
    { name: 'none', args: [], isGood: true },
    { name: 'sizes', args: ['--sizes', '0,60000'], isGood: true },
    { name: 'a size without room for new mappings', args: ['--sizes', '129024'], isGood: false },
    { name: 'a width of nothing', args: ['--widths', '0'], isGood: false },
    { name: 'without miniupnpd', args: ['--miniupnpd', 'no'], isGood: true },
    { name: 'a miniupnpd that would take a day', args: ['--miniupnpd', '60000'], isGood: false },
    { name: 'an unknown flag', args: ['--fast'], isGood: false },
  ],
  ({ args, isGood }) => assert.is(typeof parseOptions(args) === 'object', isGood),
);

const flat = (value: number) => ({ median: value, least: value, most: value });
const request = (
  gateway: string,
  held: number,
  perSecond: number,
  rest: { width?: number; kind?: 'address' | 'new'; p50?: number } = {},
) => ({
  gateway,
  held,
  kind: rest.kind ?? ('new' as const),
  width: rest.width ?? 64,
  perSecond: flat(perSecond),
  p50: flat(rest.p50 ?? 0),
  p99: flat(0),
  requests: 1,
  cpu: {},
  generatorCpu: flat(0),
});

claims('the limit beside a figure', {
  'is that of as many at once, and the share is of its rate': () => {
    const limits = [
      { what: 'one', width: 1, p50: flat(200), p99: flat(0) },
      { what: '16', width: 16, p50: flat(400), p99: flat(0) },
    ];
    const requests = [
      request('jit', 0, 4000, { width: 1, p50: 250 }),
      request('jit', 0, 20_000, { width: 16, p50: 300 }),
    ];
    assert.equal(limitRows(requests, limits), [
      ['new, jit', 0, 1, '250', '200', '50.0', '0.80'],
      ['new, jit', 0, 16, '300', '400', '-100', '0.50'],
    ]);
  },
  'there is none for what changes nothing, and none of another width': () => {
    const limits = [{ what: 'one', width: 1, p50: flat(200), p99: flat(0) }];
    assert.equal(limitRows([request('jit', 0, 1, { width: 1, kind: 'address' }), request('jit', 0, 1)], limits), []);
  },
});

claims('a figure beside others', {
  'that of the same request with none held': () => {
    const busy = (held: number, perSecond: number, cpu: number) => ({
      ...request('jit', held, perSecond),
      cpu: { frontend: flat(cpu), helper: flat(cpu) },
    });
    assert.equal(flatness([busy(0, 1000, 10), busy(500, 900, 12), request('jit', 500, 5, { kind: 'address' })]), [
      ['new, jit', 500, 64, '0.90', '1.20'],
    ]);
  },
  'that of miniupnpd with as many held': () => {
    const requests = [
      request('jit', 0, 3000),
      request('jit', 10, 3000),
      request('miniupnpd', 0, 1200),
      request('miniupnpd', 0, 1, { width: 1 }),
    ];
    assert.equal(againstRival(requests), [['new, jit', 0, 64, '2.50']]);
  },
});

claims('the plot', {
  'one line for each gateway, through its rates on a scale by powers of ten': () => {
    const svg = plot([request('jitless', 0, 1000), request('jitless', 1000, 100), request('other', 0, 10)], '');
    // A panel of 340 x 210: two sizes share 264 from 62 on; three powers of ten share 140 above 170.
    assert.match(svg, 'points="128,30 260,100"');
    assert.match(svg, 'points="128,170"');
    assert.is(svg.split('<polyline').length - 1, 2);
  },
  'shows the widest alone': () => {
    const svg = plot([request('jitless', 0, 1000, { width: 1 }), request('jitless', 0, 5000)], '');
    assert.match(svg, '64 outstanding');
    assert.is(svg.split('<circle').length - 1, 1);
  },
  'a panel for each kind there is': () => {
    const svg = plot([request('jitless', 0, 1000), request('jitless', 0, 5000, { kind: 'address' })], '');
    assert.is(svg.split('<g ').length - 1, 2);
  },
  'nothing from outside, and no number that is none': () => {
    const svg = plot([request('jitless', 0, NaN), request('a<b&c', 0, 10)], 'one\ntwo');
    assert.not.match(svg.replace('xmlns="http://www.w3.org/2000/svg"', ''), /http|href|url\(|@import|NaN|Infinity/);
    assert.match(svg, 'a&lt;b&amp;c');
  },
  'of nothing, is a picture all the same': () => assert.match(plot([], ''), /^<svg [\s\S]*<\/svg>\n$/),
});
