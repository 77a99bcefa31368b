// The daemons that run on this machine, from /proc. Another user's processes may not be readable; then they are not
// found.

import { readdirSync, readlinkSync } from 'node:fs';
import { withConfigFile } from '../../config/file.js';
import { readOr, readStart } from '../host/machine.js';
import { readConfigFile } from '../host/read-config.js';

export interface DaemonProcess {
  readonly role: 'server' | 'frontend' | 'helper' | 'upnp';
  readonly pid: number;
  /** The pid of the process that started it. */
  readonly parent: number;
  /** With those of its configuration file. */
  readonly args: readonly string[];
  readonly uid: number;
  /** Seconds since its start. */
  readonly uptimeSeconds: number;
  /** Bit set, as in /proc/PID/status. */
  readonly capabilities: bigint;
  readonly noNewPrivileges: boolean;
  /** A filter of system calls is in force. */
  readonly hasSeccompFilter: boolean;
  /** Its node may compile code while it runs: it was started without --jitless. */
  readonly hasJit: boolean;
}

/** The unit of times in /proc: the same on every Linux machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Of the first word of a command line, a path (PATH_MAX); and of all that is read of one, more than all our flags. */
const MAX_PROGRAM_BYTES = 4096;
const MAX_CMDLINE_BYTES = 256 << 10;

/** Control groups of our units; those of users' own units are below user.slice. */
const OF_OUR_UNITS = /^\/system\.slice\/(?:[^/]+\.slice\/)?natpmp-(?:helper|(?:frontend|upnp)@[^/]*)\.service$/;
const NODE = /(?:^|\/)node[^/]*$/;
/** In the sandbox the daemons are children of sandbox-inside. */
const DAEMON_SCRIPT =
  /(?:^|\/)(?:natpmp-(server)(?:\.js)?|(server)\/sandbox-inside\.js|(frontend|helper|upnp)\/main\.js)$/;

/** Pure: a process from the files in its folder of /proc; null if it is none of our daemons. */
export function daemonOf(
  pid: number,
  files: { readonly cmdline: string; readonly status: string; readonly stat: string },
  systemUptimeSeconds: number,
): DaemonProcess | null {
  const words = files.cmdline.split('\0').slice(0, -1);
  // Flags of node come first. A shell that will exec the daemon has the same words, but does not begin with node.
  if (!NODE.test(words[0] ?? '')) return null;
  const at = words.findIndex((word, index) => index > 0 && !word.startsWith('-'));
  const [, outside, inside, daemon] = DAEMON_SCRIPT.exec(words[at] ?? '') ?? [];
  const server = outside ?? inside;
  if (server === undefined && daemon === undefined) return null;
  if (server !== undefined && words[at + 1] === 'ruleset') return null;
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(files.status)?.[1] ?? '';
  // The name in brackets may contain anything; behind it are the state, the parent and, as the 20th field, the start.
  const behindName = files.stat.slice(files.stat.lastIndexOf(')') + 2).split(' ');
  const started = Number(behindName[19] ?? 0) / TICKS_PER_SECOND;
  return {
    role: (server ?? daemon) as DaemonProcess['role'],
    pid,
    parent: Number(behindName[1] ?? 0),
    args: words.slice(at + 1),
    uid: Number(field('Uid')),
    uptimeSeconds: Math.max(0, Math.floor(systemUptimeSeconds - started)),
    capabilities: BigInt(`0x${field('CapEff') || '0'}`),
    noNewPrivileges: field('NoNewPrivs') === '1',
    hasSeccompFilter: field('Seccomp') === '2',
    hasJit: !words.slice(1, at).includes('--jitless'),
  };
}

/** Believed daemons, each with the arguments of its configuration file. */
export function findDaemons(): readonly DaemonProcess[] {
  const cgroupOf = (pid: number): string => readOr(`/proc/${pid}/cgroup`, '');
  return believed(listDaemons(), process.getuid?.() ?? 0, cgroupOf).map((daemon) => ({
    ...daemon,
    args: withConfig(daemon, readConfigFile),
  }));
}

/**
 * Pure except for `cgroupOf`: those of root's or of our own, and those that systemd has started as our units. Any user
 * may start a process with the command line of a daemon; what it says there must not be shown as the gateway's, and
 * the file that it names must not be read.
 */
