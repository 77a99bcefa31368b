// The flags of natpmp-frontend and its --help. config.ts parses their values.

import { Command, CommanderError } from 'commander';
import type { Validated } from '../config/validate.js';
import { DANGEROUS_PORTS } from '../config/rules.js';
import { LOG_LEVELS } from '../config/settings.js';
import { EXIT } from '../process/exit.js';
import type { Config, Flags } from './config.js';
import { DEFAULTS, parseConfig } from './config.js';

/** Parse the arguments. Exits on --help and on unknown flags. */
export function readConfig(args: readonly string[]): Validated<Config & { readonly check: boolean }> {
  const flags = parseFlags(args);
  const config = parseConfig(flags);
  return 'ok' in config ? { ok: { ...config.ok, check: flags.check === true } } : config;
}

function parseFlags(args: readonly string[]): Flags & { readonly check?: boolean } {
  const list = (value: string, before: string[] = []): string[] => {
    before.push(value); // not a copy for each of thousands of rules
    return before;
  };
  const program = new Command('natpmp-frontend')
    .description(
      'The unprivileged half of natpmp-server: answers NAT-PMP (RFC 6886) requests from the LAN and asks ' +
        'natpmp-helper for the mappings. Usually started by natpmp-server or by systemd, which hand it its sockets ' +
        '(LISTEN_FDNAMES): "natpmp" for each LAN interface, "route", and, optionally, "metrics" and "notify".',
    )
    .option(
      '--config <file>',
      'more of these flags, as lines "name = value"; repeatable; read again on SIGHUP; flags given here count more',
    )
    .option('--external-interface <name>', 'interface towards the Internet; its address is the external address')
    .option('--listen-interface <name>', 'interface of a LAN, as that of its "natpmp" socket; repeatable', list)
    .option(
      '--lan <address/length>',
      "the router's own address in a LAN: only hosts of these may ask, not all that are routed through the interface; " +
        'repeatable',
      list,
    )
    .option('--helper-socket <path>', `where natpmp-helper listens (default: ${DEFAULTS.helperSocket})`)
    .option(
      '--rule <rule>',
      'what a host may have, such as "allow 192.168.1.50 ports 6881-6999 max-mappings 10", ' +
        '"deny 192.168.1.64/26" or "deny mac 02:00:00:00:00:07"; repeatable, the first that names a host counts',
      list,
    )
    .option('--default-rule <rule>', 'allow or deny: for hosts that no rule names (default: allow)')
    .option('--max-mappings-per-ip <count>', `mappings one host may hold (default: ${DEFAULTS.maxMappingsPerIp})`)
    .option(
      '--default-lifetime <seconds>',
      `lifetime for requests for "forever" (default: ${DEFAULTS.defaultLifetime}, or --max-lifetime if lower)`,
    )
    .option('--max-lifetime <seconds>', `longest lifetime granted (default: ${DEFAULTS.maxLifetime})`)
    .option(
      '--allowed-ports <ports>',
      `external ports to give out; repeatable (default: ${DEFAULTS.allowedPorts})`,
      list,
    )
    .option(
      '--denied-ports <ports>',
      `neither given out nor mapped to, or none; repeatable (default: ${DANGEROUS_PORTS})`,
      list,
    )
    .option('--reserved-ports <ports>', 'external ports that the router needs itself; repeatable', list)
    .option('--external-address <address>', 'report this address instead of the one of --external-interface')
    .option('--require-public-address', 'answer NETWORK_FAILURE while the external address is not a public one')
    .option('--log-level <level>', `one of ${LOG_LEVELS.join(', ')} (default: ${DEFAULTS.logLevel})`)
    .option('--check', 'say whether these flags can be used, and do nothing')
    .allowExcessArguments(false)
    .exitOverride();
  try {
    return program.parse(args, { from: 'user' }).opts();
  } catch (error) {
    process.exit(error instanceof CommanderError && error.exitCode === 0 ? EXIT.success : EXIT.usage);
  }
}
