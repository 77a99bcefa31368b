// What the daemons may execute of the store, and what their closures may hold: by running the scripts of
// nix/exec-paths.nix and nix/checks.nix on a store that is made up.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import { evaluate, hasNix, ROOT, router } from './nix.js';

const folder = mkdtempSync(join(tmpdir(), 'natpmp-closure-'));
atEnd(() => rmSync(folder, { recursive: true }));

const NAMES = {
  frontend: 'natpmp-server-0.1.0-frontend',
  upnp: 'natpmp-server-0.1.0-upnp',
  helper: 'natpmp-server-0.1.0-helper',
  modules: 'natpmp-server-0.1.0-modules',
  node: 'nodejs-slim-24.16.0',
  glibc: 'glibc-2.42',
  openssl: 'openssl-3.6.1',
  // As node of nixpkgs brings along, since it tells how it was built.
  headers: 'icu4c-76.1-dev',
  bash: 'bash-5.3p9',
  npm: 'nodejs-24.16.0',
  npmOutput: 'nodejs-slim-24.16.0-npm',
  nft: 'nftables-1.1.6',
  python: 'python3-3.13.7',
  tarball: 'zeromq-6.8.0.tgz',
  typescript: 'typescript-7.0.2',
} as const;
type Name = keyof typeof NAMES;
const ROLES = ['frontend', 'upnp', 'helper'] as const;
type Role = (typeof ROLES)[number];
const store = (name: Name): string => join(folder, 'store', `0123456789abcdfghijklmnpqrsvwxyz-${NAMES[name]}`);

function file(name: Name, path: string, mode = 0o555): void {
  mkdirSync(dirname(join(store(name), path)), { recursive: true });
  writeFileSync(join(store(name), path), '');
  chmodSync(join(store(name), path), mode);
}
for (const [name, path] of [
  ['frontend', 'bin/natpmp-frontend'],
  ['upnp', 'bin/natpmp-upnp'],
  ['helper', 'bin/natpmp-helper'],
  ['frontend', 'bin/natpmp-frontend-jit'],
  ['upnp', 'bin/natpmp-upnp-jit'],
  ['helper', 'bin/natpmp-helper-jit'],
  ['modules', 'lib/natpmp-server/node_modules/zeromq/addon.node'],
  ['node', 'bin/node'],
  ['glibc', 'lib/ld-linux-x86-64.so.2'],
  ['glibc', 'lib/libc.so.6'],
  ['openssl', 'lib/libssl.so'],
  ['headers', 'bin/icu-config'],
  ['bash', 'bin/bash'],
  ['npm', 'bin/npm'],
  ['npmOutput', 'bin/npm'],
  ['nft', 'bin/nft'],
  ['python', 'bin/python3'],
] as const)
  file(name, path);
for (const name of ROLES) file(name, `lib/natpmp-server/dist/${name}/main.js`, 0o444);
file('headers', 'lib/pkgconfig/icu.pc', 0o444);
symlinkSync('node', join(store('node'), 'bin/nodejs'));

/** As closureInfo gives it. */
function closure(label: string, names: readonly Name[]): string {
  const path = join(folder, label);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'store-paths'), names.map((name) => `${store(name)}\n`).join(''));
  return path;
}

function script(text: string, env: Readonly<Record<string, string>>) {
  const work = mkdtempSync(join(folder, 'work-'));
  return spawnSync('bash', ['--norc', '-e', '-u', '-c', text], {
    cwd: work,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  });
}

const RUNTIME: readonly Name[] = ['node', 'glibc', 'openssl', 'headers', 'bash'];

/** What a daemon's closure holds, if nothing is wrong. */
const hasOf = (role: Role): readonly Name[] => [role, 'modules', ...RUNTIME];

/** The drop-ins for these closures, and what checks.closure says to them. */
function build(label: string, execPaths: string, has: (role: Role) => readonly Name[] = hasOf, runtime = RUNTIME) {
  const outputs = Object.fromEntries([...ROLES, 'modules' as const].map((name) => [name, store(name)]));
  const closures = Object.fromEntries(ROLES.map((role) => [`${role}Closure`, closure(`${label}-${role}`, has(role))]));
  const dropIns = join(folder, `${label}-drop-ins`);
  const made = script(execPaths, { ...outputs, ...closures, out: dropIns });
  assert.is(made.status, 0, made.stderr);
  const out = join(folder, `${label}-checked`);
  const checked = script(readFileSync(join(ROOT, 'nix/check-closure.sh'), 'utf8'), {
    ...outputs,
    ...closures,
    runtimeClosure: closure(`${label}-runtime`, runtime),
    execPaths: dropIns,
    out,
  });
  return { dropIns: join(dropIns, 'lib/systemd/system'), out, ...checked };
}

