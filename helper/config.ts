// Flags to a frozen configuration, or every complaint about them at once. Pure.

import type { Lan, PortRange } from '../proto/mapping.js';
import { parseLan, parsePortRange } from '../proto/mapping.js';
import type { Limits } from './limits.js';
import type { RulesetConfig } from './ruleset.js';
import { isNftName } from './ruleset.js';

/** The flags as commander gives them. */
export interface Flags {
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
  readonly allowedPorts: readonly string[];
  readonly reservedPorts?: readonly string[];
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
}

export type Parsed<T> = { readonly ok: T } | { readonly complaints: readonly string[] };

/** Every port of both protocols: 1..65535 twice. */
const MOST_MAPPINGS = 2 * 0xffff;

export function parseConfig(flags: Flags): Parsed<Config> {
  const complaints: string[] = [];
  const lans = each('--lan', flags.lan ?? [], parseLan, 'an address with its prefix, such as 192.168.1.1/24', complaints);
  if (lans.length === 0 && complaints.length === 0) complaints.push('--lan is required: the router\'s address and prefix, such as 192.168.1.1/24');
  const maxMappingsPerHost = number('--max-mappings-per-ip', flags.maxMappingsPerIp, 1, MOST_MAPPINGS, complaints);
  // The frontend lets a host have its quota at once, or 32. Twice that, for it may start anew and know nothing of what was.
  const burst = number('--new-mappings-per-ip', flags.newMappingsPerIp ?? String(2 * Math.max(32, maxMappingsPerHost)), 1, 2 * MOST_MAPPINGS, complaints);
  const limits: Limits = {
    lans,
    allowedPorts: ranges('--allowed-ports', flags.allowedPorts, complaints),
    reservedPorts: ranges('--reserved-ports', flags.reservedPorts ?? [], complaints),
    maxMappings: number('--max-mappings', flags.maxMappings, 1, MOST_MAPPINGS, complaints),
    maxMappingsPerHost,
    newMappings: { burst, intervalMs: 10_000 / burst },
    maxLifetime: number('--max-lifetime', flags.maxLifetime, 1, 0xfffffffe, complaints),
  };
  const adminUids = flags.adminUid.map((uid) => number('--admin-uid', uid, 0, 0xfffffffe, complaints));
  if (!isNftName(flags.natTable)) complaints.push(`--nat-table ${flags.natTable}: not a name nftables takes`);
  if (flags.bootId === undefined || flags.bootId === '') complaints.push('--boot-id is required: the content of /proc/sys/kernel/random/boot_id');
  for (const [flag, path] of [['--socket', flags.socket], ['--admin-socket', flags.adminSocket], ['--state-dir', flags.stateDir]] as const) {
    if (!path.startsWith('/')) complaints.push(`${flag} ${path}: give an absolute path`);
  }
  if (complaints.length > 0) return { complaints };
  return {
    ok: Object.freeze({
      limits, adminUids, socketPath: flags.socket, adminSocketPath: flags.adminSocket, stateDir: flags.stateDir,
      table: flags.natTable, bootId: flags.bootId as string,
    }),
  };
}

export function parseRulesetConfig(flags: Flags): Parsed<RulesetConfig> {
  const complaints: string[] = [];
  const { externalInterface, listenInterface: listenInterfaces = [], natTable: table, natChain: chain } = flags;
  const lans = each('--lan', flags.lan ?? [], parseLan, 'an address with its prefix, such as 192.168.1.1/24', complaints);
  if (externalInterface === undefined) complaints.push('--external-interface is required: the interface that faces the internet');
  if (listenInterfaces.length === 0) complaints.push('--listen-interface is required: the interface of the LAN');
  for (const name of [externalInterface ?? 'ok', ...listenInterfaces]) {
    if (!isInterfaceName(name)) complaints.push(`${name}: not the name of an interface`);
  }
  if (!isNftName(table)) complaints.push(`--nat-table ${table}: not a name nftables takes`);
  if (!isNftName(chain)) complaints.push(`--nat-chain ${chain}: not a name nftables takes`);
  const listenPort = number('--listen-port', flags.listenPort, 1, 0xffff, complaints);
  if (complaints.length > 0 || externalInterface === undefined) return { complaints };
  return { ok: { table, chain, externalInterface, listenInterfaces, listenPort, lans, hairpin: flags.hairpin } };
}

/** A name the kernel takes for a device (dev_valid_name: below 16 bytes, no white space, no slash), and nft unquoted. */
function isInterfaceName(name: string): boolean {
  return /^[^\s/:"\\*]{1,15}$/.test(name) && name !== '.' && name !== '..';
}

function ranges(flag: string, texts: readonly string[], complaints: string[]): readonly PortRange[] {
  return each(flag, texts, parsePortRange, 'a port or a range of ports within 1-65535, such as 1024-65535', complaints);
}

function each<T extends Lan | PortRange>(
  flag: string, texts: readonly string[], parse: (text: string) => T | null, wanted: string, complaints: string[],
): readonly T[] {
  const values: T[] = [];
  for (const text of texts.flatMap((list) => list.split(','))) {
    const value = parse(text.trim());
    if (value === null) complaints.push(`${flag} ${text}: give ${wanted}`);
    else values.push(value);
  }
  return values;
}

function number(flag: string, text: string, from: number, to: number, complaints: string[]): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : NaN;
  if (value >= from && value <= to) return value;
  complaints.push(`${flag} ${text}: give a number from ${from} to ${to}`);
  return from;
}
