// A PID namespace for each run of a daemon: when it ends, the kernel kills every process in it, whatever signals they
// ignore and whichever process adopted them.

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { errorName, libc } from '../host/libc.js';
import { PATH } from '../host/programs.js';

const CLONE_NEWPID = 0x20000000;

export interface PidNamespace {
  /** Call `start`, which may start processes; they are in the namespace. */
  run<T>(start: () => T): T;
  /** Kill everything in it. Resolves when nothing is left. */
  end(): Promise<void>;
}

/**
 * Make a PID namespace. Its first process is a `cat` that reads from a pipe of ours. The daemon is not the first
 * process, because a daemon that was taken over could then outlive us: it would reset the signal of PR_SET_PDEATHSIG.
 * The pipe ends with us in any case.
 *
 * @returns The reason, if it cannot be made: EPERM without CAP_SYS_ADMIN, ENOSPC beyond user.max_pid_namespaces.
 */
export function openPidNamespace(): PidNamespace | { readonly reason: string } {
  const own = openSync('/proc/self/ns/pid', 'r');
  let first: ReturnType<typeof spawn>;
  try {
    // In a user namespace, our own PID namespace may belong to another, and there would be no way back.
    if (libc.setns(own, CLONE_NEWPID) !== 0) return { reason: `setns(CLONE_NEWPID): ${errorName()}` };
    // Only for children: our own namespace stays, and is set again for the children that follow (pid_namespaces(7)).
    if (libc.unshare(CLONE_NEWPID) !== 0) return { reason: `unshare(CLONE_NEWPID): ${errorName()}` };
    try {
      first = spawn('cat', [], { env: { PATH }, cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    } finally {
      enter(own);
    }
  } finally {
    closeSync(own);
  }
  if (first.pid === undefined) {
    first.once('error', () => {});
    return { reason: 'cat cannot be started' };
  }
  const ended = new Promise<void>((resolve) => {
    first.once('exit', () => resolve());
    first.once('error', () => resolve());
  });
  first.stdin?.on('error', () => {});
  return {
    run(start) {
      const own = openSync('/proc/self/ns/pid', 'r');
      const its = openSync(`/proc/${first.pid}/ns/pid`, 'r');
      try {
        enter(its);
        return start();
      } finally {
        enter(own);
        closeSync(its);
        closeSync(own);
      }
    },
    end() {
      first.kill('SIGKILL');
      return ended;
    },
  };
}

function enter(namespace: number): void {
  if (libc.setns(namespace, CLONE_NEWPID) !== 0) throw new Error(`setns(CLONE_NEWPID): ${errorName()}`);
}
