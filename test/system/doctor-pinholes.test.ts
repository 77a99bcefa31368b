// What natpmpctl doctor says of IPv6 pinholes, and what becomes of real packets: both must agree. What it says to do is
// done, to the letter: then what a pinhole is for comes through, and nothing else.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import { cases, claims } from '../support/cases.js';
import {
  ALICE6,
  CAROL6,
  FIREWALL6,
  GUEST_LAN6,
  onLan,
  openDualStackLab,
  OUTSIDE6,
  ROUTER6,
  ROUTER6_LOCAL,
} from '../lab/ipv6.js';
import { until } from '../lab/flows.js';
import { PcpClient } from '../lab/pcp.js';
import { Server } from '../lab/server.js';

const CTL = join(import.meta.dirname, '../../cli/natpmpctl.js');
/** How long a packet that should not come may take, and one that should, in milliseconds. */
const [SILENCE_MS, DEADLINE_MS] = [250, 15_000];
/** A firewall that lets nobody in: the rules behind those that each has. */
const BASE =
  'ct state established,related accept; meta nfproto ipv4 accept; iifname "br-lan" accept; icmpv6 type { 1-4, 133-137 } accept;';
const table = (rules: string, policy = 'drop', priority = 'filter', family = 'inet'): string =>
  `table ${family} fw { chain forward { type filter hook forward priority ${priority}; policy ${policy}; ${family === 'inet' ? BASE : BASE.replace('meta nfproto ipv4 accept;', '')} ${rules}\n }\n }`;
const NIXOS = (extraForwardRules: string): string => `
  table inet nixos-fw {
    chain forward {
      type filter hook forward priority filter; policy drop;
      ct state vmap { invalid : drop, established : accept, related : accept, new : jump forward-allow, untracked : jump forward-allow }
    }
    chain forward-allow {
      icmpv6 type != { router-renumbering, 139 } accept
      ct status dnat accept comment "allow port forward"
      ${extraForwardRules}
      meta nfproto ipv4 accept
      iifname "br-lan" accept
    }
  }`;
const IP6TABLES = (rules: string): string => `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i br-lan -j ACCEPT
${rules}COMMIT
`;

interface Firewall {
  readonly name: string;
  readonly nft?: string;
  readonly ip6tables?: string;
  /** What comes through: to a pinhole, and to a port that has none. */
  readonly comes: 'all' | 'pinholes' | 'none';
  readonly doctor: Finding['verdict'];
  readonly says: RegExp;
  /** A fault that no command mends. */
  readonly isByHand?: boolean;
}

/** One that is open to connections without a pinhole, or may be. */
interface Opening {
  readonly name: string;
  /** Behind the label. */
  readonly rules: string;
  readonly policy: 'accept' | 'drop';
  /** What comes to a port without a pinhole. */
  readonly open: readonly string[];
  readonly doctor: Finding['verdict'];
  readonly says: RegExp;
}

const lab = await openDualStackLab({ guest: true });

