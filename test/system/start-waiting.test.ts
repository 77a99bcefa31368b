// What may come later is waited for at the start of natpmp-server as it is later: the external interface, its address, and
// the disk of the state directory. One line says what is missing.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { claims, skip } from '../support/cases.js';
import { until } from '../lab/flows.js';
import { openLab, ROUTER } from '../lab/lab.js';
import { Asker, mapRequest, withoutEpoch } from '../lab/natpmp.js';
import { Server } from '../lab/server.js';
import { must } from '../support/run.js';
import type { Box, Entry, Started } from './one-router.js';
import { box, folder, PROGRAM, serving } from './one-router.js';

const KOFFI = fileURLToPath(import.meta.resolve('koffi'));

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

/** Who has ports that UPnP needs. */
const HOLDERS: readonly {
  readonly name: string;
  readonly script: string;
  readonly flags?: readonly string[];
  readonly says: RegExp;
}[] = [
  {
    name: 'the TCP port',
    script: "require('net').createServer().listen(2869, '127.0.0.1',",
    says: /^0\.0\.0\.0:2869\/tcp on br-lan is in use.*--upnp-port \(it is of uid 65534\)$/,
  },
  {
    name: 'another TCP port',
    script: "require('net').createServer().listen(5000, '0.0.0.0',",
    flags: ['--upnp-port', '5000'],
    says: /^0\.0\.0\.0:5000\/tcp on br-lan is in use.* \(it is of uid 65534\)$/,
  },
  {
    name: 'the UDP port',
    script: "require('dgram').createSocket('udp4').bind(1900, '0.0.0.0',",
    says: /^0\.0\.0\.0:1900\/udp on br-lan is in use.*SO_REUSEADDR\) \(it is of uid 65534\)$/,
  },
];
/** A TCP socket on one device alone. */
const LISTENING_ON_TWO = `
  const koffi = require(${JSON.stringify(KOFFI)});
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int, int, int)')(2, 1, 0);
  const name = Buffer.from('br-two\\0');
  libc.func('int setsockopt(int, int, int, const uint8_t *, unsigned int)')(socket, 1, 25, name, name.length);
  const address = Buffer.alloc(16);
  address.set([2, 0, 2869 >> 8, 2869 & 255]);
  libc.func('int bind(int, const uint8_t *, unsigned int)')(socket, address, 16);
  libc.func('int listen(int, int)')(socket, 1);
  console.log('{"msg":"listening"}');
  setInterval(() => {}, 1000);`;

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
      const there = await server.logged(({ msg }) => msg === 'the external interface is there');
      assert.equal([there['external'], there.level], ['ppp0', 30]);
      assert.is(server.log.filter(({ msg }) => msg.startsWith('waiting for the external')).length, 1);
      assert.is(server.log.filter(({ msg }) => msg.startsWith('no external address')).length, 1);
      assert.is(await server.stop(), 0);
    },

    'for a tunnel that pinholes come through, and serves meanwhile': async () => {
      const router = await box();
      const server = router.server('--external-interface', 'wan0', '--pinholes', '--pinhole-interface', 'sit9');
      const isOutside = ({ msg }: Entry): boolean => msg.includes('interface of pinholes');
      const warning = await server.logged(isOutside);
      assert.is(
        warning.msg,
        'waiting for the interface of pinholes: no such interface; there are: br-lan, lan-end, lo, wan-end, wan0',
      );
      assert.equal([warning['pinholeInterface'], warning.level], ['sit9', 40]);
      await server.logged(serving);
      router.run('ip', ...'link add sit9 type veth peer name tunnel-end'.split(' '));
      const there = await server.logged(({ msg }) => msg === 'the interface of pinholes is there');
      assert.equal([there['pinholeInterface'], there.level], ['sit9', 30]);
      router.run('ip', 'link', 'del', 'sit9');
      await server.logged((entry) => isOutside(entry) && server.log.filter(isOutside).length === 3);
      assert.is(await server.stop(), 0);
      assert.equal(
        server.log.filter(isOutside).map(({ level }) => level),
        [40, 30, 40],
      );
    },
    'for no tunnel if there are no pinholes': async () => {
      const router = await box();
      const server = router.server('--external-interface', 'wan0', '--pinhole-interface', 'sit9');
      await server.logged(serving);
      assert.not(server.log.some(({ msg }) => msg.startsWith('waiting')));
      assert.is(await server.stop(), 0);
    },

    ...Object.fromEntries(
      HOLDERS.map(({ name, script, flags = [], says }) => [
        `for ${name} of UPnP that a local user has, and serves NAT-PMP meanwhile`,
        async () => {
          const router = await box();
          const listening = `${script} () => console.log('{"msg":"listening"}'))`;
          const user = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath];
          const other = router.start(...user, '-e', listening);
          await other.logged(({ msg }) => msg === 'listening');
          const server = router.server('--external-interface', 'wan0', '--upnp', ...flags);
          const { role, missing } = await server.logged(isWaiting);
          assert.is(role, 'upnp');
          assert.match(String(missing), says);
          assert.is((await server.logged(serving))['upnpPort'], undefined);
          const devices = (): string => router.run('ss', '-Hlntu');
          assert.match(devices(), /%br-lan:5351\b/);
          assert.not.match(devices(), /%br-lan:(?:1900|2869|5000)\b/);
          other.child.kill('SIGKILL');
          await server.logged(({ msg, role: which }) => msg === 'ready' && which === 'upnp');
          assert.is(server.log.filter(isWaiting).length, 1);
          assert.match(devices(), /%br-lan:1900\b/);
          assert.match(devices(), flags.length > 0 ? /%br-lan:5000\b/ : /%br-lan:2869\b/);
          assert.not(
            server.log.some(({ msg, role: which }) => msg.startsWith('ended') && which !== 'upnp'),
            'the others have not been touched',
          );
          assert.is(await server.stop(), 0);
        },
      ]),
    ),

    'for a port of UPnP, also while the LAN is gone': async () => {
      const router = await box();
      const other = router.start(
        process.execPath,
        '-e',
        `require('net').createServer().listen(2869, '127.0.0.1', () => console.log('{"msg":"listening"}'))`,
      );
      await other.logged(({ msg }) => msg === 'listening');
      const server = router.server('--external-interface', 'wan0', '--upnp');
      await server.logged(serving);
      router.run('ip', 'link', 'del', 'br-lan');
      await server.logged(({ msg, missing }) => msg === 'cannot start yet: waiting' && /^no LAN/.test(String(missing)));
      router.run('ip', ...'link add br-lan type veth peer name lan-end'.split(' '));
      router.run('ip', ...'addr add 192.168.77.1/24 dev br-lan'.split(' '));
      for (const device of ['br-lan', 'lan-end']) router.run('ip', 'link', 'set', device, 'up');
      await server.logged(({ missing }) => /2869\/tcp on br-lan is in use/.test(String(missing)));
      other.child.kill('SIGKILL');
      await server.logged(({ msg, role }) => msg === 'ready' && role === 'upnp');
      assert.is(await server.stop(), 0);
    },

    'for a port of UPnP on one of two LANs, and serves the other meanwhile': async () => {
      const router = await box();
      for (const what of ['link add br-two type veth peer name two-end', 'addr add 192.168.78.1/24 dev br-two'])
        router.run('ip', ...what.split(' '));
      for (const device of ['br-two', 'two-end']) router.run('ip', 'link', 'set', device, 'up');
      const other = router.start(process.execPath, '-e', LISTENING_ON_TWO);
      await other.logged(({ msg }) => msg === 'listening');
      const lans = ['--listen-interface', 'br-lan', '--listen-interface', 'br-two'];
      const server = router.server('--external-interface', 'wan0', '--upnp', ...lans);
      const { why } = await server.logged(({ msg }) => msg === 'a LAN is not served by UPnP; trying again');
      assert.match(String(why), /:2869\/tcp on br-two is in use.* uid 0\)/);
      assert.ok(server.log.some(({ msg, role }) => msg === 'ready' && role === 'upnp'));
      other.child.kill('SIGKILL');
      await server.logged(({ msg }) => msg === 'the ports of UPnP are free: serving it');
      await until('both are served', async () => /0\.0\.0\.0%br-two:2869/.test(router.run('ss', '-Hlnt')));
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
