// The flags of the daemons (docs/architecture.md), made from ours. Pure.

import type { Lan } from '../../proto/mapping.js';
import { formatIpv4 } from '../../proto/mapping.js';
import { formatLan } from '../../config/format.js';
import type { RulesetConfig } from '../host/ruleset-text.js';
import { daemonConfigPath } from './daemon-config.js';
import type { Config } from './flags.js';

/** A configuration whose folders are known: in the sandbox, temporary ones. */
export interface ResolvedConfig extends Config {
  readonly stateDir: string;
  readonly runDir: string;
}

export function helperSocket(config: ResolvedConfig): string {
  return `${config.runDir}/helper.sock`;
}

export function adminSocket(config: ResolvedConfig): string {
  return `${config.runDir}/admin.sock`;
}

export function frontendArgs(config: ResolvedConfig, lans: readonly Lan[]): readonly string[] {
  return [
    '--external-interface',
    config.externalInterface,
    ...common(config, lans),
    '--helper-socket',
    helperSocket(config),
    ...(config.externalAddress === null ? [] : ['--external-address', formatIpv4(config.externalAddress)]),
  ];
}

export function helperArgs(
  config: ResolvedConfig,
  lans: readonly Lan[],
  bootId: string,
  adminUid: number,
): readonly string[] {
  return [
    ...common(config, lans),
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
  ];
}

/** `port`: the one for requests on the LAN interfaces. */
export function rulesetConfig(config: Config, lans: readonly Lan[], port: number): RulesetConfig {
  const { natTable: table, natChain: chain, externalInterface, listenInterfaces, hairpin } = config;
  return { table, chain, externalInterface, listenInterfaces, listenPort: port, lans, hairpin };
}

/** Limits and rules, which may change while they run, are in a file; each checks them for itself. */
function common(config: ResolvedConfig, lans: readonly Lan[]): readonly string[] {
  return [...lans.flatMap((lan) => ['--lan', formatLan(lan)]), '--config', daemonConfigPath(config)];
}
