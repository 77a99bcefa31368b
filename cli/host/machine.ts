// Small readings of this machine: files of /proc and /sys that may be missing.

import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';

/** The content of a file, or `otherwise` if it cannot be read. */
export function readOr<T extends string | null>(path: string, otherwise: T): string | T {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/**
 * The beginning of a file, `most` bytes at most; empty if it cannot be read. For files of /proc that their process can make
 * as long as it likes: its command line is any part of its memory (PR_SET_MM_MAP in prctl(2)).
 */
export function readStart(path: string, most: number): string {
  try {
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(most);
      let length = 0;
      for (let count = -1; count !== 0 && length < most; length += count)
        count = readSync(fd, bytes, length, most - length, null);
      return bytes.toString('utf8', 0, length);
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}

/** A file below /proc/sys, by its path there; null if this kernel does not have it. */
export function kernelSetting(name: string): string | null {
  return readOr(`/proc/sys/${name}`, '').trim() || null;
}

/** Every interface of this network namespace, by its name. Without the C library, unlike interfaces.ts. */
export function interfaceNames(): readonly string[] {
  return parseNetDev(readOr('/proc/net/dev', ''));
}

/** The names in the text of /proc/net/dev. Pure. */
export function parseNetDev(text: string): readonly string[] {
  return [...text.matchAll(/^ *([^\s|]+):/gm)].map(([, name = '']) => name);
}

export function bootId(): string {
  return kernelSetting('kernel/random/boot_id') ?? '';
}

export interface Link {
  readonly name: string;
  /** Of its hardware: "02:00:00:00:00:07". */
  readonly address: string;
  /** The address is that of the hardware, not a random one, or another link's (NET_ADDR_PERM in linux/netdevice.h). */
  readonly isPermanent: boolean;
}

/** What tells this machine from others, the same after a restart. */
export function deviceId(): string {
  const links = readdirOr('/sys/class/net').map((name) => ({
    name,
    address: readOr(`/sys/class/net/${name}/address`, '').trim(),
    isPermanent: readOr(`/sys/class/net/${name}/addr_assign_type`, '').trim() === '0',
  }));
  return deviceIdFrom(readOr('/etc/machine-id', ''), links);
}

/**
 * Pure. The machine ID of systemd (machine-id(5)); without one a hardware address: one that is no accident of this start
 * before others, and the lowest of these.
 */
export function deviceIdFrom(machineId: string, links: readonly Link[]): string {
  if (/^[0-9a-f]{32}$/.test(machineId.trim())) return machineId.trim();
  const real = links.filter(({ address }) => /^[0-9a-f:]{17}$/.test(address) && address !== '00:00:00:00:00:00');
  const permanent = real.filter(({ isPermanent }) => isPermanent);
  const [lowest = 'natpmp-server'] = (permanent.length > 0 ? permanent : real).map(({ address }) => address).sort();
  return lowest;
}

function readdirOr(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
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
