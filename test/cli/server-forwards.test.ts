// Ports that others' rules forward, as a real nft lists them: those on which a packet from outside, for an address of
// the router, may meet such a rule. What cannot be read is told.

import { closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isLocalAddress } from '../../cli/host/local-address.js';
import { legacyTables, saveLegacy } from '../../cli/host/nft.js';
import { readForwards } from '../../cli/host/port-forwards.js';
import { PortFinder } from '../../cli/host/ports-in-use.js';
import { portLines } from '../../cli/host/port-lines.js';
import { rulesetHere } from '../../cli/host/ruleset.js';
import { parseRulesetFlags } from '../../cli/host/ruleset-flags.js';
import { openTcpListener } from '../../cli/server/sockets.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { cases, claims, skip } from '../support/cases.js';
import { cable, Namespace } from '../support/network.js';
import { atEnd } from '../support/cases.js';

/** Throws as the file system does. */
const failing = (code: string) => () => {
  throw Object.assign(new Error(code), { code });
};

cases<{
  name: string;
  read: () => string;
  loaded?: string;
  names: readonly string[];
  isCertain: boolean;
  saved: string | null;
}>(
  'the tables of iptables-legacy that may forward',
  [
    { name: 'a kernel without', read: failing('ENOENT'), loaded: 'iptable_nat', names: [], isCertain: true, saved: '' },
    { name: 'none', read: () => '', loaded: 'iptable_nat', names: [], isCertain: true, saved: '' },
    { name: 'others', read: () => 'raw\nfilter\n', names: [], isCertain: true, saved: '' },
    {
      name: 'not to be read, and no module of theirs is loaded',
      read: failing('EACCES'),
      loaded: 'iptable_filter',
      names: [],
      isCertain: false,
      saved: '',
    },
    {
      name: 'not to be read: may be there',
      read: failing('EACCES'),
      loaded: 'iptable_nat',
      names: ['nat'],
      isCertain: false,
      saved: null,
    },
  ],
  ({ read, loaded, names, isCertain, saved }) => {
    const found = legacyTables(read, (module) => module === loaded);
    assert.equal(found, { names, isCertain });
    assert.is(saveLegacy(found), saved);
  },
);

claims('rules of iptables-legacy that cannot be read', {
  'are told, because a mapping of a port that they forward is not reached': () => {
    const outside = { sources: [], externalAddresses: null, hosts: null, groups: new Map(), ipv6: null };
    const found = readForwards({ json: '{"nftables": []}', text: '', iptables: '', legacy: null }, null, () => null, {
      ...outside,
      from: 'wan0',
      to: null,
      externalPorts: [],
      internalPorts: [],
      isOnlyRoute: false,
    });
    assert.equal(found.unread, ['there may be forwards of iptables-legacy, which cannot be read here']);
    assert.ok(found.ports.isEmpty);
  },
});

interface Row {
  readonly name: string;
  /** In a chain of type nat, hook prerouting, in table inet hand. */
  readonly rule?: string;
  /** More tables. */
  readonly tables?: string;
  /** --external-address. */
  readonly told?: string;
  /** A script for iptables-nft-restore. */
  readonly iptables?: string;
  /** The ports, separated by commas. */
  readonly want: string;
  /** What is told that cannot be read; nothing. */
  readonly tells?: RegExp;
}

