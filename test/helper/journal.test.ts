// The journal on a real file system.

import { spawnSync } from 'node:child_process';
import fs, {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Lease } from '../../proto/mapping.js';
import { externalKey } from '../../proto/mapping.js';
import { JournalFile, moveAside, readJournal } from '../../helper/journal/journal.js';
import type { AnyLease, HeldPinhole } from '../../helper/types.js';
import { Leases } from '../../helper/leases.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { lease, pinhole } from './leases.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmp-journal-'));
atEnd(() => rmSync(folder, { recursive: true }));
const fresh = (name: string) => join(folder, name);
const clock = { bootId: 'b1', wallOffsetMs: 0, epochStartMs: 0, agedAtMs: 0 };
const leases = (folderName: string) => {
  const read = readJournal(folderName);
  return read.kind === 'intact' ? read.leases : read.kind;
};
const asTable = (held: readonly AnyLease[]) => {
  const table = new Leases();
  for (const after of held) table.apply({ before: undefined, after });
  return table;
};
const web = lease();
const renewed = lease({ expiresAt: 9_000_000 });

/** A folder with so many in each other: more than a recursion of Node's removes. */
const deep = (path: string, depth: number) =>
  spawnSync('sh', [
    '-euc',
    'mkdir "$1"; cd "$1"; for level in $(seq "$2"); do mkdir d; cd -P d; done',
    'sh',
    path,
    `${depth}`,
  ]);

cases<{ name: string; make: (path: string) => void }>(
  'a folder in the place of a file that it writes is moved out of the way, whatever is in it',
  [
    { name: 'empty', make: (path) => void mkdirSync(path) },
    { name: 'with a file', make: (path) => (mkdirSync(path), writeFileSync(join(path, 'full'), '')) },
    { name: 'that nobody may read', make: (path) => void mkdirSync(path, { mode: 0 }) },
    { name: '1,900 folders deep', make: (path) => void deep(path, 1900) },
  ],
  ({ name, make }) => {
    const state = fresh(`in the way ${name}`);
    readJournal(state);
    for (const held of [[web], [web, renewed]]) {
      for (const file of ['leases.journal.new', 'leases.journal.damaged']) make(join(state, file));
      writeFileSync(join(state, 'leases.journal'), 'rubbish');
      assert.is(readFileSync(moveAside(state), 'utf8'), 'rubbish');
      new JournalFile(state, asTable(held.slice(0, 1)), clock, 1);
      assert.equal(leases(state), [web]);
      rmSync(join(state, 'leases.journal.damaged'));
    }
    const left = readdirSync(state).sort();
    assert.equal(
      left.map((file) => file.replace(/\.[A-Za-z0-9]{6}$/, '')),
      ['leases.journal', ...Array(2).fill('leases.journal.damaged'), ...Array(2).fill('leases.journal.new')],
    );
    spawnSync('rm', ['-rf', state]);
  },
);

