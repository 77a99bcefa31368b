// Starts a daemon: its descriptors, its PID namespace, and what it writes to stdout and stderr.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { forwardLines } from '../host/log.js';
import { PATH } from '../host/programs.js';
import type { PassedFd } from './daemon-sockets.js';
import { openPidNamespace } from './pid-namespace.js';
import { WATCHDOG_MS } from './supervise.js';

export interface DaemonProcess {
  readonly child: ChildProcess;
  /** The read end of its notify pipe. */
  readonly notify: NodeJS.ReadableStream;
  /** Kill what it has started; resolves when nothing is left of it. */
  endAll(): Promise<void>;
}

/** Start a command line of `commandLine`, in a PID namespace of its own if that is possible. */
export function startDaemon(
  [program = '', ...args]: readonly string[],
  passedFds: readonly PassedFd[],
  ownPids: boolean,
): DaemonProcess {
  const env = {
    PATH,
    LISTEN_FDS: String(passedFds.length + 1),
    LISTEN_FDNAMES: [...passedFds.map(({ name }) => name), 'notify'].join(':'),
    WATCHDOG_USEC: String(WATCHDOG_MS * 1000),
  };
  const start = (): ChildProcess =>
    spawn(program, args, {
      env,
      cwd: '/',
      // A session of its own: Ctrl-C reaches only the launcher, which stops the daemons in order.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', ...passedFds.map(({ fd }) => fd), 'pipe'],
    });
  const namespace = ownPids ? openPidNamespace() : null;
  const isOwn = namespace !== null && 'run' in namespace;
  const child = isOwn ? namespace.run(start) : start();
  child.stdin?.on('error', () => {});
  child.stdin?.end(`${child.pid}\n`);
  const { stdout, stderr } = child;
  if (stdout !== null) child.once('exit', forwardLines(stdout, process.stdout, 1));
  if (stderr !== null) child.once('exit', forwardLines(stderr, process.stderr, 2));
  return {
    child,
    notify: child.stdio[3 + passedFds.length] as NodeJS.ReadableStream,
    endAll: () => (isOwn ? namespace.end() : Promise.resolve()),
  };
}