const ROWS: readonly Row[] = [
  { name: 'a port', rule: 'tcp dport 8080 dnat ip to 10.0.0.1:80', want: '8080' },
  { name: 'a range, redirected', rule: 'udp dport 6000-6010 redirect to :53', want: '6000-6010' },
  { name: 'a set', rule: 'tcp dport { 8080, 8443, 5000-5010 } dnat ip to 10.0.0.1', want: '5000-5010,8080,8443' },
  { name: 'a named set', rule: 'tcp dport @wanted dnat ip to 10.0.0.1', want: '7000-7010,7100' },
  { name: 'a named set with timeouts', rule: 'tcp dport @brief dnat ip to 10.0.0.1', want: '7150' },
  {
    name: 'a map',
    rule: 'dnat ip to tcp dport map { 7400 : 10.0.0.1 . 80, 7401-7403 : 10.0.0.2 . 81 }',
    want: '7400-7403',
  },
  { name: 'a named map', rule: 'dnat ip to tcp dport map @single', want: '7200' },
  {
    name: 'a named map with the protocol in its key',
    rule: 'dnat ip to meta l4proto . th dport map @both',
    want: '7300-7310',
  },
  {
    name: 'protocol and port',
    rule: 'meta l4proto . th dport { tcp . 7500, udp . 7501-7502 } dnat ip to 10.0.0.9',
    want: '7500-7502',
  },
  { name: 'a map of verdicts', rule: 'tcp dport vmap { 7600 : jump web, 7601 : accept }', want: '7600' },
  { name: 'a named map of verdicts', rule: 'tcp dport vmap @verdicts', want: '7650' },
  {
    name: 'a map of verdicts by interface, then a port',
    rule: 'iifname vmap { "wan0" : jump byport, "br-lan" : jump web }',
    want: '7750',
  },
  {
    name: 'a map of verdicts by interface and port',
    rule: 'iifname . tcp dport vmap { "wan0" . 7760 : jump web, "br-lan" . 7770-7779 : jump web }',
    want: '7760',
  },
  { name: 'a jump, and another', rule: 'tcp dport 7700 goto further', want: '7700' },
  {
    name: 'behind other conditions and statements',
    rule: 'iifname "wan0" ct state new tcp dport 7802 counter log dnat ip to 10.0.0.9',
    want: '7802',
  },
  { name: 'all above', rule: 'tcp dport >= 65000 dnat ip to 10.0.0.9', want: '65000-65535' },
  { name: 'a mask', rule: 'tcp dport & 0xfff0 == 0x1f90 dnat ip to 10.0.0.9', want: '8080-8095' },
  { name: 'a port of the header, not named', rule: '@th,16,16 8088 dnat ip to 10.0.0.9', want: '8088' },
  { name: 'tproxy', tables: tproxy('tcp dport 8099'), want: '8099' },
  { name: 'a rule that forwards nothing', rule: 'tcp dport 7801 accept', want: '' },
  { name: 'a jump to where nothing is forwarded', rule: 'tcp dport 7803 jump quiet', want: '' },
  {
    name: 'a port that another rule accepts before',
    rule: 'tcp dport 7000 accept; tcp dport 7000-7001 redirect',
    want: '7001',
  },
  { name: 'a port that returns before', rule: 'tcp dport 7000-7001 jump spared', want: '7001' },
  {
    name: 'a port of which a limit accepts some before',
    rule: 'tcp dport 7010 limit rate 1/second accept; tcp dport 7010 redirect',
    want: '7010',
  },
  {
    name: 'a port that a map of verdicts has return before',
    rule: 'tcp dport 7020-7022 jump mapped; tcp dport 7020-7021 redirect',
    want: '7020,7022',
  },
  { name: 'after a jump that returns', rule: 'tcp dport 7031 jump quiet; tcp dport 7031 redirect', want: '7031' },
  { name: 'not after a goto', rule: 'tcp dport 7030 goto quiet; tcp dport 7030 redirect', want: '' },
  {
    name: 'all but a port of some sources',
    rule: 'ip saddr . tcp dport != { 198.51.100.1 . 7040 } tcp dport 7040-7041 redirect',
    want: '7040-7041',
  },
  { name: 'a port of the other protocol before', rule: 'udp dport 7060 accept; tcp dport 7060 redirect', want: '7060' },
  {
    name: 'ports of the other protocol before, in a set',
    rule: 'udp dport { 7061, 7063 } accept; tcp dport 7061 redirect',
    want: '7061',
  },
  {
    name: 'ports of the other protocol before, in a map of verdicts',
    rule: 'udp dport vmap { 7065 : accept }; tcp dport 7065 redirect',
    want: '7065',
  },
  { name: 'from some sources', rule: 'ip saddr 198.51.100.0/24 tcp dport 7005 dnat ip to 10.0.0.9', want: '7005' },
  {
    name: 'for an address of the router',
    rule: 'ip daddr 203.0.113.2 tcp dport 7006 dnat ip to 10.0.0.9',
    want: '7006',
  },
  { name: 'for local addresses', rule: 'fib daddr type local tcp dport 7007 dnat ip to 10.0.0.9', want: '7007' },
  { name: 'from a set of interfaces', rule: 'iifname @outer tcp dport 7008 dnat ip to 10.0.0.9', want: '7008' },
  { name: 'not from the LAN', rule: 'iifname != "br-lan" tcp dport 7009 dnat ip to 10.0.0.9', want: '7009' },
  { name: 'a set called as one of ours', rule: 'dnat ip to tcp dport map @in', want: '7250' },

  // Nothing that comes from outside for an address of ours.
  { name: 'a transparent proxy of the LAN', rule: 'iifname "br-lan" tcp dport 1-65535 redirect to :1080', want: '' },
  { name: 'the same by index', rule: 'iif "br-lan" tcp dport 1-65535 redirect to :1080', want: '' },
  { name: 'the same by its addresses', rule: 'ip saddr 192.168.1.0/24 tcp dport 80 redirect to :1080', want: '' },
  { name: 'the same, jumped to', rule: 'iifname "br-lan" jump byport', want: '' },
  {
    name: 'all but what comes in at the outside',
    rule: 'iifname != "wan0" tcp dport 8001 redirect to :1080',
    want: '',
  },
  {
    name: 'what the router itself sends',
    tables:
      'table ip out { chain output { type nat hook output priority -100; tcp dport 1-65535 redirect to :1080; }; }',
    want: '',
  },
  { name: 'for the LAN address', rule: 'ip daddr 192.168.1.1 tcp dport 8002 redirect to :80', want: '' },
  { name: 'for an address that is not ours', rule: 'ip daddr 203.0.113.77 dnat ip to 10.0.0.8', want: '' },
  { name: 'another protocol', rule: 'meta l4proto sctp sctp dport 8003 dnat ip to 10.0.0.8', want: '' },
  { name: 'IPv6', rule: 'ip6 daddr 2001:db8::1 tcp dport 8004 dnat ip6 to [2001:db8::2]', want: '' },
  {
    name: 'a dormant table',
    tables:
      'table ip off { flags dormant; chain c { type nat hook prerouting priority -100; tcp dport 8005 redirect; }; }',
    want: '',
  },
  {
    name: 'our own, by the mark of its table',
    tables:
      'table ip x { comment "natpmp-server 1"; chain c { type nat hook prerouting priority -100; tcp dport 8006 dnat to 10.0.0.1; }; }',
    want: '',
  },
  {
    name: 'our own in a table of others, by the mark of the chain',
    tables:
      'table inet y { chain a { type nat hook prerouting priority -100; tcp dport 8007 redirect; }; chain c { comment "natpmp-server 1"; type nat hook prerouting priority -99; tcp dport 8008 redirect; }; }',
    want: '8007',
  },
  {
    name: 'chains of others in our table, which its mark does not make ours',
    tables:
      'table inet z { comment "natpmp-server"; chain a { type nat hook prerouting priority -100; tcp dport 8011 redirect; }; chain NATPMP { comment "natpmp-server NATPMP 0badcafe"; type nat hook prerouting priority -99; tcp dport 8012 redirect; }; }',
    want: '8011',
  },
  {
    name: 'our own, by the configured names',
    tables:
      'table inet mine { chain PMP-x { type nat hook prerouting priority -100; tcp dport 8009 redirect; }; chain PMP { type nat hook prerouting priority -98; tcp dport 8013 redirect; }; chain other { type nat hook prerouting priority -99; tcp dport 8010 redirect; }; }',
    want: '8010',
  },

  // What cannot be read is told, and is neither nothing nor all ports.
  { name: 'all but a port', rule: 'tcp dport != 7800 dnat ip to 10.0.0.9', want: '', tells: /all ports/ },
  { name: 'all ports', rule: 'iifname "wan0" tcp dport 1-65535 dnat ip to 10.0.0.9', want: '', tells: /all ports/ },
  {
    name: 'a host for everything',
    rule: 'dnat ip to 10.0.0.8',
    want: '',
    tells: /chain prerouting of table inet hand/,
  },
  { name: 'a source port', rule: 'tcp sport 7900 dnat ip to 10.0.0.8', want: '', tells: /what has tcp sport 7900/ },
  { name: 'a mark', rule: 'meta mark 0x7 dnat ip to 10.0.0.8', want: '', tells: /what has meta mark 7/ },
  { name: 'a mark, and a port', rule: 'meta mark 0x7 tcp dport 8011 dnat ip to 10.0.0.8', want: '8011' },
  {
    name: 'one of our addresses for a host (1:1 NAT), which leaves the others',
    rule: 'ip daddr 203.0.113.4 dnat ip to 10.0.0.8',
    want: '',
  },

  // --external-address: 198.51.100.9 is on lo, 198.51.100.17 of a local route, 198.51.100.77 is not here.
  {
    name: 'for the address that is told, which is on lo',
    told: '198.51.100.9',
    rule: 'ip daddr 198.51.100.9 tcp dport 8444 dnat ip to 10.0.0.9',
    want: '8444',
  },
  {
    name: 'the same if it is not told',
    rule: 'ip daddr 198.51.100.9 tcp dport 8444 dnat ip to 10.0.0.9',
    want: '',
  },
  {
    name: "for the interface's address, with another told",
    told: '198.51.100.9',
    rule: 'ip daddr 203.0.113.2 tcp dport 8445 dnat ip to 10.0.0.9',
    want: '8445',
  },
  {
    name: 'for a told address that is not here yet (VRRP)',
    told: '198.51.100.77',
    rule: 'ip daddr 198.51.100.77 tcp dport 8446 dnat ip to 10.0.0.9',
    want: '8446',
  },
  {
    name: 'the told address for a host as a whole, which leaves no mapping',
    told: '198.51.100.9',
    rule: 'ip daddr 198.51.100.9 dnat ip to 10.0.0.8',
    want: '',
    tells: /chain prerouting of table inet hand forwards/,
  },
  {
    name: 'the same of a local route',
    told: '198.51.100.17',
    rule: 'ip daddr 198.51.100.17 dnat ip to 10.0.0.8',
    want: '',
    tells: /chain prerouting of table inet hand forwards/,
  },
  {
    name: 'another of our addresses for a host, which leaves the told one',
    told: '198.51.100.9',
    rule: 'ip daddr 203.0.113.2 dnat ip to 10.0.0.8',
    want: '',
  },
  {
    name: 'a host for each of our addresses, with one told that is not here',
    told: '198.51.100.77',
    rule: 'ip daddr { 203.0.113.2, 203.0.113.4 } dnat ip to 10.0.0.8',
    want: '',
    tells: /chain prerouting of table inet hand forwards/,
  },

  // iptables, and what Docker makes with it.
  {
    name: "Docker's",
    iptables: `*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8444 -j DNAT --to-destination 172.17.0.2:80
-A DOCKER -d 192.168.1.1/32 ! -i docker0 -p tcp -m tcp --dport 8445 -j DNAT --to-destination 172.17.0.2:81
COMMIT
`,
    want: '8444',
  },
  {
    name: 'multiport, and a proxy of the LAN',
    iptables: `*nat
-A PREROUTING -i wan0 -p udp -m multiport --dports 8020,8030:8039 -j DNAT --to-destination 10.0.0.7
-A PREROUTING -i br-lan -p tcp -m multiport --dports 1:65535 -j REDIRECT --to-ports 1080
-A OUTPUT -p tcp -m tcp --dport 1:65535 -j REDIRECT --to-ports 1080
COMMIT
`,
    want: '8020,8030-8039',
  },
];

