// What natpmpctl doctor says of a firewall's way with answers to LAN hosts, and what becomes of real ones: of NAT-PMP, of
// PCP over IPv6, and of UPnP. Both must agree. And what it says to do is done: then answers come, and doctor is content.

import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import { until } from '../lab/flows.js';
import { SILENCE_MS, SOON_MS } from '../lab/inbox.js';
import { ALICE6, onLan, openDualStackLab, ROUTER6_LOCAL } from '../lab/ipv6.js';
import { ROUTER } from '../lab/lab.js';
import { withoutEpoch } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';
import { discover, HTTP_PORT } from '../lab/upnp.js';
import { cases, skip } from '../support/cases.js';
import { run } from '../support/run.js';

const CTL = join(import.meta.dirname, '../../cli/natpmpctl.js');
/** A PCP ANNOUNCE request (RFC 6887 §7.1, §14.1) from alice's global address; its answer begins so. */
const ANNOUNCE = `0200000000000000${'20010db8000a00010000000000000002'}`;

/** Answers: of NAT-PMP, PCP, a search to the group, one to the router's address, and what TCP begins with. */
const ALL = ['NAT-PMP', 'PCP', 'group', 'search', 'TCP'] as const;
type Answer = (typeof ALL)[number];
const OF_UPNP: readonly Answer[] = ['group', 'search', 'TCP'];
const OF_IPV4: readonly Answer[] = ['NAT-PMP', ...OF_UPNP];

interface Firewall {
  readonly name: string;
  readonly nft?: string;
  readonly iptables?: string;
  readonly ip6tables?: string;
  /** Which answers do not come. */
  readonly lost: readonly Answer[];
  /** Doctor's verdicts, if they are not what follows from that. */
  readonly doctor?: readonly string[];
}

/** Neighbours are found in every case. */
const hand = (rules: string, policy: 'accept' | 'drop' = 'accept', around = '', type = 'filter') => `table inet fw {
  ${around}
  chain output { type ${type} hook output priority 0; policy ${policy};
    oifname lo accept
    meta l4proto icmpv6 accept
    ${rules}
  }
}`;
const at = (hook: string, rules: string, family = 'inet') =>
  `table ${family} fw { chain guard { type filter hook ${hook}; policy accept; ${rules}; }; }`;
const UNCLEAR = ['warn UPnP output', 'warn output', 'warn output'];

