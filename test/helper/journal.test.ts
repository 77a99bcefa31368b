// The journal on a real file system.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Lease } from '../../proto/mapping.js';
import { JournalFile, moveAside, readJournal } from '../../helper/journal/journal.js';
import type { HeldPinhole } from '../../helper/types.js';
import { Leases } from '../../helper/leases.js';
import { Pinholes } from '../../helper/pinholes.js';
import { atEnd, claims } from '../support/cases.js';
import { lease, pinhole } from './leases.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmp-journal-'));
atEnd(() => rmSync(folder, { recursive: true }));
const fresh = (name: string) => join(folder, name);
const clock = { bootId: 'b1', wallOffsetMs: 0, epochStartMs: 0, agedAtMs: 0 };
const leases = (folderName: string) => {
  const read = readJournal(folderName);
  return read.kind === 'intact' ? read.leases : read.kind;
};
const asTable = (leases: readonly Lease[]) => ({
  size: leases.length,
  pinholes: new Pinholes(),
  all: () => leases.values() as Generator<Lease>,
});
const web = lease();
const renewed = lease({ expiresAt: 9_000_000 });

claims('JournalFile', {
  'a missing folder is made, private, and empty': () => {
    assert.is(leases(fresh('a')), 'empty');
    assert.is(statSync(fresh('a')).mode & 0o777, 0o700);
  },
  'an appended record is on disk when append returns': () => {
    readJournal(fresh('b'));
    const journal = new JournalFile(fresh('b'), [], clock, 1);
    journal.append([{ before: undefined, after: web }], null, 2);
    assert.equal(leases(fresh('b')), [web]);
    journal.append([{ before: web, after: renewed }], null, 3);
    assert.equal(leases(fresh('b')), [renewed]);
    journal.append([{ before: renewed, after: undefined }], null, 4);
    assert.equal(leases(fresh('b')), []);
    assert.is(statSync(join(fresh('b'), 'leases.journal')).size, journal.bytes);
    assert.is(statSync(join(fresh('b'), 'leases.journal')).mode & 0o777, 0o600);
  },
  'a journal that outgrows the table is rewritten, and goes on': () => {
    readJournal(fresh('c'));
    const journal = new JournalFile(fresh('c'), [web], clock, 1);
    let largest = 0;
    for (let round = 0; round < 300; round++) {
      journal.append(
        Array.from({ length: 200 }, (_, index) => ({
          before: undefined,
          after: lease({ externalPort: 10000 + index, internalPort: 1 + index }),
        })),
        null,
        2,
      );
      largest = Math.max(largest, journal.bytes);
      journal.compact(asTable([web]), clock, 3);
    }
    assert.ok(largest < 2 * 1024 * 1024, `${largest} bytes`);
    assert.ok(journal.bytes < 1024 * 1024);
    journal.append([{ before: web, after: renewed }], null, 4);
    assert.ok((leases(fresh('c')) as unknown[]).length >= 1);
    assert.equal(readdirSync(fresh('c')), ['leases.journal']);
  },
  'a journal that somebody has deleted or replaced is written again, with all the table has': () => {
    readJournal(fresh('h'));
    const path = join(fresh('h'), 'leases.journal');
    const journal = new JournalFile(fresh('h'), [web], clock, 1);
    for (const takeAway of [() => rmSync(path), () => renameSync(`${path}.other`, path)]) {
      writeFileSync(`${path}.other`, 'other');
      takeAway();
      journal.append([{ before: web, after: renewed }], null, 2);
      journal.compact(asTable([renewed]), clock, 3);
      assert.equal(leases(fresh('h')), [renewed]);
    }
  },
  'a rewritten file is not rewritten at once, and a table that shrinks takes its file along': () => {
    readJournal(fresh('g'));
    const many = Array.from({ length: 60_000 }, (_, index) =>
      lease({
        internalAddress: 0xffffffff,
        externalPort: 1024 + index,
        internalPort: 1024 + index,
        lifetime: 0xffffffff,
        expiresAt: 2 ** 42,
      }),
    );
    const journal = new JournalFile(fresh('g'), many, clock, 1);
    const written = journal.bytes;
    journal.compact(asTable(many), clock, 2);
    assert.is(journal.bytes, written);
    assert.ok(written < 2 * 28 * many.length, `${written / many.length} bytes for a lease`);
    journal.compact(asTable(many.slice(0, 1000)), clock, 3);
    assert.ok(journal.bytes < written / 50);
    assert.equal(leases(fresh('g')), many.slice(0, 1000));
  },
  'more leases than fit one frame': () => {
    readJournal(fresh('d'));
    const many = Array.from({ length: 9000 }, (_, index) =>
      lease({ externalPort: 10000 + index, internalPort: 1 + index }),
    );
    new JournalFile(fresh('d'), many, clock, 1);
    assert.equal(leases(fresh('d')), many);
  },
  'with pinholes the file begins otherwise, and holds both kinds': () => {
    readJournal(fresh('p'));
    const path = join(fresh('p'), 'leases.journal');
    const ssh = pinhole();
    const journal = new JournalFile(fresh('p'), [web, ssh], clock, 1, true);
    assert.is(readFileSync(path).toString('latin1', 0, 8), 'natpmp-2');
    assert.equal(leases(fresh('p')), [web, ssh]);
    journal.append([{ before: ssh, after: undefined }], null, 2);
    assert.equal(leases(fresh('p')), [web]);
    new JournalFile(fresh('p'), [web], clock, 3);
    assert.is(readFileSync(path).toString('latin1', 0, 8), 'natpmp-1', 'pinholes are off again');
    assert.equal(leases(fresh('p')), [web]);
  },
  'a journal of pinholes is rewritten when it outgrows them': () => {
    readJournal(fresh('q'));
    const table = new Leases();
    for (let port = 1; port <= 16_384; port++) table.apply({ before: undefined, after: pinhole({ port }) });
    const journal = new JournalFile(fresh('q'), table.all(), clock, 1, true);
    const written = journal.bytes;
    const file = () => statSync(join(fresh('q'), 'leases.journal')).ino;
    const first = file();
    journal.compact(table, clock, 2);
    assert.is(file(), first, 'not at once');
    const all = [...table.all()].map((each) => ({ before: each, after: each as HeldPinhole }));
    for (let round = 0; round < 3; round++) {
      journal.append(
        all.map(({ before, after }) => ({ before, after: { ...after } })),
        null,
        3,
      );
      journal.compact(table, clock, 3);
    }
    assert.is.not(file(), first);
    assert.ok(journal.bytes < 3 * written, `${journal.bytes} of ${written} bytes`);
    assert.equal((leases(fresh('q')) as unknown[]).length, 16_384);
  },
  'a left-over of an unfinished rewrite is no harm': () => {
    readJournal(fresh('e'));
    new JournalFile(fresh('e'), [web], clock, 1);
    writeFileSync(join(fresh('e'), 'leases.journal.new'), 'half');
    assert.equal(leases(fresh('e')), [web]);
    new JournalFile(fresh('e'), [web], clock, 1);
    assert.is(existsSync(join(fresh('e'), 'leases.journal.new')), false);
  },
  'a damaged journal is moved aside as it was': () => {
    readJournal(fresh('f'));
    writeFileSync(join(fresh('f'), 'leases.journal'), 'rubbish');
    assert.is(leases(fresh('f')), 'damaged');
    assert.is(readFileSync(moveAside(fresh('f')), 'utf8'), 'rubbish');
    assert.is(leases(fresh('f')), 'empty');
  },
  'a journal that cannot be read throws, and is left alone': () => {
    readJournal(fresh('g'));
    chmodSync(fresh('g'), 0o700);
    rmSync(join(fresh('g'), 'leases.journal'), { force: true });
    writeFileSync(fresh('not-a-folder'), '');
    assert.throws(() => readJournal(fresh('not-a-folder')), /EEXIST|ENOTDIR/);
  },
  'a full disk at the start: the error, and nothing stays open however often it is tried': () => {
    const folder = fresh('full');
    mkdirSync(folder);
    symlinkSync('/dev/full', join(folder, 'leases.journal.new'));
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let tries = 0; tries < 20; tries++)
      assert.throws(
        () => new JournalFile(folder, [web], clock, 1),
        ({ code }: NodeJS.ErrnoException) => code === 'ENOSPC',
      );
    assert.is(open(), before);
  },
});
