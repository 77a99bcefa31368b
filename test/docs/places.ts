// Where the documents' commands are run: on a router that boots systemd, on a host of its LAN, and in the clone itself.

import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { atEnd } from '../support/cases.js';
import { until } from '../lab/flows.js';
import type { Finished } from '../support/run.js';
import { run } from '../support/run.js';
import { Box } from '../systemd/box.js';

export const PROJECT = resolve(import.meta.dirname, '../../..');
/** What must happen on a busy machine. */
const DEADLINE_MS = 60_000;
/** As dnsmasq writes it: end, hardware address, address, name, client. */
const LEASES =
  '1900000000 02:00:00:00:00:02 192.168.1.2 nas *\n1900000000 02:00:00:00:00:03 192.168.1.3 playstation *\n';

/** A command that goes on by itself. */
export interface Running {
  said(): string;
  /** Wait until it has said this. */
  says(what: RegExp): Promise<void>;
  /** Signal it, and wait for its end. */
  end(signal: 'INT' | 'TERM'): Promise<Finished>;
}

export class Router {
  readonly box: Box;
  #runs = 0;

  private constructor(box: Box) {
    this.box = box;
  }

  /** Null, loudly, if there is no systemd to boot. */
  static async open(): Promise<Router | null> {
    const box = await Box.open([]);
    if (box === null) return null;
    // Administrators have it; the smallest Debian has not.
    await box.sh(`printf '#!/bin/sh\\nexec "$@"\\n' >/usr/local/bin/sudo; chmod 755 /usr/local/bin/sudo
      mkdir -p /var/lib/misc; printf '%b' '${LEASES.replaceAll('\n', '\\n')}' >/var/lib/misc/dnsmasq.leases`);
    return new Router(box);
  }

  /** Run lines of shell, in a clone of the project. */
  run(command: string): Promise<Finished> {
    const [program = '', ...args] = this.#words(`cd /src; ${command}`);
    return run(program, args);
  }

  start(command: string): Running {
    const name = `/run/shown-${++this.#runs}`;
    // sh stays the one that is signalled: exec makes it the command.
    return watch(this.#words(`echo $$ >${name}; cd /src; exec ${command}`), (signal) =>
      this.box.sh(`kill -${signal} $(cat ${name})`),
    );
  }

  #words(script: string): readonly string[] {
    return [
      ...this.box.entrance,
      'env',
      '-i',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin',
      'COLUMNS=80',
      'LANG=C.UTF-8',
      'sh',
      '-c',
      script,
    ];
  }
}

export class Clone {
  readonly #entrance: readonly string[];
  readonly #env: NodeJS.ProcessEnv;

  /** Programs of ours are found by their names, as after an installation. */
  constructor(folder: string, network: string) {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    for (const name of ['natpmpctl', 'natpmp-client', 'natpmp-server'])
      symlinkSync(join(PROJECT, `dist/cli/${name}.js`), join(bin, name));
    this.#env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, COLUMNS: '80' };
    this.#entrance = ['nsenter', `--net=${network}`, '--'];
  }

  run(command: string): Promise<Finished> {
    const [program = '', ...args] = [
      ...this.#entrance,
      'env',
      `PATH=${this.#env['PATH']}`,
      'COLUMNS=80',
      'sh',
      '-c',
      `cd ${PROJECT}; ${command}`,
    ];
    return run(program, args);
  }

  start(command: string): Running {
    let pid = 0;
    const running = watch(
      [...this.#entrance, 'sh', '-c', `cd ${PROJECT}; exec ${command}`],
      async (signal) => void process.kill(pid, `SIG${signal}`),
      this.#env,
    );
    pid = running.pid;
    return running;
  }
}

function watch(
  words: readonly string[],
  kill: (signal: 'INT' | 'TERM') => Promise<unknown>,
  env = process.env,
): Running & { readonly pid: number } {
  const [program = '', ...args] = words;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  atEnd(() => {
    child.kill('SIGKILL');
  });
  let [stdout, stderr] = ['', ''];
  let status: number | null = null;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<void>((resume) =>
    child.once('close', (code) => {
      status = code ?? 128;
      resume();
    }),
  );
  return {
    pid: child.pid ?? 0,
    said: () => stdout,
    says: (what) =>
      until(
        `${what}`,
        async () => {
          if (status !== null) throw new Error(`ended with ${status}: ${stdout}${stderr}`);
          return what.test(stdout);
        },
        DEADLINE_MS,
      ).catch((error: Error) => {
        throw new Error(`${error.message} in:\n${stdout}${stderr}`);
      }),
    async end(signal) {
      await kill(signal);
      await ended;
      return { status: status ?? 128, stdout, stderr };
    },
  };
}
