// The flake, with a stand-in for nixpkgs: every output evaluates, and is where Nix users look for it.

import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, claims, skip } from '../support/cases.js';
import { hasNix, ROOT, run, STUB } from './nix.js';

// Without node_modules, which a path: flake would copy.
const flake = mkdtempSync(join(tmpdir(), 'natpmp-flake-'));
atEnd(() => rmSync(flake, { recursive: true }));
for (const part of [
  'flake.nix',
  'flake.lock',
  'nix',
  'systemd',
  'cli/server/node-flags.json',
  'package.json',
  'package-lock.json',
]) {
  cpSync(join(ROOT, part), join(flake, part), { recursive: true });
}
const OFFLINE = ['--offline', '--no-write-lock-file', '--override-input', 'nixpkgs', `path:${STUB}`];

if (!hasNix) skip('the flake', 'no nix (Debian: nix-bin)');
else {
  claims('flake', {
    'nix flake check': () => {
      const { status, stderr } = run('nix', ['flake', 'check', '--no-build', ...OFFLINE, `path:${flake}`]);
      assert.is(status, 0, stderr);
    },
    'has the outputs that are expected of it': () => {
      const { status, stdout, stderr } = run('nix', ['flake', 'show', '--json', ...OFFLINE, `path:${flake}`]);
      assert.is(status, 0, stderr);
      const shown = JSON.parse(stdout) as Record<string, Record<string, Record<string, unknown>>>;
      for (const system of ['x86_64-linux', 'aarch64-linux']) {
        assert.equal(Object.keys(shown['packages']?.[system] ?? {}), ['default', 'natpmp-server']);
        assert.equal(Object.keys(shown['checks']?.[system] ?? {}), ['closure', 'module', 'package', 'vm']);
        assert.equal(Object.keys(shown['devShells']?.[system] ?? {}), ['default']);
        assert.ok(shown['formatter']?.[system]);
      }
      assert.equal(Object.keys(shown['overlays'] ?? {}), ['default']);
      assert.equal(Object.keys(shown['nixosModules'] ?? {}), ['default', 'natpmp-server']);
    },
    'the check of the module waits for what the daemons say of their flags': () => {
      const { status, stdout, stderr } = run('nix', [
        'eval',
        '--raw',
        ...OFFLINE,
        `path:${flake}#checks.x86_64-linux.module.text`,
      ]);
      assert.is(status, 0, stderr);
      assert.match(stdout, /^# \S+-natpmp-server-checked\n/);
    },
    'the lock file names the nixpkgs that flake.nix asks for': () => {
      const lock = JSON.parse(readFileSync(join(ROOT, 'flake.lock'), 'utf8')) as {
        nodes: { nixpkgs: { original: Record<string, string>; locked: Record<string, string> } };
      };
      const { owner, repo, ref } = lock.nodes.nixpkgs.original;
      assert.ok(
        readFileSync(join(ROOT, 'flake.nix'), 'utf8').includes(
          `inputs.nixpkgs.url = "github:${owner}/${repo}/${ref}";`,
        ),
      );
      assert.match(lock.nodes.nixpkgs.locked['rev'] ?? '', /^[0-9a-f]{40}$/);
    },
  });
}
