// Arguments to a frozen configuration, or every complaint about them at once. Pure.

import type { Validated } from '../config/types.js';
import type { Config, Limits } from './types.js';
import { policyFrom } from '../config/grants.js';
import { LOG_LEVELS } from '../config/settings.js';
import { isNftName, LONGEST_LIFETIME, MOST_MAPPINGS, wholeNumber } from '../config/values.js';
import { parseFlags } from './flags.js';

/** The ruleset's set of pinholes holds twice as many. */
const MOST_PINHOLES = 16384;

export function parseConfig(args: readonly string[]): Validated<Config> {
  const complaints: string[] = [];
  const complain = (complaint: string): void => void complaints.push(complaint);
  const flags = parseFlags(args, complain);
  const one = (name: string): string => flags.get(name)?.at(-1) ?? '';
  const most = (name: string, limit: number): number => wholeNumber(`--${name}`, one(name), 1, limit, complain);
  for (const name of ['socket', 'admin-socket', 'state-dir'])
    if (!one(name).startsWith('/')) complain(`--${name} ${one(name)}: give an absolute path`);

  const maxMappingsPerHost = most('max-mappings-per-ip', MOST_MAPPINGS);
  const maxLifetime = most('max-lifetime', LONGEST_LIFETIME);
  const general = { maxMappings: maxMappingsPerHost, maxLifetime };
  const policy = policyFrom((name) => flags.get(name), general, complain);
  // The frontend grants a host its quota, or 32, at once. Allow twice that: after a restart it has forgotten what it
  // granted.
  const largest = Math.max(32, ...policy.rules.map(({ grant }) => grant?.maxMappings ?? 0));
  const given = flags.get('new-mappings-per-ip')?.at(-1) ?? String(2 * largest);
  const burst = wholeNumber('--new-mappings-per-ip', given, 1, 2 * MOST_MAPPINGS, complain);
  const limits: Limits = {
    loopback: flags.has('loopback'),
    ...policy,
    maxMappings: most('max-mappings', MOST_MAPPINGS),
    newMappings: { burst, intervalMs: 10_000 / burst },
    maxMappingsPerHost,
    maxLifetime,
    maxPinholes: flags.has('pinholes') ? MOST_PINHOLES : 0,
  };
  const config: Config = {
    limits,
    adminUids: (flags.get('admin-uid') ?? []).map((uid) => wholeNumber('--admin-uid', uid, 0, 0xfffffffe, complain)),
    stateDir: one('state-dir'),
    ruleset: { table: one('nat-table'), chain: one('nat-chain') },
    bootId: one('boot-id'),
    logLevel: one('log-level'),
    check: flags.has('check'),
  };
  if (!LOG_LEVELS.includes(config.logLevel))
    complain(`--log-level ${config.logLevel}: give one of ${LOG_LEVELS.join(', ')}`);
  for (const flag of ['nat-table', 'nat-chain'])
    if (!isNftName(one(flag))) complain(`--${flag} ${one(flag)}: not a name nftables takes`);
  if (config.bootId === '') complain('--boot-id is required: the content of /proc/sys/kernel/random/boot_id');
  return complaints.length > 0 ? { complaints } : { ok: Object.freeze(config) };
}
