// What all commands of natpmpctl have in common: their flags, their connection, and how they print.

import { accessSync, constants, readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { bootClock } from '../../proto/clock.js';
import type { Ipv4, Protocol } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';
import { parseNumber, parseProtocol } from '../client/arguments.js';
import { EXIT, Failure, messageOf } from '../host/failure.js';
import type { Helper } from './helper.js';
import { openHelper } from './helper.js';
import type { Moment } from './mapping.js';
import type { Names } from './names.js';
import { mergeNames, namesFromHosts, namesFromLeases } from './names.js';

const ADMIN_SOCKET = '/run/natpmp/admin.sock';
const HELPER_SOCKET = '/run/natpmp/helper.sock';

export interface Options {
  readonly json?: boolean;
  readonly socket?: string;
}

/** A command that prints for people, or JSON. */
export function command(name: string, says: string): Command {
  return new Command(name)
    .description(says)
    .option('--json', 'print JSON')
    .option(
      '--socket <path>',
      `the helper's socket (default: ${ADMIN_SOCKET}, or helper.sock beside it for who may not use that)`,
    )
    .allowExcessArguments(false);
}

/** The flags of commands that know hosts by name. */
export interface NameOptions {
  readonly hosts?: readonly string[];
  readonly dhcpLeases?: readonly string[];
}

export function withNames(command_: Command): Command {
  const several = (value: string, before: string[] = []): string[] => [...before, value];
  return command_
    .option('--hosts <file>', 'names of hosts, in the form of /etc/hosts; repeatable', several)
    .option('--dhcp-leases <file>', 'names of hosts, from the leases of dnsmasq or Kea (CSV); repeatable', several);
}

export function readNames({ hosts = [], dhcpLeases = [] }: NameOptions): Names {
  const read = (flag: string, path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new Failure(EXIT.state, `${flag}: ${messageOf(error)}`);
    }
  };
  return mergeNames([
    ...hosts.map((path) => namesFromHosts(read('--hosts', path))),
    ...dhcpLeases.map((path) => namesFromLeases(read('--dhcp-leases', path))),
  ]);
}

/** The administrator's socket where this user may use it, else everybody's. Who changes something needs the first. */
export function chooseSocket({ socket }: { readonly socket?: string }, changes = false): string {
  if (socket !== undefined) return socket;
  if (changes) return ADMIN_SOCKET;
  try {
    accessSync(ADMIN_SOCKET, constants.R_OK | constants.W_OK);
    return ADMIN_SOCKET;
  } catch {
    return HELPER_SOCKET;
  }
}

/** Connect, do the work, and close whatever comes of it. */
export async function withHelper<T>(socketPath: string, work: (helper: Helper) => Promise<T>): Promise<T> {
  const helper = await openHelper(socketPath);
  try {
    return await work(helper);
  } finally {
    helper.close();
  }
}

const boot = bootClock();

export function moment(): Moment {
  return { boot: boot(), wall: Date.now() };
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Whether colours are wanted: on a terminal that has them, unless NO_COLOR says otherwise (no-color.org). */
export function inColour(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
}

/** Columns to print in: those of the terminal, of COLUMNS, or 80. */
export function width(): number {
  const told = Number(process.env['COLUMNS']);
  return process.stdout.isTTY && process.stdout.columns > 0
    ? process.stdout.columns
    : told >= 20
      ? Math.floor(told)
      : 80;
}

// Arguments, as commander takes them.

export function parseAddress(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === null) throw new InvalidArgumentError('An IPv4 address is needed, such as 192.168.1.50.');
  return address;
}

export function protocolArgument(text: string): Protocol {
  const protocol = parseProtocol(text);
  if (protocol === null) throw new InvalidArgumentError('tcp or udp is needed.');
  return protocol;
}

export function portArgument(text: string): number {
  const port = parseNumber(text, 1, 65535);
  if (port === null) throw new InvalidArgumentError('A port from 1 to 65535 is needed.');
  return port;
}

/** "tcp/8080", or "8080" for both protocols. */
export interface WantedPort {
  readonly protocol: Protocol | null;
  readonly port: number;
}

export function wantedPort(text: string): WantedPort | null {
  const [first = '', second, ...rest] = text.split('/');
  const protocol = second === undefined ? null : parseProtocol(first);
  const port = parseNumber(second ?? first, 1, 65535);
  return rest.length > 0 || port === null || (second !== undefined && protocol === null) ? null : { protocol, port };
}

/** HOST as an address, or as one of the names. */
export function findHost(text: string, names: Names): Ipv4 | null {
  const address = parseIpv4(text);
  if (address !== null) return address;
  return [...names].find(([, name]) => name.toLowerCase() === text.toLowerCase())?.[0] ?? null;
}

export function hostOption(text: string, names: Names): Ipv4 {
  const address = findHost(text, names);
  if (address !== null) return address;
  throw new Failure(
    EXIT.flags,
    `host ${text}: neither an IPv4 address nor a name that --hosts or --dhcp-leases tell of`,
  );
}
