// Runs in place of a daemon, in its unit or under natpmp-server: tries what the daemon must not be able to do even when
// it has been taken over, and prints how each attempt ends, a JSON object. Calls libc itself, as injected code would.
// Arguments: the pid of the other daemon, the folder of the installation, and a line that it says before, in hex.

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { constants, networkInterfaces } from 'node:os';
import type * as Koffi from 'koffi';
import { listenFds } from '../../process/listen-fds.js';

const HOME = process.argv[3] ?? '/usr/local/lib/natpmp-server';
/** The pid of the other daemon, as the container numbers them. */
const other = Number(process.argv[2]);
/** An address of the Internet, as the laboratories have it, and a port of the router's own that nobody filters. */
const OUTSIDE = '203.0.113.10';
/** 2001:db8:ffff::1 */
const OUTSIDE6 = '20010db8ffff00000000000000000001';

// Where the units allow an addon to be loaded from.
const koffi = createRequire(`${HOME}/package.json`)('koffi') as typeof Koffi;
const libc = koffi.load(null);
type Argument = number | string | Uint8Array | null;
const call = {
  socket: libc.func('int socket(int, int, int)'),
  syscall: libc.func('long syscall(long, long, long, long, long, long)'),
  setuid: libc.func('int setuid(int)'),
  unshare: libc.func('int unshare(int)'),
  mount: libc.func('int mount(str, str, str, unsigned long, void *)'),
  ptrace: libc.func('long ptrace(int, int, long, long)'),
  connect: libc.func('int connect(int, const uint8_t *, unsigned int)'),
  sendto: libc.func('long sendto(int, str, unsigned long, int, const uint8_t *, unsigned int)'),
  shutdown: libc.func('int shutdown(int, int)'),
  setsockopt: libc.func('int setsockopt(int, int, int, str, unsigned int)'),
  getpeername: libc.func('int getpeername(int, _Out_ uint8_t *, _Inout_ uint8_t *)'),
  getsockopt: libc.func('int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint8_t *)'),
} as Readonly<Record<string, (...args: readonly Argument[]) => number>>;
/** By their numbers on x86-64. */
const SYSCALL = { mmap: 9, init_module: 175, keyctl: 250, bpf: 321, io_uring_setup: 425 } as const;

function errorName(number: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? String(number);
}

