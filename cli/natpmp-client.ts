#!/usr/bin/env node
// A client for any NAT-PMP gateway (RFC 6886): ask for the external address, make, hold and remove mappings, watch.

import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { ClientRequest } from './client/packets.js';
import type { MapRequest } from '../frontend/wire.js';
import { parseIpv4, type Protocol } from '../proto/mapping.js';
import { parseNumber, parseProtocol, parseTarget, takeHost, type Target } from './client/arguments.js';
import { describe, noAnswer, STATUS, type Output } from './client/format.js';
import { ask, findGateway, type Gateway } from './client/exchange.js';
import { keep } from './client/keep.js';
import { ATTEMPTS_MS } from './client/timing.js';
import { watch } from './client/watch.js';

const MAX_SECONDS = 0xffffffff;

const EXIT_STATUSES = `
Exit status: 0 success; 10 + n when the gateway answers with result code n (12
not authorized, 13 network failure, 14 out of resources, ...); 1 when there is
no answer; 2 for wrong arguments.`;

/** What one command needs to do its work: everything but its own arguments. */
interface Work {
  readonly gateway: Gateway;
  readonly say: (said: Output) => void;
  readonly signal: AbortSignal;
}

async function main(args: readonly string[]): Promise<number> {
  const { host, rest } = takeHost(args);
  const target = host === undefined ? null : parseTarget(host);
  let status: number = STATUS.SUCCESS;
  const program = commands(async (json, work) => {
    if (target === null) program.error(`error: HOST[:PORT] "${host}" is no host with a port from 1 to 65535`);
    else status = await run(target, json, work);
  });
  if (program.commands.some((command) => command.name() === host)) {
    process.stderr.write(`error: HOST comes first: natpmp-client HOST[:PORT] ${host} ...\n`);
    return STATUS.USAGE;
  }
  try {
    await program.parseAsync(rest, { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? STATUS.SUCCESS : STATUS.USAGE; // commander has said what is wrong
  }
}

type Run = (json: boolean, work: (with_: Work) => Promise<number>) => Promise<void>;

function commands(run: Run): Command {
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
      .argument('<internal>', 'port of this machine', port(1))
      .argument('<external>', 'port to suggest to the gateway; 0 for any', port(0))
      .argument('<proto>', 'tcp or udp', protocol)
      .argument('<lifetime>', 'seconds', seconds);

  command('info', 'print the external address and the age of the epoch').action((options: { json: boolean }) =>
    run(options.json, (work) => once(work, { kind: 'external-address' })),
  );

  mapping('map', 'make or renew a mapping').action(
    (internal: number, external: number, proto: Protocol, lifetime: number, options: { json: boolean }) =>
      run(options.json, (work) => once(work, mapRequest(internal, external, proto, lifetime))),
  );

  mapping('keep', 'make a mapping, hold it until a signal (Ctrl-C), then remove it').action(
    (internal: number, external: number, proto: Protocol, lifetime: number, options: { json: boolean }) =>
      run(options.json, ({ gateway, say, signal }) =>
        keep(gateway, mapRequest(internal, external, proto, lifetime), say, signal),
      ),
  );

  const unmap = command('unmap', 'remove a mapping of this machine')
    .argument('<internal>', 'port of this machine; 0 with --all', port(0))
    .argument('<proto>', 'tcp or udp', protocol)
    .option('--all', 'remove all mappings of the protocol: unmap 0 tcp --all', false)
    .action((internal: number, proto: Protocol, options: { json: boolean; all: boolean }) => {
      // Port 0 removes everything (§3.4): too easily typed by mistake to go without a word.
      if (options.all !== (internal === 0)) unmap.error('error: port 0 and --all go together: unmap 0 tcp --all');
      return run(options.json, (work) => once(work, mapRequest(internal, 0, proto, 0)));
    });

  command('watch', 'print what the gateway announces')
    .option('--interface <address>', "this machine's address in the gateway's LAN", address)
    .option('--count <n>', 'stop after so many announcements', (text: string) => whole(text, 1, MAX_SECONDS))
    .action((options: { json: boolean; interface?: string; count?: number }) =>
      run(options.json, ({ gateway, say, signal }) =>
        watch(gateway, { interface: options.interface ?? null, count: options.count ?? Infinity }, say, signal),
      ),
    );
  return program;
}

async function run(target: Target, json: boolean, work: (with_: Work) => Promise<number>): Promise<number> {
  const say = ({ report, line, status }: Output) => {
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else if (status === STATUS.SUCCESS) process.stdout.write(`${line}\n`);
    else process.stderr.write(`natpmp-client: ${line}\n`);
  };
  const gateway = await findGateway(target);
  if (gateway === null) {
    say(noAnswer(target.host, 'no-host', 'no such host, or it has no IPv4 address'));
    return STATUS.NO_ANSWER;
  }
  const end = new AbortController();
  // The second signal ends it at once.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => end.abort());
  return work({ gateway, say, signal: end.signal });
}

async function once({ gateway, say, signal }: Work, request: ClientRequest): Promise<number> {
  const answer = await ask(gateway, request, ATTEMPTS_MS, signal);
  const said = describe(gateway, answer, request.kind === 'map' && request.lifetime === 0);
  say(said);
  return said.status;
}

function mapRequest(
  internalPort: number,
  suggestedExternalPort: number,
  proto: Protocol,
  lifetime: number,
): MapRequest {
  return { kind: 'map', protocol: proto, internalPort, suggestedExternalPort, lifetime };
}

function whole(text: string, from: number, to: number): number {
  const number = parseNumber(text, from, to);
  if (number === null) throw new InvalidArgumentError(`A whole number from ${from} to ${to} is needed.`);
  return number;
}

function port(from: number): (text: string) => number {
  return (text) => whole(text, from, 0xffff);
}

function seconds(text: string): number {
  return whole(text, 1, MAX_SECONDS);
}

function protocol(text: string): Protocol {
  const known = parseProtocol(text);
  if (known === null) throw new InvalidArgumentError('tcp or udp is needed.');
  return known;
}

function address(text: string): string {
  if (parseIpv4(text) === null) throw new InvalidArgumentError('An IPv4 address is needed.');
  return text;
}

// Who reads us may have read enough: natpmp-client HOST watch | head.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await main(process.argv.slice(2));
