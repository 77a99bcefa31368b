// The folders of the daemons, and whether their users can reach them.

import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  opendirSync,
  readFileSync,
  realpathSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EXIT, Failure, messageOf } from '../host/failure.js';
import { hasCapability } from '../host/programs.js';
import type { BindMount } from './daemon-root.js';
import { strangerOn } from './path-owners.js';
import type { Identity } from './users.js';

/** The files of helper/journal/journal.ts. */
const JOURNAL = 'leases.journal';
const STATE_FILES: readonly string[] = [JOURNAL, `${JOURNAL}.new`, `${JOURNAL}.damaged`];

/** Create the folder of the sockets: readable for all, writable for us alone. */
export function prepareRunDir(path: string): void {
  const refuseStrangers = (): void => refuse(`--run-dir ${path}`, strangerOn(path));
  try {
    refuseStrangers();
    if (mkdirSync(path, { recursive: true, mode: 0o755 }) !== undefined) chmodSync(path, 0o755);
    refuseStrangers();
    accessSync(path, constants.W_OK);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(EXIT.state, `--run-dir ${path}: ${messageOf(error)}`);
  }
  // The daemons believe the files there.
  const { mode, uid } = statSync(path);
  const others = (mode & 0o002) !== 0 ? 'anyone' : (mode & 0o020) !== 0 ? 'its group' : null;
  const owner = uid === (process.getuid?.() ?? uid) ? null : `user ${uid}, whose it is,`;
  if (others !== null || owner !== null)
    throw new Failure(EXIT.usage, `--run-dir ${path}: ${others ?? owner} may write there: name a folder of its own`);
}

/** @param stranger who could exchange the folder; null: nobody. */
function refuse(what: string, stranger: string | null): void {
  if (stranger === null) return;
  const remedy = 'name a folder elsewhere, or close that to others (chown root, chmod go-w)';
  throw new Failure(EXIT.usage, `${what}: ${stranger}: ${remedy}`);
}

/** Errors of the file system that no waiting mends: the path itself is wrong, or it is not ours to change. */
const LASTING = ['EACCES', 'EPERM', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EINVAL'];

/**
 * Create the folder of the leases, for the helper alone.
 *
 * @returns null, or why that cannot be done yet: the disk is not mounted, full, read-only, or does not work.
 * @throws Failure if waiting does not help, or if another user could have put it or its journal there.
 */
export function prepareStateDir(path: string, owner: Identity | null): string | null {
  try {
    const disk = unmountedAbove(path, readFileSync('/etc/fstab', 'utf8'), readFileSync('/proc/self/mountinfo', 'utf8'));
    if (disk !== null) return `--state-dir ${path}: ${disk} is not mounted`;
  } catch {
    // No fstab: every file system is mounted that is wanted.
  }
  const refuseStrangers = (): void => refuse(`--state-dir ${path}`, strangerOn(path, owner, JOURNAL));
  try {
    refuseStrangers();
    makeFolder(path, 0o700);
    // Before anything in it is changed or given away; in a folder such as /tmp somebody may have been faster.
    refuseStrangers();
    accessSync(path, constants.W_OK);
    // A folder with another purpose, such as /root, must not be given to the helper. In one that is the helper's already,
    // it may have put whatever it wants, and as much.
    const isInUse = statSync(path).uid === owner?.uid || lstatSync(join(path, JOURNAL), { throwIfNoEntry: false });
    const foreign = isInUse ? null : firstForeign(path);
    if (foreign !== null) throw new Error(`holds "${foreign}", which is not ours: name a folder of its own`);
    if (owner !== null) for (const name of STATE_FILES) giveFile(join(path, name), owner);
    if (owner !== null) chownSync(path, owner.uid, owner.gid);
    chmodSync(path, 0o700);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code } = error as NodeJS.ErrnoException;
    // Only what is not there is made: it is a link.
    const why = `--state-dir ${path}: ${code === 'EEXIST' ? 'a link that leads nowhere yet' : messageOf(error)}`;
    if (code !== undefined && !LASTING.includes(code)) return why;
    throw new Failure(EXIT.state, why);
  }
  const closed = owner === null ? null : firstClosedFolder(dirname(path));
  if (closed !== null)
    throw new Failure(
      EXIT.state,
      `--state-dir ${path}: the helper's user cannot pass ${closed}: name a folder elsewhere`,
    );
  return null;
}

/** A name in the folder that is none of the journal's; null if there is none. */
function firstForeign(path: string): string | null {
  const folder = opendirSync(path);
  try {
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync())
      if (entry.name !== JOURNAL && !entry.name.startsWith(`${JOURNAL}.`)) return entry.name;
    return null;
  } finally {
    folder.closeSync();
  }
}

/** With those above it, as mkdir -p. Not Node's own: that says ENOENT whatever it is, EROFS or ENOSPC. */
function makeFolder(path: string, mode: number): void {
  if (existsSync(path)) return;
  if (!existsSync(dirname(path))) makeFolder(dirname(path), 0o755);
  mkdirSync(path, { mode });
}

/**
 * Pure. The mount point that the path is below, if it is to be mounted at boot and is not: what is written there before
 * would be hidden. Null if there is none.
 *
 * @param fstab fstab(5); entries with `noauto` do not count.
 * @param mountinfo proc_pid_mountinfo(5).
 */
