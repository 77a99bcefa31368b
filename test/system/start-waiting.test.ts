// What may come later is waited for at the start of natpmp-server as it is later: the external interface, its address, and
// the disk of the state directory. One line says what is missing.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { claims, skip } from '../support/cases.js';
import { until } from '../lab/flows.js';
import { openLab, ROUTER } from '../lab/lab.js';
import { Asker, mapRequest, withoutEpoch } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';
import { must } from '../support/run.js';
import type { Box, Entry, Started } from './one-router.js';
import { box, folder, PROGRAM, serving } from './one-router.js';

/** natpmp-server in a mount namespace of its own, after these commands of sh, whose $1 is the folder. */
function withMounts(where: Box, base: string, script: string, stateDir: string): Started {
  const run = `${script}; shift; exec "$@"`;
  return where.start(
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-euc', run, 'sh', base],
    ...[process.execPath, PROGRAM, '--external-interface', 'wan0'],
    ...['--state-dir', join(base, stateDir), '--run-dir', join(base, 'run')],
  );
}

/** Run sh in the mount namespace of the process; $1 is the folder. */
const inMounts = (pid: number | undefined, base: string, script: string): Promise<string> =>
  must('nsenter', [`--mount=/proc/${pid}/ns/mnt`, 'sh', '-euc', script, 'sh', base]);

const isWaiting = ({ msg }: Entry): boolean => msg === 'cannot start yet: waiting';

if (process.getuid?.() !== 0) skip('natpmp-server waits', 'not root');
else {
  claims('natpmp-server waits', {
    'for ppp0, and serves meanwhile': async () => {
      const router = await box();
      const server = router.server('--external-interface', 'ppp0');
      const warning = await server.logged(({ msg }) => msg.startsWith('waiting for the external interface'));
      assert.match(warning.msg, /no such interface; there are: br-lan, lan-end, lo, wan-end, wan0$/);
      await server.logged(serving);
      router.run('ip', ...'link add ppp0 type veth peer name ppp-end'.split(' '));
      router.run('ip', ...'addr add 203.0.113.77 peer 10.64.0.1 dev ppp0'.split(' '));
      const { externalAddress } = await server.logged(({ msg }) => msg === 'external address');
      assert.is(externalAddress, '203.0.113.77');
      assert.is(server.log.filter(({ msg }) => msg.startsWith('no external address')).length, 1);
      assert.is(await server.stop(), 0);
    },

    'for a state directory that is read-only': async () => {
      const [router, base] = [await box(), folder()];
      mkdirSync(join(base, 'disk'));
      const server = withMounts(router, base, 'mount -t tmpfs -o ro,size=1m tmpfs "$1/disk"', 'disk/state');
      const { role, missing } = await server.logged(isWaiting);
      assert.is(role, 'helper');
      assert.match(String(missing), /^--state-dir .*disk\/state: EROFS/);
      await server.logged(({ msg, role: which }) => msg === 'ready' && which === 'frontend');
      await inMounts(server.child.pid, base, 'mount -o remount,rw "$1/disk"');
      await server.logged(serving);
      assert.is(server.log.filter(isWaiting).length, 1);
      assert.is(await server.stop(), 0);
    },

    'for a disk that is mounted at boot and is not there yet: nothing is written below it': async () => {
      const [router, base] = [await box(), folder()];
      mkdirSync(join(base, 'disk'));
      writeFileSync(join(base, 'fstab'), `tmpfs ${base}/disk tmpfs defaults 0 0\n`);
      const server = withMounts(router, base, 'mount --bind "$1/fstab" /etc/fstab', 'disk/state');
      const { missing } = await server.logged(isWaiting);
      assert.match(String(missing), /disk is not mounted$/);
      await inMounts(server.child.pid, base, 'mount -t tmpfs -o size=1m,mode=755 tmpfs "$1/disk"');
      await server.logged(serving);
      assert.equal(readdirSync(join(base, 'disk')), [], 'as seen outside of the mount');
      assert.match(await inMounts(server.child.pid, base, 'ls "$1/disk/state"'), /^leases\.journal$/m);
      assert.is(await server.stop(), 0);
    },

    'and stops while it waits': async () => {
      const [router, base] = [await box(), folder()];
      mkdirSync(join(base, 'disk'));
      const server = withMounts(router, base, 'mount -t tmpfs -o ro,size=1m tmpfs "$1/disk"', 'disk/state');
      await server.logged(isWaiting);
      assert.is(await server.stop(), 0);
    },
  });
}

const lab = await openLab();
if (lab !== null) {
  claims('a disk that is full at the start', {
    'the helper waits for it; clients get silence, after half a minute result 3, and then their mapping': async () => {
      const disk = join(lab.folder, 'full');
      mkdirSync(disk);
      const fill =
        'mount -t tmpfs -o size=64k,mode=755 tmpfs "$0"; mkdir "$0/state"; dd if=/dev/zero of="$0/filler" bs=4k';
      const wrap = ['unshare', '--mount', '--propagation', 'private', 'sh', '-uc', `${fill}; exec "$@"`, disk];
      const starting = Server.start(lab, ['--state-dir', join(disk, 'state')], 'server', { wrap });
      starting.catch(() => {}); // awaited below
      const asker = await Asker.open(lab.alice, ROUTER);
      // A PCP client need not wait for anything.
      assert.is(withoutEpoch(await asker.ask('02 00', 20_000)), '00800001........');
      const request = mapRequest('tcp', 7000, 7000, 600);
      assert.is(await asker.ask(request, 4000).catch(() => 'silence'), 'silence');
      await until(
        'the clients are told',
        async () => (await asker.ask(request, 500).catch(() => '')).slice(4, 8) === '0003',
        60_000,
      );
      const sh = `for p in /proc/[0-9]*; do
        if [ -e "$p/root$1/filler" ] && rm "$p/root$1/filler"; then exit 0; fi
      done; exit 1`;
      await must('sh', ['-c', sh, 'sh', disk]);
      const server = await starting;
      assert.is((await asker.map('tcp', 7000, 7000, 600)).result, 0);
      const told = server.log.split('\n').filter((line) => line.includes('cannot start yet: waiting'));
      assert.is(told.length, 1, server.log);
      assert.match(told[0] ?? '', /--state-dir .*ENOSPC/);
      assert.is(await server.stop(), 0);
    },
  });
}
