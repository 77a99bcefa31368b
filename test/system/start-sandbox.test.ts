// --sandbox and the demonstration behind `npm start`: as root and as nobody, and nothing is left of either.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { claims, skip } from '../support/cases.js';
import { nobodyIn } from '../support/nobody.js';
import type { Entry, Started } from './one-router.js';
import { folder, isAlive, PROGRAM, serving, start, until } from './one-router.js';

const PROJECT = join(import.meta.dirname, '../../..');
const { prefix: AS_NOBODY, project: REACHED } = nobodyIn(folder());
/** In front of a command: a network namespace with nothing but a loopback. */
const LOOPBACK = ['unshare', '--net', 'sh', '-c', 'ip link set lo up; exec "$@"', 'sh'] as const;
const script = (project: string, name: string): string => join(project, 'dist/cli', `${name}.js`);
const CLIENT = script(PROJECT, 'natpmp-client');
const CTL = script(PROJECT, 'natpmpctl');
const DEMO = script(PROJECT, 'demo');
/** Not the default, and not another test's: a demonstration may be running on this machine, or a second test run. */
const PORT = String(20_000 + (process.pid % 10_000));

function sandbox(prefix: readonly string[], project: string, ...args: readonly string[]): Started {
  const [program = '', ...rest] = [
    ...prefix,
    process.execPath,
    script(project, 'natpmp-server'),
    '--sandbox',
    '--listen-port',
    PORT,
    ...args,
  ];
  return start(program, rest);
}

/** Temporary folders of this test's own: others may be made meanwhile. */
const TEMPORARY = folder();
chmodSync(TEMPORARY, 0o1777);
process.env['TMPDIR'] = TEMPORARY;
const temporary = (): string[] => readdirSync(TEMPORARY).filter((name) => name.startsWith('natpmp-sandbox-'));
/** Every process of a sandbox that has logged these entries. */
const pidsOf = (log: readonly Entry[]): number[] =>
  log.flatMap((entry) => [
    ...(entry.msg === 'sandbox'
      ? [entry['pid'], (entry['lanHost'] as { pid: number }).pid, (entry['outsideHost'] as { pid: number }).pid]
      : []),
    ...(entry.child === undefined ? [] : [entry.child]),
  ]) as number[];
const client = (...args: readonly string[]): { status: number | null; stdout: string } =>
  spawnSync(process.execPath, [CLIENT, `localhost:${PORT}`, ...args], { encoding: 'utf8' });
const host = (): string =>
  ['nft list ruleset', 'ip -o link', 'ip -o addr', 'ip route']
    .map((command) =>
      execFileSync('sh', ['-c', command], { encoding: 'utf8' }).replaceAll(/valid_lft \S+ preferred_lft \S+/g, ''),
    )
    .join('\n--\n');

const canSandbox = (prefix: readonly string[]): boolean => {
  const [program = '', ...args] = [...prefix, 'unshare', '--user', '--map-root-user', '--net', 'true'];
  return spawnSync(program, args).status === 0;
};

