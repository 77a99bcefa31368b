// What a fuzz target is. Every target takes bytes, so that one input can be generated, mutated, shrunk, kept in a file
// and run again by any engine.

import type { Arbitrary } from 'fast-check';

export interface Target {
  readonly name: string;
  /** Inputs that mean something to the target; the property-based engine draws from them. */
  readonly inputs: Arbitrary<Uint8Array>;
  /** The dictionary: byte strings that get an input past a comparison. */
  readonly words: readonly Uint8Array[];
  /** What the corpus begins with, by name; kept as files too. */
  readonly seeds: Readonly<Record<string, Uint8Array>>;
  /** Run one input from a fresh state. @throws if a property does not hold. */
  run(input: Uint8Array): void | Promise<void>;
}

/** A property that does not hold. The message names the property, then what was seen. */
export class Violation extends Error {}

export function must(holds: boolean, property: string, seen?: unknown): asserts holds {
  if (!holds) throw new Violation(seen === undefined ? property : `${property}: ${JSON.stringify(seen)}`);
}

/** Reads an input as numbers, big endian. Beyond the end everything is zero, so that every input means something. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u8(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16();
  }

  bytes(length: number): Uint8Array {
    const taken = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  /** One of the list, by one byte. */
  pick<T>(list: readonly T[]): T {
    return list[this.u8() % list.length] as T;
  }
}
