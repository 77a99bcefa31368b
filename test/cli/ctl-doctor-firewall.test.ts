// What natpmpctl doctor makes of other firewalls: of their rules as `nft --json list ruleset` and `iptables-nft-save`
// print them. test/system/doctor-firewall.test.ts tries the same with packets; here is what cannot be tried everywhere.

import * as assert from 'uvu/assert';
import { firewall } from '../../cli/natpmpctl/doctor/firewall.js';
import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import { block, rangeOf, without } from '../../cli/natpmpctl/doctor/firewall/range.js';
import { missingSets } from '../../cli/natpmpctl/doctor/firewall/ruleset.js';
import { conditionText } from '../../cli/natpmpctl/doctor/firewall/text.js';
import { all, any, NO, not, part, unknown, YES } from '../../cli/natpmpctl/doctor/firewall/truth.js';
import { type Json, keyOf } from '../../cli/host/nft-json.js';
import { cases, claims } from '../support/cases.js';
import { HEALTHY, lan, up } from '../support/doctor-seen.js';

const match = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } });
const meta = (key: string) => ({ meta: { key } });
const ct = (key: string) => ({ ct: { key } });
const payload = (protocol: string, field: string) => ({ payload: { protocol, field } });
const [daddr, saddr, dport] = [payload('ip', 'daddr'), payload('ip', 'saddr'), payload('tcp', 'dport')];
const dnat = match(ct('status'), 'dnat', 'in');
const invalid = match(ct('state'), 'invalid', 'in');
const established = match(ct('state'), ['established', 'related'], 'in');
const from = (name: string, op = '==') => match(meta('iifname'), name, op);
const to = (name: string) => match(meta('oifname'), name);
const [accept, drop, reject] = [{ accept: null }, { drop: null }, { reject: { type: 'icmpx' } }];
const counter = { counter: { packets: 1, bytes: 2 } };
const jump = (target: string) => ({ jump: { target } });
const vmap = (key: object, data: unknown) => ({ vmap: { key, data } });
const xt = (name: string, type = 'match') => ({ xt: { type, name } });

type Chains = Readonly<Record<string, readonly object[][]>>;
const listing = (...objects: readonly object[]) =>
  JSON.stringify({ nftables: [{ metainfo: { json_schema_version: 1 } }, ...objects] });
/** One table; its base chain is the first one. */
const tableOf = (
  policy: 'accept' | 'drop',
  chains: Chains,
  { family = 'inet', table = 'fw', hook = 'forward', prio = 0, dev = undefined as unknown, type = 'filter' } = {},
) => [
  ...Object.keys(chains).map((name, index) => ({
    chain: {
      family,
      table,
      name,
      ...(index === 0 ? { type, hook, prio, policy, ...(dev === undefined ? {} : { dev }) } : {}),
    },
  })),
  ...Object.entries(chains).flatMap(([chain, rules]) =>
    rules.map((expr) => ({ rule: { family, table, chain, expr } })),
  ),
];
const filter = (policy: 'accept' | 'drop', chains: Chains, at: Parameters<typeof tableOf>[2] = {}) =>
  listing(...tableOf(policy, chains, at));
/** One rule behind a policy. */
const one = (policy: 'accept' | 'drop', ...rule: readonly object[]) => filter(policy, { forward: [[...rule]] });
const beside = (more: Partial<Facts['nftDetails']>): Partial<Facts> => ({
  nftDetails: { ...HEALTHY.nftDetails, ...more },
});
const elements = (name: string, of: readonly unknown[] | null, family = 'inet', table = 'fw') =>
  beside({ elements: new Map([[keyOf(family, table, name), of]]) as Facts['nftDetails']['elements'] });
const judged = (ruleset: string, seen: Partial<Facts> = {}): readonly Finding[] =>
  firewall({ ...HEALTHY, rulesetListing: ruleset, ...seen });

interface Judged {
  readonly name: string;
  readonly ruleset: string;
  readonly want: 'ok' | 'warn' | 'fail';
  readonly seen?: Partial<Facts>;
  readonly says?: RegExp;
  readonly remedy?: RegExp;
}
const judge = ({
  ruleset,
  seen,
  want,
  says = /./,
  remedy = /^nft insert rule inet fw forward ct status dnat accept; to keep it, /,
}: Judged): void => {
  const found = judged(ruleset, seen);
  assert.equal(
    found.map(({ verdict }) => verdict),
    [want],
    JSON.stringify(found),
  );
  assert.match(found[0]?.says ?? '', says);
  if (want !== 'ok') assert.match(found[0]?.remedy ?? '', remedy);
};

