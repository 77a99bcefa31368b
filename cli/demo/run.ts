// Child processes of the demonstration.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { byLine } from '../host/log.js';
import { PATH } from '../host/programs.js';

/** A program that has ended. */
export interface CompletedCommand {
  readonly status: number | null;
  /** Of both streams. */
  readonly output: string;
  /** The command as a user would type it. */
  readonly commandText: string;
}

export function run(command: readonly string[]): Promise<CompletedCommand> {
  const [program = '', ...args] = command;
  const node = command.indexOf(process.execPath);
  const commandText = [basename(command[node + 1] ?? '', '.js'), ...command.slice(node + 2)].join(' ');
  const child = spawn(program, args, { env: { PATH }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, output, commandText })));
}

/** The first event of this kind that demo/peer.ts prints; rejects if the child ends before. */
export function firstEvent(child: ChildProcess, kind: string): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve, reject) => {
    child.stdout?.on(
      'data',
      byLine((line) => {
        const event = JSON.parse(line) as Record<string, unknown>;
        if (event['kind'] === kind) resolve(event);
      }),
    );
    child.once('close', () => reject(new Error(`the LAN host's server ended before it was ${kind}`)));
  });
}

/** SIGTERM, and SIGKILL if the child has not ended by the deadline; resolves when it has ended. */
export async function terminate(child: ChildProcess, deadlineMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  await ended;
  clearTimeout(deadline);
}