const FIREWALLS: readonly Firewall[] = [
  { name: 'none', lost: [] },
  { name: 'the port of NAT-PMP', nft: hand('udp sport 5351 drop'), lost: ['NAT-PMP', 'PCP'] },
  { name: '... of IPv4', nft: hand('meta nfproto ipv4 udp sport 5351 drop'), lost: ['NAT-PMP'] },
  { name: '... of IPv6', nft: hand('meta nfproto ipv6 udp sport 5351 drop'), lost: ['PCP'] },
  { name: '... as a destination', nft: hand('udp dport 5351 drop'), lost: [] },
  { name: 'the port of searches', nft: hand('oifname "br-lan" udp sport 1900 drop'), lost: ['group', 'search'] },
  { name: 'the port of descriptions', nft: hand('tcp sport 2869 drop'), lost: ['TCP'] },
  { name: 'a range of ports', nft: hand('meta l4proto { tcp, udp } th sport 1024-2999 drop'), lost: OF_UPNP },
  { name: 'what leaves outside', nft: hand('oifname "wan0" drop'), lost: [] },
  { name: 'what leaves into the LAN', nft: hand('oifname "br-lan" drop'), lost: ALL },
  { name: 'nothing may leave', nft: hand('', 'drop'), lost: ALL },
  { name: 'but into the LAN', nft: hand('oifname "br-lan" accept', 'drop'), lost: [] },
  {
    name: 'but what is no start, which an answer to the group is',
    nft: hand('ct state established,related accept', 'drop'),
    lost: ['group'],
  },
  {
    name: 'the same, and searches',
    nft: hand('ct state vmap { established : accept }; udp sport 1900 accept', 'drop'),
    lost: [],
  },
  { name: 'what is a start', nft: hand('ct state new drop'), lost: ['group'] },
  { name: 'what goes back', nft: hand('ct direction reply drop'), lost: ['NAT-PMP', 'PCP', 'search', 'TCP'] },
  { name: 'to hosts of the LAN', nft: hand('ip daddr 192.168.1.0/24 drop'), lost: OF_IPV4 },
  { name: 'to hosts of another', nft: hand('ip daddr 192.168.2.0/24 drop'), lost: [] },
  {
    name: 'to hosts in a set',
    nft: hand(
      'ip daddr @inner drop',
      'accept',
      'set inner { type ipv4_addr; flags interval; elements = { 192.168.0.0/16 }; }',
    ),
    lost: OF_IPV4,
  },
  {
    name: 'to hosts in a set of others',
    nft: hand(
      'ip daddr @outer drop',
      'accept',
      'set outer { type ipv4_addr; flags interval; elements = { 198.51.100.0/24 }; }',
    ),
    lost: [],
  },
  { name: "from the router's address", nft: hand('ip saddr 192.168.1.1 udp sport 5351 drop'), lost: ['NAT-PMP'] },
  { name: 'from another address of it', nft: hand('ip saddr 203.0.113.10 drop'), lost: [] },
  {
    name: 'asked at the address of the router',
    nft: hand('ct original ip daddr 192.168.1.1 drop'),
    lost: ['NAT-PMP', 'search', 'TCP'],
  },
  { name: 'but what is for the router', nft: hand('fib daddr type local accept', 'drop'), lost: ALL },
  { name: 'interfaces in a map', nft: hand('oifname vmap { "br-lan" : drop, "wan0" : accept }'), lost: ALL },
  { name: 'the second step of TCP', nft: hand('tcp flags & (syn | ack) == syn | ack drop'), lost: ['TCP'] },
  { name: 'the first one', nft: hand('tcp flags & (syn | ack) == syn drop'), lost: [] },
  { name: 'but of a user', nft: hand('meta skuid 0 accept', 'drop'), lost: [], doctor: UNCLEAR },
  { name: 'by a mark that nobody sets', nft: hand('meta mark 7 drop'), lost: [], doctor: UNCLEAR },
  { name: 'few may go', nft: hand('udp sport 5351 limit rate over 1000/second drop'), lost: [] },
  { name: 'in a chain for routes', nft: hand('udp sport 5351 drop', 'accept', '', 'route'), lost: ['NAT-PMP', 'PCP'] },
  { name: 'in raw', nft: at('output priority raw', 'oifname "br-lan" udp sport 1900 drop'), lost: ['group', 'search'] },
  { name: 'in raw, not tracked', nft: at('output priority raw', 'udp sport { 1900, 5351 } notrack'), lost: [] },
  { name: 'in postrouting', nft: at('postrouting priority mangle', 'udp sport 5351 drop'), lost: ['NAT-PMP', 'PCP'] },
  {
    name: 'at the device',
    nft: at('egress device "br-lan" priority 0', 'udp sport 5351 drop', 'netdev'),
    lost: ['NAT-PMP', 'PCP'],
  },
  {
    name: 'at the device of others',
    nft: at('egress device "wan0" priority 0', 'udp sport 5351 drop', 'netdev'),
    lost: [],
  },
  { name: 'what is forwarded', nft: at('forward priority 0', 'drop'), lost: [] },
  { name: 'what comes', nft: at('input priority 0', 'udp sport { 1900, 5351 } drop'), lost: [] },
];
const inIptables = (table: string, ...rules: readonly string[]) => [`*${table}`, ...rules, 'COMMIT', ''].join('\n');
const STRICT = [
  ':OUTPUT DROP [0:0]',
  '-A OUTPUT -o lo -j ACCEPT',
  '-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT',
];
const IPTABLES: readonly Firewall[] = [
  { name: 'what is no start', iptables: inIptables('filter', ...STRICT), lost: ['group'] },
  {
    name: 'the same, and searches',
    iptables: inIptables('filter', ...STRICT, '-A OUTPUT -o br-lan -p udp -m udp --sport 1900 -j ACCEPT'),
    lost: [],
  },
  {
    name: 'several ports',
    iptables: inIptables('filter', '-A OUTPUT -p udp -m multiport --sports 1900,5350:5351 -j DROP'),
    lost: ['NAT-PMP', 'group', 'search'],
  },
  { name: 'of IPv6', ip6tables: inIptables('filter', '-A OUTPUT -p udp -m udp --sport 5351 -j DROP'), lost: ['PCP'] },
  {
    name: 'in mangle',
    iptables: inIptables('mangle', '-A POSTROUTING -o br-lan -p tcp -m tcp --sport 2869 -j DROP'),
    lost: ['TCP'],
  },
];

