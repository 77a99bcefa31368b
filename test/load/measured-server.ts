// natpmp-server under measurement: its network, natpmp-server in the router, a load generator in the LAN.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../support/run.js';
import type { MeasuredGateway } from './measured-gateway.js';
import { Generator } from './generator.js';
import { countElements } from './kernel-count.js';
import { MOST_MAPPINGS, MOST_PINHOLES } from './mappings.js';
import { buildWideLan, type WideLan } from './wide-lan.js';
import { descendants, isAlive } from './processes.js';

const DIST = join(import.meta.dirname, '../..');
export type Role = 'frontend' | 'helper';
/** With `--upnp` alone there is the third. */
export type Pids = Readonly<Record<Role, number>> & { readonly upnp?: number };

/** Of what `natpmpctl list --json` shows. */
interface Listed {
  readonly internalAddress: string;
  readonly externalPort: number;
  /** Of pinholes. */
  readonly hardwareAddress?: string | null;
}

export interface MeasuredServerOptions {
  /** What to call it: jit, jitless. */
  readonly name: string;
  readonly flags: readonly string[];
  /** Its folders are made in here. */
  readonly folder: string;
  readonly portsAHost: number;
  /** The node that runs it, if it is not the one that runs us. */
  readonly node?: string;
  /** Whether the hosts are so many devices, or one that forges their addresses. */
  readonly hardware?: 'one device' | 'many devices';
}

export class MeasuredServer implements MeasuredGateway {
  readonly name: string;
  readonly patienceMs = null;
  readonly most = MOST_MAPPINGS;
  readonly mostPinholes: number;
  readonly generator: Generator;
  readonly network: WideLan;
  readonly #folder: string;
  readonly #flags: readonly string[];
  readonly #node: string;
  #server: ChildProcess | null = null;
  #log = '';

  private constructor({ name, flags, folder, node }: MeasuredServerOptions, world: WideLan, generator: Generator) {
    this.name = name;
    this.network = world;
    this.generator = generator;
    this.#folder = join(folder, name);
    this.#flags = flags;
    this.mostPinholes = flags.includes('--pinholes') ? MOST_PINHOLES : 0;
    this.#node = node ?? process.execPath;
    mkdirSync(this.#folder, { recursive: true });
  }

  /** Built and running; answers from now on. */
  static async open(options: MeasuredServerOptions): Promise<MeasuredServer> {
    const world = await buildWideLan(options.hardware);
    const measured = new MeasuredServer(
      options,
      world,
      await Generator.start(world.lan, { portsAHost: options.portsAHost }),
    );
    try {
      await measured.start();
      await measured.generator.probe(0);
      await measured.generator.load({ op: 'unmap', first: 0, span: 1, count: 1, width: 1 });
    } catch (error) {
      await measured.close();
      throw new Error(`${(error as Error).message}\n${measured.#log}`);
    }
    return measured;
  }

  /** Start natpmp-server; does not wait for it. */
  async start(): Promise<void> {
    const [program, ...args] = this.network.router.entranceUntilOurEnd();
    const server = spawn(
      program,
      [
        ...args,
        this.#node,
        join(DIST, 'cli', 'natpmp-server.js'),
        '--external-interface',
        'wan0',
        '--state-dir',
        this.stateFolder,
        '--run-dir',
        join(this.#folder, 'run'),
        '--max-mappings-per-ip',
        String(MOST_MAPPINGS),
        '--denied-ports',
        'none',
        ...this.#flags,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [server.stdout, server.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
      });
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    const pids = descendants(server.pid ?? 0).map(({ pid }) => pid);
    const ended = new Promise((resolve) => server.once('exit', resolve));
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGTERM');
      await ended;
    }
    this.#server = null;
    while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** The processes that serve, by role, as they are now. @throws if one is away. */
  pids(): Pids {
    const all = descendants(this.#server?.pid ?? 0);
    const of = (role: keyof Pids) => all.find(({ command }) => command.includes(`/${role}/main.js`))?.pid;
    const [frontend, helper, upnp] = [of('frontend'), of('helper'), of('upnp')];
    if (frontend === undefined || helper === undefined || (upnp === undefined) === this.#flags.includes('--upnp'))
      throw new Error(`not all processes are there:\n${this.#log}`);
    return { frontend, helper, ...(upnp === undefined ? {} : { upnp }) };
  }

  /** natpmp-server itself. */
  get launcher(): number | null {
    return this.#server?.pid ?? null;
  }

  get stateFolder(): string {
    return join(this.#folder, 'state');
  }

  /** How many mappings each of the kernel's three sets holds. */
  elements(): Promise<readonly number[]> {
    return countElements(this.network.router);
  }

  /** How much the gateway has written to its log so far. */
  get logBytes(): number {
    return Buffer.byteLength(this.#log);
  }

  /** The end of the gateway's log. */
  lastWords(): string {
    return this.#log.trimEnd().split('\n').slice(-5).join('\n');
  }

  /** As after a power failure: the kernel knows nothing. */
  async flushKernel(): Promise<void> {
    await this.network.router.must('nft', ['flush', 'ruleset']);
  }

  /** How many mappings the operator sees. */
  async listed(): Promise<number> {
    return (await this.list()).length;
  }

  /** The mappings and pinholes the operator sees. */
  async list(): Promise<readonly Listed[]> {
    const { status, stdout, stderr } = await run(process.execPath, [
      join(DIST, 'cli', 'natpmpctl.js'),
      'list',
      '--json',
      '--socket',
      join(this.#folder, 'run', 'helper.sock'),
    ]);
    if (status !== 0) throw new Error(`natpmpctl list: exit ${status}: ${stderr}`);
    return JSON.parse(stdout) as Listed[];
  }

  async close(): Promise<void> {
    this.generator.stop();
    await this.stop();
    this.network.close();
  }
}
