// Debian's Prometheus: what is installed, or else taken out of its package into a folder outside the project. Installed
// by apt it would start a service, and bring 230 MB of what nobody needs here.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.js';

/** Changes with what is taken out. */
const NAME = 'prometheus-1';
const PROGRAMS = ['prometheus', 'promtool'] as const;
/** A download of 19 MB, on a slow line. */
const DEADLINE_MS = 120_000;

/** The folder of both programs, or why there is none. */
export async function prometheus(): Promise<{ readonly folder: string } | { readonly why: string }> {
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    if (PROGRAMS.every((program) => existsSync(join(folder, program)))) return { folder };
  }
  const cache = join(process.env['XDG_CACHE_HOME'] ?? '/var/cache', 'natpmp-server');
  const kept = join(cache, NAME);
  if (existsSync(kept)) return { folder: kept };
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'new-'));
  try {
    const why = await unpack(work);
    if (why !== null) return { why };
    // Another test may have been faster: theirs is as good.
    if (!existsSync(kept)) renameSync(join(work, 'usr/bin'), kept);
    return { folder: kept };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Null if it worked. */
async function unpack(folder: string): Promise<string | null> {
  console.log('fetching prometheus for the tests of the metrics');
  const fetch = 'apt-get -qq -o APT::Sandbox::User=root download prometheus';
  const script = `command -v apt-get dpkg-deb >/dev/null || { echo no apt-get >&2; exit 1; }
    ${fetch} 2>/dev/null || { apt-get -qq update && ${fetch}; }
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ${PROGRAMS.map((program) => `./usr/bin/${program}`).join(' ')}`;
  const error = await new Promise<string | null>((resolve) => {
    const child = spawn('sh', ['-ec', script], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: DEADLINE_MS,
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('error', (failure) => resolve(failure.message));
    child.once('close', (status) => resolve(status === 0 ? null : (stderr.trim().split('\n').at(-1) ?? '')));
  });
  if (error !== null) return `prometheus is not installed and cannot be fetched: ${error}`;
  const { status, stderr } = await run(join(folder, 'usr/bin/promtool'), ['--version']);
  return status === 0 ? null : `promtool does not run here: ${stderr}`;
}
