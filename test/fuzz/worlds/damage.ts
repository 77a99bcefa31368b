// What happens to files: cut short, bits flipped, blocks zeroed, written over, doubled or in the wrong order.

import type { Reader } from '../target.js';

export interface Damaged {
  readonly bytes: Buffer;
  /** Nothing but its end is missing or zero: what is left has to be what the file once held. */
  readonly isCut: boolean;
  /** Bytes were changed in their places, and not to zeros up to the end: that has to be noticed. */
  readonly isChanged: boolean;
}

const KIND = {
  CUT: 0,
  FLIP: 1,
  ZERO_TO_END: 2,
  OVERWRITE: 3,
  INSERT: 4,
  DOUBLE_FRAME: 5,
  SWAP_FRAMES: 6,
  ZEROS_AFTER: 7,
  HALF_FRAME: 8,
} as const;

/** Read damages until the reader is at its end; an undamaged file counts as cut by nothing. */
export function damage(frames: readonly Buffer[], reader: Reader): Damaged {
  let [whole, isCut, isInPlace] = [[...frames], true, true];
  while (!reader.isDone) {
    const [kind, where, long, value] = [reader.u8() % 9, reader.u16(), reader.u16(), reader.u8()];
    isInPlace &&= kind === KIND.FLIP || kind === KIND.OVERWRITE;
    isCut &&=
      kind === KIND.CUT ||
      kind === KIND.ZERO_TO_END ||
      kind === KIND.ZEROS_AFTER ||
      kind === KIND.FLIP ||
      kind === KIND.OVERWRITE;
    whole =
      kind === KIND.DOUBLE_FRAME || kind === KIND.SWAP_FRAMES
        ? ofFrames(whole, kind, where, long)
        : [ofBytes(Buffer.concat(whole), kind, where, long, value)];
  }
  const bytes = Buffer.concat(whole);
  return { bytes, isCut, isChanged: isInPlace && hasChanged(Buffer.concat(frames), bytes) };
}

function hasChanged(before: Buffer, after: Buffer): boolean {
  const first = before.findIndex((byte, at) => byte !== after[at]);
  return first >= 0 && after.subarray(first).some((byte) => byte !== 0);
}

function ofFrames(frames: readonly Buffer[], kind: number, where: number, long: number): Buffer[] {
  const changed = [...frames];
  const [from, to] = [where % frames.length, long % frames.length];
  if (kind === KIND.DOUBLE_FRAME) changed.splice(to, 0, frames[from] as Buffer);
  else [changed[from], changed[to]] = [frames[to] as Buffer, frames[from] as Buffer];
  return changed;
}

function ofBytes(file: Buffer, kind: number, where: number, long: number, value: number): Buffer {
  const at = file.length === 0 ? 0 : where % file.length;
  const bytes = Buffer.from(file);
  switch (kind) {
    case KIND.CUT:
      return bytes.subarray(0, at);
    case KIND.FLIP:
      if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ (1 << (value & 7));
      return bytes;
    case KIND.ZERO_TO_END:
      return bytes.fill(0, at);
    case KIND.OVERWRITE:
      return bytes.fill(value, at, Math.min(bytes.length, at + 1 + (long % 64)));
    case KIND.INSERT:
      return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + (long % 64), value), bytes.subarray(at)]);
    case KIND.ZEROS_AFTER:
      return Buffer.concat([bytes, Buffer.alloc(long % 4096)]);
    default: // a write that did not come to its end, and then more of the file's own bytes
      return Buffer.concat([bytes, bytes.subarray(at, at + (long % 64))]);
  }
}
