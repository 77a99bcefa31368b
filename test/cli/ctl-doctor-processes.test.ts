// What natpmpctl doctor finds out by itself: processes, their command lines and rights, and what the kernel tells.

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { diagnose } from '../../cli/natpmpctl/doctor.js';
import { readSocketTable } from '../../cli/host/socket-table.js';
import { parseUnits, routesIn, setupOf } from '../../cli/natpmpctl/doctor/collect.js';
import type { Facts } from '../../cli/natpmpctl/doctor/facts.js';
import type { DaemonProcess } from '../../cli/natpmpctl/processes.js';
import {
  believed,
  daemonOf,
  flagValues,
  daemonsOf,
  launcherElsewhere,
  readCmdline,
  withConfig,
} from '../../cli/natpmpctl/processes.js';
import { missingIsolation } from '../../cli/natpmpctl/doctor/isolation.js';
import { cases, claims } from '../support/cases.js';
import { daemon, HEAD, HEALTHY, lan, udp } from '../support/healthy-router.js';
import { line } from './doctor-support.js';

claims('a command line', {
  // As of a process that points the kernel at gigabytes of its memory: a file with a hole.
  'is read to a size, and not of other programs': () => {
    const path = join(mkdtempSync(join(tmpdir(), 'natpmp-cmdline-')), 'cmdline');
    writeFileSync(path, '/usr/bin/node\0/x/helper/main.js\0');
    assert.is(readCmdline(path), '/usr/bin/node\0/x/helper/main.js\0');
    truncateSync(path, 2 ** 36);
    assert.is(readCmdline(path)?.length, 256 << 10);
    for (const other of ['sh\0-c\0node', 'x'.repeat(1 << 20), '', '\0node\0']) {
      writeFileSync(path, other);
      assert.is(readCmdline(path), null);
    }
    assert.is(readCmdline('/proc/self/cmdline')?.split('\0')[0], process.argv0);
    assert.is(readCmdline('/proc/self/missing'), null);
    rmSync(dirname(path), { recursive: true });
  },
});

const files = (...words: string[]) => ({
  cmdline: words.map((word) => `${word}\0`).join(''),
  status: 'Uid:\t991\t991\nCapEff:\t0000000000001000\nNoNewPrivs:\t1\nSeccomp:\t2\n',
  stat: `7 (node (x) y) S 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 11 0 5000 0`,
});
cases<{ name: string; files: ReturnType<typeof files>; want: [DaemonProcess['role'], string[]] | null; jit?: true }>(
  'processes',
  [
    {
      name: 'a helper, with flags of node',
      files: files('/usr/bin/node', '--jitless', '/usr/lib/natpmp/dist/helper/main.js', '--lan', '192.168.1.1/24'),
      want: ['helper', ['--lan', '192.168.1.1/24']],
    },
    { name: 'a frontend', files: files('node', 'frontend/main.js'), want: ['frontend', []], jit: true },
    {
      name: 'a helper with a JIT, whatever is behind its program',
      files: files('/usr/bin/node', '--disable-proto=throw', '/x/helper/main.js', '--jitless'),
      want: ['helper', ['--jitless']],
      jit: true,
    },
    { name: 'natpmp-upnp', files: files('node', '--jitless', '/x/upnp/main.js'), want: ['upnp', []] },
    {
      name: 'a launcher by its link',
      files: files('node', '/usr/local/bin/natpmp-server', '--sandbox'),
      want: ['server', ['--sandbox']],
      jit: true,
    },
    {
      name: 'the launcher inside the sandbox',
      files: files('node', '/x/cli/server/sandbox-inside.js', '--sandbox'),
      want: ['server', ['--sandbox']],
      jit: true,
    },
    { name: 'the printing of a ruleset', files: files('node', '/x/cli/natpmp-server.js', 'ruleset'), want: null },
    {
      name: 'a shell about to become one',
      files: files('sh', '-c', 'exec "$@"', 'sh', 'node', '/x/helper/main.js'),
      want: null,
    },
    { name: 'another program of node', files: files('node', '/x/main.js'), want: null },
    { name: 'an editor', files: files('vi', '/x/helper/main.js'), want: null },
    { name: 'a kernel thread', files: files(), want: null },
  ],
  ({ files: one, want, jit = false }) => {
    const found = daemonOf(7, one, 100);
    assert.equal(found === null ? null : [found.role, found.args], want);
    if (found !== null) assert.is(found.hasJit, jit);
    if (found !== null)
      assert.equal(
        [found.uid, found.capabilities, found.noNewPrivileges, found.hasSeccompFilter, found.uptimeSeconds],
        [991, 0x1000n, true, true, 50],
      );
  },
);

