// What natpmpctl doctor makes of the filters of others, as `nft --json list ruleset` prints them.
// test/system/doctor-firewall.test.ts tries the same with packets; here is what cannot be tried everywhere.

import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import { cases } from '../support/cases.js';
import { HEALTHY, HEALTHY_TABLES, lan, OWN_RULESET, up } from '../support/healthy-router.js';
import {
  accept,
  counter,
  ct,
  daddr,
  dnat,
  dport,
  drop,
  established,
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
  reject,
  to,
  vmap,
  tableOf,
} from './foreign-rules.js';

cases<Judged>(
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
    {
      name: 'our own chain',
      ruleset: filter('drop', { forward: [] }, { table: 'nat' }),
      seen: { tables: { ...HEALTHY_TABLES, rulesets: [{ ...OWN_RULESET, chains: ['forward'] }] } },
      want: 'ok',
    },
    {
      name: 'that of another gateway',
      ruleset: filter('drop', { forward: [] }, { table: 'nat' }),
      seen: { tables: { ...HEALTHY_TABLES, rulesets: [{ ...OWN_RULESET, chain: 'PMP2', chains: ['forward'] }] } },
      want: 'ok',
    },
    {
      name: "somebody else's in our table",
      ruleset: filter('drop', { forward: [] }, { table: 'nat' }),
      seen: { tables: { ...HEALTHY_TABLES, rulesets: [{ ...OWN_RULESET, chains: ['NATPMP-forward'] }] } },
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
  ],
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

cases<Judged>(
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
  ],
  judge,
);