export function unmountedAbove(path: string, fstab: string, mountinfo: string): string | null {
  const unescaped = (field: string): string =>
    field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
  const fields = (text: string): readonly string[][] =>
    text
      .split('\n')
      .filter((line) => !/^\s*(#|$)/.test(line))
      .map((line) => line.trim().split(/\s+/));
  const mounted = new Set(fields(mountinfo).map(([, , , , point = '']) => unescaped(point)));
  const wanted = fields(fstab)
    .filter(([, , , options = '']) => !options.split(',').includes('noauto'))
    .map(([, point = '']) => unescaped(point).replace(/(?<=.)\/+$/, ''));
  const above = wanted.filter((point) => point.startsWith('/') && point !== '/' && `${path}/`.startsWith(`${point}/`));
  return above.find((point) => !mounted.has(point)) ?? null;
}

/** Give a file to the helper: never what a link points to, which its user may have put there. A link is removed. */
function giveFile(path: string, { uid, gid }: Identity): void {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP') unlinkSync(path);
    else if (code !== 'ENOENT' && code !== 'ENXIO') throw error;
    return;
  }
  try {
    const file = fstatSync(fd);
    if (file.isFile() && file.nlink === 1) fchownSync(fd, uid, gid);
  } finally {
    closeSync(fd);
  }
}

/** The first folder on the path that is not searchable for everyone; null if there is none. */
export function firstClosedFolder(path: string): string | null {
  const parent = dirname(path);
  const above = parent === path ? null : firstClosedFolder(parent);
  if (above !== null) return above;
  return (statSync(path).mode & 0o001) === 0 ? path : null;
}

/** Paths of node and of our files that the daemons' users can reach. */
export interface ProgramFiles {
  readonly node: string;
  /** The folder that frontend/, helper/ and upnp/ are in. */
  readonly dist: string;
  readonly binds: readonly BindMount[];
  /** Those of ours that need no bind mount, at their own paths. */
  readonly files: readonly string[];
}

/**
 * Unprivileged users cannot reach a clone in /root, or node in nvm's folder: these are bind-mounted into the run
 * folder, in the daemon's own mount namespace.
 */
export function makeReachable(node: string, dist: string, runDir: string): ProgramFiles {
  const app = realpathSync(dist);
  const { root, parts } = programParts(app);
  const files = parts.map((part) => join(root, part));
  checkReadable(app, files);

  const binds: BindMount[] = [];
  let reached = { node, dist: app };
  if (firstClosedFolder(root) !== null) {
    const to = join(runDir, 'app');
    binds.push(...parts.map((part) => createMountPoint(realpathSync(join(root, part)), join(to, part))));
    reached = { ...reached, dist: to + app.slice(root.length) };
  }
  if (firstClosedFolder(dirname(realpathSync(node))) !== null) {
    binds.push(createMountPoint(realpathSync(node), join(runDir, 'node')));
    reached = { ...reached, node: join(runDir, 'node') };
  }
  if (binds.length > 0 && !hasCapability('CAP_SYS_ADMIN')) {
    const closed = firstClosedFolder(root) ?? firstClosedFolder(dirname(realpathSync(node)));
    throw new Failure(
      EXIT.capability,
      `${root}: the daemons' users cannot pass ${closed}, and mounts are not permitted here: install it where every user can read it`,
    );
  }
  return { ...reached, binds, files: firstClosedFolder(root) === null ? files : [] };
}

/** Where our files are: a clone, or, installed as a package, the folder of node_modules. */
export function programParts(dist: string): { readonly root: string; readonly parts: readonly string[] } {
  const inModules = dist.indexOf('/node_modules/');
  return inModules < 0
    ? { root: dirname(dist), parts: [basename(dist), 'node_modules', 'package.json'] }
    : { root: dist.slice(0, inModules), parts: ['node_modules'] };
}

/** The files of a program that need no bind mount: all users can reach them, or there is no other. */
export function ownFiles(node: string, dist: string): ProgramFiles {
  const { root, parts } = programParts(realpathSync(dist));
  return { node, dist: realpathSync(dist), binds: [], files: parts.map((part) => join(root, part)) };
}

/** Create an empty file or folder to mount on. */
function createMountPoint(from: string, to: string): BindMount {
  const isFolder = statSync(from).isDirectory();
  mkdirSync(isFolder ? to : dirname(to), { recursive: true });
  if (!isFolder) writeFileSync(to, '');
  return { from, to };
}

/** An installation with umask 077 leaves files that only the owner can read. */
function checkReadable(dist: string, parts: readonly string[]): void {
  const files = [
    ...parts,
    ...['frontend', 'helper', 'upnp'].flatMap((part) => [join(dist, part), join(dist, part, 'main.js')]),
    // One may be left out of an installation that has no use for it.
  ].filter(existsSync);
  const closed = files.find((file) => (statSync(file).mode & 0o004) === 0);
  if (closed === undefined) return;
  throw new Failure(EXIT.capability, `${closed}: the daemons' users cannot read it: chmod -R a+rX ${parts.join(' ')}`);
}