const withFilter = { hasSeccompFilter: true };
const UNDER_SYSTEMD: Partial<Facts> = { units: [{ name: 'natpmp-helper.service', state: 'active', restarts: 0 }] };
const NO_EXCESS = 'ok the daemons have no right that they do not need';
cases<{ name: string; seen: Partial<Facts>; want: readonly string[] }>(
  'doctor: a JIT is what the administrator has chosen',
  [
    { name: 'none', seen: {}, want: [NO_EXCESS] },
    {
      name: 'that of the launcher itself is none',
      seen: { daemons: [daemon('server', { hasJit: true }), daemon('helper'), daemon('frontend')] },
      want: [NO_EXCESS],
    },
    {
      name: 'natpmp-server --jit',
      seen: { daemons: [daemon('helper', { hasJit: true }), daemon('frontend', { hasJit: true })] },
      want: [
        NO_EXCESS,
        'ok helper (pid 7), frontend (pid 8) run with a JIT, as chosen by --jit: memory may be writable and executable',
      ],
    },
    {
      name: 'install.sh --jit yes, of one that was not restarted yet',
      seen: {
        ...UNDER_SYSTEMD,
        daemons: [daemon('helper', withFilter), daemon('frontend', { ...withFilter, hasJit: true })],
      },
      want: [NO_EXCESS, 'ok frontend (pid 8) runs with a JIT, as chosen by --jit: MemoryDenyWriteExecute is off'],
    },
    {
      name: 'beside something that was not chosen',
      seen: { daemons: [daemon('helper'), daemon('frontend', { uid: 0, hasJit: true })] },
      want: [
        'warn frontend (pid 8) runs as root',
        'ok frontend (pid 8) runs with a JIT, as chosen by --jit: memory may be writable and executable',
      ],
    },
  ],
  ({ seen, want }) =>
    assert.equal(
      diagnose({ ...HEALTHY, ...seen })
        .filter(({ check }) => check === 'sandbox')
        .map(({ verdict, says }) => `${verdict} ${says}`),
      want,
    ),
);

