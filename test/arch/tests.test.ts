// The tests themselves: where a test file lies, what it is called, what it takes from others, and that its rows are
// checked against their type.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';

const PROJECT = resolve(import.meta.dirname, '../../..');
const TESTS = join(PROJECT, 'test');

/** Folders of tests that are no part of the program, and what they are about. */
const SUBJECTS: Readonly<Record<string, string>> = {
  arch: 'the structure of the project, and its documents beside it',
  bench: 'the measurements',
  docs: 'the commands of the documents',
  flood: 'storms of requests',
  fuzz: 'parsers and state machines',
  hostile: 'attacks on the helper',
  interop: 'programs of others that ask, on a LAN',
  load: 'the load that bench and flood make',
  nix: 'the package and the module for NixOS',
  nodes: 'other versions of Node',
  system: 'the program in network namespaces',
  systemd: 'the units under a real systemd',
  torture: 'what must not be lost',
};
/** Parts of the program, whose tests are named by their source files. */
const PARTS = ['proto', 'config', 'process', 'caller', 'frontend', 'upnp', 'helper', 'cli'];
/** Tests of a part that are named by a behaviour. */
const BEHAVIOURS = ['cli/complaints', 'cli/manuals', 'config/config-file', 'frontend/flood', 'frontend/session'];
/** The programs of cli/: the tests of each begin with its name. */
const PROGRAMS = ['client', 'ctl', 'server', 'web'];

/** Folders that hold what others use. */
const SHARED = ['support', 'lab', 'load'];
/** What a folder uses of another one all the same. */
const BORROWED = [
  'bench -> systemd', // a booted container
  'caller -> frontend', // leases and the model of a helper
  'docs -> bench', // flags in documents
  'docs -> systemd',
  'docs -> torture',
  'fuzz -> frontend', // the model of a helper
  'fuzz -> helper', // leases
  'fuzz -> upnp', // a LAN with a helper
  'helper -> fuzz', // the simulated kernel
  'nix -> systemd',
  'nodes -> nix',
  'nodes -> systemd',
  'proto -> helper', // leases
  'systemd -> docs',
  'systemd -> nix',
  'upnp -> frontend', // addresses and a clock
  'upnp -> helper', // leases
];

const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
  .sort();
const tests = files.filter((file) => file.endsWith('.test.ts')).map((name) => ({ name }));
const text = (file: string): string => readFileSync(join(TESTS, file), 'utf8');

/** The names of the source files and folders of each part. */
const named = new Map(
  PARTS.map((part) => [
    part,
    readdirSync(join(PROJECT, part), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.name.endsWith('.ts'))
      .map(({ name }) => basename(name, '.ts')),
  ]),
);

cases('a test file lies in the folder of its subject, and is named by it', tests, ({ name }) => {
  const [folder = '', file = '', ...deeper] = name.replace(/\.test\.ts$/, '').split('/');
  assert.equal(deeper, [], 'folders of tests are not nested');
  if (SUBJECTS[folder] !== undefined) {
    assert.not.match(file, /^(parts|misc|utils?|helpers?|various|more)$/);
    return;
  }
  const sources = named.get(folder);
  assert.ok(sources !== undefined, `${folder}/ is no part of the program, and no subject that this test knows`);
  const subjects = folder === 'cli' ? [...PROGRAMS, ...(sources ?? [])] : (sources ?? []);
  const isNamed = subjects.some((subject) => file === subject || file.startsWith(`${subject}-`));
  assert.ok(isNamed || BEHAVIOURS.includes(`${folder}/${file}`), `${file}: no source file, and no known behaviour`);
});

cases('the rows of a table are checked against their type, and not forced to it', tests, ({ name }) => {
  // `] as const` is no such thing; `[] as string[]` has no rows.
  const forced = [...text(name).matchAll(/\n *\](?: satisfies [^;]*?)? as (?!const\b)/g)];
  assert.equal(forced.length, 0, 'give `cases` the type as an argument: cases<{ name: string; ... }>(...)');
});

claims('what tests share', {
  'lies in a folder of its own: no folder of tests uses another': () => {
    const used = new Set<string>();
    for (const file of files) {
      const from = file.split('/')[0] ?? '';
      for (const [, specifier = ''] of text(file).matchAll(/\bfrom '(\.[^']+)'/g)) {
        const target = relative(TESTS, join(TESTS, dirname(file), specifier));
        const to = target.split('/')[0] ?? '';
        if (to !== '..' && to !== from && !SHARED.includes(to)) used.add(`${from} -> ${to}`);
      }
    }
    assert.equal([...used].sort(), BORROWED);
  },
});
