// Small readings of this machine: files of /proc and /sys that may be missing.

import { readdirSync, readFileSync, statSync } from 'node:fs';

/** The content of a file, or `otherwise` if it cannot be read. */
export function readOr<T extends string | null>(path: string, otherwise: T): string | T {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** A file below /proc/sys, by its path there; null if this kernel does not have it. */
export function kernelSetting(name: string): string | null {
  return readOr(`/proc/sys/${name}`, '').trim() || null;
}

export function bootId(): string {
  return kernelSetting('kernel/random/boot_id') ?? '';
}

/** The uids of all running processes. */
export function busyUids(): ReadonlySet<number> {
  const uids = new Set<number>();
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      uids.add(statSync(`/proc/${name}`).uid);
    } catch {
      // The process has ended meanwhile.
    }
  }
  return uids;
}
