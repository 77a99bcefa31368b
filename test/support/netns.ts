// A network namespace of the test's own, for programs that end at once, and for netlink sockets.

import { execFileSync } from 'node:child_process';
import { openNetlink } from '../../cli/server/sockets.js';
import { atEnd } from './cases.js';
import { Namespace } from './network.js';

export interface Netns {
  /** Run a program in the namespace and return what it prints. @throws if it fails. */
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
  const namespace = await Namespace.open();
  atEnd(() => namespace.close());
  const [enter, ...rest] = namespace.entrance;
  return {
    run: (command, args, input = '') =>
      execFileSync(enter, [...rest, command, ...args], { input, encoding: 'utf8', maxBuffer: 1 << 28 }),
    openNetlink: (protocol, groups) => namespace.during(() => openNetlink(protocol, groups, 1 << 20)),
  };
}
