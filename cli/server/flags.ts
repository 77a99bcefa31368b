// The command line of natpmp-server: text to a frozen Config, or to a list of complaints. Pure: opens and asks nothing.

import { CommanderError } from 'commander';
import type { Arguments } from '../../config/file.js';
import { withLocation, withConfigFile } from '../../config/file.js';
import { nearestSetting } from '../../config/nearest.js';
import { isInterfaceName } from '../../config/names.js';
import { LOG_LEVELS } from '../../config/settings.js';
import { isNftName, LONGEST_LIFETIME, MOST_MAPPINGS, wholeNumber } from '../../config/values.js';
import type { Ipv4, PortRange } from '../../proto/mapping.js';
import { isPort, parseIpv4 } from '../../proto/mapping.js';
import { parsePolicy } from '../../config/grants.js';
import type { Options } from './options.js';
import { program } from './options.js';

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
  /** Null in the sandbox where none was given: a temporary folder. */
  readonly stateDir: string | null;
  readonly runDir: string | null;
  readonly allowedPorts: readonly PortRange[];
  readonly deniedPorts: readonly PortRange[];
  /** As configured; what is found in use comes to them. */
  readonly reservedPorts: readonly PortRange[];
  /** As typed: the daemons read them for themselves. */
  readonly rules: readonly string[];
  readonly defaultRule: string;
  readonly requirePublicAddress: boolean;
  readonly hairpin: boolean;
  readonly externalAddress: Ipv4 | null;
  readonly sandbox: boolean;
  /** A loopback address; null where no metrics are wanted. */
  readonly metricsListen: MetricsAddress | null;
  readonly logLevel: string;
  /** A name or a number; null where one is to be picked. */
  readonly users: { readonly frontend: string | null; readonly helper: string | null };
  readonly jit: boolean;
}

export interface MetricsAddress {
  readonly address: Ipv4;
  readonly port: number;
}

export type Parsed =
  | { readonly kind: 'config'; readonly config: Config; readonly from: Arguments; readonly check: boolean }
  | { readonly kind: 'complaints'; readonly lines: readonly string[] }
  | { readonly kind: 'help'; readonly text: string };

/** sun_path holds 107 bytes, and "/helper.sock" comes behind it. */
const LONGEST_RUN_DIR = 95;

/**
 * Read the arguments (without node and script), and the file that --config names. Total: nothing throws, nothing is
 * printed.
 */
export function parseFlags(args: readonly string[], readFile: (path: string) => string = noFile): Parsed {
  const from = withConfigFile(args, 'natpmp-server', readFile, nearestSetting);
  // So that --help helps also where the file does not.
  const parsed = parseArguments('args' in from ? from.args : args);
  if (parsed.kind === 'help') return parsed;
  if ('complaints' in from) return { kind: 'complaints', lines: from.complaints };
  if (parsed.kind === 'complaints')
    return { kind: 'complaints', lines: parsed.lines.map((line) => withLocation(line, from)) };
  return { ...parsed, from };
}

/** The same without a file: whatever it says is among the arguments. */
export function parseArguments(
  args: readonly string[],
): Exclude<Parsed, { kind: 'config' }> | Omit<Extract<Parsed, { kind: 'config' }>, 'from'> {
  let help = '';
  const command = program()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        help += text;
      },
      writeErr: () => {},
    });
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'help', text: help };
    return { kind: 'complaints', lines: [error.message.replace(/^error: /, '').replaceAll('\n', ' ')] };
  }
  const options = command.opts<Options>();
  const { config, lines } = judge(options);
  return lines.length > 0
    ? { kind: 'complaints', lines }
    : { kind: 'config', config: Object.freeze(config), check: options.check };
}

function noFile(): never {
  throw new Error('no file is read here');
}

