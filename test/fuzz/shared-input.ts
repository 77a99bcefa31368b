// The input that is being run, where another thread can see it: if it never comes back, it is a finding.

import { MAX_INPUT } from './mutate.js';

const HEAD = 8;

export class SharedInput {
  readonly #head: Int32Array;
  readonly #input: Uint8Array;

  constructor(shared: SharedArrayBuffer) {
    this.#head = new Int32Array(shared, 0, 2);
    this.#input = new Uint8Array(shared, HEAD);
  }

  static buffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(HEAD + 8 * MAX_INPUT);
  }

  /** How many inputs were noted. */
  get count(): number {
    return Atomics.load(this.#head, 0) >>> 0;
  }

  note(input: Uint8Array): void {
    const kept = input.subarray(0, this.#input.length);
    this.#input.set(kept);
    this.#head[1] = kept.length;
    Atomics.add(this.#head, 0, 1);
  }

  input(): Uint8Array {
    return Uint8Array.from(this.#input.subarray(0, this.#head[1]));
  }
}
