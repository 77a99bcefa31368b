// One target, explored in a thread of its own: the thread can be ended when an input makes it hang.

import { parentPort, workerData } from 'node:worker_threads';
import { seeded } from '../frontend/support.js';
import { readCorpus } from './corpus.js';
import { Coverage } from './coverage.js';
import { Explorer } from './explore.js';
import { TARGETS } from './targets.js';
import { SharedInput } from './shared-input.js';

export interface Task {
  readonly target: string;
  readonly seed: number;
  readonly milliseconds: number;
  readonly notes: SharedArrayBuffer;
}

export type Said =
  | { readonly kind: 'finding'; readonly signature: string; readonly error: string; readonly input: Uint8Array }
  | {
      readonly kind: 'done';
      readonly executions: number;
      readonly characters: number;
      readonly corpus: readonly Uint8Array[];
    };

if (parentPort !== null) await work(workerData as Task, (said) => parentPort?.postMessage(said));

async function work(task: Task, say: (said: Said) => void): Promise<void> {
  const target = TARGETS.find(({ name }) => name === task.target);
  if (target === undefined) throw new Error(`no target ${task.target}`);
  const sharedInput = new SharedInput(task.notes);
  const end = Date.now() + task.milliseconds;
  const coverage = new Coverage();
  const explorer = new Explorer(target, {
    random: seeded(task.seed),
    coverage,
    isOver: () => Date.now() >= end,
    runs: (input) => sharedInput.note(input),
    found: ({ signature, error, input }) =>
      say({
        kind: 'finding',
        signature,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        input,
      }),
  });
  await explorer.explore([...Object.values(target.seeds), ...readCorpus(target.name).map(({ input }) => input)]);
  say({ kind: 'done', executions: explorer.executions, characters: coverage.characters, corpus: explorer.corpus });
  coverage.close();
}
