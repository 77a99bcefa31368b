// What natpmpctl doctor makes of the chains that requests of LAN hosts pass, as `nft --json list ruleset` prints them.
// test/system/doctor-input.test.ts tries whole firewalls with requests; here is what cannot be tried everywhere.

import * as assert from 'uvu/assert';
import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import { input, output, upnpInput, upnpOutput } from '../../cli/natpmpctl/doctor/input.js';
import { missingSets } from '../../cli/natpmpctl/doctor/firewall/ruleset.js';
import { cases, claims } from '../support/cases.js';
import { HEALTHY, report, up } from '../support/healthy-router.js';
import {
  accept,
  beside,
  ct,
  drop,
  elements,
  established,
  filter,
  from,
  invalid,
  jump,
  listing,
  match,
  meta,
  payload,
  saddr,
  tableOf,
  vmap,
  xt,
} from './foreign-rules.js';

const udp = payload('udp', 'dport');
const requests = [match(udp, 5351), accept];
const LAN = { prefix: { addr: '192.168.1.0', len: 24 } };
const guest = { routerAddress: 0xc0a80201, prefixLength: 24 };
const TWO_LANS: Partial<Facts> = {
  setup: { ...HEALTHY.setup, listenInterfaces: ['br-lan', 'br-guest'], lans: [] },
  interfaces: new Map([...HEALTHY.interfaces, ['br-guest', { ...up, lans: [guest] }]]),
};
const IPV6 = { defaultRoutes: ['wan0'], addresses: new Map(), udpTable: '', legacyTables: [] };
const PINHOLES: Partial<Facts> = { helper: { ...report, maxPinholes: 100 }, ipv6: IPV6 };
/** A chain of the input hook. */
const inInput = (policy: 'accept' | 'drop', ...rules: readonly object[][]) =>
  filter(policy, { input: rules }, { hook: 'input' });
const UFW = '*filter\n:INPUT DROP [0:0]\n:ufw-user-input - [0:0]\nCOMMIT\n';
const ofIptables = (...rules: readonly object[][]) =>
  filter('drop', { INPUT: rules, 'ufw-user-input': [] }, { hook: 'input', family: 'ip', table: 'filter' });

interface Row {
  readonly name: string;
  readonly ruleset: string;
  readonly want: string;
  readonly seen?: Partial<Facts>;
  readonly says?: RegExp;
  readonly remedy?: RegExp;
}

