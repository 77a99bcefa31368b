// Runs a worker and waits for what it finds; one that hangs or dies is a finding too, with the input it was at.

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { readCorpus } from './corpus.js';
import { SharedInput } from './shared-input.js';
import type { Said, Task } from './worker.js';

/** An input that takes longer than this hangs, in milliseconds; they take less than a hundredth of it. */
const HANG_MS = 20_000;
const LOOK_MS = 1000;

export interface ThreadFinding extends Omit<Extract<Said, { kind: 'finding' }>, 'kind'> {
  /** Since the target was begun with; includes making it small. */
  readonly afterMs: number;
}

export interface Told {
  readonly executions: number;
  readonly characters: number;
  readonly corpus: readonly Uint8Array[];
  /** Inputs of the corpus that no file holds. */
  readonly fresh: readonly Uint8Array[];
  readonly findings: readonly ThreadFinding[];
}

export async function exploreInThread(task: Omit<Task, 'notes'>): Promise<Told> {
  const notes = SharedInput.buffer();
  const sharedInput = new SharedInput(notes);
  const findings: ThreadFinding[] = [];
  const startedAt = Date.now();
  const worker = new Worker(join(import.meta.dirname, 'worker.js'), { workerData: { ...task, notes } satisfies Task });
  const done = await new Promise<Extract<Said, { kind: 'done' }> | null>((resolve) => {
    const end = (signature: string, error: string): void => {
      findings.push({ signature, error, input: sharedInput.input(), afterMs: Date.now() - startedAt });
      resolve(null);
    };
    const timer = setInterval(
      hangWatch(sharedInput, () => end('hangs', `an input takes more than ${HANG_MS} ms`)),
      LOOK_MS,
    );
    worker.on('message', (said: Said) => {
      if (said.kind === 'finding') findings.push({ ...said, afterMs: Date.now() - startedAt });
      else resolve(said);
    });
    worker.on('error', (error: Error) => end(`dies ${error.message}`, `the thread died: ${error.stack}`));
    worker.on('exit', () => {
      clearInterval(timer);
      resolve(null);
    });
  });
  await worker.terminate();
  const files = new Set(readCorpus(task.target).map(({ input }) => Buffer.from(input).toString('hex')));
  const corpus = done?.corpus ?? [];
  const fresh = corpus.filter((input) => !files.has(Buffer.from(input).toString('hex')));
  return {
    executions: done?.executions ?? sharedInput.count,
    characters: done?.characters ?? 0,
    corpus,
    fresh,
    findings,
  };
}

/** Calls `hangs` when nothing was noted for too long. */
function hangWatch(sharedInput: SharedInput, hangs: () => void): () => void {
  let [count, since] = [0, Date.now()];
  return () => {
    if (sharedInput.count !== count) [count, since] = [sharedInput.count, Date.now()];
    else if (Date.now() - since > HANG_MS) hangs();
  };
}
