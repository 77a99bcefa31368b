// Every option of the module reaches the process it concerns: from the unit text as NixOS writes it, through the
// daemon's own reading of its flags.

import type { Config as HelperConfig } from '../../helper/types.js';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Config as FrontendConfig, Flags as FrontendFlags } from '../../frontend/config.js';
import { parseConfig as parseFrontend } from '../../frontend/config.js';
import { parseConfig as parseHelper } from '../../helper/config.js';
import type { Grant } from '../../config/types.js';
import { labelOf } from '../../cli/host/ruleset-text.js';
import { EVERYONE } from '../../config/rules.js';
import { formatIpv4 } from '../../proto/mapping.js';
import { cases, claims, skip } from '../support/cases.js';
import type { Evaluated } from './nix.js';
import { evaluate, hasNix, ROOT, router } from './nix.js';
import type { Directives } from './unit-text.js';
import { directives, flags, words } from './unit-text.js';

/** The file of the ports that the router is found to need. */
const FOUND = '--config=-/run/natpmp-reserved/reserved.conf';

class Gateway {
  readonly evaluated: Evaluated;

  constructor(evaluated: Evaluated) {
    this.evaluated = evaluated;
  }

  unit(name: string): Directives {
    const unit = this.evaluated.units[name];
    if (unit === undefined) throw new Error(`no ${name} in ${Object.keys(this.evaluated.units).join(', ')}`);
    return directives(unit.text);
  }

  command(name: string, nth = 0): readonly string[] {
    return words(this.unit(name).get('Service.ExecStart')?.[nth] ?? '');
  }

  /** What the frontend of that interface makes of its command line. */
  frontend(instance = 'br\\x2dlan'): FrontendConfig {
    const args = this.command(`natpmp-frontend@${instance}.service`)
      .slice(1)
      .filter((word) => word !== FOUND);
    accepts('frontend', args);
    const { lan, listenInterface, allowedPorts, deniedPorts, reservedPorts, rule, ...single } = flags(args);
    const config = parseFrontend({
      lan,
      listenInterface,
      allowedPorts,
      deniedPorts,
      reservedPorts,
      rule,
      ...last(single),
      requirePublicAddress: 'requirePublicAddress' in single,
    } as FrontendFlags);
    if (!('ok' in config)) throw new Error(config.complaints.join('\n'));
    return config.ok;
  }

  /** What the last rule gives everyone. */
  grant(): Grant {
    const grant = this.frontend().rules.at(-1)?.grant ?? null;
    if (grant === null) throw new Error('denied');
    return grant;
  }

  /** The arguments of natpmp-upnp, which takes them. */
  upnp(instance = 'br\\x2dlan'): readonly string[] {
    const args = this.command(`natpmp-upnp@${instance}.service`)
      .slice(1)
      .filter((word) => word !== FOUND);
    accepts('upnp', args);
    return args;
  }

  helper(): HelperConfig {
    const args = this.command('natpmp-helper.service')
      .slice(1)
      .filter((word) => word !== FOUND);
    accepts('helper', args);
    const config = parseHelper(args.map((word) => (word === '%b' ? 'check' : word)));
    if (!('ok' in config)) throw new Error(config.complaints.join('\n'));
    return config.ok;
  }

  /** The ruleset, printed by its installer with the arguments of the unit. */
  ruleset(): string {
    const command = this.command('natpmp-ruleset.service');
    const installer = command.findIndex((word) => word.endsWith('/bin/natpmp-install-ruleset'));
    const args = [join(ROOT, 'dist/cli/install-ruleset.js'), '--print', ...command.slice(installer + 1)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: {} });
    if (status !== 0) throw new Error(stderr);
    return stdout;
  }

  socket(instance = 'br\\x2dlan'): Directives {
    return this.unit(`natpmp-frontend@${instance}.socket`);
  }
}

function runDaemon(role: string, args: readonly string[]) {
  return spawnSync(process.execPath, [join(ROOT, 'dist', role, 'main.js'), ...args], { encoding: 'utf8', env: {} });
}

/** The program itself takes exactly these. */
function accepts(role: string, args: readonly string[]): void {
  const { status, stderr } = runDaemon(role, [...args, '--check']);
  if (status !== 0) throw new Error(stderr);
}

/** Of a flag that is not repeatable the last counts. */
function last(found: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(found).map(([flag, values]) => [flag, values.at(-1)]));
}

