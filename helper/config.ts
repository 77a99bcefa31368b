// Flags to a frozen configuration, or every complaint about them at once. Pure.

import { lansFrom, LONGEST_LIFETIME, MOST_MAPPINGS, wholeNumber } from '../config/values.js';
import type { PolicyFlags } from '../config/grants.js';
import { parsePolicy } from '../config/grants.js';
import type { Validated } from '../config/reload.js';
import { LOG_LEVELS } from '../config/settings.js';
import type { Limits } from './limits.js';
import type { RulesetConfig } from './ruleset.js';
import { isNftName } from './ruleset.js';

/** The flags as commander gives them. */
export interface Flags extends PolicyFlags {
  readonly lan?: readonly string[];
  readonly socket: string;
  readonly adminSocket: string;
  readonly adminUid: readonly string[];
  readonly stateDir: string;
  readonly natTable: string;
  readonly natChain: string;
  readonly maxMappings: string;
  readonly maxMappingsPerIp: string;
  readonly newMappingsPerIp?: string;
  readonly maxLifetime: string;
  readonly logLevel: string;
  readonly bootId?: string;
  readonly externalInterface?: string;
  readonly listenInterface?: readonly string[];
  readonly listenPort: string;
  readonly hairpin: boolean;
}

export interface Config {
  readonly limits: Limits;
  readonly socketPath: string;
  readonly adminSocketPath: string;
  readonly adminUids: readonly number[];
  readonly stateDir: string;
  readonly table: string;
  readonly bootId: string;
  readonly logLevel: string;
}

export function parseConfig(flags: Flags): Validated<Config> {
  const complaints: string[] = [];
  const complain = (complaint: string): void => void complaints.push(complaint);
  const lans = lansFrom(flags.lan ?? [], complain);
  if (lans.length === 0 && complaints.length === 0)
    complaints.push("--lan is required: the router's address and prefix, such as 192.168.1.1/24");
  const maxMappingsPerHost = wholeNumber('--max-mappings-per-ip', flags.maxMappingsPerIp, 1, MOST_MAPPINGS, complain);
  const maxLifetime = wholeNumber('--max-lifetime', flags.maxLifetime, 1, LONGEST_LIFETIME, complain);
  const policy = parsePolicy(flags, { maxMappings: maxMappingsPerHost, maxLifetime }, complain);
  // The frontend lets a host have the largest quota there is at once, or 32. Twice that, for it may start anew and know
  // nothing of what was.
  const largest = Math.max(32, ...policy.rules.map(({ grant }) => grant?.maxMappings ?? 0));
  const burst = wholeNumber(
    '--new-mappings-per-ip',
    flags.newMappingsPerIp ?? String(2 * largest),
    1,
    2 * MOST_MAPPINGS,
    complain,
  );
  const maxMappings = wholeNumber('--max-mappings', flags.maxMappings, 1, MOST_MAPPINGS, complain);
  const newMappings = { burst, intervalMs: 10_000 / burst };
  const limits: Limits = { lans, ...policy, maxMappings, maxMappingsPerHost, newMappings, maxLifetime };
  if (!LOG_LEVELS.includes(flags.logLevel))
    complaints.push(`--log-level ${flags.logLevel}: give one of ${LOG_LEVELS.join(', ')}`);
  const adminUids = flags.adminUid.map((uid) => wholeNumber('--admin-uid', uid, 0, 0xfffffffe, complain));
  if (!isNftName(flags.natTable))
    complaints.push(
      `--nat-table ${flags.natTable}: not a name nftables takes: up to 31 letters, digits, _, . and -, a letter first, and no word of its language`,
    );
  if (flags.bootId === undefined || flags.bootId === '')
    complaints.push('--boot-id is required: the content of /proc/sys/kernel/random/boot_id');
  for (const [flag, path] of [
    ['--socket', flags.socket],
    ['--admin-socket', flags.adminSocket],
    ['--state-dir', flags.stateDir],
  ] as const) {
    if (!path.startsWith('/')) complaints.push(`${flag} ${path}: give an absolute path`);
  }
  if (complaints.length > 0) return { complaints };
  return {
    ok: Object.freeze({
      limits,
      adminUids,
      socketPath: flags.socket,
      adminSocketPath: flags.adminSocket,
      stateDir: flags.stateDir,
      table: flags.natTable,
      bootId: flags.bootId as string,
      logLevel: flags.logLevel,
    }),
  };
}

export function parseRulesetConfig(flags: Flags): Validated<RulesetConfig> {
  const complaints: string[] = [];
  const complain = (complaint: string): void => void complaints.push(complaint);
  const { externalInterface, listenInterface: listenInterfaces = [], natTable: table, natChain: chain } = flags;
  const lans = lansFrom(flags.lan ?? [], complain);
  if (externalInterface === undefined)
    complaints.push('--external-interface is required: the interface that faces the internet');
  if (listenInterfaces.length === 0) complaints.push('--listen-interface is required: the interface of the LAN');
  for (const [flag, name] of [
    ['external', externalInterface ?? 'ok'],
    ...listenInterfaces.map((each) => ['listen', each]),
  ] as const) {
    if (!isInterfaceName(name)) complaints.push(`--${flag}-interface ${name}: not the name of an interface`);
  }
  if (!isNftName(table))
    complaints.push(
      `--nat-table ${table}: not a name nftables takes: up to 31 letters, digits, _, . and -, a letter first, and no word of its language`,
    );
  if (!isNftName(chain))
    complaints.push(
      `--nat-chain ${chain}: not a name nftables takes: up to 31 letters, digits, _, . and -, a letter first, and no word of its language`,
    );
  const listenPort = wholeNumber('--listen-port', flags.listenPort, 1, 0xfffe, complain);
  if (complaints.length > 0 || externalInterface === undefined) return { complaints };
  return { ok: { table, chain, externalInterface, listenInterfaces, listenPort, lans, hairpin: flags.hairpin } };
}

/**
 * A name the kernel takes for a device (dev_valid_name: below 16 bytes, no white space, no slash), and nft unquoted.
 */
function isInterfaceName(name: string): boolean {
  return /^[^\s/:"\\*]{1,15}$/.test(name) && name !== '.' && name !== '..';
}
