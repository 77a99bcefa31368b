// The target of natpmp-client on its command line. Pure.

import { isIPv6 } from 'node:net';
import { parseNumber, parseScoped } from '../host/parse.js';

export interface Target {
  /** A name or an IPv4 address; or an IPv6 address, link-local ones with their interface: "fe80::1%eth0". */
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 5351;

/** Whether it is an IPv6 address, with or without an interface. */
export function isIpv6Host(host: string): boolean {
  return isIPv6(host) || parseScoped(host) !== null;
}

/** Parse HOST or HOST:PORT. An IPv6 address with a port is in brackets: "[fe80::1%eth0]:5351" (RFC 3986 §3.2.2). */
export function parseTarget(text: string): Target | null {
  if (isIpv6Host(text)) return { host: text, port: DEFAULT_PORT };
  const [, bracketed, name, port] = /^(?:\[(.+)\]|([^:[\]]+))(?::(.*))?$/.exec(text) ?? [];
  if (bracketed !== undefined && !isIpv6Host(bracketed)) return null;
  const host = bracketed ?? name;
  if (host === undefined) return null;
  if (port === undefined) return { host, port: DEFAULT_PORT };
  const number = parseNumber(port, 1, 0xffff);
  return number === null ? null : { host, port: number };
}

/**
 * Take HOST out of the arguments: the first one that is no option. It stands before the command, so the rest is the
 * command with its arguments. `host` is undefined if there is none.
 */
export function takeHost(args: readonly string[]): { host: string | undefined; rest: string[] } {
  const at = args.findIndex((arg) => !arg.startsWith('-'));
  return at === -1 ? { host: undefined, rest: [...args] } : { host: args[at], rest: args.toSpliced(at, 1) };
}