if (process.getuid?.() !== 0) skip('the sandbox', 'not root');
else if (!canSandbox(AS_NOBODY)) skip('the sandbox without root', 'user namespaces are not allowed here');
else {
  for (const [who, prefix, project] of [
    ['root', [], PROJECT],
    ['nobody', AS_NOBODY, REACHED],
  ] as const) {
    claims(`sandbox, started by ${who}`, {
      "serves on the host's loopback; SIGTERM leaves nothing, and the host is as it was": async () => {
        const before = [host(), ...temporary()];
        const server = sandbox(prefix, project);
        await server.logged(serving);
        const mapped = client('map', '8080', '8080', 'tcp', '3600');
        assert.is(mapped.status, 0, mapped.stdout);
        assert.match(mapped.stdout, /external port 8080, for 3600 s/);
        assert.is(host(), before[0]);
        assert.is(await server.stop(), 0);
        await until('everything ends', () => !pidsOf(server.log).some(isAlive));
        assert.equal([host(), ...temporary()], before);
      },
      'SIGKILL leaves nothing either': async () => {
        const before = temporary();
        const server = sandbox(prefix, project);
        await server.logged(serving);
        const pids = pidsOf(server.log);
        assert.is(pids.length, 5);
        server.child.kill('SIGKILL');
        await until('everything ends', () => !pids.some(isAlive));
        await until('its folder is gone', () => temporary().length === before.length);
      },
      "natpmpctl judges its network there, as doctor says, and not the host's": async () => {
        const server = sandbox(prefix, project);
        const { helperSocket } = await server.logged(serving);
        const [program = '', ...rest] = [...prefix, 'env'];
        const ctl = [process.execPath, script(project, 'natpmpctl')];
        const said = (command: readonly string[]): { check: string; verdict: string; says: string; remedy: string }[] =>
          JSON.parse(spawnSync(program, [...rest, ...command], { encoding: 'utf8' }).stdout);
        const network = said([...ctl, 'doctor', '--json', '--socket', String(helperSocket)]);
        assert.equal(
          [...new Set(network.map(({ check }) => check))],
          ['helper', 'frontend', 'network', 'state', 'clock', 'sandbox'],
        );
        const command = network[2]?.remedy.replace('run it there: ', '').replace('natpmpctl', ctl.join(' ')).split(' ');
        const there = said([...(command ?? []), '--json']);
        const saidOf = (what: string): string | undefined => {
          const found = there.filter(({ check }) => check === what);
          return found.map(({ verdict, says }) => `${verdict} ${says}`).join('; ');
        };
        assert.is(saidOf('LAN'), 'ok br-lan is up and has 192.168.77.1/24');
        assert.match(saidOf('socket') ?? '', /^ok 192\.168\.77\.1:5351\/udp is open/);
        const { stdout } = spawnSync(program, [...rest, ...ctl, 'status', '--json', '--socket', String(helperSocket)]);
        const { externalInterface, externalAddress, connections } = JSON.parse(String(stdout));
        assert.equal([externalInterface, externalAddress, connections], ['wan0', null, null]);
        assert.is(await server.stop(), 0);
      },
      'SIGKILL of the inside ends the outside': async () => {
        const before = temporary();
        const server = sandbox(prefix, project);
        await server.logged(serving);
        // Not a number is refused; 0 would be this very process and its group.
        process.kill(pidsOf(server.log)[0] ?? NaN, 'SIGKILL');
        assert.is((await server.ended).status, 70);
        await until('everything ends', () => !pidsOf(server.log).some(isAlive));
        assert.equal(temporary(), before);
      },
    });
  }

  claims('sandbox', {
    'with UPnP, whose metrics are served beside the others': async () => {
      const [one, other] = [`127.0.0.1:${PORT}`, `127.0.0.1:${Number(PORT) + 1}`];
      for (const [prefix, project] of [
        [[], PROJECT],
        [AS_NOBODY, REACHED],
      ] as const) {
        const flags = ['--upnp', '--metrics-listen', one, '--upnp-metrics-listen', other];
        const server = sandbox(prefix, project, ...flags);
        const { metrics, upnpMetrics } = await server.logged(serving);
        assert.match(await (await fetch(String(metrics))).text(), /^natpmp_helper_up 1$/m);
        assert.match(await (await fetch(String(upnpMetrics))).text(), /^natpmp_upnp_connected 1$/m);
        assert.is(await server.stop(), 0);
      }
    },
    "metrics are served on the host's loopback too": async () => {
      const server = sandbox([], PROJECT, '--metrics-listen', `127.0.0.1:${PORT}`);
      const { metrics } = await server.logged(serving);
      assert.is(metrics, `http://127.0.0.1:${PORT}/metrics`);
      assert.match(await (await fetch(String(metrics))).text(), /^natpmp_helper_up 1$/m);
      assert.is(await server.stop(), 0);
    },
    'leases survive in a state dir that is given': async () => {
      const state = join(folder(), 'state');
      const first = sandbox([], PROJECT, '--state-dir', state);
      await first.logged(serving);
      assert.is(client('map', '9000', '9001', 'udp', '3600').status, 0);
      assert.is(await first.stop(), 0);
      const second = sandbox([], PROJECT, '--state-dir', state);
      const { helperSocket } = await second.logged(serving);
      const list = execFileSync(process.execPath, [CTL, 'list', '--socket', String(helperSocket)], {
        encoding: 'utf8',
      });
      assert.match(list, /udp +9001 +127\.0\.0\.1:9000/);
      assert.is(await second.stop(), 0);
    },
    'an occupied port: one line, status 69': async () => {
      const first = sandbox([], PROJECT);
      await first.logged(serving);
      const { status, stderr } = await sandbox([], PROJECT).ended;
      assert.is(status, 69);
      assert.ok(stderr.startsWith(`natpmp-server: 127.0.0.1:${PORT}/udp is in use: `), stderr);
      assert.match(stderr, /^[^\n]*--listen-port\n$/);
      assert.is(await first.stop(), 0);
    },
    'no user namespaces: one line, status 77': async () => {
      const forbid = 'echo 0 > /proc/sys/user/max_net_namespaces; exec setpriv --bounding-set=-sys_admin "$@"';
      const { status, stderr } = await start('unshare', [
        '--user',
        '--map-root-user',
        '--mount',
        'sh',
        '-c',
        forbid,
        'sh',
        process.execPath,
        PROGRAM,
        '--sandbox',
      ]).ended;
      assert.is(status, 77, stderr);
      assert.match(stderr, /^natpmp-server: no network namespace can be made here: run as root, [^\n]*\n$/);
    },
  });

  // The port of `npm start` is its own; in a network namespace of the test's, nothing else is there.
  for (const [who, prefix, project] of [
    ['root', [], PROJECT],
    ['nobody', AS_NOBODY, REACHED],
  ] as const) {
    claims(`npm start -- --once, by ${who}`, {
      'a connection from outside arrives, and every step is shown': () => {
        const [program = '', ...args] = [...LOOPBACK, ...prefix, process.execPath, script(project, 'demo'), '--once'];
        const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
        assert.is(status, 0, stdout + stderr);
        assert.match(stdout, /outside host: not connected: ECONNREFUSED/);
        assert.match(stdout, /LAN host: +received "hello from outside" from 203\.0\.113\.10/);
        assert.match(stdout, /tcp +8000 +192\.168\.77\.2:8000/);
        assert.match(stdout, /outside host: not connected: EACCES/, 'the firewall, over IPv6');
        assert.match(stdout, /^ +tcp 8000 open: \[2001:db8:77::2\]:8000, for 3600 s/m);
        assert.match(stdout, /LAN host: +received "hello from outside" from 2001:db8:ffff::10/);
        assert.match(stdout, /tcp +8000 +2001:db8:77::2 +PCP/);
        assert.is(stderr, '');
      },
    });
  }

  claims('npm start', {
    'keeps serving, and Ctrl-C removes everything': async () => {
      const before = temporary();
      const [program = '', ...args] = [...LOOPBACK, process.execPath, DEMO];
      const demo = start(program, args);
      let said = '';
      demo.child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      await demo.printed('Ctrl-C ends it');
      assert.is(temporary().length, before.length + 1);
      const [hint = ''] = /nsenter .* upnp 3075$/m.exec(said) ?? [];
      const asked = spawnSync('sh', ['-c', hint], { cwd: PROJECT, encoding: 'utf8' });
      assert.match(
        asked.stdout,
        /^found http:\/\/192\.168\.77\.1:2869\/igd\.xml, UDP port 3075 mapped$/m,
        asked.stderr,
      );
      demo.child.kill('SIGINT');
      assert.is((await demo.ended).status, 0);
      assert.equal(temporary(), before);
    },
    'killed, it leaves nothing': async () => {
      const before = temporary();
      const [program = '', ...args] = [...LOOPBACK, process.execPath, DEMO];
      const demo = start(program, args);
      await demo.printed('npx natpmp-client localhost:15351');
      demo.child.kill('SIGKILL');
      await until('its folder is gone', () => temporary().length === before.length);
    },
    'an occupied port: one line, status 69': () => {
      const [program = '', ...args] = LOOPBACK;
      // The second begins when the first has the port.
      const has = 'until ss -Hlun "sport = :15351" | grep -q .; do kill -0 $first || exit; sleep 0.1; done';
      const twice = `"$@" >/dev/null & first=$!; ${has}; "$@" --once 2>&1 >/dev/null; echo "status $?"; kill $first; wait $first`;
      const { stdout } = spawnSync(program, [...args, 'sh', '-c', twice, 'sh', process.execPath, DEMO], {
        encoding: 'utf8',
      });
      assert.match(stdout, /^natpmp-server: 127\.0\.0\.1:15351\/udp is in use: [^\n]*\nstatus 69\n$/);
    },
  });
}