cases<Row>(
  'requests of LAN hosts',
  [
    {
      name: 'no chain of others',
      ruleset: listing(),
      want: 'ok',
      says: /^no chain of others drops requests of LAN hosts \(UDP 5351\)$/,
    },
    {
      name: 'policy drop, and the usual accepts',
      ruleset: inInput('drop', [established, accept], [from('lo'), accept], [match(udp, 53), accept]),
      want: 'fail',
      says: /^chain input of table inet fw drops requests of LAN hosts \(UDP 5351 on br-lan\)$/,
      remedy: /^nft insert rule inet fw input iifname br-lan udp dport 5351 accept; to keep it, put it into your/,
    },
    { name: 'with the accept', ruleset: inInput('drop', [established, accept], requests), want: 'ok' },
    { name: 'all of the LAN is accepted', ruleset: inInput('drop', [from('br-lan'), accept]), want: 'ok' },
    { name: 'all of another interface', ruleset: inInput('drop', [from('wan0'), accept]), want: 'fail' },
    {
      name: 'as OpenWrt has it: in the chain of a zone',
      ruleset: filter(
        'drop',
        { input: [[from('br-lan'), jump('input_lan')]], input_lan: [[from('br-lan'), accept]] },
        { hook: 'input', table: 'fw4' },
      ),
      want: 'ok',
    },
    {
      name: 'as OpenWrt has a zone that lets nothing in',
      ruleset: filter(
        'drop',
        { input: [[from('br-lan'), jump('input_lan')]], input_lan: [[drop]] },
        { hook: 'input', table: 'fw4' },
      ),
      want: 'fail',
      remedy:
        /^nft insert rule inet fw4 input iifname br-lan udp dport 5351 accept; to keep it, a rule in \/etc\/config\/firewall: .*dest_port 5351/,
    },
    {
      name: 'as NixOS has it, behind a map of states',
      ruleset: filter(
        'drop',
        {
          input: [
            [
              vmap(ct('state'), {
                set: [
                  ['invalid', drop],
                  ['new', jump('input-allow')],
                  ['untracked', jump('input-allow')],
                ],
              }),
            ],
          ],
          'input-allow': [[from('br-lan'), ...requests]],
        },
        { hook: 'input', table: 'nixos-fw' },
      ),
      want: 'ok',
    },
    {
      name: 'as NixOS has it, without openFirewall',
      ruleset: filter(
        'drop',
        { input: [[vmap(ct('state'), { set: [['new', jump('input-allow')]] })]], 'input-allow': [] },
        { hook: 'input', table: 'nixos-fw' },
      ),
      want: 'fail',
      remedy: /accept; to keep it, services\.natpmp-server\.openFirewall = true$/,
    },
    {
      name: 'of firewalld, which owns its table',
      ruleset: filter(
        'accept',
        { filter_INPUT: [[established, accept], [drop]] },
        { hook: 'input', table: 'firewalld' },
      ),
      seen: beside({ text: 'table inet firewalld { # progname firewalld\n\tflags owner,persist\n}\n' }),
      want: 'fail',
      remedy:
        /^firewall-cmd --permanent --zone=\$\(firewall-cmd --get-zone-of-interface=br-lan\) --add-port=5351\/udp; firewall-cmd --reload$/,
    },
    {
      name: 'of ufw',
      ruleset: ofIptables([established, accept], [jump('ufw-user-input')]),
      seen: beside({ iptables: UFW }),
      want: 'fail',
      remedy:
        /^iptables -I INPUT -i br-lan -p udp --dport 5351 -j ACCEPT; to keep it, ufw allow in on br-lan to any port 5351 proto udp$/,
    },
    {
      name: 'of iptables, new packets in an extension',
      ruleset: ofIptables([xt('conntrack'), match(udp, 5351), accept]),
      seen: beside({
        iptables: '*filter\n-A INPUT -p udp -m conntrack --ctstate NEW -m udp --dport 5351 -j ACCEPT\nCOMMIT\n',
      }),
      want: 'ok',
    },
    {
      name: 'of iptables, an ipset of senders, which may be all or none',
      ruleset: ofIptables([xt('set'), match(udp, 5351), accept]),
      seen: beside({
        iptables: '*filter\n-A INPUT -m set --match-set inside src -p udp -m udp --dport 5351 -j ACCEPT\nCOMMIT\n',
      }),
      want: 'warn',
      says: /may drop requests .*: it depends on /,
    },
    {
      name: 'the senders are the LAN',
      ruleset: inInput('drop', [match(saddr, LAN), ...requests]),
      want: 'ok',
    },
    {
      name: 'the senders are another LAN',
      ruleset: inInput('drop', [match(saddr, { prefix: { addr: '10.0.0.0', len: 8 } }), accept]),
      want: 'fail',
    },
    {
      name: 'the sender is one host of the LAN',
      ruleset: inInput('drop', [match(saddr, '192.168.1.50'), accept]),
      want: 'warn',
      says: /drops requests .*, except if: .*192\.168\.1\.50/,
    },
    {
      name: 'the senders are in a set that has the LAN',
      ruleset: inInput('drop', [match(saddr, '@inner'), accept]),
      seen: elements('inner', [LAN]),
      want: 'ok',
    },
    {
      name: 'the blocked are in a set that has it not',
      ruleset: inInput('accept', [match(saddr, '@blocked'), drop]),
      seen: elements('blocked', [{ prefix: { addr: '198.51.100.0', len: 24 } }]),
      want: 'ok',
    },
    {
      name: 'the blocked are in a set that changes',
      ruleset: inInput('accept', [match(saddr, '@blocked'), drop]),
      want: 'ok',
    },
    {
      name: "to the router's address on the LAN",
      ruleset: inInput('drop', [match(payload('ip', 'daddr'), '192.168.1.1'), accept]),
      want: 'ok',
    },
    {
      name: 'to another',
      ruleset: inInput('drop', [match(payload('ip', 'daddr'), '203.0.113.10'), accept]),
      want: 'fail',
    },
    { name: 'only new ones', ruleset: inInput('drop', [match(ct('state'), 'new', 'in'), ...requests]), want: 'ok' },
    { name: 'only established ones', ruleset: inInput('drop', [established, ...requests]), want: 'fail' },
    { name: 'invalid ones are dropped', ruleset: inInput('accept', [invalid, drop]), want: 'ok' },
    {
      name: 'the port is dropped, whatever the policy',
      ruleset: inInput('accept', [match(udp, 5351), drop]),
      want: 'fail',
    },
    {
      name: 'a range of ports is dropped',
      ruleset: inInput('accept', [match(udp, { range: [5000, 6000] }), drop]),
      want: 'fail',
    },
    { name: 'the next port is dropped', ruleset: inInput('accept', [match(udp, 5352), drop]), want: 'ok' },
    { name: 'TCP is dropped', ruleset: inInput('accept', [match(meta('l4proto'), 'tcp'), drop]), want: 'ok' },
    {
      name: 'a mark decides',
      ruleset: inInput('drop', [match(meta('mark'), 7), accept]),
      want: 'warn',
      says: /^chain input of table inet fw may drop requests of LAN hosts .*: it depends on .*mark/,
    },
    {
      name: 'in prerouting',
      ruleset: filter('accept', { pre: [[match(udp, 5351), drop]] }, { hook: 'prerouting', prio: -150 }),
      want: 'fail',
      says: /^chain pre of/,
    },
    {
      name: 'in raw, where nothing is tracked yet',
      ruleset: filter('drop', { pre: [[match(ct('state'), 'new', 'in'), accept]] }, { hook: 'prerouting', prio: -300 }),
      want: 'fail',
    },
    {
      name: 'in raw, not tracked: they come all the same',
      ruleset: filter('accept', { pre: [[{ notrack: null }]] }, { hook: 'prerouting', prio: -300 }),
      want: 'ok',
    },
    {
      name: "at the LAN's device",
      ruleset: filter('drop', { ing: [] }, { family: 'netdev', hook: 'ingress', dev: 'br-lan' }),
      want: 'fail',
    },
    {
      name: "at another's device",
      ruleset: filter('drop', { ing: [] }, { family: 'netdev', hook: 'ingress', dev: 'wan0' }),
      want: 'ok',
    },
    { name: 'in forward, which they do not pass', ruleset: filter('drop', { forward: [] }), want: 'ok' },
    {
      name: 'in output, which they do not pass',
      ruleset: filter('drop', { output: [] }, { hook: 'output' }),
      want: 'ok',
    },
    {
      name: 'only over IPv6, without pinholes',
      ruleset: filter('drop', { input: [] }, { hook: 'input', family: 'ip6' }),
      want: 'ok',
    },
    {
      name: 'only over IPv6, with pinholes',
      ruleset: filter('drop', { input: [] }, { hook: 'input', family: 'ip6' }),
      seen: PINHOLES,
      want: 'fail',
      says: /drops requests of LAN hosts over IPv6 \(UDP 5351 on br-lan\)/,
    },
    {
      name: 'only over IPv4, with pinholes',
      ruleset: inInput('drop', [match(meta('nfproto'), 'ipv6'), accept]),
      seen: PINHOLES,
      want: 'fail',
      says: /LAN hosts \(UDP/,
    },
    { name: 'both, with pinholes', ruleset: inInput('drop'), seen: PINHOLES, want: 'fail fail' },
    {
      name: 'neither, with pinholes',
      ruleset: inInput('drop', [from('br-lan'), ...requests]),
      seen: PINHOLES,
      want: 'ok',
    },
    {
      name: 'one LAN of two',
      ruleset: inInput('drop', [from('br-lan'), ...requests]),
      seen: TWO_LANS,
      want: 'fail',
      says: /\(UDP 5351 on br-guest\)/,
      remedy: /iifname br-guest udp/,
    },
    {
      name: 'both LANs',
      ruleset: inInput('drop'),
      seen: TWO_LANS,
      want: 'fail',
      says: /\(UDP 5351 on br-lan, br-guest\)/,
      remedy: /iifname \{ br-lan, br-guest \} udp dport 5351 accept/,
    },
    {
      name: 'another port is asked',
      ruleset: inInput('drop', requests),
      seen: { setup: { ...HEALTHY.setup, listenPort: 15_351 } },
      want: 'fail',
      remedy: /udp dport 15351 accept/,
    },
    {
      name: 'a table that a program owns',
      ruleset: inInput('drop'),
      seen: beside({ text: 'table inet fw {\n\tflags owner\n}\n' }),
      want: 'fail',
      remedy:
        /^only the program that owns table inet fw can change it: have it accept UDP 5351 on br-lan in chain input$/,
    },
    {
      name: 'the legacy iptables',
      ruleset: listing(),
      seen: { legacyTables: ['filter'] },
      want: 'unknown',
      remedy: /iptables-legacy -I INPUT -i br-lan -p udp --dport 5351 -j ACCEPT/,
    },
    {
      name: 'no LAN is known, as the check of LANs says',
      ruleset: inInput('drop'),
      seen: { setup: { ...HEALTHY.setup, listenInterfaces: [], lans: [] } },
      want: '',
    },
  ],
  ({ ruleset, seen = {}, want, says = /./, remedy = /./ }) => {
    const found = input({ ...HEALTHY, rulesetListing: ruleset, ...seen });
    assert.is(found.map(({ verdict }) => verdict).join(' '), want, JSON.stringify(found));
    if (want !== '') assert.match(found[0]?.says ?? '', says);
    if (want === 'fail' || want === 'warn') assert.match(found[0]?.remedy ?? '', remedy);
  },
);

const GROUP = '239.255.255.250';
const tcp = payload('tcp', 'dport');
const daddr = payload('ip', 'daddr');
const type = (which: string) => match({ fib: { result: 'type', flags: ['daddr'] } }, which);
const UPNP: Partial<Facts> = {
  upnp: {
    port: 2869,
    sockets: [],
    inodes: null,
    indexes: new Map(),
    others: [],
    devices: [],
  },
};
const [SEARCHES, TO_ADDRESS, TO_TCP] = [`UDP 1900 to ${GROUP}`, 'UDP 1900', 'TCP 2869'];

cases<Omit<Row, 'says'> & { readonly drops?: readonly string[] }>(
  'what UPnP needs of a firewall',
  [
    { name: 'no chain of others', ruleset: listing(), want: 'ok' },
    { name: 'off', ruleset: inInput('drop'), seen: { upnp: null }, want: '' },
    {
      name: 'all is dropped',
      ruleset: inInput('drop', requests),
      want: 'fail',
      drops: [SEARCHES, TO_ADDRESS, TO_TCP],
      remedy:
        /^nft insert rule inet fw input iifname br-lan udp dport 1900 accept; nft insert rule inet fw input iifname br-lan tcp dport 2869 accept; to keep it, /,
    },
    {
      name: 'both ports are let in',
      ruleset: inInput('drop', [match(udp, 1900), accept], [match(tcp, 2869), accept]),
      want: 'ok',
    },
    { name: 'all of the LAN', ruleset: inInput('drop', [from('br-lan'), accept]), want: 'ok' },
    {
      name: 'only searches',
      ruleset: inInput('drop', [match(udp, 1900), accept]),
      want: 'fail',
      drops: [TO_TCP],
      remedy: /^nft insert rule inet fw input iifname br-lan tcp dport 2869 accept; to keep it/,
    },
    {
      name: 'what is for an address of the router, which no group is',
      ruleset: inInput('drop', [type('local'), accept]),
      want: 'fail',
      drops: [SEARCHES],
    },
    {
      name: 'groups as well',
      ruleset: inInput('drop', [type('local'), accept], [type('multicast'), accept]),
      want: 'ok',
    },
    {
      name: 'by the type of the packet',
      ruleset: inInput('accept', [match(meta('pkttype'), 'multicast'), drop]),
      want: 'fail',
      drops: [SEARCHES],
    },
    {
      name: 'packets for this host alone',
      ruleset: inInput('drop', [match(meta('pkttype'), 'host'), accept]),
      want: 'fail',
      drops: [SEARCHES],
    },
    {
      name: 'by the address of the router',
      ruleset: inInput('drop', [match(daddr, '192.168.1.1'), accept]),
      want: 'fail',
      drops: [SEARCHES],
    },
    {
      name: 'by that of the group',
      ruleset: inInput('drop', [match(daddr, GROUP), accept]),
      want: 'fail',
      drops: [TO_ADDRESS, TO_TCP],
    },
    {
      name: 'another group',
      ruleset: inInput('accept', [match(daddr, '224.0.0.251'), drop]),
      want: 'ok',
    },
    {
      name: 'all groups',
      ruleset: inInput('accept', [match(daddr, { prefix: { addr: '224.0.0.0', len: 4 } }), drop]),
      want: 'fail',
      drops: [SEARCHES],
    },
    {
      name: 'ufw as it comes: searches by multicast are let in',
      ruleset: ofIptables([match(daddr, GROUP), match(udp, 1900), accept], [jump('ufw-user-input')]),
      seen: beside({ iptables: UFW }),
      want: 'fail',
      drops: [TO_ADDRESS, TO_TCP],
      remedy:
        /^iptables -I INPUT -i br-lan -p udp --dport 1900 -j ACCEPT; iptables -I INPUT -i br-lan -p tcp --dport 2869 -j ACCEPT; to keep it, ufw allow in on br-lan to any port 1900 proto udp; ufw allow in on br-lan to any port 2869 proto tcp$/,
    },
    {
      name: 'firewalld',
      ruleset: filter('accept', { filter_INPUT: [[drop]] }, { hook: 'input', table: 'firewalld' }),
      seen: beside({ text: 'table inet firewalld { # progname firewalld\n\tflags owner,persist\n}\n' }),
      want: 'fail',
      remedy: /--add-port=1900\/udp --add-port=2869\/tcp; firewall-cmd --reload$/,
    },
    {
      name: 'NixOS',
      ruleset: filter('drop', { input: [] }, { hook: 'input', table: 'nixos-fw' }),
      want: 'fail',
      remedy: /to keep it, services\.natpmp-server\.openFirewall = true$/,
    },
    {
      name: 'another port',
      ruleset: inInput('drop', [match(udp, 1900), accept], [match(tcp, 2869), accept]),
      seen: { upnp: { ...UPNP.upnp!, port: 5000 } },
      want: 'fail',
      drops: ['TCP 5000'],
      remedy: /tcp dport 5000 accept/,
    },
    {
      name: 'one host alone',
      ruleset: inInput('drop', [match(saddr, '192.168.1.50'), accept]),
      want: 'warn',
    },
    {
      name: 'both LANs',
      ruleset: inInput('drop'),
      seen: TWO_LANS,
      want: 'fail',
      remedy: /iifname \{ br-lan, br-guest \} udp dport 1900 accept; .*iifname \{ br-lan, br-guest \} tcp dport 2869/,
    },
    {
      name: 'the legacy iptables',
      ruleset: listing(),
      seen: { legacyTables: ['filter'] },
      want: 'unknown',
    },
  ],
  ({ ruleset, seen = {}, want, drops = null, remedy = /./ }) => {
    const found = upnpInput({ ...HEALTHY, ...UPNP, rulesetListing: ruleset, ...seen });
    assert.is(found.map(({ verdict }) => verdict).join(' '), want, JSON.stringify(found));
    if (drops !== null) assert.match(found[0]?.says ?? '', new RegExp(`\\(${drops.join(', ')} on `));
    if (want === 'fail' || want === 'warn') assert.match(found[0]?.remedy ?? '', remedy);
  },
);

/** A chain of the output hook. */
const inOutput = (policy: 'accept' | 'drop', ...rules: readonly object[][]) =>
  filter(policy, { output: rules }, { hook: 'output' });
const sport = payload('udp', 'sport');

cases<Row>(
  'answers to LAN hosts',
  [
    { name: 'no chain of others', ruleset: listing(), want: '' },
    {
      name: 'nothing is let out',
      ruleset: inOutput('drop', [match(payload('tcp', 'sport'), 5351), accept]),
      want: 'fail',
      says: /^chain output of table inet fw drops answers to LAN hosts \(UDP 5351 on br-lan\)$/,
      remedy:
        /^nft insert rule inet fw output oifname br-lan udp sport 5351 accept; to keep it, put it into your firewall's configuration$/,
    },
    { name: 'what was asked for is let out', ruleset: inOutput('drop', [established, accept]), want: '' },
    { name: 'the port is let out', ruleset: inOutput('drop', [match(sport, 5351), accept]), want: '' },
    { name: 'what has an interface to come in by', ruleset: inOutput('accept', [from('br-lan'), drop]), want: '' },
    {
      name: 'what is no multicast',
      ruleset: inOutput('accept', [match(meta('pkttype'), 'multicast'), drop]),
      want: '',
    },
    {
      name: 'two LANs, with pinholes, over IPv6 too',
      ruleset: inOutput('accept', [match(sport, 5351), drop]),
      seen: { ...TWO_LANS, ...PINHOLES },
      want: 'fail fail',
      remedy: /^nft insert rule inet fw output oifname \{ br-lan, br-guest \} udp sport 5351 accept; /,
    },
    {
      name: 'of one LAN',
      ruleset: inOutput('accept', [match(meta('oifname'), 'br-guest'), drop]),
      seen: TWO_LANS,
      want: 'fail',
      says: /\(UDP 5351 on br-guest\)$/,
    },
    {
      name: 'by what cannot be seen',
      ruleset: inOutput('drop', [match(meta('skuid'), 0), accept]),
      want: 'warn',
      says: /^chain output of table inet fw may drop answers to LAN hosts \(UDP 5351 on br-lan\): it depends on meta skuid 0$/,
    },
    {
      name: 'to few hosts',
      ruleset: inOutput('drop', [match(payload('ip', 'daddr'), '192.168.1.50'), accept]),
      want: 'warn',
      says: /, except if: ip daddr 192\.168\.1\.50$/,
    },
    {
      name: 'of iptables',
      ruleset: filter('drop', { OUTPUT: [] }, { hook: 'output', family: 'ip', table: 'filter' }),
      want: 'fail',
      remedy:
        /^iptables -I OUTPUT -o br-lan -p udp --sport 5351 -j ACCEPT; to keep it, have your firewall do the same$/,
    },
    {
      name: "that is its owner's",
      ruleset: inOutput('drop'),
      seen: beside({ text: 'table inet fw { # progname x\n\tflags owner\n}\n' }),
      want: 'fail',
      remedy:
        /^only the program that owns table inet fw can change it: have it accept in chain output what leaves by br-lan from UDP 5351$/,
    },
    {
      name: 'for translation, which answers do not pass',
      ruleset: filter('drop', { output: [] }, { hook: 'output', type: 'nat' }),
      want: '',
    },
    {
      name: 'at the device',
      ruleset: filter('drop', { out: [] }, { hook: 'egress', family: 'netdev', dev: 'br-lan' }),
      want: 'fail',
      remedy: /^nft insert rule netdev fw out udp sport 5351 accept; /,
    },
    {
      name: 'at another',
      ruleset: filter('drop', { out: [] }, { hook: 'egress', family: 'netdev', dev: 'wan0' }),
      want: '',
    },
  ],
  ({ ruleset, seen = {}, want, says = /./, remedy = /./ }) => {
    const found = output({ ...HEALTHY, rulesetListing: ruleset, ...seen });
    assert.is(found.map(({ verdict }) => verdict).join(' '), want, JSON.stringify(found));
    if (want === '') return;
    assert.match(found[0]?.says ?? '', says);
    assert.match(found[0]?.remedy ?? '', remedy);
  },
);

claims('answers of UPnP', {
  'to a search by multicast are a start to connection tracking': () => {
    const ruleset = inOutput('drop', [established, accept]);
    const [found, ...more] = upnpOutput({ ...HEALTHY, ...UPNP, rulesetListing: ruleset });
    assert.is(
      found?.says,
      'chain output of table inet fw drops what UPnP answers (UDP 1900 to searches by multicast on br-lan)',
    );
    assert.match(
      found?.remedy ?? '',
      /^nft insert rule inet fw output oifname br-lan udp sport 1900 accept; to keep it/,
    );
    assert.equal(more, []);
    assert.equal(output({ ...HEALTHY, ...UPNP, rulesetListing: ruleset }), []);
    assert.equal(upnpOutput({ ...HEALTHY, rulesetListing: ruleset }), [], 'UPnP is off');
  },
});

claims('requests of LAN hosts', {
  'what cannot be read is said once, by the check of forwarded packets': () =>
    assert.equal(input({ ...HEALTHY, rulesetListing: { reason: 'nft: Operation not permitted' } }), []),
  'sets of senders are read for the input hook alone: of the Internet they make no difference, and may be huge': () => {
    const set = (name: string) => ({ set: { family: 'inet', table: 'fw', name, type: 'ipv4_addr' } });
    const rules = { input: [[match(saddr, '@inner'), accept]] };
    const ruleset = listing(
      set('inner'),
      set('outer'),
      ...tableOf('drop', rules, { hook: 'input' }),
      ...tableOf('drop', { forward: [[match(saddr, '@outer'), drop]] }),
    );
    assert.equal(
      missingSets(ruleset, HEALTHY.nftDetails, new Set()).map(({ name }) => name),
      ['inner'],
    );
  },
});