/** A call of libc: "done", or the name of the error. */
function libcCall(name: string, ...args: readonly Argument[]): string {
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

/** In any folder where it can make one. */
function executeOwnFile(): string {
  const made = attempt(() => {
    writeFileSync('/tmp/program', '#!/bin/sh\n');
    chmodSync('/tmp/program', 0o755);
  });
  return made === 'done' ? execute('/tmp/program') : made;
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

/** struct sockaddr_in; without an address AF_UNSPEC, which dissolves a socket's ties. */
function socketAddress(address?: string, port = 0): Uint8Array {
  const bytes = Buffer.alloc(16);
  if (address === undefined) return bytes;
  bytes.set(new Uint8Array(Uint16Array.of(2).buffer));
  bytes.writeUInt16BE(port, 2);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
}

/** A datagram by the socket for requests, untied from its device first. */
function datagram(fd: number | undefined, address: string, device?: string): string {
  if (fd === undefined) return 'none';
  libcCall('connect', fd, socketAddress(), 16);
  if (device !== undefined) libcCall('setsockopt', fd, 1, 25, `${device}\0`, device.length + 1);
  return libcCall('sendto', fd, 'out', 3, 0, socketAddress(address, 9), 16);
}

/** SO_DOMAIN: 2 for IPv4, 10 for IPv6. */
function familyOf(fd: number): number {
  const [value, length] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32LE(4);
  return libcCall('getsockopt', fd, 1, 39, value, length) === 'done' ? value.readUInt32LE(0) : 0;
}

/** struct sockaddr_in6. */
function socketAddress6(address: string, port: number): Uint8Array {
  const bytes = Buffer.alloc(28);
  bytes.set(new Uint8Array(Uint16Array.of(10).buffer));
  bytes.writeUInt16BE(port, 2);
  bytes.set(Buffer.from(address, 'hex'), 8);
  return bytes;
}

/** The same as `datagram` by the socket of PCP. `address`: 32 hexadecimal digits. */
function datagram6(fd: number | undefined, address: string, device?: string): string {
  if (fd === undefined) return 'none';
  libcCall('connect', fd, socketAddress(), 16);
  if (device !== undefined) libcCall('setsockopt', fd, 1, 25, `${device}\0`, device.length + 1);
  return libcCall('sendto', fd, 'out', 3, 0, socketAddress6(address, 9), 28);
}

/** A listening socket made into a client of a service on the router's loopback. */
function listenerAsClient(fd: number | undefined): string {
  if (fd === undefined) return 'none';
  libcCall('shutdown', fd, 2);
  libcCall('connect', fd, socketAddress(), 16);
  // A non-blocking socket says so while it connects.
  return libcCall('connect', fd, socketAddress('127.0.0.1', 9), 16).replace(/EINPROGRESS|ECONNREFUSED/, 'done');
}

/** Where the test has something listen, on every host. */
const SERVICE_PORT = 7777;
/** Far above a round trip in the lab. */
const CONNECT_MS = 500;

/** A socket that listens to a LAN made into a client of a service elsewhere, and what comes of it. */
async function clientOf(fd: number | undefined, address: string): Promise<string> {
  if (fd === undefined) return 'none';
  libcCall('shutdown', fd, 2);
  libcCall('connect', fd, socketAddress(), 16);
  libcCall('connect', fd, socketAddress(address, SERVICE_PORT), 16);
  const [peer, length, error] = [Buffer.alloc(16), Buffer.alloc(4), Buffer.alloc(4)];
  for (
    const endMs = Date.now() + CONNECT_MS;
    Date.now() < endMs;
    await new Promise((resume) => setTimeout(resume, 20))
  ) {
    length.writeUInt32LE(16);
    if (libcCall('getpeername', fd, peer, length) === 'done') return 'connected';
    length.writeUInt32LE(4);
    libcCall('getsockopt', fd, 1, 4, error, length);
    if (error.readUInt32LE(0) !== 0) return errorName(error.readUInt32LE(0));
  }
  return 'nothing';
}

/** Every folder that can be reached, but for those of the kernel. */
function folders(path = '/', into: string[] = []): readonly string[] {
  into.push(path);
  if (into.length > 20_000 || ['/proc', '/sys', '/src'].includes(path)) return into;
  let names: string[] = [];
  try {
    names = readdirSync(path);
  } catch {
    // Not this one.
  }
  for (const name of names) {
    const each = `${path === '/' ? '' : path}/${name}`;
    if (each === '/usr') continue;
    if (lstatSync(each, { throwIfNoEntry: false })?.isDirectory()) folders(each, into);
  }
  return into;
}

/** Where a file can be made, and a byte written to it. */
function writableFolders(): string {
  return ['/tmp', '/var/tmp', '/dev/shm', '/dev/mqueue', ...folders()]
    .filter((path) => attempt(() => writeFileSync(`${path}/natpmp-probe`, 'x')) === 'done')
    .filter((path, index, all) => all.indexOf(path) === index)
    .join(' ');
}

/** Sockets of others that can be reached by their path. */
async function foreignSockets(): Promise<string> {
  const found: string[] = [];
  for (const folder of folders()) {
    for (const name of attempt(() => readdirSync(folder)) === 'done' ? readdirSync(folder) : []) {
      const path = `${folder}/${name}`;
      if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) continue;
      // A datagram socket says that it is of another type: it can be reached.
      if (['done', 'EPROTOTYPE', 'EAGAIN'].includes(await connecting(path))) found.push(path);
    }
  }
  return found.join(' ');
}

/** Its descriptors that are no socket and no pipe. */
function openFiles(): string {
  return readdirSync('/proc/self/fd')
    .flatMap((fd) => {
      try {
        const path = readlinkSync(`/proc/self/fd/${fd}`);
        return /^(socket|pipe|anon_inode):|^\/proc\/|^\/dev\/null$/.test(path) ? [] : [path];
      } catch {
        return [];
      }
    })
    .filter((path, index, all) => all.indexOf(path) === index)
    .join(' ');
}

const status = readFileSync('/proc/self/status', 'latin1');
const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(status)?.[1] ?? '';
const passed = listenFds(process.env, process.pid);
const route = passed.get('route')?.[0];
const requests = [...(passed.get('natpmp') ?? []), ...(passed.get('ssdp') ?? [])].find((fd) => familyOf(fd) === 2);
const pcp = passed.get('natpmp')?.find((fd) => familyOf(fd) === 10);
const metrics = passed.get('metrics')?.[0];
const searches = passed.get('ssdp')?.[0];
const upnp = passed.get('upnp')?.[0];

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
  'a user namespace': `${spawnSync('unshare', ['--user', 'true'], { stdio: 'ignore' }).status}`,
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
  'open files': openFiles(),
  'folders it can write to': writableFolders(),
  'sockets of others': await foreignSockets(),
  'a datagram to the Internet': datagram(requests, OUTSIDE, 'wan0'),
  'a datagram to the router itself': datagram(requests, '127.0.0.1'),
  'an IPv6 datagram to the Internet': datagram6(pcp, OUTSIDE6, 'wan0'),
  'an IPv6 datagram to the router itself': datagram6(pcp, '1'.padStart(32, '0')),
  'the IPv6 socket, for IPv4': pcp === undefined ? 'none' : libcCall('setsockopt', pcp, 41, 26, '\0\0\0\0', 4),
  'TCP by the socket for metrics': listenerAsClient(metrics),
  'TCP by the socket of the helper': listenerAsClient(passed.get('helper')?.[0]),
  'a search socket to the router itself, in the LAN': datagram(searches, '192.168.1.1'),
  'a search socket to another network of the router': datagram(searches, '192.168.2.2'),
  'a search socket to a host of its LAN': datagram(searches, '192.168.1.2'),
  'TCP by the socket of UPnP to the Internet': await clientOf(upnp, '203.0.113.1'),
  'TCP by the socket of UPnP to the router itself, on loopback': await clientOf(upnp, '127.0.0.1'),
  'TCP by the socket of UPnP to the router itself, in the LAN': await clientOf(upnp, '192.168.1.1'),
  'TCP by the socket of UPnP to another network of the router': await clientOf(upnp, '192.168.2.2'),
  'TCP by the socket of UPnP to a host of its LAN': await clientOf(upnp, '192.168.1.2'),
  'change addresses with the socket it was given': route === undefined ? 'none' : changeTheKernel(route),
};
const said = process.argv[4];
if (said !== undefined) process.stdout.write(Buffer.from(`${said}0a`, 'hex'));
process.stdout.write(`${JSON.stringify(results)}\n`);
process.exit(0);
