// What natpmp-server reads and writes as text: masks of networks, lines of logs.

import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import * as assert from 'uvu/assert';
import { nameOf, prefixLength } from '../../cli/host/interfaces.js';
import type { LogReader } from '../../cli/host/log.js';
import { byLine, forwardLines, passedOn, readable } from '../../cli/host/log.js';
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

const NESTED = '['.repeat(32_000) + ']'.repeat(32_000);
const HOSTILE = '\x1b]0;owned\x07\x1b[2J\x1b[31m\x00\r\x7f\x9b1m\u202e{"level":30}';
const HARMLESS = '\ufffd]0;owned\ufffd\ufffd[2J\ufffd[31m\ufffd\ufffd\ufffd\ufffd1m\ufffd{"level":30}';
cases<{ name: string; line: string; reader: LogReader; isError?: boolean; want: string | RegExp }>(
  'a line of a daemon, passed on',
  [
    {
      name: 'to the journal: of pino, at level info',
      line: '{"level":30,"time":1795871532575,"name":"x","msg":"a"}',
      reader: 'journal',
      want: '<6>{"level":30,"name":"x","msg":"a"}',
    },
    {
      name: 'to the journal: an error without a time',
      line: '{"level":50,"msg":"a"}',
      reader: 'journal',
      want: '<3>{"level":50,"msg":"a"}',
    },
    { name: 'to the journal: plain text', line: 'x', reader: 'journal', want: '<6>x' },
    { name: 'to the journal: plain text, from stderr', line: 'x', reader: 'journal', isError: true, want: '<3>x' },
    { name: 'to the journal: nothing', line: '', reader: 'journal', want: '<6>' },
    {
      name: 'to the journal: a level that none of ours has',
      line: '{"level":999999,"msg":"a"}',
      reader: 'journal',
      want: '<2>{"level":999999,"msg":"a"}',
    },
    {
      name: 'to the journal: with a priority that it chose itself',
      line: '<0>wall',
      reader: 'journal',
      want: '<6><0>wall',
    },
    {
      name: 'to the journal: the same from stderr',
      line: '<0>{"level":30}',
      reader: 'journal',
      isError: true,
      want: '<3><0>{"level":30}',
    },
    { name: 'to the journal: with what a terminal obeys', line: HOSTILE, reader: 'journal', want: `<6>${HARMLESS}` },
    {
      name: 'to the journal: JSON with what a terminal obeys',
      line: '{"level":30,"msg":"\x1b[2J"}',
      reader: 'journal',
      want: '<6>{"level":30,"msg":"\ufffd[2J"}',
    },
    {
      name: 'to a pipe or file: of pino',
      line: '{"level":30,"time":1,"msg":"a\\u001b"}',
      reader: 'other',
      want: '{"level":30,"time":1,"msg":"a\\u001b"}',
    },
    { name: 'to a pipe or file: with what a terminal obeys', line: HOSTILE, reader: 'other', want: HARMLESS },
    {
      name: 'to a pipe or file: with a priority, for systemd-cat',
      line: '<0>wall',
      reader: 'other',
      want: '\ufffd0>wall',
    },
    { name: 'to a terminal: with what that obeys', line: HOSTILE, reader: 'terminal', want: HARMLESS },
    {
      name: 'to a terminal: JSON with what that obeys, escaped',
      line: '{"level":30,"time":0,"name":"x","msg":"\\u001b[31m\\u001b[2J\\u0007"}',
      reader: 'terminal',
      want: /^\d\d:\d\d:\d\d x {15}\ufffd\[31m\ufffd\[2J\ufffd$/,
    },
    ...['name', 'level', 'time', 'msg'].flatMap((field) => [
      {
        name: `to a terminal: a ${field} that is no text, nor becomes one`,
        line: `{"${field}":{"toString":1,"valueOf":1}}`,
        reader: 'terminal' as const,
        want: `{"${field}":{"toString":1,"valueOf":1}}`,
      },
      {
        name: `to a terminal: a ${field} nested as deep as a line is long`,
        line: `{"${field}":${NESTED}}`,
        reader: 'terminal' as const,
        want: /./,
      },
    ]),
    {
      name: 'to a terminal: any other field nested as deep as a line is long',
      line: `{"level":30,"x":${NESTED}}`,
      reader: 'terminal',
      want: `{"level":30,"x":${NESTED}}`,
    },
  ],
  ({ line, reader, isError = false, want }) => {
    const got = passedOn(line, reader, isError);
    if (typeof want === 'string') assert.is(got, want);
    else assert.match(got, want);
  },
);

/** What `forwardLines` writes of these bytes to a stdout that is no terminal. */
async function forwarded(bytes: string): Promise<string> {
  const [from, to] = [new PassThrough(), new PassThrough()];
  forwardLines(from, to as unknown as NodeJS.WriteStream, 1);
  from.end(bytes);
  const [written] = (await once(to, 'data')) as [Buffer];
  return written.toString();
}

claims('what a daemon writes', {
  'is passed on to a pipe or file without what a terminal, or a journal behind it, would obey': async () =>
    assert.is(await forwarded(`${HOSTILE}\n<0>wall\n`), `${HARMLESS}\n\ufffd0>wall\n`),
  'is passed on to the journal with priorities of ours alone': async () => {
    const before = process.env['JOURNAL_STREAM'];
    const { dev, ino } = fstatSync(1);
    process.env['JOURNAL_STREAM'] = `${dev}:${ino}`;
    try {
      assert.is(
        await forwarded(`<0>wall\n{"level":40}\n${HOSTILE}\n`),
        `<6><0>wall\n<4>{"level":40}\n<6>${HARMLESS}\n`,
      );
    } finally {
      if (before === undefined) delete process.env['JOURNAL_STREAM'];
      else process.env['JOURNAL_STREAM'] = before;
    }
  },
});

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
