// Debian's miniupnpd, unpacked into a folder outside the project and never installed: nothing of it becomes a service
// of this machine, and no script of the package runs.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../support/run.js';

const PACKAGE = 'miniupnpd-nftables';
const DOWNLOAD = `apt-get download -qq ${PACKAGE} >&2`;
const FOLDER = 'miniupnpd-1';

export interface Program {
  readonly path: string;
  /** Of the program, as it says itself. */
  readonly version: string;
}

/** The program, or why there is none. */
export async function miniupnpdProgram(): Promise<Program | { readonly why: string }> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? '/var/cache', 'natpmp-server');
  const folder = join(cache, FOLDER);
  if (!existsSync(folder)) {
    const why = await unpack(cache, folder);
    if (why !== null) return { why };
  }
  const path = join(folder, 'usr', 'sbin', 'miniupnpd');
  const { status, stdout, stderr } = await runOr(path, ['--version']);
  const version = /^miniupnpd (\S+)/m.exec(stdout)?.[1];
  return version === undefined ? { why: `${path} does not run: exit ${status}: ${stderr.trim()}` } : { path, version };
}

/** Null if it worked. */
async function unpack(cache: string, folder: string): Promise<string | null> {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'new-'));
  try {
    // A fresh machine has no package lists yet.
    const script = `cd "$1" && { ${DOWNLOAD} || { apt-get update -qq && ${DOWNLOAD}; }; } && dpkg-deb -x ${PACKAGE}_*.deb root`;
    const fetched = await runOr('sh', ['-c', script, 'sh', work]);
    if (fetched.status !== 0) return `apt-get download ${PACKAGE}: ${fetched.stderr.trim().split('\n').at(-1) ?? ''}`;
    if (!existsSync(folder)) renameSync(join(work, 'root'), folder);
    return null;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function runOr(program: string, args: readonly string[]) {
  try {
    return await run(program, args);
  } catch (error) {
    return { status: 127, stdout: '', stderr: (error as Error).message };
  }
}
