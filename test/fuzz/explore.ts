// The coverage-guided loop: mutate what is in the corpus, keep what reaches code that nothing reached before.

import * as fc from 'fast-check';
import type { Coverage } from './coverage.js';
import { minimise, signatureOf } from './minimise.js';
import { mutate } from './mutate.js';
import type { Random } from './mutate.js';
import type { Target } from './target.js';

/** Reading the coverage costs as much as many executions: so many inputs share one reading. */
const BATCH = 48;
/** One input in so many is drawn from the target's own generator. */
const FRESH_ONE_IN = 8;
const DRAWN_AT_ONCE = 64;
const MINIMISING_EXECUTIONS = 5000;

export interface Finding {
  readonly signature: string;
  readonly error: unknown;
  readonly input: Uint8Array;
}

export interface Exploring {
  readonly random: Random;
  readonly coverage: Coverage;
  readonly isOver: () => boolean;
  /** Called before each execution. */
  readonly runs: (input: Uint8Array) => void;
  readonly found: (finding: Finding) => void;
}

export class Explorer {
  readonly #target: Target;
  readonly #world: Exploring;
  readonly corpus: Uint8Array[] = [];
  readonly #signatures = new Set<string>();
  #drawn: Uint8Array[] = [];
  executions = 0;

  constructor(target: Target, world: Exploring) {
    this.#target = target;
    this.#world = world;
  }

  async explore(beginning: readonly Uint8Array[]): Promise<void> {
    this.#world.coverage.take();
    for (const input of beginning) await this.#measure(input);
    while (!this.#world.isOver()) {
      const batch = Array.from({ length: BATCH }, () => this.#next());
      for (const input of batch) await this.#execute(input);
      if (!this.#world.coverage.isNew()) continue;
      for (const input of batch) await this.#measure(input);
    }
  }

  /** Run one input by itself, and keep it if it reaches new code. */
  async #measure(input: Uint8Array): Promise<void> {
    await this.#execute(input);
    if (this.#world.coverage.take() > 0) this.corpus.push(input);
  }

  #next(): Uint8Array {
    const { random } = this.#world;
    if (this.corpus.length === 0 || random() * FRESH_ONE_IN < 1) return this.#draw();
    return mutate(this.#pick(), this.#pick(), this.#target.words, random);
  }

  /** The newest more often: they lead to where the search is. */
  #pick(): Uint8Array {
    const { random } = this.#world;
    const newest = 1 - (random() < 0.5 ? random() : random() ** 3);
    return this.corpus[Math.min(this.corpus.length - 1, Math.floor(newest * this.corpus.length))] as Uint8Array;
  }

  #draw(): Uint8Array {
    if (this.#drawn.length === 0) {
      this.#drawn = fc.sample(this.#target.inputs, {
        numRuns: DRAWN_AT_ONCE,
        seed: Math.floor(this.#world.random() * 2 ** 31),
      });
    }
    return this.#drawn.pop() as Uint8Array;
  }

  async #execute(input: Uint8Array): Promise<void> {
    const error = await this.#failure(input);
    if (error === null) return;
    const signature = signatureOf(error);
    if (this.#signatures.has(signature)) return;
    this.#signatures.add(signature);
    const small = await minimise(
      input,
      async (candidate) => {
        const other = await this.#failure(candidate);
        return other !== null && signatureOf(other) === signature;
      },
      MINIMISING_EXECUTIONS,
    );
    this.#world.found({ signature, error: await this.#failure(small), input: small });
  }

  async #failure(input: Uint8Array): Promise<unknown> {
    this.executions++;
    this.#world.runs(input);
    try {
      await this.#target.run(input);
      return null;
    } catch (error) {
      return error ?? new Error('threw nothing');
    }
  }
}