const lab = await openDualStackLab();

if (lab !== null) {
  const { alice, router } = lab;
  const server = await Server.start(lab, ['--nat-table', 'natpmp', '--pinholes', '--upnp']);
  await until('natpmp-upnp is ready', async () => server.log.includes('"upnpPort"'));
  const doctor = async (): Promise<readonly Finding[]> => {
    const { stdout, stderr } = await router.run(process.execPath, CTL, 'doctor', '--json', '--socket', server.socket);
    if (stdout === '') throw new Error(`natpmpctl doctor: ${stderr}`);
    return (JSON.parse(stdout) as Finding[]).filter(({ check }) => /output$/.test(check));
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
  const isAnswered = async (hex: string, to: string, from: string, withinMs: number): Promise<boolean> => {
    const udp = await alice.udp({ address: from, peer: { address: to, port: 5351 } });
    const end = performance.now() + withinMs;
    let reply = null;
    while (reply === null && performance.now() < end) {
      udp.send(hex);
      reply = await udp.receive(SILENCE_MS);
    }
    udp.close();
    return reply !== null && /^(00800000|02800000)/.test(withoutEpoch(reply.hex));
  };
  const connects = async (withinMs: number): Promise<boolean> => {
    const connected = await alice.connect(ROUTER, HTTP_PORT, { withinMs });
    if (connected.kind === 'connected') connected.connection.close();
    return connected.kind === 'connected';
  };
  const COMES: Readonly<Record<Answer, (withinMs: number) => Promise<boolean>>> = {
    'NAT-PMP': (withinMs) => isAnswered('0000', ROUTER, '0.0.0.0', withinMs),
    PCP: (withinMs) => isAnswered(ANNOUNCE, onLan(ROUTER6_LOCAL), ALICE6, withinMs),
    group: async (withinMs) => (await discover(alice, undefined, undefined, withinMs)) !== null,
    search: async (withinMs) => (await discover(alice, ROUTER, undefined, withinMs)) !== null,
    TCP: connects,
  };
  /** Those that do not come, with little patience for those that should not. */
  const lost = async (expected: readonly Answer[]): Promise<readonly Answer[]> => {
    const came = await Promise.all(ALL.map((one) => COMES[one](expected.includes(one) ? SILENCE_MS : SOON_MS)));
    return ALL.filter((_one, index) => !came[index]);
  };
  const verdictsFor = (answers: readonly Answer[]): readonly string[] => [
    ...(OF_UPNP.some((one) => answers.includes(one)) ? ['fail UPnP output'] : []),
    ...(['NAT-PMP', 'PCP'] as const).flatMap((one) => (answers.includes(one) ? ['fail output'] : [])),
  ];

  const check = async (row: Firewall): Promise<void> => {
    await load(row);
    const [findings, missing] = await Promise.all([doctor(), lost(row.lost)]);
    assert.equal(missing, [...row.lost], 'the answers that do not come');
    const want = row.doctor ?? verdictsFor(row.lost);
    assert.equal(
      findings.map(({ verdict, check: what }) => `${verdict} ${what}`).toSorted(),
      [...want],
      JSON.stringify(findings),
    );
    if (row.lost.length === 0) return;
    for (const { remedy } of findings) await router.run('sh', '-c', (remedy ?? '').split('; to keep it')[0] ?? '');
    const [after, still] = await Promise.all([doctor(), lost([])]);
    assert.equal(still, [], `the answers, after ${findings.map(({ remedy }) => remedy).join('; ')}`);
    assert.equal(after, []);
  };

  cases('a firewall in the way of answers', FIREWALLS, check);
  if ((await run('iptables-nft-restore', ['--version']).catch(() => null)) === null)
    skip('firewalls of iptables', 'iptables-nft-restore is not installed');
  else cases('a firewall of iptables in the way of answers', IPTABLES, check);
}
