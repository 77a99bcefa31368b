// Runs nft, and the programs of iptables that print rules.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { EXIT, Failure } from './failure.js';
import { objectsOf, only } from './nft-json.js';
import { findProgram, PATH } from './programs.js';

export interface NftResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run nft to its end, or until it has taken `withinMs`; then the error says so. */
export function runNft(args: readonly string[], input = '', withinMs = 20_000): NftResult {
  const { error, status, stdout, stderr } = spawnSync('nft', args, {
    encoding: 'utf8',
    input,
    env: { PATH },
    timeout: withinMs,
    maxBuffer: 1 << 26,
  });
  // A program that was killed, or not found, has written nothing.
  return { status, stdout, stderr: stderr?.trim() || (error === undefined ? '' : error.message) };
}

/** The Failure for an nft command that failed with this on standard error. */
export function nftFailure(stderr: string): Failure {
  const isPermitted = !/Operation not permitted/.test(stderr);
  return new Failure(
    isPermitted ? EXIT.defect : EXIT.capability,
    `nft: ${firstLine(stderr)}${isPermitted ? '' : ': run as root, or try --sandbox'}`,
  );
}

export function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

/**
 * What `iptables-nft-save`, or `ip6tables-nft-save`, prints: empty if `json`, `nft --json list ruleset`, has no chain of
 * iptables, because running it might then load kernel modules.
 */
export function saveIptables(json: string, family: 'ip' | 'ip6'): string {
  const isThere = only('chain', objectsOf(json)).some(
    (chain) =>
      chain['family'] === family && /^(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/.test(String(chain['name'])),
  );
  if (!isThere) return '';
  const { status, stdout } = spawnSync(`${family}tables-nft-save`, [], {
    encoding: 'utf8',
    env: { PATH },
    timeout: 20_000,
    maxBuffer: 1 << 26,
  });
  return status === 0 ? stdout : '';
}

/** Tables of iptables-legacy that may forward: DNAT and REDIRECT, TPROXY. */
const LEGACY_TABLES = ['nat', 'mangle'];

/**
 * Those of LEGACY_TABLES that this network namespace has. Who may not read their names (only root may) is told of all
 * whose module is loaded, with `isCertain` false.
 */
export function legacyTables(
  read = (): string => readFileSync('/proc/net/ip_tables_names', 'utf8'),
  isLoaded = (module: string): boolean => existsSync(`/sys/module/${module}`),
): { readonly names: readonly string[]; readonly isCertain: boolean } {
  try {
    const names = read().split('\n');
    return { names: LEGACY_TABLES.filter((name) => names.includes(name)), isCertain: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { names: [], isCertain: true };
    return { names: LEGACY_TABLES.filter((name) => isLoaded(`iptable_${name}`)), isCertain: false };
  }
}

/**
 * What `iptables-legacy-save` prints of these tables: empty if there is none; null if it cannot be read. It is not run
 * for tables that are not there, because it would make them.
 */
export function saveLegacy({ names, isCertain }: ReturnType<typeof legacyTables>): string | null {
  if (names.length === 0) return '';
  if (!isCertain) return null;
  // Where legacy is the only iptables, or an old one, it has no other name.
  const program = ['iptables-legacy-save', 'iptables-save'].find((name) => findProgram(name) !== null);
  if (program === undefined) return null;
  const saved = names.map((name) => {
    const { status, stdout } = spawnSync(program, ['-t', name], {
      encoding: 'utf8',
      env: { PATH },
      timeout: 20_000,
      maxBuffer: 1 << 26,
    });
    return status === 0 && stdout.includes(`*${name}\n`) && !stdout.includes('nf_tables') ? stdout : null;
  });
  return saved.includes(null) ? null : saved.join('');
}