claims('JournalFile', {
  'a missing folder is made, private, and empty': () => {
    assert.is(leases(fresh('a')), 'empty');
    assert.is(statSync(fresh('a')).mode & 0o777, 0o700);
  },
  'an appended record is on disk when append returns': () => {
    readJournal(fresh('b'));
    const journal = new JournalFile(fresh('b'), asTable([]), clock, 1);
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
    const journal = new JournalFile(fresh('c'), asTable([web]), clock, 1);
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
  'a journal is not rewritten before it has 512 KiB, however small its table': () => {
    readJournal(fresh('s'));
    const journal = new JournalFile(fresh('s'), asTable([web]), clock, 1);
    const file = () => statSync(join(fresh('s'), 'leases.journal')).ino;
    const first = file();
    const batch = Array.from({ length: 400 }, (_, at) => ({
      before: undefined,
      after: lease({ externalPort: 10000 + at }),
    }));
    while (journal.bytes < 500 * 1024) {
      journal.append(batch, null, 2);
      journal.compact(asTable([web]), clock, 2);
      assert.is(file(), first, `at ${journal.bytes} bytes`);
    }
    while (journal.bytes < 512 * 1024) journal.append(batch, null, 3);
    journal.compact(asTable([web]), clock, 3);
    assert.is.not(file(), first);
    assert.ok(journal.bytes < 1024);
  },
  'a large table is rewritten in parts, while it changes; at each moment the file has all of it': () => {
    readJournal(fresh('p'));
    const held = new Leases();
    const at = (index: number, fields: Partial<Lease> = {}) =>
      lease({ externalPort: 10_000 + index, internalPort: 1 + index, ...fields });
    for (let index = 0; index < 10_000; index++) held.put(at(index));
    const journal = new JournalFile(fresh('p'), held, clock, 1);
    const grown = Array.from({ length: 10_000 }, (_, index) => ({ before: at(index), after: at(index) }));
    for (let round = 0; round < 2; round++)
      journal.append(
        grown.map(({ before, after }) => ({ before, after: { ...after } })),
        null,
        2,
      );
    const long = journal.bytes;
    const parts: number[] = [];
    for (let round = 0; round < 4; round++) {
      // Each in a part that is written, in the next, and in the last: renewed, ended, and come.
      for (const index of [5, 4500, 9990].map((first) => first + round)) {
        const [before, after] = [at(index), at(index, { expiresAt: 9_000_000 + round })];
        const ended = { before: at(index + 5), after: undefined };
        held.put(after);
        held.drop(ended.before);
        const come = at(20_000 + index);
        held.put(come);
        journal.append([{ before, after }, ended, { before: undefined, after: come }], null, 3);
      }
      journal.compact(held, clock, 3);
      parts.push(journal.bytes);
      const key = (one: Lease) => externalKey(one.protocol, one.externalPort);
      const onDisk = (leases(fresh('p')) as Lease[]).toSorted((one, other) => key(one) - key(other));
      assert.equal(onDisk, [...held.above(0)], `round ${round}`);
    }
    assert.equal(
      parts.map((size) => size >= long),
      [true, true, false, false],
      'in force with the third part',
    );
    assert.equal(readdirSync(fresh('p')), ['leases.journal']);
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
    const journal = new JournalFile(fresh('g'), asTable(many), clock, 1);
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
    new JournalFile(fresh('d'), asTable(many), clock, 1);
    assert.equal(leases(fresh('d')), many);
  },
  'with pinholes the file begins otherwise, and holds both kinds': () => {
    readJournal(fresh('r'));
    const path = join(fresh('r'), 'leases.journal');
    const ssh = pinhole();
    const journal = new JournalFile(fresh('r'), asTable([web, ssh]), clock, 1, true);
    assert.is(readFileSync(path).toString('latin1', 0, 8), 'natpmp-2');
    assert.equal(leases(fresh('r')), [web, ssh]);
    journal.append([{ before: ssh, after: undefined }], null, 2);
    assert.equal(leases(fresh('r')), [web]);
    new JournalFile(fresh('r'), asTable([web]), clock, 3);
    assert.is(readFileSync(path).toString('latin1', 0, 8), 'natpmp-1', 'pinholes are off again');
    assert.equal(leases(fresh('r')), [web]);
  },
  'a journal of pinholes is rewritten when it outgrows them': () => {
    readJournal(fresh('q'));
    const table = new Leases();
    for (let port = 1; port <= 16_384; port++) table.apply({ before: undefined, after: pinhole({ port }) });
    const journal = new JournalFile(fresh('q'), table, clock, 1, true);
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
      for (let part = 0; part < 5; part++) journal.compact(table, clock, 3);
    }
    assert.is.not(file(), first);
    assert.ok(journal.bytes < 3 * written, `${journal.bytes} of ${written} bytes`);
    assert.equal((leases(fresh('q')) as unknown[]).length, 16_384);
  },
  'a damaged journal is moved aside as it was': () => {
    readJournal(fresh('f'));
    writeFileSync(join(fresh('f'), 'leases.journal'), 'rubbish');
    assert.is(leases(fresh('f')), 'damaged');
    assert.is(readFileSync(moveAside(fresh('f')), 'utf8'), 'rubbish');
    assert.is(leases(fresh('f')), 'empty');
  },
  'what is no file, or far too large, is a damaged journal, and is moved aside': () => {
    readJournal(fresh('o'));
    const path = join(fresh('o'), 'leases.journal');
    for (const make of [
      () => void spawnSync('mkfifo', [path]),
      () => symlinkSync('/dev/zero', path),
      () => mkdirSync(path),
      () => {
        writeFileSync(path, '');
        truncateSync(path, 1 << 30);
      },
    ]) {
      make();
      assert.is(leases(fresh('o')), 'damaged');
      moveAside(fresh('o'));
      new JournalFile(fresh('o'), asTable([web]), clock, 1);
      assert.equal(leases(fresh('o')), [web]);
      rmSync(path);
    }
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
    const { fdatasyncSync } = fs;
    fs.fdatasyncSync = () => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    syncBuiltinESMExports();
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    try {
      for (let tries = 0; tries < 20; tries++)
        assert.throws(
          () => new JournalFile(folder, asTable([web]), clock, 1),
          ({ code }: NodeJS.ErrnoException) => code === 'ENOSPC',
        );
    } finally {
      fs.fdatasyncSync = fdatasyncSync;
      syncBuiltinESMExports();
    }
    assert.is(open(), before);
  },
});

const mail = lease({ externalPort: 8443, internalPort: 443 });
const fifo = (path: string) => void spawnSync('mkfifo', [path]);

