// Runs nft.

import { spawnSync } from 'node:child_process';
import { EXIT, Failure } from './failure.js';
import { objectsOf, only } from './nft-json.js';
import { PATH } from './programs.js';

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
