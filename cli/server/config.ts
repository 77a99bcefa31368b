// The configuration of natpmp-server: command line to a frozen Config, or to a list of complaints. Pure.

import { CommanderError } from 'commander';
import type { Arguments } from '../../config/types.js';
import { firstFew } from '../../config/file.js';
import { withLocation } from '../../config/validate.js';
import { parsePolicy } from '../../config/policy.js';
import { LONGEST_LIFETIME, wholeNumber, isNftName, MOST_MAPPINGS } from '../../config/values.js';
import type { Ipv4, PortRange } from '../../proto/mapping.js';
import { isPort, parseIpv4, withoutPorts } from '../../proto/mapping.js';
import type { Role } from './role.js';
import type { Flags } from './flags.js';
import { command } from './flags.js';
import { isInterfaceName } from '../../config/names.js';
import { withSuggestions } from '../../config/nearest.js';
import { LOG_LEVELS } from '../../config/settings.js';
import { isNftWord } from '../host/nft-words.js';

export interface Config {
  readonly listenInterfaces: readonly string[];
  readonly listenPort: number;
  readonly externalInterface: string;
  readonly natTable: string;
  readonly natChain: string;
  readonly maxMappings: number;
  readonly maxMappingsPerIp: number;
  /** Seconds. */
  readonly defaultLifetime: number;
  /** Seconds. */
  readonly maxLifetime: number;
  /** Null in the sandbox if none was given: a temporary folder. */
  readonly stateDir: string | null;
  readonly runDir: string | null;
  readonly allowedPorts: readonly PortRange[];
  readonly deniedPorts: readonly PortRange[];
  /** As configured; the ports found in use are added later. */
  readonly reservedPorts: readonly PortRange[];
  /** As typed: the daemons parse them themselves. */
  readonly rules: readonly string[];
  readonly defaultRule: string;
  readonly requirePublicAddress: boolean;
  readonly hairpin: boolean;
  readonly externalAddress: Ipv4 | null;
  /** IPv6 pinholes by PCP. */
  readonly pinholes: boolean;
  /** Where IPv6 connections from outside arrive; as externalInterface if not given. */
  readonly pinholeInterface: string;
  readonly sandbox: boolean;
  /** A loopback address; null for no metrics. */
  readonly metricsListen: MetricsAddress | null;
  /** UPnP, by a third daemon. */
  readonly upnp: boolean;
  /** TCP, on the LAN interfaces. */
  readonly upnpPort: number;
  /** As metricsListen, for the metrics of natpmp-upnp. */
  readonly upnpMetricsListen: MetricsAddress | null;
  readonly logLevel: string;
  /** A name or a number; null to pick one. */
  readonly users: Readonly<Record<Role, string | null>>;
  readonly jit: boolean;
}

/** A configuration with its folders known: in the sandbox, temporary ones. */
export interface ResolvedConfig extends Config {
  readonly stateDir: string;
  readonly runDir: string;
}

export interface MetricsAddress {
  readonly address: Ipv4;
  readonly port: number;
}

export type ReadConfig =
  | { readonly kind: 'config'; readonly config: Config; readonly from: Arguments; readonly check: boolean }
  | { readonly kind: 'complaints'; readonly lines: readonly string[] }
  | { readonly kind: 'help'; readonly text: string };

/** sun_path holds 107 bytes, and "/helper.sock" is appended. */
const MAX_RUN_DIR_LENGTH = 95;

/** Read the arguments (without node and script) and the file of --config. Total: throws nothing, prints nothing. */
export function readConfig(args: readonly string[], readFile: (path: string) => string = noFile): ReadConfig {
  const from = withSuggestions(args, 'natpmp-server', readFile);
  // --help works even if the file is invalid.
  const parsed = parseConfig('args' in from ? from.args : args);
  if (parsed.kind === 'help') return parsed;
  if ('complaints' in from) return { kind: 'complaints', lines: from.complaints };
  if (parsed.kind === 'complaints')
    return { kind: 'complaints', lines: firstFew(parsed.lines).map((line) => withLocation(line, from)) };
  return { ...parsed, from };
}

