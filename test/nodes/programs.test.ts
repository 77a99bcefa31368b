// Every program of ours starts on every supported version of Node, with the flags that the units and the launcher give it, and
// node has nothing to say about it.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { daemonFlags, NODE_FLAGS } from '../../cli/node-flags.js';
import { directives, words } from '../nix/unit-text.js';
import { cases, claims } from '../support/cases.js';
import { OWN, pinnedNodes } from '../support/nodes.js';

const DIST = resolve(import.meta.dirname, '../..');
const nodes = [OWN, ...pinnedNodes('programs')];
/** All that an older node says where a unit starts it; the units keep it out of the journal. */
const NO_WASM = 'Warning: disabling flag --expose_wasm due to conflicting flags\n';

function start(path: string, flags: readonly string[], script: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(path, [...flags, join(DIST, script), ...args], { encoding: 'utf8', cwd: '/', env: { PATH: process.env['PATH'] } });
  return { status, stdout, stderr };
}

/** The flags of node in the first command of a unit that starts it. */
function unitFlags(unit: string): readonly string[] {
  const [command = ''] = directives(readFileSync(join(DIST, '../systemd', unit), 'utf8')).get('Service.ExecStart') ?? [];
  const [, ...behind] = words(command.slice(command.indexOf('/usr/bin/node')));
  return behind.slice(0, behind.findIndex((word) => !word.startsWith('-')));
}

const DAEMONS = [
  { what: 'helper', unit: 'natpmp-helper.service', script: 'helper/main.js', args: ['--check', '--lan', '192.168.1.1/24', '--boot-id', 'b'] },
  // --check reads the flags; all that the daemon needs besides is loaded here, addons too.
  { what: "helper's modules", unit: 'natpmp-helper.service', script: 'helper/daemon.js', args: [] },
  { what: 'frontend', unit: 'natpmp-frontend@.service', script: 'frontend/main.js', args: ['--check', '--external-interface', 'wan0', '--lan', '192.168.1.1/24'] },
  { what: 'ruleset', unit: 'natpmp-ruleset.service', script: 'helper/main.js', args: ['ruleset', '--external-interface', 'wan0', '--listen-interface', 'br-lan'] },
] as const;

const rows = nodes.flatMap(({ version, major, path }) => DAEMONS.flatMap((daemon) => [
  { name: `${version}: ${daemon.what}, as its unit starts it`, path, ...daemon, flags: unitFlags(daemon.unit), says: major < 24 ? NO_WASM : '' },
  { name: `${version}: ${daemon.what}, as the launcher starts it`, path, ...daemon, flags: daemonFlags(false, major), says: '' },
  { name: `${version}: ${daemon.what}, with a JIT`, path, ...daemon, flags: daemonFlags(true, major), says: '' },
]));
cases('starts, and says nothing', rows, ({ path, flags, script, args, says }) => {
  const { status, stderr } = start(path, flags, script, args);
  assert.equal({ status, stderr }, { status: 0, stderr: says });
});

const PROGRAMS = ['natpmp-server', 'natpmpctl', 'natpmp-client'].map((name) => `cli/${name}.js`);
cases('tells its flags, and says nothing', nodes.flatMap(({ version, path }) => PROGRAMS.map((script) => ({ name: `${version}: ${script}`, path, script }))),
  ({ path, script }) => {
    const { status, stdout, stderr } = start(path, [], script, ['--help']);
    assert.equal({ status, stderr }, { status: 0, stderr: '' });
    assert.match(stdout, /^Usage: /);
  });

cases('cli/node-flags.json is right about what this node takes', nodes.map(({ version, major, path }) => ({ name: version, major, path })), ({ major, path }) => {
  const { withoutJit, small, strict, quiet } = NODE_FLAGS;
  const run = (...flags: readonly string[]) => spawnSync(path, [...flags, '-e', ''], { encoding: 'utf8' }).status;
  assert.is(run(...withoutJit, ...small, ...strict), 0);
  assert.is(run(...withoutJit, ...quiet.flags), major < quiet.before ? 0 : 9);
});

claims('cli/node-flags.json', {
  'turns off the JIT, code from strings and __proto__': () => {
    assert.equal(daemonFlags(false, 24),
      ['--jitless', '--max-semi-space-size=2', '--optimize-for-size', '--disallow-code-generation-from-strings', '--disable-proto=throw']);
    assert.equal(daemonFlags(true, 24), ['--disallow-code-generation-from-strings', '--disable-proto=throw']);
  },
});
