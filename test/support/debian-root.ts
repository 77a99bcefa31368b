// A Debian in a folder outside the project: made once by mmdebstrap, and kept. Nothing of it becomes a service of this
// machine.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.js';

/** A download of 120 MB, on a slow line. */
const DEADLINE_MS = 240_000;

export interface DebianRoot {
  /** Of the folder: changes with the list of packages. */
  readonly name: string;
  readonly suite: string;
  readonly packages: readonly string[];
}

/** The folder of the root file system, or why there is none. */
export async function debianRoot(wanted: DebianRoot): Promise<{ readonly folder: string } | { readonly why: string }> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? '/var/cache', 'natpmp-server');
  const folder = join(cache, wanted.name);
  if (existsSync(folder)) return { folder };
  if ((await run('sh', ['-c', 'command -v mmdebstrap'])).status !== 0)
    return { why: 'mmdebstrap is not installed: sh scripts/setup.sh test' };
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'new-'));
  const why = await bootstrap(wanted, join(work, 'root'));
  try {
    // Another test may have been faster: theirs is as good.
    if (why === null && !existsSync(folder)) renameSync(join(work, 'root'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return why === null ? { folder } : { why };
}

/** Null if it worked. */
function bootstrap({ name, suite, packages }: DebianRoot, folder: string): Promise<string | null> {
  console.log(`making ${name} for the tests`);
  return new Promise((resolve) => {
    const child = spawn(
      'mmdebstrap',
      ['--quiet', '--mode=root', '--variant=minbase', `--include=${packages.join(',')}`, suite, folder],
      { stdio: ['ignore', 'ignore', 'pipe'], timeout: DEADLINE_MS },
    );
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status) =>
      resolve(status === 0 ? null : `mmdebstrap: ${stderr.trim().split('\n').at(-1) ?? ''}`),
    );
  });
}
