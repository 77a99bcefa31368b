#!/usr/bin/env node
// A client for any NAT-PMP gateway (RFC 6886): request the external address, make, hold and remove mappings, watch.

import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { MapRequest } from '../frontend/wire.js';
import type { Protocol } from '../proto/mapping.js';
import { parseIpv4 } from '../proto/mapping.js';
import type { Target } from './client/arguments.js';
import { parseTarget, takeHost } from './client/arguments.js';
import type { Gateway } from './client/exchange.js';
import { ask, findGateway } from './client/exchange.js';
import type { Output, PrintOutput } from './client/format.js';
import { describe, noAnswer } from './client/format.js';
import { keep } from './client/keep.js';
import type { ClientRequest } from './client/packets.js';
import { ATTEMPTS_MS } from './client/timing.js';
import { watch } from './client/watch.js';
import { EXIT } from './host/failure.js';
import { parseNumber, parseProtocol } from './host/parse.js';

const MAX_SECONDS = 0xffffffff;

const EXIT_STATUSES = `
Exit status: 0 success; 10 + n when the gateway answers with result code n (12
not authorized, 13 network failure, 14 out of resources, ...); 1 when there is
no answer; 2 for wrong arguments.`;

/** What a command needs besides its own arguments. */
interface CommandContext {
  readonly gateway: Gateway;
  readonly print: PrintOutput;
  readonly signal: AbortSignal;
}

async function main(args: readonly string[]): Promise<number> {
  const { host, rest } = takeHost(args);
  const target = host === undefined ? null : parseTarget(host);
  let status: number = EXIT.success;
  const program = commands(async (json, work) => {
    if (target === null) program.error(`error: HOST[:PORT] "${host}" is no host with a port from 1 to 65535`);
    else status = await run(target, json, work);
  });
  if (program.commands.some((command) => command.name() === host)) {
    process.stderr.write(`error: HOST comes first: natpmp-client HOST[:PORT] ${host} ...\n`);
    return EXIT.usage;
  }
  try {
    await program.parseAsync(rest, { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.success : EXIT.usage; // commander has printed the error
  }
}

type RunCommand = (json: boolean, work: (context: CommandContext) => Promise<number>) => Promise<void>;

function commands(run: RunCommand): Command {
  const program = new Command('natpmp-client HOST[:PORT]')
    .description(
      'Ask a NAT-PMP gateway (RFC 6886), as in:\n  natpmp-client 192.168.1.1 map 8080 8080 tcp 3600\n' +
        'HOST is a name or an IPv4 address; PORT is 5351 unless given.',
    )
    .addHelpText('after', EXIT_STATUSES)
    .helpCommand(false)
    .exitOverride();
  const command = (name: string, says: string) =>
    program.command(name).description(says).option('--json', 'print JSON, one object on a line', false).exitOverride();
  const mapping = (name: string, says: string) =>
    command(name, says)
      .argument('<internal>', 'port of this machine', portArgument(1))
      .argument('<external>', 'port to suggest to the gateway; 0 for any', portArgument(0))
      .argument('<proto>', 'tcp or udp', protocol)
      .argument('<lifetime>', 'seconds', secondsArgument);

  command('info', 'print the external address and the age of the epoch').action((options: { json: boolean }) =>
    run(options.json, (work) => once(work, { kind: 'external-address' })),
  );

  mapping('map', 'make or renew a mapping').action(
    (internal: number, external: number, proto: Protocol, lifetime: number, options: { json: boolean }) =>
      run(options.json, (work) => once(work, mapRequest(internal, external, proto, lifetime))),
  );

  mapping('keep', 'make a mapping, hold it until a signal (Ctrl-C), then remove it').action(
    (internal: number, external: number, proto: Protocol, lifetime: number, options: { json: boolean }) =>
      run(options.json, ({ gateway, print, signal }) =>
        keep(gateway, mapRequest(internal, external, proto, lifetime), print, signal),
      ),
  );

  const unmap = command('unmap', 'remove a mapping of this machine')
    .argument('<internal>', 'port of this machine; 0 with --all', portArgument(0))
    .argument('<proto>', 'tcp or udp', protocol)
    .option('--all', 'remove all mappings of the protocol: unmap 0 tcp --all', false)
    .action((internal: number, proto: Protocol, options: { json: boolean; all: boolean }) => {
      // Port 0 removes everything (§3.4): typed by mistake too easily to work without --all.
      if (options.all !== (internal === 0)) unmap.error('error: port 0 and --all go together: unmap 0 tcp --all');
      return run(options.json, (work) => once(work, mapRequest(internal, 0, proto, 0)));
    });

  command('watch', 'print what the gateway announces')
    .option('--interface <address>', "this machine's address in the gateway's LAN", addressArgument)
    .option('--count <n>', 'stop after so many announcements', (text: string) =>
      wholeNumberArgument(text, 1, MAX_SECONDS),
    )
    .action((options: { json: boolean; interface?: string; count?: number }) =>
      run(options.json, ({ gateway, print, signal }) =>
        watch(gateway, { interface: options.interface ?? null, count: options.count ?? Infinity }, print, signal),
      ),
    );
  return program;
}

async function run(target: Target, json: boolean, work: (context: CommandContext) => Promise<number>): Promise<number> {
  const print = ({ report, line, status }: Output) => {
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else if (status === EXIT.success) process.stdout.write(`${line}\n`);
    else process.stderr.write(`natpmp-client: ${line}\n`);
  };
  const gateway = await findGateway(target);
  if (gateway === null) {
    print(noAnswer(target.host, 'no-host', 'no such host, or it has no IPv4 address'));
    return EXIT.failed;
  }
  const end = new AbortController();
  // A second signal ends the program at once.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => end.abort());
  return work({ gateway, print, signal: end.signal });
}

async function once({ gateway, print, signal }: CommandContext, request: ClientRequest): Promise<number> {
  const answer = await ask(gateway, request, ATTEMPTS_MS, signal);
  const output = describe(gateway, answer, request.kind === 'map' && request.lifetime === 0);
  print(output);
  return output.status;
}

function mapRequest(
  internalPort: number,
  suggestedExternalPort: number,
  proto: Protocol,
  lifetime: number,
): MapRequest {
  return { kind: 'map', protocol: proto, internalPort, suggestedExternalPort, lifetime };
}

function wholeNumberArgument(text: string, from: number, to: number): number {
  const number = parseNumber(text, from, to);
  if (number === null) throw new InvalidArgumentError(`A whole number from ${from} to ${to} is needed.`);
  return number;
}

function portArgument(from: number): (text: string) => number {
  return (text) => wholeNumberArgument(text, from, 0xffff);
}

function secondsArgument(text: string): number {
  return wholeNumberArgument(text, 1, MAX_SECONDS);
}

function protocol(text: string): Protocol {
  const known = parseProtocol(text);
  if (known === null) throw new InvalidArgumentError('tcp or udp is needed.');
  return known;
}

function addressArgument(text: string): string {
  if (parseIpv4(text) === null) throw new InvalidArgumentError('An IPv4 address is needed.');
  return text;
}

// Who reads us may have read enough: natpmp-client HOST watch | head.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await main(process.argv.slice(2));
