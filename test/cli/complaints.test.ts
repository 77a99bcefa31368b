// What the programs say about arguments with control characters: nothing that a terminal obeys.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { cases } from '../support/cases.js';

const DIST = join(import.meta.dirname, '../..');
/** Sets the title of a terminal; clears it, by one character of C1; and turns text around. */
const EVIL = 'x\x1b]0;owned\x07\x9b2J\u202ex';
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;

cases<{ name: string; program: string; args: readonly string[] }>(
  'complaints without control characters',
  [
    { name: 'natpmp-server: a flag', program: 'cli/natpmp-server.js', args: [`--${EVIL}`] },
    { name: 'natpmp-server: a value', program: 'cli/natpmp-server.js', args: ['--check', '--allowed-ports', EVIL] },
    { name: 'natpmp-server: a file', program: 'cli/natpmp-server.js', args: ['--check', '--config', `/none/${EVIL}`] },
    {
      name: 'natpmp-server: an interface',
      program: 'cli/natpmp-server.js',
      args: ['--external-interface', EVIL, '--listen-interface', 'lo'],
    },
    { name: 'natpmp-server ruleset', program: 'cli/natpmp-server.js', args: ['ruleset', `--${EVIL}`] },
    { name: 'natpmpctl', program: 'cli/natpmpctl.js', args: [`--${EVIL}`] },
    { name: 'natpmp-client', program: 'cli/natpmp-client.js', args: [`--${EVIL}`] },
    { name: 'natpmp-client: a host', program: 'cli/natpmp-client.js', args: [`${EVIL}:0`, 'info'] },
    { name: 'install-ruleset', program: 'cli/install-ruleset.js', args: ['--print', `--${EVIL}`] },
    { name: 'print-reserved-ports', program: 'cli/print-reserved-ports.js', args: [`--${EVIL}`] },
    { name: 'natpmp-frontend', program: 'frontend/main.js', args: [`--${EVIL}`] },
    { name: 'natpmp-frontend: a value', program: 'frontend/main.js', args: ['--check', '--lan', EVIL] },
    { name: 'natpmp-upnp', program: 'upnp/main.js', args: [`--${EVIL}`] },
    { name: 'natpmp-upnp: a value', program: 'upnp/main.js', args: ['--check', '--external-interface', EVIL] },
    { name: 'natpmp-helper', program: 'helper/main.js', args: [`--${EVIL}`] },
    {
      name: 'natpmp-helper: a value',
      program: 'helper/main.js',
      args: ['--check', '--boot-id', 'x', '--allowed-ports', EVIL],
    },
    { name: 'natpmpctl: of a command', program: 'cli/natpmpctl.js', args: ['list', `--${EVIL}`] },
    {
      name: 'natpmp-client: of a command',
      program: 'cli/natpmp-client.js',
      args: ['192.0.2.1', 'info', `--${EVIL}`],
    },
  ],
  ({ program, args }) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(DIST, program), ...args], {
      encoding: 'utf8',
      input: '',
      timeout: 20_000,
    });
    assert.ok(status !== 0 && stderr !== '', `status ${status}`);
    assert.match(stderr, 'owned', 'it names what is wrong');
    assert.not.match(stdout + stderr, OBEYED);
  },
);
