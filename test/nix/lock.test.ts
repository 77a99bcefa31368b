// The lock file as Nix gets to see it: what npm would install on a platform, all of it and no more, each from the
// registry.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import { hasNix, ROOT, run } from './nix.js';

interface Entry {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly version?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
type Packages = Readonly<Record<string, Entry>>;

const folder = mkdtempSync(join(tmpdir(), 'natpmp-lock-'));
atEnd(() => rmSync(folder, { recursive: true }));

const lockFile = join(ROOT, 'package-lock.json');
const whole = (JSON.parse(readFileSync(lockFile, 'utf8')) as { packages: Packages }).packages;

function pruned(system: string, file = lockFile, musl = false): { readonly packages: Packages } {
  const platform = `{ system = "${system}"; isMusl = ${musl}; }`;
  const { status, stdout, stderr } = run('nix-instantiate', [
    '--eval',
    '--strict',
    '--json',
    '-E',
    `import ${ROOT}/nix/lock.nix { lib = import ${ROOT}/test/nix/stub/lib; platform = ${platform}; } ${file}`,
  ]);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as { packages: Packages };
}

const PLATFORMS = [
  { name: 'x86_64-linux', cpu: 'x64', foreign: 'arm64' },
  { name: 'aarch64-linux', cpu: 'arm64', foreign: 'x64' },
] as const;

if (!hasNix) skip('the lock file as Nix gets to see it', 'no nix-instantiate (Debian: nix-bin)');
else {
  cases('nothing of another platform', PLATFORMS, ({ name, cpu, foreign }) => {
    const { packages } = pruned(name);
    for (const [path, entry] of Object.entries(packages)) {
      assert.ok((entry.os ?? ['linux']).includes('linux'), path);
      assert.ok((entry.cpu ?? [cpu]).includes(cpu), path);
      assert.not.ok(path.includes(foreign) || /darwin|win32|bsd|android|musl/.test(path), path);
    }
    // Which are for one platform at all.
    assert.equal(
      Object.keys(packages).filter((path) => packages[path]?.os !== undefined),
      [
        `node_modules/@biomejs/cli-linux-${cpu}`,
        `node_modules/@koromix/koffi-linux-${cpu}`,
        `node_modules/@typescript/typescript-linux-${cpu}`,
      ],
    );
  });

  cases('all that is for every platform, unchanged but for the address', PLATFORMS, ({ name }) => {
    const { packages } = pruned(name);
    for (const [path, entry] of Object.entries(whole)) {
      if (path === '' || entry.os !== undefined) continue;
      const { resolved, optionalDependencies, ...rest } = packages[path] ?? {};
      const { optionalDependencies: before, ...expected } = entry;
      assert.equal(rest, expected, path);
      // No entry asks for one that is left out.
      assert.equal(
        Object.keys(optionalDependencies ?? {}),
        Object.keys(before ?? {}).filter((one) => packages[`node_modules/${one}`] !== undefined),
        path,
      );
      assert.match(resolved ?? '', /^https:\/\/registry\.npmjs\.org\/.+\/-\/[^/]+\.tgz$/, path);
    }
    assert.equal(packages[''], whole['']);
  });

  cases('npm takes it, without a registry and without a cache', PLATFORMS, ({ name, cpu }) => {
    const work = join(folder, name);
    cpSync(join(ROOT, 'package.json'), join(work, 'package.json'));
    const lock = pruned(name);
    writeFileSync(join(work, 'package-lock.json'), JSON.stringify(lock));
    const { status, stdout, stderr } = spawnSync(
      'npm',
      [
        'ci',
        '--dry-run',
        '--loglevel=notice',
        '--offline',
        '--ignore-scripts',
        '--os=linux',
        `--cpu=${cpu}`,
        '--libc=glibc',
        '--cache',
        join(folder, 'cache'),
      ],
      { cwd: work, encoding: 'utf8' },
    );
    assert.is(status, 0, stderr);
    assert.match(stdout, new RegExp(`^added ${Object.keys(lock.packages).length - 1} packages`, 'm'));
  });

  claims('lock file', {
    'what npm has installed here is what stays': () => {
      // npm writes down what it has installed.
      const { packages } = JSON.parse(readFileSync(join(ROOT, 'node_modules/.package-lock.json'), 'utf8')) as {
        packages: Packages;
      };
      const system = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux';
      assert.equal(
        Object.keys(pruned(system).packages)
          .filter((path) => path !== '')
          .sort(),
        Object.keys(packages).sort(),
      );
    },
    'every package has an integrity hash': () => {
      assert.ok(Object.keys(whole).length > 50);
      for (const [path, { integrity }] of Object.entries(whole)) {
        if (path !== '') assert.match(integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, path);
      }
    },
    'addresses are as the registry has them': () => {
      const { packages } = pruned('x86_64-linux');
      assert.match(packages['node_modules/zeromq']?.resolved ?? '', /\.org\/zeromq\/-\/zeromq-[0-9.]+\.tgz$/);
      assert.match(packages['node_modules/@types/node']?.resolved ?? '', /\.org\/@types\/node\/-\/node-[0-9.]+\.tgz$/);
    },
  });

  const integrity = `sha512-${'A'.repeat(86)}==`;
  const entry = { version: '1.0.0', integrity, optional: true };
  const FORMS: readonly {
    readonly name: string;
    readonly entry: Entry;
    readonly stays: boolean;
    readonly musl?: boolean;
  }[] = [
    { name: 'this system', entry: { ...entry, os: ['linux'], cpu: ['x64'] }, stays: true },
    { name: 'one of several', entry: { ...entry, os: ['darwin', 'linux'], cpu: ['arm64', 'x64'] }, stays: true },
    { name: 'another processor', entry: { ...entry, os: ['linux'], cpu: ['arm64'] }, stays: false },
    { name: 'another system', entry: { ...entry, os: ['darwin'] }, stays: false },
    { name: 'all systems but one', entry: { ...entry, os: ['!win32'] }, stays: true },
    { name: 'all systems but this', entry: { ...entry, os: ['!linux'] }, stays: false },
    { name: 'the libc of this system', entry: { ...entry, libc: ['glibc'] }, stays: true },
    { name: 'another libc', entry: { ...entry, libc: ['musl'] }, stays: false },
    { name: 'musl, if that is the libc', entry: { ...entry, libc: ['musl'] }, stays: true, musl: true },
    // npm refuses to install; so is it refused here.
    { name: 'another system, and not optional', entry: { version: '1.0.0', integrity, os: ['darwin'] }, stays: true },
  ];
  cases('for', FORMS, ({ name, entry: tried, stays, musl = false }) => {
    const file = join(folder, `${name.replace(/\W/g, '-')}.json`);
    writeFileSync(
      file,
      JSON.stringify({
        packages: {
          '': { name: 'x' },
          'node_modules/a': { version: '1.0.0', integrity, optionalDependencies: { b: '1.0.0' } },
          'node_modules/b': tried,
        },
      }),
    );
    const { packages } = pruned('x86_64-linux', file, musl);
    assert.is('node_modules/b' in packages, stays);
    assert.equal(Object.keys(packages['node_modules/a']?.optionalDependencies ?? {}), stays ? ['b'] : []);
  });
}
