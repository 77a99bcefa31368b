// systemd/natpmp-ruleset and its installer, in a network namespace: what they keep, exchange, refuse and delete, and
// that no mapping is missing in between.

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
  const FLAGS = ['--external-interface', 'wan0', '--listen-interface', 'br-lan'];
  const INSTALLER = [process.execPath, 'dist/cli/install-ruleset.js'];
  const script = (...command: string[]) =>
    netns.run('sh', ['-c', 'RUNTIME_DIRECTORY=$0 exec sh systemd/natpmp-ruleset "$@" 2>&1', state, ...command]);
  const install = (...flags: string[]) => script(...INSTALLER, ...FLAGS, ...flags);
  const tables = () => netns.run('nft', ['list', 'tables']).trim().split('\n').sort();
  const handles = (object: string) =>
    [
      ...netns
        .run('nft', ['--handle', '--terse', 'list', 'ruleset', 'ip'])
        .matchAll(new RegExp(`^\\s*${object} (\\S+) \\{ # handle (\\d+)$`, 'gm')),
    ].map(([, name, handle]) => `${name} ${handle}`);

  const MAPPING = [
    'in tcp . 8080 timeout 1h expires 30m : 192.168.1.2 . 80',
    'out tcp . 192.168.1.2 . 80 timeout 1h expires 30m : 8080',
    'live tcp . 192.168.1.2 . 80 . 8080 counter packets 7 bytes 420 timeout 1h expires 30m',
  ];
  const map = (table = 'nat'): void => {
    for (const [, set, element] of MAPPING.map((line) => /^(\w+) (.*)$/.exec(line) ?? [])) {
      netns.run('nft', ['-f', '-'], `add element ip ${table} ${set} { ${element} }`);
    }
  };
  /** The elements of a table, the time they have left in minutes. */
  const mapped = (table = 'nat') =>
    ['map in', 'map out', 'set live'].flatMap((set) => {
      const listed = netns.run('nft', ['list', ...set.split(' ').slice(0, 1), 'ip', table, ...set.split(' ').slice(1)]);
      const element = /elements = \{ ([^}]*) \}/.exec(listed)?.[1];
      return element === undefined
        ? []
        : [`${set.split(' ')[1]} ${element.replace(/expires (29m\d+s\d*(ms)?|30m)/, 'expires 30m')}`];
    });

  claims('natpmp-ruleset', {
    'installs, and keeps what is as it was': () => {
      assert.match(install(), /table ip nat installed/);
      const before = handles('chain');
      assert.ok(before.length > 5);
      assert.is(install(), '');
      assert.equal(handles('chain'), before);
    },
    'keeps what another release prints in the same way': () => {
      const before = handles('chain');
      // To the script this is another installer.
      assert.is(script('env', ...INSTALLER, ...FLAGS), '');
      assert.equal(handles('chain'), before);
      assert.is(install(), '');
      assert.equal(handles('chain'), before);
    },
    'exchanges rules of another configuration around the mappings, which stay with their time and their counters':
      () => {
        map();
        const [rules, sets] = [handles('chain'), handles('(?:map|set)')];
        assert.match(install('--no-hairpin', '--lan', '192.168.1.1/24'), /installed/);
        assert.is.not(`${handles('chain')}`, `${rules}`);
        assert.equal(handles('(?:map|set)'), sets);
        assert.equal(mapped(), MAPPING);
        assert.not.match(netns.run('nft', ['list', 'chain', 'ip', 'nat', 'NATPMP-postrouting']), /br-lan/);
      },
    'replaces what lacks a rule, and the mappings stay': () => {
      netns.run('nft', ['flush', 'chain', 'ip', 'nat', 'NATPMP-live']);
      assert.match(install('--no-hairpin', '--lan', '192.168.1.1/24'), /installed/);
      assert.match(netns.run('nft', ['list', 'chain', 'ip', 'nat', 'NATPMP-live']), /reject/);
      assert.equal(mapped(), MAPPING);
    },
    'another name of the chains: no chain of the old name is left, and the mappings stay': () => {
      assert.match(install('--nat-chain', 'PMP'), /installed/);
      assert.equal(
        handles('chain').filter((chain) => !chain.startsWith('PMP')),
        [],
      );
      assert.equal(mapped(), MAPPING);
    },
    'sets of another release are made again, and the mappings are in them': () => {
      netns.run(
        'nft',
        ['-f', '-'],
        'flush table ip nat; delete set ip nat askers; add map ip nat gone { type ipv4_addr : mark; }',
      );
      assert.match(install(), /installed/);
      assert.equal(
        handles('(?:map|set)').map((set) => set.split(' ')[0]),
        ['in', 'out', 'live', 'stale', 'askers'],
      );
      assert.equal(mapped(), MAPPING);
    },
    'a table of the release that kept the checksum in its comment is taken over, with its mappings': () => {
      const printed = netns.run(process.execPath, ['dist/cli/install-ruleset.js', '--print', ...FLAGS]);
      netns.run(
        'nft',
        ['-f', '-'],
        printed
          .replace(/\n *comment "natpmp-server [0-9a-f]{8}"/, '')
          .replace('natpmp-server owns this table', 'natpmp-server 0badcafe'),
      );
      map();
      assert.match(install(), /installed/);
      assert.equal(mapped(), MAPPING);
      assert.is(script('env', ...INSTALLER, ...FLAGS), '');
    },
    'elements that do not fit the new sets hinder nothing': () => {
      netns.run(
        'nft',
        ['-f', '-'],
        `flush ruleset; table ip nat { comment "natpmp-server 1"
        map in { type inet_service : ipv4_addr; flags timeout; elements = { 80 timeout 1h : 192.168.1.2 }; }; }`,
      );
      assert.match(install(), /installed/);
      assert.equal(mapped(), []);
    },
    'under another name: the table of the old name goes, its mappings move, and tables of others stay': () => {
      map();
      netns.run('nft', ['add', 'table', 'ip', 'theirs']);
      netns.run('nft', ['add', 'table', 'inet', 'firewall']);
      assert.match(install('--nat-table', 'natpmp'), /table ip nat deleted/);
      assert.equal(tables(), ['table inet firewall', 'table ip natpmp', 'table ip theirs']);
      assert.equal(mapped('natpmp'), MAPPING);
    },
    'more mappings than can be moved in time are left to the helper': () => {
      const load = (table: string, count: number) => {
        const port = (index: number) =>
          `${index < 64000 ? 'tcp' : 'udp'} . ${1024 + (index % 64000)} timeout 1h : 192.168.1.2 . 80`;
        netns.run(
          'nft',
          ['-f', '-'],
          `flush map ip ${table} in; add element ip ${table} in { ${Array.from({ length: count }, (_, index) => port(index)).join(', ')} }`,
        );
      };
      const count = (table: string) =>
        netns.run('nft', ['list', 'map', 'ip', table, 'in']).match(/ timeout 1h/g)?.length ?? 0;
      load('natpmp', 32_768);
      assert.match(install('--nat-table', 'most'), /table ip natpmp deleted/);
      assert.is(count('most'), 32_768);
      load('most', 32_769);
      assert.match(install('--nat-table', 'natpmp'), /table ip most deleted/);
      assert.is(count('natpmp'), 0);
      map('natpmp');
    },
    'refuses a table that is not ours, says how to choose another, and changes nothing': () => {
      assert.throws(
        () => install('--nat-table', 'theirs'),
        (error: { status: number; stdout: string }) =>
          error.status === 78 && /NATPMP_TABLE .*natTable = "natpmp"/.test(error.stdout),
      );
      assert.equal(tables(), ['table inet firewall', 'table ip natpmp', 'table ip theirs']);
      assert.equal(mapped('natpmp'), MAPPING);
    },
    'a printer that fails: its own status and line, and nothing has changed': () => {
      assert.throws(
        () => script(...INSTALLER, ...FLAGS, '--nat-chain', '9'),
        (error: { status: number; stdout: string }) => error.status === 2 && /--nat-chain 9/.test(error.stdout),
      );
      assert.equal(mapped('natpmp'), MAPPING);
    },
    '--remove deletes every table of ours and none of others': () => {
      assert.match(netns.run('sh', ['-c', '"$@" 2>&1', 'sh', ...INSTALLER, '--remove']), /table ip natpmp deleted/);
      assert.equal(tables(), ['table inet firewall', 'table ip theirs']);
      assert.is(netns.run('sh', ['-c', '"$@" 2>&1', 'sh', ...INSTALLER, '--remove']), '');
    },
  });
}
