// The folders of the daemons, and whether their users can reach them.

import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EXIT, Failure, messageOf } from '../host/failure.js';
import type { BindMount } from './daemon-root.js';
import type { Identity } from './users.js';

/** Create the folder of the sockets: readable for all, writable for us alone. */
export function prepareRunDir(path: string): void {
  try {
    if (mkdirSync(path, { recursive: true, mode: 0o755 }) !== undefined) chmodSync(path, 0o755);
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new Failure(EXIT.state, `--run-dir ${path}: ${messageOf(error)}`);
  }
  if ((statSync(path).mode & 0o002) !== 0)
    throw new Failure(EXIT.usage, `--run-dir ${path}: anyone may write there: name a folder of its own`);
}

/** Create the folder of the leases, for the helper alone. */
export function prepareStateDir(path: string, owner: Identity | null): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
    const entries = readdirSync(path, { withFileTypes: true });
    // A folder with another purpose, such as /root, must not be given to the helper.
    const foreign = entries.find((entry) => !entry.isFile() || entry.name.startsWith('.'));
    if (foreign !== undefined) throw new Error(`holds "${foreign.name}", which is not ours: name a folder of its own`);
    for (const { name } of entries) if (owner !== null) chownSync(join(path, name), owner.uid, owner.gid);
    if (owner !== null) chownSync(path, owner.uid, owner.gid);
    chmodSync(path, 0o700);
  } catch (error) {
    throw new Failure(EXIT.state, `--state-dir ${path}: ${messageOf(error)}`);
  }
  const closed = owner === null ? null : firstClosedFolder(dirname(path));
  if (closed !== null)
    throw new Failure(
      EXIT.state,
      `--state-dir ${path}: the helper's user cannot pass ${closed}: name a folder elsewhere`,
    );
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
  /** The folder that frontend/ and helper/ are in. */
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
    join(dist, 'frontend'),
    join(dist, 'frontend', 'main.js'),
    join(dist, 'helper'),
    join(dist, 'helper', 'main.js'),
  ];
  const closed = files.find((file) => (statSync(file).mode & 0o004) === 0);
  if (closed === undefined) return;
  throw new Failure(EXIT.capability, `${closed}: the daemons' users cannot read it: chmod -R a+rX ${parts.join(' ')}`);
}
