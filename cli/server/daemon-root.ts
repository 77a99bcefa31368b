// The root folder of a daemon: all it can see of the file system, read-only. What is not listed here does not exist for
// it: no /tmp, no home folders, no sockets of other programs, and only its own processes in /proc.
//
// The mount points are made in RUN_DIR/root; the mounts, from a file in the form of fstab(5), in the mount namespace of
// the daemon. The daemon is then chrooted: without CAP_SYS_CHROOT it cannot leave, and the kernel refuses it a user
// namespace, in which it would have capabilities (create_user_ns in kernel/user_namespace.c).

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** A folder or file that the daemon's user cannot reach, and where it is mounted for the daemon. */
export interface BindMount {
  readonly from: string;
  readonly to: string;
}

export interface DaemonRoot {
  readonly folder: string;
  /** The file with its mounts. */
  readonly fstab: string;
}

/** Programs and libraries, as far as they exist; a symbolic link stays one. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/gnu/store'];
/** For the dynamic linker, for Node at its start, and for libzmq's random numbers. */
const FILES = ['/etc/ld.so.cache', '/dev/null', '/dev/random', '/dev/urandom'];
/** Flags of a mount that a bind mount must keep: in a user namespace they cannot be cleared. */
const KEPT_FLAGS = ['nosuid', 'nodev', 'noexec'];

export interface RootContent {
  /** Files and folders that the daemon may read, at their own paths. */
  readonly readable: readonly string[];
  /** Files and folders at other paths, to be read, too. */
  readonly binds: readonly BindMount[];
  /** The only folder that it may write to; null for none. */
  readonly writable: string | null;
}

interface RootMount extends BindMount {
  readonly options: readonly string[];
}

/** Make the mount points below `folder`, and write `fstab`. */
export function prepareRoot(folder: string, fstab: string, content: RootContent): DaemonRoot {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  const links = SYSTEM.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink());
  const trees = SYSTEM.filter((path) => existsSync(path) && !links.includes(path));
  const below = mountPoints(mountinfo).filter((path) => isBelowAny(path, trees));
  const ownPath = (path: string): string => (isBelowAny(path, links) ? realpathSync(path) : path);
  const read = [...trees, ...below, ...content.readable.map(ownPath).filter((path) => !isBelowAny(path, trees))];

  const mounts: RootMount[] = [
    ...read.map((path) => ({ from: path, to: path, options: ['ro', 'nosuid', 'nodev'] })),
    ...content.binds.map((bind) => ({ ...bind, options: ['ro', 'nosuid', 'nodev'] })),
    ...FILES.filter(existsSync).map((path) => ({
      from: path,
      to: path,
      options: path.startsWith('/dev/') ? ['nosuid', 'noexec'] : ['ro', 'nosuid', 'nodev', 'noexec'],
    })),
  ];
  if (content.writable !== null) {
    const path = ownPath(content.writable);
    mounts.push({ from: path, to: path, options: ['nosuid', 'nodev', 'noexec'] });
  }
  const targets = mounts.map(({ to }) => to);
  for (const path of ['/proc', ...targets]) {
    if (isBelowAny(path, targets)) continue;
    makeMountPoint(join(folder, path), path === '/proc' || statSync(path).isDirectory());
  }
  for (const path of links) makeLink(readlinkSync(path), join(folder, path));
  writeFileSync(fstab, fstabText(folder, mounts, mountinfo), { mode: 0o644 });
  return { folder, fstab };
}

/** Pure: the mounts in the form of fstab(5), parents first. */
export function fstabText(folder: string, mounts: readonly RootMount[], mountinfo: string): string {
  const bind = ({ from, to, options }: RootMount): string => {
    const flags = ['bind', ...new Set([...options, ...flagsOf(from, mountinfo)])];
    return `${escapePath(from)} ${escapePath(join(folder, to))} none ${flags.join(',')} 0 0`;
  };
  const sorted = [...mounts].sort((a, b) => (a.to < b.to ? -1 : 1));
  return `${[
    bind({ from: folder, to: '', options: ['ro', 'nosuid', 'nodev', 'noexec'] }),
    ...sorted.map(bind),
    // Only processes of the same user, and nothing but processes: neither /proc/sys nor /proc/net.
    `proc ${escapePath(join(folder, 'proc'))} proc ro,nosuid,nodev,noexec,hidepid=invisible,subset=pid 0 0`,
  ].join('\n')}\n`;
}

/** Pure: the kept flags of the mount that a path is on. */
function flagsOf(path: string, mountinfo: string): readonly string[] {
  const rows = mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .map(([, , , , point = '', options = '']) => ({ point: unescapePath(point), options: options.split(',') }))
    .filter(({ point }) => point === path || isBelowAny(path, [point]));
  // The last of the longest is on top.
  const length = Math.max(0, ...rows.map(({ point }) => point.length));
  const options = rows.findLast(({ point }) => point.length === length)?.options ?? [];
  return KEPT_FLAGS.filter((flag) => options.includes(flag));
}

/** Pure: every mount point in /proc/self/mountinfo. */
function mountPoints(mountinfo: string): readonly string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point === undefined ? [] : [unescapePath(point)];
  });
}

function isBelowAny(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path !== folder && path.startsWith(folder === '/' ? '/' : `${folder}/`));
}

function escapePath(path: string): string {
  return path.replace(/[ \t\n\\]/g, (mark) => `\\${mark.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

function makeMountPoint(path: string, isFolder: boolean): void {
  mkdirSync(isFolder ? path : dirname(path), { recursive: true, mode: 0o755 });
  if (!isFolder && !existsSync(path)) writeFileSync(path, '');
}

function makeLink(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) symlinkSync(target, path);
}
