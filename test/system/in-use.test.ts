// Ports that the router needs itself: what comes from outside for an address of the router, looked at while the
// gateway serves.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, claims } from '../support/cases.js';
import { tcpFlow, until } from '../lab/flows.js';
import { ALICE, EXTERNAL, openLab, ROUTER } from '../lab/lab.js';
import { Asker } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';

/** A look, and the reload that follows it; with air for a busy machine. */
const NOTICED_MS = 40_000;
/** What forwards, but not from outside: a transparent proxy of the LAN, and of the router's own connections. */
const PROXY = `table inet proxy {
  chain prerouting { type nat hook prerouting priority dstnat; iifname "br-lan" tcp dport 1-65535 tcp dport != 22 redirect to :1080; };
  chain output { type nat hook output priority -100; tcp dport 1-65535 meta skuid 4711 redirect to :1080; };
}`;
const LISTEN = `
  const [kind, address, from, count, step, uid] = process.argv.slice(1);
  process.setuid(Number(uid));
  const dgram = require('node:dgram'), net = require('node:net');
  let left = Number(count);
  for (let at = 0; at < Number(count); at++) {
    const port = Number(from) + at * Number(step);
    const ready = () => { if (--left === 0) console.log('listening'); };
    if (kind === 'tcp') net.createServer().listen(port, address, ready);
    else dgram.createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', reuseAddr: false }).bind({ port, address, exclusive: true }, ready);
  }`;

const lab = await openLab();