interface Effect {
  readonly name: string;
  /** The Nix expression of the value. */
  readonly value: string;
  /** What else has to be so. */
  readonly with?: string;
  see(gateway: Gateway): unknown;
  readonly want: unknown;
}

const EFFECTS: readonly Effect[] = [
  { name: 'enable', value: 'false', see: (gateway) => Object.keys(gateway.evaluated.units), want: [] },
  {
    name: 'package',
    value: '{ outPath = "/here"; }',
    see: (gateway) => gateway.command('natpmp-helper.service')[0],
    want: '/here/bin/natpmp-helper',
  },
  {
    name: 'externalInterface',
    value: '"ppp0"',
    see: (gateway) => [gateway.frontend().externalInterface, /iifname "ppp0" meta nfproto/.test(gateway.ruleset())],
    want: ['ppp0', true],
  },
  {
    name: 'externalAddress',
    value: '"203.0.113.7"',
    see: (gateway) => [
      formatIpv4(gateway.frontend().externalAddress ?? 0),
      gateway.command('natpmp-ruleset.service').join(' ').includes('--external-address 203.0.113.7'),
    ],
    want: ['203.0.113.7', true],
  },
  {
    name: 'listenInterface',
    value: '"lan0"',
    with: 'services.natpmp-server.listenInterfaces.lan0.listenAddresses = [ "10.1.2.3/16" ];',
    see: (gateway) => [
      gateway.socket('lan0').get('Socket.BindToDevice'),
      /iifname "lan0" meta nfproto/.test(gateway.ruleset()),
    ],
    want: [['lan0'], true],
  },
  {
    name: 'listenInterfaces',
    value: '{ br-guest.listenAddresses = [ "192.168.2.1/24" ]; wg0.listenAddresses = [ "10.9.0.1/24" ]; }',
    see: (gateway) => [
      gateway.frontend('br\\x2dguest').listenInterfaces,
      gateway.frontend('wg0').listenInterfaces,
      gateway.socket('wg0').get('Socket.BindToDevice'),
      /iifname \{ "br-guest", "br-lan", "wg0" \}/.test(gateway.ruleset()),
    ],
    want: [['br-guest'], ['wg0'], ['wg0'], true],
  },
  {
    name: 'listenInterfaces.<name>.listenAddresses',
    value: '{ br-lan.listenAddresses = [ "192.168.1.254/24" "172.16.5.1/20" ]; }',
    see: (gateway) => [
      gateway.socket().get('Socket.ListenDatagram'),
      gateway.socket().get('Socket.IPAddressAllow'),
      gateway.frontend().lans,
    ],
    want: [
      ['0.0.0.0:5351', '0.0.0.0:5352'],
      [
        '10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 169.254.0.0/16',
        '224.0.0.1',
        '192.168.1.0/24',
        '172.16.0.0/20',
      ],
      [],
    ],
  },
  {
    name: 'listenInterfaces.<name>.metricsPort',
    value: '{ br-lan.metricsPort = 9999; }',
    with: 'services.natpmp-server.metrics.enable = true;',
    see: (gateway) => gateway.unit('natpmp-metrics@br\\x2dlan.socket').get('Socket.ListenStream'),
    want: ['127.0.0.1:9999'],
  },
  {
    name: 'listenInterfaces.<name>.upnpMetricsPort',
    value: '{ br-lan.upnpMetricsPort = 9999; wg0 = { listenAddresses = [ "10.9.0.1/24" ]; metricsPort = 7000; }; }',
    with: 'services.natpmp-server = { metrics.enable = true; upnp.enable = true; };',
    see: (gateway) =>
      ['br\\x2dlan', 'wg0'].map(
        (instance) => gateway.unit(`natpmp-upnp-metrics@${instance}.socket`).get('Socket.ListenStream')?.[0],
      ),
    want: ['127.0.0.1:9999', '127.0.0.1:7100'],
  },
  {
    name: 'metrics.enable',
    value: 'true',
    with: `services.natpmp-server.listenInterfaces.wg0 = { listenAddresses = [ "10.9.0.1/24" ]; metricsPort = 9552; };`,
    see: (gateway) =>
      ['br\\x2dlan', 'wg0'].map(
        (instance) => gateway.unit(`natpmp-metrics@${instance}.socket`).get('Socket.ListenStream')?.[0],
      ),
    want: ['127.0.0.1:9551', '127.0.0.1:9552'],
  },
  {
    name: 'metrics.port',
    value: '7000',
    with: 'services.natpmp-server.metrics.enable = true;',
    see: (gateway) => gateway.unit('natpmp-metrics@br\\x2dlan.socket').get('Socket.ListenStream'),
    want: ['127.0.0.1:7000'],
  },
  {
    name: 'listenPort',
    value: '15351',
    with: 'services.natpmp-server.openFirewall = true;',
    see: (gateway) => [
      gateway.socket().get('Socket.ListenDatagram'),
      gateway.evaluated.firewall,
      [...new Set(gateway.ruleset().match(/udp [ds]port (set )?(\d+|\{[^}]*\})/g))],
    ],
    want: [
      ['0.0.0.0:15351', '0.0.0.0:15352'],
      { 'br-lan': [15351] },
      ['udp dport 15351', 'udp sport 15351', 'udp dport 15352', 'udp dport set 15352', 'udp sport { 15351, 15352 }'],
    ],
  },
  {
    name: 'openFirewall',
    value: 'true',
    with: 'services.natpmp-server.listenInterfaces.wg0.listenAddresses = [ "10.9.0.1/24" ];',
    see: (gateway) => gateway.evaluated.firewall,
    want: { 'br-lan': [5351], wg0: [5351] },
  },
  {
    name: 'maxMappingsPerClient',
    value: '7',
    see: (gateway) => [gateway.grant().maxMappings, gateway.helper().limits.maxMappingsPerHost],
    want: [7, 7],
  },
  { name: 'maxMappings', value: '4096', see: (gateway) => gateway.helper().limits.maxMappings, want: 4096 },
  {
    name: 'allowedPortRanges',
    value: '[ { from = 2000; to = 2999; } { from = 5000; to = 5000; } ]',
    see: (gateway) => [
      gateway.grant().ports,
      gateway.helper().limits.allowedPorts,
      /masquerade to :(\S+) random/.exec(gateway.ruleset())?.[1],
    ],
    want: [
      ...Array(2).fill([
        { from: 2000, to: 2999 },
        { from: 5000, to: 5000 },
      ]),
      '2000-2999',
    ],
  },
  { name: 'allowedPortRanges.*.from', value: '', see: () => null, want: null },
  { name: 'allowedPortRanges.*.to', value: '', see: () => null, want: null },
  {
    name: 'reservedPortRanges',
    value: '[ { from = 1024; to = 1099; } { from = 8080; to = 8080; } ]',
    see: (gateway) => [
      gateway.grant().ports,
      gateway.grant().pinholePorts,
      gateway.helper().limits.allowedPorts,
      gateway.helper().limits.reservedPorts,
    ],
    with: 'services.natpmp-server.deniedPortRanges = [ ];',
    want: [
      [
        { from: 1100, to: 8079 },
        { from: 8081, to: 65535 },
      ],
      ...Array(2).fill([{ from: 1024, to: 65535 }]),
      [
        { from: 1024, to: 1099 },
        { from: 8080, to: 8080 },
      ],
    ],
  },
  { name: 'reservedPortRanges.*.from', value: '', see: () => null, want: null },
  { name: 'reservedPortRanges.*.to', value: '', see: () => null, want: null },
  {
    name: 'deniedPortRanges',
    value: '[ { from = 8080; to = 8081; } ]',
    see: (gateway) => [gateway.grant().ports, gateway.frontend().deniedPorts, gateway.helper().limits.deniedPorts],
    want: [
      [
        { from: 1024, to: 8079 },
        { from: 8082, to: 65535 },
      ],
      ...Array(2).fill([{ from: 8080, to: 8081 }]),
    ],
  },
  { name: 'deniedPortRanges.*.from', value: '', see: () => null, want: null },
  { name: 'deniedPortRanges.*.to', value: '', see: () => null, want: null },
  {
    name: 'rules',
    value: `[
      { action = "allow"; host = "192.168.1.50"; portRanges = [ { from = 6881; to = 6999; } { from = 51413; to = 51413; } ]; maxMappings = 10; maxLifetime = 600; }
      { action = "deny"; host = "192.168.1.64/26"; } { action = "deny"; mac = "02:00:00:00:00:07"; } ]`,
    see: (gateway) => [gateway.frontend().rules.slice(0, -1), gateway.helper().limits.rules.slice(0, -1)],
    want: Array(2).fill([
      {
        who: { kind: 'prefix', address: 0xc0a80132, length: 32 },
        grant: {
          ports: [
            { from: 6881, to: 6999 },
            { from: 51413, to: 51413 },
          ],
          pinholePorts: [
            { from: 6881, to: 6999 },
            { from: 51413, to: 51413 },
          ],
          maxMappings: 10,
          maxLifetime: 600,
        },
      },
      { who: { kind: 'prefix', address: 0xc0a80140, length: 26 }, grant: null },
      { who: { kind: 'mac', mac: 0x020000000007 }, grant: null },
    ]),
  },
  ...['action', 'host', 'mac', 'portRanges', 'portRanges.*.from', 'portRanges.*.to', 'maxMappings', 'maxLifetime'].map(
    (field) => ({ name: `rules.*.${field}`, value: '', see: () => null, want: null }),
  ),
  {
    name: 'defaultRule',
    value: '"deny"',
    see: (gateway) => [gateway.frontend().rules, gateway.helper().limits.rules].map((rules) => rules.at(-1)?.grant),
    want: [null, null],
  },
  {
    name: 'requirePublicAddress',
    value: 'true',
    see: (gateway) => gateway.frontend().requirePublicAddress,
    want: true,
  },
  { name: 'defaultLifetime', value: '600', see: (gateway) => gateway.frontend().defaultLifetime, want: 600 },
  {
    name: 'maxLifetime',
    value: '1200',
    see: (gateway) => [
      gateway.grant().maxLifetime,
      gateway.helper().limits.maxLifetime,
      gateway.frontend().defaultLifetime,
    ],
    want: [1200, 1200, 1200],
  },
  {
    name: 'natTable',
    value: '"natpmp"',
    see: (gateway) => [gateway.helper().ruleset.table, /^table inet natpmp \{/m.test(gateway.ruleset())],
    want: ['natpmp', true],
  },
  {
    name: 'natChain',
    value: '"portmap"',
    see: (gateway) => /chain portmap-forward \{/.test(gateway.ruleset()),
    want: true,
  },
  {
    name: 'hairpin',
    value: 'false',
    see: (gateway) => /masquerade$|-inside \{ ip daddr \}/m.test(gateway.ruleset()),
    want: false,
  },
  {
    name: 'pinholes.enable',
    value: 'true',
    with: 'networking.firewall.filterForward = true; services.natpmp-server.natChain = "portmap";',
    see: (gateway) => [
      gateway.helper().limits.maxPinholes > 0,
      /set portmap-pinholes \{/.test(gateway.ruleset()),
      gateway.unit('natpmp-pcp@br\\x2dlan.socket').get('Socket.ListenDatagram'),
      gateway.evaluated.forwardRules.trim(),
      gateway.evaluated.warnings.filter((warning) => warning.includes('pinholes')),
    ],
    want: [true, true, ['[::]:5351', '[::]:5352'], 'meta nfproto ipv6 ct label 70 accept', []],
  },
  {
    name: 'pinholes.externalInterface',
    value: '"sit1"',
    with: 'services.natpmp-server.pinholes.enable = true;',
    see: (gateway) => /iifname "sit1" oifname "br-lan" ct state new .* @NATPMP-pinholes/.test(gateway.ruleset()),
    want: true,
  },
  {
    name: 'upnp.enable',
    value: 'true',
    with: 'services.natpmp-server = { openFirewall = true; listenInterfaces."eth0.7".listenAddresses = [ "198.51.100.1/24" ]; };',
    see: (gateway) => [
      gateway.evaluated.firewall,
      gateway.evaluated.firewallTcp,
      ['natpmp-ssdp@eth0.7.socket', 'natpmp-upnp@eth0.7.socket'].map((name) => [
        gateway.unit(name).get('Socket.BindToDevice'),
        gateway.unit(name).get('Socket.RestrictNetworkInterfaces'),
        gateway.unit(name).get('Socket.IPAddressAllow')?.at(-1),
      ]),
      gateway
        .unit('natpmp-upnp@eth0.7.service')
        .get('Service.User')?.[0]
        ?.replace(/[0-9a-f]{8}$/, 'SUM'),
    ],
    want: [
      { 'br-lan': [5351, 1900], 'eth0.7': [5351, 1900] },
      { 'br-lan': [2869], 'eth0.7': [2869] },
      [
        [['eth0.7'], ['eth0.7'], '198.51.100.0/24'],
        [['eth0.7'], ['eth0.7'], '198.51.100.0/24'],
      ],
      'upnp-eth0_7-SUM',
    ],
  },
  {
    name: 'upnp.port',
    value: '5000',
    with: 'services.natpmp-server = { openFirewall = true; upnp.enable = true; };',
    see: (gateway) => [
      gateway.unit('natpmp-upnp@br\\x2dlan.socket').get('Socket.ListenStream'),
      gateway.evaluated.firewallTcp,
    ],
    want: [['0.0.0.0:5000'], { 'br-lan': [5000] }],
  },
  {
    name: 'stateDir',
    value: '"/var/lib/portmap"',
    see: (gateway) => [gateway.helper().stateDir, gateway.unit('natpmp-helper.service').get('Service.StateDirectory')],
    want: ['/var/lib/portmap', ['portmap']],
  },
  {
    name: 'logLevel',
    value: '"debug"',
    see: (gateway) => [gateway.frontend().logLevel, flags(gateway.command('natpmp-helper.service'))['logLevel']],
    want: ['debug', ['debug']],
  },
  {
    name: 'jit',
    value: 'true',
    with: 'services.natpmp-server.upnp.enable = true;',
    // What is in the programs: package.test.ts. That nothing else differs: units.test.ts.
    see: (gateway) => [
      ...['helper', 'frontend@br\\x2dlan', 'upnp@br\\x2dlan'].map((unit) => [
        gateway.command(`natpmp-${unit}.service`)[0]?.replace(/^.*\//, ''),
        gateway.unit(`natpmp-${unit}.service`).get('Service.MemoryDenyWriteExecute'),
      ]),
      gateway.evaluated.check.match(/\bnatpmp-(frontend|helper|upnp)(-jit)? /g),
    ],
    want: [
      ['natpmp-helper-jit', ['no']],
      ['natpmp-frontend-jit', ['no']],
      ['natpmp-upnp-jit', ['no']],
      ['natpmp-frontend-jit ', 'natpmp-upnp-jit ', 'natpmp-helper-jit '],
    ],
  },
  {
    name: 'extraFrontendFlags',
    value: '[ "--helper-socket" "/run/a b/%x$y" ]',
    see: (gateway) => gateway.frontend().helperSocket,
    want: '/run/a b/%x$y',
  },
  {
    name: 'extraUpnpFlags',
    value: '[ "--device-id" "%x$y" ]',
    with: 'services.natpmp-server.upnp.enable = true;',
    see: (gateway) => gateway.upnp().slice(-2),
    want: ['--device-id', '%x$y'],
  },
  {
    name: 'extraHelperFlags',
    value: '[ "--admin-uid" "1000" ]',
    see: (gateway) => gateway.helper().adminUids,
    want: [1000],
  },
];

if (!hasNix) skip('the options of the NixOS module', 'no nix-instantiate (Debian: nix-bin)');
else {
  cases(
    'option',
    EFFECTS.filter(({ value }) => value !== ''),
    ({ name, value, with: more = '', see, want }) => {
      const path = name.replace(/\.<name>.*/, '');
      const evaluated = evaluate(router(`{ ${more} services.natpmp-server.${path} = ${value}; }`));
      assert.equal(evaluated.failed, []);
      assert.equal(see(new Gateway(evaluated)), want);
    },
  );

  claims('all options', {
    'each is in the table above, and has type, description, default and example': () => {
      const { options } = evaluate(router());
      assert.equal(
        options.map(({ name }) => name.replace('services.natpmp-server.', '')).sort(),
        EFFECTS.map(({ name }) => name).sort(),
      );
      for (const { name, type, description, default: preset, example } of options) {
        assert.ok(type !== '' && (description ?? '').length > 10, name);
        // These have to be written.
        const isRequired = /\.(from|to|action)$/.test(name);
        assert.is(
          preset === null,
          isRequired || /rules\.\*\.(host|mac|maxMappings|maxLifetime)$/.test(name),
          `default of ${name}`,
        );
        assert.ok(example !== null, `example of ${name}`);
      }
    },
    'defaults are those of the programs': () => {
      const gateway = new Gateway(evaluate(router()));
      const alone = parseFrontend({ externalInterface: 'wan0', lan: ['192.168.1.1/24'] });
      if (!('ok' in alone)) throw new Error('complaints');
      assert.equal({ ...gateway.frontend(), listenInterfaces: [] }, { ...alone.ok, lans: [] });
      const {
        limits: { rules, ...limits },
        ...rest
      } = gateway.helper();
      assert.equal(rules, [
        {
          who: EVERYONE,
          grant: {
            ports: gateway.grant().ports,
            pinholePorts: gateway.grant().ports,
            maxMappings: 100,
            maxLifetime: 86400,
          },
        },
      ]);
      assert.equal(limits, {
        loopback: false,
        allowedPorts: [{ from: 1024, to: 65535 }],
        reservedPorts: [],
        deniedPorts: alone.ok.deniedPorts,
        maxMappings: 129024,
        maxPinholes: 0,
        maxMappingsPerHost: 100,
        newMappings: { burst: 200, intervalMs: 50 },
        maxLifetime: 86400,
      });
      assert.equal(rest.ruleset, { table: 'nat', chain: 'NATPMP' });
      assert.is(rest.stateDir, '/var/lib/natpmp-server');
      assert.equal(gateway.evaluated.firewall, {});
    },
    'the addresses of networkd count too': () => {
      const gateway = new Gateway(
        evaluate(
          router(`{
        services.natpmp-server.listenInterface = "lan7";
        systemd.network.enable = true;
        systemd.network.networks."10-lan" = { matchConfig.Name = "lan7"; address = [ "10.7.0.1/24" "fd00::1/64" ]; };
      }`),
        ),
      );
      assert.is(gateway.socket('lan7').get('Socket.IPAddressAllow')?.at(-1), '10.7.0.0/24');
    },
    'ports that the router serves on are spared': () => {
      const gateway = new Gateway(
        evaluate(
          router(`{
        networking.firewall.allowedTCPPorts = [ 22 8022 ];
        networking.firewall.interfaces.wan0.allowedUDPPortRanges = [ { from = 60000; to = 60010; } ];
        networking.firewall.interfaces.br-lan.allowedTCPPorts = [ 9999 ];
        networking.nat = { enable = true; forwardPorts = [ { sourcePort = "7000:7001"; destination = "192.168.1.5"; } ]; };
      }`),
        ),
      );
      assert.equal(gateway.grant().ports, [
        { from: 1024, to: 3388 },
        { from: 3390, to: 6999 },
        { from: 7002, to: 8021 },
        { from: 8023, to: 59999 },
        { from: 60011, to: 65535 },
      ]);
    },
    'and so are those that the router is found to serve on when it starts': () => {
      const gateway = new Gateway(evaluate(router()));
      assert.ok(gateway.command('natpmp-helper.service').includes(FOUND));
      assert.ok(gateway.command('natpmp-frontend@br\\x2dlan.service').includes(FOUND));
      assert.match(
        gateway.command('natpmp-own-ports.service').join(' '),
        /natpmp-own-ports \S+\/bin\/natpmp-forwarded-ports --external-interface wan0 .*--listen-interface br-lan --lan 192\.168\.1\.1\/24/,
      );
    },
    'another ruleset restarts the helper, which has it made': () => {
      const [one, other] = ['true', 'false'].map(
        (hairpin) =>
          evaluate(router(`{ services.natpmp-server.hairpin = ${hairpin}; }`)).units['natpmp-helper.service']?.text,
      );
      assert.is.not(one, other);
    },
    'what the build checks is what the units say': () => {
      const gateway = new Gateway(
        evaluate(router('{ services.natpmp-server.extraHelperFlags = [ "--admin-uid" "7" ]; }')),
      );
      const checks = gateway.evaluated.check.trim().split('\n');
      const sorted = (list: readonly string[]): readonly string[] => [...list].sort();
      assert.equal(checks[0]?.split(' '), [
        ...gateway.command('natpmp-frontend@br\\x2dlan.service').filter((word) => word !== FOUND),
        '--check',
      ]);
      assert.equal(
        sorted(checks[1]?.split(' ') ?? []),
        sorted([
          ...gateway
            .command('natpmp-helper.service')
            .filter((word) => word !== FOUND)
            .map((word) => (word === '%b' ? 'check' : word)),
          '--check',
        ]),
      );
      assert.ok(checks[2]?.includes('/bin/natpmp-install-ruleset --print --external-interface wan0 '));
      const withUpnp = new Gateway(
        evaluate(
          router('{ services.natpmp-server = { upnp.enable = true; extraUpnpFlags = [ "--device-id" "router" ]; }; }'),
        ),
      );
      assert.ok(
        withUpnp.evaluated.check
          .split('\n')
          .some(
            (line) =>
              line ===
              [...withUpnp.command('natpmp-upnp@br\\x2dlan.service').filter((word) => word !== FOUND), '--check'].join(
                ' ',
              ),
          ),
        withUpnp.evaluated.check,
      );
    },
    'natpmp-upnp is told what the frontend is, but for the lifetime of what is asked for ever': () => {
      const gateway = new Gateway(
        evaluate(
          router(`{ services.natpmp-server = { upnp.enable = true; externalAddress = "203.0.113.7"; requirePublicAddress = true;
            maxMappingsPerClient = 7; maxLifetime = 7200; logLevel = "debug"; defaultRule = "deny";
            allowedPortRanges = [ { from = 2000; to = 2999; } ]; reservedPortRanges = [ { from = 2100; to = 2100; } ];
            rules = [ { action = "allow"; mac = "02:00:00:00:00:07"; maxMappings = 10; } ]; }; }`),
        ),
      );
      const told = gateway.command('natpmp-frontend@br\\x2dlan.service').slice(1);
      const lifetime = told.indexOf('--default-lifetime');
      assert.equal(
        gateway.upnp(),
        told.filter((word, index) => word !== FOUND && index !== lifetime && index !== lifetime + 1),
      );
      assert.ok(gateway.command('natpmp-upnp@br\\x2dlan.service').includes(FOUND));
    },
    'UPnP that is off leaves nothing: no unit, no port': () => {
      const { units, firewall, firewallTcp, check } = evaluate(
        router('{ services.natpmp-server = { openFirewall = true; metrics.enable = true; }; }'),
      );
      assert.equal(
        Object.keys(units).filter((name) => /upnp|ssdp/.test(name)),
        [],
      );
      assert.equal([firewall, firewallTcp], [{ 'br-lan': [5351] }, { 'br-lan': [] }]);
      assert.not.match(check, /upnp/);
    },
    'without IPv6 there are no pinholes, and nothing is said': () => {
      const off = evaluate(router('{ networking.enableIPv6 = false; services.natpmp-server.pinholes.enable = true; }'));
      const never = evaluate(router());
      assert.equal([off.units, off.warnings, off.forwardRules], [never.units, never.warnings, '']);
    },
    'the firewall accepts the label of the gateway, whatever its chain is called': () => {
      for (const chain of ['NATPMP', 'PMP2', 'A-b_c.9', 'Zz09', 'x'.repeat(31)]) {
        const { forwardRules } = evaluate(
          router(`{ networking.firewall.filterForward = true;
            services.natpmp-server = { natChain = "${chain}"; pinholes.enable = true; }; }`),
        );
        assert.is(forwardRules.trim(), `meta nfproto ipv6 ct label ${labelOf(chain)} accept`);
      }
    },
    'pinholes where nothing that is forwarded is filtered: the build says so, unless there is a filter of one’s own':
      () => {
        const warnings = (more: string): number =>
          evaluate(router(`{ services.natpmp-server.pinholes.enable = true; ${more} }`)).warnings.filter((warning) =>
            warning.startsWith('services.natpmp-server.pinholes: the firewall filters nothing that is forwarded'),
          ).length;
        assert.is(warnings(''), 1);
        assert.is(warnings('networking.firewall.filterForward = true;'), 0);
        const own = 'type filter hook forward priority filter; policy drop;';
        assert.is(
          warnings(`networking.nftables.tables.mine = { family = "ip6"; content = "chain f { ${own} }"; };`),
          0,
        );
        assert.is(warnings('networking.firewall.extraCommands = "ip6tables -P FORWARD DROP";'), 0);
        assert.is(warnings('networking.firewall.enable = false;'), 0);
      },
    'group, programs, and modules if none can be loaded later': () => {
      const evaluated = evaluate(router('{ security.lockKernelModules = true; }'));
      assert.equal(evaluated.groups, ['natpmp']);
      assert.equal(evaluated.packages, ['natpmp-server-0.1.0']);
      for (const one of ['nft_fib_inet', 'nft_reject_inet', 'nft_socket'])
        assert.ok(evaluated.kernelModules.includes(one), one);
      assert.equal(evaluate(router()).kernelModules, []);
    },
  });
}