cases(
  'a journal that somebody else touches while it is in use has all of the table after the next group of changes',
  [
    { name: 'deleted', touch: (path: string) => rmSync(path) },
    {
      name: 'another in its place',
      touch: (path: string) => {
        writeFileSync(`${path}.other`, 'other');
        renameSync(`${path}.other`, path);
      },
    },
    { name: 'moved away', touch: (path: string) => renameSync(path, `${path}.bak`) },
    {
      name: 'moved away, and a copy in its place',
      touch: (path: string) => {
        renameSync(path, `${path}.bak`);
        copyFileSync(`${path}.bak`, path);
      },
    },
    {
      name: 'moved away, and a link to it in its place',
      touch: (path: string) => {
        renameSync(path, `${path}.bak`);
        symlinkSync(`${path}.bak`, path);
      },
    },
    {
      name: 'a link to itself in its place',
      touch: (path: string) => {
        rmSync(path);
        symlinkSync(path, path);
      },
    },
    {
      name: 'a FIFO in its place',
      touch: (path: string) => {
        rmSync(path);
        fifo(path);
      },
    },
    {
      name: 'a folder in its place',
      touch: (path: string) => {
        rmSync(path);
        mkdirSync(join(path, 'full'), { recursive: true });
      },
    },
    {
      name: 'its folder moved away, and a copy in its place',
      touch: (path: string) => {
        const state = dirname(path);
        renameSync(state, `${state}.bak`);
        mkdirSync(state);
        copyFileSync(join(`${state}.bak`, 'leases.journal'), path);
      },
    },
    { name: 'emptied', touch: (path: string) => truncateSync(path) },
    { name: 'its last frame cut', touch: (path: string) => truncateSync(path, statSync(path).size - 1) },
    { name: 'longer by zeros', touch: (path: string) => truncateSync(path, statSync(path).size + 4096) },
    { name: 'longer by a text', touch: (path: string) => appendFileSync(path, 'text') },
    { name: 'another content', touch: (path: string) => writeFileSync(path, 'other') },
  ],
  ({ name, touch }) => {
    const state = fresh(`touched ${name}`);
    readJournal(state);
    const path = join(state, 'leases.journal');
    const journal = new JournalFile(state, asTable([web, mail]), clock, 1);
    touch(path);
    journal.append([{ before: web, after: renewed }], null, 2);
    journal.compact(asTable([renewed, mail]), clock, 3);
    assert.equal(leases(state), [renewed, mail]);
    const file = statSync(path);
    assert.equal([file.size, file.mode & 0o777, file.isFile()], [journal.bytes, 0o600, true]);
    journal.append([{ before: mail, after: undefined }], null, 4);
    journal.compact(asTable([renewed]), clock, 5);
    assert.equal(leases(state), [renewed], 'the file in force is the one that is written');
    assert.is(statSync(path).ino, file.ino, 'rewritten once');
  },
);

cases(
  'what somebody else does with a file that is being rewritten: all of the table is there, before and after',
  [
    { name: 'deleted', touch: (path: string) => rmSync(path) },
    { name: 'emptied', touch: (path: string) => truncateSync(path) },
    {
      name: 'another in its place',
      touch: (path: string) => {
        rmSync(path);
        writeFileSync(path, 'other');
      },
    },
    {
      name: 'a FIFO in its place',
      touch: (path: string) => {
        rmSync(path);
        fifo(path);
      },
    },
    {
      name: 'a folder in its place',
      touch: (path: string) => {
        rmSync(path);
        mkdirSync(path);
      },
    },
  ],
  ({ name, touch }) => {
    const state = fresh(`rewritten ${name}`);
    readJournal(state);
    const path = join(state, 'leases.journal');
    const held = Array.from({ length: 5000 }, (_, index) =>
      lease({ externalPort: 10_000 + index, internalPort: 1 + index }),
    );
    const table = asTable(held);
    const journal = new JournalFile(state, table, clock, 1);
    const all = held.map((each) => ({ before: each, after: { ...each } }));
    while (journal.bytes < 2 * 28 * held.length || journal.bytes < 512 * 1024) journal.append(all, null, 2);
    const long = journal.bytes;
    journal.compact(table, clock, 3);
    assert.ok(existsSync(`${path}.new`), 'it takes more than one part');
    touch(`${path}.new`);
    for (let part = 0; part < 4; part++) {
      journal.compact(table, clock, 3);
      assert.equal(leases(state), held);
    }
    assert.ok(journal.bytes < long, 'it is rewritten in the end');
    const left = readdirSync(state).filter((file) => !/^leases\.journal\.new\.\w{6}$/.test(file));
    assert.equal(left, ['leases.journal'], 'besides a folder that was moved out of the way');
  },
);

cases(
  'what a start finds in the place of the file that it writes is no harm',
  [
    { name: 'half a file', make: (path: string) => writeFileSync(path, 'half') },
    { name: 'a FIFO', make: fifo },
    { name: 'a link to a file', make: (path: string) => symlinkSync('../precious', path) },
    { name: 'a link to nothing', make: (path: string) => symlinkSync('../made', path) },
    { name: 'a link to itself', make: (path: string) => symlinkSync(path, path) },
  ],
  ({ name, make }) => {
    writeFileSync(fresh('precious'), 'precious');
    const state = fresh(`left ${name}`);
    readJournal(state);
    new JournalFile(state, asTable([web]), clock, 1);
    make(join(state, 'leases.journal.new'));
    assert.equal(leases(state), [web]);
    new JournalFile(state, asTable([web, mail]), clock, 1);
    assert.equal(leases(state), [web, mail]);
    assert.equal(readdirSync(state), ['leases.journal']);
    assert.equal([readFileSync(fresh('precious'), 'utf8'), existsSync(fresh('made'))], ['precious', false]);
  },
);
