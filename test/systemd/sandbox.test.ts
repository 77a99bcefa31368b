// What a daemon that has been taken over can do in its unit: attempts, made by a program that runs in its place.

import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';
import { until } from '../lab/flows.js';
import { addIpv6 } from '../lab/ipv6.js';
import { answering, Box, FRONTEND, HELPER, INSTALL, UPNP } from './box.js';

const CAP_NET_ADMIN = '0000000000001000';
const NONE = '0000000000000000';
/** As the probe has it. */
const SERVICE_PORT = 7777;

/** How an attempt ends: in the frontend, in natpmp-upnp, in the helper. */
const ATTEMPTS: Readonly<Record<string, readonly [frontend: string, upnp: string, helper: string]>> = {
  capabilities: [
    `${NONE} ${NONE} ${NONE}`,
    `${NONE} ${NONE} ${NONE}`,
    `${CAP_NET_ADMIN} ${CAP_NET_ADMIN} ${CAP_NET_ADMIN}`,
  ],
  'no new privileges, seccomp': ['1 2', '1 2', '1 2'],
  'processes it sees': ['0', '0', '0'],
  // The connection to the helper.
  'socket AF_UNIX': ['done', 'done', 'EAFNOSUPPORT'],
  'socket AF_INET': ['EAFNOSUPPORT', 'EAFNOSUPPORT', 'EAFNOSUPPORT'],
  'socket AF_INET6': ['EAFNOSUPPORT', 'EAFNOSUPPORT', 'EAFNOSUPPORT'],
  'socket AF_NETLINK': ['EAFNOSUPPORT', 'EAFNOSUPPORT', 'EAFNOSUPPORT'],
  'socket AF_PACKET': ['EAFNOSUPPORT', 'EAFNOSUPPORT', 'EAFNOSUPPORT'],
  'list interfaces': ['refused', 'refused', 'refused'],
  'execute sh': ['EACCES', 'EACCES', 'EACCES'],
  'execute nft': ['EACCES', 'EACCES', 'EACCES'],
  'execute a file of its own': ['EACCES', 'EACCES', 'EACCES'],
  // By the kernel; before Linux 6.3 it is EPERM, by systemd's filter.
  'memory that is writable and executable': ['EACCES EPERM', 'EACCES EPERM', 'EACCES EPERM'],
  'become root': ['EPERM', 'EPERM', 'EPERM'],
  'new namespaces': ['EPERM', 'EPERM', 'EPERM'],
  // The program cannot be executed.
  'a user namespace': ['null', 'null', 'null'],
  mount: ['EPERM', 'EPERM', 'EPERM'],
  'trace the other': ['EPERM', 'EPERM', 'EPERM'],
  'signal the other': ['EPERM', 'EPERM', 'EPERM'],
  'signal systemd': ['EPERM', 'EPERM', 'EPERM'],
  'load a kernel module': ['EPERM', 'EPERM', 'EPERM'],
  bpf: ['EPERM', 'EPERM', 'EPERM'],
  keyring: ['EPERM', 'EPERM', 'EPERM'],
  io_uring: ['EPERM', 'EPERM', 'EPERM'],
  // Its own.
  'read the leases': ['ENOENT', 'ENOENT', 'done'],
  'read the memory of the other': ['ENOENT', 'ENOENT', 'ENOENT'],
  'read home folders': ['EACCES', 'EACCES', 'EACCES'],
  'change the program': ['EACCES', 'EACCES', 'EACCES'],
  'change the settings': ['EACCES', 'EACCES', 'EACCES'],
  'change kernel parameters': ['ENOENT', 'ENOENT', 'ENOENT'],
  'change sysfs': ['EROFS', 'EROFS', 'EROFS'],
  'change control groups': ['EROFS', 'EROFS', 'EROFS'],
  'make a file in /usr': ['EROFS', 'EROFS', 'EROFS'],
  'ask as an administrator': ['EACCES', 'EACCES', 'EAFNOSUPPORT'],
  'ask as a frontend': ['done', 'done', 'EAFNOSUPPORT'],
  'open files': ['', '', ''],
  'folders it can write to': ['', '', '/var/lib/private/natpmp-server'],
  'sockets of others': [
    '/run/natpmp/helper.sock /run/natpmp/metrics-br-lan.sock',
    '/run/natpmp/helper.sock /run/natpmp/upnp-br-lan.metrics /run/natpmp/upnp-br-lan.sock',
    '',
  ],
  'a datagram to the Internet': ['EPERM', 'EPERM', 'none'],
  'a datagram to the router itself': ['EPERM', 'EPERM', 'none'],
  'an IPv6 datagram to the Internet': ['EPERM', 'none', 'none'],
  'an IPv6 datagram to the router itself': ['EPERM', 'none', 'none'],
  'the IPv6 socket, for IPv4': ['EINVAL', 'none', 'none'],
  'TCP by the socket for metrics': ['EINVAL', 'EINVAL', 'none'],
  'TCP by the socket of the helper': ['none', 'none', 'EINVAL'],
  'change addresses with the socket it was given': ['EPERM', 'EPERM', 'none'],
  // Bound to its LAN, whatever it is untied from.
  'a search socket to the router itself, in the LAN': ['none', 'EPERM', 'none'],
  'a search socket to another network of the router': ['none', 'EPERM', 'none'],
  'a search socket to a host of its LAN': ['none', 'done', 'none'],
  'TCP by the socket of UPnP to the Internet': ['none', 'nothing', 'none'],
  'TCP by the socket of UPnP to the router itself, on loopback': ['none', 'nothing', 'none'],
  'TCP by the socket of UPnP to the router itself, in the LAN': ['none', 'nothing', 'none'],
  'TCP by the socket of UPnP to another network of the router': ['none', 'nothing', 'none'],
  'TCP by the socket of UPnP to a host of its LAN': ['none', 'connected', 'none'],
};

