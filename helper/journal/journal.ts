// The lease table on disk: append a frame, one fdatasync, and only then may an answer go out. The only file here that
// touches the file system. A failed write or sync throws and ends the process: the content of the disk is then unknown.

import type { AnyLease, Change, Clock, Journal, Replayed } from '../types.js';
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Leases } from '../leases.js';
import { inParts, netChanges } from '../leases.js';
import { encodeFrame, MAGIC, MAGIC_PINHOLES, replay } from './format.js';

const FILE = 'leases.journal';
/** A journal below this is not rewritten, in bytes. */
const SMALL_BYTES = 256 * 1024;
/** Compact at this many times the minimal size: every start reads the whole file. */
const GROWTH = 2;
/** Of a lease in a rewritten file, in bytes. */
const LEASE_BYTES = 28;
/** Leases in one frame of a rewritten journal. */
const LEASES_PER_FRAME = 4096;

/** Read the journal of a state directory, which is made if it is missing. @throws if it cannot be read. */
export function readJournal(folder: string): Replayed {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    return replay(readFileSync(join(folder, FILE)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'empty' };
    throw error;
  }
}

/** Keep a damaged journal for inspection; it replaces the one before. Returns its path. */
export function moveAside(folder: string): string {
  const aside = join(folder, `${FILE}.damaged`);
  renameSync(join(folder, FILE), aside);
  return aside;
}

export class JournalFile implements Journal {
  readonly #folder: string;
  readonly #magic: Buffer;
  #file = -1;
  #bytes = 0;

  /** Opens the journal with exactly these leases: every start begins with a rewritten file. */
  constructor(folder: string, leases: Iterable<AnyLease>, clock: Clock, now: number, hasPinholes = false) {
    this.#folder = folder;
    this.#magic = hasPinholes ? MAGIC_PINHOLES : MAGIC;
    this.#rewrite(leases, clock, now);
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(changes: readonly Change[], clock: Clock | null, now: number): void {
    this.#write(this.#file, encodeFrame(netChanges(changes), clock, now));
    fdatasyncSync(this.#file);
  }

  compact(table: Pick<Leases, 'size' | 'pinholes' | 'all'>, clock: Clock, now: number): void {
    const size = table.size + 2 * table.pinholes.size; // a pinhole takes as much as two mappings
    const isLong = this.#bytes >= Math.max(SMALL_BYTES, GROWTH * LEASE_BYTES * size);
    // Somebody has deleted or replaced the file: what goes into this one is lost at the end of the process.
    if (isLong || fstatSync(this.#file).nlink === 0) this.#rewrite(table.all(), clock, now);
  }

  /** A crash at any point of this leaves the old file or the new one, whole. */
  #rewrite(leases: Iterable<AnyLease>, clock: Clock, now: number): void {
    const path = join(this.#folder, FILE);
    const fresh = openSync(`${path}.new`, 'w', 0o600);
    try {
      this.#bytes = 0;
      this.#write(fresh, this.#magic);
      const changes = Array.from(leases, (after): Change => ({ before: undefined, after }));
      const frames = inParts(changes, LEASES_PER_FRAME);
      for (const frame of frames.length > 0 ? frames : [[]]) this.#write(fresh, encodeFrame(frame, clock, now));
      fdatasyncSync(fresh);
    } catch (error) {
      closeSync(fresh); // a start on a full disk tries again and again
      throw error;
    }
    renameSync(`${path}.new`, path);
    const folder = openSync(this.#folder, 'r');
    fsyncSync(folder); // without this the rename itself may be lost
    closeSync(folder);
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = fresh;
  }

  #write(file: number, data: Buffer): void {
    for (let written = 0; written < data.length; ) written += writeSync(file, data, written);
    this.#bytes += data.length;
  }
}
