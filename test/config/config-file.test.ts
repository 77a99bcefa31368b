// The configuration file: the flags in another place, and complaints that name the line.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { checkConfig, warningsOf } from '../../cli/natpmpctl/check-config.js';
import { readConfig } from '../../cli/server/config.js';
import { command as serverFlags } from '../../cli/server/flags.js';
import { rulesetCommand } from '../../cli/host/ruleset-flags.js';
import { suggesting } from '../../config/nearest.js';
import { HELP as HELPER_HELP } from '../../helper/flags.js';
import type { Arguments } from '../../config/types.js';
import { readConfigFile } from '../../cli/host/read-config.js';
import { parseConfigFile, withConfigFile } from '../../config/file.js';
import { withLocation } from '../../config/validate.js';
import { needRestart } from '../../config/reload.js';
import type { Program } from '../../config/types.js';
import { SETTINGS } from '../../config/settings.js';
import { atEnd, cases, claims } from '../support/cases.js';

const DIST = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'natpmp-config-'));
atEnd(() => rmSync(folder, { recursive: true }));
const file = (text: string): string => {
  const path = join(folder, 'gateway.conf');
  writeFileSync(path, text);
  return path;
};

function combined(args: string, text: string, program: Program = 'natpmp-server'): Arguments {
  const from = withConfigFile(args.split(' '), program, () => text);
  if ('complaints' in from) throw new Error(from.complaints.join());
  return from;
}

cases<{ name: string; text: string; args?: string; program?: Program; want: string[] }>(
  'withConfigFile',
  [
    { name: 'a value', text: 'max-lifetime = 60', want: ['--max-lifetime=60'] },
    {
      name: 'without blanks, with a comment and in quotes',
      text: '# all\n\nmax-lifetime="60" # a minute',
      want: ['--max-lifetime=60'],
    },
    {
      name: 'lists add up, in order',
      text: 'rule = deny 10.0.0.1\nlog-level = warn\nrule = allow 10.0.0.0/8',
      want: ['--rule=deny 10.0.0.1', '--log-level=warn', '--rule=allow 10.0.0.0/8'],
    },
    {
      name: 'yes and no',
      text: 'hairpin = no\nrequire-public-address = yes\njit = no',
      want: ['--no-hairpin', '--require-public-address'],
    },
    { name: 'hairpin is on by itself', text: 'hairpin = yes', want: [] },
    {
      name: 'a flag overrides it',
      args: '--config f --max-lifetime 30',
      text: 'max-lifetime = 60\nlog-level = warn',
      want: ['--log-level=warn'],
    },
    { name: 'and overrides a whole list', args: '--config=f --rule=x', text: 'rule = a\nrule = b', want: [] },
    { name: 'and --no-hairpin the switch', args: '--config f --no-hairpin', text: 'hairpin = no', want: [] },
    {
      name: 'reserved ports of flags and file add up: what the router needs is no matter of taste',
      args: '--config f --reserved-ports 9000 --rule x',
      text: 'reserved-ports = 8000\nrule = y',
      want: ['--reserved-ports=8000'],
    },
    { name: 'what concerns another program is left to it', text: 'lan = 10.0.0.1/8\nadmin-uid = 7', want: [] },
    {
      name: 'and read by that one',
      program: 'natpmp-helper',
      text: 'lan = 10.0.0.1/8\nadmin-uid = 7\nrun-dir = /r',
      want: ['--lan=10.0.0.1/8', '--admin-uid=7'],
    },
  ],
  ({ args = '--config f', text, program, want }) => {
    const given = args.split(' ');
    const got = combined(args, text, program).args;
    assert.equal(got.slice(0, -given.length), want);
    assert.equal(got.slice(-given.length), given);
  },
);

