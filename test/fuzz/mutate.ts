// Makes new inputs of old ones: a few random edits each. Chance comes in as an argument.

import { INTERESTING_WORDS } from './arbitraries.js';

export type Random = () => number;

/** No input grows beyond this. */
export const MAX_INPUT = 2048;

type Edit = (input: Buffer, random: Random, words: readonly Uint8Array[]) => Buffer;

const upTo = (random: Random, most: number): number => Math.floor(random() * (most + 1));
const at = (input: Buffer, random: Random): number => upTo(random, Math.max(0, input.length - 1));
const spliced = (input: Buffer, from: number, removed: number, added: Uint8Array): Buffer =>
  Buffer.concat([input.subarray(0, from), added, input.subarray(from + removed)]);

function chunk(input: Buffer, random: Random): Buffer {
  const from = at(input, random);
  return input.subarray(from, from + 1 + upTo(random, Math.min(32, input.length)));
}

const EDITS: readonly Edit[] = [
  (input, random) => spliced(input, at(input, random), 1, Uint8Array.of(upTo(random, 255))),
  (input, random) => {
    const where = at(input, random);
    return spliced(input, where, 1, Uint8Array.of((input[where] ?? 0) ^ (1 << upTo(random, 7))));
  },
  (input, random) => {
    const where = at(input, random);
    return spliced(
      input,
      where,
      1,
      Uint8Array.of((input[where] ?? 0) + (random() < 0.5 ? 1 : -1) * (1 + upTo(random, 4))),
    );
  },
  (input, random, words) => {
    // a word over what is there
    const word = words[upTo(random, words.length - 1)] as Uint8Array;
    return spliced(input, at(input, random), word.length, word);
  },
  (input, random, words) => spliced(input, at(input, random), 0, words[upTo(random, words.length - 1)] as Uint8Array),
  (input, random) => spliced(input, upTo(random, input.length), 0, chunk(input, random)),
  (input, random) => spliced(input, at(input, random), 1 + upTo(random, 16), Buffer.alloc(0)),
  (input, random) => input.subarray(0, upTo(random, input.length)),
  (input, random) =>
    spliced(
      input,
      upTo(random, input.length),
      0,
      Buffer.alloc(1 + upTo(random, 8)).map(() => upTo(random, 255)),
    ),
];

/** One to eight edits of an input; one in six is crossed with another first. */
export function mutate(input: Uint8Array, other: Uint8Array, words: readonly Uint8Array[], random: Random): Uint8Array {
  const all = [...words, ...INTERESTING_WORDS];
  let mutant: Buffer = Buffer.from(input);
  if (random() < 1 / 6)
    mutant = Buffer.concat([
      mutant.subarray(0, upTo(random, mutant.length)),
      other.subarray(upTo(random, other.length)),
    ]);
  for (let edits = 1 << upTo(random, 3); edits > 0; edits--) {
    mutant = (EDITS[upTo(random, EDITS.length - 1)] as Edit)(mutant, random, all);
  }
  return new Uint8Array(mutant.subarray(0, MAX_INPUT));
}
