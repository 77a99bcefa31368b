// What natpmp-server reads and writes as text: masks of networks, lines of logs.

import * as assert from 'uvu/assert';
import { nameOf, prefixLength } from '../../cli/host/interfaces.js';
import { byLine, journalLine, readable } from '../../cli/host/log.js';
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
  'control characters are not shown': () =>
    assert.is(readable('a\x1b]0;x\x07\x9b2Jb\tü'), 'a\ufffd]0;x\ufffd\ufffd2Jb\tü'),
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
  'a letter that is cut by the end of a piece stays whole': () => {
    const lines: string[] = [];
    const take = byLine((one) => lines.push(one));
    for (const byte of Buffer.from('ü\n')) take(Buffer.of(byte));
    assert.equal(lines, ['ü']);
  },
  'a line that is too long is cut, and the next one is whole': () => {
    const lines: string[] = [];
    const take = byLine((one) => lines.push(one), 4);
    for (const piece of ['abcd\nabc', 'de', 'f'.repeat(100), 'g\nhi\n', 'jklmnop\nq\n']) take(piece);
    assert.equal(lines, ['abcd', 'abcd', 'hi', 'jklm', 'q']);
  },
});

cases<{ name: string; line: string; isError?: boolean; want: string }>(
  'a line of a daemon, in the journal',
  [
    {
      name: 'of pino, at level info',
      line: '{"level":30,"time":1795871532575,"name":"x","msg":"a"}',
      want: '<6>{"level":30,"name":"x","msg":"a"}',
    },
    { name: 'an error without a time', line: '{"level":50,"msg":"a"}', want: '<3>{"level":50,"msg":"a"}' },
    { name: 'plain text', line: 'x', want: 'x' },
    { name: 'plain text, from stderr', line: 'x', isError: true, want: '<3>x' },
  ],
  ({ line, isError = false, want }) => assert.is(journalLine(line, isError), want),
);

cases(
  'the interface of an address with a label',
  [
    { name: 'its own name', label: 'wan0', want: 'wan0' },
    { name: 'as ifconfig has it', label: 'wan0:1', want: 'wan0' },
    { name: 'any text behind the name', label: 'wan0pub', want: 'wan0' },
    { name: 'that begins with two names', label: 'wan01x', want: 'wan01' },
    { name: 'of none that is known', label: 'ppp0', want: 'ppp0' },
  ],
  ({ label, want }) => assert.is(nameOf(label, ['wan', 'wan0', 'wan01', 'br-lan']), want),
);
