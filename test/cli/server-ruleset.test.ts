// How the wanted ruleset gets into the kernel: whose tables there are, and which script nft is given. Literal texts.

import * as assert from 'uvu/assert';
import { elementsIn, exchangeRules, isCurrent, readTables, replaceTable } from '../../cli/host/ruleset-plan.js';
import { cases, claims } from '../support/cases.js';

const ours = (checksum: string | null, chains: readonly string[] = [], sets: readonly string[] = []) =>
  ({ kind: 'ours', checksum, chains, sets }) as const;

cases(
  'whose tables',
  [
    {
      name: 'ours, with what is in it',
      listing:
        'table ip nat {\n\tcomment "natpmp-server owns this table"\n\tmap in {\n\t\tsize 1\n\t}\n\n\tset ' +
        'live {\n\t}\n\n\tchain PMP-input {\n\t\taccept\n\t}\n\n\tchain PMP {\n\t\tcomment ' +
        '"natpmp-server 0badcafe"\n\t\taccept\n\t}\n}\n',
      want: [['nat', ours('0badcafe', ['PMP-input', 'PMP'], ['in', 'live'])]],
    },
    {
      name: 'of a release that kept the checksum in the table',
      listing: 'table ip nat {\n\tcomment "natpmp-server 0badcafe"\n\tmap in {\n\t}\n}\n',
      want: [['nat', ours(null, [], ['in'])]],
    },
    {
      name: "iptables-nft's",
      listing:
        '# Warning: table ip nat is managed by iptables-nft, do not touch!\ntable ip nat {\n\tchain DOCKER {\n\t}\n}\n',
      want: [['nat', { kind: 'foreign' }]],
    },
    { name: 'empty', listing: 'table ip nat {\n}\n', want: [['nat', { kind: 'foreign' }]] },
    { name: 'another comment', listing: 'table ip nat {\n\tcomment "mine"\n}\n', want: [['nat', { kind: 'foreign' }]] },
    {
      name: "a rule's comment is not the table's",
      listing: 'table ip nat {\n\tchain c {\n\t\taccept comment "natpmp-server 1"\n\t}\n}\n',
      want: [['nat', { kind: 'foreign' }]],
    },
    {
      name: "a chain's comment is not the table's",
      listing: 'table ip nat {\n\tchain c {\n\t\tcomment "natpmp-server 1"\n\t}\n}\n',
      want: [['nat', { kind: 'foreign' }]],
    },
    {
      name: 'several',
      listing: 'table ip filter {\n\tchain c {\n\t}\n}\ntable ip natpmp {\n\tcomment "natpmp-server 1"\n}\n',
      want: [
        ['filter', { kind: 'foreign' }],
        ['natpmp', ours(null)],
      ],
    },
    { name: 'none', listing: '', want: [] },
  ],
  ({ listing, want }) => assert.equal([...readTables(listing)], want),
);

const RULESET = `table ip nat
delete table ip nat
table ip nat {
  comment "natpmp-server owns this table"
  map in {
    size 1
  }
  set live {
  }
  chain PMP {
    comment "natpmp-server 1111"
    accept
  }
}
`;
const DEFINITION = RULESET.split('\n').slice(2).join('\n');

cases<{ name: string; table: Parameters<typeof isCurrent>[0]; want: boolean }>(
  'is it there already?',
  [
    { name: 'no table', table: { kind: 'absent' }, want: false },
    { name: 'the same', table: ours('1111'), want: true },
    { name: 'of another configuration', table: ours('2222'), want: false },
    { name: 'of an older release', table: ours(null), want: false },
  ],
  ({ table, want }) => assert.is(isCurrent(table, RULESET), want),
);

cases(
  'rules are exchanged around the sets',
  [
    {
      name: 'the same sets',
      table: ours('2222', ['OLD', 'OLD-live'], ['in', 'live']),
      want: `flush table ip nat\ndelete chain ip nat OLD\ndelete chain ip nat OLD-live\n${DEFINITION}`,
    },
    { name: 'one set fewer', table: ours('2222', ['OLD'], ['in']), want: null },
    { name: 'one set more', table: ours('2222', ['OLD'], ['in', 'live', 'out']), want: null },
    { name: 'another set', table: ours('2222', ['OLD'], ['in', 'out']), want: null },
  ],
  ({ table, want }) => assert.is(exchangeRules('nat', table, RULESET), want),
);

cases(
  'elements, as nft shows them and takes them',
  [
    {
      name: 'of a map',
      listing:
        'table ip nat {\n\tmap in {\n\t\tflags timeout\n\t\telements = { tcp . 8080 timeout 1h expires ' +
        '59m58s972ms : 192.168.1.2 . 8080,\n\t\t\t     udp . 1 : 192.168.1.3 . 1 }\n\t}\n}\n',
      want: '{ tcp . 8080 timeout 1h expires 59m58s972ms : 192.168.1.2 . 8080, udp . 1 : 192.168.1.3 . 1 }',
    },
    {
      name: 'one that ends in this moment',
      listing:
        '\t\telements = { tcp . 1 timeout 1h expires 0s : 10.0.0.1 . 1, tcp . 2 timeout 1h expires 10s : ' +
        '10.0.0.1 . 2 }\n',
      want: '{ tcp . 2 timeout 1h expires 10s : 10.0.0.1 . 2 }',
    },
    {
      name: 'all end in this moment',
      listing: '\t\telements = { tcp . 1 timeout 1h expires 0s : 10.0.0.1 . 1 }\n',
      want: null,
    },
    { name: 'none', listing: 'table ip nat {\n\tmap in {\n\t\tflags timeout\n\t}\n}\n', want: null },
  ],
  ({ listing, want }) => {
    const { count, block } = elementsIn(listing);
    assert.equal([count === 0 ? null : block, count], [want, want === null ? 0 : want.split(',').length]);
  },
);

claims('a table from nothing', {
  'has the elements, and the tables with other names go in the same transaction': () => {
    const script = replaceTable(
      'nat',
      RULESET,
      new Map([
        ['in', '{ a : b }'],
        ['live', '{ c }'],
      ]),
      ['old', 'older'],
    );
    assert.is(
      script,
      `${RULESET}\nadd element ip nat in { a : b }\nadd element ip nat live { c }\ndelete table ip old\ndelete table ip older\n`,
    );
  },
});
