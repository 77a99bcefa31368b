// The flags of natpmp-upnp and its --help. config.ts parses their values.

import { callerCommand, flagsOrExit } from '../caller/flags.js';
import type { Validated } from '../config/validate.js';
import type { Config, Flags } from './config.js';
import { parseConfig } from './config.js';

const WORDS = {
  description:
    'The UPnP part of natpmp-server: is an Internet gateway device (UPnP IGD version 1) for the LAN, and asks ' +
    'natpmp-helper for the mappings. It has no privilege. Usually started by natpmp-server --upnp or by systemd, which ' +
    'hand it its sockets (LISTEN_FDNAMES): "ssdp" and "upnp" for each LAN interface, "route", and, optionally, ' +
    '"metrics", "status" and "notify".',
  sockets: 'its "ssdp" and "upnp" sockets',
  requirePublicAddress: 'refuse mappings (501) while the external address is not a public one',
};

/** Parse the arguments. Exits on --help and on unknown flags. */
export function readConfig(args: readonly string[]): Validated<Config & { readonly check: boolean }> {
  const program = callerCommand('natpmp-upnp', WORDS, (command) =>
    command
      .option(
        '--upnp-port <port>',
        'TCP port of its "upnp" sockets, which has to be this one (default: whichever they have)',
      )
      .option(
        '--device-id <text>',
        'what the UUIDs of the device are derived from (default: the content of /etc/machine-id)',
      ),
  );
  const flags = flagsOrExit<Flags>(program, args);
  const config = parseConfig(flags);
  return 'ok' in config ? { ok: { ...config.ok, check: flags.check === true } } : config;
}