cases(
  'a filter of somebody else',
  [
    { name: 'none', ruleset: listing(), want: 'ok', says: /^nobody else filters forwarded packets$/ },
    {
      name: 'policy drop, and nothing else',
      ruleset: filter('drop', { forward: [] }),
      want: 'fail',
      says: /^chain forward of table inet fw drops what mappings let in$/,
    },
    {
      name: 'policy drop, and the usual accepts',
      ruleset: filter('drop', {
        forward: [
          [established, accept],
          [from('br-lan'), accept],
        ],
      }),
      want: 'fail',
    },
    {
      name: 'policy drop, with the accept',
      ruleset: filter('drop', {
        forward: [
          [invalid, drop],
          [dnat, accept],
        ],
      }),
      want: 'ok',
      says: /^the chain of others in the forward hook lets mapped connections in$/,
    },
    {
      name: 'with the accept of port forwardings, in a chain',
      ruleset: filter('drop', {
        forward: [[established, accept], [jump('allow')]],
        allow: [[from('wan0'), dnat, counter, accept]],
      }),
      want: 'ok',
    },
    {
      name: 'as OpenWrt has it: in the chain of a zone',
      ruleset: filter('drop', {
        forward: [[from('wan0'), jump('forward_wan')], [jump('handle_reject')]],
        forward_wan: [[dnat, accept], [jump('reject_wan')]],
        reject_wan: [[reject]],
        handle_reject: [[reject]],
      }),
      want: 'ok',
    },
    {
      name: 'as NixOS has it: behind a map of states',
      ruleset: filter('drop', {
        forward: [
          [
            vmap(ct('state'), {
              set: [
                ['invalid', drop],
                ['new', jump('allow')],
              ],
            }),
          ],
        ],
        allow: [[dnat, accept]],
      }),
      want: 'ok',
    },
    {
      name: 'and without the accept',
      ruleset: filter('drop', {
        forward: [
          [
            vmap(ct('state'), {
              set: [
                ['invalid', drop],
                ['new', jump('allow')],
              ],
            }),
          ],
        ],
        allow: [],
      }),
      want: 'fail',
    },
    {
      name: 'a zone without it',
      ruleset: filter('accept', {
        forward: [[from('wan0'), jump('forward_wan')]],
        forward_wan: [[established, accept], [drop]],
      }),
      want: 'fail',
    },
    {
      name: 'a zone of another interface',
      ruleset: filter('accept', { forward: [[from('wan1'), jump('forward_wan')]], forward_wan: [[drop]] }),
      want: 'ok',
    },
    {
      name: 'policy accept, and a reject at the end',
      ruleset: filter('accept', { forward: [[established, accept], [reject]] }),
      want: 'fail',
    },
    {
      name: 'an accept after the drop comes too late',
      ruleset: filter('accept', { forward: [[drop], [dnat, accept]] }),
      want: 'fail',
    },
    {
      name: 'policy accept, and drops for others',
      ruleset: filter('accept', {
        forward: [
          [invalid, drop],
          [from('guest'), drop],
        ],
      }),
      want: 'ok',
    },
    { name: 'from here to there', ruleset: one('drop', from('wan0'), to('br-lan'), accept), want: 'ok' },
    { name: 'from there to here', ruleset: one('drop', from('br-lan'), to('wan0'), accept), want: 'fail' },
    {
      name: 'everything that does not come from inside is dropped',
      ruleset: one('accept', from('br-lan', '!='), drop),
      want: 'fail',
    },
    {
      name: 'chains that jump to each other',
      ruleset: filter('drop', { forward: [[jump('a')]], a: [[jump('forward')]] }),
      want: 'fail',
    },
    {
      name: 'a bridge filter is not about us',
      ruleset: filter('drop', { forward: [] }, { family: 'bridge' }),
      want: 'ok',
    },
    { name: 'IPv6 is not about us', ruleset: filter('drop', { forward: [] }, { family: 'ip6' }), want: 'ok' },
    {
      name: 'nor is what comes in for the router',
      ruleset: filter('drop', { input: [] }, { hook: 'input' }),
      want: 'ok',
    },
    { name: 'our own table', ruleset: filter('drop', { forward: [] }, { family: 'ip', table: 'nat' }), want: 'ok' },
    {
      name: 'our own table, although another name was told',
      ruleset: filter('drop', { forward: [] }, { family: 'ip', table: 'nat' }),
      seen: { setup: { ...HEALTHY.setup, natTable: 'mine' } },
      want: 'ok',
    },
    {
      name: 'a table of that name in another family',
      ruleset: filter('drop', { forward: [] }, { table: 'nat' }),
      want: 'fail',
      remedy: /^nft insert rule inet nat /,
    },
    {
      name: 'two filters that accept',
      ruleset: listing(
        ...tableOf('drop', { forward: [[dnat, accept]] }),
        ...tableOf('drop', { forward: [[dnat, accept]] }, { table: 'b' }),
      ),
      want: 'ok',
      says: /^the 2 chains of others in the forward hook let /,
    },
    {
      name: 'two filters, one of which accepts',
      ruleset: listing(
        ...tableOf('drop', { forward: [[dnat, accept]] }, { table: 'a', prio: -9 }),
        ...tableOf('drop', { forward: [] }),
      ),
      want: 'fail',
    },
  ] as readonly Judged[],
  judge,
);

