// What natpmpctl doctor says of a firewall, and what becomes of real packets in it: both must agree. And what it says
// to do is done, to the letter: then the packets come through, and doctor is content.

import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Finding } from '../../cli/natpmpctl/finding.js';
import { cases, claims, skip } from '../support/cases.js';
import { EXTERNAL, openLab, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { run } from '../support/run.js';
import { Server } from '../lab/server.js';
import { CONDITIONS, type Firewall, PLACES, WHOLE } from './firewalls.js';
import { IPTABLES } from './firewalls-iptables.js';

const CTL = join(import.meta.dirname, '../../cli/natpmpctl.js');
/** How long a packet that should not come may take, and one that should, in milliseconds. */
const [SILENCE_MS, DEADLINE_MS] = [250, 15_000];
const lab = await openLab();

if (lab !== null) {
  const { alice, outside, router } = lab;
  // Not "nat", which is that of iptables.
  const server = await Server.start(lab, ['--nat-table', 'natpmp']);
  const asker = await Asker.open(alice, ROUTER);
  for (const protocol of ['tcp', 'udp'] as const)
    assert.is((await asker.map(protocol, 80, 8080, 3600)).externalPort, 8080);
  const [web, datagrams] = [await alice.listen(80), await alice.udp({ port: 80 })];

  const inRouter = (program: string, input = '', args: readonly string[] = []): Promise<string> =>
    router.namespace.must(program, args, input);
  const doctor = async (): Promise<readonly Finding[]> => {
    const { stdout, stderr } = await router.run(process.execPath, CTL, 'doctor', '--json', '--socket', server.socket);
    if (stdout === '') throw new Error(`natpmpctl doctor: ${stderr}`);
    return (JSON.parse(stdout) as Finding[]).filter(({ check }) => check === 'firewall');
  };
  const load = async ({ nft = '', iptables }: Firewall): Promise<void> => {
    const tables = (await inRouter('nft', '', ['list', 'tables']))
      .split('\n')
      .filter((line) => !/^(table (inet natpmp|ip lab))?$/.test(line));
    await lab.nft(`${tables.map((line) => `delete ${line}\n`).join('')}${nft}`);
    if (iptables !== undefined) await inRouter('iptables-nft-restore', iptables);
  };

  const tcpPasses = async (withinMs: number): Promise<boolean> => {
    const connected = await outside.connect(EXTERNAL, 8080, { withinMs });
    if (connected.kind === 'failed') return false;
    connected.connection.close();
    return (await web.accept()) !== null;
  };
  const udpPasses = async (withinMs: number): Promise<boolean> => {
    const caller = await outside.udp();
    datagrams.drain();
    caller.sendText('passing', EXTERNAL, 8080);
    const passed = (await datagrams.receive(withinMs)) !== null;
    caller.close();
    return passed;
  };
  /** What comes through: it waits long for what should, and a moment for what should not. */
  const packets = async (expected: Firewall['packets']): Promise<Firewall['packets']> => {
    const within = (protocol: 'tcp' | 'udp'): number =>
      expected === 'both' || expected === protocol ? DEADLINE_MS : SILENCE_MS;
    const [tcp, udp] = await Promise.all([tcpPasses(within('tcp')), udpPasses(within('udp'))]);
    return tcp ? (udp ? 'both' : 'tcp') : udp ? 'udp' : 'none';
  };

  /** Returns what doctor says to do, as commands. */
  const agree = async (row: Firewall): Promise<string> => {
    await load(row);
    const [findings, came] = await Promise.all([doctor(), packets(row.packets)]);
    const [found] = findings;
    assert.is(came, row.packets, 'the packets');
    const want = row.doctor ?? (row.packets === 'both' ? 'ok' : 'fail');
    assert.equal(
      findings.map(({ verdict }) => verdict),
      [want],
      JSON.stringify(findings),
    );
    assert.match(found?.says ?? '', row.says ?? /./);
    return (found?.remedy ?? '').split('; to keep it')[0] ?? '';
  };

  /** The same, and what doctor says to do. */
  const mend = async (row: Firewall): Promise<void> => {
    const commands = await agree(row);
    if (row.packets === 'both' || (row.doctor ?? 'fail') !== 'fail') return;
    await router.run('sh', '-c', commands);
    const [after, comes] = await Promise.all([doctor(), packets('both')]);
    assert.is(comes, 'both', `the packets, after ${commands}`);
    assert.equal(
      after.map(({ verdict }) => verdict),
      ['ok'],
      `after ${commands}: ${JSON.stringify(after)}`,
    );
  };

  cases('a firewall that programs and guides make', WHOLE, mend);
  // All in one chain, so that what to do is the same for all.
  cases('a condition', CONDITIONS, async (row) => void (await agree(row)));
  cases('a chain', PLACES, mend);

  if ((await run('iptables-nft-restore', ['--version']).catch(() => null)) === null)
    skip('firewalls of iptables', 'iptables-nft-restore is not installed');
  else {
    cases('a firewall of iptables', IPTABLES, mend);
    claims('a firewall of iptables', {
      'what doctor says to do leaves a table that iptables can read: with a rule of nft in it, Docker would fail':
        async () => {
          await load({ name: '', iptables: IPTABLES[0]?.iptables ?? '', packets: 'none' });
          const [found] = await doctor();
          assert.match(
            found?.remedy ?? '',
            /^iptables -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT; to keep it, .*DOCKER-USER/,
          );
          await router.run('sh', '-c', (found?.remedy ?? '').split(';')[0] ?? '');
          const { status, stdout } = await router.run('iptables-nft', '-S', 'FORWARD');
          assert.is(status, 0);
          assert.match(
            stdout,
            /^-P FORWARD DROP\n-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT\n-A FORWARD -j DOCKER-USER\n/,
          );
        },
    });
  }
}
