// What a NixOS build asks before a router is changed: `--check` of both daemons, and the ruleset in print.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { cases } from '../support/cases.js';

const program = (role: string): string => join(import.meta.dirname, `../../${role}.js`);

cases(
  '--check',
  [
    {
      name: 'frontend, usable',
      role: 'frontend/main',
      args: ['--check', '--external-interface', 'wan0', '--lan', '192.168.1.1/24'],
      says: null,
    },
    {
      name: 'frontend, no external interface',
      role: 'frontend/main',
      args: ['--check', '--listen-interface', 'br-lan'],
      says: '--external-interface',
    },
    {
      name: 'helper, usable',
      role: 'helper/main',
      args: ['--check', '--lan', '192.168.1.1/24', '--boot-id', '%b'],
      says: null,
    },
    {
      name: 'helper, a range upside down',
      role: 'helper/main',
      args: ['--check', '--lan', '192.168.1.1/24', '--boot-id', 'b', '--allowed-ports', '9-8'],
      says: '9-8',
    },
    {
      name: 'ruleset, a table that is a word of nft',
      role: 'cli/install-ruleset',
      args: ['--print', '--external-interface', 'wan0', '--listen-interface', 'br-lan', '--nat-table', 'counter'],
      says: '--nat-table counter',
    },
  ],
  ({ role, args, says }) => {
    // No socket is handed over and no state directory is there: neither is looked at.
    const { status, stdout, stderr } = spawnSync(process.execPath, [program(role), ...args], {
      encoding: 'utf8',
      env: {},
    });
    assert.is(stdout, '');
    if (says === null) assert.is(stderr, '');
    else assert.ok(stderr.includes(says), stderr);
    assert.is(status, says === null ? 0 : 2);
  },
);
