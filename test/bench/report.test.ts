// The report of the bench: its flags, and what it works out from the figures.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import {
  againstRival,
  besideWithoutPinholes,
  flatness,
  limitRows,
  packetsBesideWithoutPinholes,
  pinholesBesideMappings,
} from './comparisons.js';
import { parseOptions } from './options.js';
import { plot } from './plot.js';

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
  rest: { width?: number; kind?: 'address' | 'new' | 'new pinhole'; p50?: number } = {},
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
  'a pinhole beside a mapping': () => {
    const figures = (kind: 'new' | 'new pinhole', held: number, p50: number, cpu: number) => ({
      ...request('jit', held, 1, { kind, p50 }),
      cpu: { frontend: flat(cpu), helper: flat(cpu) },
    });
    const requests = [figures('new', 0, 100, 10), figures('new pinhole', 0, 110, 12), figures('new pinhole', 5, 1, 1)];
    assert.equal(pinholesBesideMappings(requests), [['new pinhole, jit', 0, 64, '1.20', '1.10']]);
  },
  'a mapping with pinholes beside one without': () => {
    const figures = (gateway: string, width: number, p50: number, cpu: number) => ({
      ...request(gateway, 0, 1, { width, p50 }),
      cpu: { frontend: flat(cpu), helper: flat(2 * cpu) },
    });
    const requests = [
      figures('jitless', 1, 103, 10),
      figures('jitless', 64, 999, 99),
      figures('jit', 1, 5, 5),
      figures('jitless without pinholes', 1, 100, 8),
      figures('jitless without pinholes', 16, 1, 1),
    ];
    assert.equal(besideWithoutPinholes(requests), [['new', 0, 1, '1.25', '1.03']]);
  },
  'a packet of IPv4 with pinholes beside one without': () => {
    const packet = (
      gateway: string,
      through: 'mapping' | 'pinhole',
      held: number,
      established: number,
      first: number,
    ) => ({
      gateway,
      through,
      held,
      established: flat(established),
      first: flat(first),
    });
    const packets = [
      packet('jit', 'mapping', 130, 11, 6),
      packet('jit', 'pinhole', 130, 99, 99),
      packet('jitless', 'mapping', 60_000, 99, 99),
      packet('jitless without pinholes', 'mapping', 130, 10, 5),
      packet('miniupnpd', 'mapping', 130, 99, 99),
    ];
    assert.equal(packetsBesideWithoutPinholes(packets), [[130, '11.0', '1.10', '6.00', '1.20']]);
    assert.equal(packetsBesideWithoutPinholes(packets.slice(0, 3)), []);
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
  'a gateway without pinholes is not in it': () => {
    const svg = plot([request('jitless', 0, 1000), request('jitless without pinholes', 0, 1000)], '');
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