if (lab !== null && lab.carol !== null) {
  const { alice, carol, outside, router } = lab;
  const LANS = ['--listen-interface', 'br-lan', '--listen-interface', 'br-guest', '--nat-table', 'natpmp'];
  const server = await Server.start(lab, [...LANS, '--pinholes']);
  const client = await PcpClient.open(alice, ALICE6, onLan(ROUTER6_LOCAL));
  for (const protocol of ['tcp', 'udp'] as const) await client.map(8080, { protocol, lifetime: 7200 });
  const web = { 8080: await alice.listen(8080, '::'), 8081: await alice.listen(8081, '::') };
  const datagrams = {
    8080: await alice.udp({ address: '::', port: 8080 }),
    8081: await alice.udp({ address: '::', port: 8081 }),
  };

  const doctor = async (): Promise<readonly Finding[]> => {
    const { stdout, stderr } = await router.run(process.execPath, CTL, 'doctor', '--json', '--socket', server.socket);
    if (stdout === '') throw new Error(`natpmpctl doctor: ${stderr}`);
    return (JSON.parse(stdout) as Finding[]).filter(({ check }) => check === 'pinholes');
  };
  const load = async ({ nft = '', ip6tables }: Firewall): Promise<void> => {
    const { stdout } = await router.run('nft', 'list', 'tables');
    const others = stdout.split('\n').filter((line) => !/^(table (inet natpmp|ip lab))?$/.test(line));
    await lab.nft(`${others.map((line) => `delete ${line}\n`).join('')}${nft}`);
    if (ip6tables !== undefined) await router.namespace.must('ip6tables-nft-restore', [], ip6tables);
  };
  const passes = async (port: 8080 | 8081, isExpected: boolean): Promise<boolean> => {
    const within = isExpected ? DEADLINE_MS : SILENCE_MS;
    const tcp = async (): Promise<boolean> => {
      const connected = await outside.connect(ALICE6, port, { withinMs: within });
      if (connected.kind === 'failed') return false;
      connected.connection.close();
      return (await web[port].accept()) !== null;
    };
    const udp = async (): Promise<boolean> => {
      const caller = await outside.udp({ address: OUTSIDE6 });
      datagrams[port].drain();
      caller.sendText('passing', ALICE6, port);
      const passed = (await datagrams[port].receive(within)) !== null;
      caller.close();
      return passed;
    };
    const both = await Promise.all([tcp(), udp()]);
    assert.is(both[0], both[1], 'TCP and UDP');
    return both[0];
  };
  const comes = async (expected: Firewall['comes']): Promise<Firewall['comes']> => {
    const [pinhole, other] = [await passes(8080, expected !== 'none'), await passes(8081, expected === 'all')];
    return other ? 'all' : pinhole ? 'pinholes' : 'none';
  };
  const said = (findings: readonly Finding[]) => findings.map(({ verdict }) => verdict);

  const FIREWALLS: readonly Firewall[] = [
    { name: 'none', comes: 'all', doctor: 'warn', says: /^nothing filters/, isByHand: true },
    { name: 'of the docs', nft: FIREWALL6, comes: 'pinholes', doctor: 'ok', says: /^2 open; the firewall lets in/ },
    {
      name: 'that accepts everything',
      nft: table('', 'accept'),
      comes: 'all',
      doctor: 'warn',
      says: /^nothing filters/,
      isByHand: true,
    },
    {
      name: 'that knows nothing of pinholes',
      nft: table(''),
      comes: 'none',
      doctor: 'fail',
      says: /^chain forward of table inet fw drops/,
    },
    {
      name: 'the same with a rule at the end',
      nft: table('iifname "wan0" drop', 'accept'),
      comes: 'none',
      doctor: 'fail',
      says: /drops/,
    },
    {
      name: 'that rejects',
      nft: table('iifname "wan0" reject', 'accept'),
      comes: 'none',
      doctor: 'fail',
      says: /drops/,
    },
    {
      name: 'for IPv6 alone',
      nft: table('', 'drop', 'filter', 'ip6'),
      comes: 'none',
      doctor: 'fail',
      says: /table ip6 fw/,
    },
    { name: 'with the label', nft: table('ct label 113 accept'), comes: 'pinholes', doctor: 'ok', says: /open/ },
    {
      name: 'with the label of another',
      nft: table('ct label 112 accept'),
      comes: 'none',
      doctor: 'fail',
      says: /drops/,
    },
    {
      name: 'that drops all but the label',
      nft: table('iifname "wan0" ct state new ct label != 113 drop', 'accept'),
      comes: 'pinholes',
      doctor: 'ok',
      says: /open/,
    },
    {
      name: 'in two chains, of which one accepts',
      nft: `${table('ct label 113 accept')}\n${table('').replace('table inet fw', 'table inet other')}`,
      comes: 'none',
      doctor: 'fail',
      says: /table inet other/,
    },
    {
      name: 'before the label is set',
      nft: table('ct label 113 accept', 'drop', 'filter - 10'),
      comes: 'none',
      doctor: 'fail',
      says: /drops/,
      isByHand: true,
    },
    {
      name: 'as of NixOS, without the line',
      nft: NIXOS(''),
      comes: 'none',
      doctor: 'fail',
      says: /nixos-fw/,
    },
    {
      name: 'as of NixOS, with the line',
      nft: NIXOS('meta nfproto ipv6 ct label 113 accept'),
      comes: 'pinholes',
      doctor: 'ok',
      says: /open/,
    },
    {
      name: 'as of firewalld, at priority filter + 10',
      nft: table('reject with icmpx admin-prohibited', 'accept', 'filter + 10'),
      comes: 'none',
      doctor: 'fail',
      says: /drops/,
    },
    {
      name: 'of ip6tables',
      ip6tables: IP6TABLES(''),
      comes: 'none',
      doctor: 'fail',
      says: /chain FORWARD of table ip6 filter drops/,
    },
    {
      name: 'of ip6tables, with the label',
      ip6tables: IP6TABLES('-A FORWARD -m connlabel --label 113 -j ACCEPT\n'),
      comes: 'pinholes',
      doctor: 'ok',
      says: /open/,
    },
    {
      name: 'of ip6tables, with another label',
      ip6tables: IP6TABLES('-A FORWARD -m connlabel --label 7 -j ACCEPT\n'),
      comes: 'none',
      doctor: 'fail',
      says: /drops/,
    },
  ];

  cases('a firewall', FIREWALLS, async (row) => {
    await load(row);
    const [findings, came] = [await doctor(), await comes(row.comes)];
    const [found] = findings;
    assert.is(came, row.comes, 'the packets');
    assert.equal(said(findings), [row.doctor], JSON.stringify(findings));
    assert.match(found?.says ?? '', row.says);
    if (found?.verdict === 'ok' || row.isByHand === true) return;
    const command = (found?.remedy ?? '').split('; to keep it')[0] ?? '';
    await router.run('sh', '-c', command);
    assert.is(await comes('pinholes'), 'pinholes', `the packets, after ${command}`);
    const after = await doctor();
    assert.equal(said(after), ['ok'], `after ${command}: ${JSON.stringify(after)}`);
  });

  const OPENINGS: readonly Opening[] = [
    {
      name: 'to UDP: what it drops is of TCP',
      rules: 'iifname "wan0" tcp flags syn / syn,ack drop',
      policy: 'accept',
      open: ['UDP to br-lan', 'UDP to br-guest'],
      doctor: 'warn',
      says: /^nothing filters what is forwarded over IPv6 by UDP to br-lan, UDP to br-guest: /,
    },
    {
      name: 'to TCP: what it drops is of UDP',
      rules: 'iifname "wan0" meta l4proto udp drop',
      policy: 'accept',
      open: ['TCP to br-lan', 'TCP to br-guest'],
      doctor: 'warn',
      says: /by TCP to br-lan, TCP to br-guest: /,
    },
    {
      name: 'to a LAN',
      rules: 'iifname "wan0" oifname "br-guest" accept',
      policy: 'drop',
      open: ['TCP to br-guest', 'UDP to br-guest'],
      doctor: 'warn',
      says: /by TCP and UDP to br-guest: /,
    },
    {
      name: 'to a protocol in a LAN',
      rules: 'iifname "wan0" oifname "br-lan" meta l4proto udp accept',
      policy: 'drop',
      open: ['UDP to br-lan'],
      doctor: 'warn',
      says: /by UDP to br-lan: /,
    },
    {
      name: 'to a prefix, which may be a whole LAN',
      rules: `iifname "wan0" ip6 daddr ${GUEST_LAN6}/64 accept`,
      policy: 'drop',
      open: ['TCP to br-guest', 'UDP to br-guest'],
      doctor: 'warn',
      says: /^whether the firewall keeps out IPv6 connections without a pinhole .*br-guest depends on .*ip6 daddr/,
    },
    {
      name: 'to nothing: a prefix that no host is reached at',
      rules: 'iifname "wan0" ip6 daddr fc00::/7 accept',
      policy: 'drop',
      open: [],
      doctor: 'ok',
      says: /, and others by its own rules: ip6 daddr fc00::\/7$/,
    },
    {
      name: 'to all senders, by their prefix',
      rules: 'iifname "wan0" ip6 saddr 2000::/3 accept',
      policy: 'drop',
      open: ['TCP to br-lan', 'UDP to br-lan', 'TCP to br-guest', 'UDP to br-guest'],
      doctor: 'warn',
      says: /^nothing filters the IPv6 packets/,
    },
    {
      name: 'to one port',
      rules: 'iifname "wan0" tcp dport 8081 accept',
      policy: 'drop',
      open: ['TCP to br-lan', 'TCP to br-guest'],
      doctor: 'ok',
      says: /^2 open; .* label \(113\), and others by its own rules: .*tcp dport/,
    },
    { name: 'to nothing', rules: '', policy: 'drop', open: [], doctor: 'ok', says: /, and no others$/ },
  ];
  const HOSTS = [
    { lan: 'br-lan', address: ALICE6, tcp: web[8081], udp: datagrams[8081] },
    {
      lan: 'br-guest',
      address: CAROL6,
      tcp: await carol.listen(8081, '::'),
      udp: await carol.udp({ address: '::', port: 8081 }),
    },
  ];
  cases('a firewall that is open', OPENINGS, async ({ rules, policy, open, doctor: verdict, says }) => {
    await load({ name: '', nft: table(`ct label 113 accept; ${rules}`, policy), comes: 'all', doctor: 'ok', says });
    const found = await doctor();
    const came: string[] = [];
    for (const { lan, address, tcp, udp } of HOSTS) {
      const within = (what: string): number => (open.includes(`${what} to ${lan}`) ? DEADLINE_MS : SILENCE_MS);
      const connected = await outside.connect(address, 8081, { withinMs: within('TCP') });
      if (connected.kind === 'connected') {
        came.push(`TCP to ${lan}`);
        connected.connection.close();
        await tcp.accept();
      }
      const caller = await outside.udp({ address: OUTSIDE6 });
      udp.drain();
      caller.sendText('passing', address, 8081);
      if ((await udp.receive(within('UDP'))) !== null) came.push(`UDP to ${lan}`);
      caller.close();
    }
    assert.equal(came.toSorted(), open.toSorted(), 'the packets');
    assert.equal(said(found), [verdict], JSON.stringify(found));
    assert.match(found[0]?.says ?? '', says, found[0]?.says);
  });

  let running = server;
  claims('what else pinholes need', {
    'in order, nothing is to be looked at': async () => {
      await load({ name: '', nft: FIREWALL6, comes: 'pinholes', doctor: 'ok', says: /./ });
      assert.equal(said(await doctor()), ['ok']);
    },
    forwarding: async () => {
      await router.run('sh', '-c', 'echo 0 > /proc/sys/net/ipv6/conf/all/forwarding');
      const [found] = await doctor();
      assert.is(`${found?.verdict}`, 'fail');
      assert.is(await passes(8080, false), false);
      await router.run('sh', '-c', (found?.remedy ?? '').split(',')[0] ?? '');
      assert.is(await comes('pinholes'), 'pinholes');
    },
    'a default route': async () => {
      await lab.ip(`-6 route del default`);
      const [found] = await doctor();
      assert.match(`${found?.verdict} ${found?.says}`, /^warn there is no default route of IPv6/);
    },
    '... through the interface that the ruleset names': async () => {
      await lab.ip('link add sit-he type bridge');
      await lab.ip('link set sit-he up');
      await lab.ip('-6 route add default dev sit-he');
      const [found] = await doctor();
      assert.match(
        `${found?.verdict} ${found?.says}`,
        /^warn the default route of IPv6 goes through sit-he, and pinholes let in what arrives on wan0$/,
      );
      assert.match(found?.remedy ?? '', /--pinhole-interface sit-he/);
      await lab.ip('link del sit-he');
      await lab.ip(`-6 route add default via ${OUTSIDE6}`);
    },
    'a global address in each LAN': async () => {
      await lab.ip(`addr del ${ROUTER6}/64 dev br-lan`);
      const [found] = await doctor();
      assert.match(`${found?.verdict} ${found?.says}`, /^warn br-lan has no global IPv6 address/);
      await lab.ip(`addr add ${ROUTER6}/64 dev br-lan nodad`);
      assert.equal(said(await doctor()), ['ok']);
    },
    'rules for IPv4 addresses: what they deny is open over IPv6, as a line in the log, doctor and check-config say':
      async () => {
        await server.stop();
        const path = join(lab.folder, 'gateway.conf');
        writeFileSync(path, 'rule = deny mac 02:00:00:00:00:07\n');
        const ruled = await Server.start(lab, [...LANS, '--pinholes', '--config', path]);
        const lines = () => ruled.log.split('\n').filter((line) => line.includes('do not hold over IPv6'));
        assert.equal([lines(), said(await doctor())], [[], ['ok']]);
        writeFileSync(path, 'rule = deny 192.168.2.0/24\n');
        process.kill(ruled.launcher, 'SIGHUP');
        await until('the rules are in force', () => Promise.resolve(lines().length > 0));
        const guest = await PcpClient.open(carol, CAROL6, onLan(ROUTER6_LOCAL));
        assert.is((await guest.map(8080, { lifetime: 7200 })).result, 0);
        const [found, ...more] = await doctor();
        assert.match(
          `${found?.verdict} ${found?.says}`,
          /^warn rules for IPv4 addresses \(192\.168\.2\.0\/24\) do not hold/,
        );
        assert.equal(more, []);
        const checked = await router.run(process.execPath, CTL, 'check-config', path);
        assert.match(checked.stderr, /^natpmpctl: warning: .*192\.168\.2\.0\/24/);
        await ruled.stop();
        running = await Server.start(lab, [...LANS, '--pinholes', '--config', path]);
        await running.logs(/do not hold over IPv6/);
        assert.is(running.log.split('do not hold over IPv6').length, 2, running.log);
      },
    'IPv6 that is turned off is no fault': async () => {
      await router.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6');
      assert.equal(
        (await doctor()).map(({ verdict, says }) => `${verdict} ${says}`),
        ['ok on, but IPv6 is turned off (net.ipv6.conf.all.disable_ipv6)'],
      );
    },
    'without --pinholes nothing is said of them': async () => {
      await running.stop();
      const plain = await Server.start(lab, LANS);
      assert.equal(await doctor(), []);
      await plain.stop();
    },
  });
}
