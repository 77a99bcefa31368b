// What install.sh makes of its arguments, before it changes anything. The programs that it installs with are not there, so it
// cannot.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { atEnd, cases, skip } from '../support/cases.js';

const SCRIPT = join(import.meta.dirname, '../../../systemd/install.sh');
const folder = mkdtempSync(join(tmpdir(), 'natpmp-install-'));
atEnd(() => rmSync(folder, { recursive: true }));
for (const program of ['id', 'dirname']) symlinkSync(`/usr/bin/${program}`, join(folder, program));

/** Its part that names the user of a frontend. */
const naming = /^  user=\$[\s\S]*?^  esac$/m.exec(readFileSync(SCRIPT, 'utf8'))?.[0] ?? '';
const units = readdirSync(dirname(SCRIPT)).filter((file) => file.endsWith('.service'));
cases(
  'install.sh: no frontend has the user of another unit, which systemd calls as the unit',
  units
    .filter((file) => /^DynamicUser=yes$/m.test(readFileSync(join(dirname(SCRIPT), file), 'utf8')))
    .map((file) => ({ name: file, unit: file.replace(/@?\.service$/, '') })),
  ({ unit }) => {
    const lan = unit.replace('natpmp-', '');
    const { stdout } = spawnSync('sh', ['-euc', `${naming}\nprintf natpmp-%s "$user"`], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], interface: lan },
    });
    assert.match(stdout, new RegExp(`^${unit}-[0-9a-f]{8}$`));
  },
);

/** It goes on until it misses the first program. */
const IN_A_NAMESPACE = `
  mount -t sysfs sysfs /sys
  ip link add wan0 type bridge
  ip link property add dev wan0 altname enp3s0
  fail() { echo "$2" >&2; exit "$1"; }`;
const TAKEN = { status: 72, says: /nft is not installed/ };
const refused = { status: 2, says: /--listen-interface '.*': give the name of an interface/s };
const another = { status: 2, says: /is another file: give the interface another name/ };

if (process.getuid?.() !== 0) skip('install.sh', 'needs root');
else {
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

  cases(
    'install.sh: the LANs and the external interface, together',
    [
      { name: 'two LANs', lans: ['br-lan2', 'br-lan', 'br'], want: TAKEN },
      {
        name: 'a LAN twice',
        lans: ['br-lan', 'br-guest', 'br-lan'],
        want: { status: 2, says: /--listen-interface br-lan: given twice/ },
      },
      {
        name: 'the external interface',
        lans: ['br-lan', 'wan0'],
        want: { status: 2, says: /--listen-interface wan0: it is the external interface, too/ },
      },
    ],
    ({ lans, want }) => {
      const named = lans.flatMap((lan) => ['--listen-interface', lan]);
      const { status, stderr } = spawnSync('/bin/sh', [SCRIPT, '--external-interface', 'wan0', ...named], {
        env: { PATH: folder },
        cwd: folder,
        encoding: 'utf8',
      });
      assert.is(status, want.status, stderr);
      assert.match(stderr, want.says);
    },
  );

  const tooHigh = (last: number) => ({
    status: 2,
    says: new RegExp(`^install\\.sh: --metrics-port .*: the last port would be ${last},`, 'm'),
  });
  const OF_UPNP = { status: 2, says: /--metrics-port \d+: port 2869 would be one of metrics, and UPnP needs it/ };
  const LANS = ['br-lan', 'br-guest', 'br-iot'];
  cases(
    'install.sh: --metrics-port, of one LAN or the first of three',
    [
      { name: 'the highest', flags: ['65535'], want: TAKEN },
      { name: 'one more', flags: ['65536'], want: tooHigh(65536) },
      { name: 'of five digits', flags: ['99999'], want: tooHigh(99999) },
      { name: 'of three LANs, the highest', flags: ['65533'], lans: LANS, want: TAKEN },
      { name: 'of three LANs, one more', flags: ['65534'], lans: LANS, want: tooHigh(65536) },
      { name: 'with UPnP, the highest', flags: ['65435', '--upnp', 'yes'], want: TAKEN },
      { name: 'with UPnP, one more', flags: ['65436', '--upnp', 'yes'], want: tooHigh(65536) },
      { name: 'with UPnP on three LANs', flags: ['65434', '--upnp', 'yes'], lans: LANS, want: tooHigh(65536) },
      { name: 'without UPnP', flags: ['65436', '--upnp', 'no'], want: TAKEN },
      { name: 'none', flags: ['off'], want: TAKEN },
      { name: 'the port of UPnP, without it', flags: ['2869'], lans: LANS, want: TAKEN },
      { name: 'the port of UPnP', flags: ['2868', '--upnp', 'yes'], lans: LANS, want: OF_UPNP },
      { name: 'the port of UPnP, 100 higher', flags: ['2768', '--upnp', 'yes'], lans: LANS, want: OF_UPNP },
      { name: 'before the port of UPnP', flags: ['2866', '--upnp', 'yes'], lans: LANS, want: TAKEN },
    ],
    ({ flags, lans = ['br-lan'], want }) => {
      const named = lans.flatMap((lan) => ['--listen-interface', lan]);
      const { status, stderr } = spawnSync(
        '/bin/sh',
        [SCRIPT, '--external-interface', 'wan0', ...named, '--metrics-port', ...flags],
        { env: { PATH: folder }, cwd: folder, encoding: 'utf8' },
      );
      assert.is(status, want.status, stderr);
      assert.match(stderr, want.says);
    },
  );

  cases(
    'install.sh: an altname',
    [
      { name: 'the name itself', interface: 'wan0', want: { status: 0, says: /^$/ } },
      {
        name: 'an altname',
        interface: 'enp3s0',
        want: { status: 2, says: /enp3s0 is another name \(altname\) of wan0/ },
      },
      { name: 'none that is there', interface: 'ppp0', want: { status: 0, says: /^$/ } },
    ],
    ({ interface: name, want }) => {
      const [check] = /^check_altname\(\) \{\n.*?^\}$/ms.exec(readFileSync(SCRIPT, 'utf8')) ?? [];
      assert.ok(check !== undefined);
      const { status, stderr } = spawnSync(
        'unshare',
        [
          '--net',
          '--mount',
          'sh',
          '-eu',
          '-c',
          `${IN_A_NAMESPACE}\n${check}\ncheck_altname --external-interface ${name}`,
        ],
        { encoding: 'utf8' },
      );
      assert.is(status, want.status, stderr);
      assert.match(stderr, want.says);
    },
  );
}
