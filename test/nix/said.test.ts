// What the configuration of NixOS says already is not asked for again: interfaces, addresses, what the firewall lets
// through, and where persistent folders are.

import * as assert from 'uvu/assert';
import { cases, skip } from '../support/cases.js';
import { evaluate, hasNix, router } from './nix.js';
import { FILTER_OUTPUT, PERSISTENCE, SAID, serving } from './said.js';
import { directives, words } from './unit-text.js';

const ours = (settings: string): string => `{ services.natpmp-server = { ${settings} }; }`;
const BACKEND =
  '({ lib, ... }: { options.networking.firewall.backend = lib.mkOption { type = lib.types.str; default = ' +
  '"firewalld"; }; })';
const PRIVATE = 'd /var/lib/private 0700 root root -';

const DROPS_REQUESTS =
  'services.natpmp-server.openFirewall: the firewall drops what hosts ask on br-lan (UDP 5351). Write ' +
  'services.natpmp-server.openFirewall = true;.';
const dropsOnLan = (what: string): string =>
  `services.natpmp-server.openFirewall: the firewall drops ${what}. Write services.natpmp-server.openFirewall = true;.`;
const DROPS_UPNP = ['UPnP searches on br-lan (UDP 1900)', 'UPnP requests on br-lan (TCP 2869)'].map(dropsOnLan);
const DROPS_ANNOUNCEMENTS =
  'services.natpmp-server.openFirewall: the firewall drops announcements on br-lan (UDP 5350). Write ' +
  'services.natpmp-server.openFirewall = true;.';

