// The flags of the daemons (docs/architecture.md), made from ours. Pure.

import type { Lan } from '../../proto/mapping.js';
import { formatIpv4, formatLan } from '../../proto/mapping.js';
import { daemonConfigPath } from './daemon-config.js';
import type { Config } from './config.js';

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

/** `port`: the one asked on the LAN interfaces. */
export function rulesetArgs(config: Config, lans: readonly Lan[], port: number): readonly string[] {
  return [
    'ruleset',
    '--external-interface',
    config.externalInterface,
    ...config.listenInterfaces.flatMap((name) => ['--listen-interface', name]),
    '--listen-port',
    String(port),
    ...lanFlags(lans),
    '--nat-table',
    config.natTable,
    '--nat-chain',
    config.natChain,
    ...(config.hairpin ? [] : ['--no-hairpin']),
  ];
}

/** Limits and rules, which may change while they run, are in a file; each checks them for itself. */
function common(config: ResolvedConfig, lans: readonly Lan[]): readonly string[] {
  return [...lanFlags(lans), '--config', daemonConfigPath(config)];
}

function lanFlags(lans: readonly Lan[]): readonly string[] {
  return lans.flatMap((lan) => ['--lan', formatLan(lan)]);
}
