// A Debian with systemd 257 to boot in a container: made once by mmdebstrap, and kept in a folder outside the project.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../support/run.js';

const SUITE = 'trixie';
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'nftables', 'iproute2', 'procps', 'libatomic1', 'libstdc++6'];
/** Changes with the list of packages. */
const NAME = `${SUITE}-1`;
/** A download of 60 MB, on a slow line. */
const DEADLINE_MS = 240_000;

/** The folder of the root file system, or why there is none. */
export async function rootfs(): Promise<{ readonly folder: string } | { readonly why: string }> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? '/var/cache', 'natpmp-server');
  const folder = join(cache, NAME);
  if (existsSync(folder)) return { folder };
  if ((await run('sh', ['-c', 'command -v mmdebstrap'])).status !== 0)
    return { why: 'mmdebstrap is not installed: sh scripts/setup.sh test' };
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'new-'));
  const why = await bootstrap(join(work, 'root'));
  try {
    // Another test may have been faster: theirs is as good.
    if (why === null && !existsSync(folder)) renameSync(join(work, 'root'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return why === null ? { folder } : { why };
}

/** Null if it worked. */
function bootstrap(folder: string): Promise<string | null> {
  console.log(`making ${SUITE} for the tests of systemd`);
  return new Promise((resolve) => {
    const child = spawn(
      'mmdebstrap',
      ['--quiet', '--mode=root', '--variant=minbase', `--include=${PACKAGES.join(',')}`, SUITE, folder],
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
