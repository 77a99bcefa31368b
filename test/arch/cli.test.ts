// The rooms of cli/: who may import whom, and no circles. Proved on the sources, so that types count, too.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';

const CLI = resolve(import.meta.dirname, '../../../cli');

/** What each folder of cli/ may import of the others. The programs themselves may import all. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  host: [],
  server: ['host'],
  client: ['host'],
  demo: ['host'],
  natpmpctl: ['host'],
  web: ['natpmpctl'],
};

const files = readdirSync(CLI, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const roomOf = (file: string): string | null => (file.includes('/') ? (file.split('/')[0] ?? null) : null);

/** The files of cli/ that a file imports, types among them. */
const imports = new Map(
  files.map((file) => {
    const text = readFileSync(join(CLI, file), 'utf8');
    const targets = [...text.matchAll(/(?:\bfrom |\bimport\()'(\.[^']+)\.js'/g)].map(([, path = '']) =>
      relative(CLI, `${resolve(CLI, dirname(file), path)}.ts`),
    );
    return [file, targets.filter((target) => !target.startsWith('..'))] as const;
  }),
);

cases(
  'the rooms of cli/',
  Object.entries(ALLOWED).map(([name, allowed]) => ({ name, allowed })),
  ({ name, allowed }) => {
    const own = files.filter((file) => roomOf(file) === name);
    assert.ok(own.length > 1);
    for (const file of own) {
      for (const target of imports.get(file) ?? []) {
        const room = roomOf(target);
        assert.ok(room === name || allowed.includes(room ?? ''), `${file} imports ${target}`);
      }
    }
  },
);

claims('cli/', {
  'has no other rooms': () => {
    const rooms = new Set(files.map(roomOf).filter((room) => room !== null));
    assert.equal([...rooms].sort(), Object.keys(ALLOWED).sort());
  },
  'imports files that are there': () => {
    for (const [file, targets] of imports) {
      for (const target of targets) assert.ok(imports.has(target), `${file} imports ${target}`);
    }
  },
  'has no circle of imports': () => {
    const done = new Set<string>();
    const visit = (file: string, way: readonly string[]): void => {
      assert.not.ok(way.includes(file), [...way.slice(way.indexOf(file)), file].join(' -> '));
      if (done.has(file)) return;
      for (const target of imports.get(file) ?? []) visit(target, [...way, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
  },
});