function tproxy(condition: string): string {
  return `table inet div { chain c { type filter hook prerouting priority -150; ${condition} tproxy ip to 127.0.0.1:80 accept; }; }`;
}

const around = (rule: string): string => `flush ruleset
table inet hand {
  set wanted { type inet_service; flags interval; elements = { 7000-7010, 7100 }; }
  set brief { type inet_service; flags timeout; elements = { 7150 timeout 1h }; }
  set outer { type ifname; elements = { "wan0", "ppp0" }; }
  map single { type inet_service : ipv4_addr . inet_service; elements = { 7200 : 10.0.0.1 . 80 }; }
  map in { type inet_service : ipv4_addr . inet_service; elements = { 7250 : 10.0.0.1 . 80 }; }
  map both { type inet_proto . inet_service : ipv4_addr; flags interval; elements = { tcp . 7300-7310 : 10.0.0.1 }; }
  map verdicts { type inet_service : verdict; elements = { 7650 : jump web }; }
  chain web { dnat ip to 10.0.0.3; }
  chain byport { tcp dport 7750 dnat ip to 10.0.0.3; }
  chain spared { tcp dport 7000 return; dnat ip to 10.0.0.3; }
  chain further { jump web; }
  chain mapped { tcp dport vmap { 7020 : return, 7021 : accept }; dnat ip to 10.0.0.3; }
  chain quiet { counter; }
  chain prerouting { type nat hook prerouting priority dstnat; ${rule}; }
}
`;