cases(
  'parseConfigFile complains',
  [
    {
      name: 'an unknown key, with the nearest one',
      text: 'log-level = info\nmax-lifetme = 60',
      want: ['2: max-lifetme: no such setting: is max-lifetime meant?'],
    },
    {
      name: 'written as a flag',
      text: '--nat-table = x',
      want: ['1: --nat-table: no such setting: is nat-table meant?'],
    },
    { name: 'nothing like it', text: 'colour = blue', want: ['1: colour: no such setting'] },
    { name: 'no value', text: 'nat-table =', want: ['1: nat-table: its value is missing'] },
    { name: 'no equals sign', text: 'nat-table nat', want: ['1: "nat-table nat": write name = value'] },
    { name: 'twice', text: 'nat-table = a\n\nnat-table = b', want: ['3: nat-table: is in line 1 already'] },
    {
      name: 'a line without end is not repeated',
      text: `nat-table = ${'x'.repeat(5_000_000)}\nhairpin = off`,
      want: ['1: the line is too long', '2: hairpin off: give yes or no'],
    },
    { name: 'a switch that is neither', text: 'hairpin = off', want: ['1: hairpin off: give yes or no'] },
    {
      name: 'all at once',
      text: 'hairpin = off\nx\nnat-tabel = nat',
      want: [
        '1: hairpin off: give yes or no',
        '2: "x": write name = value',
        '3: nat-tabel: no such setting: is nat-table meant?',
      ],
    },
  ],
  ({ text, want }) => assert.equal(parseConfigFile(text).complaints.map(suggesting), want),
);

claims('several files', {
  'are read in order; complaints name the file': () => {
    const texts = new Map([
      ['/a', 'rule = x\nmax-lifetime = 60'],
      ['/b', 'rule = y\nreserved-ports = 8000'],
      ['/bad', '\nhairpin = off'],
    ]);
    const read = (path: string): string => {
      const text = texts.get(path);
      if (text === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
      return text;
    };
    const from = withConfigFile(['--config', '/a', '--config=-/b', '--config=-/missing'], 'natpmp-helper', read);
    if ('complaints' in from) throw new Error(from.complaints.join());
    assert.equal(from.args.slice(0, 4), ['--rule=x', '--max-lifetime=60', '--rule=y', '--reserved-ports=8000']);
    assert.is(from.path, '/a');
    assert.is(withLocation('--rule y: no', from), '/b:1: rule y: no');
    assert.equal(withConfigFile(['--config', '/a', '--config', '/bad'], 'natpmp-helper', read), {
      complaints: ['/bad:2: hairpin off: give yes or no'],
    });
    assert.equal(withConfigFile(['--config', '/missing'], 'natpmp-helper', read), {
      complaints: ['--config /missing: cannot be read: ENOENT'],
    });
    // Only what is not there may be missing, and there is no standard input to read from.
    assert.equal(withConfigFile(['--config', '-'], 'natpmp-helper', read), {
      complaints: ['--config -: cannot be read: ENOENT'],
    });
    const locked = (): string => {
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
    };
    assert.equal(withConfigFile(['--config=-/b'], 'natpmp-helper', locked), {
      complaints: ['--config /b: cannot be read: EACCES'],
    });
  },
});

claims('readConfigFile', {
  'does not wait for a FIFO, and takes no device, folder or huge file': () => {
    const fifo = join(folder, 'fifo');
    assert.is(spawnSync('mkfifo', [fifo]).status, 0);
    const huge = join(folder, 'huge');
    writeFileSync(huge, '#'.repeat((1 << 20) + 1));
    for (const path of [fifo, '/dev/zero', folder]) assert.throws(() => readConfigFile(path), /not a regular file/);
    assert.throws(() => readConfigFile('/proc/self/pagemap'), /larger than 1048576 bytes/, 'said to be empty');
    assert.throws(() => readConfigFile(huge), /larger than 1048576 bytes/);
    assert.is(readConfigFile(file('max-lifetime = 60\n')), 'max-lifetime = 60\n');
  },
});

const sparse = join(folder, 'sparse');
writeFileSync(sparse, '');
truncateSync(sparse, 1 << 30);
symlinkSync('/dev/zero', join(folder, 'link'));
spawnSync('mkfifo', [join(folder, 'odd-fifo')]);

cases(
  'a --config that is no file of a sensible size is refused at once, by',
  ['cli/natpmp-server', 'helper/main', 'frontend/main'].flatMap((program) =>
    [
      { path: join(folder, 'odd-fifo'), want: /not a regular file/ },
      { path: '/dev/zero', want: /not a regular file/ },
      { path: join(folder, 'link'), want: /not a regular file/ },
      { path: folder, want: /not a regular file/ },
      { path: sparse, want: /larger than \d+ bytes/ },
    ].map((row) => ({ name: `${program}: ${row.path.replace(folder, '')}`, program, ...row })),
  ),
  ({ program, path, want }) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(DIST, `${program}.js`), '--config', path, '--external-interface', 'wan0', '--check'],
      { encoding: 'utf8', timeout: 20_000, input: '' },
    );
    assert.is(status, 2, stderr);
    assert.match(stderr, new RegExp(`--config ${path}: cannot be read: `));
    assert.match(stderr, want);
  },
);

