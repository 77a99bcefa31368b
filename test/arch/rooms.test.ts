// The rooms of cli/ and upnp/: who may import whom, and no circles. Proved on the sources, so that types count, too.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { cases, claims } from '../support/cases.js';

const PROJECT = resolve(import.meta.dirname, '../../..');

/** What each folder of a part may import of its others. The files beside the folders may import all. */
const PARTS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  cli: {
    host: [],
    server: ['host'],
    client: ['host'],
    demo: ['host'],
    natpmpctl: ['host'],
    web: ['natpmpctl'],
  },
  upnp: {
    igd: [],
    http: ['igd'],
    ssdp: [],
    metrics: ['igd', 'http', 'ssdp'],
  },
};

const roomOf = (file: string): string | null => (file.includes('/') ? (file.split('/')[0] ?? null) : null);

for (const [part, allowedOf] of Object.entries(PARTS)) {
  const folder = join(PROJECT, part);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

  /** The files of the part that a file imports, types among them. */
  const imports = new Map(
    files.map((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const targets = [...text.matchAll(/(?:\bfrom |\bimport\()'(\.[^']+)\.js'/g)].map(([, path = '']) =>
        relative(folder, `${resolve(folder, dirname(file), path)}.ts`),
      );
      return [file, targets.filter((target) => !target.startsWith('..'))] as const;
    }),
  );

  cases(
    `the rooms of ${part}/`,
    Object.entries(allowedOf).map(([name, allowed]) => ({ name, allowed })),
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

  claims(`${part}/`, {
    'has no other rooms': () => {
      const rooms = new Set(files.map(roomOf).filter((room) => room !== null));
      assert.equal([...rooms].sort(), Object.keys(allowedOf).sort());
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
}