const mapping = { protocol: 'tcp', externalPort: 8080, internalAddress: 0xc0a80102, internalPort: 80 } as const;
const EDGES = [0xc0a80100, 0xc0a801ff].map((internalAddress) => ({ ...mapping, internalAddress }));
const GUEST: Partial<Facts> = {
  setup: { ...HEALTHY.setup, lans: [lan, { routerAddress: 0xc0a80201, prefixLength: 24 }] },
  interfaces: new Map([
    ...HEALTHY.interfaces,
    ['br-guest', { ...up, lans: [{ routerAddress: 0xc0a80201, prefixLength: 24 }] }],
  ]),
};
const UNKNOWN_LAN: Partial<Facts> = { setup: { ...HEALTHY.setup, listenInterfaces: [], lans: [] } };

cases(
  'a filter, and what is known of the network',
  [
    {
      name: 'a LAN that is left out',
      ruleset: one('drop', to('br-lan'), accept),
      seen: GUEST,
      want: 'fail',
      says: /mappings let in \(to br-guest\)$/,
    },
    {
      name: 'a LAN and a protocol',
      ruleset: filter('drop', {
        forward: [
          [to('br-lan'), accept],
          [match(meta('l4proto'), 'tcp'), accept],
        ],
      }),
      seen: GUEST,
      want: 'fail',
      says: /let in \(UDP to br-guest\)$/,
    },
    {
      name: 'this and that',
      ruleset: filter('accept', {
        forward: [
          [
            vmap(
              { concat: [meta('oifname'), meta('l4proto')] },
              {
                set: [
                  [{ concat: ['br-lan', 'tcp'] }, drop],
                  [{ concat: ['br-guest', 17] }, drop],
                ],
              },
            ),
          ],
        ],
      }),
      seen: GUEST,
      want: 'fail',
      says: /let in \(TCP to br-lan, UDP to br-guest\)$/,
    },
    {
      name: 'both LANs, by address',
      ruleset: one('drop', match(daddr, { prefix: { addr: '192.168.0.0', len: 16 } }), accept),
      seen: GUEST,
      want: 'ok',
    },
    {
      name: 'LANs by the interfaces that listen',
      ruleset: one('drop', match(daddr, { prefix: { addr: '192.168.1.0', len: 24 } }), accept),
      seen: { setup: { ...HEALTHY.setup, lans: [] } },
      want: 'ok',
    },
    {
      name: 'no LAN is known',
      ruleset: one('drop', to('br-lan'), accept),
      seen: UNKNOWN_LAN,
      want: 'warn',
      says: /it depends on oifname br-lan$/,
    },
    {
      name: 'no LAN is known, and none is asked for',
      ruleset: one('drop', from('wan0'), dnat, accept),
      seen: UNKNOWN_LAN,
      want: 'ok',
    },
    {
      name: 'the external interface, by the default route',
      ruleset: one('drop', from('wan0'), accept),
      seen: { setup: { ...HEALTHY.setup, externalInterface: null } },
      want: 'ok',
    },
    {
      name: 'no external interface is known',
      ruleset: one('drop', from('wan0'), accept),
      seen: { setup: { ...HEALTHY.setup, externalInterface: null }, defaultRoutes: ['wan0', 'wan1'] },
      want: 'warn',
      says: /it depends on iifname wan0$/,
    },
    {
      name: 'two ways to the Internet',
      ruleset: one('accept', match({ fib: { result: 'oif', flags: ['saddr', 'iif'] } }, false), drop),
      seen: { defaultRoutes: ['wan0', 'wan1'] },
      want: 'warn',
      says: /fib saddr \. iif oif missing$/,
    },
    {
      name: 'a group with a number',
      ruleset: one('drop', match(meta('iifgroup'), 5), accept),
      seen: { interfaceGroups: new Map([['wan0', 5]]) },
      want: 'warn',
      says: /iifgroup 5$/,
    },
    {
      name: 'most of a LAN',
      ruleset: one('drop', match(daddr, { range: ['192.168.1.0', '192.168.1.199'] }), accept),
      want: 'ok',
      says: /but for: not ip daddr 192\.168\.1\.0-192\.168\.1\.199$/,
    },
    {
      name: 'half of a LAN',
      ruleset: one('drop', match(daddr, { prefix: { addr: '192.168.1.0', len: 25 } }), accept),
      want: 'warn',
      says: /it depends on ip daddr 192\.168\.1\.0\/25; not ip daddr 192\.168\.1\.0\/25$/,
    },
    {
      name: 'more conditions than are told',
      ruleset: filter('accept', { forward: [22, 23, 25, 80].map((port) => [match(dport, port), drop]) }),
      want: 'ok',
      says: /but for: tcp dport 22; tcp dport 23; tcp dport 25; \.\.\.$/,
    },
    {
      name: 'as many as are told',
      ruleset: filter('accept', { forward: [22, 23, 25].map((port) => [match(dport, port), drop]) }),
      want: 'ok',
      says: /but for: tcp dport 22; tcp dport 23; tcp dport 25$/,
    },
    {
      name: 'a port of the one protocol, and no other',
      ruleset: filter('drop', {
        forward: [
          [match(meta('l4proto'), 'udp'), accept],
          [match(dport, 80), accept],
        ],
      }),
      want: 'warn',
      says: /except if: tcp dport 80$/,
    },
    {
      name: 'marks for one protocol',
      ruleset: filter('drop', {
        forward: [
          [match(meta('l4proto'), 'udp'), accept],
          [match(meta('mark'), 1), accept],
        ],
      }),
      want: 'warn',
      says: /depends on meta mark 1$/,
    },
    {
      name: 'dropped, or not tracked: there is no difference',
      ruleset: filter(
        'accept',
        { pre: [[match(meta('mark'), 1), drop], [{ notrack: null }]] },
        { hook: 'prerouting', prio: -300 },
      ),
      want: 'fail',
      remedy: /./,
    },
    {
      name: 'the same, with an exception',
      ruleset: filter(
        'accept',
        { pre: [[match(dport, 22), accept], [match(meta('mark'), 1), drop], [{ notrack: null }]] },
        { hook: 'prerouting', prio: -300 },
      ),
      want: 'fail',
      remedy: /./,
      says: /drops what mappings let in/,
    },
    {
      name: 'half of a LAN, and the other half',
      ruleset: filter('drop', {
        forward: [
          [
            vmap(daddr, {
              set: [
                [{ prefix: { addr: '192.168.1.0', len: 25 } }, accept],
                [{ prefix: { addr: '192.168.1.128', len: 25 } }, drop],
              ],
            }),
          ],
        ],
      }),
      want: 'warn',
    },
    {
      name: 'what is lost of two mappings',
      ruleset: one('drop', match(daddr, '192.168.1.9'), accept),
      seen: { mappings: [mapping, { ...mapping, externalPort: 81, internalAddress: 0xc0a80109 }] },
      want: 'fail',
      says: /drops what the mapping of tcp 8080 to 192\.168\.1\.2:80 lets in$/,
    },
    {
      name: 'what is lost of three mappings',
      ruleset: one('drop', match(daddr, '192.168.1.9'), accept),
      seen: { mappings: [mapping, { ...mapping, externalPort: 81 }, { ...mapping, protocol: 'udp' }] },
      want: 'fail',
      says: /lets in, and 2 more$/,
    },
    {
      name: 'nothing is lost of the mappings there are',
      ruleset: one('drop', match(daddr, '192.168.1.2'), accept),
      seen: { mappings: [mapping] },
      want: 'warn',
      says: /drops what mappings let in, except if: ip daddr 192\.168\.1\.2$/,
    },
    {
      name: 'the hosts at both ends of a LAN',
      ruleset: filter('drop', {
        forward: [
          [to('br-lan'), match(daddr, { range: ['192.168.1.0', '192.168.1.9'] }), accept],
          [to('br-lan'), match(daddr, '192.168.1.255'), accept],
        ],
      }),
      seen: { mappings: EDGES },
      want: 'warn',
      says: /except if/,
    },
    {
      name: 'a host of no LAN',
      ruleset: filter('drop', {
        forward: [
          [match(daddr, '10.0.0.1'), to('br-lan'), accept],
          [match(daddr, '192.168.1.1'), accept],
        ],
      }),
      seen: { mappings: [{ ...mapping, internalAddress: 0x0a000001 }] },
      want: 'warn',
      says: /except if/,
    },
    {
      name: 'open to the one protocol, and to a part of the other',
      ruleset: filter('accept', {
        forward: [[match(meta('l4proto'), 'udp'), accept], [match(dport, 80), accept], [drop]],
      }),
      seen: { mappings: [mapping] },
      want: 'warn',
      says: /except if: tcp dport 80$/,
    },
    {
      name: 'the hosts at both ends of a LAN, which go to its interface',
      ruleset: filter('drop', {
        forward: [
          [to('br-guest'), accept],
          [match(daddr, '192.168.1.9'), accept],
        ],
      }),
      seen: { ...GUEST, mappings: EDGES },
      want: 'fail',
      says: /192\.168\.1\.0:80 lets in, and 1 more$/,
    },
    {
      name: 'a drop of a port that nobody has mapped',
      ruleset: one('accept', match(dport, 22), drop),
      seen: { mappings: [mapping] },
      want: 'ok',
      says: /but for: tcp dport 22$/,
    },
    {
      name: 'a port before the translation',
      ruleset: filter(
        'accept',
        { pre: [[match(payload('th', 'dport'), 8080), drop]] },
        { hook: 'prerouting', prio: -300 },
      ),
      seen: { mappings: [mapping] },
      want: 'warn',
      says: /^chain pre .* the mapping of tcp 8080 .*, before it is translated$/,
      remedy: /./,
    },
  ] as readonly Judged[],
  judge,
);

