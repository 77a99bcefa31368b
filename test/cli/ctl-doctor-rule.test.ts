// What natpmpctl doctor makes of the sets and statements in the rules of others, and of their chains in other hooks.

import type { Json } from '../../cli/host/nft-json.js';
import { cases } from '../support/cases.js';
import {
  accept,
  beside,
  counter,
  ct,
  daddr,
  dnat,
  dport,
  drop,
  elements,
  filter,
  from,
  invalid,
  judge,
  type Judged,
  jump,
  listing,
  match,
  meta,
  one,
  payload,
  saddr,
  to,
  vmap,
  xt,
  tableOf,
} from './foreign-rules.js';

const unnamed = (set: readonly Json[]) => ({ set });

cases<Judged>(
  'a set',
  [
    {
      name: 'of interfaces, named',
      ruleset: one('drop', match(meta('iifname'), '@outer'), accept),
      seen: elements('outer', ['wan0']),
      want: 'ok',
    },
    {
      name: 'with comments and counters',
      ruleset: one('drop', match(meta('iifname'), '@outer'), accept),
      seen: elements('outer', [{ elem: { val: 'wan0', comment: 'x' } }]),
      want: 'ok',
    },
    {
      name: 'that is empty',
      ruleset: one('drop', match(meta('iifname'), '@outer'), accept),
      seen: elements('outer', []),
      want: 'fail',
    },
    {
      name: 'whose elements cannot be had',
      ruleset: one('drop', match(meta('iifname'), '@outer'), accept),
      seen: elements('outer', null),
      want: 'warn',
      says: /depends on iifname @outer$/,
    },
    {
      name: 'of sources is an exception, whatever is in it',
      ruleset: one('accept', match(saddr, '@blocked'), drop),
      want: 'ok',
      says: /but for: ip saddr @blocked$/,
    },
    {
      name: 'of sources that alone may come',
      ruleset: one('accept', match(saddr, '@friends', '!='), drop),
      want: 'warn',
      says: /except if: ip saddr @friends$/,
    },
    {
      name: 'of interface and address',
      ruleset: one('drop', match({ concat: [meta('iifname'), daddr] }, '@ways'), accept),
      want: 'ok',
      seen: elements('ways', [
        { concat: ['wan0', { prefix: { addr: '192.168.0.0', len: 16 } }] },
        { concat: ['lo', '127.0.0.1'] },
      ]),
    },
    {
      name: 'of protocol and port',
      ruleset: one(
        'drop',
        match(
          { concat: [meta('l4proto'), payload('th', 'dport')] },
          unnamed([{ concat: ['tcp', { range: [1, 65535] }] }, { concat: ['udp', { range: [1, 65535] }] }]),
        ),
        accept,
      ),
      want: 'ok',
    },
    { name: 'of all addresses', ruleset: one('drop', match(daddr, unnamed(['10.0.0.1', '*'])), accept), want: 'ok' },
    {
      name: 'of numbers that are no names',
      ruleset: one('drop', match(meta('l4proto'), unnamed([6, 17])), accept),
      want: 'ok',
    },
    {
      name: 'of states, as newer versions of nft write it',
      ruleset: one('drop', match(ct('state'), { '|': ['new', 'established'] }, 'in'), accept),
      want: 'ok',
    },
    {
      name: 'a map that is named',
      ruleset: filter('drop', { forward: [[vmap(meta('iifname'), '@zones')]], wan: [[dnat, accept]] }),
      seen: elements('zones', [
        ['br-lan', accept],
        ['wan0', jump('wan')],
      ]),
      want: 'ok',
    },
    {
      name: 'of sources and hosts: its elements matter',
      ruleset: one('drop', match({ concat: [saddr, daddr] }, '@pairs'), accept),
      want: 'warn',
      says: /depends on ip saddr \. ip daddr @pairs$/,
    },
    {
      name: 'a map whose elements cannot be had',
      ruleset: filter('drop', { forward: [[vmap(meta('iifname'), '@zones')]] }),
      want: 'warn',
      says: /depends on the elements of @zones$/,
    },
    {
      name: 'a map with a default',
      ruleset: filter('accept', {
        forward: [
          [
            vmap(
              meta('iifname'),
              unnamed([
                ['br-lan', accept],
                ['*', drop],
              ]),
            ),
          ],
        ],
      }),
      want: 'fail',
    },
  ],
  judge,
);