if (!hasNix) skip('closures of the daemons', 'no nix-instantiate (Debian: nix-bin)');
else {
  const { execPaths } = evaluate(router());

  claims('drop-ins', {
    'name the daemon, node, and libraries: no other program of the closure': () => {
      const { dropIns } = build('as-built', execPaths);
      const expected = (role: Role): string =>
        [
          '[Service]',
          ...[
            `${store(role)}/bin`,
            `${store(role)}/lib`,
            `${store('modules')}/lib`,
            `${store('node')}/bin/node`,
            `${store('glibc')}/lib`,
            `${store('openssl')}/lib`,
            `${store('headers')}/lib`,
          ].map((path) => `ExecPaths=${path}`),
          '',
        ].join('\n');
      const units = {
        frontend: 'natpmp-frontend@.service.d',
        helper: 'natpmp-helper.service.d',
        upnp: 'natpmp-upnp@.service.d',
      } as const;
      assert.equal(readdirSync(dropIns).sort(), Object.values(units));
      for (const role of ROLES)
        assert.is(readFileSync(join(dropIns, units[role], 'exec-paths.conf'), 'utf8'), expected(role));
    },
  });

  claims('checks.closure', {
    'passes what the package is, and writes down what it found': () => {
      const { status, stderr, out } = build('passes', execPaths);
      assert.is(status, 0, stderr);
      for (const role of ROLES)
        assert.equal(readFileSync(join(out, role), 'utf8').trim().split('\n'), hasOf(role).map(store).sort());
      assert.equal(
        readFileSync(join(out, 'helper-programs'), 'utf8').trim().split('\n').sort(),
        [
          `${store('helper')}/bin/natpmp-helper`,
          `${store('helper')}/bin/natpmp-helper-jit`,
          `${store('node')}/bin/node`,
        ].sort(),
      );
      assert.equal(
        readFileSync(join(out, 'frontend-readable-programs'), 'utf8').trim().split('\n').sort(),
        (['frontend', 'node', 'headers', 'bash'] as const).map(store).sort(),
      );
    },
  });

  const FAULTS: readonly {
    readonly name: string;
    readonly role: Role;
    readonly added: Name;
    readonly fromNode?: boolean;
  }[] = [
    { name: 'the other daemon', role: 'frontend', added: 'helper' },
    { name: 'the other daemon', role: 'helper', added: 'frontend' },
    { name: 'the other daemon', role: 'upnp', added: 'helper' },
    { name: 'the frontend', role: 'upnp', added: 'frontend' },
    { name: 'UPnP', role: 'frontend', added: 'upnp' },
    { name: 'nft', role: 'upnp', added: 'nft' },
    { name: 'nft', role: 'frontend', added: 'nft' },
    { name: 'nft', role: 'helper', added: 'nft' },
    { name: 'node with npm', role: 'frontend', added: 'npm' },
    { name: 'node with npm, from node', role: 'helper', added: 'npm', fromNode: true },
    { name: 'npm, from node', role: 'frontend', added: 'npmOutput', fromNode: true },
    { name: 'Python, from node', role: 'frontend', added: 'python', fromNode: true },
    { name: 'what was fetched to build with', role: 'frontend', added: 'tarball' },
    { name: 'the compiler', role: 'helper', added: 'typescript' },
    { name: 'a shell that node does not bring along', role: 'frontend', added: 'bash' },
  ];
  cases(
    'checks.closure finds',
    FAULTS.map((fault) => ({ ...fault, name: `${fault.role}: ${fault.name}` })),
    ({ name, role, added, fromNode = false }) => {
      const runtime = fromNode ? [...RUNTIME, added] : RUNTIME.filter((one) => one !== added);
      const has = (who: Role): readonly Name[] => [who, 'modules', ...runtime, ...(who === role ? [added] : [])];
      const { status, stderr } = build(name.replace(/\W/g, '-'), execPaths, has, runtime);
      assert.is(status, 1);
      assert.ok(stderr.includes(`the closure of the ${role} holds`) && stderr.includes(store(added)), stderr);
    },
  );

  claims('checks.closure finds', {
    'a program among the libraries': () => {
      file('openssl', 'lib/tool');
      const { status, stderr } = build('program', execPaths);
      rmSync(join(store('openssl'), 'lib/tool'));
      assert.is(status, 1);
      assert.is(stderr, ROLES.map((role) => `the ${role} could execute:\n${store('openssl')}/lib/tool\n`).join(''));
    },
  });
}