const unnamed = (set: readonly Json[]) => ({ set });
cases(
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
      name: 'of sources and hosts: who is in it matters',
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
  ] as readonly Judged[],
  judge,
);

const ICMP = match(payload('icmp', 'type'), 'echo-request', '!=');
cases(
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
  ] as readonly Judged[],
  judge,
);

const [other, raw] = [
  { family: 'ip', table: 'raw' },
  { hook: 'prerouting', prio: -300 },
];
const EARLY =
  /^nft insert rule \S+ fw pre iifname wan0 meta l4proto \{ tcp, udp \} th dport 1024-65535 accept; to keep it, .*--allowed-ports/;
cases(
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
        text: 'table netdev fw {\n\tchain pre {\n\t\ttype filter hook ingress devices = { lo, "wan0" } priority 0; policy drop;\n',
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
  ] as readonly Judged[],
  judge,
);

const OLD = { family: 'ip', table: 'filter' };
const saved = (...rules: readonly string[]) =>
  beside({
    iptables: `# Generated\n*filter\n:FORWARD DROP [0:0]\n${rules.map((rule) => `-A FORWARD ${rule}\n`).join('')}COMMIT\n`,
  });
/** A rule that accepts where the policy is to drop, and the other way about. */
const ipt = (policy: 'accept' | 'drop', ...rule: readonly object[]) =>
  filter(policy, { FORWARD: [[...rule, counter, policy === 'drop' ? accept : drop]] }, OLD);
