// How far the daemons can be kept apart from the rest of the machine. As root that is everything here; in a container
// that may not make namespaces, less: then the log says what is missing.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../host/failure.js';
import type { Log } from '../host/log.js';
import { findProgram, hasCapability, PATH } from '../host/programs.js';
import type { ResolvedConfig } from './config.js';
import type { Role } from './role.js';
import { commandLine } from './daemon-command.js';
import type { DaemonRoot } from './daemon-root.js';
import { prepareRoot } from './daemon-root.js';
import type { ProgramFiles } from './folders.js';
import { openPidNamespace } from './pid-namespace.js';
import type { Identities } from './users.js';

export interface Isolation {
  /** An empty network namespace, and an IPC namespace. */
  readonly network: boolean;
  /** A PID namespace. */
  readonly processes: boolean;
  /** A root folder with nothing but what is needed; null if mounts are not permitted. */
  readonly roots: Readonly<Record<Role, DaemonRoot>> | null;
}

/** Node has some 15 threads in a daemon. The rest is for a second gateway with the same user. */
const MAX_TASKS = 48;

/** Find out by trying, and log what is not possible. The attempt runs while the caller goes on; never rejects. */
export async function prepareIsolation(
  config: ResolvedConfig,
  programs: ProgramFiles,
  identities: Identities | null,
  log: Log,
): Promise<Isolation> {
  const network = hasCapability('CAP_SYS_ADMIN');
  const namespace = openPidNamespace();
  const processes = 'run' in namespace;
  const reasons: string[] = processes ? [] : [namespace.reason];
  let roots: Isolation['roots'] = null;
  try {
    if (network && processes) roots = prepareRoots(config, programs);
  } catch (error) {
    reasons.push(messageOf(error));
  }
  let isMounted = false;
  if (roots !== null && processes) {
    const [program = '', ...args] = commandLine({
      // Not the helper: its state directory may be on a disk that is not there yet.
      role: 'frontend',
      identity: identities?.frontend ?? null,
      node: programs.node,
      script: '--version',
      args: [],
      binds: programs.binds,
      root: roots.frontend,
      maxTasks: null,
      ownNetwork: false,
      jit: true,
      nodeMajor: Number.parseInt(process.versions.node, 10),
    });
    const stderr = await failureOf(() =>
      namespace.run(() => spawn(program, args, { env: { PATH }, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })),
    );
    isMounted = stderr === null;
    if (stderr !== null) reasons.push(stderr);
  }
  if (processes) void namespace.end();
  const weaker = [
    ...(network ? [] : ['they are in the network of this machine']),
    ...(processes ? [] : ['processes that they start may outlive them']),
    ...(isMounted ? [] : ['they see its files, and its sockets and processes']),
  ];
  if (weaker.length > 0)
    log.warn(
      { weaker, reasons },
      'the daemons are less isolated than they could be: namespaces or mounts are not permitted here',
    );
  return { network, processes, roots: isMounted ? roots : null };
}

/** Null if the program succeeds; otherwise the first line of what it says. */
function failureOf(start: () => ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    let said = '';
    try {
      const child = start();
      child.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      child.once('error', (error) => resolve(error.message));
      child.once('close', (status) => resolve(status === 0 ? null : (said.trim().split('\n')[0] ?? '')));
    } catch (error) {
      resolve(messageOf(error));
    }
  });
}

function prepareRoots(config: ResolvedConfig, programs: ProgramFiles): Readonly<Record<Role, DaemonRoot>> {
  const setpriv = findProgram('setpriv');
  const readable = [
    ...programs.files,
    ...(setpriv === null ? [] : [setpriv]),
    // Bind-mounted otherwise.
    ...(programs.node.startsWith(`${config.runDir}/`) ? [] : nodeFiles(programs.node)),
    config.runDir,
  ];
  const folder = join(config.runDir, 'root');
  const root = (role: Role, writable: string | null): DaemonRoot =>
    prepareRoot(folder, join(config.runDir, `${role}.fstab`), { readable, binds: programs.binds, writable });
  return { frontend: root('frontend', null), helper: root('helper', config.stateDir), upnp: root('upnp', null) };
}

/** Node, and its libraries if they are installed beside it, as in /opt/node/bin and /opt/node/lib. */
function nodeFiles(node: string): readonly string[] {
  const lib = join(dirname(dirname(node)), 'lib');
  return statSync(lib, { throwIfNoEntry: false })?.isDirectory() ? [node, lib] : [node];
}

/**
 * How many tasks the user of a daemon may have: RLIMIT_NPROC counts those of all its processes, so what runs already is
 * added.
 */
export function maxTasks(uid: number): number {
  let running = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      if (statSync(`/proc/${name}`).uid === uid) running += readdirSync(`/proc/${name}/task`).length;
    } catch {
      // The process has ended meanwhile.
    }
  }
  return running + MAX_TASKS;
}
