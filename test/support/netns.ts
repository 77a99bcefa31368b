// A network namespace of the test's own, entered by this thread for as long as it takes to open a socket.

import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { openNetlink } from '../../cli/server/sockets.js';
import { atEnd } from './cases.js';

const CLONE_NEWNET = 0x40000000;
const setns = koffi.load(null).func('int setns(int fd, int type)') as (fd: number, type: number) => number;

export interface Netns {
  /** Run a program in the namespace and return what it prints. @throws where it fails. */
  run(command: string, args: readonly string[], input?: string): string;
  /** A netlink socket of the namespace. */
  openNetlink(protocol: number, groups: number): number;
}

/** Whether this process may make network namespaces. */
export function canMakeNetns(): boolean {
  return process.getuid?.() === 0;
}

/** A new namespace, which ends with this process. */
export async function makeNetns(): Promise<Netns> {
  // `cat` holds the namespace until its standard input closes, which it does at the latest when this process ends.
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('error', reject);
  });
  atEnd(() => {
    holder.stdin.end();
  });
  const path = `/proc/${holder.pid}/ns/net`;
  return {
    run: (command, args, input = '') =>
      execFileSync('nsenter', [`--net=${path}`, command, ...args], { input, encoding: 'utf8', maxBuffer: 1 << 28 }),
    openNetlink: (protocol, groups) => {
      const [home, there] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(path, 'r')];
      try {
        if (setns(there, CLONE_NEWNET) !== 0) throw new Error(`setns: errno ${koffi.errno()}`);
        return openNetlink(protocol, groups, 1 << 20);
      } finally {
        if (setns(home, CLONE_NEWNET) !== 0) process.abort(); // never go on in a foreign namespace
        closeSync(there);
        closeSync(home);
      }
    },
  };
}
