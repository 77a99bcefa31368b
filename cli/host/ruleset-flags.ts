// The flags of `natpmp-server ruleset` and of install-ruleset: text to the ruleset's configuration, or to complaints.

import { ALLOWED_PORTS } from '../../config/grants.js';
import { lansFrom } from '../../config/lans.js';
import { Command, CommanderError } from 'commander';
import type { ArgumentsOrErrors } from '../../config/types.js';
import { withSuggestions } from '../../config/nearest.js';
import { isInterfaceName } from '../../config/names.js';
import type { Validated } from '../../config/types.js';
import { validate as validateArguments } from '../../config/validate.js';
import { isNftName, wholeNumber } from '../../config/values.js';
import { parseIpv4, parsePortRanges, withoutPorts } from '../../proto/mapping.js';
import { EXIT, Failure } from './failure.js';
import { isNftWord } from './nft-words.js';
import type { RulesetConfig } from './ruleset-text.js';

interface Options {
  readonly externalInterface?: string;
  readonly externalAddress?: string;
  readonly allowedPorts?: readonly string[];
  readonly listenInterface?: readonly string[];
  readonly listenPort: string;
  readonly lan?: readonly string[];
  readonly natTable: string;
  readonly natChain: string;
  readonly hairpin: boolean;
  readonly pinholes: boolean;
  readonly pinholeInterface?: string;
  readonly upnp: boolean;
}

export function rulesetCommand(): Command {
  return new Command('natpmp-server ruleset')
    .description('Prints the static nftables ruleset, as a script for `nft -f -`.')
    .option('--config <file>', 'more of these flags, as lines "name = value"; flags given here count more')
    .option('--external-interface <name>', 'interface that faces the internet')
    .option(
      '--external-address <address>',
      'the address that clients are told; mappings are reached through it alone if it is one of this router',
    )
    .option(
      '--allowed-ports <ports...>',
      `external ports that may be mapped, among which a host gets another one whose source port is mapped (default: ${ALLOWED_PORTS})`,
    )
    .option('--listen-interface <name...>', 'interface of the LAN')
    .option('--listen-port <port>', 'UDP port for requests on the LAN', '5351')
    .option('--lan <address/length...>', 'not needed any more: the routes tell which hosts are behind an interface')
    .option('--nat-table <name>', 'nftables table of family inet that holds the ruleset; it may hold more', 'nat')
    .option('--nat-chain <name>', 'name of the prerouting chain; all else is named after it', 'NATPMP')
    .option('--no-hairpin', 'LAN hosts do not reach mappings through the external address')
    .option('--pinholes', 'sets and rules for IPv6 pinholes, too', false)
    .option(
      '--pinhole-interface <name>',
      'interface that IPv6 connections from outside arrive on (default: --external-interface)',
    )
    .option('--upnp', 'keep the sockets of natpmp-upnp to the LAN interfaces', false);
}

export type ParsedRuleset = Validated<RulesetConfig> | { readonly help: string };

/** Read the arguments, and the file that --config names. Total: nothing throws, nothing is printed. */
export function parseRulesetFlags(args: readonly string[], readFile: (path: string) => string): ParsedRuleset {
  let help = '';
  const command = rulesetCommand()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        help += text;
      },
      writeErr: () => {},
    });
  const from = withSuggestions(args, 'natpmp-ruleset', readFile);
  try {
    command.parse('args' in from ? from.args : args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { help };
    return { complaints: [error.message.replace(/^error: /, '').replaceAll('\n', ' ')] };
  }
  return validate(command.opts<Options>(), from);
}

/** The value of --nat-chain among flags of which no other is needed, or its default. A Failure if a flag is wrong. */
export function chainFrom(flags: readonly string[], readFile: (path: string) => string): string {
  const enough = ['--external-interface', 'none', '--listen-interface', 'any'];
  const parsed = parseRulesetFlags([...flags, ...enough], readFile);
  if ('ok' in parsed) return parsed.ok.chain;
  throw new Failure(
    EXIT.usage,
    'help' in parsed ? '--remove takes --nat-chain and --config' : parsed.complaints.join('; '),
  );
}

/** Pure: --external-address among the flags of the frontends (NATPMP_FRONTEND of gateway.env), as arguments; or none. */
export function externalAddressIn(frontendFlags: string): readonly string[] {
  return /(?:^|\s)(--external-address)[= ]\s*(\S+)/.exec(frontendFlags)?.slice(1) ?? [];
}

function validate(options: Options, from: ArgumentsOrErrors): Validated<RulesetConfig> {
  return validateArguments(from, () => {
    const complaints: string[] = [];
    const complain = (complaint: string): void => void complaints.push(complaint);
    const { externalInterface = '', listenInterface: listenInterfaces = [], natTable, natChain, hairpin } = options;
    const { pinholes, pinholeInterface = externalInterface } = options;
    lansFrom(options.lan ?? [], complain);
    const externalAddress = options.externalAddress === undefined ? null : parseIpv4(options.externalAddress);
    if (options.externalAddress !== undefined && externalAddress === null)
      complain(`--external-address ${options.externalAddress}: not an IPv4 address`);
    const allowedPorts = (options.allowedPorts ?? [ALLOWED_PORTS]).flatMap((text) => {
      const parsed = parsePortRanges(text);
      if (parsed === null) complain(`--allowed-ports ${text}: not ports from 1 to 65535`);
      return parsed ?? [];
    });
    if (options.externalInterface === undefined)
      complain('--external-interface is required: the interface that faces the internet');
    else if (!isInterfaceName(externalInterface))
      complain(`--external-interface ${externalInterface}: not the name of an interface`);
    if (options.pinholeInterface !== undefined && !isInterfaceName(pinholeInterface))
      complain(`--pinhole-interface ${pinholeInterface}: not the name of an interface`);
    if (listenInterfaces.length === 0) complain('--listen-interface is required: the interface of the LAN');
    for (const name of listenInterfaces.filter((one) => !isInterfaceName(one)))
      complain(`--listen-interface ${name}: not the name of an interface`);
    for (const [flag, outside] of [
      ['--external-interface', externalInterface],
      ['--pinhole-interface', options.pinholeInterface],
    ] as const)
      if (outside !== undefined && listenInterfaces.includes(outside))
        complain(`--listen-interface and ${flag} are both ${outside}: a LAN cannot be the outside`);
    if (new Set(listenInterfaces).size < listenInterfaces.length)
      complain(`--listen-interface: ${listenInterfaces.join(', ')}: the same interface twice`);
    if (!isNftName(natTable) || isNftWord(natTable))
      complain(
        `--nat-table ${natTable}: not a name nftables takes: up to 31 letters, digits, _, . and -, a letter first, and no word of its language`,
      );
    if (!isNftName(natChain) || isNftWord(natChain))
      complain(
        `--nat-chain ${natChain}: not a name nftables takes: up to 31 letters, digits, _, . and -, a letter first, and no word of its language`,
      );
    const listenPort = wholeNumber('--listen-port', options.listenPort, 1, 0xfffe, complain);
    if (complaints.length > 0) return { complaints };
    return {
      ok: {
        table: natTable,
        chain: natChain,
        externalInterface,
        listenInterfaces,
        listenPort,
        externalAddress,
        isAddressHere: true,
        allowedPorts: withoutPorts(allowedPorts, []),
        hairpin,
        looksIntoMaps: true,
        pinholes: pinholes ? { externalInterface: pinholeInterface } : null,
        upnp: options.upnp,
      },
    };
  });
}