function judge(options: Options): { readonly config: Config; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const { sandbox } = options;

  const complain = (line: string): void => void lines.push(line);
  const whole = (flag: string, text: string, least: number, most: number) =>
    wholeNumber(flag, text, least, most, complain);
  function interfaceName(flag: string, name: string): string {
    if (!isInterfaceName(name)) lines.push(`${flag} ${name}: not an interface name`);
    return name;
  }
  function nftName(flag: string, name: string): string {
    if (!isNftName(name)) {
      lines.push(`${flag} ${name}: not a name for nftables: up to 31 letters, digits, _, . and -, a letter first`);
    }
    return name;
  }
  function folder(flag: string, path: string | undefined, usual: string): string | null {
    if (path === undefined) return sandbox ? null : usual;
    if (!path.startsWith('/') || path.includes('\0')) lines.push(`${flag} ${path}: not an absolute path`);
    return path.length > 1 ? path.replace(/\/+$/, '') : path;
  }

  const listenInterfaces = options.listenInterface ?? ['br-lan'];
  for (const name of listenInterfaces) interfaceName('--listen-interface', name);
  if (new Set(listenInterfaces).size < listenInterfaces.length) {
    lines.push(`--listen-interface: ${listenInterfaces.join(', ')}: the same interface twice`);
  }
  if (options.externalInterface === undefined && !sandbox) {
    lines.push('--external-interface is missing: name the interface with the external address, or try --sandbox');
  }
  const externalInterface = interfaceName('--external-interface', options.externalInterface ?? 'wan0');
  if (listenInterfaces.includes(externalInterface)) {
    lines.push(
      `--listen-interface and --external-interface are both ${externalInterface}: a LAN can not be the outside`,
    );
  }
  const maxLifetime = whole('--max-lifetime', options.maxLifetime, 1, LONGEST_LIFETIME);
  const defaultLifetime = whole(
    '--default-lifetime',
    options.defaultLifetime ?? String(Math.min(3600, maxLifetime)),
    1,
    LONGEST_LIFETIME,
  );
  if (defaultLifetime > maxLifetime) {
    lines.push(`--default-lifetime ${defaultLifetime} is longer than --max-lifetime ${maxLifetime}`);
  }
  const maxMappingsPerIp = whole('--max-mappings-per-ip', options.maxMappingsPerIp, 1, MOST_MAPPINGS);
  // The daemons judge the rules for themselves; here it is found out before anything is changed.
  const policy = parsePolicy(options, { maxMappings: maxMappingsPerIp, maxLifetime }, complain);
  const config: Config = {
    listenInterfaces,
    listenPort: whole('--listen-port', options.listenPort ?? (sandbox ? '15351' : '5351'), 1, 65534),
    externalInterface,
    natTable: nftName('--nat-table', options.natTable),
    natChain: nftName('--nat-chain', options.natChain),
    maxMappings: whole('--max-mappings', options.maxMappings, 1, MOST_MAPPINGS),
    maxMappingsPerIp,
    defaultLifetime,
    maxLifetime,
    stateDir: folder('--state-dir', options.stateDir, '/var/lib/natpmp-server'),
    runDir: folder('--run-dir', options.runDir, '/run/natpmp'),
    allowedPorts: policy.allowedPorts,
    deniedPorts: policy.deniedPorts,
    reservedPorts: policy.reservedPorts,
    rules: options.rule ?? [],
    defaultRule: options.defaultRule,
    requirePublicAddress: options.requirePublicAddress,
    hairpin: options.hairpin,
    externalAddress: externalAddress(options.externalAddress, lines),
    sandbox,
    metricsListen: metricsListen(options.metricsListen, lines),
    logLevel: options.logLevel,
    users: users(options.user, lines),
    jit: options.jit,
  };
  if ((config.runDir?.length ?? 0) > LONGEST_RUN_DIR)
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
  // Not 0/8, loopback, multicast or class E: nobody outside can reach these.
  if (address !== null && first !== 0 && first !== 127 && first < 224) return address;
  lines.push(`--external-address ${text}: not the IPv4 address of an interface`);
  return null;
}

/** The LAN has no business here, so that no other address can be given at all. */
function metricsListen(text: string, lines: string[]): MetricsAddress | null {
  if (text === 'off') return null;
  const [, host = '', digits = ''] = /^([0-9.]+):([0-9]{1,5})$/.exec(text) ?? [];
  const address = parseIpv4(host);
  const port = Number(digits);
  if (address !== null && address >>> 24 === 127 && isPort(port)) return { address, port };
  lines.push(`--metrics-listen ${text}: not a loopback address and a port, such as 127.0.0.1:9551, and not off`);
  return null;
}

function users(text: string | undefined, lines: string[]): Config['users'] {
  if (text === undefined) return { frontend: null, helper: null };
  const [frontend = '', helper = null, ...rest] = text.split(':');
  const isUser = (name: string): boolean => /^([a-z_][a-z0-9_-]*|[0-9]{1,9})$/i.test(name);
  if (rest.length > 0 || !isUser(frontend) || (helper !== null && !isUser(helper))) {
    lines.push(`--user ${text}: not a user, or two with a colon between`);
  } else if (frontend === helper) {
    lines.push(`--user ${text}: frontend and helper must be two different users`);
  } else if ([frontend, helper].some((name) => name === 'root' || Number(name ?? 1) === 0)) {
    lines.push(`--user ${text}: root is not an unprivileged user`);
  }
  return { frontend, helper };
}
