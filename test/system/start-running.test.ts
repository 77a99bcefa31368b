// natpmp-server running for real: who its daemons are, what they may, and what happens to them and to the ruleset.
import {
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, claims, skip } from '../support/cases.js';
import type { Started } from './one-router.js';
import { box, folder, isAlive, serving, statusOf, until } from './one-router.js';

const WAN = ['--external-interface', 'wan0'];

/** The pids of the running daemons. */
async function daemons({ logged }: Started): Promise<{ helper: number; frontend: number }> {
  const pid = async (role: string): Promise<number> =>
    (await logged((entry) => entry.msg === 'ready' && entry.role === role)).child ?? 0;
  return { helper: await pid('helper'), frontend: await pid('frontend') };
}

if (process.getuid?.() !== 0) skip('natpmp-server running', 'not root');
else
  claims('natpmp-server running', {
    'with UPnP a third user, without a capability, in the group of the frontend': async () => {
      const router = await box();
      const server = router.server(...WAN, '--upnp');
      const { frontend, helper } = await daemons(server);
      const { child: upnp = 0 } = await server.logged(({ msg, role }) => msg === 'ready' && role === 'upnp');
      for (const field of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        assert.is(statusOf(upnp, field).trim(), '0000000000000000', field);
      assert.equal(
        ['NoNewPrivs', 'Groups'].map((field) => statusOf(upnp, field).trim()),
        ['1', ''],
      );
      assert.is(new Set([frontend, helper, upnp].map((pid) => statusOf(pid, 'Uid'))).size, 3);
      assert.is(statusOf(upnp, 'Gid'), statusOf(frontend, 'Gid'));
      await server.logged(serving);
      const sockets = router.run('ss', '-Hlntu');
      assert.match(sockets, /0\.0\.0\.0%br-lan:1900\b/);
      assert.match(sockets, /0\.0\.0\.0%br-lan:2869\b/);
      assert.match(router.run('nft', 'list', 'ruleset'), /socket mark 0x71000000 drop/);
      assert.not(server.log.some(({ msg }) => msg.startsWith('another UPnP gateway')));
      assert.is(await server.stop(), 0);
    },
    'without UPnP no process, no port and no rule of it': async () => {
      const router = await box();
      const server = router.server(...WAN);
      await server.logged(serving);
      assert.not(server.log.some(({ role }) => role === 'upnp'));
      assert.not.match(router.run('ss', '-Hlntu'), /:1900\b|:2869\b/);
      assert.not.match(router.run('nft', 'list', 'ruleset'), /socket mark/);
      assert.is(await server.stop(), 0);
    },
    'another UPnP gateway on the router is told of': async () => {
      const router = await box();
      const path = join(folder(), 'miniupnpd');
      copyFileSync('/usr/bin/sleep', path);
      const other = router.start(path, '600');
      await until('it runs', () => readFileSync(`/proc/${other.child.pid}/comm`, 'utf8') === 'miniupnpd\n');
      const server = router.server(...WAN, '--upnp');
      await server.logged(serving);
      const told = server.log.filter(({ msg }) => msg.startsWith('another UPnP gateway runs here'));
      assert.equal(
        told.map(({ pids }) => pids),
        [[other.child.pid]],
      );
      assert.is(await server.stop(), 0);
    },
    'two users, one capability in all, no way to another': async () => {
      const server = (await box()).server(...WAN);
      const { helper, frontend } = await daemons(server);
      const rights = (pid: number) =>
        ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Groups'].map((field) =>
          statusOf(pid, field).trim(),
        );
      const only = '0000000000001000'; // CAP_NET_ADMIN
      const none = '0000000000000000';
      assert.equal(rights(helper), [only, only, only, only, only, '1', '']);
      assert.equal(rights(frontend), [none, none, none, none, none, '1', '']);
      const uids = [helper, frontend].map((pid) => new Set(statusOf(pid, 'Uid').split(' ')));
      assert.equal(
        uids.map((uid) => uid.size),
        [1, 1],
        'real, effective, saved and file system uid are the same',
      );
      const [[first] = [], [second] = []] = uids.map((uid) => [...uid]);
      assert.not.equal(first, second);
      assert.ok(first !== '0' && second !== '0');
      for (const pid of [helper, frontend]) {
        assert.match(
          readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
          /--jitless\0.*--disallow-code-generation-from-strings\0--disable-proto=throw\0/,
        );
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
          .split('\0')
          .map((line) => line.split('=')[0] ?? '');
        assert.equal(
          environment.filter((name) => name !== '' && name !== 'PWD').sort(),
          ['LISTEN_FDNAMES', 'LISTEN_FDS', 'LISTEN_PID', 'MAINPID', 'PATH', 'WATCHDOG_USEC'],
          "nothing of the caller's",
        );
        const interfaces = readFileSync(`/proc/${pid}/net/dev`, 'utf8')
          .trim()
          .split('\n')
          .slice(2)
          .map((line) => line.trim().split(':')[0]);
        assert.not.ok(interfaces.includes('br-lan'), 'a network namespace of its own');
      }
      // Neither can take the machine with it, whatever makes it grow.
      const limits = (pid: number) =>
        readFileSync(`/proc/${pid}/limits`, 'utf8')
          .split('\n')
          .filter((line) => /^Max (file size|data size|core file size|open files)/.test(line))
          .map((line) => line.split(/  +/).slice(1, 3).join(' '));
      assert.equal([helper, frontend].map(limits), [
        ['67108864 67108864', '805306368 805306368', '0 0', '4096 4096'],
        ['0 0', '805306368 805306368', '0 0', '256 256'],
      ]);
      assert.is(await server.stop(), 0);
    },

    "the socket files: the frontend's group may ask, root alone may command": async () => {
      const run = join(folder(), 'run');
      const server = (await box()).server(...WAN, '--run-dir', run, '--user', '4001:4002');
      const { helper, frontend } = await daemons(server);
      const look = (name: string) => {
        const { mode, uid, gid } = statSync(join(run, name));
        return [(mode & 0o777).toString(8), uid, gid];
      };
      assert.equal(
        [look(''), look('helper.sock'), look('admin.sock')],
        [
          ['755', 0, 0],
          ['660', 0, 4001],
          ['600', 0, 0],
        ],
      );
      assert.equal(
        [frontend, helper].map((pid) => statusOf(pid, 'Uid').split(' ')[0]),
        ['4001', '4002'],
      );
      assert.is(await server.stop(), 0);
      assert.equal(
        ['helper.sock', 'admin.sock'].map((name) => existsSync(join(run, name))),
        [false, false],
      );
    },

    "what the helper's user left in its state dir: no link is followed, and nothing there keeps the server from starting":
      async () => {
        const [state, precious] = [join(folder(), 'state'), join(folder(), 'precious')];
        writeFileSync(precious, 'of root', { mode: 0o600 });
        mkdirSync(join(state, 'leases.journal.damaged'), { recursive: true });
        symlinkSync(precious, join(state, 'leases.journal.new'));
        symlinkSync(precious, join(state, 'odd'));
        writeFileSync(join(state, '.odd'), '');
        chownSync(state, 4002, 4002);
        const server = (await box()).server(...WAN, '--state-dir', state, '--user', '4001:4002');
        await server.logged(serving);
        assert.equal([statSync(precious).uid, readFileSync(precious, 'utf8')], [0, 'of root']);
        assert.is(await server.stop(), 0);
      },

    "the state is the helper's alone": async () => {
      const state = join(folder(), 'state');
      const server = (await box()).server(...WAN, '--state-dir', state, '--user', '4001:4002');
      await server.logged(serving);
      const { mode, uid } = statSync(state);
      assert.equal([(mode & 0o777).toString(8), uid], ['700', 4002]);
      assert.is(await server.stop(), 0);
    },

    'the launcher keeps only what it needs to start a daemon again': async () => {
      const server = (await box()).server(...WAN);
      await server.logged(serving);
      const kept = ['CapEff', 'CapBnd'].map((field) => BigInt(`0x${statusOf(server.child.pid, field)}`));
      const SYS_MODULE = 16n;
      const SYS_PTRACE = 19n;
      const NET_ADMIN = 12n;
      for (const set of kept)
        assert.equal(
          [SYS_MODULE, SYS_PTRACE, NET_ADMIN].map((bit) => (set >> bit) & 1n),
          [0n, 0n, 1n],
        );
      assert.is(await server.stop(), 0);
    },

    'SIGTERM: both have ended within three seconds, status 0, the ruleset stays': async () => {
      const where = await box();
      const server = where.server(...WAN);
      const { helper, frontend } = await daemons(server);
      await server.logged(serving);
      const since = performance.now();
      assert.is(await server.stop(), 0);
      assert.ok(performance.now() - since < 3500);
      assert.equal([helper, frontend].map(isAlive), [false, false]);
      assert.match(where.run('nft', 'list', 'table', 'inet', 'nat'), /comment "natpmp-server /);
    },

    'SIGKILL of the launcher leaves no daemon behind': async () => {
      const server = (await box()).server(...WAN);
      const { helper, frontend } = await daemons(server);
      await server.logged(serving);
      server.child.kill('SIGKILL');
      await until('both daemons end', () => !isAlive(helper) && !isAlive(frontend));
    },

    "socket files of a killed instance are in nobody's way": async () => {
      const where = await box();
      const first = where.server(...WAN);
      const { helper, frontend } = await daemons(first);
      await first.logged(serving);
      first.child.kill('SIGKILL');
      await until('both daemons end', () => !isAlive(helper) && !isAlive(frontend));
      const second = where.server(...WAN);
      await second.logged(serving);
      assert.is(await second.stop(), 0);
    },

    'SIGHUP without a file to read again ends nobody': async () => {
      const server = (await box()).server(...WAN);
      const { helper, frontend } = await daemons(server);
      await server.logged(serving);
      server.child.kill('SIGHUP');
      const { msg } = await server.logged((entry) => entry.msg.startsWith('SIGHUP'));
      assert.match(msg, /no --config to read again/);
      for (const name of ['natpmp-helper', 'natpmp-frontend'])
        await server.logged((entry) => entry.msg === 'configuration reloaded' && entry['name'] === name);
      assert.ok(isAlive(helper) && isAlive(frontend));
      assert.is(await server.stop(), 0);
    },

    'a daemon that is killed is there again, as the same user': async () => {
      const server = (await box()).server(...WAN);
      const { helper, frontend } = await daemons(server);
      await server.logged(serving);
      for (const [role, pid] of [
        ['helper', helper],
        ['frontend', frontend],
      ] as const) {
        const uid = statusOf(pid, 'Uid');
        process.kill(pid, 'SIGKILL');
        const again = await server.logged(
          (entry) => entry.msg === 'ready' && entry.role === role && entry.child !== pid,
        );
        assert.is(statusOf(again.child, 'Uid'), uid);
        assert.is(BigInt(`0x${statusOf(again.child, 'CapEff')}`), role === 'helper' ? 0x1000n : 0n);
      }
      assert.is(await server.stop(), 0);
    },

    'a flushed ruleset is installed again': async () => {
      const where = await box();
      const server = where.server(...WAN);
      await server.logged(serving);
      const before = where.run('nft', 'list', 'ruleset');
      where.run('nft', 'flush', 'ruleset');
      const installed = () => server.log.filter((entry) => entry.msg === 'ruleset installed').length;
      await until('a second installation', () => installed() === 2);
      await until(
        'a second helper',
        () => server.log.filter((entry) => entry.msg === 'ready' && entry.role === 'helper').length === 2,
      );
      assert.is(where.run('nft', 'list', 'ruleset'), before);
      assert.is(await server.stop(), 0);
    },

    'a restart keeps the table as it is; another configuration has other rules around the same sets': async () => {
      const where = await box();
      const first = where.server(...WAN);
      await first.logged(serving);
      const listed = () => where.run('nft', '--handle', '--terse', 'list', 'table', 'inet', 'nat');
      const handle = (object = 'chain NATPMP') => new RegExp(`${object} \\{ # handle (\\d+)`).exec(listed())?.[1];
      const before = handle();
      const sets = handle('map NATPMP-in');
      assert.ok(before !== undefined && sets !== undefined);
      assert.is(await first.stop(), 0);
      const second = where.server(...WAN);
      await second.logged(serving);
      assert.is(handle(), before);
      assert.is(await second.stop(), 0);
      const third = where.server(...WAN, '--no-hairpin');
      await third.logged(serving);
      assert.not.equal(handle(), before);
      assert.is(handle('map NATPMP-in'), sets);
      assert.not.match(listed(), /iifname "br-lan" oifname "br-lan"/);
      assert.is(await third.stop(), 0);
      where.run('nft', 'add', 'table', 'ip', 'theirs');
      const fourth = where.server(...WAN, '--nat-table', 'natpmp');
      await fourth.logged(serving);
      assert.equal(where.run('nft', 'list', 'tables').trim().split('\n').sort(), [
        'table inet natpmp',
        'table ip theirs',
      ]);
      assert.is(await fourth.stop(), 0);
    },

    'a LAN interface that is created again with another address is served again': async () => {
      const where = await box();
      const server = where.server(...WAN);
      await server.logged(serving);
      where.run('ip', 'link', 'del', 'br-lan');
      where.run(
        'sh',
        '-c',
        `ip link add br-lan type veth peer name lan-end && ip link set lan-end up
        ip addr add 192.168.78.1/24 dev br-lan && ip link set br-lan up`,
      );
      await server.logged((entry) => JSON.stringify(entry['lan']) === '["192.168.78.1/24"]');
      const ready = () => server.log.filter(({ msg, role }) => msg === 'ready' && role === 'frontend').length;
      await until('a second frontend', () => ready() >= 2);
      assert.match(where.run('ss', '-Hlun'), /0\.0\.0\.0%br-lan:5351/);
      assert.is(await server.stop(), 0);
    },

    'several LANs, each interface with a socket of its own': async () => {
      const where = await box([
        { device: 'br-a', addresses: ['192.168.1.1/24', '10.0.0.1/8'], peer: 'a-end' },
        { device: 'br-b', addresses: ['172.16.0.1/16'], peer: 'b-end' },
        { device: 'wan0', addresses: ['203.0.113.2/24'], peer: 'wan-end' },
      ]);
      const server = where.server(...WAN, '--listen-interface', 'br-a', '--listen-interface', 'br-b');
      assert.equal((await server.logged(serving))['lan'], ['192.168.1.1/24', '10.0.0.1/8', '172.16.0.1/16']);
      const sockets = where.run('ss', '-Hlun');
      for (const address of ['0.0.0.0%br-a', '0.0.0.0%br-b'].flatMap((each) => [`${each}:5351`, `${each}:5352`]))
        assert.ok(sockets.includes(address), sockets);
      assert.is(await server.stop(), 0);
    },

    'a clone behind a closed folder, as in /root, runs too': async () => {
      const closed = mkdtempSync(join(tmpdir(), 'natpmp-closed-')); // 0700
      atEnd(() => rmSync(closed, { recursive: true, force: true }));
      const project = join(closed, 'project');
      const root = join(import.meta.dirname, '../../..');
      mkdirSync(project);
      for (const part of [
        'dist/caller',
        'dist/cli',
        'dist/config',
        'dist/process',
        'dist/proto',
        'dist/frontend',
        'dist/helper',
        'dist/upnp',
        'package.json',
      ])
        cpSync(join(root, part), join(project, part), { recursive: true });
      symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
      const router = await box();
      const where = router.start(
        process.execPath,
        join(project, 'dist/cli/natpmp-server.js'),
        ...WAN,
        '--run-dir',
        join(folder(), 'run'),
        '--state-dir',
        join(folder(), 'state'),
      );
      const { helper } = await daemons(where);
      assert.ok(!readFileSync(`/proc/${helper}/cmdline`, 'utf8').includes(dirname(project)));
      assert.is(await where.stop(), 0);
    },
  });
