// What natpmpctl doctor makes of rules of iptables-nft, as `nft --json list ruleset` and `iptables-nft-save`
// print them.

import { cases } from '../support/cases.js';
import { accept, beside, counter, drop, filter, from, judge, type Judged, to, xt } from './foreign-rules.js';

const [other, raw] = [
  { family: 'ip', table: 'raw' },
  { hook: 'prerouting', prio: -300 },
];

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

const IPTABLES_NFT: readonly Judged[] = [
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
    seen: saved('-m comment --comment "-m conntrack --ctstate INVALID \\"x\\"" -m conntrack --ctstate NEW -j ACCEPT'),
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
];

cases(
  'iptables-nft',
  IPTABLES_NFT.map((row) => ({ remedy: IPTABLES, ...row })),
  judge,
);
