// The pure parts of the bench: a figure is worth what the arithmetic behind it is.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { countInLine } from './kernel-count.js';
import { jump, MOST_MAPPINGS, wish } from './mappings.js';
import { parseOptions } from './options.js';
import { median, percentile } from './statistics.js';
import { rounded } from './text.js';

cases('percentile', [
  { name: 'the middle of three', values: [1, 2, 9], share: 0.5, want: 2 },
  { name: 'of one, whichever', values: [7], share: 0.99, want: 7 },
  { name: '99 of 100', values: Array.from({ length: 100 }, (_, at) => at + 1), share: 0.99, want: 99 },
  { name: 'the last', values: [1, 2, 3], share: 1, want: 3 },
  { name: 'of none', values: [], share: 0.5, want: NaN },
], ({ values, share, want }) => assert.ok(Object.is(percentile(values, share), want)));

cases('rounded', [
  { name: 'three digits of a large number', value: 12_345, want: '12,300' },
  { name: 'all of a middling one', value: 123.4, want: '123' },
  { name: 'a decimal', value: 12.34, want: '12.3' },
  { name: 'two decimals', value: 1.234, want: '1.23' },
  { name: 'none', value: NaN, want: '-' },
], ({ value, want }) => assert.is(rounded(value), want));

cases('elements in a line of nft', [
  { name: 'two', line: 'elements = { tcp . 1024 timeout 10h expires 9h : 10.77.128.1 . 1024, udp . 1024 timeout 10h expires 9h : 10.77.128.1 . 1024,', want: 2 },
  { name: 'the probe is none', line: '     255 . 65535 timeout 2h expires 1h59m : 0.0.0.0 . 0 }', want: 0 },
  { name: 'an address that ends in 255 is not the probe', line: '  tcp . 10.77.128.255 . 1024 : 1024 timeout 10h expires 9h,', want: 1 },
  { name: 'the head of a set', line: '  flags timeout', want: 0 },
], ({ line, want }) => assert.is(countInLine(line), want));

claims('the mappings asked for', {
  'the full space is every port from 1024 of both protocols, once': () => {
    const all = new Set(Array.from({ length: MOST_MAPPINGS }, (_, number) => JSON.stringify([wish(number).opcode, wish(number).port])));
    assert.is(all.size, 2 * 64_512);
  },
  'both protocols of a port are one host\'s': () => {
    for (let number = 0; number < MOST_MAPPINGS; number += 2) assert.is(wish(number).host, wish(number + 1).host);
  },
  'jumping about meets everything once': () => {
    for (const span of [1, 2, 1000, 7919, 15_838, MOST_MAPPINGS]) {
      assert.is(new Set(Array.from({ length: span }, (_, n) => jump(n, span))).size, span);
    }
  },
  'a median of an even number lies between the two in the middle': () => assert.is(median([4, 1, 3, 2]), 2.5),
});

cases('flags', [
  { name: 'none', args: [], isGood: true },
  { name: 'sizes', args: ['--sizes', '0,60000'], isGood: true },
  { name: 'a size without room for new mappings', args: ['--sizes', '129024'], isGood: false },
  { name: 'a width of nothing', args: ['--widths', '0'], isGood: false },
  { name: 'an unknown flag', args: ['--fast'], isGood: false },
], ({ args, isGood }) => assert.is(typeof parseOptions(args) === 'object', isGood));
