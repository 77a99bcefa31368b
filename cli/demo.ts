#!/usr/bin/env node
// `npm start`: a gateway in a sandbox. It makes a real mapping and a real pinhole, shows every step, and then keeps
// serving.
// --once stops after the steps; the exit status is 0 only if all of them succeeded.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { CompletedCommand } from './demo/run.js';
import { firstEvent, run, terminate } from './demo/run.js';
import { EXIT, Failure, messageOf } from './host/failure.js';
import { byLine, readable } from './host/log.js';
import { printable } from './host/printable.js';
import { checkPrograms, PATH } from './host/programs.js';
import type { Host, SandboxNetwork } from './server/topology.js';

const PORT = 15351;
/** Not 8080, which the command shown at the end uses. */
const SERVICE = '8000';
/** UDP: that of Xbox. */
const CONSOLE_PORT = '3074';
/** Far longer than any machine needs. */
const READY_DEADLINE_MS = 60_000;
const script = (name: string): string => join(import.meta.dirname, name);
const say = (text = ''): boolean => process.stdout.write(`${text}\n`);
const step = (text: string): boolean => say(`\n== ${text}`);
const show = ({ commandText, output }: CompletedCommand): void => {
  say(`$ ${commandText}`);
  say(output.trimEnd().replaceAll(/^/gm, '   '));
};

interface RunningGateway {
  readonly network: SandboxNetwork;
  readonly helperSocket: string;
}

const USAGE = 'usage: npm start [-- --once]    --once: stop after the steps, with their status\n';
const once = isOnce(process.argv.slice(2));
let server: ChildProcess | null = null;
let quiet = true;
const interrupted = new Promise<'stop'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('stop'));
});

process.exit(await main());

/** Whether to stop after the steps. Ends with the usage if there is anything else. */
function isOnce(args: readonly string[]): boolean {
  if (args.every((arg) => arg === '--once')) return args.length > 0;
  const isHelp = args.includes('--help') || args.includes('-h');
  (isHelp ? process.stdout : process.stderr).write(USAGE);
  process.exit(isHelp ? EXIT.success : EXIT.usage);
}

async function main(): Promise<number> {
  try {
    checkPrograms(['setpriv', 'nsenter']);
    const ended = startServer();
    const shown = await Promise.race([demonstrate(ended.serving), ended.status, interrupted]);
    // Stopped half way, --once has not succeeded.
    if (shown === 'stop') return once ? EXIT.interrupted : 0;
    if (typeof shown === 'number') return shown;
    if (once) return 0;
    quiet = false;
    say(`\nServing on 127.0.0.1:${PORT}. From another terminal, in this folder:\n`);
    say(`   npx natpmp-client localhost:${PORT} map 8080 8080 tcp 3600`);
    say(`   npx natpmpctl list --socket ${shown.helperSocket}\n`);
    say('UPnP is served to the LAN alone, so ask in the network namespace of its host (or with upnpc -s there):\n');
    say(`   ${nsenterCommand(shown.network.lanHost).join(' ')} node dist/cli/demo/peer.js upnp 3075\n`);
    say('Ctrl-C ends it and removes everything.');
    const end = await Promise.race([ended.status, interrupted]);
    return end === 'stop' ? 0 : end;
  } catch (error) {
    process.stderr.write(`demonstration: ${printable(messageOf(error))}\n`);
    return error instanceof Failure ? error.status : EXIT.failed;
  } finally {
    if (server !== null) await terminate(server, 8000);
  }
}

/** Start natpmp-server; its log has the hosts of the sandbox, and says when it serves. */
function startServer(): { readonly serving: Promise<RunningGateway>; readonly status: Promise<number> } {
  // In a session of its own, so that Ctrl-C reaches it only through us; and it ends when we are killed.
  const child = spawn(
    'setpriv',
    [
      '--pdeathsig=SIGTERM',
      process.execPath,
      script('natpmp-server.js'),
      '--sandbox',
      '--pinholes',
      '--upnp',
      '--listen-port',
      String(PORT),
    ],
    {
      env: { ...process.env, PATH },
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  server = child;
  let network: SandboxNetwork | null = null;
  const serving = new Promise<RunningGateway>((resolve, reject) => {
    setTimeout(() => reject(new Error('the gateway is not ready after a minute')), READY_DEADLINE_MS).unref();
    child.stdout.on(
      'data',
      byLine((line) => {
        const entry = entryOf(line);
        if (entry === null) return;
        if (entry.msg === 'sandbox') network = entry;
        if (entry.msg === 'serving' && network !== null && entry.helperSocket !== undefined)
          resolve({ network, helperSocket: entry.helperSocket });
        if (!quiet || entry.level >= 40) say(readable(line));
      }),
    );
  });
  const status = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? EXIT.defect)));
  serving.catch(() => {}); // whatever awaits it gets the error; later it does not matter
  return { serving, status };
}

/** A line of the launcher's own log; null for what it passes on of the daemons that is none. */
function entryOf(line: string): ({ msg: string; level: number; helperSocket: string } & SandboxNetwork) | null {
  try {
    return line.startsWith('{') ? (JSON.parse(line) as ReturnType<typeof entryOf>) : null;
  } catch {
    return null;
  }
}

