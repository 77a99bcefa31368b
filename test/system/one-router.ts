// natpmp-server as a program, in a network namespace of the test's own: the host's firewall and interfaces stay as they
// are.

import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from '../support/cases.js';
import { cable, Namespace } from '../support/network.js';

export const PROGRAM = join(import.meta.dirname, '../../cli/natpmp-server.js');

/** A cable that leads nowhere: both ends are in the router. */
export interface Loose {
  readonly device: string;
  readonly addresses: readonly string[];
  readonly peer: string;
}
/** A router's two interfaces. */
const ROUTER: readonly Loose[] = [
  { device: 'br-lan', addresses: ['192.168.77.1/24'], peer: 'lan-end' },
  { device: 'wan0', addresses: ['203.0.113.2/24'], peer: 'wan-end' },
];

/** A folder that other users may pass, removed at the end. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'natpmp-start-'));
  chmodSync(path, 0o755);
  atEnd(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface Entry {
  readonly msg: string;
  readonly level: number;
  readonly role?: string;
  readonly child?: number;
  readonly [field: string]: unknown;
}

/** A program that was started, and what it has logged. */
export interface Started {
  readonly child: ChildProcess;
  readonly log: readonly Entry[];
  readonly ended: Promise<{ readonly status: number | null; readonly stderr: string }>;
  /** Resolves with the entry once something is logged; rejects if the program ends without. */
  logged(what: (entry: Entry) => boolean): Promise<Entry>;
  /** The same for plain text on standard output. */
  printed(text: string): Promise<void>;
  /** SIGTERM, and its exit status. */
  stop(): Promise<number | null>;
}

export function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Started {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log: Entry[] = [];
  let waiting: (() => void)[] = [];
  let rest = '';
  let stdout = '';
  let stderr = '';
  let over = false;
  const wake = (): void => {
    const now = waiting;
    waiting = [];
    for (const resume of now) resume();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) log.push(JSON.parse(line) as Entry);
    wake();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  // exit, not close: a daemon that outlives its launcher would hold the pipes.
  const ended = new Promise<{ status: number | null; stderr: string }>((resolve) =>
    child.once('exit', (status) => {
      over = true;
      setTimeout(() => {
        wake();
        resolve({ status, stderr });
      }, 50);
    }),
  );
  atEnd(() => {
    child.kill('SIGKILL');
  });
  return {
    child,
    log,
    ended,
    async logged(what) {
      for (;;) {
        const entry = log.find(what);
        if (entry !== undefined) return entry;
        if (over) throw new Error(`ended without saying so: ${stderr}`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    async printed(text) {
      while (!stdout.includes(text)) {
        if (over) throw new Error(`ended without saying so: ${stdout}${stderr}`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    async stop() {
      child.kill('SIGTERM');
      return (await ended).status;
    },
  };
}

/** Both daemons are ready and the launcher has said where. */
export function serving(entry: Entry): boolean {
  return entry.msg === 'serving' && entry['adminSocket'] !== undefined;
}

export interface Box {
  /** Run a command inside; its output. */
  run(...command: readonly string[]): string;
  /** Start a program inside. */
  start(...command: readonly string[]): Started;
  /** Start the server inside, with folders of its own unless the arguments name others. */
  server(...args: readonly string[]): Started;
}

/** A router with these interfaces. */
export async function box(interfaces: readonly Loose[] = ROUTER): Promise<Box> {
  const namespace = await Namespace.open();
  atEnd(() => namespace.close());
  for (const { device, addresses, peer } of interfaces)
    await cable({ in: namespace, device, addresses }, { in: namespace, device: peer });
  const [program, ...enter] = namespace.entrance;
  const base = folder();
  return {
    run: (...command) =>
      execFileSync(program, [...enter, ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    start: (...command) => start(program, [...enter, ...command]),
    server: (...args) =>
      start(program, [
        ...enter,
        process.execPath,
        PROGRAM,
        '--state-dir',
        join(base, 'state'),
        '--run-dir',
        join(base, 'run'),
        ...args,
      ]),
  };
}

/** A field of /proc/PID/status. */
export function statusOf(pid: number | undefined, field: string): string {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(text)?.[1]?.replaceAll('\t', ' ') ?? '';
}

export function isAlive(pid: number | undefined): boolean {
  try {
    return !statusOf(pid, 'State').startsWith('Z');
  } catch {
    return false;
  }
}

export async function until(what: string, holds: () => boolean, deadlineMs = 30_000): Promise<void> {
  for (const end = performance.now() + deadlineMs; !holds(); await new Promise((resolve) => setTimeout(resolve, 10))) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
  }
}
