// natpmpctl doctor where UPnP is on: what it says of each thing that may be wrong, beside what a LAN host finds. And what
// it says to do is done: then searches are answered, and doctor is content.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import { until } from '../lab/flows.js';
import { SILENCE_MS } from '../lab/inbox.js';
import { EXTERNAL, openLab, ROUTER, setExternal } from '../lab/lab.js';
import { Server } from '../lab/server.js';
import { ControlPoint, discover, get, HTTP_PORT } from '../lab/upnp.js';
import { atEnd, cases, claims } from '../support/cases.js';

const CTL = join(import.meta.dirname, '../../cli/natpmpctl.js');
const LOCATION = `http://${ROUTER}:${HTTP_PORT}/igd.xml`;
const lab = await openLab();

if (lab !== null) {
  const { alice, router } = lab;
  /** With the router's own /sys, which a network namespace has only if it is mounted there. */
  const inRouter = (command: string) =>
    router.run('unshare', '-m', 'sh', '-c', `mount -t sysfs sysfs /sys && ${command}`);
  const server = await Server.start(lab, ['--upnp']);
  await until('natpmp-upnp is ready', async () => server.log.includes('"upnpPort"'));

  const doctor = async (...args: readonly string[]): Promise<readonly Finding[]> => {
    const words = [process.execPath, CTL, 'doctor', '--json', '--socket', server.socket, ...args];
    const { stdout, stderr } = await inRouter(`exec ${words.join(' ')}`);
    if (stdout === '') throw new Error(`natpmpctl doctor: ${stderr}`);
    return (JSON.parse(stdout) as Finding[]).filter(({ check }) => /^(UPnP|sandbox)/.test(check));
  };
  const wrong = (findings: readonly Finding[]): string[] =>
    findings.filter(({ verdict }) => verdict !== 'ok').map(({ verdict, check }) => `${verdict} ${check}`);
  /** What alice finds: by multicast, at the router's address, and whether she can read the description. */
  const found = async (isExpected: boolean): Promise<string> => {
    const withinMs = isExpected ? undefined : SILENCE_MS;
    const [group, own] = [
      await discover(alice, undefined, undefined, withinMs),
      await discover(alice, ROUTER, undefined, withinMs),
    ];
    const { status } = await get(alice, ROUTER, '/igd.xml');
    return [group === LOCATION ? 'group' : '', own === LOCATION ? 'address' : '', status === 200 ? 'document' : '']
      .filter((one) => one !== '')
      .join(' ');
  };
  const ALL = 'group address document';

  claims('UPnP in order', {
    'nothing is wrong, and a console is told what doctor says': async () => {
      const findings = await doctor();
      assert.equal(wrong(findings), [], JSON.stringify(findings));
      assert.equal(
        findings.map(({ says }) => says.replace(/^pid \d+, up \S+.*/, 'pid')),
        [
          'pid',
          `a search on br-lan finds ${LOCATION}: Connected, external address ${EXTERNAL}`,
          'no chain of others drops what UPnP needs (UDP 1900 to 239.255.255.250, UDP 1900, TCP 2869)',
          'the daemons have no right that they do not need',
        ],
      );
      assert.is(await found(true), ALL);
      const { values } = await new ControlPoint(alice, ROUTER).call('GetStatusInfo');
      assert.is(values['NewConnectionStatus'], 'Connected');
    },
  });

  interface Broken {
    readonly name: string;
    readonly want: readonly string[];
    readonly says: RegExp;
    readonly remedy: RegExp;
    /** What alice still finds. */
    readonly finds: string;
    readonly break: () => Promise<unknown>;
    /** Null: what the remedy says. */
    readonly mend: (() => Promise<unknown>) | null;
  }
  const firewall = (rules: string) =>
    lab.nft(
      'table inet fw { chain input { type filter hook input priority 0; policy drop; iifname lo accept; ' +
        `ct state established,related accept; udp dport 5351 accept; ${rules}; }; }`,
    );
  const withoutFirewall = () => lab.nft('delete table inet fw');
  let other: ReturnType<typeof spawn> | null = null;
  /** Another program with UDP 1900 at this address, that shares it, by this name. */
  const start = async (address: string, name = 'media-server'): Promise<void> => {
    const script =
      'const s = require("node:dgram").createSocket({ type: "udp4", reuseAddr: true });' +
      `s.bind(1900, ${JSON.stringify(address)}, () => { require("node:fs").writeFileSync("/proc/self/comm", ${JSON.stringify(name)}); console.log("bound") })`;
    const [program = '', ...args] = [...router.namespace.entrance, process.execPath, '-e', script];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    other = child;
    atEnd(() => void child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout?.once('data', resolve));
  };
  const stop = async (): Promise<void> => {
    const child = other;
    if (child === null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };

  const BROKEN: readonly Broken[] = [
    {
      name: 'a firewall drops searches',
      want: ['fail UPnP input'],
      says: /^chain input of table inet fw drops what UPnP needs \(UDP 1900 to 239\.255\.255\.250, UDP 1900 on br-lan\)$/,
      remedy: /^nft insert rule inet fw input iifname br-lan udp dport 1900 accept; to keep it/,
      finds: 'document',
      break: () => firewall(`tcp dport ${HTTP_PORT} accept`),
      mend: null,
    },
    {
      name: 'a firewall lets in what is for the router itself, and so no search by multicast',
      want: ['fail UPnP input'],
      says: /\(UDP 1900 to 239\.255\.255\.250 on br-lan\)$/,
      remedy: /udp dport 1900 accept/,
      finds: 'address document',
      break: () => firewall('iifname br-lan fib daddr type local accept'),
      mend: null,
    },
    {
      name: 'a firewall lets in searches by multicast alone',
      want: ['fail UPnP input'],
      says: /\(UDP 1900, TCP 2869 on br-lan\)$/,
      remedy: /udp dport 1900 accept; nft insert rule inet fw input iifname br-lan tcp dport 2869 accept/,
      finds: 'group',
      break: () => firewall('ip daddr 239.255.255.250 accept'),
      mend: null,
    },
    {
      name: 'a firewall drops what is asked after a search',
      want: ['fail UPnP input'],
      says: /\(TCP 2869 on br-lan\)$/,
      remedy: /^nft insert rule inet fw input iifname br-lan tcp dport 2869 accept/,
      finds: 'group address',
      break: () => firewall('udp dport 1900 accept'),
      mend: null,
    },
    {
      name: 'another program has the port at the address of the router',
      want: ['warn UPnP'],
      says: /^another program has UDP 1900 at 192\.168\.1\.1: /,
      remedy: /^ss -lnup 'sport = :1900'/,
      finds: 'group document',
      break: () => start(ROUTER),
      mend: stop,
    },
    {
      name: 'another gateway, by its name',
      want: ['warn UPnP'],
      says: /^another UPnP gateway runs here: miniupnpd \(pid \d+\)/,
      remedy: /enable_upnp=no/,
      finds: ALL,
      break: () => start('0.0.0.0', 'miniupnpd'),
      mend: stop,
    },
    {
      name: 'no external address',
      want: ['warn UPnP'],
      says: /: Disconnected, no external address; consoles see no Internet/,
      remedy: /see "external" above/,
      finds: ALL,
      break: async () => {
        await setExternal(lab, null);
        const control = new ControlPoint(alice, ROUTER);
        const status = async () => (await control.call('GetStatusInfo')).values['NewConnectionStatus'];
        await until('the console is told', async () => (await status()) === 'Disconnected');
      },
      mend: () => setExternal(lab, EXTERNAL),
    },
    {
      name: 'an external address that is not public',
      want: ['warn UPnP'],
      says: /^the external address 100\.64\.0\.9 is not a public one: programs that use miniupnpc map nothing$/,
      remedy: /see "double NAT" above/,
      finds: ALL,
      break: async () => {
        await setExternal(lab, null);
        await lab.ip('addr add 100.64.0.9/24 dev wan0');
        const control = new ControlPoint(alice, ROUTER);
        const told = async () => (await control.call('GetExternalIPAddress')).values['NewExternalIPAddress'];
        await until('the console is told', async () => (await told()) === '100.64.0.9');
      },
      mend: () => setExternal(lab, EXTERNAL),
    },
    {
      name: 'the LAN has no address',
      want: ['fail UPnP'],
      says: /^a search on br-lan finds no gateway$/,
      remedy: /^has br-lan an IPv4 address/,
      finds: '',
      break: () => lab.ip(`addr del ${ROUTER}/24 dev br-lan`),
      mend: () => lab.ip(`addr add ${ROUTER}/24 dev br-lan`),
    },
  ];

  cases('what is broken is found as a LAN host finds it, and mended it is gone', BROKEN, async (row) => {
    await row.break();
    const findings = await doctor();
    const came = await found(row.finds !== '');
    assert.equal(wrong(findings), row.want, JSON.stringify(findings));
    const finding = findings.find(({ verdict }) => verdict !== 'ok');
    assert.match(finding?.says ?? '', row.says);
    assert.match(finding?.remedy ?? '', row.remedy);
    assert.is(came, row.finds);
    if (row.mend !== null) await row.mend();
    else await inRouter((finding?.remedy ?? '').split(/; to keep it|, and/)[0] ?? '');
    await until('all is well again', async () => wrong(await doctor()).length === 0);
    assert.is(await found(true), ALL);
    if (row.want.includes('fail UPnP input')) await withoutFirewall();
  });

  claims('natpmp-upnp does not run', {
    'another program holds the port and does not share it': async () => {
      await server.stop();
      const script = 'require("node:dgram").createSocket("udp4").bind(1900, () => console.log("bound"))';
      const [program = '', ...args] = [...router.namespace.entrance, process.execPath, '-e', script];
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      atEnd(() => void child.kill('SIGKILL'));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const flags = ['--upnp', '--listen-interface', 'br-lan', '--external-interface', 'wan0'];
      const findings = await doctor(...flags, '--upnp-port', '2870');
      assert.equal(
        findings.filter(({ verdict, check }) => verdict === 'fail' && check === 'UPnP').map(({ says }) => says),
        [
          'natpmp-upnp is not seen: no program finds a UPnP gateway',
          'UDP 1900 on br-lan is held by another program, which does not share it',
          'nobody listens on TCP 2870 of br-lan',
        ],
      );
      child.kill('SIGKILL');
    },
  });
}
