// natpmpctl revoke: remove mappings and pinholes that hosts have requested.

import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { EXIT, Failure } from '../host/failure.js';
import type { PortFilter } from './arguments.js';
import { parsePortFilter } from './arguments.js';
import { readClocks } from './clocks.js';
import type { Options } from './command.js';
import { command } from './command.js';
import { chooseSocket, withHelper } from './connect.js';
import type { Listed, OriginFilter } from './mapping.js';
import { endpointOf, formatEndpoint, isPinhole, listedMapping, ORIGIN_FILTERS } from './mapping.js';
import type { NameOptions } from './name-options.js';
import { readNames, resolveHost, withNames } from './name-options.js';
import { print, printJson } from './output.js';

interface RevokeOptions extends Options, NameOptions {
  readonly host?: string;
  readonly port?: PortFilter;
  readonly origin?: Exclude<OriginFilter, 'static'>;
  readonly all?: boolean;
  readonly static?: boolean;
  readonly yes?: boolean;
}

export function revokeCommand(): Command {
  return withNames(
    command(
      'revoke',
      'remove mappings and pinholes that hosts have requested, and end their connections (administrators)',
    ),
  )
    .option('--host <host>', 'those of this host: an address, a hardware address, or a name')
    .option('--port <port>', 'those of this port: tcp/8080, or 8080 for both protocols', (text) => {
      const port = parsePortFilter(text);
      if (port === null) throw new InvalidArgumentError('A port is needed, such as tcp/8080 or 8080.');
      return port;
    })
    .addOption(
      new Option('--origin <origin>', 'those requested by one protocol, or by any (dynamic)').choices(
        ORIGIN_FILTERS.filter((origin) => origin !== 'static'),
      ),
    )
    .option('--all', 'all of them')
    .option('--static', 'static ones, too')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nOn a terminal it asks first; elsewhere --yes is required. A host that still needs\nits mapping requests it again: --rule of the server can forbid that. An address is\none of many that a device may have over IPv6: its hardware address, or its name,\nis all of them.',
    )
    .action(revoke);
}

/** Those that the question names; of the others it gives the number. */
const MAX_NAMED_MAPPINGS = 10;

async function revoke(options: RevokeOptions): Promise<void> {
  const names = readNames(options);
  const { host, port, origin, all = false } = options;
  if (all === (host !== undefined || port !== undefined || origin !== undefined)) {
    throw new Failure(
      EXIT.usage,
      'say what to revoke: --host HOST, --port PORT, --origin ORIGIN, or several, or --all',
    );
  }
  if (origin !== undefined && options.static === true)
    throw new Failure(EXIT.usage, '--static and --origin exclude each other: a static one was requested by nobody');
  const mayAsk = process.stdin.isTTY && process.stderr.isTTY;
  if (options.yes !== true && !mayAsk)
    throw new Failure(EXIT.usage, 'there is no terminal to ask on: --yes is required');
  const filter = {
    host: host === undefined ? null : resolveHost(host, names),
    protocol: port?.protocol ?? null,
    port: port?.port ?? null,
    origin: origin ?? null,
  };
  await withHelper(chooseSocket(options, true), async (helper) => {
    const found = await helper.listAll(filter);
    const chosen = options.static === true ? found : found.filter(({ origin }) => origin === 'dynamic');
    const kept = found.length - chosen.length;
    if (chosen.length === 0) {
      throw new Failure(
        EXIT.failed,
        kept === 0
          ? 'no such mapping or pinhole'
          : `no such mapping or pinhole that a host has requested; ${kept} static: --static, or natpmpctl remove`,
      );
    }
    if (options.yes !== true && !(await confirm(chosen))) throw new Failure(EXIT.failed, 'nothing was removed');
    const removed = await helper.remove(chosen);
    if (options.json === true)
      printJson({ removed, kept, mappings: chosen.map((lease) => listedMapping(lease, readClocks(), names)) });
    // What has ended in between cannot be told by kind.
    else
      print(
        `${removed === chosen.length ? count(chosen) : removed} removed${kept === 0 ? '' : `; ${kept} static kept`}`,
      );
  });
}

async function confirm(chosen: readonly Listed[]): Promise<boolean> {
  const lines = chosen
    .slice(0, MAX_NAMED_MAPPINGS)
    .map((each) => `  ${formatEndpoint({ protocol: each.protocol, ...endpointOf(each) })}\n`);
  if (chosen.length > MAX_NAMED_MAPPINGS) lines.push(`  and ${chosen.length - MAX_NAMED_MAPPINGS} more\n`);
  // Not on stdout, which a program may read.
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => {
    terminal.once('close', () => resolve(''));
  });
  const answer = await Promise.race([terminal.question(`${lines.join('')}Remove ${count(chosen)}? [y/N] `), closed]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** "1 mapping", "2 mappings and 1 pinhole". */
function count(chosen: readonly Listed[]): string {
  const pinholes = chosen.filter(isPinhole).length;
  const part = (number: number, noun: string): string[] =>
    number === 0 ? [] : [`${number} ${noun}${number === 1 ? '' : 's'}`];
  return [...part(chosen.length - pinholes, 'mapping'), ...part(pinholes, 'pinhole')].join(' and ');
}