if (process.getuid?.() !== 0) skip('forwards by hand', 'network namespaces need root');
else {
  const router = await Namespace.open();
  atEnd(() => router.close());
  await cable(
    { in: router, device: 'wan0', addresses: ['203.0.113.2/24', '203.0.113.4/24'] },
    { in: router, device: 'wan-end' },
  );
  await router.bridge('br-lan', '192.168.1.1/24');
  await router.must('ip', ['address', 'add', '198.51.100.9/32', 'dev', 'lo']);
  await router.must('ip', ['route', 'add', '8.8.8.0/24', 'via', '203.0.113.1']);
  await router.must('ip', ['route', 'add', 'local', '198.51.100.16/29', 'dev', 'lo']);
  const own = { table: 'mine', chain: 'PMP' };

  cases('D-6 forwarded by hand', ROWS, async ({ rule = 'counter', tables = '', iptables, told, want, tells }) => {
    await router.nft(`${around(rule)}${tables}`);
    if (iptables !== undefined) await router.must('iptables-nft-restore', ['--noflush'], iptables);
    const gateway = { externalInterface: 'wan0', externalAddress: parseIpv4(told ?? ''), own };
    const found = router.during(() => new PortFinder(gateway).find(true));
    assert.equal(portLines('ports', found.ofAdministrator.ranges()), want === '' ? [] : [`ports = ${want}`]);
    if (tells === undefined) assert.equal(found.unread, []);
    else {
      assert.is(found.unread.length, 1, found.unread.join('\n'));
      assert.match(found.unread[0] ?? '', tells);
    }
  });

  const old = await Namespace.open();
  atEnd(() => old.close());
  await cable(
    { in: old, device: 'wan0', addresses: ['203.0.113.2/24', '203.0.113.4/24'] },
    { in: old, device: 'wan-end' },
  );
  await old.bridge('br-lan', '192.168.1.1/24');
  const readOld = () =>
    old.during(() => new PortFinder({ externalInterface: 'wan0', externalAddress: null, own }).find(true));
  assert.is(readOld().legacy, null);
  assert.is(
    old.during(() => readFileSync('/proc/net/ip_tables_names', 'utf8')),
    '',
    'a look makes no table',
  );

  cases<{ name: string; table?: string; rules: readonly string[]; want: string; tells?: RegExp }>(
    'D-6 forwarded by iptables-legacy',
    [
      { name: 'nothing', rules: [], want: '' },
      {
        name: 'a port',
        rules: ['-A PREROUTING -i wan0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.3:80'],
        want: '8080',
      },
      {
        name: 'by a prefix of the interface, its address, and other conditions',
        rules: [
          '-A PREROUTING -s 198.51.100.0/24 -d 203.0.113.2/32 -i wan+ -p udp -m udp --dport 6000:6010 -m conntrack --ctstate NEW -m comment --comment "-j ACCEPT" -j REDIRECT --to-ports 53',
        ],
        want: '6000-6010',
      },
      {
        name: "Docker's",
        rules: [
          ':DOCKER - [0:0]',
          '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
          '-A DOCKER -i docker0 -j RETURN',
          '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8444 -j DNAT --to-destination 172.17.0.2:80',
          '-A DOCKER -d 192.168.1.1/32 ! -i docker0 -p tcp -m tcp --dport 8445 -j DNAT --to-destination 172.17.0.2:81',
        ],
        want: '8444',
      },
      {
        name: 'several, and what is accepted or has returned before, or is behind a goto',
        rules: [
          ':WEB - [0:0]',
          ':QUIET - [0:0]',
          '-A PREROUTING -p tcp -m tcp --dport 8022 -j ACCEPT',
          '-A PREROUTING -p tcp -m multiport --dports 8020,8022,8030:8039 -j WEB',
          '-A PREROUTING -p tcp -m tcp --dport 8050 -g QUIET',
          '-A PREROUTING -p tcp -m tcp --dport 8050:8051 -j REDIRECT',
          '-A WEB -p tcp -m tcp --dport 8035 -j RETURN',
          '-A WEB -j DNAT --to-destination 10.0.0.7',
        ],
        want: '8020,8030-8034,8036-8039,8051',
      },
      {
        name: 'a proxy of the LAN, and of all but what comes in at the outside',
        rules: [
          '-A PREROUTING -i br-lan -p tcp -m tcp --dport 1:65535 -j REDIRECT --to-ports 1080',
          '-A PREROUTING ! -i wan0 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 1080',
          '-A PREROUTING ! -d 203.0.113.0/24 -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 1080',
          '-A OUTPUT -p tcp -m tcp --dport 1:65535 -j REDIRECT --to-ports 1080',
        ],
        want: '',
      },
      {
        name: 'a mark',
        rules: ['-A PREROUTING -m mark --mark 0x7 -j DNAT --to-destination 10.0.0.8'],
        want: '',
        tells: /^chain PREROUTING of table ip nat \(iptables-legacy\) forwards what has .*mark/,
      },
      {
        name: 'a condition that is not known, with a port',
        rules: [
          '-A PREROUTING -p tcp -m tcp --dport 8060 -m time --timestart 10:00:00 -j DNAT --to-destination 10.0.0.8',
        ],
        want: '8060',
      },
      {
        name: 'tproxy',
        table: 'mangle',
        rules: ['-A PREROUTING -p tcp -m tcp --dport 8099 -j TPROXY --on-port 80 --on-ip 127.0.0.1'],
        want: '8099',
      },
    ],
    async ({ table = 'nat', rules, want, tells }) => {
      await old.must('iptables-legacy-restore', [], ['*nat', 'COMMIT', `*${table}`, ...rules, 'COMMIT', ''].join('\n'));
      const found = readOld();
      assert.equal(portLines('ports', found.ofAdministrator.ranges()), want === '' ? [] : [`ports = ${want}`]);
      assert.equal(found.legacy?.ranges(), found.ofAdministrator.ranges());
      assert.is(found.unread.length, tells === undefined ? 0 : 1, found.unread.join('\n'));
      if (tells !== undefined) assert.match(found.unread[0] ?? '', tells);
    },
  );

  cases<{ name: string; address: string; told: string | null; want: boolean }>(
    'D-6 a service bound to one address',
    [
      { name: "the interface's", address: '203.0.113.2', told: null, want: true },
      { name: "the interface's, with another told", address: '203.0.113.2', told: '198.51.100.9', want: true },
      { name: 'the told one, on lo', address: '198.51.100.9', told: '198.51.100.9', want: true },
      { name: 'the told one, of a local route', address: '198.51.100.17', told: '198.51.100.17', want: true },
      { name: 'one on lo that is not told', address: '198.51.100.9', told: null, want: false },
      { name: "the LAN's, if that is told", address: '192.168.1.1', told: '192.168.1.1', want: true },
      { name: "the LAN's, with another told", address: '192.168.1.1', told: '198.51.100.9', want: false },
    ],
    async ({ address, told, want }) => {
      await router.nft('flush ruleset');
      const fd = router.during(() => openTcpListener(parseIpv4(address) ?? NaN, 8443, '--port'));
      try {
        const gateway = { externalInterface: 'wan0', externalAddress: parseIpv4(told ?? ''), own };
        const found = router.during(() => new PortFinder(gateway).find(true));
        assert.equal(portLines('ports', found.ofAdministrator.ranges()), want ? ['ports = 8443'] : []);
        // As the units do, which have the told address among other flags.
        const printed = await router.must(
          'env',
          [
            `NATPMP_FRONTEND=${told === null ? '' : `--log-level info --external-address ${told}`}`,
            process.execPath,
            join(import.meta.dirname, '../../cli/print-reserved-ports.js'),
            ...['--external-interface', 'wan0', '--listen-interface', 'br-lan'],
          ],
          '',
        );
        assert.is(/^reserved-ports = 8443$/m.test(printed), want, printed);
      } finally {
        closeSync(fd);
      }
    },
  );

  cases<{ name: string; address: string; want: boolean }>(
    'an address of this router',
    [
      { address: '203.0.113.2', want: true },
      { address: '192.168.1.1', want: true },
      { address: '198.51.100.9', want: true },
      { address: '198.51.100.17', want: true },
      // Broadcast, a neighbour, one beyond the default route, multicast, one without a route.
      { address: '203.0.113.255', want: false },
      { address: '203.0.113.3', want: false },
      { address: '8.8.8.8', want: false },
      { address: '224.0.0.1', want: false },
      { address: '192.0.2.1', want: false },
    ].map((row) => ({ name: row.address, ...row })),
    ({ address, want }) =>
      assert.is(
        router.during(() => isLocalAddress(parseIpv4(address) ?? NaN)),
        want,
      ),
  );

  claims('the ruleset of a router with 50,000 routes', {
    'is made for an --external-address, here or not, without a reading of them': async () => {
      const full = await Namespace.open();
      atEnd(() => full.close());
      await full.ip('link set lo up', 'address add 198.51.100.9/32 dev lo');
      const routes = Array.from({ length: 50_000 }, (_, at) => `route add 10.${at >> 8}.${at & 255}.0/24 dev lo`);
      await full.ip(...routes);
      const tell = (told: string) => {
        const flags = ['--external-interface', 'wan0', '--listen-interface', 'br-lan', '--external-address', told];
        const parsed = parseRulesetFlags(flags, () => '');
        return 'ok' in parsed ? rulesetHere(parsed.ok) : '';
      };
      const before = process.cpuUsage();
      for (let round = 0; round < 10; round++) {
        assert.match(
          full.during(() => tell('198.51.100.9')),
          /iifname "wan0" .*ip daddr 198\.51\.100\.9 /,
        );
        assert.not.match(
          full.during(() => tell('198.51.100.10')),
          /iifname "wan0" .*198\.51\.100\.10/,
        );
      }
      const { user, system } = process.cpuUsage(before);
      // The file with all routes would be read within 100 ms.
      assert.ok((user + system) / 20 < 25_000, `${(user + system) / 20_000} ms each`);
    },
  });
}
