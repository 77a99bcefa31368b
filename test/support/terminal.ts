// A program on a terminal of 80 columns and 24 rows, by script(1): what it draws, and what is typed.

import { type ChildProcess, spawn } from 'node:child_process';
import { atEnd } from './cases.js';
import { until } from '../lab/flows.js';

/** How long a program may take until it has drawn what is waited for, in milliseconds. */
const DEADLINE_MS = 30_000;

export class Terminal {
  readonly #child: ChildProcess;
  #shown = '';

  /** Start the command, then show what the terminal is left like. */
  constructor(command: readonly string[], prefix: readonly string[] = []) {
    const line = command.map((word) => `'${word}'`).join(' ');
    const [program = '', ...args] = [
      ...prefix,
      'script',
      '-qec',
      `stty cols 80 rows 24; ${line}; echo "[$?]"; stty -a`,
      '/dev/null',
    ];
    this.#child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TERM: 'xterm', LANG: 'C.UTF-8' },
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#shown += chunk.toString();
    });
    atEnd(() => {
      this.#child.kill('SIGKILL');
    });
  }

  /** All that was written to the terminal so far. */
  get shown(): string {
    return this.#shown;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Wait until the text is shown, since the last time it was forgotten. */
  async shows(what: RegExp): Promise<void> {
    await until(`${what} in:\n${this.#shown}`, async () => what.test(this.#shown), DEADLINE_MS).catch(() => {
      throw new Error(`${what} is not shown:\n${JSON.stringify(this.#shown)}`);
    });
  }

  forget(): void {
    this.#shown = '';
  }
}
