// The bench's end of the load generator.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Namespace } from '../support/network.js';
import type { Answered, Done, Job, Op, Report, What } from './generator-protocol.js';
import { FIRST_HOST, wish } from './mappings.js';

export interface LoadOptions {
  /** Mappings if not given. Pinholes have no addresses to ask for. */
  readonly what?: What;
  readonly op: Op;
  readonly first: number;
  readonly span: number;
  readonly count: number;
  readonly width: number;
  /** Ask for no more after this many milliseconds. */
  readonly limitMs?: number;
}

/** How a generator asks, whatever the job. */
export interface Manner {
  readonly portsAHost: number;
  /** Which mapping is number 0. */
  readonly offset?: number;
  /**
   * After how many milliseconds a request is taken for lost; the protocol's own first interval is a quarter of the
   * default.
   */
  readonly repeatMs?: number;
}

const REPEAT_MS = 1000;

export class Generator {
  readonly #child: ChildProcess;
  readonly #manner: Required<Manner>;

  private constructor(child: ChildProcess, manner: Manner) {
    this.#child = child;
    this.#manner = { offset: 0, repeatMs: REPEAT_MS, ...manner };
  }

  static async start(lan: Namespace, manner: Manner): Promise<Generator> {
    const [program, ...args] = lan.entranceUntilOurEnd();
    const child = spawn(program, [...args, process.execPath, join(import.meta.dirname, 'generator-program.js')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    return new Generator(child, manner);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The host, as an IPv4 address, and the port that ask for the mapping of this number. */
  endpoint(number: number): { readonly address: number; readonly port: number } {
    const { portsAHost, offset } = this.#manner;
    const { host, port } = wish(offset + number, portsAHost);
    return { address: FIRST_HOST + host, port };
  }

  /** @throws if something was refused or nothing answers: then the figures are of another thing than was meant. */
  async load(options: LoadOptions): Promise<Done> {
    const { portsAHost, offset, repeatMs } = this.#manner;
    const job = {
      kind: 'load',
      what: 'mappings',
      portsAHost,
      repeatMs,
      limitMs: null,
      ...options,
      first: offset + options.first,
    } as const;
    return checked(`${options.op} ${job.what} at width ${options.width}`, (await this.#order(job)) as Done);
  }

  /** Every host asks for its mappings, one after the other, all hosts at once; as many mappings as this in all. */
  async cold(count: number): Promise<Done> {
    return checked(
      'all hosts at once',
      (await this.#order({ kind: 'cold', count, portsAHost: this.#manner.portsAHost })) as Done,
    );
  }

  /** Starts at once: ask for a mapping again and again until it is granted. */
  async probe(number: number): Promise<Answered & { readonly atMs: number }> {
    const { portsAHost, offset } = this.#manner;
    const answered = (await this.#order({ kind: 'probe', number: offset + number, portsAHost })) as Answered;
    if (answered.atMs === null) throw new Error('the gateway does not answer any more');
    return { ...answered, atMs: answered.atMs };
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #order(job: Job): Promise<Report> {
    return new Promise((resolve, reject) => {
      const ended = (status: number | null) => reject(new Error(`the load generator has ended with ${status}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (report: Report) => {
        this.#child.off('exit', ended);
        resolve(report);
      });
      this.#child.send(job, (error) => {
        if (error !== null) reject(error);
      });
    });
  }
}

function checked(what: string, done: Done): Done {
  if (done.isStalled) throw new Error(`${what}: no reply to ${done.asked - done.count} of ${done.asked} requests`);
  const refused = Object.entries(done.results).filter(([result]) => result !== '0');
  if (refused.length > 0) throw new Error(`${what}: replies by result code: ${JSON.stringify(done.results)}`);
  return done;
}