/** The same without a file: its settings are among the arguments already. */
export function parseConfig(
  args: readonly string[],
): Exclude<ReadConfig, { kind: 'config' }> | Omit<Extract<ReadConfig, { kind: 'config' }>, 'from'> {
  let help = '';
  const program = command()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        help += text;
      },
      writeErr: () => {},
    });
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'help', text: help };
    const [word] = program.args;
    const line =
      error.code === 'commander.excessArguments' && word !== undefined
        ? `${word}: what is this for? A switch, such as --pinholes, is on when it is there, and takes no value`
        : error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    return { kind: 'complaints', lines: [line] };
  }
  const flags = program.opts<Flags>();
  const { config, lines } = validate(flags);
  return lines.length > 0
    ? { kind: 'complaints', lines }
    : { kind: 'config', config: Object.freeze(config), check: flags.check };
}

function noFile(): never {
  throw new Error('no file is read here');
}

function validate(flags: Flags): { readonly config: Config; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const { sandbox } = flags;

  const complain = (line: string): void => void lines.push(line);
  const whole = (flag: string, text: string, least: number, most: number) =>
    wholeNumber(flag, text, least, most, complain);
  function interfaceName(flag: string, name: string): string {
    // Narrower than the kernel is: the name is printed into the ruleset, where * is a wildcard.
    if (!isInterfaceName(name)) lines.push(`${flag} ${name}: not an interface name`);
    return name;
  }
  function nftName(flag: string, name: string): string {
    if (!isNftName(name) || isNftWord(name)) {
      lines.push(
        `${flag} ${name}: not a name for nftables: up to 31 letters, digits, _, . and -, a letter first, and no word of its language`,
      );
    }
    return name;
  }
  function folder(flag: string, path: string | undefined, usual: string): string | null {
    if (path === undefined) return sandbox ? null : usual;
    if (!path.startsWith('/') || path.includes('\0')) lines.push(`${flag} ${path}: not an absolute path`);
    return path.length > 1 ? path.replace(/\/+$/, '') : path;
  }

  const listenInterfaces = flags.listenInterface ?? ['br-lan'];
  for (const name of listenInterfaces) interfaceName('--listen-interface', name);
  if (new Set(listenInterfaces).size < listenInterfaces.length) {
    lines.push(`--listen-interface: ${listenInterfaces.join(', ')}: the same interface twice`);
  }
  if (flags.externalInterface === undefined && !sandbox) {
    lines.push('--external-interface is missing: name the interface with the external address, or try --sandbox');
  }
  const externalInterface = interfaceName('--external-interface', flags.externalInterface ?? 'wan0');
  if (listenInterfaces.includes(externalInterface)) {
    lines.push(
      `--listen-interface and --external-interface are both ${externalInterface}: a LAN cannot be the outside`,
    );
  }
  const pinholeInterface = flags.pinholeInterface ?? externalInterface;
  if (flags.pinholeInterface !== undefined) interfaceName('--pinhole-interface', pinholeInterface);
  if (flags.pinholeInterface !== undefined && listenInterfaces.includes(pinholeInterface)) {
    lines.push(`--listen-interface and --pinhole-interface are both ${pinholeInterface}: a LAN cannot be the outside`);
  }
  const maxLifetime = whole('--max-lifetime', flags.maxLifetime, 1, LONGEST_LIFETIME);
  const defaultLifetime = whole(
    '--default-lifetime',
    flags.defaultLifetime ?? String(Math.min(3600, maxLifetime)),
    1,
    LONGEST_LIFETIME,
  );
  if (defaultLifetime > maxLifetime) {
    lines.push(`--default-lifetime ${defaultLifetime} is longer than --max-lifetime ${maxLifetime}`);
  }
  const maxMappingsPerIp = whole('--max-mappings-per-ip', flags.maxMappingsPerIp, 1, MOST_MAPPINGS);
  // The daemons check the rules themselves; this check comes before anything is changed.
  const policy = parsePolicy(flags, { maxMappings: maxMappingsPerIp, maxLifetime }, complain);
  if (
    lines.length === 0 &&
    withoutPorts(policy.allowedPorts, [...policy.deniedPorts, ...policy.reservedPorts]).length === 0
  )
    lines.push('--allowed-ports: no port is left of these beyond the denied and the reserved ones');
  const config: Config = {
    listenInterfaces,
    listenPort: whole('--listen-port', flags.listenPort ?? (sandbox ? '15351' : '5351'), 1, 65534),
    externalInterface,
    natTable: nftName('--nat-table', flags.natTable),
    natChain: nftName('--nat-chain', flags.natChain),
    maxMappings: whole('--max-mappings', flags.maxMappings, 1, MOST_MAPPINGS),
    maxMappingsPerIp,
    defaultLifetime,
    maxLifetime,
    stateDir: folder('--state-dir', flags.stateDir, '/var/lib/natpmp-server'),
    runDir: folder('--run-dir', flags.runDir, '/run/natpmp'),
    allowedPorts: policy.allowedPorts,
    deniedPorts: policy.deniedPorts,
    reservedPorts: policy.reservedPorts,
    rules: flags.rule ?? [],
    defaultRule: flags.defaultRule,
    requirePublicAddress: flags.requirePublicAddress,
    hairpin: flags.hairpin,
    externalAddress: externalAddress(flags.externalAddress, lines),
    pinholes: flags.pinholes,
    pinholeInterface,
    sandbox,
    metricsListen: metricsListen('--metrics-listen', flags.metricsListen, lines),
    upnp: flags.upnp,
    upnpPort: whole('--upnp-port', flags.upnpPort, 1, 65535),
    upnpMetricsListen: metricsListen('--upnp-metrics-listen', flags.upnpMetricsListen, lines),
    logLevel: flags.logLevel,
    users: users(flags.user, lines),
    jit: flags.jit,
  };
  if (config.upnpMetricsListen !== null && !config.upnp)
    lines.push('--upnp-metrics-listen: UPnP is off: leave this out, or turn upnp on');
  if (config.upnp && isSameAddress(config.metricsListen, config.upnpMetricsListen))
    lines.push('--metrics-listen and --upnp-metrics-listen are the same: give each a port of its own');
  if ((config.runDir?.length ?? 0) > MAX_RUN_DIR_LENGTH)
    lines.push(`--run-dir ${config.runDir}: too long for a socket's path`);
  if (config.runDir !== null && config.runDir === config.stateDir)
    lines.push('--run-dir and --state-dir are the same folder');
  if (!LOG_LEVELS.includes(config.logLevel))
    lines.push(`--log-level ${config.logLevel}: not one of ${LOG_LEVELS.join(', ')}`);
  return { config, lines };
}

