// The flags that the unprivileged daemons have in common, and their words in --help. config.ts parses the values.

import { Command, CommanderError } from 'commander';
import { DANGEROUS_PORTS } from '../config/rules.js';
import { LOG_LEVELS } from '../config/settings.js';
import { EXIT } from '../process/exit.js';
import { DEFAULTS } from './config.js';

/** Collects the values of a flag that may be repeated. */
export function list(value: string, before: string[] = []): string[] {
  before.push(value); // not a copy for each of thousands of rules
  return before;
}

/** What a daemon says of itself in its --help. */
export interface Words {
  readonly description: string;
  /** What sockets each LAN interface has: "its "natpmp" socket". */
  readonly sockets: string;
  /** What --require-public-address does. */
  readonly requirePublicAddress: string;
}

/** The command line of a daemon; `own` adds the flags that it alone has. */
export function callerCommand(name: string, words: Words, own: (program: Command) => Command): Command {
  const first = new Command(name)
    .description(words.description)
    .option(
      '--config <file>',
      'more of these flags, as lines "name = value"; repeatable; read again on SIGHUP; flags given here count more',
    )
    .option('--external-interface <name>', 'interface towards the Internet; its address is the external address')
    .option('--listen-interface <name>', `interface of a LAN, as that of ${words.sockets}; repeatable`, list)
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
    .option('--max-mappings-per-ip <count>', `mappings one host may hold (default: ${DEFAULTS.maxMappingsPerIp})`);
  return (
    own(first)
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
      .option('--require-public-address', words.requirePublicAddress)
      .option('--log-level <level>', `one of ${LOG_LEVELS.join(', ')} (default: ${DEFAULTS.logLevel})`)
      .option('--check', 'say whether these flags can be used, and do nothing')
      .allowExcessArguments(false)
      // Nothing that a terminal obeys.
      .configureOutput({
        outputError: (text, write) => write(`${name}: ${text.replace(/^error: /, '').replace(/[^\P{C}\n]/gu, '?')}`),
      })
      .exitOverride()
  );
}

/** The flags as typed. Exits on --help and on unknown flags. */
export function flagsOrExit<T extends object>(
  program: Command,
  args: readonly string[],
): T & { readonly check?: boolean } {
  try {
    return program.parse(args, { from: 'user' }).opts();
  } catch (error) {
    process.exit(error instanceof CommanderError && error.exitCode === 0 ? EXIT.success : EXIT.usage);
  }
}
