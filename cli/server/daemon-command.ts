// The command line of a daemon, which gives up the launcher's rights. Pure.
//
// sh sets LISTEN_PID to its own pid, which stays the same because everything below is an exec:
// unshare (an empty network) -> setpriv (user, capabilities, death with the launcher) -> node.

import { daemonFlags } from './node-flags.js';
import type { Identity } from './users.js';

export type Role = 'frontend' | 'helper';

/** A folder or file that the daemon's user cannot reach, and where it is mounted for the daemon. */
export interface BindMount {
  readonly from: string;
  readonly to: string;
}

export interface DaemonCommand {
  readonly role: Role;
  /** Null if this user namespace has no other user. */
  readonly identity: Identity | null;
  readonly node: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly binds: readonly BindMount[];
  /** In an empty network namespace: the daemon gets all its sockets passed. */
  readonly ownNetwork: boolean;
  readonly jit: boolean;
  /** Of the node that runs it. */
  readonly nodeMajor: number;
}

/**
 * An attacker who makes a daemon grow ends that daemon, which is restarted, instead of exhausting the machine: ZeroMQ
 * bounds the size of a message's parts but not their number. RLIMIT_DATA counts all writable memory, touched or not. A
 * helper with a full table uses a third of it.
 */
const MAX_DATA_KIB = 768 * 1024;
/** ZeroMQ aborts a process without free descriptors, so the helper has more than the frontend can use up. */
const MAX_DESCRIPTORS = { frontend: 256, helper: 4096 } as const;
/** If the launcher's own limit is lower, it stays. */
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
    // Slave: a disk that the state directory waits for is mounted for the daemon, too, and nothing of it comes back.
    ...(binds.length > 0 ? ['--mount', '--propagation', 'slave'] : []),
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
    // No daemon outlives its launcher. Last, because the change of user would clear it.
    '--pdeathsig=SIGKILL',
  ];
}
