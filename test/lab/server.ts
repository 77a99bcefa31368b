// natpmp-server in the lab's router, and what can be seen of it from outside: its answers, natpmpctl, nft, /proc.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atEnd } from '../support/cases.js';
import type { Lab } from './lab.js';
import { ROUTER } from './lab.js';
import { type Elements, elementsOf, pinholesOf } from './nft-elements.js';
import { Asker } from './natpmp.js';
import { until } from './flows.js';
import { run, type Finished } from '../support/run.js';

const DIST = join(import.meta.dirname, '../..');
/** How long the server may take to answer, or to end, in milliseconds. */
const DEADLINE_MS = 60_000;
/** States of a process that has ended: a zombie, and dead. proc(5). */
const ENDED = new Set(['Z', 'X']);

/** A mapping as `natpmpctl list --json` shows it. */
export interface Listed {
  readonly protocol: 'udp' | 'tcp';
  readonly externalPort: number;
  readonly internalAddress: string;
  readonly internalPort: number;
  readonly origin: string;
  readonly lifetime: number;
  readonly timeLeft: number | null;
}

/** What stands between the lab and the program. */
export interface Surroundings {
  /** A command that runs the one behind it. */
  readonly wrap?: readonly string[];
  /** Another node than the one that runs the tests: its path. */
  readonly program?: string;
  /** Arguments of node itself. */
  readonly node?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of node itself, for natpmpctl. */
  readonly ctl?: readonly string[];
}

export class Server {
  readonly stateDir: string;
  readonly socket: string;
  /** The administrator's. */
  readonly adminSocket: string;
  readonly #lab: Lab;
  readonly #node: string;
  readonly #ctl: readonly string[];
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;
  #log = '';
  #status: number | null = null;

