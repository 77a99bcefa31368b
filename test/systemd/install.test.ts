// What install.sh makes of its arguments, before it changes anything. The programs that it installs with are not there, so it
// cannot.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, cases, skip } from '../support/cases.js';

const SCRIPT = join(import.meta.dirname, '../../../systemd/install.sh');
const folder = mkdtempSync(join(tmpdir(), 'natpmp-install-'));
atEnd(() => rmSync(folder, { recursive: true }));
for (const program of ['id', 'dirname']) symlinkSync(`/usr/bin/${program}`, join(folder, program));

/** It goes on until it misses the first program. */
const TAKEN = { status: 72, says: /nft is not installed/ };
const refused = { status: 2, says: /--listen-interface '.*': give the name of an interface/s };
const another = { status: 2, says: /is another file: give the interface another name/ };

if (process.getuid?.() !== 0) skip('install.sh', 'needs root');
else
  cases(
    'install.sh: --listen-interface',
    [
      { name: 'a name as usual', lan: 'br-lan', want: TAKEN },
      { name: 'a VLAN', lan: 'eth0.10', want: TAKEN },
      { name: 'of 15 characters', lan: 'abcdefghijklmno', want: TAKEN },
      { name: 'of 16 characters', lan: 'abcdefghijklmnop', want: refused },
      { name: 'none', lan: '', want: refused },
      { name: 'a leading dash', lan: '-lan', want: refused },
      { name: 'two in one word', lan: 'br-lan br-guest', want: refused },
      { name: 'a line end', lan: 'br\nlan', want: refused },
      { name: 'a command', lan: `x$(>${folder}/pwn)`, want: refused },
      { name: 'a command in backquotes', lan: '`>pwn`', want: refused },
      { name: 'a pattern', lan: '*', want: refused },
      { name: 'a quotation mark', lan: `x"'`, want: refused },
      { name: 'a separator of commands', lan: 'x;id', want: refused },
      { name: 'a backslash', lan: 'x\\n', want: refused },
      { name: 'a specifier of systemd', lan: 'x%i', want: refused },
      { name: 'a path', lan: '../x', want: refused },
      { name: 'a folder', lan: '..', want: refused },
      { name: 'letters of another alphabet', lan: 'br-lån', want: refused },
      { name: 'gateway, whose settings would be in gateway.env', lan: 'gateway', want: another },
      { name: 'interfaces, whose settings would be in interfaces.env', lan: 'interfaces', want: another },
    ],
    ({ lan, want }) => {
      const args = ['--external-interface', 'wan0', '--listen-interface', lan];
      const { status, stderr } = spawnSync('/bin/sh', [SCRIPT, ...args], {
        env: { PATH: folder },
        cwd: folder,
        encoding: 'utf8',
      });
      assert.is(status, want.status, stderr);
      assert.match(stderr, want.says);
      assert.not.ok(existsSync(join(folder, 'pwn')));
    },
  );