export function believed(
  daemons: readonly DaemonProcess[],
  ownUid: number,
  cgroupOf: (pid: number) => string,
): readonly DaemonProcess[] {
  const servers = daemons.filter(({ role, uid }) => role === 'server' && (uid === 0 || uid === ownUid));
  const parents = new Set(servers.map(({ pid }) => pid));
  const root = /^0::(.*)\/init\.scope$/m.exec(cgroupOf(1))?.[1] ?? '';
  const isUnit = (pid: number): boolean => {
    const path = /^(?:0:|1:name=systemd):(.*)$/m.exec(cgroupOf(pid))?.[1] ?? '';
    return path.startsWith(root) && OF_OUR_UNITS.test(path.slice(root.length));
  };
  return daemons.filter(({ role, pid, parent }) =>
    role === 'server' ? parents.has(pid) : parents.has(parent) || isUnit(pid),
  );
}

function listDaemons(): readonly DaemonProcess[] {
  const systemUptimeSeconds = Number(readOr('/proc/uptime', '0').split(' ')[0]);
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((name) => {
      const cmdline = readCmdline(`/proc/${name}/cmdline`);
      if (cmdline === null) return [];
      const read = (file: string): string => readOr(`/proc/${name}/${file}`, '');
      const daemon = daemonOf(
        Number(name),
        { cmdline, status: read('status'), stat: read('stat') },
        systemUptimeSeconds,
      );
      return daemon === null ? [] : daemon;
    });
}

/** A command line, cut to what is read of one; null if it is not of node. Any process may have one of gigabytes. */
export function readCmdline(path: string): string | null {
  const [program = ''] = readStart(path, MAX_PROGRAM_BYTES).split('\0', 1);
  return NODE.test(program) ? readStart(path, MAX_CMDLINE_BYTES) : null;
}

/** Pure except for `read`: the arguments with those of the file of --config; unchanged if it cannot be read here. */
export function withConfig({ role, args }: DaemonProcess, read: (path: string) => string): readonly string[] {
  const combined = withConfigFile(args, `natpmp-${role}`, read);
  return 'complaints' in combined ? args : combined.args;
}

/** Pure: the values of a flag, in both notations. */
export function flagValues(args: readonly string[], flag: string): readonly string[] {
  return args.flatMap((word, index) => {
    if (word.startsWith(`${flag}=`)) return word.slice(flag.length + 1);
    const next = args[index + 1];
    return word === flag && next !== undefined ? next : [];
  });
}

/** Pure: the daemons that belong to the helper with this socket (either of its two), and their launcher. */
export function daemonsOf(daemons: readonly DaemonProcess[], socketPath: string): readonly DaemonProcess[] {
  const folder = socketPath.replace(/\/[^/]*$/, '');
  const folderOf = (path: string): string => path.replace(/\/[^/]*$/, '');
  return daemons.filter(({ role, args }) => {
    if (role === 'server') return (flagValues(args, '--run-dir').at(-1) ?? '/run/natpmp') === folder;
    const flag = role === 'helper' ? '--socket' : '--helper-socket';
    return folderOf(flagValues(args, flag).at(-1) ?? '/run/natpmp/helper.sock') === folder;
  });
}

/**
 * The pid of the launcher of these daemons, if it is in another network namespace than this program: in the sandbox, or
 * in a container. Null if it is in the same one, or that cannot be seen. The daemons themselves have networks of their own.
 */
export function launcherElsewhere(
  daemons: readonly DaemonProcess[],
  namespaceOf: (pid: number | 'self', kind: NamespaceKind) => string | null = readNamespace,
): number | null {
  // Those of systemd have no launcher.
  const launchers = daemons.map(({ role, pid, parent }) => (role === 'server' ? pid : parent)).filter((pid) => pid > 1);
  const here = namespaceOf('self', 'net');
  const isElsewhere = (there: string | null): boolean => there !== null && here !== null && there !== here;
  return launchers.find((pid) => isElsewhere(namespaceOf(pid, 'net'))) ?? null;
}

export type NamespaceKind = 'net' | 'user';

/** Which namespace a process is in; null if this user may not see it, or it has ended. */
export function readNamespace(pid: number | 'self', kind: NamespaceKind): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return null;
  }
}