/** What a daemon says to journald itself: a priority of its own choice, and what a terminal would obey. */
const SAID = '<0>\u001b]0;owned\u0007 to all';
const HEX = Buffer.from(SAID).toString('hex');

const box = await Box.open([]);

if (box !== null) {
  await addIpv6(box.lab);
  await box.must(...INSTALL, '--pinholes', 'yes', '--upnp', 'yes');
  await answering(box);
  const { alice, carol, outside } = box.lab;
  for (const host of [alice, carol, outside]) await host?.listen(SERVICE_PORT);
  const script = `require("net").createServer().listen(${SERVICE_PORT}, "0.0.0.0")`;
  await box.must('systemd-run', '--quiet', '--unit=service-of-the-router', '/usr/bin/node', '-e', script);
  await until('it listens', async () => (await box.must('ss', '-Hlnt')).includes(`:${SERVICE_PORT} `));
  const roles = ['frontend', 'upnp', 'helper'] as const;
  const probeAll = async (flags: string) => ({
    frontend: await probe(box, FRONTEND, HELPER, flags),
    upnp: await probe(box, UPNP, HELPER, flags),
    helper: await probe(box, HELPER, FRONTEND, flags),
  });
  const rows = (results: Awaited<ReturnType<typeof probeAll>>, other: Partial<typeof ATTEMPTS> = {}) =>
    Object.entries({ ...ATTEMPTS, ...other }).flatMap(([what, expected]) =>
      roles.map((role, index) => ({ name: `${role}: ${what}`, is: results[role][what], expected: expected?.[index] })),
    );
  const compare = ({ is, expected }: { readonly is: string | undefined; readonly expected: string | undefined }) =>
    assert.ok(expected === is || expected?.split(' ').includes(is ?? ''), `${is}, not ${expected}`);

  cases('taken over', rows(await probeAll('--jitless')), compare);

  claims('the journal, of a unit that was taken over', {
    'believes any priority, and shows no text that a terminal obeys': async () => {
      for (const unit of [FRONTEND, UPNP, HELPER]) {
        const journal = async (format: string) =>
          (await box.must('journalctl', '--no-pager', '-o', format, '-u', unit)).trim().split('\n');
        const lines = (await journal('json')).map((line) => JSON.parse(line) as { PRIORITY: string; MESSAGE: unknown });
        const bytes = [...Buffer.from(SAID.slice(3))];
        const { PRIORITY } = lines.find(({ MESSAGE }) => JSON.stringify(MESSAGE) === JSON.stringify(bytes))!;
        assert.is(PRIORITY, '0');
        const shown = await box.must('journalctl', '--no-pager', '-u', unit);
        assert.ok(shown.includes('to all') || shown.includes('blob data'), shown.slice(-1500));
        const raw = shown.split('\n').filter((line) => [...line].some((letter) => letter < ' '));
        assert.equal(raw, []);
        const coloured = await box.must('env', 'SYSTEMD_COLORS=1', 'journalctl', '--no-pager', '-u', unit);
        assert.not.match(coloured, /\x1b\]|\x07/);
      }
    },
  });

  await box.must(...INSTALL, '--jit', 'yes');
  await answering(box);
  cases(
    'taken over, with a JIT: all is as before, but for',
    rows(await probeAll(''), { 'memory that is writable and executable': ['done', 'done', 'done'] }),
    compare,
  );
}

/** Start the probe as a unit's program, beside the other daemon; what it found. */
async function probe(box: Box, unit: string, other: string, flags: string): Promise<Readonly<Record<string, string>>> {
  // Nobody but us may start it again. One that stops may have had another started meanwhile, and jobs go on after
  // `stop` has returned: a start beside them is cancelled.
  await until(
    'all has stopped',
    async () => {
      await box.run('systemctl', 'stop', 'natpmp-*');
      const jobs = await box.must('systemctl', 'list-jobs', '--no-legend');
      const units = await box.must(
        'systemctl',
        'list-units',
        '--no-legend',
        '--state=active,activating,deactivating,reloading',
        'natpmp-*',
      );
      return !jobs.includes('natpmp-') && units === '';
    },
    60_000,
  );
  await box.sh(`systemctl start '${other}'`);
  await until('the other runs', async () => (await box.pid(other)) !== 0, 30_000);
  const results = (log: string) => log.split('\n').filter((line) => line.startsWith('{"capabilities"'));
  const earlier = results(await box.log(unit)).length;
  let found: string | undefined;
  const folder = `/run/systemd/system/${unit}.d`;
  await box.sh(`mkdir -p '${folder}'; cat > '${folder}/probe.conf' <<EOF
[Service]
Type=exec
Restart=no
WatchdogSec=0
ExecStart=
ExecStart=/usr/bin/node ${flags} /src/dist/test/systemd/probe.js ${await box.pid(other)} /usr/local/lib/natpmp-server ${HEX}
EOF
systemctl daemon-reload; systemctl restart '${unit}'`);
  await until(
    'the probe has ended',
    async () => {
      const log = await box.log(unit);
      found = results(log)[earlier];
      if (found === undefined && (await box.property(unit, 'ActiveState')) === 'failed') throw new Error(log);
      return found !== undefined;
    },
    30_000,
  );
  await box.sh(`rm '${folder}/probe.conf'; systemctl daemon-reload`);
  return JSON.parse(found ?? '{}') as Record<string, string>;
}
