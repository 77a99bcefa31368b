// The flags of natpmp-frontend and its --help. config.ts parses their values.

import { callerCommand, flagsOrExit } from '../caller/flags.js';
import type { Validated } from '../config/validate.js';
import type { Config, Flags } from './config.js';
import { DEFAULTS, parseConfig } from './config.js';

const WORDS = {
  description:
    'The unprivileged half of natpmp-server: answers NAT-PMP (RFC 6886) requests from the LAN and asks ' +
    'natpmp-helper for the mappings. Usually started by natpmp-server or by systemd, which hand it its sockets ' +
    '(LISTEN_FDNAMES): "natpmp" for each LAN interface, "route", and, optionally, "metrics" and "notify".',
  sockets: 'its "natpmp" socket',
  requirePublicAddress: 'answer NETWORK_FAILURE while the external address is not a public one',
};

/** Parse the arguments. Exits on --help and on unknown flags. */
export function readConfig(args: readonly string[]): Validated<Config & { readonly check: boolean }> {
  const program = callerCommand('natpmp-frontend', WORDS, (command) =>
    command.option(
      '--default-lifetime <seconds>',
      `lifetime for requests for "forever" (default: ${DEFAULTS.defaultLifetime}, or --max-lifetime if lower)`,
    ),
  );
  const flags = flagsOrExit<Flags>(program, args);
  const config = parseConfig(flags);
  return 'ok' in config ? { ok: { ...config.ok, check: flags.check === true } } : config;
}