const ICMP = match(payload('icmp', 'type'), 'echo-request', '!=');

cases<Judged>(
  'a statement',
  [
    {
      name: 'that hands packets to a program',
      ruleset: one('accept', { queue: { num: 1, flags: 'bypass' } }),
      want: 'warn',
    },
    {
      name: 'that takes flows out of the forward hook',
      ruleset: filter('drop', { forward: [[{ flow: { op: 'add', flowtable: '@ft' } }], [dnat, accept]] }),
      want: 'ok',
    },
    {
      name: 'that adds to a set',
      ruleset: one('accept', { set: { op: 'add', elem: saddr, set: '@seen' } }, drop),
      want: 'fail',
    },
    {
      name: 'that counts in a set',
      ruleset: one(
        'accept',
        { set: { op: 'update', elem: saddr, set: '@seen', stmt: [{ limit: { rate: 9, per: 'second', inv: true } }] } },
        drop,
      ),
      want: 'ok',
    },
    {
      name: 'of a meter',
      ruleset: one('drop', { meter: { key: saddr, name: 'm', stmt: { limit: { rate: 9, per: 'second' } } } }, accept),
      want: 'warn',
      says: /depends on limit$/,
    },
    { name: 'of a limit that has a name', ruleset: one('drop', { limit: 'lim' }, accept), want: 'warn' },
    {
      name: 'that limits connections',
      ruleset: one('accept', { 'ct count': { val: 20, inv: true } }, drop),
      want: 'ok',
    },
    {
      name: 'that nobody knows',
      ruleset: one('drop', { novel: null }, accept),
      want: 'warn',
      says: /depends on novel$/,
    },
    {
      name: 'that changes something',
      ruleset: one('accept', { mangle: { key: meta('mark'), value: 1 } }, counter, { log: null }, drop),
      want: 'fail',
    },
    {
      name: 'that translates',
      ruleset: filter(
        'drop',
        { pre: [[match(meta('mark'), 0), { dnat: { addr: '10.0.0.1' } }], [{ redirect: { port: 1 } }]] },
        { family: 'ip', hook: 'prerouting', prio: -110, type: 'nat' },
      ),
      want: 'ok',
    },
    {
      name: 'that translates what leaves',
      ruleset: filter(
        'drop',
        { post: [[match(meta('mark'), 0), { snat: { addr: '10.0.0.1' } }], [{ masquerade: null }]] },
        { family: 'ip', hook: 'postrouting', prio: 100, type: 'nat' },
      ),
      want: 'ok',
    },
    {
      name: 'of iptables, in front of a verdict',
      ruleset: one('drop', xt('novel'), accept),
      want: 'warn',
      says: /the match novel of iptables$/,
    },
    {
      name: 'of iptables, in front of a verdict that makes no difference',
      ruleset: one('accept', xt('novel'), accept),
      want: 'ok',
    },
    {
      name: 'a chain that may accept, may return',
      ruleset: filter('drop', { forward: [[jump('a')], [drop]], a: [[match(payload('th', 'dport'), 80), accept]] }),
      want: 'warn',
      says: /except if: th dport 80$/,
    },
    {
      name: 'an exception behind a mark',
      ruleset: filter('accept', { forward: [[match(meta('mark'), 1), match(dport, 22), drop]] }),
      want: 'ok',
      says: /but for: meta mark 1; tcp dport 22$/,
    },
    { name: 'continue', ruleset: one('drop', { continue: null }), want: 'fail' },
    { name: 'of another protocol, turned round', ruleset: one('drop', ICMP, accept), want: 'fail' },
  ],
  judge,
);

const [other, raw] = [
  { family: 'ip', table: 'raw' },
  { hook: 'prerouting', prio: -300 },
];

const EARLY =
  /^nft insert rule \S+ fw pre iifname wan0 meta l4proto \{ tcp, udp \} th dport 1024-65535 accept; to keep it, .*--allowed-ports/;

