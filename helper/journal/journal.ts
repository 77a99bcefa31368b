// The lease table on disk: append a frame, one fdatasync, and only then may an answer go out. The only file here that
// touches the file system. A failed write or sync throws and ends the process: the content of the disk is then unknown.

import type { Change, Clock, Journal, Replayed } from '../types.js';
import type { Lease } from '../../proto/lease.js';
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Table } from '../../proto/table.js';
import { readRegularFile } from '../../process/read-file.js';
import { externalKey } from '../../proto/mapping.js';
import { netChanges } from '../leases.js';
import { encodeFrame, MAGIC, replay } from './format.js';

const FILE = 'leases.journal';
/** More than any table and its changes take: twice 129,024 leases are 8 MB. */
const MAX_BYTES = 64 << 20;
/** A journal below this is not rewritten, in bytes. */
const SMALL_BYTES = 256 * 1024;
/** Compact at this many times the minimal size: every start reads the whole file. */
const GROWTH = 2;
/** Of a lease in a rewritten file, in bytes. */
const LEASE_BYTES = 28;
/** A journal is rewritten in parts of so many leases, one after each group of changes, for nobody to wait: some 15 ms. */
const LEASES_PER_PART = 4096;

/** Read the journal of a state directory, which is made if it is missing. @throws if it cannot be read. */
export function readJournal(folder: string): Replayed {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    return replay(readRegularFile(join(folder, FILE), MAX_BYTES));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { kind: 'empty' };
    if (code === undefined) return { kind: 'damaged', at: 0 }; // a folder, a FIFO, a device, or far too large
    throw error;
  }
}

/** Keep a damaged journal for inspection; it replaces the one before. Returns its path. */
export function moveAside(folder: string): string {
  const aside = join(folder, `${FILE}.damaged`);
  rmSync(aside, { recursive: true, force: true }); // a file cannot take the place of a folder, nor the other way
  renameSync(join(folder, FILE), aside);
  return aside;
}

interface OpenFile {
  readonly fd: number;
  bytes: number;
  /** The external key of the last lease that a rewritten file has. */
  after: number;
}

type Leases = Pick<Table, 'size' | 'above'>;

export class JournalFile implements Journal {
  readonly #path: string;
  readonly #folder: string;
  #file: OpenFile | null = null;
  /** A rewritten one, not yet in force. */
  #fresh: OpenFile | null = null;

  /** Opens the journal with exactly these leases: every start begins with a rewritten file. */
  constructor(folder: string, table: Leases, clock: Clock, now: number) {
    this.#folder = folder;
    this.#path = join(folder, FILE);
    try {
      this.#begin();
      while (this.#fresh !== null) this.#rewritePart(table, clock, now);
    } catch (error) {
      if (this.#fresh !== null) closeSync(this.#fresh.fd); // a start on a full disk tries again and again
      throw error;
    }
  }

  get bytes(): number {
    return this.#file!.bytes;
  }

  append(changes: readonly Change[], clock: Clock | null, now: number): void {
    const frame = encodeFrame(netChanges(changes), clock, now);
    write(this.#file!, frame);
    // Whether the lease is in a part that is written already or in one that follows, this is the last word about it.
    if (this.#fresh !== null) write(this.#fresh, frame);
    fdatasyncSync(this.#file!.fd);
  }

  compact(table: Leases, clock: Clock, now: number): void {
    // Somebody has deleted or replaced the file: what goes into this one is lost at the end of the process.
    const isGone = fstatSync(this.#file!.fd).nlink === 0;
    const isLong = this.bytes >= Math.max(SMALL_BYTES, GROWTH * LEASE_BYTES * table.size);
    if (this.#fresh === null && !isLong && !isGone) return;
    if (this.#fresh === null) this.#begin();
    do this.#rewritePart(table, clock, now);
    while (isGone && this.#fresh !== null);
  }

  #begin(): void {
    this.#fresh = { fd: openSync(`${this.#path}.new`, 'w', 0o600), bytes: 0, after: 0 };
    write(this.#fresh, MAGIC);
  }

  /** Write the next leases. A crash at any point of this leaves the old file or the new one, whole. */
  #rewritePart(table: Leases, clock: Clock, now: number): void {
    const fresh = this.#fresh!;
    const part: Lease[] = [];
    for (const lease of table.above(fresh.after)) if (part.push(lease) === LEASES_PER_PART) break;
    write(
      fresh,
      encodeFrame(
        part.map((after) => ({ before: undefined, after })),
        clock,
        now,
      ),
    );
    fdatasyncSync(fresh.fd);
    const last = part.at(-1);
    if (part.length === LEASES_PER_PART) fresh.after = externalKey(last!.protocol, last!.externalPort);
    else this.#putInForce(fresh);
  }

  #putInForce(fresh: OpenFile): void {
    renameSync(`${this.#path}.new`, this.#path);
    const folder = openSync(this.#folder, 'r');
    fsyncSync(folder); // without this the rename itself may be lost
    closeSync(folder);
    if (this.#file !== null) closeSync(this.#file.fd);
    [this.#file, this.#fresh] = [fresh, null];
  }
}

function write(file: OpenFile, data: Buffer): void {
  for (let written = 0; written < data.length; ) written += writeSync(file.fd, data, written);
  file.bytes += data.length;
}
