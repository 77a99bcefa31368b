// Building blocks of inputs: numbers with a bias to those where something changes, as big endian bytes.

import * as fc from 'fast-check';

type Bytes = fc.Arbitrary<Uint8Array>;

/** Ports, lifetimes, addresses and opcodes at which the code decides; also offered to the mutator as words. */
export const INTERESTING = {
  1: [0, 1, 2, 3, 6, 17, 127, 128, 129, 130, 255],
  2: [0, 1, 80, 1023, 1024, 2000, 5351, 8080, 49151, 49152, 65534, 65535],
  4: [
    0, 1, 60, 3600, 86400, 86401, 0x7fffffff, 0xc0a80101, 0xc0a8010a, 0xc0a8010b, 0xc0a801ff, 0xcb007107, 0xfffffffe,
    0xffffffff,
  ],
} as const;

export function be(value: number, width: 1 | 2 | 4): Buffer {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntBE(value, 0, width);
  return bytes;
}

export const INTERESTING_WORDS: readonly Uint8Array[] = ([1, 2, 4] as const).flatMap((width) =>
  INTERESTING[width].map((value) => be(value, width)),
);

const number = (width: 1 | 2 | 4): Bytes =>
  fc
    .oneof(
      { weight: 3, arbitrary: fc.constantFrom(...INTERESTING[width]) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 ** (8 * width) - 1 }) },
    )
    .map((value) => be(value, width));

export const u8 = number(1);
export const u16 = number(2);
export const u32 = number(4);

/** A byte below `count`. */
export const below = (count: number): Bytes =>
  fc.integer({ min: 0, max: count - 1 }).map((value) => Uint8Array.of(value));
export const just = (...bytes: number[]): Bytes => fc.constant(Uint8Array.from(bytes));
export const raw = (maxLength: number): Bytes => fc.uint8Array({ maxLength });

export const join = (...parts: Bytes[]): Bytes => fc.tuple(...parts).map((list) => Buffer.concat(list));
/** Any number of these one after the other, some of them more often. */
export const sequence = (
  maxLength: number,
  ...steps: readonly { readonly weight: number; readonly arbitrary: Bytes }[]
): Bytes => fc.array(fc.oneof(...steps), { maxLength, size: 'max' }).map((list) => Buffer.concat(list));
