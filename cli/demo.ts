#!/usr/bin/env node
// `npm start`: a gateway in a sandbox. It makes a real mapping, shows every step, and then keeps serving.
// --once stops after the steps; the exit status is 0 only if all of them succeeded.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { CompletedCommand } from './demo/run.js';
import { firstEvent, run, terminate } from './demo/run.js';
import { EXIT, Failure, messageOf } from './host/failure.js';
import { byLine, readable } from './host/log.js';
import { checkPrograms, PATH } from './host/programs.js';
import type { Host, SandboxNetwork } from './server/topology.js';

const PORT = 15351;
/** Not 8080, which the command shown at the end uses. */
const SERVICE = '8000';
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

const once = process.argv.slice(2).includes('--once');
let server: ChildProcess | null = null;
let quiet = true;
const interrupted = new Promise<'stop'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('stop'));
});

process.exit(await main());

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
    say('Ctrl-C ends it and removes everything.');
    const end = await Promise.race([ended.status, interrupted]);
    return end === 'stop' ? 0 : end;
  } catch (error) {
    process.stderr.write(`demonstration: ${messageOf(error)}\n`);
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
    ['--pdeathsig=SIGTERM', process.execPath, script('natpmp-server.js'), '--sandbox', '--listen-port', String(PORT)],
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
        if (!line.startsWith('{')) return;
        const entry = JSON.parse(line) as { msg: string; level: number; helperSocket: string } & SandboxNetwork;
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

async function demonstrate(serving: Promise<RunningGateway>): Promise<RunningGateway> {
  say(
    'Starting natpmp-server --sandbox: a gateway, a LAN host and an outside host, each in a network namespace of its own.',
  );
  const { network, helperSocket } = await serving;
  const { lanHost, outsideHost, gateway, external } = network;
  say(`\n   LAN host ${lanHost.address} -- ${gateway} [gateway] ${external} -- outside host ${outsideHost.address}`);

  step(`Without a mapping, the outside host cannot connect to ${external}:${SERVICE}`);
  const before = await runIn(outsideHost, script('demo/peer.js'), 'connect', external, SERVICE);
  say(`   outside host: ${before.output.trim()}`);
  if (before.status === 0) throw new Error('something answered before anything was mapped');

  step(`The LAN host serves on port ${SERVICE} and asks the gateway for it`);
  const listener = startIn(lanHost, script('demo/peer.js'), 'listen', SERVICE);
  await firstEvent(listener, 'listening');
  const mapped = await runIn(lanHost, script('natpmp-client.js'), gateway, 'map', SERVICE, SERVICE, 'tcp', '3600');
  show(mapped);
  if (mapped.status !== 0) throw new Error('the mapping was not granted');

  step('The same connection from outside now arrives, through nftables');
  const received = firstEvent(listener, 'received');
  received.catch(() => {}); // if the server died, the answer shows it, too
  const answer = await runIn(outsideHost, script('demo/peer.js'), 'connect', external, SERVICE);
  if (answer.status !== 0) throw new Error(`the connection did not arrive: ${answer.output.trim()}`);
  const { text, from } = await received;
  say(`   LAN host:     received "${text}" from ${from}`);
  say(`   outside host: ${answer.output.trim()}`);
  if (from !== outsideHost.address) throw new Error(`the LAN host saw ${from} instead of the outside host's address`);

  step('What the gateway holds');
  const list = await run([process.execPath, script('natpmpctl.js'), 'list', '--socket', helperSocket]);
  show(list);
  const status = await run([process.execPath, script('natpmpctl.js'), 'status', '--socket', helperSocket]);
  show(status);
  if (!/frontend: +pid/.test(status.output)) throw new Error('natpmpctl does not see the frontend');
  if (!list.output.includes(lanHost.address)) throw new Error('natpmpctl does not list the mapping');
  return { network, helperSocket };
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
