// Every program of ours starts on every supported version of Node, with the flags that the units and the launcher give
// it, and node has nothing to say about it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { daemonFlags, NODE_FLAGS } from '../../cli/server/node-flags.js';
import { directives, words } from '../nix/unit-text.js';
import { atEnd, cases, claims } from '../support/cases.js';
import { OWN, pinnedNodes } from '../support/nodes.js';

const DIST = resolve(import.meta.dirname, '../..');
const nodes = [OWN, ...pinnedNodes('programs')];
/** All that an older node says where a unit starts it; the units keep it out of the journal. */
const NO_WASM = 'Warning: disabling flag --expose_wasm due to conflicting flags\n';

function start(path: string, flags: readonly string[], script: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(path, [...flags, join(DIST, script), ...args], {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: process.env['PATH'] },
  });
  return { status, stdout, stderr };
}

/** The flags of node in the first command of a unit that starts it. */
function unitFlags(unit: string): readonly string[] {
  const [command = ''] =
    directives(readFileSync(join(DIST, '../systemd', unit), 'utf8')).get('Service.ExecStart') ?? [];
  const [, ...behind] = words(command.slice(command.indexOf('/usr/bin/node')));
  return behind.slice(
    0,
    behind.findIndex((word) => !word.startsWith('-')),
  );
}

const DAEMONS = [
  {
    what: 'helper',
    unit: 'natpmp-helper.service',
    script: 'helper/main.js',
    args: ['--check', '--lan', '192.168.1.1/24', '--boot-id', 'b'],
  },
  // --check reads the flags; all that the daemon needs besides is loaded here, addons too.
  { what: "helper's modules", unit: 'natpmp-helper.service', script: 'helper/daemon.js', args: [] },
  {
    what: 'frontend',
    unit: 'natpmp-frontend@.service',
    script: 'frontend/main.js',
    args: ['--check', '--external-interface', 'wan0', '--lan', '192.168.1.1/24'],
  },
  {
    what: 'ruleset',
    unit: 'natpmp-ruleset.service',
    script: 'cli/install-ruleset.js',
    args: ['--print', '--external-interface', 'wan0', '--listen-interface', 'br-lan'],
  },
] as const;

const rows = nodes.flatMap(({ version, major, path }) =>
  DAEMONS.flatMap((daemon) => [
    {
      name: `${version}: ${daemon.what}, as its unit starts it`,
      path,
      ...daemon,
      flags: unitFlags(daemon.unit),
      says: major < 24 ? NO_WASM : '',
    },
    {
      name: `${version}: ${daemon.what}, as the launcher starts it`,
      path,
      ...daemon,
      flags: daemonFlags(false, major),
      says: '',
    },
    { name: `${version}: ${daemon.what}, with a JIT`, path, ...daemon, flags: daemonFlags(true, major), says: '' },
  ]),
);
cases('starts, and says nothing', rows, ({ path, flags, script, args, says }) => {
  const { status, stderr } = start(path, flags, script, args);
  assert.equal({ status, stderr }, { status: 0, stderr: says });
});

const PROGRAMS = ['natpmp-server', 'natpmpctl', 'natpmp-client'].map((name) => `cli/${name}.js`);
cases(
  'tells its flags, and says nothing',
  nodes.flatMap(({ version, path }) => PROGRAMS.map((script) => ({ name: `${version}: ${script}`, path, script }))),
  ({ path, script }) => {
    const { status, stdout, stderr } = start(path, [], script, ['--help']);
    assert.equal({ status, stderr }, { status: 0, stderr: '' });
    assert.match(stdout, /^Usage: /);
  },
);

cases(
  'cli/server/node-flags.json is right about what this node takes',
  nodes.map(({ version, major, path }) => ({ name: version, major, path })),
  ({ major, path }) => {
    const { withoutJit, small, strict, quiet } = NODE_FLAGS;
    const run = (...flags: readonly string[]) => spawnSync(path, [...flags, '-e', ''], { encoding: 'utf8' }).status;
    assert.is(run(...withoutJit, ...small, ...strict), 0);
    assert.is(run(...withoutJit, ...quiet.flags), major < quiet.before ? 0 : 9);
  },
);

const folder = mkdtempSync(join(tmpdir(), 'natpmp-nodes-'));
atEnd(() => rmSync(folder, { recursive: true }));
const TOO_OLD = /^Node v\S+ \(\S+\) is too old: 20\.15 or newer is needed\n$/;
const LACKING = /^Node v\S+ \(\S+\) lacks what 20\.15 and 22\.2 have: /;
cases(
  'scripts/check-node.sh',
  [
    { name: 'v18.20.8', says: TOO_OLD },
    { name: 'v20.14.0', says: TOO_OLD },
    { name: 'v20.15.0' },
    { name: 'v20.20.2' },
    { name: 'v21.7.3', says: LACKING },
    { name: 'v22.1.0', says: LACKING },
    { name: 'v22.2.0' },
    { name: 'v23.0.0' },
    { name: 'v24.21.0' },
    { name: 'v26.0.0-nightly20260101' },
    { name: 'v100.1.0' },
    { name: 'no version at all', says: /is too old/ },
  ],
  ({ name, says }) => {
    const path = join(folder, 'node');
    writeFileSync(path, `#!/bin/sh\necho '${name}'\n`, { mode: 0o755 });
    const { status, stdout } = spawnSync('sh', [join(DIST, '../scripts/check-node.sh'), path], { encoding: 'utf8' });
    assert.is(status, says === undefined ? 0 : 72, stdout);
    if (says === undefined) assert.is(stdout, '');
    else assert.match(stdout, says);
  },
);

claims('package.json', {
  'tells npm the same': () => {
    const { engines } = JSON.parse(readFileSync(join(DIST, '../package.json'), 'utf8')) as {
      engines: { node: string };
    };
    assert.is(engines.node, '^20.15 || >=22.2');
  },
});

claims('cli/server/node-flags.json', {
  'turns off the JIT, code from strings and __proto__': () => {
    assert.equal(daemonFlags(false, 24), [
      '--jitless',
      '--max-semi-space-size=2',
      '--optimize-for-size',
      '--disallow-code-generation-from-strings',
      '--disable-proto=throw',
    ]);
    assert.equal(daemonFlags(true, 24), ['--disallow-code-generation-from-strings', '--disable-proto=throw']);
  },
});
