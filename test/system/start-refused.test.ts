// Everything that can be wrong at the start of natpmp-server: one line that names the remedy, a status of its own, and
// nothing changed.
import { createServer } from 'node:net';
import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import type { Box, Started } from './one-router.js';
import { box, folder, PROGRAM, serving, start } from './one-router.js';

const WAN = ['--external-interface', 'wan0'];

async function refused(started: Started, status: number, ...patterns: readonly RegExp[]): Promise<void> {
  const end = await started.ended;
  assert.is(end.status, status, end.stderr);
  const lines = end.stderr.trimEnd().split('\n');
  assert.is(lines.length, 1, end.stderr);
  assert.match(lines[0] ?? '', /^natpmp-(server|helper): /);
  for (const pattern of patterns) assert.match(lines[0] ?? '', pattern);
}

/** The ruleset and the folders are as they were. */
function unchanged(where: Box, before: string): void {
  assert.is(where.run('nft', 'list', 'ruleset'), before);
}

if (process.getuid?.() !== 0) skip('refusals of natpmp-server', 'not root');
else {
  const router = await box();
  router.run('ip', 'link', 'property', 'add', 'dev', 'wan0', 'altname', 'enp3s0');
  router.run('ip', 'link', 'property', 'add', 'dev', 'br-lan', 'altname', 'lan');
  const elsewhere = folder();
  writeFileSync(join(elsewhere, 'file'), '');
  const dir = (name: string): string => join(elsewhere, name);

  cases(
    'natpmp-server refuses',
    [
      { name: 'a wrong flag', args: ['--listen-port', '0', ...WAN], status: 2, want: [/--listen-port 0/] },
      {
        name: 'an external interface that can never be',
        args: ['--external-interface', 'wan/9'],
        status: 2,
        want: [/--external-interface wan\/9/],
      },
      {
        name: 'the external interface by its altname, which the ruleset does not know',
        args: ['--external-interface', 'enp3s0'],
        status: 2,
        want: [/--external-interface enp3s0 is another name \(altname\) of wan0: give wan0$/],
      },
      {
        name: 'a LAN by its altname',
        args: [...WAN, '--listen-interface', 'lan'],
        status: 2,
        want: [/--listen-interface lan is another name \(altname\) of br-lan: give br-lan$/],
      },
      {
        name: 'the interface of pinholes by its altname',
        args: [...WAN, '--pinholes', '--pinhole-interface', 'enp3s0'],
        status: 2,
        want: [/--pinhole-interface enp3s0 is another name \(altname\) of wan0: give wan0$/],
      },
      {
        name: 'a state dir below a file',
        args: [...WAN, '--state-dir', dir('file/state')],
        status: 74,
        want: [/--state-dir .*file\/state/],
      },
      {
        name: 'a state dir that holds something else',
        args: [...WAN, '--state-dir', '/etc'],
        status: 74,
        want: [/--state-dir \/etc: holds ".*", which is not ours/],
      },
      {
        name: 'a run dir below a file',
        args: [...WAN, '--run-dir', dir('file/run')],
        status: 74,
        want: [/--run-dir .*file\/run/],
      },
      {
        name: 'a run dir where anyone may write',
        args: [...WAN, '--run-dir', '/tmp'],
        status: 2,
        want: [/--run-dir \/tmp: anyone may write/],
      },
      {
        name: 'a user that does not exist',
        args: [...WAN, '--user', 'no-such-user'],
        status: 2,
        want: [/--user no-such-user/],
      },
    ],
    async ({ args, status, want }) => {
      const before = router.run('nft', 'list', 'ruleset');
      await refused(router.server(...args), status, ...want);
      unchanged(router, before);
    },
  );

  claims('natpmp-server refuses, too', {
    'without the rights: says which, and that --sandbox needs none': async () => {
      // Not as nobody, which cannot even read a clone in /root.
      const without = start('setpriv', ['--inh-caps=-all', '--bounding-set=-all', process.execPath, PROGRAM, ...WAN]);
      await refused(without, 77, /CAP_NET_ADMIN/, /run as root/, /--sandbox/);
    },
    'root without CAP_NET_ADMIN': async () => {
      await refused(
        start('setpriv', ['--bounding-set=-net_admin', process.execPath, PROGRAM, ...WAN]),
        77,
        /: CAP_NET_ADMIN missing/,
      );
    },
    'a closed folder above the state dir': async () => {
      mkdirSync(dir('closed'), { mode: 0o700 });
      await refused(
        router.server(...WAN, '--state-dir', dir('closed/state')),
        74,
        /--state-dir .*cannot pass .*closed/,
      );
    },
    'an occupied port': async () => {
      const other = await box();
      other.run('ip', 'addr', 'add', '192.168.77.9/24', 'dev', 'br-lan');
      const first = other.server(...WAN);
      await first.logged(serving);
      const before = other.run('nft', '--terse', 'list', 'ruleset');
      await refused(
        other.server(...WAN, '--run-dir', dir('run'), '--state-dir', dir('state')),
        69,
        /0\.0\.0\.0:5351\/udp on br-lan is in use.*--listen-port/,
      );
      assert.is(other.run('nft', '--terse', 'list', 'ruleset'), before);
      assert.not(existsSync(dir('state')));
      assert.is(await first.stop(), 0);
    },
    'allowed ports that the router itself serves on, all of them': async () => {
      const busy = await box();
      const web = busy.start(
        process.execPath,
        '-e',
        "require('net').createServer().listen(18080, '0.0.0.0', () => console.log('{\"msg\":\"listening\"}'))",
      );
      await web.logged((entry) => entry.msg === 'listening');
      await refused(
        busy.server(...WAN, '--allowed-ports', '18080'),
        2,
        /--allowed-ports: the router needs all of these itself/,
      );
    },
    'a run dir of another user, or one that a group may write to': async () => {
      mkdirSync(dir('theirs'), { mode: 0o755 });
      chownSync(dir('theirs'), 65534, 65534);
      await refused(
        router.server(...WAN, '--run-dir', dir('theirs')),
        2,
        /--run-dir .*theirs: user 65534, .* may write there/,
      );
      mkdirSync(dir('shared'));
      chmodSync(dir('shared'), 0o775);
      await refused(
        router.server(...WAN, '--run-dir', dir('shared')),
        2,
        /--run-dir .*shared: group 0, or whom an ACL names, may write to .*shared/,
      );
    },
    "a state dir of another user, with his journal, or through his link to one of root's": async () => {
      mkdirSync(dir('his'), { mode: 0o755 });
      writeFileSync(dir('his/leases.journal'), 'natpmp-1');
      mkdirSync(dir('of-root'));
      symlinkSync(dir('of-root'), dir('link'));
      for (const path of [dir('his'), dir('his/leases.journal'), dir('link')]) lchownSync(path, 65534, 65534);
      for (const [name, who] of [
        ['his', /his: user 65534, .* may write there/],
        ['link', /link: user 65534, whose link .*link is/],
      ] as const) {
        const before = router.run('nft', 'list', 'ruleset');
        await refused(router.server(...WAN, '--state-dir', dir(name)), 2, /--state-dir /, who);
        unchanged(router, before);
      }
      assert.equal(
        ['his/leases.journal', 'of-root'].map((name) => statSync(dir(name)).uid),
        [65534, 0],
      );
    },
    'a run dir where another instance lives': async () => {
      mkdirSync(dir('lived'), { mode: 0o755 });
      const living = createServer().listen(dir('lived/admin.sock'));
      atEnd(() => {
        living.close();
      });
      const before = router.run('nft', 'list', 'ruleset');
      await refused(router.server(...WAN, '--run-dir', dir('lived')), 69, /admin\.sock: another instance runs/);
      unchanged(router, before);
      assert.ok(existsSync(dir('lived/admin.sock')));
      assert.not(existsSync(dir('lived/helper.sock')), 'its own socket file is gone again');
    },
    'a chain of our name in the table: named, and left alone': async () => {
      const shared = await box();
      shared.run('nft', 'add table inet nat; add chain inet nat NATPMP-live');
      const before = shared.run('nft', 'list', 'ruleset');
      await refused(shared.server(...WAN), 78, /table inet nat has a chain NATPMP-live of somebody else.*--nat-table/);
      unchanged(shared, before);
    },
    'but not the tables that others have by the same name, nor what else is in ours': async () => {
      const docker = await box();
      docker.run('nft', 'add table ip nat; add chain ip nat DOCKER; add table inet nat; add chain inet nat theirs');
      const beside = docker.server(...WAN);
      await beside.logged(serving);
      assert.is(await beside.stop(), 0);
      assert.match(docker.run('nft', 'list', 'table', 'ip', 'nat'), /chain DOCKER/);
      assert.match(docker.run('nft', 'list', 'table', 'inet', 'nat'), /chain theirs/);
    },
    'programs that are not installed': async () => {
      // PATH is completed with the usual folders, so those have to be hidden as well.
      const hide = 'mkdir -p "$1/bin"; mount --bind "$1/bin" /usr/sbin; exec "$2" "$3" --external-interface lo';
      symlinkSync(process.execPath, dir('node'));
      const started = start('unshare', [
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        hide,
        'sh',
        elsewhere,
        dir('node'),
        PROGRAM,
      ]);
      await refused(started, 72, /not installed: nft/, /apt-get install nftables/, /nix shell nixpkgs#nftables/);
    },
  });
}
