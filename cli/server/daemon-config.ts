// The configuration file of the daemons, made from ours: what was checked here is what both read, at their start and on
// SIGHUP, wherever the administrator's own file lies and whatever is being written into it. Pure.

import type { PortRange } from '../../proto/mapping.js';
import { formatPortRange } from '../../config/format.js';
import type { ResolvedConfig } from './arguments.js';
import type { Config } from './flags.js';

export function daemonConfigPath({ runDir }: ResolvedConfig): string {
  return `${runDir}/gateway.conf`;
}

/** `inUse`: ports that the router was found to need itself. */
export function daemonConfig(config: Config, inUse: readonly PortRange[]): string {
  const ranges = (name: string, list: readonly PortRange[]): readonly string[] =>
    list.map((range) => `${name} = ${formatPortRange(range)}`);
  return `${[
    '# Written by natpmp-server, from its flags and its --config.',
    ...config.rules.map((rule) => `rule = ${rule}`),
    `default-rule = ${config.defaultRule}`,
    ...ranges('allowed-ports', config.allowedPorts),
    ...(config.deniedPorts.length === 0 ? ['denied-ports = none'] : ranges('denied-ports', config.deniedPorts)),
    ...ranges('reserved-ports', [...config.reservedPorts, ...inUse]),
    `max-mappings = ${config.maxMappings}`,
    `max-mappings-per-ip = ${config.maxMappingsPerIp}`,
    `default-lifetime = ${config.defaultLifetime}`,
    `max-lifetime = ${config.maxLifetime}`,
    `require-public-address = ${config.requirePublicAddress ? 'yes' : 'no'}`,
    `log-level = ${config.logLevel}`,
  ].join('\n')}\n`;
}

/** The configuration in force, with what a reload may change taken from another. */
export function reloaded<C extends Config>(
  before: C,
  {
    rules,
    defaultRule,
    allowedPorts,
    deniedPorts,
    reservedPorts,
    maxMappings,
    maxMappingsPerIp,
    defaultLifetime,
    maxLifetime,
    requirePublicAddress,
    logLevel,
  }: Config,
): C {
  return {
    ...before,
    rules,
    defaultRule,
    allowedPorts,
    deniedPorts,
    reservedPorts,
    maxMappings,
    maxMappingsPerIp,
    defaultLifetime,
    maxLifetime,
    requirePublicAddress,
    logLevel,
  };
}
