// The command line that turns this launcher into a daemon without its rights. Pure.
//
// sh learns its own pid for LISTEN_PID, then everything below replaces it by exec, so the pid stays:
// unshare (no network of its own) -> setpriv (user, capabilities, death with the launcher) -> node.

import { daemonFlags } from './node-flags.js';
import type { Identity } from './users.js';

export type Role = 'frontend' | 'helper';

/** A folder or file that its user could not reach, and where it is shown to the daemon instead. */
export interface BindMount {
  readonly from: string;
  readonly to: string;
}

export interface DaemonCommand {
  readonly role: Role;
  /** Null where this user namespace has no other user. */
  readonly identity: Identity | null;
  readonly node: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly binds: readonly BindMount[];
  /** An empty network namespace: every socket is handed over, so none is needed. */
  readonly ownNetwork: boolean;
  readonly jit: boolean;
  /** Of the node that runs it. */
  readonly nodeMajor: number;
}

/**
 * Whoever makes a daemon grow is to end that daemon, which is started again, and not to eat up the machine: ZeroMQ
 * bounds the parts of a message and not their number. What counts is all that a process could write to, touched or not.
 * A helper with a full table takes a third of it.
 */
const MAX_DATA_KIB = 768 * 1024;
/** The helper, which ZeroMQ ends where it has none left, takes more connections than the frontend can make. */
const MAX_DESCRIPTORS = { frontend: 256, helper: 4096 } as const;
/** Where our own limit is lower already, that one stays. */
const setLimits = (role: Role): string =>
  `ulimit -d ${MAX_DATA_KIB} 2>&-; ulimit -n ${MAX_DESCRIPTORS[role]} 2>&-; export LISTEN_PID=$$; exec "$@"`;
/** Arguments: a count of pairs, the pairs FROM TO, the command. */
const BIND =
  'n=$1; shift; while [ "$n" -gt 0 ]; do mount --bind "$1" "$2" || exit 70; shift 2; n=$((n - 1)); done; exec "$@"';

export function commandLine(daemon: DaemonCommand): readonly string[] {
  return [
    'sh',
    '-c',
    setLimits(daemon.role),
    'sh',
    ...namespaceArgs(daemon),
    ...privilegeArgs(daemon),
    daemon.node,
    ...daemonFlags(daemon.jit, daemon.nodeMajor),
    daemon.script,
    ...daemon.args,
  ];
}

function namespaceArgs({ ownNetwork, binds }: DaemonCommand): readonly string[] {
  const unshare = [
    ...(ownNetwork ? ['--net'] : []),
    ...(binds.length > 0 ? ['--mount', '--propagation', 'private'] : []),
  ];
  if (unshare.length === 0) return [];
  const pairs = binds.flatMap(({ from, to }) => [from, to]);
  return ['unshare', ...unshare, ...(binds.length > 0 ? ['sh', '-c', BIND, 'sh', String(binds.length), ...pairs] : [])];
}

function privilegeArgs({ role, identity }: DaemonCommand): readonly string[] {
  const user = identity === null ? [] : [`--reuid=${identity.uid}`, `--regid=${identity.gid}`, '--clear-groups'];
  const kept = role === 'helper' ? '-all,+net_admin' : '-all';
  return [
    'setpriv',
    ...user,
    `--inh-caps=${kept}`,
    `--ambient-caps=${kept}`,
    `--bounding-set=${kept}`,
    '--no-new-privs',
    // Last, after the change of user, which would clear it: no daemon outlives its launcher.
    '--pdeathsig=SIGKILL',
  ];
}