cases(
  'of thousands of mistakes the first twenty are told, and how many follow, soon, by',
  ['cli/natpmp-server', 'helper/main', 'frontend/main'].flatMap((program) => [
    { name: `${program}: values`, program, line: (n: number) => `rule = allow 10.0.0.1 ports x${n}` },
    { name: `${program}: names`, program, line: (n: number) => `rulex${n} = allow 10.0.0.1` },
  ]),
  ({ program, line }) => {
    const path = file(Array.from({ length: 20_000 }, (_, index) => `${line(index)}\n`).join(''));
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        join(DIST, `${program}.js`),
        ...['--config', path, '--external-interface', 'wan0', '--listen-interface', 'br-lan'],
        '--check',
      ],
      { encoding: 'utf8', timeout: 10_000 },
    );
    assert.is(status, 2);
    const lines = stderr.trimEnd().split('\n');
    assert.is(lines.length, 21, stderr.slice(0, 2000));
    // The helper names the flag alone; natpmpctl check-config adds the line.
    const isFlag = program === 'helper/main' && line(0).includes('ports');
    assert.match(lines[0] ?? '', isFlag ? '--rule "allow 10.0.0.1 ports x0"' : `${path}:1: rule`);
    assert.match(lines[20] ?? '', /and 199\d\d more$/);
  },
);

claims('complaints of the programs', {
  'name file, line and key': () => {
    const path = file(
      'max-lifetime = 600\ndefault-lifetime = 700\nrule = allow 10.0.0.1\nrule = allow 10.0.0.2 ports 80\n',
    );
    const parsed = readConfig(
      ['--sandbox', '--config', path],
      () => 'max-lifetime = 600\ndefault-lifetime = 700\nrule = allow 10.0.0.1\nrule = allow 10.0.0.2 ports 80\n',
    );
    assert.equal(parsed.kind === 'complaints' && [...parsed.lines].sort(), [
      `${path}:2: default-lifetime 700 is longer than --max-lifetime 600`,
      `${path}:4: rule "allow 10.0.0.2 ports 80": none of its ports is among the --allowed-ports`,
    ]);
  },
  'a flag that is wrong is no line of the file': () => {
    const parsed = readConfig(['--sandbox', '--config', 'f', '--max-lifetime', '0'], () => 'max-lifetime = 600');
    assert.match(parsed.kind === 'complaints' ? (parsed.lines[0] ?? '') : '', /^--max-lifetime 0:/);
  },
  'a file that is not there': () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(DIST, 'helper/main.js'), '--config', join(folder, 'none'), '--check'],
      { encoding: 'utf8', env: {} },
    );
    assert.is(status, 2);
    assert.match(stderr, /^natpmp-helper: --config \S+none: cannot be read: ENOENT/);
  },
});

claims('needRestart', {
  'also settings of the helper, which says nothing of them itself': () => {
    const read = (text: string) => combined('--config f', text, 'natpmp-frontend');
    assert.equal(needRestart(read('nat-table = a\nadmin-uid = 7'), read('nat-table = b\nadmin-uid = 8')), [
      'nat-table',
      'admin-uid',
    ]);
  },
  'names settings that a reload cannot change, and only those': () => {
    const before = combined(
      '--config f',
      'nat-table = a\nmax-lifetime = 60\nlisten-interface = x\nlisten-interface = y',
    );
    const after = combined(
      '--config f',
      'nat-table = b\nmax-lifetime = 61\nlisten-interface = x\nlisten-interface = y\nuser = nobody',
    );
    assert.equal(needRestart(before, after), ['nat-table', 'user']);
    assert.equal(needRestart(before, before), []);
  },
});

