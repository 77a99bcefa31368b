// Runs in place of a daemon, in its unit: tries what the daemon must not be able to do even when it has been taken
// over, and prints how each attempt ends, a JSON object. Calls libc itself, as injected code would.

import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, readdirSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { constants, networkInterfaces } from 'node:os';
import type * as Koffi from 'koffi';
import { listenFds } from '../../process/listen-fds.js';

const HOME = '/usr/local/lib/natpmp-server';
/** The pid of the other daemon, as the container numbers them. */
const other = Number(process.argv[2]);

// Where the units allow an addon to be loaded from.
const koffi = createRequire(`${HOME}/package.json`)('koffi') as typeof Koffi;
const libc = koffi.load(null);
const call = {
  socket: libc.func('int socket(int, int, int)'),
  syscall: libc.func('long syscall(long, long, long, long, long, long)'),
  setuid: libc.func('int setuid(int)'),
  unshare: libc.func('int unshare(int)'),
  mount: libc.func('int mount(str, str, str, unsigned long, void *)'),
  ptrace: libc.func('long ptrace(int, int, long, long)'),
} as Readonly<Record<string, (...args: readonly (number | string | null)[]) => number>>;
/** By their numbers on x86-64. */
const SYSCALL = { mmap: 9, init_module: 175, keyctl: 250, bpf: 321, io_uring_setup: 425 } as const;

function errorName(number: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? String(number);
}

/** A call of libc: "done", or the name of the error. */
function libcCall(name: string, ...args: readonly (number | string | null)[]): string {
  return Number(call[name]?.(...args)) < 0 ? errorName(koffi.errno()) : 'done';
}

function attempt(action: () => unknown): string {
  try {
    action();
    return 'done';
  } catch (error) {
    const { code, errno, message } = error as NodeJS.ErrnoException;
    return code?.startsWith('E') && !code.startsWith('ERR')
      ? code
      : errno === undefined
        ? message
        : errorName(Math.abs(errno));
  }
}

function execute(program: string): string {
  const { error } = spawnSync(program, ['-c', 'true'], { stdio: 'ignore' });
  return error === undefined ? 'done' : ((error as NodeJS.ErrnoException).code ?? error.message);
}

function executeOwnFile(): string {
  writeFileSync('/tmp/program', '#!/bin/sh\n');
  chmodSync('/tmp/program', 0o755);
  return execute('/tmp/program');
}

function connecting(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve('done'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** RTM_NEWADDR: give the loopback interface an address; what the kernel says to it. */
function changeTheKernel(route: number): string {
  const message = Buffer.alloc(32);
  message.writeUInt32LE(32, 0);
  message.writeUInt16LE(20, 4);
  message.writeUInt16LE(0x405, 6); // REQUEST, ACK, CREATE
  message.set([2, 24, 0, 0, 1, 0, 0, 0, 8, 0, 2, 0, 10, 1, 1, 1], 16);
  return attempt(() => {
    writeSync(route, message);
    const reply = Buffer.alloc(4096);
    readSync(route, reply);
    const error = reply.readInt32LE(16);
    if (error !== 0) throw Object.assign(new Error(), { code: errorName(-error) });
  });
}

const status = readFileSync('/proc/self/status', 'latin1');
const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(status)?.[1] ?? '';
const route = listenFds(process.env, process.pid).get('route')?.[0];

const results = {
  capabilities: [field('CapEff'), field('CapBnd'), field('CapPrm')].join(' '),
  'no new privileges, seccomp': `${field('NoNewPrivs')} ${field('Seccomp')}`,
  'processes it sees': String(
    readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).length,
  ),
  'socket AF_UNIX': libcCall('socket', 1, 1, 0),
  'socket AF_INET': libcCall('socket', 2, 2, 0),
  'socket AF_INET6': libcCall('socket', 10, 2, 0),
  'socket AF_NETLINK': libcCall('socket', 16, 3, 12),
  'socket AF_PACKET': libcCall('socket', 17, 3, 0),
  'list interfaces': attempt(networkInterfaces) === 'done' ? 'done' : 'refused',
  'execute sh': execute('/bin/sh'),
  'execute nft': execute('/usr/sbin/nft'),
  'execute a file of its own': executeOwnFile(),
  'memory that is writable and executable': libcCall('syscall', SYSCALL.mmap, 0, 4096, 7, 0x22, -1),
  'become root': libcCall('setuid', 0),
  'new namespaces': libcCall('unshare', 0x10000000 | 0x40000000),
  mount: libcCall('mount', 'none', '/tmp', 'tmpfs', 0, null),
  'trace the other': libcCall('ptrace', 16, other, 0, 0),
  'signal the other': attempt(() => process.kill(other, 'SIGKILL')),
  'signal systemd': attempt(() => process.kill(1, 0)),
  'load a kernel module': libcCall('syscall', SYSCALL.init_module, 0, 0, 0, 0, 0),
  bpf: libcCall('syscall', SYSCALL.bpf, 0, 0, 0, 0, 0),
  keyring: libcCall('syscall', SYSCALL.keyctl, 0, 0, 0, 0, 0),
  io_uring: libcCall('syscall', SYSCALL.io_uring_setup, 0, 0, 0, 0, 0),
  'read the leases': attempt(() => readdirSync('/var/lib/private/natpmp-server')),
  'read the memory of the other': attempt(() => readFileSync(`/proc/${other}/environ`)),
  'read home folders': attempt(() => readdirSync('/root')),
  'change the program': attempt(() => appendFileSync(`${HOME}/package.json`, ' ')),
  'change the settings': attempt(() => appendFileSync('/etc/natpmp-server/gateway.env', ' ')),
  'change kernel parameters': attempt(() => writeFileSync('/proc/sys/net/ipv4/ip_forward', '0')),
  'change sysfs': attempt(() => writeFileSync('/sys/kernel/uevent_helper', '')),
  'change control groups': attempt(() => writeFileSync('/sys/fs/cgroup/cgroup.procs', '1')),
  'make a file in /usr': attempt(() => writeFileSync('/usr/new', '')),
  'ask as an administrator': await connecting('/run/natpmp/admin.sock'),
  'ask as a frontend': await connecting('/run/natpmp/helper.sock'),
  'change addresses with the socket it was given': route === undefined ? 'none' : changeTheKernel(route),
};
process.stdout.write(`${JSON.stringify(results)}\n`);
process.exit(0);