claims('doctor: what it finds out by itself', {
  'values of flags, in both ways of writing': () =>
    assert.equal(flagValues(['--lan', 'a', '--lan=b', '--x', 'c', '--lan'], '--lan'), ['a', 'b']),
  'what its configuration file says counts, and a flag counts more': () => {
    const read = (path: string) =>
      path === '/etc/gateway.conf' ? 'external-interface = ppp0\nnat-table = mine\n' : '';
    const args = withConfig(
      daemon('server', { args: ['--config', '/etc/gateway.conf', '--nat-table', 'other'] }),
      read,
    );
    assert.equal([flagValues(args, '--external-interface'), flagValues(args, '--nat-table')], [['ppp0'], ['other']]);
  },
  'a file that cannot be read, or is wrong, is as none': () => {
    const args = ['--config', '/x', '--nat-table', 'other'];
    assert.equal(
      withConfig(daemon('server', { args }), () => {
        throw new Error('EACCES');
      }),
      args,
    );
    assert.equal(
      withConfig(daemon('helper', { args }), () => 'nonsense'),
      args,
    );
  },
  'believed are daemons of root and of ourselves, and units of systemd': () => {
    const cgroups = new Map([
      [1, '0::/machine/init.scope\n'],
      [21, '0::/machine/system.slice/natpmp-helper.service\n'],
      [22, '0::/machine/system.slice/system-natpmp\\x2dfrontend.slice/natpmp-frontend@br\\x2dlan.service\n'],
      [31, '0::/machine/user.slice/user-1000.slice/user@1000.service/system.slice/natpmp-helper.service\n'],
      [32, '0::/machine/user.slice/user-1000.slice/session-1.scope\n'],
      [33, '0::/system.slice/natpmp-helper.service\n'],
      [23, '0::/machine/system.slice/system-natpmp\\x2dupnp.slice/natpmp-upnp@br\\x2dlan.service\n'],
    ]);
    const all = [
      daemon('server', { pid: 10, uid: 0 }),
      daemon('helper', { pid: 11, parent: 10 }),
      daemon('frontend', { pid: 12, parent: 10 }),
      daemon('server', { pid: 13, uid: 1001 }),
      daemon('frontend', { pid: 14, parent: 13 }),
      daemon('helper', { pid: 21, parent: 1 }),
      daemon('frontend', { pid: 22, parent: 1 }),
      daemon('upnp', { pid: 23, parent: 1 }),
      daemon('server', { pid: 30, uid: 1000 }),
      daemon('helper', { pid: 31, parent: 1, uid: 1000 }),
      daemon('frontend', { pid: 32, parent: 30, uid: 1000 }),
      daemon('helper', { pid: 33, parent: 1, uid: 1000 }),
    ];
    const pids = believed(all, 1001, (pid) => cgroups.get(pid) ?? '').map(({ pid }) => pid);
    assert.equal(pids, [10, 11, 12, 13, 14, 21, 22, 23]);
  },
  'which processes belong to a socket': () => {
    const all = [
      daemon('server', { args: ['--run-dir', '/run/other'] }),
      daemon('server', { args: [] }),
      daemon('helper', { args: ['--socket', '/run/other/helper.sock'] }),
      daemon('frontend', { args: ['--helper-socket', '/run/other/helper.sock'] }),
      daemon('frontend'),
    ];
    assert.equal(daemonsOf(all, '/run/other/admin.sock'), [all[0], all[2], all[3]]);
    assert.equal(daemonsOf(all, '/run/natpmp/helper.sock'), [all[1], all[4]]);
  },
  'the setup, from command lines, and flags before them': () => {
    const all = [
      daemon('helper', {
        args: ['--lan', '192.168.1.1/24', '--lan', '127.255.255.254/8', '--nat-table', 'mine', '--state-dir', '/s'],
      }),
      daemon('frontend', {
        args: ['--external-interface', 'ppp0', '--lan', '192.168.1.1/24', '--external-address', '203.0.113.1'],
      }),
    ];
    const found = setupOf(all, {});
    assert.equal(
      [found.externalInterface, found.externalAddress, found.natTable, found.stateDir, found.listenPort],
      ['ppp0', 0xcb007101, 'mine', '/s', 5351],
    );
    assert.ok(found.lans.some(({ routerAddress }) => routerAddress === lan.routerAddress));
    assert.not.ok(found.lans.some(({ routerAddress }) => routerAddress >>> 24 === 127));
    assert.is(setupOf(all, { externalInterface: 'wan0', natTable: 'nat' }).externalInterface, 'wan0');
    assert.equal(setupOf([daemon('server')], {}).listenInterfaces, ['br-lan']);
    assert.equal(setupOf([], {}).listenInterfaces, []);
  },
  'a LAN that every daemon names is one LAN': () => {
    const args = ['--listen-interface', 'br-lan', '--listen-interface', 'br-guest'];
    const all = (['server', 'frontend', 'upnp'] as const).map((role) => daemon(role, { args }));
    assert.equal(setupOf(all, {}).listenInterfaces, ['br-lan', 'br-guest']);
  },
  "the port of the sandbox is that of the host's loopback, and not of its LANs": () => {
    const server = daemon('server', { args: ['--sandbox', '--listen-port', '15351'] });
    assert.is(setupOf([server], {}).listenPort, 5351);
    assert.is(setupOf([{ ...server, args: server.args.slice(1) }], {}).listenPort, 15351);
  },
  'default routes, and the others': () =>
    assert.equal(
      routesIn(
        [
          'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
          'wan0\t00000000\t017100CB\t0003\t0\t0\t0\t00000000\t0\t0\t0',
          'wan0\t00000000\t027100CB\t0003\t0\t0\t9\t00000000\t0\t0\t0',
          'br-lan\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
          '',
        ].join('\n'),
      ),
      { defaultRoutes: ['wan0'], routes: [{ interfaceName: 'br-lan', address: 0xc0a80100, prefixLength: 24 }] },
    ),
  units: () =>
    assert.equal(
      parseUnits(
        'Id=natpmp-helper.service\nLoadState=loaded\nActiveState=active\nNRestarts=2\n\nId=x.service\n' +
          'LoadState=not-found\nActiveState=inactive\nNRestarts=0\n',
      ),
      [{ name: 'natpmp-helper.service', state: 'active', restarts: 2 }],
    ),
  'UDP sockets': () =>
    assert.equal(readSocketTable(udp('00000010', '4711', '0101A8C0', '')), [
      { address: 0xc0a80101, port: 5351, state: '07', uid: 0, inode: '4711', queuedBytes: 16 },
    ]),
});

