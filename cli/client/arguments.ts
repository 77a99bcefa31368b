// The target of natpmp-client on its command line. Pure.

import { parseNumber } from '../host/parse.js';

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

/**
 * Take HOST out of the arguments: the first one that is no option. It stands before the command, so the rest is the
 * command with its arguments. `host` is undefined if there is none.
 */
export function takeHost(args: readonly string[]): { host: string | undefined; rest: string[] } {
  const at = args.findIndex((arg) => !arg.startsWith('-'));
  return at === -1 ? { host: undefined, rest: [...args] } : { host: args[at], rest: args.toSpliced(at, 1) };
}
