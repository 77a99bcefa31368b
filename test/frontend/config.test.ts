import * as assert from 'uvu/assert';
import type { Config, Flags } from '../../frontend/config.js';
import { parseConfig } from '../../frontend/config.js';
import { EVERYONE } from '../../config/rules.js';
import { cases, claims } from '../support/cases.js';
import { ip, LAN } from './support.js';

function accepted(flags: Flags): Config {
  const config = parseConfig(flags);
  if (!('ok' in config)) throw new Error(config.complaints.join('\n'));
  return config.ok;
}

function complaintsAbout(flags: Flags): readonly string[] {
  const config = parseConfig(flags);
  return 'ok' in config ? [] : config.complaints;
}

const enough: Flags = { externalInterface: 'eth1', lan: ['192.168.1.1/24'] };

claims('parseConfig', {
  defaults: () =>
    assert.equal(accepted(enough), {
      externalInterface: 'eth1',
      externalAddress: null,
      listenInterfaces: [],
      lans: [LAN],
      helperSocket: '/run/natpmp/helper.sock',
      rules: [
        {
          who: EVERYONE,
          grant: {
            maxMappings: 100,
            maxLifetime: 86400,
            ports: [
              { from: 1024, to: 3388 },
              { from: 3390, to: 65535 },
            ],
            pinholePorts: [
              { from: 1024, to: 3388 },
              { from: 3390, to: 65535 },
            ],
          },
        },
      ],
      deniedPorts: [
        { from: 23, to: 23 },
        { from: 135, to: 139 },
        { from: 445, to: 445 },
        { from: 3389, to: 3389 },
      ],
      defaultLifetime: 3600,
      requirePublicAddress: false,
      logLevel: 'info',
    }),
  everything: () =>
    assert.equal(
      accepted({
        externalInterface: 'ppp0',
        externalAddress: '203.0.113.7',
        listenInterface: ['br-lan', 'wg0'],
        lan: ['192.168.1.1/24', '10.0.0.1/8'],
        helperSocket: '/h',
        maxMappingsPerIp: '1',
        defaultLifetime: '60',
        maxLifetime: '120',
        allowedPorts: ['8080', '50000-50100'],
        deniedPorts: ['50001'],
        reservedPorts: ['50003-50099'],
        rule: ['allow 192.168.1.2 ports 1-50000 max-mappings 7 max-lifetime 30', 'deny mac 02:00:00:00:00:07'],
        defaultRule: 'deny',
        requirePublicAddress: true,
        logLevel: 'debug',
      }),
      {
        externalInterface: 'ppp0',
        externalAddress: ip('203.0.113.7'),
        listenInterfaces: ['br-lan', 'wg0'],
        lans: [LAN, { routerAddress: ip('10.0.0.1'), prefixLength: 8 }],
        helperSocket: '/h',
        rules: [
          {
            who: { kind: 'prefix', address: ip('192.168.1.2'), length: 32 },
            grant: {
              maxMappings: 7,
              maxLifetime: 30,
              ports: [
                { from: 8080, to: 8080 },
                { from: 50000, to: 50000 },
              ],
              pinholePorts: [
                { from: 8080, to: 8080 },
                { from: 50000, to: 50000 },
              ],
            },
          },
          { who: { kind: 'mac', mac: 0x020000000007 }, grant: null },
          { who: EVERYONE, grant: null },
        ],
        deniedPorts: [{ from: 50001, to: 50001 }],
        defaultLifetime: 60,
        requirePublicAddress: true,
        logLevel: 'debug',
      },
    ),
  'a fixed address needs no interface': () =>
    assert.ok(accepted({ lan: ['192.168.1.1/24'], externalAddress: '203.0.113.7' })),
  'the default lifetime is capped by a low ceiling': () =>
    assert.is(accepted({ ...enough, maxLifetime: '600' }).defaultLifetime, 600),
  'without --lan the sockets tell who may ask': () => assert.equal(accepted({ externalInterface: 'eth1' }).lans, []),
  'is frozen': () => assert.ok(Object.isFrozen(accepted(enough))),
  'all complaints at once': () => assert.is(complaintsAbout({ maxLifetime: 'x', logLevel: 'y' }).length, 3),
});

cases(
  'parseConfig complains',
  [
    { name: 'a LAN interface with a blank', flags: { listenInterface: ['br lan'] }, flag: '--listen-interface br lan' },
    { name: 'a LAN without length', flags: { lan: ['192.168.1.1'] }, flag: '--lan' },
    { name: 'a LAN that is too wide', flags: { lan: ['192.168.1.1/24', '10.0.0.1/7'] }, flag: '--lan' },
    { name: 'an interface with a slash', flags: { externalInterface: 'a/b' }, flag: '--external-interface' },
    {
      name: 'an interface with a long name',
      flags: { externalInterface: 'abcdefghijklmnop' },
      flag: '--external-interface',
    },
    { name: 'an interface without a name', flags: { externalInterface: '' }, flag: '--external-interface' },
    { name: 'an address that is none', flags: { externalAddress: '203.0.113' }, flag: '--external-address' },
    { name: 'the address 0.0.0.0', flags: { externalAddress: '0.0.0.0' }, flag: '--external-address' },
    { name: 'a quota of 0', flags: { maxMappingsPerIp: '0' }, flag: '--max-mappings-per-ip' },
    { name: 'a quota that is no number', flags: { maxMappingsPerIp: '1e3' }, flag: '--max-mappings-per-ip' },
    { name: 'a quota above all ports', flags: { maxMappingsPerIp: '131071' }, flag: '--max-mappings-per-ip' },
    { name: 'a ceiling of 2^32-1', flags: { maxLifetime: '4294967295' }, flag: '--max-lifetime' },
    { name: 'a negative lifetime', flags: { defaultLifetime: '-1' }, flag: '--default-lifetime' },
    {
      name: 'a default above the ceiling',
      flags: { defaultLifetime: '601', maxLifetime: '600' },
      flag: '--default-lifetime',
    },
    { name: 'ports upside down', flags: { allowedPorts: ['2000-1000'] }, flag: '--allowed-ports' },
    { name: 'port 0', flags: { allowedPorts: ['0'] }, flag: '--allowed-ports' },
    { name: 'no port is left', flags: { allowedPorts: ['3389'] }, flag: '--allowed-ports' },
    { name: 'denied ports that are none', flags: { deniedPorts: ['http'] }, flag: '--denied-ports' },
    { name: 'a rule that is none', flags: { rule: ['allow'] }, flag: '--rule "allow"' },
    {
      name: 'a rule whose ports are not allowed',
      flags: { rule: ['allow 10.0.0.1 ports 80'] },
      flag: '--rule "allow 10.0.0.1 ports 80"',
    },
    { name: 'a default rule that is none', flags: { defaultRule: 'maybe' }, flag: '--default-rule' },
    { name: 'an unknown level', flags: { logLevel: 'loud' }, flag: '--log-level' },
  ],
  ({ flags, flag }) => {
    const complaints = complaintsAbout({ ...enough, ...flags });
    assert.is(complaints.length, 1);
    assert.match(complaints[0] ?? '', new RegExp(`^${flag}.*: .`));
  },
);