if (lab !== null) {
  const { router } = lab;
  /** A service of the router, which ends with \`stop\`. */
  const service = async (kind: 'tcp' | 'udp', address: string, port: number, { count = 1, step = 1, uid = 0 } = {}) => {
    const [enter, ...rest] = router.namespace.entranceUntilOurEnd('SIGKILL');
    const args = [kind, address, port, count, step, uid].map(String);
    const child = spawn(enter, [...rest, process.execPath, '-e', LISTEN, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    atEnd(() => void child.kill('SIGKILL'));
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    assert.is(child.exitCode, null, 'it could not listen');
    return async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
  };
  const flags = ['--max-mappings-per-ip', '1000'];
  await lab.nft(PROXY);
  const served = await service('tcp', '::', 8100);
  const server = await Server.start(lab, flags);
  const alice = await Asker.open(lab.alice, ROUTER);
  const externalPort = async (port: number, protocol: 'tcp' | 'udp' = 'tcp') =>
    (await alice.map(protocol, port, port, 600)).externalPort;
  const admin = (...args: readonly string[]) =>
    router.run(
      process.execPath,
      join(import.meta.dirname, '../../cli/natpmpctl.js'),
      ...args,
      '--socket',
      server.adminSocket,
    );
  const clear = async () => {
    for (const protocol of ['tcp', 'udp'] as const) await alice.unmap(protocol, 0);
  };
  /** Resolves once the launcher has told of the port, and both daemons have read it. */
  const isReserved = async (port: number): Promise<void> => {
    await until(
      `${port} is reserved:\n${server.log}`,
      async () => {
        const is = (await externalPort(port)) !== port;
        await alice.unmap('tcp', port);
        return is;
      },
      NOTICED_MS,
    );
  };

  claims('ports that the router needs', {
    'a service that starts while we serve: another port is given, and what was mapped there ends, and is told':
      async () => {
        assert.is(await externalPort(8443), 8443);
        assert.is(await externalPort(8300), 8300);
        const { epoch } = await alice.info();
        const stop = await service('tcp', '0.0.0.0', 8443);
        await until(
          `the mapping ends:\n${server.log}`,
          async () => !(await server.mappings()).includes(`tcp 8443 -> ${ALICE}:8443`),
          NOTICED_MS,
        );
        await server.logs(/"ports":\["8443"\]/);
        await server.logs(/"externalPort":8443,[^\n]*"msg":"removed"/);
        // The host asks again, as clients do, and gets a port that works.
        const web = await lab.alice.listen(8443);
        const other = await externalPort(8443);
        assert.is.not(other, 8443);
        await tcpFlow(lab.outside, EXTERNAL, other, web);
        web.close();
        // Nobody else is concerned.
        assert.ok((await server.mappings()).includes(`tcp 8300 -> ${ALICE}:8300`));
        assert.ok((await alice.info()).epoch >= epoch, '§3.6 the epoch goes on');
        await stop();
        await clear();
      },
    'a transparent proxy of the LAN and of the router reserves nothing': async () => {
      const web = await lab.alice.listen(8090);
      assert.is(await externalPort(8090), 8090);
      await tcpFlow(lab.outside, EXTERNAL, 8090, web);
      web.close();
      await clear();
    },
    'a service on IPv6 that takes IPv4 as well counts': async () => {
      assert.is.not(await externalPort(8100), 8100);
      await clear();
    },
    'one that ends frees its port': async () => {
      await served();
      await until(
        '8100 is free',
        async () => {
          const is = (await externalPort(8100)) === 8100;
          await clear();
          return is;
        },
        NOTICED_MS,
      );
    },
    'a container that publishes a port while we serve': async () => {
      assert.is(await externalPort(8444), 8444);
      await lab.nft(
        'table ip containers { chain prerouting { type nat hook prerouting priority -100; fib daddr type local tcp dport 8444 dnat to 172.17.0.2; }; }',
      );
      await isReserved(8444);
      assert.not.ok((await server.mappings()).some((line) => line.startsWith('tcp 8444 ')));
      await lab.nft('delete table ip containers');
      await clear();
    },
    'a forward of iptables-legacy, of which no event tells': async () => {
      const rule = ['PREROUTING', '-i', 'wan0', '-p', 'tcp', '--dport', '8446', '-j', 'DNAT', '--to', '192.168.1.3:80'];
      assert.is(await externalPort(8446), 8446);
      // Not by asking for the port: so many mappings overflow the launcher's socket, which counts as a change of rules.
      const says = (line: RegExp) =>
        until(`${line} in the log:\n${server.log}`, async () => line.test(server.log), 2 * NOTICED_MS);
      await router.run('iptables-legacy', '-t', 'nat', '-A', ...rule);
      await says(/"ports":\["8446"\],"msg":"the router needs these itself/);
      // The table is there already: only the rule is new.
      const more = rule.map((word) => (word === '8446' ? '8447' : word));
      await router.run('iptables-legacy', '-t', 'nat', '-A', ...more);
      await says(/"ports":\["8447"\],"msg":"the router needs these itself/);
      await until(
        'the mapping ends',
        async () => !(await server.mappings()).some((line) => line.startsWith('tcp 8446 ')),
        NOTICED_MS,
      );
      assert.is.not(await externalPort(8447), 8447);
      assert.not.match((await admin('doctor', '--json')).stdout, /the daemons do not know/);
      await router.run('iptables-legacy', '-t', 'nat', '-F', 'PREROUTING');
      await says(/"ports":\["8446-8447"\],"msg":"the router needs these no more/);
      await clear();
    },
    'what the administrator mapped stays, and doctor tells of it': async () => {
      const added = await admin('add', 'tcp', '8500', `${ALICE}:8500`);
      assert.is(added.status, 0, added.stderr);
      const stop = await service('tcp', '0.0.0.0', 8500);
      await until('8500 is noticed', async () => /"ports":\["8500"\]/.test(server.log), NOTICED_MS);
      assert.ok((await server.mappings()).includes(`tcp 8500 -> ${ALICE}:8500`));
      const { stdout } = await admin('doctor', '--json');
      assert.match(stdout, /the router itself (?:serves|needs)[^"]*8500/);
      await stop();
      await admin('revoke', '--yes', '--static', '--port', 'tcp/8500');
      await clear();
    },
    'a rule whose ports cannot be read is told in the log, and by doctor': async () => {
      await lab.nft(
        'table inet odd { chain prerouting { type nat hook prerouting priority -100; iifname "wan0" meta mark 7 dnat ip to 10.9.9.9; }; }',
      );
      const told = /chain prerouting of table inet odd forwards what has meta mark 7/;
      await until('it is told', async () => told.test(server.log), NOTICED_MS);
      assert.match((await admin('doctor', '--json')).stdout, told);
      assert.is(await externalPort(8600), 8600);
      await lab.nft('delete table inet odd');
      await clear();
    },
    "a user's sockets take 256 ports at most": async () => {
      const stop = await service('udp', '0.0.0.0', 20_000, { count: 600, step: 2, uid: 65534 });
      await until(
        'they are noticed',
        async () => /user 65534 has sockets on more than 256/.test(server.log),
        NOTICED_MS,
      );
      await isReserved(20_000);
      assert.is(await externalPort(20_000 + 2 * 256), 20_000 + 2 * 256);
      assert.is(await externalPort(20_001), 20_001);
      await clear();
      await stop();
    },
  });

  claims('10,000 sockets on every other port', {
    'cost neither a reload nor a start more than seconds; a mapping between them stays, and so does the epoch':
      async () => {
        const stop = await service('udp', '0.0.0.0', 20_000, { count: 10_000, step: 2 });
        await isReserved(20_000);
        assert.is(await externalPort(20_001), 20_001);
        const { epoch } = await alice.info();
        const reloads = () => server.log.split('"msg":"configuration reloaded"').length - 1;
        const before = reloads();
        const pids = [server.pid('helper'), server.pid('frontend')];
        const from = performance.now();
        server.signal('SIGHUP');
        await until('both daemons have read it', async () => reloads() >= before + 2, NOTICED_MS);
        assert.is(await externalPort(20_003), 20_003);
        assert.ok(performance.now() - from < 3000, `SIGHUP: ${performance.now() - from} ms`);
        assert.equal([server.pid('helper'), server.pid('frontend')], pids, 'no daemon was restarted');

        assert.is(await server.stop(), 0);
        const started = performance.now();
        const again = await Server.start(lab, flags);
        assert.ok(performance.now() - started < 10_000, `start: ${performance.now() - started} ms`);
        assert.ok((await again.mappings()).includes(`tcp 20001 -> ${ALICE}:20001`));
        assert.ok((await alice.info()).epoch >= epoch, '§3.6 the epoch goes on');
        // One of the ports becomes the router's own while nothing runs: its mapping ends, alone.
        assert.is(await again.stop(), 0);
        await stop();
        const taken = await service('tcp', '0.0.0.0', 20_001);
        const third = await Server.start(lab, flags);
        assert.equal(await third.mappings(), [`tcp 20003 -> ${ALICE}:20003`]);
        assert.ok((await alice.info()).epoch >= epoch, '§3.6 the epoch goes on');
        await taken();
        assert.is(await third.stop(), 0);
      },
  });
}
