// A figure is worth what the arithmetic behind it is.

import * as assert from 'uvu/assert';
import { cases } from '../support/cases.js';
import { percentile } from './statistics.js';
import { rounded } from './text-table.js';

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
