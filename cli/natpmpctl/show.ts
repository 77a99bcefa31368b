// natpmpctl show: the details of a host's mappings and pinholes, or of a port.

import type { Command } from 'commander';
import { EXIT, Failure } from '../host/failure.js';
import { parsePortFilter } from './arguments.js';
import { readClocks } from './clocks.js';
import type { Options } from './command.js';
import { command } from './command.js';
import { chooseSocket, withHelper } from './connect.js';
import { readDescriptions } from './descriptions.js';
import { formatMapping } from './list-format.js';
import type { Filter } from './mapping.js';
import { listedMapping } from './mapping.js';
import type { NameOptions } from './name-options.js';
import { readNames, resolveHost, withNames } from './name-options.js';
import { print, printJson } from './output.js';

export function showCommand(): Command {
  return withNames(command('show', "a host's mappings and pinholes, or those of a port, with all details"))
    .argument('<host|port>', 'an address, a hardware address or a name; or an external port: 8080, or tcp/8080')
    .action(show);
}

async function show(wanted: string, options: Options & NameOptions): Promise<void> {
  const names = readNames(options);
  const port = parsePortFilter(wanted);
  const filter: Filter =
    port === null
      ? { host: resolveHost(wanted, names), protocol: null, port: null, origin: null }
      : { host: null, protocol: port.protocol, port: port.port, origin: null };
  const socket = chooseSocket(options);
  const all = await withHelper(socket, (helper) => helper.listAll(filter));
  const descriptions = await readDescriptions(socket);
  const now = readClocks();
  const mappings = all.map((each) => listedMapping(each, now, names, descriptions));
  if (options.json === true) printJson(mappings);
  else if (mappings.length > 0) print(mappings.map(formatMapping).join('\n\n'));
  if (mappings.length === 0)
    throw new Failure(EXIT.failed, `no mapping of ${port === null ? `host ${wanted}` : `external port ${wanted}`}`);
}
