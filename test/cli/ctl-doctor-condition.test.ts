// What natpmpctl doctor works out of conditions: their words, truth in parts, ranges, and the sets that it has to list.

import * as assert from 'uvu/assert';
import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import { block, rangeOf, without } from '../../cli/host/firewall/range.js';
import { missingSets } from '../../cli/natpmpctl/doctor/firewall/ruleset.js';
import { conditionText } from '../../cli/host/firewall/text.js';
import { all, any, NO, not, part, unknown, YES } from '../../cli/host/firewall/truth.js';
import type { Json } from '../../cli/host/nft-json.js';
import { HEALTHY } from '../support/healthy-router.js';
import { cases, claims } from '../support/cases.js';
import {
  accept,
  ct,
  daddr,
  dport,
  drop,
  elements,
  jump,
  listing,
  match,
  meta,
  saddr,
  vmap,
  tableOf,
} from './foreign-rules.js';

const unnamed = (set: readonly Json[]) => ({ set });

claims('what has to be listed besides', {
  'named sets and maps in rules that packets come to, but no sets of sources on the Internet': () => {
    const ruleset = listing(
      ...['outer', 'hosts', 'blocked', 'unused', 'inputs', 'pairs'].map((name) => ({
        set: { family: 'inet', table: 'fw', name, type: 'x', flags: ['interval'] },
      })),
      { set: { family: 'inet', table: 'fw', name: 'brief', type: 'x', flags: ['timeout'] } },
      { map: { family: 'inet', table: 'fw', name: 'zones', type: 'ifname', map: 'verdict' } },
      ...tableOf('drop', {
        forward: [
          [match(meta('iifname'), '@outer'), vmap(meta('iifname'), '@zones')],
          [match(saddr, '@blocked'), drop],
          [match(daddr, '@brief'), drop],
          [match({ concat: [saddr, daddr] }, '@pairs'), drop],
        ],
        wan: [[match(daddr, '@hosts'), accept]],
        elsewhere: [[match(daddr, '@unused'), accept]],
      }),
      ...tableOf('drop', { input: [[match(daddr, '@inputs'), accept]] }, { hook: 'input' }),
    );
    const names = (seen: Partial<Facts>) =>
      missingSets(ruleset, { ...HEALTHY.nftDetails, ...seen.nftDetails }, new Set()).map(
        ({ kind, name }) => `${kind} ${name}`,
      );
    assert.equal(names({}), ['set inputs', 'set outer', 'map zones', 'set pairs']);
    assert.equal(names(elements('zones', [['wan0', jump('wan')]])), [
      'set inputs',
      'set outer',
      'set hosts',
      'set pairs',
    ]);
    assert.equal(names(elements('outer', null)), ['set inputs', 'map zones', 'set pairs']);
  },
});

cases(
  'a condition in words',
  [
    { name: 'a port', text: conditionText(dport, '==', 22), want: 'tcp dport 22' },
    {
      name: 'a long set',
      text: conditionText(
        daddr,
        '!=',
        unnamed([
          '10.0.0.1',
          { range: ['10.0.0.3', '10.0.0.5'] },
          { prefix: { addr: '10.1.0.0', len: 16 } },
          '10.2.0.1',
        ]),
      ),
      want: 'ip daddr != { 10.0.0.1, 10.0.0.3-10.0.0.5, 10.1.0.0/16, ... }',
    },
    { name: 'a mask', text: conditionText({ '&': [meta('mark'), 255] }, '==', 1), want: 'meta mark & 255 1' },
    { name: 'states', text: conditionText(ct('state'), 'in', ['new', 'related']), want: 'ct state new,related' },
    {
      name: 'a concatenation',
      text: conditionText({ concat: [meta('iifname'), { ct: { key: 'proto-dst', dir: 'original' } }] }, '==', {
        concat: ['wan0', 80],
      }),
      want: 'iifname . ct original proto-dst wan0 . 80',
    },
    { name: 'something else', text: conditionText({ numgen: { mode: 'random' } }, '<', 5), want: 'numgen < 5' },
    { name: 'a set of three', text: conditionText(dport, '==', unnamed([1, 2, 3])), want: 'tcp dport { 1, 2, 3 }' },
    {
      name: 'a mask of names',
      text: conditionText({ '&': [ct('state'), ['new', 'related']] }, '!=', 0),
      want: 'ct state & new,related != 0',
    },
  ],
  ({ text, want }) => assert.is(text, want),
);

const [third, quarter] = [part(1 / 3, ['a']), part(0.25, ['a'])];

cases(
  'truth',
  [
    { name: 'not', is: not(quarter), want: part(0.75, ['not a']) },
    { name: 'not, twice', is: not(not(part(0.5, ['a']))), want: part(0.5, ['a']) },
    { name: 'all of nothing', is: all([]), want: YES },
    { name: 'no is stronger than unknown', is: all([unknown(['a']), NO]), want: NO },
    { name: 'most of what is unknown', is: all([unknown(['a']), part(0.75, ['b'])]), want: unknown(['a', 'b']) },
    { name: 'half of what is unknown', is: all([unknown(['a']), part(0.5, ['b'])]), want: part(0.5, ['a', 'b']) },
    { name: 'yes is stronger than unknown', is: any([unknown(['a']), YES]), want: YES },
    { name: 'all of parts', is: all([part(0.5, ['a']), YES, part(0.5, ['b'])]), want: part(0.25, ['a', 'b']) },
    { name: 'parts that make a whole', is: any([third, third, third]), want: YES },
    { name: 'unknown stays unknown', is: not(any([third, unknown(['b'])])), want: unknown(['a', 'b']) },
  ],
  ({ is, want }) => assert.equal(is, want),
);

cases(
  'ranges',
  [
    { name: 'a prefix', is: rangeOf({ prefix: { addr: '192.168.1.7', len: 24 } }), want: [0xc0a80100, 0xc0a801ff] },
    { name: 'all addresses', is: block(0, 0), want: [0, 0xffffffff] },
    { name: 'a prefix of something else', is: rangeOf({ prefix: { addr: '::1', len: 64 } }), want: null },
    { name: 'a range of something else', is: rangeOf({ range: ['192.168.1.1', 'b'] }), want: null },
    { name: 'all are taken', is: without([[0, 0xffffffff]]), want: [] },
    { name: 'all but the last', is: without([[0, 0xfffffffe]]), want: [[0xffffffff, 0xffffffff]] },
    { name: 'a name', is: rangeOf('wan0'), want: null },
    {
      name: 'the rest',
      is: without([block(0x80000000, 1), block(0, 8), block(0, 16)]),
      want: [[0x01000000, 0x7fffffff]],
    },
    { name: 'nothing is taken', is: without([]), want: [[0, 0xffffffff]] },
  ],
  ({ is, want }) => assert.equal(is, want),
);
