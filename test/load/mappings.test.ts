// The mappings that the load asks for, and how those in the kernel are counted.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { countInLine } from './kernel-count.js';
import { jump, MOST_MAPPINGS, wish } from './mappings.js';
import { median } from './statistics.js';

cases(
  'elements in a line of nft',
  [
    {
      name: 'two',
      line:
        'elements = { tcp . 1024 timeout 10h expires 9h : 10.77.128.1 . 1024, udp . 1024 timeout 10h ' +
        'expires 9h : 10.77.128.1 . 1024,',
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