const target = (name: string) => filter('accept', { FORWARD: [[from('wan0'), counter, xt(name, 'target')]] }, OLD);
const IPTABLES = /^iptables -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT; to keep it, /;
cases(
  'iptables-nft',
  (
    [
      {
        name: 'Docker, and iptables-nft-save is not installed',
        ruleset: ipt('drop', xt('conntrack')),
        want: 'warn',
        says: /depends on the match conntrack of iptables$/,
      },
      {
        name: 'Docker, of which nothing is for us',
        ruleset: ipt('drop', to('docker0'), xt('conntrack')),
        want: 'fail',
      },
      {
        name: 'an extension that is read',
        ruleset: ipt('drop', xt('conntrack')),
        seen: saved('-m conntrack --ctstate DNAT -j ACCEPT'),
        want: 'ok',
      },
      {
        name: 'an extension that says no',
        ruleset: ipt('drop', xt('conntrack')),
        seen: saved('-m conntrack ! --ctstate NEW,DNAT -j ACCEPT'),
        want: 'fail',
      },
      {
        name: 'an extension by its old name',
        ruleset: ipt('drop', xt('conntrack')),
        seen: saved('-m state --state NEW,INVALID -j ACCEPT'),
        want: 'ok',
      },
      {
        name: 'ports',
        ruleset: ipt('drop', xt('multiport')),
        seen: saved('-p tcp -m multiport --dports 80,1000:65535 -j ACCEPT'),
        want: 'ok',
        says: /but for: not th dport \{ 80, 1000-65535 \}$/,
      },
      {
        name: 'one port',
        ruleset: ipt('accept', xt('tcp')),
        seen: saved('-p tcp -m tcp --dport 22 -j DROP'),
        want: 'ok',
        says: /but for: th dport \{ 22 \}$/,
      },
      {
        name: 'hosts',
        ruleset: ipt('drop', xt('iprange')),
        seen: saved('-m iprange --dst-range 192.168.1.0-192.168.1.255 -j ACCEPT'),
        want: 'ok',
      },
      {
        name: 'senders',
        ruleset: ipt('accept', xt('iprange')),
        seen: saved('-m iprange --src-range 192.168.0.0-192.168.255.255 -j DROP'),
        want: 'ok',
        says: /in$/,
      },
      {
        name: 'two of a kind, of which the second says no',
        ruleset: ipt('drop', xt('conntrack'), xt('conntrack')),
        seen: saved('-m conntrack --ctstate NEW -m conntrack --ctstatus SEEN_REPLY -j ACCEPT'),
        want: 'fail',
      },
      {
        name: 'not tracked',
        ruleset: filter('accept', { PREROUTING: [[xt('CT', 'target')]] }, { ...raw, ...other }),
        seen: beside({ iptables: '*raw\n-A PREROUTING -j CT --notrack\n' }),
        want: 'fail',
        remedy: /^nft insert rule ip raw /,
      },
      {
        name: 'tracked in a zone',
        ruleset: filter('accept', { PREROUTING: [[xt('CT', 'target')]] }, { ...raw, ...other }),
        seen: beside({ iptables: '*raw\n-A PREROUTING -j CT --zone 1\n' }),
        want: 'ok',
      },
      {
        name: 'tracked in a way that cannot be read',
        ruleset: filter('accept', { PREROUTING: [[xt('CT', 'target')]] }, { ...raw, ...other }),
        want: 'warn',
        remedy: /^iptables -t raw /,
      },
      {
        name: 'all but senders that are none',
        ruleset: ipt('accept', xt('iprange')),
        seen: saved('-m iprange ! --src-range 192.168.0.0-192.168.255.255 -j DROP'),
        want: 'fail',
      },
      {
        name: 'two of a kind',
        ruleset: ipt('drop', xt('conntrack'), xt('conntrack')),
        seen: saved('-m conntrack --ctstate NEW -m conntrack ! --ctstatus SEEN_REPLY -j ACCEPT'),
        want: 'ok',
      },
      {
        name: 'a comment with words of rules in it',
        ruleset: ipt('drop', xt('comment'), xt('conntrack')),
        seen: saved(
          '-m comment --comment "-m conntrack --ctstate INVALID \\"x\\"" -m conntrack --ctstate NEW -j ACCEPT',
        ),
        want: 'ok',
      },
      {
        name: 'another number of rules: somebody changes them now',
        ruleset: ipt('drop', xt('conntrack')),
        seen: saved('-m conntrack --ctstate NEW -j ACCEPT', '-j ACCEPT'),
        want: 'warn',
      },
      {
        name: 'an option that nobody knows',
        ruleset: ipt('drop', xt('conntrack')),
        seen: saved('-m conntrack --ctstate NEW --novel 1 -j ACCEPT'),
        want: 'warn',
      },
      {
        name: 'a mark',
        ruleset: ipt('drop', xt('mark')),
        seen: saved('-m mark --mark 0x1/0xff -j ACCEPT'),
        want: 'warn',
        says: /depends on meta mark 0x1\/0xff$/,
      },
      {
        name: 'an ipset of sources',
        ruleset: ipt('accept', xt('set')),
        seen: saved('-m set --match-set blocked src -j DROP'),
        want: 'ok',
        says: /but for: ip saddr @blocked src$/,
      },
      {
        name: 'an ipset of something else',
        ruleset: ipt('accept', xt('set')),
        seen: saved('-m set --match-set blocked dst -j DROP'),
        want: 'warn',
      },
      {
        name: 'sources that are remembered',
        ruleset: ipt('accept', xt('recent')),
        seen: saved('-m recent --update --seconds 60 --name x --rsource -j DROP'),
        want: 'ok',
      },
      {
        name: 'sources that are being remembered',
        ruleset: ipt('accept', xt('recent')),
        seen: saved('-m recent --set --name x --rsource -j DROP'),
        want: 'fail',
      },
      {
        name: 'connections over a limit',
        ruleset: ipt('accept', xt('connlimit')),
        seen: saved('-m connlimit --connlimit-above 20 --connlimit-mask 32 -j DROP'),
        want: 'ok',
      },
      {
        name: 'the way back',
        ruleset: ipt('accept', xt('rpfilter')),
        seen: saved('-m rpfilter --invert --loose -j DROP'),
        want: 'ok',
      },
      {
        name: 'all but sources that are remembered',
        ruleset: ipt('accept', xt('recent')),
        seen: saved('-m recent ! --rcheck --name x --rsource -j DROP'),
        want: 'warn',
        says: /except if: ip saddr @recent$/,
      },
      {
        name: 'an extension without options',
        ruleset: ipt('accept', xt('novel')),
        seen: saved('-m novel -j DROP'),
        want: 'warn',
      },
      { name: 'a target that is the end', ruleset: target('REJECT'), want: 'fail' },
      { name: 'a target that is none', ruleset: target('LOG'), want: 'ok' },
      {
        name: 'a target that nobody knows',
        ruleset: target('NOVEL'),
        want: 'warn',
        says: /the target NOVEL of iptables$/,
      },
      { name: 'a target that hands packets on', ruleset: target('NFQUEUE'), want: 'warn' },
      {
        name: 'an nft that knows nothing of iptables',
        ruleset: filter('accept', { FORWARD: [[{ xt: null }]] }, OLD),
        want: 'warn',
        says: /a rule of iptables$/,
      },
      {
        name: 'a chain of nft that is called so',
        ruleset: filter('drop', { FORWARD: [] }),
        want: 'fail',
        remedy: /^nft insert rule inet fw FORWARD ct status dnat accept; /,
      },
      {
        name: 'a table that nft has changed: iptables does not work on it any more',
        ruleset: filter('drop', { FORWARD: [] }, OLD),
        seen: beside({ iptables: '# Generated\n*mangle\n:FORWARD ACCEPT [0:0]\nCOMMIT\n' }),
        want: 'fail',
        remedy: /^nft insert rule ip filter FORWARD ct status dnat accept; /,
      },
    ] as readonly Judged[]
  ).map((row) => ({ remedy: IPTABLES, ...row })),
  judge,
);

claims('what has to be listed besides', {
  'named sets and maps in rules that packets come to, but no sets of sources': () => {
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
    assert.equal(names({}), ['set outer', 'map zones', 'set pairs']);
    assert.equal(names(elements('zones', [['wan0', jump('wan')]])), ['set outer', 'set hosts', 'set pairs']);
    assert.equal(names(elements('outer', null)), ['map zones', 'set pairs']);
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
      name: 'what is left',
      is: without([block(0x80000000, 1), block(0, 8), block(0, 16)]),
      want: [[0x01000000, 0x7fffffff]],
    },
    { name: 'nothing is taken', is: without([]), want: [[0, 0xffffffff]] },
  ],
  ({ is, want }) => assert.equal(is, want),
);
