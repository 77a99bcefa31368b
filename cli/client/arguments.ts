// Words of the command line to values; null for what is none. Pure.

import type { Protocol } from '../../proto/mapping.js';

export interface Target {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 5351;

/** Parse HOST or HOST:PORT. */
export function parseTarget(text: string): Target | null {
  const [host, port, ...rest] = text.split(':');
  if (host === undefined || host === '' || rest.length > 0) return null;
  if (port === undefined) return { host, port: DEFAULT_PORT };
  const number = parseNumber(port, 1, 0xffff);
  return number === null ? null : { host, port: number };
}

/** Parse a decimal number from `from` to `to`. */
export function parseNumber(text: string, from: number, to: number): number | null {
  if (!/^[0-9]{1,10}$/.test(text)) return null;
  const number = Number(text);
  return number >= from && number <= to ? number : null;
}

export function parseProtocol(text: string): Protocol | null {
  const word = text.toLowerCase();
  return word === 'tcp' || word === 'udp' ? word : null;
}

/**
 * Take HOST out of the arguments: it is the first that is no option and comes before the command, so that the rest is
 * the command with its arguments. `host` is undefined where there is none.
 */
export function takeHost(args: readonly string[]): { host: string | undefined; rest: string[] } {
  const at = args.findIndex((arg) => !arg.startsWith('-'));
  return at === -1 ? { host: undefined, rest: [...args] } : { host: args[at], rest: args.toSpliced(at, 1) };
}
