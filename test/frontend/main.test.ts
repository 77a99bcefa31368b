// The program itself, as its supervisor starts it: flags the runtime is hardened with, sockets by LISTEN_FDS.

import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openNetlink, openUdp } from '../../cli/server/sockets.js';
import { bytes, hex } from '../support/bytes.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { ip } from './support.js';

const PROGRAM = join(import.meta.dirname, '../../frontend/main.js');
const HARDENED = ['--jitless', '--disallow-code-generation-from-strings', '--disable-proto=throw'];
const GATEWAY = '127.0.0.41';
const LAN = ['--lan', '127.0.0.1/8', '--external-interface', 'lo'];
const folder = mkdtempSync(join(tmpdir(), 'natpmp-main-'));
atEnd(() => rmSync(folder, { recursive: true }));

cases(
  'wrong flags',
  [
    { name: 'no LAN', args: ['--external-interface', 'lo'], says: '--lan' },
    { name: 'no external interface', args: ['--lan', '10.0.0.1/8'], says: '--external-interface' },
    { name: 'unknown', args: [...LAN, '--frobnicate'], says: '--frobnicate' },
    { name: 'without its value', args: [...LAN, '--max-lifetime'], says: '--max-lifetime' },
    { name: 'something that is no flag', args: [...LAN, 'please'], says: 'argument' },
    { name: 'no socket is handed over', args: LAN, says: '"natpmp"' },
  ],
  ({ args, says }) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', env: {} });
    assert.is(status, 2);
    assert.is(stdout, '');
    assert.ok(stderr.includes(says), stderr);
  },
);

claims('--help', {
  'names every flag': () => {
    const { status, stdout } = spawnSync(process.execPath, [...HARDENED, PROGRAM, '--help'], { encoding: 'utf8' });
    assert.is(status, 0);
    for (const flag of [
      'external-interface',
      'lan',
      'helper-socket',
      'max-mappings-per-ip',
      'default-lifetime',
      'max-lifetime',
      'allowed-ports',
      'external-address',
      'log-level',
    ])
      assert.ok(stdout.includes(`--${flag} `), flag);
  },
});

interface Handed {
  readonly name: string;
  readonly fd: number;
}

/** Start the program with these descriptors; they are closed here. */
function start(
  handed: readonly Handed[],
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn(
    'sh',
    ['-c', 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"', 'sh', process.execPath, ...HARDENED, PROGRAM, ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe', ...handed.map(({ fd }) => fd)],
      env: {
        PATH: process.env['PATH'],
        LISTEN_FDS: String(handed.length),
        LISTEN_FDNAMES: handed.map(({ name }) => name).join(':'),
        ...env,
      },
    },
  );
  for (const { fd } of handed) closeSync(fd);
  atEnd(() => {
    child.kill('SIGKILL');
  });
  return child;
}

async function ended(child: ChildProcess): Promise<{ status: number | null; stderr: string }> {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [status] = await once(child, 'close', { signal: AbortSignal.timeout(20_000) });
  return { status: status as number | null, stderr };
}

async function freePort(): Promise<number> {
  const probe = createSocket('udp4').bind(0, GATEWAY);
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}

async function reads(path: string, wanted: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!readFileSync(path, 'utf8').includes(wanted)) {
    if (Date.now() > deadline) throw new Error(`${path} never said ${wanted}: ${readFileSync(path, 'utf8')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

claims('the program', {
  'R-27 needs the route socket, or a fixed address': async () => {
    const child = start([{ name: 'natpmp', fd: openUdp(ip(GATEWAY), await freePort(), null) }], LAN);
    const { status, stderr } = await ended(child);
    assert.is(status, 2);
    assert.ok(stderr.includes('"route"'), stderr);
  },
  'R-27 refuses a blocking route socket': async () => {
    const child = start(
      [
        { name: 'route', fd: openSync('/dev/null', 'r') },
        { name: 'natpmp', fd: openUdp(ip(GATEWAY), await freePort(), null) },
      ],
      LAN,
    );
    const { status, stderr } = await ended(child);
    assert.is(status, 2);
    assert.ok(stderr.includes('NonBlocking=yes'), stderr);
  },
  'D-14 what was asked before it runs waits in the socket, and is answered': async () => {
    const port = await freePort();
    const natpmp = openUdp(ip(GATEWAY), port, null);
    const socket = createSocket('udp4').bind(0, '127.0.0.52');
    await once(socket, 'listening');
    // Once: nobody asks again. Without a helper there is an answer to this when it has had its time to start.
    socket.send(bytes('02 00'), port, GATEWAY);
    const child = start(
      [{ name: 'natpmp', fd: natpmp }],
      [...LAN, '--external-address', '203.0.113.9', '--helper-socket', join(folder, 'nobody')],
    );
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(20_000) });
    assert.is(hex((reply as Uint8Array).subarray(0, 4)), '00800001');
    socket.close();
    child.kill('SIGKILL');
  },
  'D-14 is ready without a helper, answers what it can, and stops on SIGTERM': async () => {
    const port = await freePort();
    const notify = join(folder, 'notify');
    const child = start(
      [
        { name: 'notify', fd: openSync(notify, 'a') },
        { name: 'natpmp', fd: openUdp(ip(GATEWAY), port, null) },
        { name: 'route', fd: openNetlink(0, 80, 1 << 20) },
      ],
      [...LAN, '--helper-socket', join(folder, 'nobody')],
      { WATCHDOG_USEC: '100000' },
    );
    await reads(notify, 'STATUS=waiting for the helper and an address on lo\n');
    await reads(notify, 'READY=1\n');
    await reads(notify, 'READY=1\nWATCHDOG=1\n');
    child.kill('SIGHUP');

    const socket = createSocket('udp4').bind(0, '127.0.0.51');
    await once(socket, 'listening');
    const asking = setInterval(() => socket.send(bytes('02 00'), port, GATEWAY), 100);
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(20_000) });
    clearInterval(asking);
    socket.close();
    assert.is(hex((reply as Uint8Array).subarray(0, 4)), '00800001', 'R-86 after the time a helper has to start');

    const end = ended(child);
    const asked = Date.now();
    child.kill('SIGTERM');
    assert.is((await end).status, 0);
    assert.ok(Date.now() - asked < 2000);
  },
});