async function demonstrate(serving: Promise<RunningGateway>): Promise<RunningGateway> {
  say(
    'Starting natpmp-server --sandbox: a gateway, a LAN host and an outside host, each in a network namespace of its own.',
  );
  const { network, helperSocket } = await serving;
  const { lanHost, outsideHost, gateway, external, gateway6 } = network;
  say(`\n   LAN host ${lanHost.address} -- ${gateway} [gateway] ${external} -- outside host ${outsideHost.address}`);
  if (gateway6 !== null) say(`   over IPv6: ${lanHost.ipv6} -- ${gateway6} [gateway] -- ${outsideHost.ipv6}`);

  step(`Without a mapping, the outside host cannot connect to ${external}:${SERVICE}`);
  await cannotConnect(outsideHost, external);

  step(`The LAN host serves on port ${SERVICE} and asks the gateway for it`);
  const listener = startIn(lanHost, script('demo/peer.js'), 'listen', SERVICE);
  await firstEvent(listener, 'listening');
  const mapped = await runIn(lanHost, script('natpmp-client.js'), gateway, 'map', SERVICE, SERVICE, 'tcp', '3600');
  show(mapped);
  if (mapped.status !== 0) throw new Error('the mapping was not granted');

  step('The same connection from outside now arrives, through nftables');
  await connects(outsideHost, external, listener, outsideHost.address);
  await demonstratePinhole(network);

  step('Programs that only speak UPnP, as consoles do, find the gateway and get ports, too');
  const found = await runIn(lanHost, script('demo/peer.js'), 'upnp', CONSOLE_PORT);
  say(`   LAN host:     ${found.output.trim()}`);
  if (found.status !== 0) throw new Error('no mapping by UPnP');

  step('What the gateway holds');
  const list = await run([process.execPath, script('natpmpctl.js'), 'list', '--socket', helperSocket]);
  show(list);
  const status = await run([process.execPath, script('natpmpctl.js'), 'status', '--socket', helperSocket]);
  show(status);
  if (!/frontend: +pid/.test(status.output)) throw new Error('natpmpctl does not see the frontend');
  if (!list.output.includes('demonstration')) throw new Error('natpmpctl does not list the mapping of UPnP');
  for (const address of [lanHost.address, lanHost.ipv6])
    if (address !== null && !list.output.includes(`${address}`)) throw new Error(`natpmpctl does not list ${address}`);
  return { network, helperSocket };
}

/** Over IPv6 the LAN host has an address of its own, and a firewall before it. */
async function demonstratePinhole({ lanHost, outsideHost, gateway6 }: SandboxNetwork): Promise<void> {
  if (lanHost.ipv6 === null || outsideHost.ipv6 === null || gateway6 === null) {
    step('This kernel has no IPv6: there is no pinhole to show');
    return;
  }
  step(`Over IPv6 nothing is translated, and the firewall lets nobody in to [${lanHost.ipv6}]:${SERVICE}`);
  await cannotConnect(outsideHost, lanHost.ipv6);

  step('The LAN host asks the gateway for a pinhole, at its link-local address');
  const listener = startIn(lanHost, script('demo/peer.js'), 'listen', SERVICE, '::');
  await firstEvent(listener, 'listening');
  const opened = await runIn(lanHost, script('natpmp-client.js'), gateway6, 'map', SERVICE, SERVICE, 'tcp', '3600');
  show(opened);
  if (opened.status !== 0) throw new Error('the pinhole was not granted');

  step('The same connection from outside now arrives');
  await connects(outsideHost, lanHost.ipv6, listener, outsideHost.ipv6);
}

async function cannotConnect(outsideHost: Host, address: string): Promise<void> {
  const { status, output } = await runIn(outsideHost, script('demo/peer.js'), 'connect', address, SERVICE);
  say(`   outside host: ${output.trim()}`);
  if (status === 0) throw new Error('something answered before anything was opened');
}

/** `source`: whom the LAN host has to see. */
async function connects(outsideHost: Host, address: string, listener: ChildProcess, source: string): Promise<void> {
  const received = firstEvent(listener, 'received');
  received.catch(() => {}); // if the server died, the answer shows it, too
  const answer = await runIn(outsideHost, script('demo/peer.js'), 'connect', address, SERVICE);
  if (answer.status !== 0) throw new Error(`the connection did not arrive: ${answer.output.trim()}`);
  const { text, from } = await received;
  say(`   LAN host:     received "${text}" from ${from}`);
  say(`   outside host: ${answer.output.trim()}`);
  if (from !== source) throw new Error(`the LAN host saw ${from} instead of the outside host's address`);
}

/** Run one of our programs in a host's namespace. */
function runIn(host: Host, ...command: readonly string[]): Promise<CompletedCommand> {
  return run([...nsenterCommand(host), process.execPath, ...command]);
}

function startIn(host: Host, ...command: readonly string[]): ChildProcess {
  const [program = '', ...args] = [
    'setpriv',
    '--pdeathsig=SIGKILL',
    ...nsenterCommand(host),
    process.execPath,
    ...command,
  ];
  return spawn(program, args, { env: { PATH }, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Without the right to create network namespaces, the sandbox is in a user namespace, which has to be entered too. */
function nsenterCommand({ pid }: Host): readonly string[] {
  const sameUsers = readlinkSync(`/proc/${pid}/ns/user`) === readlinkSync('/proc/self/ns/user');
  return ['nsenter', `--target=${pid}`, ...(sameUsers ? [] : ['--user', '--preserve-credentials']), '--net'];
}
