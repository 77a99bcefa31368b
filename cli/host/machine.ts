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

/**
 * What tells this machine from others, the same after a restart: the machine ID of systemd (machine-id(5)), or without one
 * the hardware addresses of these interfaces.
 */
export function deviceId(interfaces: readonly string[]): string {
  const machineId = readOr('/etc/machine-id', '').trim();
  if (/^[0-9a-f]{32}$/.test(machineId)) return machineId;
  return interfaces.map((name) => readOr(`/sys/class/net/${name}/address`, name).trim()).join(',');
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
