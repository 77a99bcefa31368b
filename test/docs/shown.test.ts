// How commands are found in a document, and how their output is compared.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { differs } from './compare.js';
import { commandsIn, unmarked } from './shown.js';

claims('commands in a document', {
  'behind prompts, with what comes out, without remarks': () =>
    assert.equal(
      commandsIn('a.md', 'words\n```console\n$ one --two   # a remark\nout\n\nout\n# three \\\n  four\n```\n'),
      [
        { command: 'one --two', where: 'a.md:3', output: ['out', '', 'out'] },
        { command: 'three \\\n  four', where: 'a.md:7', output: [] },
      ],
    ),
  'in sentences and tables, where they begin with a program and go on': () =>
    assert.equal(
      commandsIn('a.md', 'try `nft list` or `nft`, not `list nft`\n\n| a | `ip link` |').map(
        ({ command, where }) => `${where} ${command}`,
      ),
      ['a.md:1 nft list', 'a.md:3 ip link'],
    ),
  'in no other block': () => assert.equal(commandsIn('a.md', '```text\n$ one\n`nft list`\n```'), []),
  'a block of console begins with a prompt': () =>
    assert.throws(() => commandsIn('a.md', '```console\nout\n```'), /a\.md:2/),
  'a block that does not say what it is, is found': () => {
    assert.equal(unmarked('a.md', 'words\n\n```\none\n```\n\n    two\n'), [
      'a.md:3: a block without a language',
      'a.md:7: an indented block',
    ]);
    assert.equal(unmarked('a.md', '```text\none\n\n    two\n```\n* a\n    b\n'), []);
  },
});

cases(
  'output that counts as the same',
  [
    { name: 'the same', shown: 'a\nb', said: 'a\nb\n' },
    { name: 'other times', shown: 'tcp 16:21 59m56s epoch 12 s', said: 'tcp 03:59 1h epoch 3 s' },
    { name: 'other pids, and columns', shown: 'pid 1, up 11s   x', said: 'pid 20000, up 1m2s x' },
    { name: 'lines left out', shown: '...\nb\n...', said: 'a\nb\nc\nd' },
    {
      name: 'parts of a line left out',
      shown: 'node ... .../main.js ...',
      said: 'node --jitless /x/main.js --config y',
    },
  ],
  ({ shown, said }) => assert.is(differs(shown.split('\n'), said), null),
);

cases(
  'output that does not',
  [
    { name: 'a line more', shown: 'a', said: 'a\nb' },
    { name: 'a line less', shown: 'a\nb', said: 'a' },
    { name: 'another word', shown: 'tcp mapped', said: 'udp mapped' },
    { name: 'another number', shown: 'port 8080', said: 'port 8081' },
    { name: 'behind what is left out', shown: '...\nb', said: 'a\nb\nc' },
    {
      name: 'in a line of which a part is left out',
      shown: 'node ... .../main.js',
      said: 'node --jitless /x/main.js --config y',
    },
  ],
  ({ shown, said }) => assert.ok(differs(shown.split('\n'), said) !== null),
);
