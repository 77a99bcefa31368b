// The flags of natpmp-server: defaults, and each complaint with the flag it names.
import { parseLan } from '../../config/lans.js';
import * as assert from 'uvu/assert';
import { frontendArgs, helperArgs, rulesetConfig, upnpArgs } from '../../cli/server/daemon-config.js';
import type { Config } from '../../cli/server/config.js';
import { readConfig } from '../../cli/server/config.js';

import { cases, claims } from '../support/cases.js';

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

function accepted(flags: string): Config {
  const parsed = readConfig(words(flags));
  if (parsed.kind !== 'config') throw new Error(`refused: ${JSON.stringify(parsed)}`);
  return parsed.config;
}

cases(
  'natpmp-server flags: complaints',
  [
    { name: 'external interface missing', flags: '', want: [/^--external-interface is missing.*--sandbox/] },
    { name: 'unknown flag', flags: '--external-interface wan0 --nosuch', want: [/--nosuch/] },
    { name: 'flag without its value', flags: '--external-interface', want: [/--external-interface/] },
    { name: 'a word too many', flags: '--sandbox now', want: [/^now: what is this for\? A switch/] },
    {
      name: 'LAN is the outside',
      flags: '--external-interface br-lan',
      want: [/^--listen-interface and --external-interface are both br-lan/],
    },
    {
      name: 'same LAN twice',
      flags: '--external-interface w --listen-interface a --listen-interface a',
      want: [/^--listen-interface.*twice/],
    },
    { name: 'wildcard interface', flags: '--external-interface w*', want: [/^--external-interface w\*/] },
    {
      name: 'interface name too long',
      flags: '--external-interface w --listen-interface sixteen-letters-',
      want: [/^--listen-interface sixteen/],
    },
    { name: 'port 0', flags: '--sandbox --listen-port 0', want: [/^--listen-port 0:/] },
    { name: 'a port without a next one', flags: '--sandbox --listen-port 65535', want: [/^--listen-port 65535:/] },
    { name: 'port in hex', flags: '--sandbox --listen-port 0x10', want: [/^--listen-port 0x10:/] },
    {
      name: 'default above max lifetime',
      flags: '--sandbox --default-lifetime 7200 --max-lifetime 3600',
      want: [/^--default-lifetime 7200 is longer than --max-lifetime 3600/],
    },
    { name: 'lifetime 0', flags: '--sandbox --max-lifetime 0', want: [/^--max-lifetime 0:/] },
    {
      name: 'lifetime above 32 bit',
      flags: '--sandbox --max-lifetime 4294967296',
      want: [/^--max-lifetime 4294967296:/],
    },
    { name: 'negative quota', flags: '--sandbox --max-mappings-per-ip=-1', want: [/^--max-mappings-per-ip -1:/] },
    { name: 'quota 0', flags: '--sandbox --max-mappings-per-ip 0', want: [/^--max-mappings-per-ip 0:/] },
    { name: 'range upside down', flags: '--sandbox --allowed-ports 2000-1000', want: [/^--allowed-ports 2000-1000:/] },
    { name: 'range from 0', flags: '--sandbox --allowed-ports 0-1000', want: [/^--allowed-ports 0-1000:/] },
    {
      name: 'two ranges in one, and one upside down',
      flags: '--sandbox --allowed-ports 1-2,6-5',
      want: [/^--allowed-ports 1-2,6-5:/],
    },
    {
      name: 'nothing left to give out',
      flags: '--sandbox --allowed-ports 20-23 --denied-ports 20-30',
      want: [/^--allowed-ports: no port is left/],
    },
    { name: 'a default rule that is none', flags: '--sandbox --default-rule ask', want: [/^--default-rule ask:/] },
    { name: 'a rule that is none', flags: '--sandbox --rule=allow', want: [/^--rule "allow":/] },
    {
      name: 'table that would end the quotes',
      flags: '--sandbox --nat-table nat;flush',
      want: [/^--nat-table nat;flush:/],
    },
    { name: 'table that begins with a digit', flags: '--sandbox --nat-table 1nat', want: [/^--nat-table 1nat:/] },
    { name: 'chain with a space in braces', flags: '--sandbox --nat-chain {x}', want: [/^--nat-chain \{x\}:/] },
    {
      name: 'external address no address',
      flags: '--sandbox --external-address 1.2.3',
      want: [/^--external-address 1\.2\.3:/],
    },
    {
      name: 'external address loopback',
      flags: '--sandbox --external-address 127.0.0.1',
      want: [/^--external-address 127/],
    },
    {
      name: 'external address 0.0.0.0',
      flags: '--sandbox --external-address 0.0.0.0',
      want: [/^--external-address 0/],
    },
    {
      name: 'external address multicast',
      flags: '--sandbox --external-address 224.0.0.1',
      want: [/^--external-address 224/],
    },
    {
      name: 'pinholes from an interface that is none',
      flags: '--sandbox --pinholes --pinhole-interface w*',
      want: [/^--pinhole-interface w\*: not an interface name$/],
    },
    {
      name: 'pinholes from the LAN',
      flags: '--sandbox --pinholes --pinhole-interface br-lan',
      want: [/^--listen-interface and --pinhole-interface are both br-lan/],
    },
    { name: 'relative state dir', flags: '--sandbox --state-dir state', want: [/^--state-dir state:/] },
    {
      name: 'run dir too long for sun_path',
      flags: `--sandbox --run-dir /${'x'.repeat(96)}`,
      want: [/^--run-dir .*too long/],
    },
    {
      name: 'one folder for both',
      flags: '--sandbox --run-dir /x --state-dir /x/',
      want: [/^--run-dir and --state-dir/],
    },
    {
      name: 'metrics on the LAN',
      flags: '--sandbox --metrics-listen 192.168.1.1:9551',
      want: [/^--metrics-listen 192\.168\.1\.1:9551: not a loopback/],
    },
    { name: 'metrics everywhere', flags: '--sandbox --metrics-listen 0.0.0.0:9551', want: [/^--metrics-listen 0/] },
    { name: 'metrics without a port', flags: '--sandbox --metrics-listen 127.0.0.1', want: [/^--metrics-listen 127/] },
    { name: 'metrics on port 0', flags: '--sandbox --metrics-listen 127.0.0.1:0', want: [/^--metrics-listen 127/] },
    {
      name: 'metrics on a name',
      flags: '--sandbox --metrics-listen localhost:9551',
      want: [/^--metrics-listen localhost/],
    },
    { name: 'log level', flags: '--sandbox --log-level loud', want: [/^--log-level loud:/] },
    {
      name: 'metrics of UPnP, and no UPnP',
      flags: '--sandbox --upnp-metrics-listen 127.0.0.1:9552',
      want: [/^--upnp-metrics-listen: UPnP is off: leave this out, or turn upnp on$/],
    },
    {
      name: 'metrics of UPnP at those of NAT-PMP',
      flags: '--sandbox --upnp --metrics-listen 127.0.0.1:9551 --upnp-metrics-listen 127.0.0.1:9551',
      want: [/the same: give each a port/],
    },
    { name: 'no port for UPnP', flags: '--sandbox --upnp --upnp-port 0', want: [/^--upnp-port 0: .* 1 to 65535/] },
    {
      name: 'the same user for UPnP',
      flags: '--sandbox --user a:b:a',
      want: [/^--user a:b:a:.*different/],
    },
    { name: 'a fourth user', flags: '--sandbox --user a:b:c:d', want: [/^--user a:b:c:d: not a user/] },
    { name: 'root as user', flags: '--sandbox --user root', want: [/^--user root:/] },
    { name: 'uid 0 as the second user', flags: '--sandbox --user 1000:0', want: [/^--user 1000:0:/] },
    {
      name: 'the same user twice',
      flags: '--sandbox --user nobody:nobody',
      want: [/^--user nobody:nobody:.*different/],
    },
    { name: 'no user', flags: '--sandbox --user :x', want: [/^--user :x:/] },
    {
      name: 'two mistakes, two lines',
      flags: '--sandbox --listen-port 0 --max-lifetime 0',
      want: [/^--listen-port/, /^--max-lifetime/],
    },
  ],
  ({ flags, want }) => {
    const parsed = readConfig(words(flags));
    assert.is(parsed.kind, 'complaints');
    const lines = parsed.kind === 'complaints' ? [...parsed.lines].sort() : [];
    assert.is(lines.length, want.length, lines.join(' | '));
    for (const [index, pattern] of want.entries()) assert.match(lines[index] ?? '', pattern);
    for (const line of lines) assert.not.match(line, /\n/);
  },
);