cases<{ name: string; text: string; want: RegExp[] }>(
  'natpmpctl check-config',
  [
    {
      name: 'good',
      text: 'max-lifetime = 60\nrule = deny mac 02:00:00:00:00:07\nlan = 10.0.0.1/8\nnat-table = x\n',
      want: [],
    },
    { name: 'of natpmp-server alone', text: 'log-level = info\nlisten-port = 0\n', want: [/:2: listen-port 0: /] },
    { name: 'of the frontend alone', text: 'lan = 10.0.0.1/7\n', want: [/:1: lan 10.0.0.1\/7: /] },
    { name: 'of natpmp-upnp alone', text: '\ndevice-id = a b\n', want: [/:2: device-id a b: /] },
    { name: 'of the helper alone', text: 'admin-uid = root\n', want: [/:1: admin-uid root: /] },
    { name: 'of all of them, said once', text: '\nmax-lifetime = 0\n', want: [/:2: max-lifetime 0: /] },
    {
      name: 'a key that is none',
      text: 'rules = deny 10.0.0.1\n',
      want: [/:1: rules: no such setting: is rule meant\?/],
    },
  ],
  ({ text, want }) => {
    const path = file(text);
    const complaints = checkConfig(path);
    assert.is(complaints.length, want.length, complaints.join(' | '));
    for (const [index, pattern] of want.entries()) {
      assert.ok(complaints[index]?.startsWith(path));
      assert.match(complaints[index] ?? '', pattern);
    }
  },
);

cases<{ name: string; text: string; byFlag?: boolean; want: RegExp | null }>(
  'natpmpctl check-config warns, and the file is good',
  [
    { name: 'no pinholes', text: 'rule = deny 10.0.0.0/8\n', want: null },
    { name: 'pinholes, and no rules', text: 'pinholes = yes\n', want: null },
    {
      name: 'a network that is denied in IPv4 alone',
      text: 'pinholes = yes\nrule = deny 10.0.0.0/8\n',
      want: /: rules for IPv4 addresses \(10\.0\.0\.0\/8\) do not hold over IPv6: .*default-rule = deny/,
    },
    { name: 'the same, with pinholes by a flag', text: 'rule = deny 10.0.0.0/8\n', byFlag: true, want: /10\.0\.0\.0/ },
    {
      name: 'the default rule denies',
      text: 'pinholes = yes\nrule = allow 10.0.0.0/8\ndefault-rule = deny\n',
      want: null,
    },
    {
      name: 'the general quota is the file’s',
      text: 'pinholes = yes\nmax-mappings-per-ip = 5\nrule = allow 10.0.0.0/8 max-mappings 5\n',
      want: null,
    },
  ],
  ({ text, byFlag = false, want }) => {
    const path = file(text);
    assert.equal(checkConfig(path), []);
    const warnings = warningsOf(path, byFlag);
    assert.is(warnings.length, want === null ? 0 : 1, warnings.join(' | '));
    if (want !== null) assert.match(warnings[0] ?? '', want);
  },
);
cases<{ name: string; text: string; want: readonly RegExp[] }>(
  'natpmpctl check-config warns of what has no effect beside the units, and of nothing elsewhere',
  [
    { name: 'rules', text: 'rule = deny 10.0.0.0/8\n', want: [] },
    { name: 'UPnP', text: '\nupnp = yes\n', want: [/:2: upnp: has no effect .*install\.sh with --upnp yes/] },
    { name: 'no UPnP', text: 'upnp = no\n', want: [/:1: upnp: has no effect/] },
    { name: 'its port', text: 'upnp-port = 5000\n', want: [/:1: upnp-port: .*natpmp-upnp@INSTANCE\.socket/] },
    { name: 'a JIT', text: 'jit = yes\n', want: [/:1: jit: has no effect .*--jit yes/] },
    {
      name: 'metrics of both',
      text: 'metrics-listen = 127.0.0.1:9551\nupnp = yes\nupnp-metrics-listen = 127.0.0.1:9552\n',
      want: [/:1: metrics-listen: .*--metrics-port$/, /:2: upnp: /, /:3: upnp-metrics-listen: .*--metrics-port/],
    },
  ],
  ({ text, want }) => {
    const elsewhere = file(text);
    assert.equal(warningsOf(elsewhere, false), []);
    const etc = mkdtempSync(join(dirname(elsewhere), 'etc-'));
    const path = join(etc, 'gateway.conf');
    writeFileSync(path, text);
    writeFileSync(join(etc, 'interfaces.env'), 'NATPMP_LANS=--listen-interface br-lan\n');
    assert.equal(checkConfig(path), []);
    const warnings = warningsOf(path, false);
    assert.is(warnings.length, want.length, warnings.join(' | '));
    for (const [index, pattern] of want.entries()) assert.match(warnings[index] ?? '', pattern);
  },
);
claims('natpmpctl check-config', {
  'a warning is said, and is no failure': () => {
    const path = file('pinholes = yes\nrule = deny 10.0.0.0/8\n');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(DIST, 'cli/natpmpctl.js'), 'check-config', path],
      { encoding: 'utf8' },
    );
    assert.equal([status, stdout], [0, `${path}: good\n`]);
    assert.match(stderr, /^natpmpctl: warning: .*: rules for IPv4 addresses .*\n$/);
  },
});

