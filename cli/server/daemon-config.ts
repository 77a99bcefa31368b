// The configuration of the daemons, made from ours: their flags (docs/architecture.md), and a file with what a reload
// may change. Both daemons read exactly what was checked here, whatever happens to the administrator's own file. Pure.

import type { RulesetConfig } from '../host/ruleset-text.js';
import type { Lan, PortRange } from '../../proto/mapping.js';
import { formatLan } from '../../config/format.js';
import { formatIpv4, withoutPorts } from '../../proto/mapping.js';
import { portLines } from '../host/port-lines.js';
import type { Config, ResolvedConfig } from './config.js';

export function helperSocket(config: ResolvedConfig): string {
  return `${config.runDir}/helper.sock`;
}

export function adminSocket(config: ResolvedConfig): string {
  return `${config.runDir}/admin.sock`;
}

/** Where the frontend answers for metrics. */
export function metricsSocket(config: ResolvedConfig): string {
  return `${config.runDir}/metrics.sock`;
}

/** Where natpmp-upnp answers for metrics. */
export function upnpMetricsSocket(config: ResolvedConfig): string {
  return `${config.runDir}/upnp-metrics.sock`;
}

/** Where natpmp-upnp tells the descriptions of its mappings. */
export function upnpStatusSocket(config: ResolvedConfig): string {
  return `${config.runDir}/upnp.sock`;
}

/** `lans`: only their hosts may ask; empty: all hosts of the interfaces. */
export function frontendArgs(config: ResolvedConfig, lans: readonly Lan[]): readonly string[] {
  return callerArgs(config, lans);
}

/** `deviceId`: see --device-id of natpmp-upnp. */
export function upnpArgs(config: ResolvedConfig, deviceId: string): readonly string[] {
  return [...callerArgs(config, []), '--upnp-port', String(config.upnpPort), '--device-id', deviceId];
}

/** For those that ask the helper. */
function callerArgs(config: ResolvedConfig, lans: readonly Lan[]): readonly string[] {
  return [
    '--external-interface',
    config.externalInterface,
    ...config.listenInterfaces.flatMap((name) => ['--listen-interface', name]),
    ...lans.flatMap((lan) => ['--lan', formatLan(lan)]),
    ...configArgs(config),
    '--helper-socket',
    helperSocket(config),
    ...(config.externalAddress === null ? [] : ['--external-address', formatIpv4(config.externalAddress)]),
  ];
}

/** `loopback`: hosts of the loopback network may hold mappings. */
export function helperArgs(
  config: ResolvedConfig,
  loopback: boolean,
  bootId: string,
  adminUid: number,
): readonly string[] {
  return [
    ...(loopback ? ['--loopback'] : []),
    ...configArgs(config),
    '--socket',
    helperSocket(config),
    '--admin-socket',
    adminSocket(config),
    '--admin-uid',
    String(adminUid),
    '--state-dir',
    config.stateDir,
    '--nat-table',
    config.natTable,
    '--nat-chain',
    config.natChain,
    '--boot-id',
    bootId,
    ...(config.pinholes ? ['--pinholes'] : []),
  ];
}

/** `port`: of requests on the LAN interfaces. */
export function rulesetConfig(config: Config, port: number): RulesetConfig {
  const { natTable: table, natChain: chain, externalInterface, listenInterfaces, externalAddress, hairpin } = config;
  const interfaces = { externalInterface, listenInterfaces };
  const pinholes = config.pinholes ? { externalInterface: config.pinholeInterface } : null;
  const { upnp } = config;
  return {
    table,
    chain,
    ...interfaces,
    listenPort: port,
    externalAddress,
    isAddressHere: true,
    allowedPorts: config.allowedPorts,
    hairpin,
    looksIntoMaps: true,
    pinholes,
    upnp,
  };
}

/** Limits and rules, which a reload may change, are in the file. */
function configArgs(config: ResolvedConfig): readonly string[] {
  return ['--config', daemonConfigPath(config)];
}

export function daemonConfigPath({ runDir }: ResolvedConfig): string {
  return `${runDir}/gateway.conf`;
}

/** `inUse`: ports that the router needs itself. */
export function daemonConfig(config: Config, inUse: readonly PortRange[]): string {
  return `${[
    '# Written by natpmp-server, from its flags and its --config.',
    ...config.rules.map((rule) => `rule = ${rule}`),
    `default-rule = ${config.defaultRule}`,
    ...portLines('allowed-ports', config.allowedPorts),
    ...(config.deniedPorts.length === 0 ? ['denied-ports = none'] : portLines('denied-ports', config.deniedPorts)),
    ...portLines('reserved-ports', withoutPorts([...config.reservedPorts, ...inUse], [])),
    `max-mappings = ${config.maxMappings}`,
    `max-mappings-per-ip = ${config.maxMappingsPerIp}`,
    `default-lifetime = ${config.defaultLifetime}`,
    `max-lifetime = ${config.maxLifetime}`,
    `require-public-address = ${config.requirePublicAddress ? 'yes' : 'no'}`,
    `log-level = ${config.logLevel}`,
  ].join('\n')}\n`;
}

/** The configuration in force, with the settings that a reload may change taken from a new one. */
export function withReloaded<C extends Config>(
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
