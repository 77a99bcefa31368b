// The lease table on disk: append a frame, one fdatasync, and only then may an answer go out. The only file here that
// touches the file system. A failed write or sync throws and ends the process: the content of the disk is then unknown.

import type { Change, Clock, Journal, Replayed } from '../types.js';
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { readRegularFile } from '../../process/read-file.js';
import type { Leases } from '../leases.js';
import { netChanges } from '../leases.js';
import { encodeFrame, MAGIC, MAGIC_PINHOLES, replay } from './format.js';

const FILE = 'leases.journal';
/** More than any table and its changes take: twice 129,024 leases are 8 MB. */
const MAX_BYTES = 64 << 20;
/** A journal below this is not rewritten, in bytes: as long as one of 9,000 leases may become. */
const SMALL_BYTES = 512 * 1024;
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

/** Free this path. A folder gets another name: to remove one takes as long, and as much stack, as it is deep. */
function makeWay(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) rmSync(path, { force: true });
  else renameSync(path, mkdtempSync(`${path}.`));
}

/** Keep a damaged journal for inspection; it replaces the one before. Returns its path. */
export function moveAside(folder: string): string {
  const aside = join(folder, `${FILE}.damaged`);
  makeWay(aside); // a file cannot take the place of a folder, nor the other way
  renameSync(join(folder, FILE), aside);
  return aside;
}

interface OpenFile {
  readonly fd: number;
  bytes: number;
  /** The last mapping and the last pinhole that a rewritten file has, as `Leases.all` takes them. */
  readonly after: { mapping: number; pinhole: number };
}

type Table = Pick<Leases, 'size' | 'pinholes' | 'all' | 'cursorOf'>;

export class JournalFile implements Journal {
  readonly #path: string;
  readonly #folder: string;
  readonly #magic: Buffer;
  #file: OpenFile | null = null;
  /** A rewritten one, not yet in force. */
  #fresh: OpenFile | null = null;

  /** Opens the journal with exactly these leases: every start begins with a rewritten file. */
  constructor(folder: string, table: Table, clock: Clock, now: number, hasPinholes = false) {
    this.#folder = folder;
    this.#magic = hasPinholes ? MAGIC_PINHOLES : MAGIC;
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

  compact(table: Table, clock: Clock, now: number): void {
    // Somebody has deleted, replaced or changed the file: what goes into this one is lost at the end of the process.
    const isGone = !isOurs(this.#path, this.#file!);
    const size = table.size + 2 * table.pinholes.size; // a pinhole takes as much as two mappings
    const isLong = this.bytes >= Math.max(SMALL_BYTES, GROWTH * LEASE_BYTES * size);
    if (this.#fresh === null && !isLong && !isGone) return;
    if (this.#fresh === null) this.#begin();
    do this.#rewritePart(table, clock, now);
    while (isGone && this.#fresh !== null);
  }

  #begin(): void {
    const path = `${this.#path}.new`;
    makeWay(path); // whatever it is: to open a FIFO would never end
    // Appending, because after a truncation a write at the old offset would restore the size, over zeros.
    this.#fresh = { fd: openSync(path, 'ax', 0o600), bytes: 0, after: { mapping: 0, pinhole: 0 } };
    write(this.#fresh, this.#magic);
  }

  /** Write the next leases. A crash at any point of this leaves the old file or the new one, whole. */
  #rewritePart(table: Table, clock: Clock, now: number): void {
    const fresh = this.#fresh!;
    const part: Change[] = [];
    for (const after of table.all(fresh.after)) if (part.push({ before: undefined, after }) === LEASES_PER_PART) break;
    write(fresh, encodeFrame(part, clock, now));
    fdatasyncSync(fresh.fd);
    for (const { after } of part) fresh.after['address' in after! ? 'pinhole' : 'mapping'] = table.cursorOf(after!);
    if (part.length < LEASES_PER_PART) this.#putInForce(fresh);
  }

  #putInForce(fresh: OpenFile): void {
    if (!isOurs(`${this.#path}.new`, fresh)) {
      this.#begin();
      return closeSync(fresh.fd);
    }
    if (lstatSync(this.#path, { throwIfNoEntry: false })?.isDirectory() === true) moveAside(this.#folder);
    renameSync(`${this.#path}.new`, this.#path);
    const folder = openSync(this.#folder, 'r');
    fsyncSync(folder); // without this the rename itself may be lost
    closeSync(folder);
    if (this.#file !== null) closeSync(this.#file.fd);
    [this.#file, this.#fresh] = [fresh, null];
  }
}

/** Whether the path still leads to this file, and nobody else has made it longer or shorter. */
function isOurs(path: string, { fd, bytes }: OpenFile): boolean {
  const [there, held] = [lstatSync(path, { throwIfNoEntry: false }), fstatSync(fd)];
  return there?.ino === held.ino && there.dev === held.dev && held.size === bytes;
}

function write(file: OpenFile, data: Buffer): void {
  for (let written = 0; written < data.length; ) written += writeSync(file.fd, data, written);
  file.bytes += data.length;
}
