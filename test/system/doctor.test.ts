// natpmpctl doctor on a real router: in order, and with each thing broken that can be broken here.

import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import { cases, claims } from '../support/cases.js';
import { EXTERNAL, openLab, OUTSIDE, ROUTER, setExternal } from '../lab/lab.js';
import { Server } from '../lab/server.js';

const CTL = join(import.meta.dirname, '../../cli/natpmpctl.js');
const lab = await openLab();

if (lab !== null) {
  const server = await Server.start(lab);
  const doctor = async (...args: readonly string[]): Promise<{ status: number; findings: readonly Finding[] }> => {
    const { status, stdout, stderr } = await lab.router.run(
      process.execPath,
      CTL,
      'doctor',
      '--json',
      '--socket',
      server.socket,
      ...args,
    );
    if (stdout === '') throw new Error(`natpmpctl doctor: exit ${status}: ${stderr}`);
    return { status, findings: JSON.parse(stdout) as Finding[] };
  };
  /** "fail forwarding" for what is wrong; a state folder in memory is this machine's affair. */
  const wrong = (findings: readonly Finding[]): string[] =>
    findings
      .filter(({ verdict, says }) => (verdict === 'fail' || verdict === 'warn') && !says.includes('is in memory'))
      .map(({ verdict, check }) => `${verdict} ${check}`);
  const sysctl = (path: string, value: string) => lab.router.run('sh', '-c', `echo ${value} > /proc/sys/${path}`);

  claims('a router in order', {
    'nothing is wrong, exit 0; everything was looked at but a request from the LAN': async () => {
      const { status, findings } = await doctor();
      assert.equal(wrong(findings), []);
      assert.is(status, 0);
      assert.equal(
        findings.filter(({ verdict }) => verdict === 'unknown').map(({ check }) => check),
        ['request'],
      );
      const says = (check: string) => findings.find((finding) => finding.check === check)?.says ?? '';
      assert.is(says('socket'), `${ROUTER}:5351/udp is open, the frontend holds it, and read`);
      assert.is(says('external'), `wan0 is up and has ${EXTERNAL}/24; the default route goes through it`);
      assert.is(says('ruleset'), 'the ruleset NATPMP is in table inet nat');
    },
    'for people, within 80 columns': async () => {
      const { stdout } = await lab.router.run(process.execPath, CTL, 'doctor', '--socket', server.socket);
      for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
      assert.match(stdout, /^ok {4}helper {6}answers: pid \d+/);
    },
  });

  interface Broken {
    readonly name: string;
    readonly want: readonly string[];
    readonly remedy: RegExp;
    readonly break: () => Promise<unknown>;
    readonly mend: () => Promise<unknown>;
    readonly args?: readonly string[];
  }
  const BROKEN: readonly Broken[] = [
    {
      name: 'forwarding is off',
      want: ['fail forwarding'],
      remedy: /ip_forward=1/,
      break: () => sysctl('net/ipv4/ip_forward', '0'),
      mend: () => sysctl('net/ipv4/ip_forward', '1'),
    },
    {
      name: 'forwarding is off for the LAN',
      want: ['fail forwarding'],
      remedy: /conf\/br-lan\/forwarding=1/,
      args: ['--listen-interface', 'br-lan'],
      break: () => sysctl('net/ipv4/conf/br-lan/forwarding', '0'),
      mend: () => sysctl('net/ipv4/conf/br-lan/forwarding', '1'),
    },
    {
      name: 'a firewall that drops forwarded packets',
      want: ['fail firewall'],
      remedy: /^nft insert rule inet fw forward ct status dnat accept/,
      break: () =>
        lab.nft(
          'table inet fw { chain forward { type filter hook forward priority 10; policy drop; ct state ' +
            'established,related accept; iifname "br-lan" accept; }; }',
        ),
      mend: () => lab.nft('delete table inet fw'),
    },
    {
      name: 'Docker: iptables in nftables',
      want: ['fail firewall'],
      remedy: /^iptables -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT; to keep it, /,
      break: () =>
        lab.nft(
          'table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; oifname ' +
            '"docker0" accept; }; }',
        ),
      mend: () => lab.nft('delete table ip filter'),
    },
    {
      name: 'a firewall that depends on marks',
      want: ['warn firewall'],
      remedy: /^nft insert rule inet fw forward ct status dnat accept/,
      break: () =>
        lab.nft(
          'table inet fw { chain forward { type filter hook forward priority 10; policy drop; ct mark 7 accept; }; }',
        ),
      mend: () => lab.nft('delete table inet fw'),
    },
    {
      name: 'no external address',
      want: ['fail external'],
      remedy: /DHCP or PPP/,
      break: () => setExternal(lab, null),
      mend: () => setExternal(lab, EXTERNAL),
    },
    {
      name: 'behind carrier NAT',
      want: ['warn route', 'warn double NAT'],
      remedy: /without one nothing/,
      break: async () => {
        await setExternal(lab, null);
        await lab.ip('addr add 100.64.0.9/24 dev wan0');
      },
      mend: () => setExternal(lab, EXTERNAL),
    },
    {
      name: 'the default route is another',
      want: ['warn route'],
      remedy: /is --external-interface br-lan meant/,
      break: async () => {
        await lab.ip('route del default');
        await lab.ip('route add default via 192.168.1.2');
      },
      mend: async () => {
        await lab.ip('route del default');
        await lab.ip(`route add default via ${OUTSIDE}`);
      },
    },
    {
      name: 'a state folder that others may read',
      want: ['warn state'],
      remedy: /^chmod 700 /,
      break: async () => chmodSync(server.stateDir, 0o755),
      mend: async () => chmodSync(server.stateDir, 0o700),
    },
  ];

  cases('what is broken is found, exit 1 where it fails, and mended it is gone', BROKEN, async (row) => {
    await row.break();
    const { status, findings } = await doctor(...(row.args ?? [])).finally(row.mend);
    assert.equal(wrong(findings), row.want);
    assert.match(
      findings.find(({ remedy, verdict }) => verdict !== 'unknown' && remedy !== null)?.remedy ?? '',
      row.remedy,
    );
    assert.is(status, row.want.some((each) => each.startsWith('fail')) ? 1 : 0);
  });

  const TOLD: readonly (Pick<Broken, 'name' | 'want' | 'remedy'> & { readonly args: readonly string[] })[] = [
    {
      name: 'an interface that is not there',
      want: ['fail external'],
      remedy: /one of: br-lan, lo, .*wan0/,
      args: ['--external-interface', 'wan7'],
    },
    {
      name: 'another port than the one that is open',
      want: ['fail socket'],
      remedy: /start natpmp-server/,
      args: ['--listen-port', '5353'],
    },
    {
      name: 'another table',
      want: ['fail ruleset'],
      remedy: /which installs it/,
      args: ['--nat-table', 'lab'],
    },
    {
      name: 'another chain',
      want: ['fail ruleset'],
      remedy: /which installs it/,
      args: ['--nat-chain', 'PMP2'],
    },
    {
      name: 'a state folder that is not there',
      want: ['fail state'],
      remedy: /is --state-dir another one/,
      args: ['--state-dir', '/nowhere'],
    },
  ];
  const doctored = await Promise.all(TOLD.map(({ args }) => doctor(...args)));

  cases(
    'flags say where to look',
    TOLD.map((row, index) => ({ ...row, index })),
    ({ want, remedy, index }) => {
      const { status, findings } = doctored[index] ?? { status: 0, findings: [] };
      assert.equal(wrong(findings), want);
      assert.match(findings.find(({ verdict }) => verdict === 'fail')?.remedy ?? '', remedy);
      assert.is(status, 1);
    },
  );

  claims('a gateway that has stopped', {
    'all mended, there is nothing wrong again': async () => assert.equal(wrong((await doctor()).findings), []),
    'helper, frontend and socket fail; given the names, the rest is still seen': async () => {
      await server.stop();
      const { status, findings } = await doctor(
        '--external-interface',
        'wan0',
        '--listen-interface',
        'br-lan',
        '--state-dir',
        server.stateDir,
      );
      assert.is(status, 1);
      assert.equal(wrong(findings), ['fail helper', 'fail frontend', 'fail socket']);
      assert.ok(findings.some(({ check, verdict }) => check === 'external' && verdict === 'ok'));
    },
  });
}
