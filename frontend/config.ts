// The values of natpmp-frontend's flags (flags.ts): text to Config. Pure: reads no file and no environment.

import { lansFrom } from '../config/lans.js';
import type { Complain } from '../config/values.js';
import { LONGEST_LIFETIME, MOST_MAPPINGS, wholeNumber } from '../config/values.js';
import type { Rules } from '../caller/policy.js';
import type { Ipv4, Lan } from '../proto/mapping.js';
import { parseIpv4 } from '../proto/mapping.js';
import type { PolicyFlags } from '../config/types.js';
import { ALLOWED_PORTS } from '../config/grants.js';
import { parsePolicy } from '../config/policy.js';
import { LOG_LEVELS } from '../config/settings.js';
import type { Validated } from '../config/validate.js';

/** The flags as typed. */
export interface Flags extends PolicyFlags {
  readonly externalInterface?: string;
  readonly externalAddress?: string;
  readonly listenInterface?: readonly string[];
  readonly lan?: readonly string[];
  readonly helperSocket?: string;
  readonly maxMappingsPerIp?: string;
  readonly defaultLifetime?: string;
  readonly maxLifetime?: string;
  readonly requirePublicAddress?: boolean;
  readonly logLevel?: string;
}

export interface PolicyConfig extends Rules {
  /** Seconds, granted to requests for 2^32-1 ("forever"), but never more than the host's maxLifetime. */
  readonly defaultLifetime: number;
  /** Answer NETWORK_FAILURE while the external address is not public. */
  readonly requirePublicAddress: boolean;
}

export interface Config extends PolicyConfig {
  /** Null only with a fixed external address. */
  readonly externalInterface: string | null;
  /** In place of the external interface's address; null to use that. */
  readonly externalAddress: Ipv4 | null;
  /** The interfaces of the sockets, for the reader of a command line; the sockets tell theirs themselves. */
  readonly listenInterfaces: readonly string[];
  /** Only hosts of these may ask; empty: all hosts of the interfaces. */
  readonly lans: readonly Lan[];
  readonly helperSocket: string;
  readonly logLevel: string;
}

export const DEFAULTS = {
  helperSocket: '/run/natpmp/helper.sock',
  maxMappingsPerIp: 100,
  defaultLifetime: 3600,
  maxLifetime: 86400,
  allowedPorts: ALLOWED_PORTS,
  logLevel: 'info',
} as const;

/** The configuration, or every complaint about the flags. */
export function parseConfig(flags: Flags): Validated<Config> {
  const complaints: string[] = [];
  const complain: Complain = (complaint) => complaints.push(complaint);
  const lans = lansFrom(flags.lan ?? [], complain);
  const listenInterfaces = flags.listenInterface ?? [];
  for (const name of listenInterfaces) checkInterfaceName('--listen-interface', name, complain);
  const logLevel = flags.logLevel ?? DEFAULTS.logLevel;
  if (!LOG_LEVELS.includes(logLevel)) complain(`--log-level ${logLevel}: give one of ${LOG_LEVELS.join(', ')}`);
  const maxMappingsPerIp = wholeNumber(
    '--max-mappings-per-ip',
    flags.maxMappingsPerIp ?? String(DEFAULTS.maxMappingsPerIp),
    1,
    MOST_MAPPINGS,
    complain,
  );
  const { defaultLifetime, maxLifetime } = parseLifetimes(flags, complain);
  const { rules, deniedPorts } = parsePolicy(flags, { maxMappings: maxMappingsPerIp, maxLifetime }, complain);

  const config: Config = {
    ...parseExternal(flags, complain),
    listenInterfaces,
    lans,
    helperSocket: flags.helperSocket ?? DEFAULTS.helperSocket,
    rules,
    deniedPorts,
    defaultLifetime,
    requirePublicAddress: flags.requirePublicAddress ?? false,
    logLevel,
  };
  return complaints.length > 0 ? { complaints } : { ok: Object.freeze(config) };
}

function parseLifetimes(flags: Flags, complain: Complain) {
  const maxLifetime = wholeNumber(
    '--max-lifetime',
    flags.maxLifetime ?? String(DEFAULTS.maxLifetime),
    1,
    LONGEST_LIFETIME,
    complain,
  );
  // The implicit default is capped at --max-lifetime; an explicit one above it is an error.
  const implicit = String(Math.min(DEFAULTS.defaultLifetime, maxLifetime));
  const defaultLifetime = wholeNumber(
    '--default-lifetime',
    flags.defaultLifetime ?? implicit,
    1,
    LONGEST_LIFETIME,
    complain,
  );
  if (defaultLifetime > maxLifetime)
    complain(`--default-lifetime ${defaultLifetime}: is above --max-lifetime ${maxLifetime}`);
  return { defaultLifetime, maxLifetime };
}

function parseExternal(flags: Flags, complain: Complain) {
  const { externalInterface = null, externalAddress } = flags;
  if (externalInterface === null && externalAddress === undefined) {
    complain('--external-interface: is required: the interface towards the Internet, like eth1');
  }
  if (externalInterface !== null) checkInterfaceName('--external-interface', externalInterface, complain);
  const address = externalAddress === undefined ? null : parseIpv4(externalAddress);
  if (externalAddress !== undefined && (address === null || address === 0)) {
    complain(`--external-address ${externalAddress}: is not an IPv4 address, like 203.0.113.7`);
  }
  return { externalInterface, externalAddress: address };
}

/** The kernel's rule for names: dev_valid_name() in net/core/dev.c. */
function checkInterfaceName(flag: string, name: string, complain: Complain): void {
  if (!/^[^\s/:]{1,15}$/.test(name) || /^\.\.?$/.test(name))
    complain(`${flag} ${name}: cannot be the name of an interface`);
}
