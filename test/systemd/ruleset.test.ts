// systemd/natpmp-ruleset by itself, in a network namespace: what it keeps, replaces, refuses and clears away.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, claims, skip } from '../support/cases.js';
import { canMakeNetns, makeNetns } from '../support/netns.js';

if (!canMakeNetns()) skip('natpmp-ruleset', 'network namespaces need root');
else {
  const netns = await makeNetns();
  const state = mkdtempSync(join(tmpdir(), 'natpmp-ruleset-'));
  atEnd(() => rmSync(state, { recursive: true }));
  const PRINTER = [process.execPath, 'dist/helper/main.js', 'ruleset', '--external-interface', 'wan0', '--listen-interface', 'br-lan'];
  const install = (...flags: string[]) =>
    netns.run('env', [`RUNTIME_DIRECTORY=${state}`, 'sh', 'systemd/natpmp-ruleset', ...PRINTER, ...flags]);
  const tables = () => netns.run('nft', ['list', 'tables']).trim().split('\n').sort();
  const handle = () => /# handle (\d+)/.exec(netns.run('nft', ['--handle', '--terse', 'list', 'table', 'ip', 'nat']))?.[1];

  claims('natpmp-ruleset', {
    'installs, and keeps what is as it was': () => {
      assert.match(install(), /table ip nat installed/);
      const before = handle();
      assert.is(install(), '');
      assert.is(handle(), before);
    },
    'keeps what another release prints in the same way': () => {
      const before = handle();
      // To the script this is another printer.
      assert.is(netns.run('env', [`RUNTIME_DIRECTORY=${state}`, 'sh', 'systemd/natpmp-ruleset', 'env', ...PRINTER]), '');
      assert.is(handle(), before);
      assert.is(install(), '');
      assert.is(handle(), before);
    },
    'replaces what lacks a rule, and what another configuration made': () => {
      netns.run('nft', ['flush', 'chain', 'ip', 'nat', 'NATPMP-live']);
      assert.match(install(), /installed/);
      assert.match(install('--no-hairpin'), /installed/);
    },
    'under another name: the table of the old name goes, those of others stay': () => {
      netns.run('nft', ['add', 'table', 'ip', 'theirs']);
      netns.run('nft', ['add', 'table', 'inet', 'firewall']);
      assert.match(install('--nat-table', 'natpmp'), /table ip nat deleted/);
      assert.equal(tables(), ['table inet firewall', 'table ip natpmp', 'table ip theirs']);
    },
    'refuses a table that is not ours, and changes nothing': () => {
      assert.throws(() => install('--nat-table', 'theirs'), (error: { status: number; stderr: string }) =>
        error.status === 78 && /natTable/.test(error.stderr));
      assert.equal(tables(), ['table inet firewall', 'table ip natpmp', 'table ip theirs']);
    },
  });
}