  private constructor(
    lab: Lab,
    flags: readonly string[],
    name: string,
    { wrap = [], program: nodePath = process.execPath, node = [], env = {}, ctl = [] }: Surroundings,
  ) {
    this.#lab = lab;
    this.#node = nodePath;
    this.#ctl = ctl;
    this.stateDir = join(lab.folder, name, 'state');
    const runDir = join(lab.folder, name, 'run');
    this.socket = join(runDir, 'helper.sock');
    this.adminSocket = join(runDir, 'admin.sock');
    mkdirSync(join(lab.folder, name), { recursive: true });
    const [program = '', ...args] = [
      ...wrap,
      ...lab.router.namespace.entrance,
      nodePath,
      ...node,
      join(DIST, 'cli', 'natpmp-server.js'),
      '--external-interface',
      'wan0',
      '--state-dir',
      this.stateDir,
      '--run-dir',
      runDir,
      ...flags,
    ];
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
      });
    }
    this.#ended = new Promise((resolve) => {
      this.#child.on('exit', (status) => {
        this.#status = status ?? 128;
        resolve(this.#status);
      });
    });
  }

  /** Start, and wait until it answers. `name` is that of its folders: the same name again finds the same state. */
  static async start(
    lab: Lab,
    flags: readonly string[] = [],
    name = 'server',
    around: Surroundings = {},
  ): Promise<Server> {
    const server = new Server(lab, flags, name, around);
    atEnd(() => server.kill());
    await server.answering().catch(async (error: unknown) => {
      await server.kill(); // it would be in the way of the next
      throw error;
    });
    return server;
  }

  /** The pid of natpmp-server itself. */
  get launcher(): number {
    return this.#child.pid ?? 0;
  }

  /** All it has written so far. */
  get log(): string {
    return this.#log;
  }

  /** Wait until it has written this: what a daemon says comes by the launcher, and so behind its answers. */
  async logs(what: RegExp): Promise<void> {
    await until(`${what}`, async () => what.test(this.#log)).catch((error: Error) => {
      throw new Error(`${error.message}, in:\n${this.#log}`);
    });
  }

  /** Wait until a LAN host gets an answer, whichever, and the helper stands behind it. */
  async answering(): Promise<void> {
    const beganMs = Date.now();
    const asker = await Asker.open(this.#lab.alice, ROUTER);
    for (;;) {
      const passedMs = Date.now() - beganMs;
      if (this.#status !== null) throw new Error(`natpmp-server has ended with ${this.#status}:\n${this.#log}`);
      if (passedMs > DEADLINE_MS) throw new Error(`natpmp-server does not answer:\n${this.#log}`);
      // Deleting what is not there is a request that only the helper can answer with success, and changes nothing.
      // On a slow machine each answer may take longer than the time in which a start is usually noticed.
      const reply = await asker.ask('0002 0000 0001 0000 00000000', passedMs < 5000 ? 100 : 1000).catch(() => null);
      if (reply?.slice(4, 8) === '0000') break;
    }
    asker.udp.close();
  }

  /** Signal the launcher. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** SIGTERM; resolves with the exit status. */
  async stop(): Promise<number> {
    this.#child.kill('SIGTERM');
    return this.#ended;
  }

  /** End it and its processes at once, as a power failure does. */
  async kill(): Promise<void> {
    const pids = this.#descendants();
    this.#child.kill('SIGKILL');
    for (const { pid } of pids) signal(pid, 'SIGKILL');
    await this.#ended;
    await gone(pids.map(({ pid }) => pid));
  }

  /**
   * The pid of one of the processes; 0 while there is none, and for a moment while it changes from one program to
   * the next.
   */
  pid(which: 'frontend' | 'helper' | 'upnp'): number {
    return this.#descendants().find(({ command }) => command.includes(`/${which}/main.js`))?.pid ?? 0;
  }

  /** Signal one process, if it is there. */
  signalOne(which: 'frontend' | 'helper' | 'upnp', name: NodeJS.Signals): void {
    const pid = this.pid(which);
    if (pid !== 0) signal(pid, name);
  }

  /** `kill -9` of one process, as soon as there is one; resolves when it is gone. */
  async killOne(which: 'frontend' | 'helper' | 'upnp'): Promise<void> {
    let pid = 0;
    await until(`there is a ${which} to kill:\n${this.#log}`, async () => {
      pid = this.pid(which);
      return pid !== 0;
    });
    signal(pid, 'SIGKILL');
    await gone([pid]);
  }

  natpmpctl(...args: readonly string[]): Promise<Finished> {
    return run(this.#node, [...this.#ctl, join(DIST, 'cli', 'natpmpctl.js'), ...args, '--socket', this.socket]);
  }

  /** natpmpctl as the administrator runs it, which must succeed. */
  async administrate(...args: readonly string[]): Promise<string> {
    const command = [join(DIST, 'cli', 'natpmpctl.js'), ...args, '--socket', this.adminSocket];
    const { status, stdout, stderr } = await run(this.#node, [...this.#ctl, ...command]);
    if (status !== 0) throw new Error(`natpmpctl ${args.join(' ')}: exit ${status}: ${stderr}`);
    return stdout;
  }

  /** The table, as the operator sees it. */
  async list(): Promise<Listed[]> {
    const { status, stdout, stderr } = await this.natpmpctl('list', '--json');
    if (status !== 0) throw new Error(`natpmpctl list: exit ${status}: ${stderr}`);
    return JSON.parse(stdout) as Listed[];
  }

  /** The table as lines, without what changes by itself: "tcp 8080 -> 192.168.1.2:80". */
  async mappings(): Promise<string[]> {
    return (await this.list()).map(
      ({ protocol, externalPort, internalAddress, internalPort }) =>
        `${protocol} ${externalPort} -> ${internalAddress}:${internalPort}`,
    );
  }

  /** The table as the kernel holds it. */
  async elements(): Promise<Elements> {
    return elementsOf(await this.ruleset());
  }

  /** The pinholes as the kernel holds them: "tcp [2001:db8:a:1::2]:80", sorted. */
  async pinholes(): Promise<string[]> {
    return [...pinholesOf(await this.ruleset()).keys()].sort();
  }

  /** The whole ruleset of the router, as nft's JSON. */
  async ruleset(): Promise<string> {
    return (await this.#lab.router.run('nft', '-j', 'list', 'ruleset')).stdout;
  }

  #descendants(): { pid: number; command: string }[] {
    const all = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .map(processOf);
    const found: { pid: number; command: string }[] = [];
    const parents = new Set([this.#child.pid ?? 0]);
    // A child may have a lower pid than its parent: look until nothing new is found.
    for (let grown = true; grown; ) {
      grown = false;
      for (const each of all) {
        if (each === null || !parents.has(each.parent) || parents.has(each.pid)) continue;
        parents.add(each.pid);
        found.push(each);
        grown = true;
      }
    }
    return found;
  }
}

function processOf(pid: number): { pid: number; state: string; parent: number; command: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, state = '', parent] = /^.*\) (\S+) (\d+)/.exec(stat) ?? [];
    return {
      pid,
      state,
      parent: Number(parent),
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
    };
  } catch {
    return null; // it has ended in the meantime
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended by itself
  }
}

/** Resolves when none of the processes runs any more. There is no event for another's child: look again and again. */
async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => !ENDED.has(processOf(pid)?.state ?? 'X'))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