const page = readFileSync(join(DIST, '../docs/configuration.md'), 'utf8');
cases(
  'docs/configuration.md has',
  SETTINGS.map(({ name, reload }) => ({ name, reload })),
  ({ name, reload }) => {
    const rows = page
      .split('\n')
      .filter((line) => line.startsWith('| `') && line.split('|')[1]?.includes(`\`${name}\``));
    assert.is(rows.length, 1);
    assert.is(rows[0]?.split('|')[4]?.trim(), reload ? 'reload' : 'restart');
  },
);
claims('the examples', {
  'of docs/configuration.md is good': () =>
    assert.equal(checkConfig(file(/```conf\n(# who[\s\S]*?)```/.exec(page)?.[1] ?? 'none')), []),
  'in systemd/gateway.conf is good, its comments too': () => {
    const text = readFileSync(join(DIST, '../systemd/gateway.conf'), 'utf8');
    assert.equal(
      [text, text.replaceAll(/^#(rule|default-rule)/gm, '$1')].map((one) => checkConfig(file(one))),
      [[], []],
    );
  },
});

/** The flags a program has, by its help: name, and whether it takes a value. */
const FLAGS: Readonly<Record<Program, ReadonlySet<string>>> = {
  'natpmp-server': names(serverFlags().helpInformation()),
  'natpmp-helper': names(HELPER_HELP),
  'natpmp-ruleset': names(rulesetCommand().helpInformation()),
  'natpmp-frontend': names(
    spawnSync(process.execPath, [join(DIST, 'frontend/main.js'), '--help'], { encoding: 'utf8' }).stdout,
  ),
  'natpmp-upnp': names(
    spawnSync(process.execPath, [join(DIST, 'upnp/main.js'), '--help'], { encoding: 'utf8' }).stdout,
  ),
};

function names(help: string): ReadonlySet<string> {
  return new Set([...help.matchAll(/^ +(?:-\w, )?--(?:no-)?([a-z-]+)/gm)].map(([, name = '']) => name));
}

cases(
  'every flag may stand in a file, of',
  Object.entries(FLAGS).map(([name, flags]) => ({ name: name as Program, flags })),
  ({ name, flags }) => {
    const ours = SETTINGS.filter(({ of }) => of.includes(name)).map((setting) => setting.name);
    // These make sense on a command line only.
    const outside = new Set(['help', 'version', 'config', 'check', 'boot-id', 'loopback']);
    assert.equal([...flags].filter((flag) => !outside.has(flag)).sort(), ours.sort());
  },
);
