// natpmpctl web on the lab's router.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { atEnd } from '../support/cases.js';
import type { Lab } from './lab.js';

const CTL = join(import.meta.dirname, '../../cli/natpmpctl.js');

export class Web {
  /** With the token, if it has one. */
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Start it, on any port unless told, and wait until it serves. */
  static async start(
    { router }: Lab,
    socket: string,
    flags: readonly string[] = [],
    listen = '127.0.0.1:0',
  ): Promise<Web> {
    const [enter, ...rest] = router.namespace.entrance;
    const child = spawn(
      enter,
      [...rest, process.execPath, CTL, 'web', '--json', '--listen', listen, '--socket', socket, ...flags],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    atEnd(() => {
      child.kill('SIGKILL');
    });
    for await (const line of createInterface({ input: child.stdout }))
      return new Web(child, (JSON.parse(line) as { url: string }).url);
    throw new Error('natpmpctl web has ended');
  }

  /** The port it serves on. */
  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** End it with a signal; its exit status. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    return (await exited)[0] as number | null;
  }
}
