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
        .run('nft', ['--handle', '--terse', 'list', 'ruleset', 'inet'])
        .matchAll(new RegExp(`^\\s*${object} (\\S+) \\{ # handle (\\d+)$`, 'gm')),
    ].map(([, name, handle]) => `${name} ${handle}`);

  const MAPPING = [
    'in tcp . 8080 timeout 1h expires 30m : 192.168.1.2 . 80',
    'out tcp . 192.168.1.2 . 80 timeout 1h expires 30m : 8080',
    'live tcp . 192.168.1.2 . 80 . 8080 counter packets 7 bytes 420 timeout 1h expires 30m',
  ];
  /** Add the mapping to the sets of a table, whose names begin with this. */
  const map = (table = 'inet nat', prefix = 'NATPMP-'): void => {
    for (const [, set, element] of MAPPING.map((line) => /^(\w+) (.*)$/.exec(line) ?? [])) {
      netns.run('nft', ['-f', '-'], `add element ${table} ${prefix}${set} { ${element} }`);
    }
  };
  /** The elements of a table, the time they have left in minutes. */
  const mapped = (table = 'nat', chain = 'NATPMP') =>
    (['map in', 'map out', 'set live'] as const).flatMap((set) => {
      const [kind = '', name = ''] = set.split(' ');
      const listed = netns.run('nft', ['list', kind, 'inet', table, `${chain}-${name}`]);
      const element = /elements = \{ ([^}]*) \}/.exec(listed)?.[1];
      return element === undefined
        ? []
        : [`${name} ${element.replace(/expires (29m\d+s\d*(ms)?|30m)/, 'expires 30m')}`];
    });
  /** The table of the releases before, as far as it matters here. */
  const EARLIER = `table ip nat {
    comment "natpmp-server owns this table"
    map in { type inet_proto . inet_service : ipv4_addr . inet_service; flags timeout; size 131072; }
    map out { type inet_proto . ipv4_addr . inet_service : inet_service; flags timeout; size 131072; }
    set live { type inet_proto . ipv4_addr . inet_service . inet_service; flags timeout; counter; size 131072; }
    chain NATPMP-live { reject; }
    chain NATPMP {
      comment "natpmp-server 0badcafe"
      type nat hook prerouting priority dstnat; policy accept;
      iifname "wan0" dnat ip to meta l4proto . th dport map @in
    }
  }`;

  claims('natpmp-ruleset', {
    'installs, and keeps what is as it was': () => {
      assert.match(install(), /table inet nat installed/);
      const before = handles('chain');
      assert.ok(before.length > 5);
      assert.is(install(), '');
      assert.equal(handles('chain'), before);
    },
    'says which interface pinholes wait for': () => {
      const text = script(...INSTALLER, ...FLAGS, '--pinholes', '--pinhole-interface', 'sit9');
      assert.match(text, /^natpmp-ruleset: waiting for the interface of pinholes, sit9: there are: lo$/m);
      netns.run('ip', 'link add sit9 type bridge'.split(' '));
      assert.not.match(
        script(...INSTALLER, ...FLAGS, '--pinholes', '--pinhole-interface', 'sit9', '--no-hairpin'),
        /waiting/,
      );
      netns.run('ip', 'link del sit9'.split(' '));
      install();
    },
    'repairs what somebody else has taken out meanwhile': () => {
      for (const damage of [
        'flush chain inet nat NATPMP',
        'flush chain inet nat NATPMP-ended',
        'delete chain inet nat NATPMP-output',
      ]) {
        const before = netns.run('nft', ['--terse', 'list', 'table', 'inet', 'nat']);
        netns.run('nft', ['-f', '-'], damage);
        assert.match(install(), /table inet nat installed/, damage);
        assert.is(netns.run('nft', ['--terse', 'list', 'table', 'inet', 'nat']), before);
      }
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
        assert.not.match(netns.run('nft', ['list', 'chain', 'inet', 'nat', 'NATPMP-postrouting']), /oifname "br-lan"/);
      },
    'replaces what lacks a rule, and the mappings stay': () => {
      netns.run('nft', ['flush', 'chain', 'inet', 'nat', 'NATPMP-live']);
      assert.match(install('--no-hairpin', '--lan', '192.168.1.1/24'), /installed/);
      assert.match(netns.run('nft', ['list', 'chain', 'inet', 'nat', 'NATPMP-live']), /started/);
      assert.equal(mapped(), MAPPING);
    },
    'another name of the chains: nothing of the old name is left, and the mappings move': () => {
      assert.match(install('--nat-chain', 'PMP'), /NATPMP deleted from table inet nat/);
      assert.equal(
        [...handles('chain'), ...handles('(?:map|set)')].filter((object) => !object.startsWith('PMP')),
        [],
      );
      assert.equal(mapped('nat', 'PMP'), MAPPING);
      assert.match(install(), /PMP deleted from table inet nat/);
      assert.equal(mapped(), MAPPING);
    },
    'sets of another release are made again, and the mappings are in them': () => {
      netns.run(
        'nft',
        ['-f', '-'],
        'flush table inet nat; delete chain inet nat NATPMP-admitted; delete chain inet nat NATPMP-askers; delete set inet nat NATPMP-askers; ' +
          'add map inet nat NATPMP-gone { type ipv4_addr : mark; comment "natpmp-server NATPMP"; }',
      );
      assert.match(install(), /installed/);
      assert.equal(
        handles('(?:map|set)').map((set) => set.split(' ')[0]),
        ['in', 'out', 'live', 'stale', 'askers', 'inside', 'asked', 'tracked'].map((set) => `NATPMP-${set}`),
      );
      assert.equal(mapped(), MAPPING);
    },
    'the table of the releases before goes, and its mappings move': () => {
      netns.run('nft', ['-f', '-'], `flush ruleset; ${EARLIER}`);
      map('ip nat', '');
      assert.match(install(), /NATPMP deleted from table ip nat/);
      assert.equal(tables(), ['table inet nat']);
      assert.equal(mapped(), MAPPING);
    },
    'so does one of the release that kept the checksum in its comment': () => {
      const older = EARLIER.replace(/\n *comment "natpmp-server [0-9a-f]{8}"/, '').replace(
        'owns this table',
        '0badcafe',
      );
      netns.run('nft', ['-f', '-'], `flush ruleset; ${older}`);
      map('ip nat', '');
      assert.match(install(), /NATPMP deleted from table ip nat/);
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
      assert.equal(tables(), ['table inet nat']);
    },
    "another's table ip nat is no concern of ours, nor another gateway of a release before": () => {
      const theirs = 'table ip nat { chain DOCKER { }; }';
      const another = EARLIER.replace('table ip nat', 'table ip nat2').replaceAll('NATPMP', 'PMP2');
      netns.run('nft', ['-f', '-'], `${theirs}\n${another}`);
      assert.match(script('env', 'NATPMP_TABLE_CHANGED=1', ...INSTALLER, ...FLAGS), /installed/);
      assert.equal(tables(), ['table inet nat', 'table ip nat', 'table ip nat2']);
      assert.match(netns.run('nft', ['list', 'table', 'ip', 'nat']), /chain DOCKER/);
      netns.run('nft', ['delete', 'table', 'ip', 'nat']);
      netns.run('nft', ['delete', 'table', 'ip', 'nat2']);
      install();
    },
    'what others put into the same table stays, whatever is done to ours': () => {
      const theirs = 'chain theirs {\n\t\ttype filter hook forward priority filter + 5; policy accept;\n\t\tcounter';
      netns.run(
        'nft',
        ['-f', '-'],
        `table inet nat { ${theirs.replaceAll('\n', ' ')}; }; set wanted { type mark; }; }`,
      );
      map();
      assert.match(install('--no-hairpin'), /installed/);
      assert.match(install('--nat-chain', 'PMP'), /NATPMP deleted/);
      assert.match(install(), /PMP deleted/);
      assert.equal(mapped(), MAPPING);
      assert.match(install('--nat-table', 'natpmp'), /NATPMP deleted from table inet nat/);
      assert.equal(tables(), ['table inet nat', 'table inet natpmp']);
      const left = netns.run('nft', ['list', 'table', 'inet', 'nat']);
      assert.ok(left.includes(theirs) && left.includes('set wanted'), left);
      assert.not.match(left, /NATPMP/);
      assert.match(install(), /NATPMP deleted from table inet natpmp/);
      assert.equal(tables(), ['table inet nat']);
      netns.run('nft', ['-f', '-'], 'delete chain inet nat theirs; delete set inet nat wanted');
    },
    'under another name: the table of the old name goes, its mappings move, and tables of others stay': () => {
      netns.run('nft', ['add', 'table', 'ip', 'theirs']);
      netns.run('nft', ['add', 'table', 'inet', 'firewall']);
      assert.match(install('--nat-table', 'natpmp'), /NATPMP deleted from table inet nat/);
      assert.equal(tables(), ['table inet firewall', 'table inet natpmp', 'table ip theirs']);
      assert.equal(mapped('natpmp'), MAPPING);
    },
    'more mappings than can be moved in time are left to the helper': () => {
      const load = (table: string, count: number) => {
        const port = (index: number) =>
          `${index < 64000 ? 'tcp' : 'udp'} . ${1024 + (index % 64000)} timeout 1h : 192.168.1.2 . 80`;
        netns.run(
          'nft',
          ['-f', '-'],
          `flush map inet ${table} NATPMP-in; add element inet ${table} NATPMP-in { ${Array.from({ length: count }, (_, index) => port(index)).join(', ')} }`,
        );
      };
      const count = (table: string) =>
        netns.run('nft', ['list', 'map', 'inet', table, 'NATPMP-in']).match(/ timeout 1h/g)?.length ?? 0;
      load('natpmp', 32_768);
      assert.match(install('--nat-table', 'most'), /deleted from table inet natpmp/);
      assert.is(count('most'), 32_768);
      load('most', 32_769);
      assert.match(install('--nat-table', 'natpmp'), /deleted from table inet most/);
      assert.is(count('natpmp'), 0);
      map('inet natpmp');
    },
    'refuses a table that has a chain of our name, or an owner, says how to choose another, and changes nothing':
      () => {
        netns.run('nft', ['-f', '-'], 'table inet theirs { chain NATPMP-forward { }; }');
        const before = tables();
        assert.throws(
          () => install('--nat-table', 'theirs'),
          (error: { status: number; stdout: string }) =>
            error.status === 78 && /chain NATPMP-forward of somebody else.*NATPMP_TABLE .*natTable/.test(error.stdout),
        );
        assert.equal(tables(), before);
        assert.equal(mapped('natpmp'), MAPPING);
        netns.run('nft', ['delete', 'table', 'inet', 'theirs']);
      },
    'a printer that fails: its own status and line, and nothing has changed': () => {
      assert.throws(
        () => script(...INSTALLER, ...FLAGS, '--nat-chain', '9'),
        (error: { status: number; stdout: string }) => error.status === 2 && /--nat-chain 9/.test(error.stdout),
      );
      assert.equal(mapped('natpmp'), MAPPING);
    },
    'a second gateway is beside the first, in the same table, and each is exchanged and removed alone': () => {
      const second = (...flags: string[]) =>
        netns.run('sh', ['-c', '"$@" 2>&1', 'sh', ...INSTALLER, ...flags, '--nat-chain', 'NATPMP-b']);
      const SECOND = ['--external-interface', 'wan1', '--listen-interface', 'br-two', '--nat-table', 'natpmp'];
      assert.match(second(...SECOND), /installed/);
      assert.match(install('--nat-table', 'natpmp', '--no-hairpin'), /installed/);
      assert.match(second(...SECOND, '--no-hairpin'), /installed/);
      assert.equal(mapped('natpmp'), MAPPING);
      map('inet natpmp', 'NATPMP-b-');
      assert.equal(mapped('natpmp', 'NATPMP-b'), MAPPING);
      assert.match(second('--remove'), /^natpmp-ruleset: NATPMP-b deleted from table inet natpmp/);
      assert.not.match(netns.run('nft', ['list', 'table', 'inet', 'natpmp']), /NATPMP-b/);
      assert.equal(mapped('natpmp'), MAPPING);
    },
    'a second gateway with a name of the first, or with the same chain in another table, is refused': () => {
      const refused = (says: RegExp, ...flags: string[]) =>
        assert.throws(
          () => netns.run('sh', ['-c', '"$@" 2>&1', 'sh', ...INSTALLER, ...FLAGS, ...flags]),
          (error: { status: number; stdout: string }) => error.status === 78 && says.test(error.stdout),
          says.source,
        );
      const before = handles('chain');
      refused(/has the gateway NATPMP, some of whose names/, '--nat-table', 'natpmp', '--nat-chain', 'NATPMP-live');
      refused(/table inet natpmp has a gateway with chain NATPMP, too/, '--nat-table', 'elsewhere');
      assert.equal(handles('chain'), before);
      assert.equal(mapped('natpmp'), MAPPING);
    },
    'a second gateway whose name has the same conntrack label is refused': () => {
      netns.run('sh', ['-c', '"$@" 2>&1', 'sh', ...INSTALLER, ...FLAGS, '--nat-table', 'other', '--nat-chain', 'C3']);
      assert.throws(
        () => netns.run('sh', ['-c', '"$@" 2>&1', 'sh', ...INSTALLER, ...FLAGS, '--nat-chain', 'C41']),
        (error: { status: number; stdout: string }) =>
          error.status === 78 && /chain C3 has the same conntrack label/.test(error.stdout),
      );
      netns.run('sh', ['-c', '"$@" 2>&1', 'sh', ...INSTALLER, '--remove', '--nat-chain', 'C3']);
    },
    '--remove under natpmp-ruleset: by the record, else by the settings, else what is there alone': () => {
      const add = (chain: string) =>
        netns.run('sh', ['-c', '"$@" 2>&1', 'sh', ...INSTALLER, ...FLAGS, '--nat-table', 'more', '--nat-chain', chain]);
      const remove = (record: string, ...flags: string[]) =>
        netns.run('sh', ['-c', 'NATPMP_INSTALLED=$0 "$@" 2>&1', record, ...INSTALLER, '--remove', ...flags]);
      const left = () =>
        [
          ...new Set(
            [...netns.run('nft', ['list', 'ruleset']).matchAll(/comment "natpmp-server (\w+)/g)].map(
              ([, name]) => name,
            ),
          ),
        ].sort();
      for (const chain of ['C3', 'C4']) add(chain);
      assert.equal(left(), ['C3', 'C4', 'NATPMP']);
      const recorded = netns.run('cat', [join(state, 'installed.env')]);
      assert.is(recorded, 'NATPMP_INSTALLED="natpmp NATPMP"\n');
      // A chain of the settings counts only if what was recorded is not there.
      assert.match(remove('more C3', '--nat-chain', 'C4'), /^natpmp-ruleset: C3 deleted/);
      assert.equal(left(), ['C4', 'NATPMP']);
      assert.match(remove('more C3', '--nat-chain', 'C5'), /C4 in table inet more stays: it is of another gateway/);
      assert.match(remove('more C3', '--nonsense'), /C4 in table inet more stays/);
      for (const flags of [['--nat-chain', 'C5'], ['--nonsense']])
        assert.throws(
          () => remove('', ...flags),
          (error: { status: number; stdout: string }) =>
            error.status === 2 && /which of the gateways (C4, NATPMP|NATPMP, C4) it is/.test(error.stdout),
        );
      assert.equal(left(), ['C4', 'NATPMP']);
      assert.match(remove('', '--nat-chain', 'C4'), /^natpmp-ruleset: C4 deleted/);
      assert.equal(left(), ['NATPMP']);
      const whole = netns.run('nft', ['list', 'ruleset']);
      assert.match(remove('', '--nonsense'), /^natpmp-ruleset: NATPMP deleted from table inet natpmp/);
      assert.is(remove('', '--nonsense'), '');
      netns.run('nft', ['-f', '-'], `flush ruleset; ${whole}`);
      assert.throws(() => netns.run('sh', ['-c', '"$@" 2>&1', 'sh', ...INSTALLER, '--remove', '--nonsense']));
      assert.equal(left(), ['NATPMP']);
    },
    '--remove deletes what is ours, in any table, and nothing of others': () => {
      netns.run('nft', ['-f', '-'], EARLIER);
      netns.run('nft', ['-f', '-'], 'table inet natpmp { chain theirs { }; }');
      const remove = () => netns.run('sh', ['-c', '"$@" 2>&1', 'sh', ...INSTALLER, '--remove']);
      assert.match(remove(), /NATPMP deleted from table inet natpmp.*\n.*NATPMP deleted from table ip nat/);
      assert.equal(tables(), ['table inet firewall', 'table inet natpmp', 'table ip theirs']);
      assert.is(netns.run('nft', ['list', 'table', 'inet', 'natpmp']).match(/chain/g)?.length, 1);
      assert.is(remove(), '');
    },
  });
}
