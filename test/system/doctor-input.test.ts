// What natpmpctl doctor says of a firewall's way with requests, and what becomes of real ones, over IPv4 and, with
// pinholes, over IPv6: both must agree. And what it says to do is done: then requests are answered, and doctor is content.

import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import { cases, skip } from '../support/cases.js';
import { ALICE6, onLan, openDualStackLab, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { ROUTER } from '../lab/lab.js';
import { withoutEpoch } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';
import { run } from '../support/run.js';

const CTL = join(import.meta.dirname, '../../cli/natpmpctl.js');
/** How long an answer that should not come may take, and one that should, in milliseconds. */
const [SILENCE_MS, DEADLINE_MS] = [250, 15_000];
/** A PCP ANNOUNCE request (RFC 6887 §7.1, §14.1) from alice's global address; its answer begins so. */
const ANNOUNCE = `0200000000000000${'20010db8000a00010000000000000002'}`;

interface Firewall {
  readonly name: string;
  readonly nft?: string;
  readonly iptables?: string;
  readonly ip6tables?: string;
  /** Which requests are answered. */
  readonly answered: 'both' | 'IPv4' | 'IPv6' | 'none';
  /** Doctor's verdicts, if they are not what follows from that. */
  readonly doctor?: string;
}

const nixos = (allow: string) => `table inet nixos-fw {
  chain rpfilter {
    type filter hook prerouting priority mangle + 10; policy drop;
    meta nfproto ipv4 udp sport . udp dport { 67 . 68, 68 . 67 } accept
    fib saddr . mark . iif oif exists accept
    jump rpfilter-allow
  }
  chain rpfilter-allow { }
  chain input {
    type filter hook input priority filter; policy drop;
    iifname { "lo" } accept
    ct state vmap { invalid : drop, established : accept, related : accept, new : jump input-allow, untracked : jump input-allow }
    tcp flags & (fin|syn|rst|ack) == syn log level info prefix "refused: "
  }
  chain input-allow {
    ${allow}
    icmp type echo-request accept
    icmpv6 type != { nd-redirect, 139 } accept
  }
}`;
const firewalld = (services: string) => `table inet firewalld {
  chain filter_INPUT {
    type filter hook input priority filter + 10; policy accept;
    ct state { established, related } accept
    iifname "lo" accept
    ct state invalid drop
    jump filter_INPUT_ZONES
    reject with icmpx admin-prohibited
  }
  chain filter_INPUT_ZONES { iifname "br-lan" goto filter_IN_internal; iifname "wan0" goto filter_IN_external; goto filter_IN_internal; }
  chain filter_IN_internal { jump filter_IN_internal_allow; meta l4proto { icmp, ipv6-icmp } accept; reject with icmpx admin-prohibited; }
  chain filter_IN_internal_allow { udp dport 53 ct state { new, untracked } accept; ${services}; }
  chain filter_IN_external { reject with icmpx admin-prohibited; }
}`;
const openwrt = (lan: string) => `table inet fw4 {
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state vmap { established : accept, related : accept }
    tcp flags & (fin | syn | rst | ack) == syn jump syn_flood
    iifname "br-lan" jump input_lan
    iifname "wan0" jump handle_reject
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  }
  chain input_lan { ${lan}; }
  chain accept_from_lan { iifname "br-lan" counter accept; }
  chain syn_flood { limit rate 25/second burst 50 packets return; drop; }
  chain handle_reject { meta l4proto tcp reject with tcp reset; reject with icmpx type port-unreachable; }
}`;
/** By hand. Neighbours are found in every case. */
const hand = (rules: string, policy: 'accept' | 'drop' = 'drop', around = '') => `table inet fw {
  ${around}
  chain input { type filter hook input priority filter; policy ${policy};
    ct state established,related accept
    iifname lo accept
    meta l4proto icmpv6 accept
    ${rules}
  }
}`;
const at = (hook: string, rules: string, family = 'inet') =>
  `table ${family} fw { chain guard { type filter hook ${hook}; policy accept; ${rules}; }; }`;

const FIREWALLS: readonly Firewall[] = [
  { name: 'none', answered: 'both' },
  { name: 'NixOS, openFirewall', nft: nixos('iifname "br-lan" udp dport { 5351 } accept'), answered: 'both' },
  { name: 'NixOS, another interface', nft: nixos('iifname "wg0" udp dport { 5351 } accept'), answered: 'none' },
  { name: 'NixOS', nft: nixos(''), answered: 'none' },
  {
    name: 'firewalld, with the port',
    nft: firewalld('udp dport 5351 ct state { new, untracked } accept'),
    answered: 'both',
  },
  { name: 'firewalld', nft: firewalld('tcp dport 22 ct state { new, untracked } accept'), answered: 'none' },
  { name: 'OpenWrt', nft: openwrt('jump accept_from_lan'), answered: 'both' },
  {
    name: 'OpenWrt, a zone that lets nothing in',
    nft: openwrt('icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; jump handle_reject'),
    answered: 'none',
  },
  { name: "Debian's workstation", nft: hand(''), answered: 'none' },
  { name: 'all of the LAN', nft: hand('iifname "br-lan" accept'), answered: 'both' },
  { name: 'all but the Internet', nft: hand('iifname != "wan0" accept'), answered: 'both' },
  { name: 'the port', nft: hand('udp dport { 53, 67, 5351 } accept'), answered: 'both' },
  { name: 'the port, new', nft: hand('ct state new udp dport 5351 accept'), answered: 'both' },
  { name: 'the port of TCP', nft: hand('tcp dport 5351 accept'), answered: 'none' },
  { name: 'a range of ports', nft: hand('meta l4proto udp th dport 5000-6000 accept'), answered: 'both' },
  { name: 'only IPv4', nft: hand('meta nfproto ipv4 udp dport 5351 accept'), answered: 'IPv4' },
  { name: 'only IPv6', nft: hand('meta nfproto ipv6 udp dport 5351 accept'), answered: 'IPv6' },
  {
    name: 'senders of the LAN',
    nft: hand('ip saddr 192.168.1.0/24 accept; meta nfproto ipv6 accept'),
    answered: 'both',
  },
  {
    name: 'senders of another',
    nft: hand('ip saddr 192.168.2.0/24 accept; meta nfproto ipv6 accept'),
    answered: 'IPv6',
  },
  {
    name: 'senders in a set',
    nft: hand(
      'ip saddr @inner accept; meta nfproto ipv6 accept',
      'drop',
      'set inner { type ipv4_addr; flags interval; elements = { 192.168.0.0/16 }; }',
    ),
    answered: 'both',
  },
  {
    name: 'senders in a set of others',
    nft: hand(
      'ip saddr @outer drop',
      'accept',
      'set outer { type ipv4_addr; flags interval; elements = { 198.51.100.0/24, 203.0.113.0/24 }; }',
    ),
    answered: 'both',
  },
  {
    name: "the router's address",
    nft: hand('ip daddr 192.168.1.1 accept; meta nfproto ipv6 accept'),
    answered: 'both',
  },
  { name: 'its other address', nft: hand('ip daddr 203.0.113.10 accept; meta nfproto ipv6 accept'), answered: 'IPv6' },
  { name: 'what is for the router', nft: hand('fib daddr type local accept'), answered: 'both' },
  { name: 'interfaces in a map', nft: hand('iifname vmap { "br-lan" : accept, "wan0" : drop }'), answered: 'both' },
  {
    name: 'interfaces in a named map',
    nft: hand(
      'iifname vmap @ways',
      'accept',
      'chain no { reject; }; map ways { type ifname : verdict; elements = { "br-lan" : goto no }; }',
    ),
    answered: 'none',
  },
  { name: 'the port is dropped', nft: hand('udp dport 5351 drop', 'accept'), answered: 'none' },
  { name: 'the next one is', nft: hand('udp dport 5352 drop', 'accept'), answered: 'both' },
  {
    name: 'by a mark that nobody sets',
    nft: hand('meta mark 7 drop', 'accept'),
    answered: 'both',
    doctor: 'warn warn',
  },
  { name: 'few may ask', nft: hand('udp dport 5351 limit rate over 1000/second drop', 'accept'), answered: 'both' },
  { name: 'in prerouting', nft: at('prerouting priority mangle', 'udp dport 5351 drop'), answered: 'none' },
  { name: 'in raw', nft: at('prerouting priority raw', 'iifname "br-lan" udp dport 5351 drop'), answered: 'none' },
  {
    name: 'in raw, from others',
    nft: at('prerouting priority raw', 'iifname "wan0" udp dport 5351 drop'),
    answered: 'both',
  },
  { name: 'in raw, not tracked', nft: at('prerouting priority raw', 'udp dport 5351 notrack'), answered: 'both' },
  {
    name: 'at the device',
    nft: at('ingress device "br-lan" priority 0', 'udp dport 5351 drop', 'netdev'),
    answered: 'none',
  },
  {
    name: 'at the device of others',
    nft: at('ingress device "wan0" priority 0', 'udp dport 5351 drop', 'netdev'),
    answered: 'both',
  },
  { name: 'what is forwarded', nft: at('forward priority 0', 'drop'), answered: 'both' },
];
const inIptables = (...rules: readonly string[]) =>
  ['*filter', ':INPUT DROP [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');
const FOUND = ['-A INPUT -i lo -j ACCEPT', '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'];
const NEIGHBOURS = inIptables('-A INPUT -p ipv6-icmp -j ACCEPT');
const IPTABLES: readonly Firewall[] = [
  { name: 'policy', iptables: inIptables(...FOUND), answered: 'IPv6' },
  {
    name: 'the port',
    iptables: inIptables(...FOUND, '-A INPUT -i br-lan -p udp -m udp --dport 5351 -j ACCEPT'),
    answered: 'both',
  },
  {
    name: 'the port, new',
    iptables: inIptables(...FOUND, '-A INPUT -p udp -m conntrack --ctstate NEW -m udp --dport 5351 -j ACCEPT'),
    answered: 'both',
  },
  {
    name: 'several ports',
    iptables: inIptables(...FOUND, '-A INPUT -p udp -m multiport --dports 53,67,5350:5351 -j ACCEPT'),
    answered: 'both',
  },
  {
    name: 'ports without ours',
    iptables: inIptables(...FOUND, '-A INPUT -p udp -m multiport --dports 53,67 -j ACCEPT'),
    answered: 'IPv6',
  },
  {
    name: 'in no chain but INPUT',
    iptables: ['*filter', ...FOUND, '-A INPUT -p udp -m multiport --dports 5351 -j DROP', 'COMMIT', ''].join('\n'),
    answered: 'IPv6',
  },
  { name: 'of IPv6', ip6tables: NEIGHBOURS, answered: 'IPv4' },
  {
    name: 'as ufw has it',
    iptables: inIptables(
      ':ufw-before-input - [0:0]',
      ':ufw-user-input - [0:0]',
      ':ufw-not-local - [0:0]',
      '-A INPUT -j ufw-before-input',
      '-A ufw-before-input -i lo -j ACCEPT',
      '-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-A ufw-before-input -m conntrack --ctstate INVALID -j DROP',
      '-A ufw-before-input -j ufw-not-local',
      '-A ufw-before-input -j ufw-user-input',
      '-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN',
      '-A ufw-not-local -j DROP',
      '-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT',
    ),
    answered: 'IPv6',
  },
];

const lab = await openDualStackLab();

if (lab !== null) {
  const { alice, router } = lab;
  const server = await Server.start(lab, ['--nat-table', 'natpmp', '--pinholes']);
  const doctor = async (): Promise<readonly Finding[]> => {
    const { stdout, stderr } = await router.run(process.execPath, CTL, 'doctor', '--json', '--socket', server.socket);
    if (stdout === '') throw new Error(`natpmpctl doctor: ${stderr}`);
    return (JSON.parse(stdout) as Finding[]).filter(({ check }) => check === 'input');
  };
  const load = async ({ nft = '', iptables, ip6tables }: Firewall): Promise<void> => {
    const tables = (await router.namespace.must('nft', ['list', 'tables']))
      .split('\n')
      .filter((line) => !/^(table (inet natpmp|ip lab|inet lab6))?$/.test(line));
    await lab.nft(`${tables.map((line) => `delete ${line}\n`).join('')}${nft}`);
    if (iptables !== undefined) await router.namespace.must('iptables-nft-restore', [], iptables);
    if (ip6tables !== undefined) await router.namespace.must('ip6tables-nft-restore', [], ip6tables);
  };
  /** A request from a port of its own, repeated while an answer is expected. */
  const isAnswered = async (hex: string, to: string, from: string, expected: boolean): Promise<boolean> => {
    const udp = await alice.udp({ address: from, peer: { address: to, port: 5351 } });
    const end = performance.now() + (expected ? DEADLINE_MS : SILENCE_MS);
    let reply = null;
    while (reply === null && performance.now() < end) {
      udp.send(hex);
      reply = await udp.receive(SILENCE_MS);
    }
    udp.close();
    return reply !== null && /^(00800000|02800000)/.test(withoutEpoch(reply.hex));
  };
  const requests = async (expected: Firewall['answered']): Promise<Firewall['answered']> => {
    const [v4, v6] = await Promise.all([
      isAnswered('0000', ROUTER, '0.0.0.0', expected === 'both' || expected === 'IPv4'),
      isAnswered(`${ANNOUNCE}`, onLan(ROUTER6_LOCAL), ALICE6, expected === 'both' || expected === 'IPv6'),
    ]);
    return v4 ? (v6 ? 'both' : 'IPv4') : v6 ? 'IPv6' : 'none';
  };
  const WANT = { both: 'ok', IPv4: 'fail', IPv6: 'fail', none: 'fail fail' } as const;

  const check = async (row: Firewall): Promise<void> => {
    await load(row);
    const [findings, came] = await Promise.all([doctor(), requests(row.answered)]);
    assert.is(came, row.answered, 'the requests');
    const want = row.doctor ?? WANT[row.answered];
    assert.is(findings.map(({ verdict }) => verdict).join(' '), want, JSON.stringify(findings));
    if (!want.startsWith('fail')) return;
    for (const { remedy } of findings) await router.run('sh', '-c', (remedy ?? '').split('; to keep it')[0] ?? '');
    const [after, comes] = await Promise.all([doctor(), requests('both')]);
    assert.is(comes, 'both', `the requests, after ${findings.map(({ remedy }) => remedy).join('; ')}`);
    assert.equal(
      after.map(({ verdict }) => verdict),
      ['ok'],
      JSON.stringify(after),
    );
  };

  cases('a firewall in the way of requests', FIREWALLS, check);
  if ((await run('iptables-nft-restore', ['--version']).catch(() => null)) === null)
    skip('firewalls of iptables', 'iptables-nft-restore is not installed');
  else cases('a firewall of iptables in the way of requests', IPTABLES, check);
}
