// The daemons that run on this machine, as /proc shows them. What another user's processes say may not be readable;
// then they are not found.

import { readdirSync, readFileSync } from 'node:fs';
import { withConfigFile } from '../../config/file.js';
import { readOr } from '../server/surroundings.js';

export interface Daemon {
  readonly role: 'server' | 'frontend' | 'helper';
  readonly pid: number;
  /** With what its configuration file says. */
  readonly args: readonly string[];
  readonly uid: number;
  /** Seconds since its start. */
  readonly uptime: number;
  /** Bit set, as in /proc/PID/status. */
  readonly capabilities: bigint;
  readonly noNewPrivileges: boolean;
  /** A filter of system calls is in force. */
  readonly seccomp: boolean;
}

/** Of Linux on every machine that Node runs on: what /proc counts in. */
const TICKS_PER_SECOND = 100;

const PROGRAM = /(?:^|\/)(?:natpmp-(server)(?:\.js)?|(frontend|helper)\/main\.js)$/;

/** Pure: what runs there, from the files in its folder of /proc; null where it is none of ours. */
export function daemonOf(
  pid: number,
  files: { readonly cmdline: string; readonly status: string; readonly stat: string },
  uptime: number,
): Daemon | null {
  const words = files.cmdline.split('\0').slice(0, -1);
  // Flags of node come first; a shell that will become the daemon has its command line, too.
  if (!/(^|\/)node[^/]*$/.test(words[0] ?? '')) return null;
  const at = words.findIndex((word, index) => index > 0 && !word.startsWith('-'));
  const [, server, daemon] = PROGRAM.exec(words[at] ?? '') ?? [];
  if (server === undefined && daemon === undefined) return null;
  if (server !== undefined && words[at + 1] === 'ruleset') return null;
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(files.status)?.[1] ?? '';
  // The name in brackets may hold anything; the start is the 22nd field, the 20th after it.
  const started = Number(files.stat.slice(files.stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0) / TICKS_PER_SECOND;
  return {
    role: (server ?? daemon) as Daemon['role'],
    pid,
    args: words.slice(at + 1),
    uid: Number(field('Uid')),
    uptime: Math.max(0, Math.floor(uptime - started)),
    capabilities: BigInt(`0x${field('CapEff') || '0'}`),
    noNewPrivileges: field('NoNewPrivs') === '1',
    seccomp: field('Seccomp') === '2',
  };
}

export function findDaemons(): readonly Daemon[] {
  const uptime = Number(readOr('/proc/uptime', '0').split(' ')[0]);
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((name) => {
      const read = (file: string): string => readOr(`/proc/${name}/${file}`, '');
      const cmdline = read('cmdline');
      if (!cmdline.includes('node')) return [];
      const daemon = daemonOf(Number(name), { cmdline, status: read('status'), stat: read('stat') }, uptime);
      return daemon === null ? [] : { ...daemon, args: withFile(daemon, (path) => readFileSync(path, 'utf8')) };
    });
}

/**
 * Pure but for `read`: the arguments with what the file of --config adds; as they are where it can not be read here.
 */
export function withFile({ role, args }: Daemon, read: (path: string) => string): readonly string[] {
  const combined = withConfigFile(args, `natpmp-${role}`, read);
  return 'complaints' in combined ? args : combined.args;
}

/** Pure: the values of a flag, in either way of writing them. */
export function flagValues(args: readonly string[], flag: string): readonly string[] {
  return args.flatMap((word, index) => {
    if (word.startsWith(`${flag}=`)) return word.slice(flag.length + 1);
    const next = args[index + 1];
    return word === flag && next !== undefined ? next : [];
  });
}

/** Pure: the daemons that belong to the helper with this socket (either of its two), and the launcher of them. */
export function thoseOf(daemons: readonly Daemon[], socketPath: string): readonly Daemon[] {
  const folder = socketPath.replace(/\/[^/]*$/, '');
  const folderOf = (path: string): string => path.replace(/\/[^/]*$/, '');
  return daemons.filter(({ role, args }) => {
    if (role === 'server') return (flagValues(args, '--run-dir').at(-1) ?? '/run/natpmp') === folder;
    const flag = role === 'helper' ? '--socket' : '--helper-socket';
    return folderOf(flagValues(args, flag).at(-1) ?? '/run/natpmp/helper.sock') === folder;
  });
}