cases<Judged>(
  'a chain elsewhere',
  [
    {
      name: 'raw',
      ruleset: filter('drop', { pre: [] }, raw),
      want: 'fail',
      says: /let in, before it is translated$/,
      remedy: EARLY,
    },
    {
      name: 'raw, which does not track',
      ruleset: filter('accept', { pre: [[from('wan0'), { notrack: null }]] }, raw),
      want: 'fail',
      says: /keeps connection tracking from seeing/,
      remedy: EARLY,
    },
    {
      name: 'behind the translation it is too late for that',
      ruleset: filter('accept', { pre: [[{ notrack: null }]] }, { ...raw, prio: -150 }),
      want: 'ok',
    },
    {
      name: 'the destination is the router',
      ruleset: filter(
        'accept',
        {
          pre: [
            [match({ fib: { result: 'type', flags: ['daddr'] } }, 'local', '!='), drop],
            [match(daddr, '203.0.113.10', '!='), drop],
          ],
        },
        raw,
      ),
      want: 'ok',
    },
    {
      name: 'translated already',
      ruleset: filter('accept', { pre: [[match(daddr, '203.0.113.10'), drop]] }, { ...raw, prio: -90 }),
      want: 'ok',
      says: /^the chain of others lets /,
    },
    {
      name: 'a chain for translation that comes later',
      ruleset: filter('drop', { pre: [] }, { ...raw, prio: -90, type: 'nat' }),
      want: 'ok',
    },
    {
      name: 'just before connections are tracked',
      ruleset: filter('accept', { pre: [[invalid, drop]] }, { ...raw, prio: -201 }),
      want: 'fail',
      remedy: EARLY,
    },
    {
      name: 'and just behind',
      ruleset: filter('accept', { pre: [[invalid, drop]] }, { ...raw, prio: -200 }),
      want: 'ok',
    },
    {
      name: 'just before they are translated',
      ruleset: filter('accept', { pre: [[dnat, drop]] }, { ...raw, prio: -100 }),
      want: 'ok',
    },
    {
      name: 'and just behind it',
      ruleset: filter('accept', { pre: [[dnat, drop]] }, { ...raw, prio: -99 }),
      want: 'fail',
      remedy: /^nft insert rule inet fw pre ct status dnat accept; /,
    },
    {
      name: 'a chain in forward and one before',
      ruleset: listing(
        ...tableOf('accept', { forward: [] }),
        ...tableOf('accept', { pre: [] }, { ...raw, table: 'b' }),
      ),
      want: 'ok',
      says: /^the 2 chains of others let mapped/,
    },
    {
      name: 'ingress, as nft 1.0.6 shows it',
      ruleset: filter('drop', { pre: [] }, { family: 'netdev', hook: 'ingress' }),
      want: 'fail',
      remedy: EARLY,
      seen: beside({
        text:
          'table netdev fw {\n\tchain pre {\n\t\ttype filter hook ingress devices = { lo, "wan0" } ' +
          'priority 0; policy drop;\n',
      }),
    },
    {
      name: 'ingress, as newer versions show it',
      ruleset: filter('drop', { pre: [] }, { family: 'netdev', hook: 'ingress', dev: ['wan0'] }),
      want: 'fail',
      remedy: EARLY,
    },
    {
      name: 'ingress of another device',
      ruleset: filter('drop', { pre: [] }, { family: 'netdev', hook: 'ingress', dev: 'wan1' }),
      want: 'ok',
    },
    {
      name: 'postrouting',
      ruleset: filter('accept', { post: [[to('br-lan'), drop]] }, { hook: 'postrouting', prio: 0 }),
      want: 'fail',
      remedy: /^nft insert rule inet fw post ct status dnat accept; /,
    },
    {
      name: 'a table that sleeps',
      ruleset: filter('drop', { forward: [] }),
      seen: beside({ text: 'table inet fw {\n\tflags dormant\n' }),
      want: 'ok',
    },
    {
      name: 'a table with an owner',
      ruleset: filter('drop', { forward: [] }),
      seen: beside({ text: 'table inet fw { # progname firewalld\n\tflags owner,persist\n' }),
      want: 'fail',
      remedy: /^only the program that owns table inet fw .* ct status dnat in chain forward$/,
    },
    {
      name: 'raw of iptables',
      ruleset: filter('drop', { PREROUTING: [] }, { ...raw, ...other }),
      want: 'fail',
      remedy:
        /^iptables -t raw -I PREROUTING -i wan0 -p tcp --dport 1024:65535 -j ACCEPT; iptables -t raw -I PREROUTING -i wan0 -p udp --dport 1024:65535 -j ACCEPT; to keep it/,
    },
  ],
  judge,
);
