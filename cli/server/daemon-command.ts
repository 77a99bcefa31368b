// The command line of a daemon, which gives up the launcher's rights. Pure.
//
// Everything is an exec, so the pid stays the same: unshare (namespaces) -> sh (mounts, limits, LISTEN_PID) -> unshare
// (the root folder) -> setpriv (user, capabilities, death with the launcher) -> node.

import type { BindMount, DaemonRoot } from './daemon-root.js';
import { daemonFlags } from './node-flags.js';
import type { Role } from './role.js';
import type { Identity } from './users.js';

export interface DaemonCommand {
  readonly role: Role;
  /** Null if this user namespace has no other user. */
  readonly identity: Identity | null;
  readonly node: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly binds: readonly BindMount[];
  /** The root folder, with the binds in it; null if this machine permits no mounts. */
  readonly root: DaemonRoot | null;
  /** How many tasks (processes and threads) its user may have; null for no limit. */
  readonly maxTasks: number | null;
  /** In an empty network namespace: the daemon gets all its sockets passed. */
  readonly ownNetwork: boolean;
  readonly jit: boolean;
  /** Of the node that runs it. */
  readonly nodeMajor: number;
}

/**
 * An attacker who makes a daemon grow ends that daemon, which is restarted, instead of exhausting the machine.
 * RLIMIT_DATA counts all writable memory, touched or not. A helper with a full table uses a third of it.
 */
const MAX_DATA_KIB = 768 * 1024;
/** The helper's are twice as many as the connections that it takes (helper/router.ts); natpmp-upnp takes 64 on each LAN. */
const MAX_DESCRIPTORS: Readonly<Record<Role, number>> = { frontend: 256, helper: 4096, upnp: 1024 };
/** A file can have this many blocks of 512 bytes: the journal of a full table takes a tenth, the others have no file. */
const MAX_FILE_BLOCKS: Readonly<Record<Role, number>> = { frontend: 0, helper: 131_072, upnp: 0 };

/** Arguments: the file with the mounts, the command. */
const MOUNT_ROOT = 'mount -a -T "$1" || exit 70; shift; ';
/** Arguments: a count of pairs, the pairs FROM TO, the command. */
const MOUNT_BINDS =
  'n=$1; shift; while [ "$n" -gt 0 ]; do mount --bind "$1" "$2" || exit 70; shift 2; n=$((n - 1)); done; ';

/** Every limit that is lower already stays. */
function setLimits({ role, maxTasks }: DaemonCommand): string {
  return [
    `ulimit -d ${MAX_DATA_KIB} 2>&-`,
    `ulimit -n ${MAX_DESCRIPTORS[role]} 2>&-`,
    `ulimit -f ${MAX_FILE_BLOCKS[role]} 2>&-`,
    'ulimit -c 0 2>&-',
    // dash and busybox call it -p, bash -u. For root it does not count.
    ...(maxTasks === null ? [] : [`ulimit -p ${maxTasks} 2>&- || ulimit -u ${maxTasks} 2>&-`]),
    '',
  ].join('; ');
}

/**
 * The command line. On its standard input the daemon's pid is expected, as the launcher sees it: in a PID namespace a
 * process does not know that, and the helper reports it.
 */
export function commandLine(daemon: DaemonCommand): readonly string[] {
  const { root, binds } = daemon;
  const mount = root !== null ? MOUNT_ROOT : binds.length > 0 ? MOUNT_BINDS : '';
  const pairs = binds.flatMap(({ from, to }) => [from, to]);
  return [
    ...namespaceArgs(daemon),
    'sh',
    '-c',
    `${mount}${setLimits(daemon)}read -r MAINPID; export MAINPID LISTEN_PID=$$; exec "$@"`,
    'sh',
    ...(root !== null
      ? [root.fstab, 'unshare', `--root=${root.folder}`]
      : binds.length > 0
        ? [String(binds.length), ...pairs]
        : []),
    ...privilegeArgs(daemon),
    daemon.node,
    ...daemonFlags(daemon.jit, daemon.nodeMajor),
    daemon.script,
    ...daemon.args,
  ];
}

function namespaceArgs({ ownNetwork, root, binds }: DaemonCommand): readonly string[] {
  const unshare = [
    ...(ownNetwork ? ['--net', '--ipc'] : []),
    // Slave: a disk that is mounted or unmounted later is so for the daemon, too, and nothing of it comes back.
    ...(root !== null || binds.length > 0 ? ['--mount', '--propagation', 'slave'] : []),
  ];
  return unshare.length === 0 ? [] : ['unshare', ...unshare];
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
