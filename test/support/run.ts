// Programs run to their end, with all they said.

import { spawn } from 'node:child_process';

export interface Finished {
  /** 128 + the signal's number for a program that a signal ended, as in a shell. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that takes longer than this hangs, in milliseconds. */
const DEADLINE_MS = 180_000;

export function run(program: string, args: readonly string[], input = ''): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { timeout: DEADLINE_MS, killSignal: 'SIGKILL' });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (status, signal) =>
      resolve({ status: status ?? (signal === 'SIGKILL' ? 137 : 128), stdout, stderr }),
    );
    child.stdin.on('error', () => {}); // it need not read what it is given
    child.stdin.end(input);
  });
}

/** Run what must succeed, and have its output. */
export async function must(program: string, args: readonly string[], input = ''): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, input);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${status}: ${stderr}${stdout}`);
  return stdout;
}
