// Flags to Config, or to complaints that each name the flag. Pure: no file and no environment is read.

import type { Ipv4, Lan, PortRange } from '../proto/mapping.js';
import { parseIpv4, parseLan, parsePortRange } from '../proto/mapping.js';

/** The flags as typed. */
export interface Flags {
  readonly externalInterface?: string;
  readonly externalAddress?: string;
  readonly lan?: readonly string[];
  readonly helperSocket?: string;
  readonly maxMappingsPerIp?: string;
  readonly defaultLifetime?: string;
  readonly maxLifetime?: string;
  readonly allowedPorts?: readonly string[];
  readonly logLevel?: string;
}

/** What policy needs to know. */
export interface PolicyConfig {
  readonly maxMappingsPerIp: number;
  /** Seconds: granted to who states no lifetime of its own, by asking for 2^32-1. */
  readonly defaultLifetime: number;
  /** Seconds: nobody is granted more. */
  readonly maxLifetime: number;
  /** External ports that may be mapped. */
  readonly allowedPorts: readonly PortRange[];
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
  allowedPorts: '1024-65535',
  logLevel: 'info',
} as const;

export const LOG_LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** The most seconds a lifetime has: 2^32-1 is not a lifetime but the wish for none of one's own. */
const MAX_SECONDS = 0xfffffffe;
/** Both protocols of every port. */
const MAX_MAPPINGS = 2 * 65535;

type Complain = (flag: string, problem: string) => null;

/** A Config, or what is wrong: at least one line, and each names its flag. */
export function parseConfig(flags: Flags): Config | readonly string[] {
  const complaints: string[] = [];
  const complain: Complain = (flag, problem) => {
    complaints.push(`${flag}: ${problem}`);
    return null;
  };
  const parsed = <T>(flag: string, parse: (text: string) => T | null, wanted: string) => (text: string): T | null =>
    parse(text) ?? complain(flag, `"${text}" is not ${wanted}`);

  const lans = (flags.lan ?? []).map(parsed('--lan', parseLan, 'ADDRESS/LENGTH with a length from 8 to 32'));
  if (lans.length === 0) complain('--lan', "is required: the router's own address in the LAN, like 192.168.1.1/24");
  const allowedPorts = (flags.allowedPorts ?? [DEFAULTS.allowedPorts])
    .map(parsed('--allowed-ports', parsePortRange, 'a port or a range from 1 to 65535, like 1024-65535'));
  const logLevel = flags.logLevel ?? DEFAULTS.logLevel;
  if (!LOG_LEVELS.includes(logLevel)) complain('--log-level', `"${logLevel}" is none of ${LOG_LEVELS.join(', ')}`);

  const config: Config = {
    ...parseExternal(flags, complain),
    ...parseLifetimes(flags, complain),
    lans: lans.filter((lan) => lan !== null),
    helperSocket: flags.helperSocket ?? DEFAULTS.helperSocket,
    maxMappingsPerIp: parseNumber(
      '--max-mappings-per-ip', flags.maxMappingsPerIp, DEFAULTS.maxMappingsPerIp, MAX_MAPPINGS, complain),
    allowedPorts: allowedPorts.filter((range) => range !== null),
    logLevel,
  };
  return complaints.length > 0 ? complaints : Object.freeze(config);
}

function parseNumber(flag: string, text: string | undefined, preset: number, most: number, complain: Complain): number {
  if (text === undefined) return preset;
  if (/^[1-9][0-9]{0,9}$/.test(text) && Number(text) <= most) return Number(text);
  complain(flag, `"${text}" is not a whole number from 1 to ${most}`);
  return preset;
}

function parseLifetimes(flags: Flags, complain: Complain) {
  const maxLifetime = parseNumber('--max-lifetime', flags.maxLifetime, DEFAULTS.maxLifetime, MAX_SECONDS, complain);
  // Not given, the default lifetime bows to the ceiling; given, it must not contradict it.
  const preset = Math.min(DEFAULTS.defaultLifetime, maxLifetime);
  const defaultLifetime = parseNumber('--default-lifetime', flags.defaultLifetime, preset, MAX_SECONDS, complain);
  if (defaultLifetime > maxLifetime) {
    complain('--default-lifetime', `${defaultLifetime} is above --max-lifetime ${maxLifetime}`);
  }
  return { defaultLifetime, maxLifetime };
}

function parseExternal(flags: Flags, complain: Complain) {
  const { externalInterface = null, externalAddress } = flags;
  if (externalInterface === null && externalAddress === undefined) {
    complain('--external-interface', 'is required: the interface towards the Internet, like eth1');
  }
  // Linux' own rule for names (dev_valid_name).
  if (externalInterface !== null && (!/^[^\s/:]{1,15}$/.test(externalInterface) || /^\.\.?$/.test(externalInterface))) {
    complain('--external-interface', `"${externalInterface}" can not be the name of an interface`);
  }
  const address = externalAddress === undefined ? null : parseIpv4(externalAddress);
  if (externalAddress !== undefined && (address === null || address === 0)) {
    complain('--external-address', `"${externalAddress}" is not an IPv4 address, like 203.0.113.7`);
  }
  return { externalInterface, externalAddress: address };
}