if (!hasNix) skip('what NixOS says already', 'no nix-instantiate (Debian: nix-bin)');
else {
  cases('LANs', SAID, ({ nix, lans }) => {
    const evaluated = evaluate(serving(nix));
    assert.equal(evaluated.failed, []);
    assert.equal(evaluated.lans, lans);
  });

  cases(
    'outside',
    [
      {
        name: 'the interface of NAT',
        nix: '{ networking.nat.externalInterface = "ppp0"; }',
        flag: '--external-interface',
        value: 'ppp0',
      },
      {
        name: 'what is written counts',
        nix: '{ networking.nat.externalInterface = "ppp0"; services.natpmp-server.externalInterface = "wan1"; }',
        flag: '--external-interface',
        value: 'wan1',
      },
      {
        name: 'the address of NAT',
        nix: '{ networking.nat = { enable = true; externalInterface = "wan0"; externalIP = "203.0.113.7"; }; }',
        flag: '--external-address',
        value: '203.0.113.7',
      },
      {
        name: 'the address that is written counts',
        nix:
          '{ networking.nat = { enable = true; externalInterface = "wan0"; externalIP = "203.0.113.7"; }; ' +
          'services.natpmp-server.externalAddress = "203.0.113.9"; }',
        flag: '--external-address',
        value: '203.0.113.9',
      },
      {
        name: 'the address of the interface',
        nix:
          '{ networking.nat = { enable = true; externalInterface = "wan0"; externalIP = "203.0.113.7"; }; ' +
          'services.natpmp-server.externalAddress = null; }',
        flag: '--external-address',
        value: null,
      },
      {
        name: 'NAT that is off has no address',
        nix: '{ networking.nat = { externalInterface = "wan0"; externalIP = "203.0.113.7"; }; }',
        flag: '--external-address',
        value: null,
      },
    ],
    ({ nix, flag, value }) => {
      const evaluated = evaluate(
        serving(
          `{ imports = [ (${nix}) ]; services.natpmp-server.listenInterfaces.br-lan.listenAddresses = [ "192.168.1.1/24" ]; }`,
        ),
      );
      assert.equal(evaluated.failed, []);
      const command = words(
        directives(evaluated.units['natpmp-frontend@br\\x2dlan.service']?.text ?? '').get('Service.ExecStart')?.[0] ??
          '',
      );
      assert.is(command.includes(flag) ? command[command.indexOf(flag) + 1] : null, value);
    },
  );

  cases(
    'firewall',
    [
      { name: 'closed: a warning', nix: '{ }', warns: [DROPS_REQUESTS] },
      { name: 'opened by us', nix: ours('openFirewall = true;'), warns: [] },
      { name: 'another port', nix: ours('listenPort = 15351;'), warns: [DROPS_REQUESTS.replace('5351', '15351')] },
      {
        name: 'two LANs',
        nix: ours('listenInterfaces.wg0.listenAddresses = [ "10.9.0.1/24" ];'),
        warns: [DROPS_REQUESTS.replace('br-lan', 'br-lan, wg0')],
      },
      { name: 'no firewall', nix: '{ networking.firewall.enable = false; }', warns: [] },
      { name: 'a trusted interface', nix: '{ networking.firewall.trustedInterfaces = [ "br-lan" ]; }', warns: [] },
      { name: 'trusted interfaces', nix: '{ networking.firewall.trustedInterfaces = [ "br-*" ]; }', warns: [] },
      {
        name: 'trusted interfaces, as iptables has them',
        nix: '{ networking.firewall.trustedInterfaces = [ "br-+" ]; }',
        warns: [],
      },
      {
        name: 'another is trusted',
        nix: '{ networking.firewall.trustedInterfaces = [ "wg0" ]; }',
        warns: [DROPS_REQUESTS],
      },
      {
        name: 'opened for the LAN',
        nix: '{ networking.firewall.interfaces.br-lan.allowedUDPPorts = [ 5351 ]; }',
        warns: [],
      },
      {
        name: 'opened for another',
        nix: '{ networking.firewall.interfaces.wg0.allowedUDPPorts = [ 5351 ]; }',
        warns: [DROPS_REQUESTS],
      },
      { name: 'opened for all', nix: '{ networking.firewall.allowedUDPPorts = [ 5351 ]; }', warns: [] },
      {
        name: 'opened in a range',
        nix: '{ networking.firewall.interfaces.br-lan.allowedUDPPortRanges = [ { from = 5000; to = 5351; } ]; }',
        warns: [],
      },
      {
        name: 'beside a range',
        nix: '{ networking.firewall.interfaces.br-lan.allowedUDPPortRanges = [ { from = 5000; to = 5350; } ]; }',
        warns: [DROPS_REQUESTS],
      },
      {
        name: 'a rule for the port',
        nix: '{ networking.firewall.extraInputRules = "udp dport 5351 accept"; }',
        warns: [],
      },
      {
        name: 'a rule for the interface',
        nix: '{ networking.firewall.extraInputRules = "iifname br-lan accept"; }',
        warns: [],
      },
      {
        name: 'a rule for something else',
        nix: '{ networking.firewall.extraInputRules = "tcp dport 22 accept"; }',
        warns: [DROPS_REQUESTS],
      },
      { name: 'zones are not judged', nix: `{ imports = [ ${BACKEND} ]; }`, warns: [] },
      {
        name: 'output is not filtered',
        nix: `{ imports = [ ${FILTER_OUTPUT} ]; networking.firewall.trustedInterfaces = [ "br-lan" ]; }`,
        warns: [],
      },
      {
        name: 'output is closed: a warning',
        nix: `{ imports = [ ${FILTER_OUTPUT} ]; networking.firewall = { filterOutput.enabled = true; trustedInterfaces = [ "br-lan" ]; }; }`,
        warns: [DROPS_ANNOUNCEMENTS],
      },
      {
        name: 'both are closed',
        nix: `{ imports = [ ${FILTER_OUTPUT} ]; networking.firewall.filterOutput.enabled = true; }`,
        warns: [DROPS_REQUESTS, DROPS_ANNOUNCEMENTS],
      },
      {
        name: 'output is trusted',
        nix: `{ imports = [ ${FILTER_OUTPUT} ]; networking.firewall = { filterOutput = { enabled = true; trustedInterfaces = [ "br-lan" ]; }; trustedInterfaces = [ "br-lan" ]; }; }`,
        warns: [],
      },
      {
        name: 'output has a rule of its own',
        nix: `{ imports = [ ${FILTER_OUTPUT} ]; networking.firewall = { filterOutput = { enabled = true; extraRules = "oifname br-lan accept"; }; trustedInterfaces = [ "br-lan" ]; }; }`,
        warns: [],
      },
      { name: 'UPnP, closed', nix: ours('upnp.enable = true;'), warns: [DROPS_REQUESTS, ...DROPS_UPNP] },
      { name: 'UPnP, opened by us', nix: ours('upnp.enable = true; openFirewall = true;'), warns: [] },
      {
        name: 'UPnP, of which one half is opened',
        nix: '{ services.natpmp-server.upnp.enable = true; networking.firewall.interfaces.br-lan.allowedUDPPorts = [ 1900 2869 5351 ]; }',
        warns: [DROPS_UPNP[1]],
      },
      {
        name: 'UPnP, opened for the LAN',
        nix: '{ services.natpmp-server.upnp.enable = true; networking.firewall.interfaces.br-lan = { allowedUDPPorts = [ 1900 5351 ]; allowedTCPPortRanges = [ { from = 2000; to = 2869; } ]; }; }',
        warns: [],
      },
      {
        name: 'UPnP, output is closed',
        nix: `{ imports = [ ${FILTER_OUTPUT} ]; services.natpmp-server.upnp.enable = true; networking.firewall = { filterOutput.enabled = true; trustedInterfaces = [ "br-lan" ]; }; }`,
        warns: [DROPS_ANNOUNCEMENTS, dropsOnLan('what UPnP announces on br-lan (UDP 1900)')],
      },
      {
        name: 'UPnP, output is opened by us',
        nix: `{ imports = [ ${FILTER_OUTPUT} ]; services.natpmp-server = { upnp.enable = true; openFirewall = true; }; networking.firewall.filterOutput.enabled = true; }`,
        warns: [],
      },
      { name: 'nothing is said of what is off', nix: ours('enable = false;'), warns: [] },
    ],
    ({ nix, warns }) => {
      const { warnings, failed } = evaluate(router(nix));
      assert.equal(failed, []);
      assert.equal(warnings, warns);
    },
  );

  cases(
    'opened',
    [
      { name: 'requests come in', nix: '{ }', input: { 'br-lan': [5351] }, output: {} },
      {
        name: 'announcements go out with that filtered',
        nix: `{ imports = [ ${FILTER_OUTPUT} ]; networking.firewall.filterOutput.enabled = true; }`,
        input: { 'br-lan': [5351] },
        output: { 'br-lan': [5350] },
      },
    ],
    ({ nix, input, output }) => {
      const evaluated = evaluate(router(`{ imports = [ (${nix}) ]; services.natpmp-server.openFirewall = true; }`));
      assert.equal(evaluated.failed, []);
      assert.equal([evaluated.firewall, evaluated.filterOutput, evaluated.warnings], [input, output, []]);
    },
  );

  cases(
    'the folder of systemd for state',
    [
      { name: 'as systemd wants it', nix: '{ }', rules: [PRIVATE] },
      {
        name: 'impermanence, which has it from the persistent side',
        nix: `{ imports = [ ${PERSISTENCE} ]; environment.persistence."/persist".directories = [ { directory = "/var/lib/private/natpmp-server"; } ]; }`,
        rules: [PRIVATE, 'd /persist/var/lib/private 0700 root root -'],
      },
      {
        name: 'impermanence for another service',
        nix: `{ imports = [ ${PERSISTENCE} ]; environment.persistence.state = { persistentStoragePath = "/keep"; directories = [ { directory = "/var/lib/private"; } ]; }; }`,
        rules: [PRIVATE, 'd /keep/var/lib/private 0700 root root -'],
      },
      {
        name: 'impermanence for something else',
        nix: `{ imports = [ ${PERSISTENCE} ]; environment.persistence."/persist".directories = [ { directory = "/var/log"; } ]; }`,
        rules: [PRIVATE],
      },
      {
        name: 'impermanence that is off',
        nix: `{ imports = [ ${PERSISTENCE} ]; environment.persistence."/persist" = { enable = false; directories = [ { directory = "/var/lib/private/a"; } ]; }; }`,
        rules: [PRIVATE],
      },
      { name: 'the gateway is off', nix: ours('enable = false;'), rules: [] },
    ],
    ({ nix, rules }) => {
      const { tmpfiles, failed } = evaluate(router(nix));
      assert.equal(failed, []);
      assert.equal(tmpfiles, rules);
    },
  );
}
