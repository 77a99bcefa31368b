// Checks before anything is changed: capabilities and installed programs. Each message names the remedy.

import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { EXIT, Failure } from './failure.js';

/** The numbers of linux/capability.h. */
export const CAPABILITY = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_ADMIN: 21,
} as const;

/** The launcher needs these to open sockets, change owners and start the daemons. */
const NEEDED_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_ADMIN',
] as const;

/** The effective capabilities in /proc/self/status, as a bit set. */
export function effectiveCapabilities(status = readFileSync('/proc/self/status', 'utf8')): bigint {
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
}

export function hasCapability(name: keyof typeof CAPABILITY, effective = effectiveCapabilities()): boolean {
  return ((effective >> BigInt(CAPABILITY[name])) & 1n) === 1n;
}

/** Pure: the needed capabilities that are not in the set. */
export function missingCapabilities(effective: bigint): readonly string[] {
  return NEEDED_CAPABILITIES.filter((name) => !hasCapability(name, effective));
}

export function checkCapabilities(): void {
  const missing = missingCapabilities(effectiveCapabilities());
  if (missing.length === 0) return;
  throw new Failure(
    EXIT.capability,
    `not permitted: ${missing.join(', ')} missing: run as root, or try --sandbox, which needs no root`,
  );
}

/** The packages of the programs; Debian and nixpkgs mostly have the same names. */
const PACKAGE: Readonly<Record<string, string>> = {
  nft: 'nftables',
  ip: 'iproute2',
  setpriv: 'util-linux',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  sh: 'dash',
};
const NIX: Readonly<Record<string, string>> = { mount: 'util-linux' };

/** The caller's PATH, and the folders of root's programs, which it may lack. */
export const PATH = [
  ...new Set([
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/bin',
  ]),
]
  .filter((folder) => folder.startsWith('/'))
  .join(delimiter);

export function checkPrograms(names: readonly string[]): void {
  const missing = names.filter((name) => findProgram(name) === null);
  if (missing.length === 0) return;
  const packages = (map: Readonly<Record<string, string>>): string[] => [
    ...new Set(missing.map((name) => map[name] ?? PACKAGE[name] ?? name)),
  ];
  throw new Failure(
    EXIT.missingProgram,
    `not installed: ${missing.join(', ')}: Debian: apt-get install ${packages({}).join(' ')}; ` +
      `Nix: nix shell ${packages(NIX)
        .map((name) => `nixpkgs#${name}`)
        .join(' ')}`,
  );
}

/** The path of a program in PATH; null if it is not installed. */
export function findProgram(name: string): string | null {
  for (const folder of PATH.split(delimiter)) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this folder.
    }
  }
  return null;
}
