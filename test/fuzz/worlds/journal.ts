// A journal in memory, byte for byte what JournalFile writes.

import type { AnyLease, Change, Clock, Journal } from '../../../helper/types.js';
import { netChanges } from '../../../helper/leases.js';
import { encodeFrame, MAGIC } from '../../../helper/journal/format.js';

export class MemoryJournal implements Journal {
  #frames: Buffer[] = [];
  /** Each lease that a frame put. */
  readonly put: AnyLease[] = [];
  /** The next append ends the process: before its bytes are on disk, or after half of them. */
  failNext: 'before' | 'torn' | null = null;

  get bytes(): number {
    return this.bytesOnDisk().length;
  }

  append(changes: readonly Change[], clock: Clock | null, now: number): void {
    const frame = encodeFrame(netChanges(changes), clock, now);
    const failure = this.failNext;
    this.failNext = null;
    if (failure === 'torn') this.#frames.push(frame.subarray(0, frame.length >>> 1));
    if (failure !== null) throw new Crash();
    this.#frames.push(frame);
    for (const { after } of changes) if (after !== undefined) this.put.push(after);
  }

  compact(): void {}

  rewrite(leases: Iterable<AnyLease>, clock: Clock, now: number): void {
    this.#frames = [MAGIC];
    this.append(
      [...leases].map((after) => ({ before: undefined, after })),
      clock,
      now,
    );
  }

  /** The file, frame by frame; the first is the start. */
  get frames(): readonly Buffer[] {
    return this.#frames;
  }

  bytesOnDisk(): Buffer {
    return Buffer.concat(this.#frames);
  }
}

/** The process ends here, on purpose. */
export class Crash extends Error {}
