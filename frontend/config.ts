// Flags to Config, or to complaints that each name the flag. Pure: no file and no environment is read.

import { isInterfaceName } from '../config/names.js';
import type { Complain } from '../config/values.js';
import { lansFrom, LONGEST_LIFETIME, MOST_MAPPINGS, wholeNumber } from '../config/values.js';
import type { Ipv4, Lan, PortRange } from '../proto/mapping.js';
import { parseIpv4 } from '../proto/mapping.js';
import type { PolicyFlags } from '../config/grants.js';
import { ALLOWED_PORTS, parsePolicy } from '../config/grants.js';
import type { Who } from '../config/rules.js';
import { LOG_LEVELS } from '../config/settings.js';

/** The flags as typed. */
export interface Flags extends PolicyFlags {
  readonly externalInterface?: string;
  readonly externalAddress?: string;
  readonly lan?: readonly string[];
  readonly helperSocket?: string;
  readonly maxMappingsPerIp?: string;
  readonly defaultLifetime?: string;
  readonly maxLifetime?: string;
  readonly requirePublicAddress?: boolean;
  readonly logLevel?: string;
}

/** What one host may have. */
export interface Grant {
  readonly maxMappingsPerIp: number;
  /** Seconds: granted to who states no lifetime of its own, by asking for 2^32-1. */
  readonly defaultLifetime: number;
  /** Seconds: nobody is granted more. */
  readonly maxLifetime: number;
  /** External ports that may be mapped. */
  readonly allowedPorts: readonly PortRange[];
}

/** What the hosts that it names may have; null: nothing. */
export interface HostRule {
  readonly who: Who;
  readonly grant: Grant | null;
}

export interface PolicyConfig {
  /** In order; the last one names everyone. */
  readonly rules: readonly HostRule[];
  /** Nobody's internal ports. */
  readonly deniedPorts: readonly PortRange[];
  /** Answer NETWORK_FAILURE while the external address is one that the Internet does not reach. */
  readonly requirePublicAddress: boolean;
}

export interface Config extends PolicyConfig {
  /** Null only with a fixed external address. */
  readonly externalInterface: string | null;
  /** Overrides whatever address the external interface has; null: the interface's. */
  readonly externalAddress: Ipv4 | null;
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

/** A Config, or what is wrong: at least one line, and each begins with its flag. */
export function parseConfig(flags: Flags): Config | readonly string[] {
  const complaints: string[] = [];
  const complain: Complain = (complaint) => complaints.push(complaint);
  const lans = lansFrom(flags.lan ?? [], complain);
  if ((flags.lan ?? []).length === 0)
    complain("--lan: is required: the router's own address in the LAN, like 192.168.1.1/24");
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
    lans,
    helperSocket: flags.helperSocket ?? DEFAULTS.helperSocket,
    rules: rules.map(({ who, grant }) => ({
      who,
      grant:
        grant === null
          ? null
          : {
              maxMappingsPerIp: grant.maxMappings,
              defaultLifetime: Math.min(defaultLifetime, grant.maxLifetime),
              maxLifetime: grant.maxLifetime,
              allowedPorts: grant.ports,
            },
    })),
    deniedPorts,
    requirePublicAddress: flags.requirePublicAddress ?? false,
    logLevel,
  };
  return complaints.length > 0 ? complaints : Object.freeze(config);
}

function parseLifetimes(flags: Flags, complain: Complain) {
  const maxLifetime = wholeNumber(
    '--max-lifetime',
    flags.maxLifetime ?? String(DEFAULTS.maxLifetime),
    1,
    LONGEST_LIFETIME,
    complain,
  );
  // Not given, the default lifetime bows to the ceiling; given, it must not contradict it.
  const preset = String(Math.min(DEFAULTS.defaultLifetime, maxLifetime));
  const defaultLifetime = wholeNumber(
    '--default-lifetime',
    flags.defaultLifetime ?? preset,
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
  if (externalInterface !== null && !isInterfaceName(externalInterface)) {
    complain(`--external-interface ${externalInterface}: can not be the name of an interface`);
  }
  const address = externalAddress === undefined ? null : parseIpv4(externalAddress);
  if (externalAddress !== undefined && (address === null || address === 0)) {
    complain(`--external-address ${externalAddress}: is not an IPv4 address, like 203.0.113.7`);
  }
  return { externalInterface, externalAddress: address };
}