claims('doctor: a gateway in another network namespace', {
  'its network is not judged by what is here, and what to do is said': () => {
    const findings = diagnose({ ...HEALTHY, elsewhere: 'nsenter --target=7 --net natpmpctl doctor', udpTable: HEAD });
    assert.equal(findings.map(line), [
      'ok helper',
      'ok frontend',
      'unknown network',
      'ok state',
      'ok clock',
      'ok sandbox',
    ]);
    assert.match(findings[2]?.remedy ?? '', /nsenter --target=7 --net natpmpctl doctor$/);
  },
  'is that of the launcher, because daemons have networks of their own': () => {
    const networks: Readonly<Record<string, string | null>> = {
      self: 'net:[1]',
      3: 'net:[1]',
      4: 'net:[2]',
      8: 'net:[9]',
    };
    const elsewhere = (...daemons: readonly DaemonProcess[]) =>
      launcherElsewhere(daemons, (pid) => networks[pid] ?? null);
    assert.is(elsewhere(daemon('frontend', { parent: 4 })), 4);
    assert.is(elsewhere(daemon('server', { pid: 4, parent: 3 })), 4);
    assert.is(elsewhere(daemon('server', { pid: 3, parent: 4 }), daemon('frontend', { parent: 3 })), null);
    assert.is(elsewhere(daemon('frontend', { parent: 5 })), null, 'one that is not to be seen');
    assert.is(elsewhere(daemon('frontend', { parent: 1 })), null, 'of systemd');
    assert.is(elsewhere(), null);
  },
});

/** As /proc/PID/mountinfo shows it. */
const mountinfo = (root: string, proc: string): string =>
  [
    `43 42 254:0 /run/natpmp/root / ${root},relatime master:1 - ext4 /dev/vda rw,discard`,
    '44 43 254:0 /usr /usr ro,nosuid,nodev - ext4 /dev/vda rw',
    `45 43 0:41 / /proc ro,nosuid shared:2 master:3 - proc proc ro${proc}`,
    '',
  ].join('\n');

cases(
  'the isolation of a daemon',
  [
    { name: 'whole', seen: mountinfo('ro', ',hidepid=invisible,subset=pid'), shares: false, want: [] },
    {
      name: 'in the network of the machine',
      seen: mountinfo('ro', ',hidepid=invisible'),
      shares: true,
      want: ['is in the network of this machine'],
    },
    {
      name: 'with the root folder of the machine',
      seen: mountinfo('rw', ',hidepid=invisible'),
      shares: false,
      want: ['sees its files and sockets'],
    },
    { name: 'with its processes', seen: mountinfo('ro', ''), shares: false, want: ['sees its processes'] },
    {
      name: 'what is mounted over it counts',
      seen: `${mountinfo('rw', ',hidepid=invisible')}50 43 0:9 / / ro - tmpfs tmpfs rw\n`,
      shares: false,
      want: [],
    },
  ],
  ({ seen, shares, want }) => assert.equal(missingIsolation(seen, shares), want),
);