claims('natpmp-server flags: what they mean', {
  'the defaults are those of the contract': () => {
    assert.equal(accepted('--external-interface wan0'), {
      listenInterfaces: ['br-lan'],
      listenPort: 5351,
      externalInterface: 'wan0',
      natTable: 'nat',
      natChain: 'NATPMP',
      maxMappings: 129024,
      maxMappingsPerIp: 100,
      defaultLifetime: 3600,
      maxLifetime: 86400,
      stateDir: '/var/lib/natpmp-server',
      runDir: '/run/natpmp',
      allowedPorts: [{ from: 1024, to: 65535 }],
      reservedPorts: [],
      rules: [],
      defaultRule: 'allow',
      requirePublicAddress: false,
      deniedPorts: [
        { from: 23, to: 23 },
        { from: 135, to: 139 },
        { from: 445, to: 445 },
        { from: 3389, to: 3389 },
      ],
      hairpin: true,
      externalAddress: null,
      sandbox: false,
      metricsListen: null,
      upnp: false,
      upnpPort: 2869,
      upnpMetricsListen: null,
      logLevel: 'info',
      users: { frontend: null, helper: null, upnp: null },
      pinholes: false,
      pinholeInterface: 'wan0',
      jit: false,
    });
  },
  'the sandbox needs no interface, listens on 15351 and leaves its folders open': () => {
    const { listenPort, stateDir, runDir, externalInterface } = accepted('--sandbox');
    assert.equal([listenPort, stateDir, runDir, externalInterface], [15351, null, null, 'wan0']);
  },
  'a short --max-lifetime alone shortens the default lifetime too': () => {
    assert.is(accepted('--sandbox --max-lifetime 600').defaultLifetime, 600);
  },
  'repeated flags add up': () => {
    const config = accepted(
      '--external-interface w --listen-interface a --listen-interface b --allowed-ports 5000-6000 --allowed-ports 8080',
    );
    assert.equal(config.listenInterfaces, ['a', 'b']);
    assert.equal(config.allowedPorts, [
      { from: 5000, to: 6000 },
      { from: 8080, to: 8080 },
    ]);
  },
  'metrics are served at the configured loopback address': () => {
    assert.equal(accepted('--sandbox --metrics-listen 127.0.0.2:9551').metricsListen, {
      address: 0x7f000002,
      port: 9551,
    });
    assert.is(accepted('--sandbox --metrics-listen off').metricsListen, null);
  },
  'UPnP has metrics of its own': () => {
    const { metricsListen, upnpMetricsListen } = accepted(
      '--sandbox --upnp --metrics-listen 127.0.0.1:9551 --upnp-metrics-listen 127.0.0.1:9552',
    );
    assert.equal([metricsListen?.port, upnpMetricsListen?.port], [9551, 9552]);
  },
  'a configuration does not change': () => {
    assert.ok(Object.isFrozen(accepted('--sandbox')));
  },
  '--help is no complaint and names every flag': () => {
    const parsed = readConfig(['--help']);
    const text = parsed.kind === 'help' ? parsed.text : '';
    for (const flag of [
      '--listen-interface',
      '--external-interface',
      '--nat-table',
      '--sandbox',
      '--state-dir',
      '--no-hairpin',
      '--user',
    ]) {
      assert.ok(text.includes(flag), flag);
    }
  },
  'each daemon gets its flags, and the helper its own limits': () => {
    const config = {
      ...accepted('--external-interface wan0 --allowed-ports 5000-6000 --external-address 198.51.100.1 --no-hairpin'),
      stateDir: '/s',
      runDir: '/r',
    };
    const lan = parseLan('192.168.1.1/24');
    if (lan === null) throw new Error('a LAN');
    assert.is(
      frontendArgs(config, [lan]).join(' '),
      `--external-interface wan0 --listen-interface br-lan --lan 192.168.1.1/24 --config /r/gateway.conf --helper-socket /r/helper.sock --external-address 198.51.100.1`,
    );
    assert.is(
      helperArgs(config, true, 'boot', 0).join(' '),
      `--loopback --config /r/gateway.conf --socket /r/helper.sock --admin-socket /r/admin.sock --admin-uid 0 --state-dir /s --nat-table nat --nat-chain NATPMP --boot-id boot`,
    );
    assert.is(
      upnpArgs(config, 'machine').join(' '),
      `--external-interface wan0 --listen-interface br-lan --config /r/gateway.conf --helper-socket /r/helper.sock --external-address 198.51.100.1 --upnp-port 2869 --device-id machine`,
    );
    assert.not.match(frontendArgs(config, []).join(' '), /--lan/);
    assert.not.match(helperArgs(config, false, 'boot', 0).join(' '), /--lan|--loopback/);
    assert.equal(rulesetConfig(config, 5351), {
      table: 'nat',
      chain: 'NATPMP',
      externalInterface: 'wan0',
      listenInterfaces: ['br-lan'],
      listenPort: 5351,
      externalAddress: 0xc6336401,
      isAddressHere: true,
      allowedPorts: [{ from: 5000, to: 6000 }],
      hairpin: false,
      looksIntoMaps: true,
      pinholes: null,
      upnp: false,
    });
    assert.ok(rulesetConfig({ ...config, upnp: true }, 5351).upnp);
    const withPinholes = { ...config, pinholes: true, pinholeInterface: 'sit1' };
    assert.match(helperArgs(withPinholes, false, 'boot', 0).join(' '), / --pinholes$/);
    assert.not.match(frontendArgs(withPinholes, []).join(' '), /pinhole/);
    assert.equal(rulesetConfig(withPinholes, 5351).pinholes, { externalInterface: 'sit1' });
  },
});
