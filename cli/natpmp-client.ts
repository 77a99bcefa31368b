#!/usr/bin/env node
// A client for any NAT-PMP gateway (RFC 6886): request the external address, make, hold and remove mappings, watch. At an
// IPv6 address the same by PCP (RFC 6887): pinholes.

import { randomBytes } from 'node:crypto';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { MapRequest } from '../frontend/wire.js';
import type { Protocol } from '../proto/mapping.js';
import { parseIpv6 } from '../proto/ipv6.js';
import { parseIpv4 } from '../proto/mapping.js';
import { version } from '../process/version.js';
import type { Target } from './client/arguments.js';
import { isIpv6Host, parseTarget, takeHost } from './client/arguments.js';
import type { Gateway } from './client/exchange.js';
import { ask, findGateway, sayingThatItWaits } from './client/exchange.js';
import type { Output, PrintOutput } from './client/format.js';
import { describe, noAnswer } from './client/format.js';
import { keep, wantedMapping } from './client/keep.js';
import type { ClientRequest } from './client/packets.js';
import type { PcpGateway, PinholeWish } from './client/pinhole.js';
import { askOnce, findPcpGateway, wantedPinhole, watchPcp } from './client/pinhole.js';
import { ATTEMPTS_MS } from './client/timing.js';
import { watch } from './client/watch.js';
import { PRINTABLE_ERRORS, printable } from './host/printable.js';
import { EXIT } from './host/failure.js';
import { parseNumber, parseProtocol, parseScoped } from './host/parse.js';

const MAX_SECONDS = 0xffffffff;

const NONCE_BYTES = 12;

const AFTER_HELP = `
Over IPv6 there are no mappings: map opens a port of this machine in the
gateway's firewall, a pinhole (PCP, RFC 6887). The nonce that it prints is
needed to renew or remove it. A link-local address needs its interface:
  natpmp-client fe80::1%eth0 map 8080 0 tcp 3600

Exit status: 0 success; 10 + n when the gateway answers with result code n (12
not authorized, 13 network failure, 14 out of resources, ...; over IPv6 those
of PCP); 1 when there is no answer; 2 for wrong arguments.`;

/** What a command needs besides its own arguments. */
interface CommandContext<G = Gateway> {
  readonly gateway: G;
  readonly print: PrintOutput;
  readonly signal: AbortSignal;
}

/** The options of every command. */
interface Options {
  readonly json: boolean;
  readonly from?: string;
}

interface MappingOptions extends Options {
  readonly nonce?: string;
}

/** A command over IPv4, and over IPv6; with their exit status. */
interface Work {
  natpmp(context: CommandContext): Promise<number>;
  pcp(context: CommandContext<PcpGateway>): Promise<number>;
}