function externalAddress(text: string | undefined, lines: string[]): Ipv4 | null {
  if (text === undefined) return null;
  const address = parseIpv4(text);
  const first = (address ?? 0) >>> 24;
  // Not 0/8, loopback, multicast or class E, which cannot be reached from outside.
  if (address !== null && first !== 0 && first !== 127 && first < 224) return address;
  lines.push(`--external-address ${text}: not the IPv4 address of an interface`);
  return null;
}

function isSameAddress(one: MetricsAddress | null, other: MetricsAddress | null): boolean {
  return one !== null && one.address === other?.address && one.port === other.port;
}

/** Only a loopback address: metrics are not for the LAN. */
function metricsListen(flag: string, text: string, lines: string[]): MetricsAddress | null {
  if (text === 'off') return null;
  const [, host = '', digits = ''] = /^([0-9.]+):([0-9]{1,5})$/.exec(text) ?? [];
  const address = parseIpv4(host);
  const port = Number(digits);
  if (address !== null && address >>> 24 === 127 && isPort(port)) return { address, port };
  lines.push(`${flag} ${text}: not a loopback address and a port, such as 127.0.0.1:9551, and not off`);
  return null;
}

function users(text: string | undefined, lines: string[]): Config['users'] {
  if (text === undefined) return { frontend: null, helper: null, upnp: null };
  const [frontend = '', helper = null, upnp = null, ...rest] = text.split(':');
  const isUser = (name: string): boolean => /^([a-z_][a-z0-9_-]*|[0-9]{1,9})$/i.test(name);
  const named = [frontend, helper, upnp].filter((name) => name !== null);
  if (rest.length > 0 || !named.every(isUser)) {
    lines.push(`--user ${text}: not a user, or two or three with colons between`);
  } else if (new Set(named).size < named.length) {
    lines.push(`--user ${text}: the daemons must be different users`);
  } else if (named.some((name) => name === 'root' || Number(name) === 0)) {
    lines.push(`--user ${text}: root is not an unprivileged user`);
  }
  return { frontend, helper, upnp };
}
