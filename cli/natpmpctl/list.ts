// natpmpctl list: the mappings and pinholes that the gateway holds.

import type { Command } from 'commander';
import { Option } from 'commander';
import type { Protocol } from '../../proto/mapping.js';
import { portArgument, protocolArgument } from './arguments.js';
import { readClocks } from './clocks.js';
import type { Options } from './command.js';
import { command } from './command.js';
import { chooseSocket, withHelper } from './connect.js';
import { readDescriptions } from './descriptions.js';
import { formatList } from './list-format.js';
import type { OriginFilter, SortKey } from './mapping.js';
import { listedMapping, ORIGIN_FILTERS, passes, SORT_KEYS, sorted } from './mapping.js';
import type { NameOptions } from './name-options.js';
import { readNames, resolveHost, withNames } from './name-options.js';
import { outputWidth, print, printJson, wantsColour } from './output.js';

interface ListOptions extends Options, NameOptions {
  readonly host?: string;
  readonly protocol?: Protocol;
  readonly port?: number;
  readonly origin?: OriginFilter;
  readonly sort: SortKey;
}

/** The flags that select mappings and pinholes. */
export function withFilters(command: Command): Command {
  return command
    .option('--host <host>', 'only those of this host: an address, a hardware address, or a name')
    .option('--protocol <proto>', 'only tcp, or only udp', protocolArgument)
    .option('--port <port>', 'only this external port, or the port of a pinhole', portArgument)
    .addOption(
      new Option(
        '--origin <origin>',
        'only those requested by hosts (dynamic), by one protocol, or only those added by hand (static)',
      ).choices(ORIGIN_FILTERS),
    );
}

export function listCommand(): Command {
  return withNames(withFilters(command('list', 'the mappings and pinholes that the gateway holds')))
    .addOption(new Option('--sort <key>', 'order of the lines').choices(SORT_KEYS).default('port'))
    .action(list);
}

async function list(options: ListOptions): Promise<void> {
  const names = readNames(options);
  const { protocol = null, port = null, origin = null } = options;
  const filter = { host: options.host === undefined ? null : resolveHost(options.host, names), protocol, port, origin };
  const socket = chooseSocket(options);
  const all = await withHelper(socket, (helper) => helper.listAll());
  const descriptions = await readDescriptions(socket);
  const now = readClocks();
  const mappings = all
    .filter((each) => passes(filter, each))
    .map((each) => listedMapping(each, now, names, descriptions));
  if (options.json === true) printJson(sorted(mappings, options.sort));
  else print(formatList(sorted(mappings, options.sort), now.wallMs, outputWidth(), wantsColour()));
}