async function main(args: readonly string[]): Promise<number> {
  const { host, rest } = takeHost(args);
  const target = host === undefined ? null : parseTarget(host);
  let status: number = EXIT.success;
  const program = commands(target !== null && isIpv6Host(target.host), async (options, work) => {
    if (target === null) program.error(`error: HOST[:PORT] "${host}" is no host with a port from 1 to 65535`);
    else status = await run(target, options, work);
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

type RunCommand = (options: Options, work: Work) => Promise<void>;

/** `isPcp`: HOST is an IPv6 address. */
function commands(isPcp: boolean, run: RunCommand): Command {
  const program = new Command('natpmp-client HOST[:PORT]')
    .configureOutput(PRINTABLE_ERRORS)
    .description(
      'Ask a NAT-PMP gateway (RFC 6886), as in:\n  natpmp-client 192.168.1.1 map 8080 8080 tcp 3600\n' +
        'HOST is a name or an address, IPv6 with a port as [HOST]:PORT; PORT is 5351 unless given.',
    )
    .version(version(), '--version', 'print the version')
    .addHelpText('after', AFTER_HELP)
    .helpCommand(false)
    .exitOverride();
  const command = (name: string, says: string) =>
    program
      .command(name)
      .description(says)
      .option('--json', 'print JSON, one object on a line', false)
      .option(
        '--from <address>',
        'IPv6: the address of this machine to ask from, and to open (default: a global one that lasts)',
        onlyWith(isPcp, '--from', ipv6Argument),
      )
      .exitOverride();
  const withNonce = (each: Command, says: string) =>
    each.option('--nonce <hex>', `IPv6: ${says}`, onlyWith(isPcp, '--nonce', nonceArgument));
  const mapping = (name: string, says: string) =>
    withNonce(command(name, says), 'the nonce of a pinhole to renew, 24 hexadecimal digits (default: a new one)')
      .argument('<internal>', 'port of this machine', portArgument(1))
      .argument('<external>', 'port to suggest to the gateway; 0 for any', portArgument(0))
      .argument('<proto>', 'tcp or udp', protocol)
      .argument('<lifetime>', 'seconds', secondsArgument);

  command('info', 'print the external address and the age of the epoch; over IPv6 only the latter').action(
    (options: Options) =>
      run(options, {
        natpmp: (context) => once(context, { kind: 'external-address' }),
        pcp: ({ gateway, print, signal }) => askOnce(gateway, null, print, signal),
      }),
  );

  mapping('map', 'make or renew a mapping; over IPv6 a pinhole').action(
    (internal: number, external: number, proto: Protocol, lifetime: number, options: MappingOptions) =>
      run(options, {
        natpmp: (context) => once(context, mapRequest(internal, external, proto, lifetime)),
        pcp: ({ gateway, print, signal }) =>
          askOnce(gateway, pinholeWish(internal, external, proto, lifetime, options), print, signal),
      }),
  );

  mapping('keep', 'make a mapping or a pinhole, hold it until a signal (Ctrl-C), then remove it').action(
    (internal: number, external: number, proto: Protocol, lifetime: number, options: MappingOptions) =>
      run(options, {
        natpmp: ({ gateway, print, signal }) =>
          keep(wantedMapping(gateway, mapRequest(internal, external, proto, lifetime)), print, signal),
        pcp: ({ gateway, print, signal }) =>
          keep(wantedPinhole(gateway, pinholeWish(internal, external, proto, lifetime, options)), print, signal),
      }),
  );

  const unmap = withNonce(
    command('unmap', 'remove a mapping of this machine; over IPv6 a pinhole'),
    'the nonce that map printed',
  )
    .argument('<internal>', 'port of this machine; 0 with --all', portArgument(0))
    .argument('<proto>', 'tcp or udp', protocol)
    .option('--all', 'remove all mappings of the protocol: unmap 0 tcp --all', false)
    .action((internal: number, proto: Protocol, options: MappingOptions & { all: boolean }) => {
      // Port 0 removes everything (§3.4): typed by mistake too easily to work without --all.
      if (options.all !== (internal === 0)) unmap.error('error: port 0 and --all go together: unmap 0 tcp --all');
      if (isPcp && options.all) unmap.error('error: --all is for IPv4: each pinhole is removed by itself');
      if (isPcp && options.nonce === undefined)
        unmap.error('error: --nonce is needed, which map has printed: without it nobody removes a pinhole');
      return run(options, {
        natpmp: (context) => once(context, mapRequest(internal, 0, proto, 0)),
        pcp: ({ gateway, print, signal }) =>
          askOnce(gateway, pinholeWish(internal, 0, proto, 0, options), print, signal),
      });
    });

  command('watch', 'print what the gateway announces')
    .option('--interface <address>', "IPv4: this machine's address in the gateway's LAN", addressArgument)
    .option('--count <n>', 'stop after so many announcements', (text: string) =>
      wholeNumberArgument(text, 1, MAX_SECONDS),
    )
    .action((options: Options & { interface?: string; count?: number }) =>
      run(options, {
        natpmp: ({ gateway, print, signal }) =>
          watch(gateway, { interface: options.interface ?? null, count: options.count ?? Infinity }, print, signal),
        pcp: ({ gateway, print, signal }) => watchPcp(gateway, options.count ?? Infinity, print, signal),
      }),
    );
  return program;
}

async function run(target: Target, { json, from }: Options, work: Work): Promise<number> {
  const print = ({ report, line, status }: Output) => {
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else if (status === EXIT.success) process.stdout.write(`${line}\n`);
    else process.stderr.write(`natpmp-client: ${printable(line)}\n`);
  };
  const gateway = await findGateway(target);
  if (gateway === null) {
    print(noAnswer(target.host, 'no-host', 'no such host, or it has no IPv4 address'));
    return EXIT.failed;
  }
  const end = new AbortController();
  // A second signal ends the program at once.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => end.abort());
  if (!isIpv6Host(gateway.address)) return work.natpmp({ gateway, print, signal: end.signal });
  const found = await findPcpGateway(gateway, from ?? null);
  if ('from' in found) return work.pcp({ gateway: found, print, signal: end.signal });
  print(found);
  return found.status;
}

async function once({ gateway, print, signal }: CommandContext, request: ClientRequest): Promise<number> {
  const answer = await sayingThatItWaits(gateway, ask(gateway, request, ATTEMPTS_MS, signal));
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

function pinholeWish(
  internalPort: number,
  suggestedExternalPort: number,
  proto: Protocol,
  lifetime: number,
  { nonce = randomBytes(NONCE_BYTES).toString('hex') }: MappingOptions,
): PinholeWish {
  return { protocol: proto, internalPort, suggestedExternalPort, lifetime, nonce };
}

/** An option that a gateway at an IPv4 address knows nothing of. */
function onlyWith(isPcp: boolean, flag: string, parse: (text: string) => string): (text: string) => string {
  return (text) => {
    if (!isPcp) throw new InvalidArgumentError(`${flag} is for a gateway at an IPv6 address.`);
    return parse(text);
  };
}

function ipv6Argument(text: string): string {
  if (parseScoped(text) !== null)
    throw new InvalidArgumentError('An address without an interface is needed: a pinhole is of a global one.');
  if (parseIpv6(text) === null) throw new InvalidArgumentError('An IPv6 address is needed.');
  return text;
}

function nonceArgument(text: string): string {
  if (!/^[0-9a-f]{24}$/i.test(text)) throw new InvalidArgumentError('24 hexadecimal digits are needed.');
  return text.toLowerCase();
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
