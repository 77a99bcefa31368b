// Rules about hosts, and a configuration that changes while the gateway is asked without pause.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { claims } from '../support/cases.js';
import { until } from '../lab/flows.js';
import { brokenPromises, startLoad } from '../lab/busy-clients.js';
import { ALICE, BOB, EXTERNAL, openLab, REMOTE, ROUTER, setExternal } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

const lab = await openLab();

if (lab !== null) {
  const file = join(lab.folder, 'gateway.conf');
  // Only root can read it: the daemons get what natpmp-server has checked.
  const write = (...lines: readonly string[]): void => writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  const alice = await Asker.open(lab.alice, ROUTER);
  const bob = await Asker.open(lab.bob, ROUTER);
  const clear = async () => {
    for (const asker of [alice, bob]) for (const protocol of ['tcp', 'udp'] as const) await asker.unmap(protocol, 0);
  };
  await lab.nft(`table inet hand { map web { type inet_service : ipv4_addr; elements = { 8400 : ${BOB} }; }
    chain prerouting { type nat hook prerouting priority dstnat; iifname "wan0" dnat ip to tcp dport map @web; }; }`);

  write(`rule = allow ${ALICE} ports 6881-6883,8400,51413 max-mappings 3 max-lifetime 600`, 'default-rule = deny');
  const server = await Server.start(lab, ['--config', file]);
  /** The line of each process, after a reload. */
  const lines = (message: string): number => server.log.split(`"msg":"${message}`).length - 1;

  const reload = async (message: string, ...text: readonly string[]) => {
    const before = lines(message);
    if (text.length > 0) write(...text);
    server.signal('SIGHUP');
    const wanted = message.startsWith('configuration') ? 3 : 1;
    await until(message, async () => lines(message) >= before + wanted);
  };
  const bobIs = async (): Promise<string> =>
    /link\/ether (\S+)/.exec((await lab.bob.run('ip', '-o', 'link', 'show', 'dev', 'eth0')).stdout)?.[1] ?? '';

  claims('rules', {
    '§3.5 a host that no rule names is refused with 2, may ask for the address and delete': async () => {
      const { epoch: _, ...reply } = await bob.map('tcp', 80, 8080, 600);
      assert.equal(reply, { result: 2, internalPort: 80, externalPort: 0, lifetime: 0 });
      assert.is((await bob.info()).address, EXTERNAL);
      assert.is((await bob.unmap('tcp', 80)).result, 0);
    },
    'a host gets the ports of its rule alone, never longer than it says, up to its quota': async () => {
      const granted = [];
      for (const port of [6882, 80, 9000]) granted.push(await alice.map('tcp', port, port, 7200));
      assert.equal(
        granted.map(({ result, lifetime }) => [result, lifetime]),
        Array(3).fill([0, 600]),
      );
      assert.is(granted[0]?.externalPort, 6882);
      for (const { externalPort } of granted)
        assert.ok([6881, 6882, 6883, 51413].includes(externalPort), String(externalPort));
      assert.is((await alice.map('tcp', 9001, 9001, 600)).result, 4);
      await clear();
    },
    'D-6 a port that is forwarded by hand is not given, although the rule names it': async () => {
      assert.is.not((await alice.map('tcp', 8400, 8400, 600)).externalPort, 8400);
      await server.logs(/"ports":\[[^\]]*"8400"/);
      await clear();
    },
    'a dangerous internal port is refused': async () => {
      assert.is((await alice.map('tcp', 445, 6881, 600)).result, 2);
    },
    'by hardware address': async () => {
      await reload('configuration reloaded', `rule = deny mac ${await bobIs()}`, `rule = deny mac 02:00:00:00:00:07`);
      assert.is((await bob.map('tcp', 80, 8080, 600)).result, 2);
      assert.is((await alice.map('tcp', 80, 8080, 600)).result, 0);
      await clear();
    },
    'by hardware address, again and again, while addresses come and go': async () => {
      for (let round = 0; round < 20; round++) {
        await lab.ip(`addr ${round % 2 === 0 ? 'add' : 'del'} 203.0.113.77/32 dev wan0`);
        assert.is((await bob.map('tcp', 80, 8080, 600)).result, 2);
        assert.is((await alice.info()).result, 0);
      }
      await setExternal(lab, '203.0.113.99');
      await until(
        'the new address is heard of',
        async () => (await alice.info().catch(() => null))?.address === '203.0.113.99',
      );
      await setExternal(lab, EXTERNAL);
      await until('the old address is back', async () => (await alice.info().catch(() => null))?.address === EXTERNAL);
    },
  });

  claims('a reload', {
    'under load: everything is answered with success, and everything stays': async () => {
      write('max-mappings-per-ip = 5000');
      await reload('configuration reloaded');
      const pids = [server.pid('helper'), server.pid('frontend')];
      const epoch = (await alice.info()).epoch;
      const load = await startLoad(lab.alice, ALICE, 10_000);
      for (let round = 0; round < 8; round++) {
        await load.more(40);
        await reload(
          'configuration reloaded',
          `max-mappings-per-ip = ${5000 + round}`,
          `max-lifetime = ${86_000 + round}`,
          `rule = deny 192.168.1.${200 + round}`,
        );
        if (round === 3) await reload('not reloaded', 'max-mappings-per-ip = 0');
      }
      await load.more(40);
      const promises = await load.stop();
      assert.equal(promises.failures, []);
      assert.equal(brokenPromises(await server.mappings(), [promises]), []);
      assert.equal([server.pid('helper'), server.pid('frontend')], pids);
      assert.ok((await alice.info()).epoch >= epoch, '§3.6 the epoch goes on');
      await clear();
    },
    'of the allowed ports: a host whose source port is held outside gets another of these': async () => {
      await reload('configuration reloaded', 'allowed-ports = 1024-65535');
      await alice.map('udp', 80, 8080, 600);
      const [there, neighbour] = [await lab.outside.udp({ address: REMOTE }), await lab.bob.udp({ port: 8080 })];
      const leaves = async (): Promise<number> => {
        await lab.router.run('conntrack', '-D', '-p', 'udp', '--orig-port-src', '8080');
        neighbour.sendText('hello', REMOTE, there.port);
        return (await there.receive())?.port ?? 0;
      };
      const isIn = (port: number): boolean => port >= 9000 && port <= 9015;
      assert.not.ok(isIn(await leaves()));
      const before = await server.mappings();
      await reload('configuration reloaded', 'allowed-ports = 9000-9015,9100-9101');
      assert.ok(isIn(await leaves()));
      assert.equal(await server.mappings(), before);
      there.close();
      neighbour.close();
      await clear();
      await reload('configuration reloaded', 'allowed-ports = 1024-65535');
    },
    '§3.7 what other rules granted stays until its end, and is not renewed': async () => {
      await alice.map('tcp', 80, 8080, 600);
      await bob.map('tcp', 81, 8081, 600);
      const before = await server.mappings();
      await reload('configuration reloaded', `rule = deny ${BOB}`, 'allowed-ports = 9000-9999');
      assert.equal(await server.mappings(), before);
      assert.equal(
        [(await alice.map('tcp', 80, 8080, 600)).result, (await bob.map('tcp', 81, 8081, 600)).result],
        [2, 2],
      );
      const other = await alice.map('tcp', 82, 8082, 600);
      assert.ok(other.result === 0 && other.externalPort >= 9000 && other.externalPort <= 9999, JSON.stringify(other));
      assert.equal([(await alice.unmap('tcp', 80)).result, (await bob.unmap('tcp', 81)).result], [0, 0], '§3.4');
      assert.is((await alice.map('tcp', 80, 9080, 600)).externalPort, 9080);
      await clear();
    },
    'a mistake is one line with its place, and changes nothing, also for a daemon that is started again': async () => {
      await reload('not reloaded', 'allowed-ports = 9000-9999', 'rule = deny everybody');
      await server.logs(/"complaints":\["[^"]*gateway\.conf:2: rule \\"deny everybody\\": /);
      await server.killOne('frontend');
      await server.answering();
      assert.is((await bob.map('tcp', 81, 8081, 600)).result, 2);
      assert.ok((await alice.map('tcp', 80, 1, 600)).externalPort >= 9000);
      await clear();
    },
    'what needs a restart is said': async () => {
      await reload('configuration reloaded', 'nat-table = other', 'log-level = info');
      await server.logs(/"settings":\["nat-table"\],"msg":"changed, but in force only after a restart"/);
    },
    'a forward that was made by hand meanwhile is spared from now on': async () => {
      assert.is((await alice.map('tcp', 8500, 8500, 600)).externalPort, 8500);
      await alice.unmap('tcp', 8500);
      await lab.nft(`add element inet hand web { 8500 : ${BOB} }`);
      await reload('configuration reloaded');
      assert.is.not((await alice.map('tcp', 8500, 8500, 600)).externalPort, 8500);
      await clear();
    },
    'an external address that must be public': async () => {
      await setExternal(lab, '100.64.0.10');
      await until('it is heard of', async () => (await alice.info().catch(() => null))?.address === '100.64.0.10');
      assert.is((await alice.map('tcp', 80, 8080, 600)).result, 0);
      await reload('configuration reloaded', 'require-public-address = yes');
      assert.equal(
        [
          (await alice.info()).result,
          (await alice.map('tcp', 80, 8080, 600)).result,
          (await alice.unmap('tcp', 80)).result,
        ],
        [3, 3, 0],
      );
      await server.logs(/"kind":"shared".*RFC 6598/);
    },
  });
}
