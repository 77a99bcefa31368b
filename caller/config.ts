// The values of the flags that the unprivileged daemons have in common: text to configuration. Pure: reads no file and no
// environment.

import { ALLOWED_PORTS } from '../config/grants.js';
import { lansFrom } from '../config/lans.js';
import { parsePolicy } from '../config/policy.js';
import { LOG_LEVELS } from '../config/settings.js';
import type { PolicyFlags } from '../config/types.js';
import type { Complain } from '../config/values.js';
import { LONGEST_LIFETIME, MOST_MAPPINGS, wholeNumber } from '../config/values.js';
import type { Ipv4, Lan } from '../proto/mapping.js';
import { parseIpv4 } from '../proto/mapping.js';
import type { Rules } from './policy.js';

/** The flags as typed. */
export interface CallerFlags extends PolicyFlags {
  readonly externalInterface?: string;
  readonly externalAddress?: string;
  readonly listenInterface?: readonly string[];
  readonly lan?: readonly string[];
  readonly helperSocket?: string;
  readonly maxMappingsPerIp?: string;
  readonly maxLifetime?: string;
  readonly requirePublicAddress?: boolean;
  readonly logLevel?: string;
}

export interface CallerConfig extends Rules {
  /** Null only with a fixed external address. */
  readonly externalInterface: string | null;
  /** In place of the external interface's address; null to use that. */
  readonly externalAddress: Ipv4 | null;
  /** The interfaces of the sockets, for the reader of a command line; the sockets tell theirs themselves. */
  readonly listenInterfaces: readonly string[];
  /** Only hosts of these may ask; empty: all hosts of the interfaces. */
  readonly lans: readonly Lan[];
  readonly helperSocket: string;
  /** Refuse mappings while the external address is not public. */
  readonly requirePublicAddress: boolean;
  readonly logLevel: string;
}

export const DEFAULTS = {
  helperSocket: '/run/natpmp/helper.sock',
  maxMappingsPerIp: 100,
  maxLifetime: 86400,
  allowedPorts: ALLOWED_PORTS,
  logLevel: 'info',
} as const;

/** The common configuration and, in seconds, the longest lifetime; what is wrong is told to `complain`. */
export function parseCaller(
  flags: CallerFlags,
  complain: Complain,
): { readonly common: CallerConfig; readonly maxLifetime: number } {
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
  const maxLifetime = wholeNumber(
    '--max-lifetime',
    flags.maxLifetime ?? String(DEFAULTS.maxLifetime),
    1,
    LONGEST_LIFETIME,
    complain,
  );
  const { rules, deniedPorts } = parsePolicy(flags, { maxMappings: maxMappingsPerIp, maxLifetime }, complain);
  const common: CallerConfig = {
    ...parseExternal(flags, complain),
    listenInterfaces,
    lans,
    helperSocket: flags.helperSocket ?? DEFAULTS.helperSocket,
    rules,
    deniedPorts,
    requirePublicAddress: flags.requirePublicAddress ?? false,
    logLevel,
  };
  return { common, maxLifetime };
}

function parseExternal(flags: CallerFlags, complain: Complain) {
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
