// The command line of natpmp-helper: how it is taken apart, defaults, and each complaint with the flag that it names.

import * as assert from 'uvu/assert';
import { parseConfig } from '../../helper/config.js';
import { HELP, parseFlags } from '../../helper/flags.js';
import { cases, claims } from '../support/cases.js';

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

cases(
  'parseFlags',
  [
    { name: 'a value behind a blank', args: ['--socket', '/s'], want: { socket: ['/s'] } },
    { name: 'a value behind =, with another =', args: ['--rule=a=b'], want: { rule: ['a=b'] } },
    { name: 'all that were given, in order', args: ['--rule=a', '--rule', 'b'], want: { rule: ['a', 'b'] } },
    { name: 'several values', args: ['--lan', 'a', 'b', '--check'], want: { lan: ['a', 'b'], check: [] } },
    { name: 'a switch', args: ['--check'], want: { check: [] } },
    { name: 'what only the ruleset needs', args: ['--no-hairpin'], want: { 'no-hairpin': [] } },
    { name: 'a value that begins like a flag', args: ['--boot-id', '-b'], want: { 'boot-id': ['-b'] } },
  ],
  ({ args, want }) => {
    const complaints: string[] = [];
    const flags = parseFlags(args, (complaint) => complaints.push(complaint));
    const given = Object.keys(want).map((name) => [name, flags.get(name)]);
    assert.equal([Object.fromEntries(given), complaints], [want, []]);
  },
);

cases(
  'parseFlags complains',
  [
    { name: 'unknown flag', args: ['--nosuch', 'x'], want: ["unknown option '--nosuch'", 'too many arguments: x'] },
    { name: 'short flag', args: ['-x'], want: ["unknown option '-x'"] },
    { name: 'one dash', args: ['-lan'], want: ["unknown option '-l'", "unknown option '-a'", "unknown option '-n'"] },
    { name: 'a name of every object', args: ['--constructor'], want: ["unknown option '--constructor'"] },
    { name: 'value missing', args: ['--socket'], want: ['--socket <path>: its value is missing'] },
    { name: 'value of a switch', args: ['--check=yes'], want: ['--check: takes no value'] },
    { name: 'a word too many', args: ['ruleset'], want: ['too many arguments: ruleset'] },
    { name: 'a second value of one', args: ['--socket', '/s', '/t'], want: ['too many arguments: /t'] },
    { name: 'a second value behind =', args: ['--lan=a', 'b'], want: ['too many arguments: b'] },
  ],
  ({ args, want }) => {
    const complaints: string[] = [];
    parseFlags(args, (complaint) => complaints.push(complaint));
    assert.equal(complaints, want);
  },
);

const GOOD = '--boot-id b';

cases(
  'parseConfig complains',
  [
    { name: 'no boot id', flags: '', want: /^--boot-id is required/ },
    { name: 'an empty boot id', flags: '--boot-id=', want: /^--boot-id is required/ },
    { name: 'quota 0', flags: `${GOOD} --max-mappings-per-ip 0`, want: /^--max-mappings-per-ip 0:/ },
    { name: 'more mappings than ports', flags: `${GOOD} --max-mappings 131071`, want: /from 1 to 131070$/ },
    { name: 'lifetime in hex', flags: `${GOOD} --max-lifetime 0x10`, want: /^--max-lifetime 0x10:/ },
    { name: 'lifetime for ever', flags: `${GOOD} --max-lifetime 4294967295`, want: /^--max-lifetime 4294967295:/ },
    { name: 'rate 0', flags: `${GOOD} --new-mappings-per-ip 0`, want: /^--new-mappings-per-ip 0:/ },
    { name: 'port 0', flags: `${GOOD} --allowed-ports 0-10`, want: /^--allowed-ports 0-10:/ },
    { name: 'denied ports', flags: `${GOOD} --denied-ports all`, want: /^--denied-ports all:/ },
    { name: 'reserved ports', flags: `${GOOD} --reserved-ports 9-8`, want: /^--reserved-ports 9-8:/ },
    { name: 'rule', flags: `${GOOD} --rule allow`, want: /^--rule "allow":/ },
    { name: 'default rule', flags: `${GOOD} --default-rule no`, want: /^--default-rule no:/ },
    { name: 'user by name', flags: `${GOOD} --admin-uid root`, want: /^--admin-uid root:/ },
    { name: 'table', flags: `${GOOD} --nat-table a;b`, want: /^--nat-table a;b:/ },
    { name: 'socket', flags: `${GOOD} --socket s`, want: /^--socket s: give an absolute path/ },
    { name: 'admin socket', flags: `${GOOD} --admin-socket s`, want: /^--admin-socket s: give an absolute path/ },
    { name: 'state folder', flags: `${GOOD} --state-dir s`, want: /^--state-dir s: give an absolute path/ },
    { name: 'log level', flags: `${GOOD} --log-level loud`, want: /^--log-level loud:/ },
  ],
  ({ flags, want }) => {
    const parsed = parseConfig(words(flags));
    const complaints = 'ok' in parsed ? [] : parsed.complaints;
    assert.is(complaints.length, 1, complaints.join(' | '));
    assert.match(complaints[0] ?? '', want);
  },
);

claims('parseConfig', {
  'has the defaults that --help tells': () => {
    const parsed = parseConfig(words(GOOD));
    if (!('ok' in parsed)) throw new Error(parsed.complaints.join());
    const { limits, ...config } = parsed.ok;
    assert.equal(config, {
      adminUids: [0],
      stateDir: '/var/lib/natpmp-server',
      ruleset: { table: 'nat', chain: 'NATPMP' },
      bootId: 'b',
      logLevel: 'info',
      check: false,
    });
    const { maxMappings, maxMappingsPerHost, maxLifetime, newMappings, allowedPorts } = limits;
    assert.equal(
      { maxMappings, maxMappingsPerHost, maxLifetime, newMappings, allowedPorts },
      {
        maxMappings: 129024,
        maxMappingsPerHost: 100,
        maxLifetime: 86400,
        newMappings: { burst: 200, intervalMs: 50 },
        allowedPorts: [{ from: 1024, to: 65535 }],
      },
    );
    assert.match(HELP, /--max-mappings <n> {2}.*\(default: 129024\)$/m);
  },
  'pinholes are off, and on with --pinholes': () => {
    const most = [GOOD, `${GOOD} --pinholes`].map((flags) => {
      const parsed = parseConfig(words(flags));
      return 'ok' in parsed && parsed.ok.limits.maxPinholes;
    });
    assert.equal(most, [0, 16384]);
  },
  'of a flag given twice the last counts': () => {
    const parsed = parseConfig(words(`${GOOD} --max-lifetime 60 --max-lifetime 30 --admin-uid 1 --admin-uid 2`));
    assert.equal('ok' in parsed && [parsed.ok.limits.maxLifetime, parsed.ok.adminUids], [30, [1, 2]]);
  },
});
