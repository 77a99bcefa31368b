// What systemd itself says of the unit files, without starting anything.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { NODE_FLAGS } from '../../cli/server/node-flags.js';
import { directives, words } from '../nix/unit-text.js';
import { atEnd, cases, claims, skip } from '../support/cases.js';
import { must, run } from '../support/run.js';

const UNITS = resolve(import.meta.dirname, '../../../systemd');
const HARDENED = [
  { name: 'natpmp-frontend@.service', most: 0.2 },
  { name: 'natpmp-upnp@.service', most: 0.2 },
  { name: 'natpmp-helper.service', most: 0.6 },
  { name: 'natpmp-own-ports.service', most: 1.1 },
  { name: 'natpmp-reload.service', most: 0.7 },
  { name: 'natpmp-metrics@.service', most: 0.3 },
  { name: 'natpmp-upnp-metrics@.service', most: 0.3 },
  { name: 'natpmp-ruleset.service', most: 1.1 },
  { name: 'natpmp-table.service', most: 1.1 },
];
const text = (unit: string): string => readFileSync(join(UNITS, unit), 'utf8');

if ((await run('sh', ['-c', 'command -v systemd-analyze'])).status === 0) {
  const folder = mkdtempSync(join(tmpdir(), 'natpmp-units-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  cases('exposure, as systemd-analyze security sees it, is at most', HARDENED, async ({ name, most }) => {
    // Older ones want the file of an instance.
    const file = join(folder, name.replace('@', '@lan'));
    writeFileSync(file, text(name));
    const said = await must('systemd-analyze', ['security', '--no-pager', '--offline=true', file]);
    const level = Number(/Overall exposure level for \S+: ([0-9.]+)/.exec(said)?.[1]);
    assert.ok(
      level <= most,
      `${level}, not ${most}:\n${said
        .split('\n')
        .filter((line) => line.startsWith('✗'))
        .join('\n')}`,
    );
  });
} else {
  skip('the exposure of the units', 'systemd-analyze is not installed');
}

const { withoutJit, small, strict } = NODE_FLAGS;
/** The flags of node in each command that starts it, of each service that does. */
const STARTED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'natpmp-frontend@.service': [[...withoutJit, ...small, ...strict]],
  'natpmp-helper.service': [[...withoutJit, ...small, ...strict]],
  'natpmp-upnp@.service': [[...withoutJit, ...small, ...strict]],
  'natpmp-own-ports.service': [withoutJit],
  'natpmp-ruleset.service': [withoutJit],
};
const services = readdirSync(UNITS).filter((file) => file.endsWith('.service'));

cases(
  'node is started with the flags of cli/server/node-flags.json that every version takes',
  services.map((name) => ({ name })),
  ({ name }) => {
    const found = (directives(text(name)).get('Service.ExecStart') ?? [])
      .map(words)
      .filter((command) => command.includes('/usr/bin/node'))
      .map((command) => {
        const behind = command.slice(command.indexOf('/usr/bin/node') + 1);
        return behind.slice(
          0,
          behind.findIndex((word) => !word.startsWith('-')),
        );
      });
    assert.equal(found, STARTED[name] ?? []);
  },
);

claims('the units', {
  'everything that listens has no limit of starts, and everything that runs is started again for ever': () => {
    const files = readdirSync(UNITS);
    for (const socket of files.filter((file) => file.endsWith('.socket')))
      assert.match(text(socket), /^TriggerLimitIntervalSec=0$/m, socket);
    for (const service of files.filter((file) => file.endsWith('.service')))
      assert.match(text(service), /^StartLimitIntervalSec=0$/m, service);
    for (const service of ['natpmp-frontend@.service', 'natpmp-upnp@.service', 'natpmp-helper.service'])
      assert.match(text(service), /^Restart=always$/m, service);
  },
  'no unit that waits for a LAN device holds up the boot': () => {
    for (const unit of [
      'natpmp-frontend@.socket',
      'natpmp-pcp@.socket',
      'natpmp-route@.socket',
      'natpmp-ssdp@.socket',
      'natpmp-upnp@.socket',
      'natpmp-upnp-route@.socket',
      'natpmp-upnp-status@.socket',
      'natpmp-server.target',
    ]) {
      assert.match(text(unit), /^DefaultDependencies=no$/m, unit);
      assert.not.match(text(unit), /sockets\.target$/m, unit);
    }
  },
  'every setting that a unit uses is in gateway.env, or is written by a script': () => {
    const scripts = ['install.sh', 'natpmp-own-ports', 'gateway.env'].map(text).join('\n');
    for (const { name } of HARDENED) {
      for (const [, setting = ''] of text(name).matchAll(/\$(NATPMP_[A-Z]+)/g)) {
        assert.match(scripts, new RegExp(`\\b${setting}=`), `${name}: ${setting}`);
      }
    }
  },
  'every file a unit starts is one of ours': () => {
    for (const { name } of HARDENED) {
      for (const [, file = ''] of text(name).matchAll(/\/usr\/local\/lib\/natpmp-server\/(\S+)/g)) {
        assert.ok(existsSync(join(UNITS, file.startsWith('dist/') ? `../${file}` : file)), `${name}: ${file}`);
      }
    }
  },
});
