// What natpmp-server reads and writes as text: masks of networks, lines of logs.

import * as assert from 'uvu/assert';
import { prefixLength } from '../../cli/host/interfaces.js';
import { byLine, readable } from '../../cli/host/log.js';
import { cases, claims } from '../support/cases.js';

cases(
  'prefix length of a mask',
  [
    { name: '/32', mask: 0xffffffff, want: 32 },
    { name: '/24', mask: 0xffffff00, want: 24 },
    { name: '/8', mask: 0xff000000, want: 8 },
    { name: '/0', mask: 0, want: 0 },
  ],
  ({ mask, want }) => assert.is(prefixLength(mask), want),
);

claims('log lines for people', {
  'a JSON line becomes words': () => {
    const text = readable('{"level":40,"time":0,"pid":1,"name":"helper","role":"x","n":[1],"msg":"gone"}');
    assert.match(text, /^\d\d:\d\d:\d\d helper +WARNING gone role=x n=\[1\]$/);
  },
  'a line that is no JSON stays': () => assert.equal(['a b', '{oops'].map(readable), ['a b', '{oops']),
  'lines are put together from pieces': () => {
    const lines: string[] = [];
    const take = byLine((one) => lines.push(one));
    for (const piece of ['a', 'b\nc', '\n\nd']) take(piece);
    assert.equal(lines, ['ab', 'c', '']);
  },
});
