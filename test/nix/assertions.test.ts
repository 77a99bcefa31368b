// A wrong configuration does not build: an assertion, or the type of the option, says what to write instead.

import * as assert from 'uvu/assert';
import { cases, skip } from '../support/cases.js';
import { evaluate, hasNix, instantiate, router } from './nix.js';

interface Wrong {
  readonly name: string;
  readonly nix: string;
  /** Parts of the one message. */
  readonly says: readonly string[];
}

const ours = (settings: string): string => `{ lib, ... }: { services.natpmp-server = { ${settings} }; }`;

const ASSERTED: readonly Wrong[] = [
  {
    name: 'a LAN whose address nobody knows',
    nix: ours('listenInterface = "lan9";'),
    says: [
      'listenInterfaces.lan9.listenAddresses = [ "192.168.1.1/24" ];',
      'the name of the LAN as services.natpmp-server.listenInterface',
    ],
  },
  {
    name: 'no external interface',
    nix: ours('externalInterface = lib.mkForce null;'),
    says: ['externalInterface = "wan0";'],
  },
  {
    name: 'an external interface of NAT that is several',
    nix:
      '{ lib, ... }: { networking.nat.externalInterface = "ppp+"; services.natpmp-server.externalInterface ' +
      '= lib.mkForce null; }',
    says: ['networking.nat.externalInterface is ppp+, which is not the name of one', 'externalInterface = "wan0";'],
  },
  {
    name: 'a LAN of NAT whose address nobody knows',
    nix: '{ networking.nat.internalInterfaces = [ "br-lan" "wg0" ]; }',
    says: [
      'listenInterfaces.wg0.listenAddresses = [ "192.168.1.1/24" ];',
      'if its hosts are to have no mappings, services.natpmp-server.listenInterface = "br-lan";',
    ],
  },
  {
    name: 'the same among several',
    nix:
      '{ networking = { nat.internalInterfaces = [ "br-lan" "wg0" "lan2" ]; interfaces.lan2.ipv4.addresses ' +
      '= [ { address = "10.2.0.1"; prefixLength = 24; } ]; }; }',
    says: [
      'if its hosts are to have no mappings, services.natpmp-server = { listenInterface = null; ' +
        'listenInterfaces = { br-lan = { }; lan2 = { }; }; };',
    ],
  },
  {
    name: 'a LAN of NAT with a name that Nix takes for two',
    nix: '{ networking = { nat.internalInterfaces = [ "br-lan" "lan0.7" "lan0.8" ]; interfaces."lan0.8".ipv4.addresses = [ { address = "10.8.0.1"; prefixLength = 24; } ]; }; }',
    says: [
      'listenInterfaces."lan0.7".listenAddresses = [ "192.168.1.1/24" ];',
      'listenInterfaces = { br-lan = { }; "lan0.8" = { }; };',
    ],
  },
  {
    name: 'the only LAN of NAT, whose address nobody knows',
    nix: '{ networking.nat.internalInterfaces = [ "wg0" ]; }',
    says: ['if its hosts are to have no mappings, services.natpmp-server.enable = false;'],
  },
  {
    name: 'no LAN of NAT but wildcards, and no br-lan',
    nix: '{ lib, ... }: { networking = { nat.internalInterfaces = [ "ve-+" ]; interfaces = lib.mkForce { }; }; }',
    says: [
      'listenInterfaces.br-lan.listenAddresses',
      've-+ of networking.nat.internalInterfaces is not the name of one',
    ],
  },
  {
    name: 'an address that networkd gives to whatever has a hardware address',
    nix:
      '{ systemd.network = { enable = true; networks."10-lan" = { matchConfig.PermanentMACAddress = ' +
      '"02:00:00:00:00:01"; address = [ "10.1.0.1/24" ]; }; }; services.natpmp-server.listenInterface = ' +
      '"lan0"; }',
    says: ['listenInterfaces.lan0.listenAddresses = [ "192.168.1.1/24" ];'],
  },
  {
    name: 'an address that networkd gives to one of several networks, by more than the name',
    nix: `{ systemd.network = { enable = true; networks = { "10-wlan" = { matchConfig = { Name = "l*"; Type = "wlan"; }; address = [ "10.9.0.1/24" ]; };
      "20-lan" = { matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; }; }; }; services.natpmp-server.listenInterface = "lan0"; }`,
    says: ['listenInterfaces.lan0.listenAddresses = [ "192.168.1.1/24" ];'],
  },
  {
    name: 'an address that networkd chooses',
    nix:
      '{ systemd.network = { enable = true; networks."10-lan" = { matchConfig.Name = "lan0"; address = [ ' +
      '"0.0.0.0/24" ]; }; }; services.natpmp-server.listenInterface = "lan0"; }',
    says: ['listenInterfaces.lan0.listenAddresses = [ "192.168.1.1/24" ];'],
  },
  {
    name: 'firewalld opens nothing for one interface',
    nix: `{ imports = [ ({ lib, ... }: { options.networking.firewall.backend = lib.mkOption { default = "firewalld"; }; }) ]; services.natpmp-server.openFirewall = true; }`,
    says: ['services.firewalld.zones.<name>.ports', 'UDP 5351'],
  },
  {
    name: 'a folder where systemd makes a link',
    nix: '{ fileSystems."/var/lib/natpmp-server" = { }; }',
    says: ['Write /var/lib/private/natpmp-server in its place'],
  },
  {
    name: 'the same, as impermanence mounts it',
    nix:
      '{ systemd.mounts = [ { where = "/var/lib/portmap"; what = "/persist/var/lib/portmap"; } ]; ' +
      'services.natpmp-server.stateDir = "/var/lib/portmap"; }',
    says: ['Write /var/lib/private/portmap in its place'],
  },
  { name: 'no LAN', nix: ours('listenInterface = null;'), says: ['listenInterface = "br-lan";'] },
  {
    name: 'an address without a prefix',
    nix: ours('listenInterfaces.br-lan.listenAddresses = [ "192.168.1.1" ];'),
    says: ['192.168.1.1:', '"192.168.1.1/24"'],
  },
  {
    name: 'an address that is none',
    nix: ours('listenInterfaces.br-lan.listenAddresses = [ "192.168.1.256/24" ];'),
    says: ['192.168.1.256/24:'],
  },
  {
    name: 'an IPv6 address',
    nix: ours('listenInterfaces.br-lan.listenAddresses = [ "fd00::1/64" ];'),
    says: ['fd00::1/64:'],
  },
  {
    name: 'a prefix that is too short',
    nix: ours('listenInterfaces.br-lan.listenAddresses = [ "10.0.0.1/7" ];'),
    says: ['10.0.0.1/7:'],
  },
  {
    name: 'the address of a network',
    nix: ours('listenInterfaces.br-lan.listenAddresses = [ "192.168.1.0/24" ];'),
    says: ['192.168.1.0 is not the address of a host'],
  },
  {
    name: 'the address of all hosts',
    nix: ours('listenInterfaces.br-lan.listenAddresses = [ "10.1.127.255/17" ];'),
    says: ['10.1.127.255 is not the address of a host'],
  },
  {
    name: 'the loopback',
    nix: ours('listenInterfaces.br-lan.listenAddresses = [ "127.0.0.1/8" ];'),
    says: ['127.0.0.1 is not the address of a host'],
  },
  {
    name: 'a group',
    nix: ours('listenInterfaces.br-lan.listenAddresses = [ "224.0.0.1/24" ];'),
    says: ['224.0.0.1 is not the address of a host'],
  },
  {
    name: 'one address twice',
    nix: ours('listenInterfaces.br-lan.listenAddresses = [ "192.168.1.1/24" "192.168.1.1/25" ];'),
    says: ['twice'],
  },
  {
    name: 'a name with a specifier of systemd',
    nix: ours('listenInterfaces."br%i".listenAddresses = [ "10.1.0.1/24" ];'),
    says: ['"br%i" is not the name'],
  },
  {
    name: 'a name of 16 characters',
    nix: ours('listenInterfaces.abcdefghijklmnop.listenAddresses = [ "10.1.0.1/24" ];'),
    says: ['up to 15 letters'],
  },
  {
    name: 'a name like a flag',
    nix: ours('listenInterfaces."-lan".listenAddresses = [ "10.1.0.1/24" ];'),
    says: ['"-lan" is not the name'],
  },
  {
    name: 'state where systemd keeps the state of all',
    nix: ours('stateDir = "/var/lib/private";'),
    says: ['/var/lib/private belongs to the system'],
  },
  {
    name: 'state where NixOS keeps its own',
    nix: ours('stateDir = "/var/lib/nixos";'),
    says: ['/var/lib/nixos belongs to the system'],
  },
  {
    name: 'the LAN is outside',
    nix: ours('externalInterface = "br-lan";'),
    says: ['externalInterface and services.natpmp-server.listenInterface are both br-lan'],
  },
  {
    name: 'two interfaces in one network',
    nix: ours('listenInterfaces.br-guest.listenAddresses = [ "192.168.1.2/24" ];'),
    says: ['overlaps another LAN'],
  },
  {
    name: 'metrics of two LANs on one port',
    nix: ours('metrics.enable = true; listenInterfaces.wg0.listenAddresses = [ "10.9.0.1/24" ];'),
    says: ['br-lan has 9551, wg0 has 9551', 'listenInterfaces.<name>.metricsPort'],
  },
  {
    name: 'metrics of UPnP on the port of another LAN',
    nix: ours(
      'metrics.enable = true; upnp.enable = true; listenInterfaces.wg0 = { listenAddresses = [ "10.9.0.1/24" ]; metricsPort = 9651; };',
    ),
    says: ['br-lan has 9551 and, for UPnP, 9651, wg0 has 9651 and, for UPnP, 9751'],
  },
  {
    name: 'metrics on the port of UPnP',
    nix: ours('metrics = { enable = true; port = 2869; }; upnp.enable = true;'),
    says: ['upnp.port: 2869 is a port of metrics, too', 'br-lan has 2869'],
  },
  {
    name: 'metrics of UPnP on its own port',
    nix: ours('metrics.enable = true; upnp = { enable = true; port = 9651; };'),
    says: ['upnp.port: 9651 is a port of metrics, too', 'for UPnP, 9651'],
  },
  {
    name: 'NAT-PMP on the port of searches',
    nix: ours('listenPort = 1899; upnp.enable = true;'),
    says: ['listenPort: UDP ports 1899 and 1900 are taken, and UPnP needs 1900'],
  },
  {
    name: 'pinholes from a LAN',
    nix: ours('pinholes = { enable = true; externalInterface = "br-lan"; };'),
    says: ['pinholes.externalInterface and services.natpmp-server.listenInterface are both br-lan'],
  },
  {
    name: 'an external address that is none',
    nix: ours('externalAddress = "example.org";'),
    says: ['example.org is not an IPv4 address', '"203.0.113.7"'],
  },
  {
    name: 'a default above the ceiling',
    nix: ours('defaultLifetime = 601; maxLifetime = 600;'),
    says: ['defaultLifetime (601)', 'maxLifetime (600)'],
  },
  {
    name: 'a range upside down',
    nix: ours('allowedPortRanges = [ { from = 9; to = 8; } ];'),
    says: ['9-8 is upside down', 'lower port as from'],
  },
  {
    name: 'no port at all',
    nix: ours('allowedPortRanges = [ ];'),
    says: ['no port is left', '{ from = 1024; to = 65535; }'],
  },
  {
    name: 'every port reserved',
    nix: ours('allowedPortRanges = [ { from = 80; to = 80; } ]; reservedPortRanges = [ { from = 1; to = 99; } ];'),
    says: ['no port is left'],
  },
  {
    name: 'a rule for nobody',
    nix: ours('rules = [ { action = "deny"; } ];'),
    says: ['names both host and mac, or neither', 'host = "192.168.1.50"'],
  },
  {
    name: 'a rule for a host by two names',
    nix: ours('rules = [ { action = "deny"; host = "10.0.0.1"; mac = "02:00:00:00:00:07"; } ];'),
    says: ['both host and mac'],
  },
  {
    name: 'a rule for a name',
    nix: ours('rules = [ { action = "deny"; host = "printer"; } ];'),
    says: ['printer names no host', '"192.168.1.64/26"'],
  },
  {
    name: 'state outside of /var/lib',
    nix: ours('stateDir = "/srv/natpmp";'),
    says: ['/srv/natpmp is not a folder in /var/lib', '/var/lib/natpmp-server'],
  },
  { name: 'state in /var/lib itself', nix: ours('stateDir = "/var/lib/..";'), says: ['is not a folder in /var/lib'] },
  {
    name: 'a table of the firewall',
    nix: '{ networking.nftables.tables.nat = { family = "inet"; content = ""; }; }',
    says: ['networking.nftables.tables has a table inet nat already'],
  },
  {
    name: 'miniupnpd answers too',
    nix: '{ services.miniupnpd = { enable = true; natpmp = true; }; }',
    says: ['services.miniupnpd.natpmp = false;'],
  },
  {
    name: 'miniupnpd is a UPnP gateway too',
    nix: '{ services.miniupnpd.enable = true; services.natpmp-server.upnp.enable = true; }',
    says: ['services.miniupnpd.upnp = false;', 'leave services.natpmp-server.upnp.enable out'],
  },
  {
    name: 'firewalld opens nothing for UPnP either',
    nix: `{ imports = [ ({ lib, ... }: { options.networking.firewall.backend = lib.mkOption { default = "firewalld"; }; }) ]; services.natpmp-server = { openFirewall = true; upnp.enable = true; }; }`,
    says: ['UDP 5351, UDP 1900 and TCP 2869'],
  },
];

const MISTYPED: readonly Wrong[] = [
  {
    name: 'a wildcard for an interface',
    nix: ours('externalInterface = "ppp*";'),
    says: ['externalInterface', 'name of a network interface'],
  },
  {
    name: 'no client may map anything',
    nix: ours('maxMappingsPerClient = 0;'),
    says: ['maxMappingsPerClient', 'between 1 and 131070'],
  },
  {
    name: 'port 0 for UPnP',
    nix: ours('upnp = { enable = true; port = 0; };'),
    says: ['upnp.port', 'between 1 and 65535'],
  },
  {
    name: 'the lifetime that means forever',
    nix: ours('maxLifetime = 4294967295;'),
    says: ['maxLifetime', 'between 1 and 4294967294'],
  },
  {
    name: 'port 0',
    nix: ours('allowedPortRanges = [ { from = 0; to = 9; } ];'),
    says: ['from', 'between 1 and 65535'],
  },
  {
    name: 'a table that nft would not take',
    nix: ours('natTable = "1 table";'),
    says: ['natTable', 'name in nftables'],
  },
  {
    name: 'a hardware address that is none',
    nix: ours('rules = [ { action = "deny"; mac = "02:00"; } ];'),
    says: ['rules', 'string matching'],
  },
  { name: 'an unknown level', nix: ours('logLevel = "loud";'), says: ['logLevel', '"trace"'] },
  {
    name: 'an option that does not exist',
    nix: ours('listenInterfces.br-lan = { };'),
    says: ['listenInterfces', 'does not exist'],
  },
];

if (!hasNix) skip('the assertions of the NixOS module', 'no nix-instantiate (Debian: nix-bin)');
else {
  cases('assertion', ASSERTED, ({ nix, says }) => {
    const { failed } = evaluate(router(nix));
    assert.is(failed.length, 1, failed.join('\n'));
    for (const part of says) assert.ok(failed[0]?.includes(part), `${failed[0]}\nlacks: ${part}`);
    assert.match(failed[0] ?? '', /[Ww]rite /);
  });

  cases('type', MISTYPED, ({ nix, says }) => {
    const { status, stderr } = instantiate(router(nix));
    assert.is.not(status, 0);
    for (const part of says) assert.ok(stderr.includes(part), stderr);
  });

  cases(
    'accepted',
    [
      { name: 'what goes without saying', nix: '{ }' },
      {
        name: 'iptables, whose table ip nat is no concern',
        nix: '{ networking.nftables.enable = false; }',
      },
      { name: 'Docker, the same', nix: '{ virtualisation.docker.enable = true; }' },
      {
        name: 'a table ip nat of the firewall',
        nix: '{ networking.nftables.tables.nat = { family = "ip"; content = ""; }; }',
      },
      { name: 'miniupnpd for UPnP alone', nix: '{ services.miniupnpd.enable = true; }' },
      {
        name: 'miniupnpd for neither',
        nix: '{ services.miniupnpd = { enable = true; upnp = false; }; services.natpmp-server.upnp.enable = true; }',
      },
      {
        name: 'metrics of several LANs with UPnP',
        nix: ours(
          'metrics.enable = true; upnp.enable = true; listenInterfaces.wg0 = { listenAddresses = [ "10.9.0.1/24" ]; metricsPort = 9552; };',
        ),
      },
      {
        name: 'both addresses of a link, and one of itself alone',
        nix: ours(
          'listenInterfaces = { lan2.listenAddresses = [ "10.1.0.0/31" ]; lan3.listenAddresses = [ "10.2.0.1/32" ]; };',
        ),
      },
      {
        name: 'a second network on one interface',
        nix: ours('listenInterfaces.br-lan.listenAddresses = [ "192.168.1.1/24" "10.1.0.1/24" ];'),
      },
      {
        name: 'a name of 15 characters',
        nix: ours('listenInterfaces."abcdefghijkl.4@".listenAddresses = [ "10.1.0.1/24" ];'),
      },
      {
        name: 'a firewall that opens port 0, too',
        nix: '{ networking.firewall = { allowedTCPPorts = [ 0 ]; allowedUDPPortRanges = [ { from = 0; to = 9; } ]; }; }',
      },
      { name: 'state on another disk', nix: '{ fileSystems."/var/lib/private/natpmp-server" = { }; }' },
      { name: 'nothing is asserted of what is off', nix: ours('enable = false; listenInterface = null;') },
    ],
    ({ nix }) => assert.equal(evaluate(router(nix)).failed, []),
  );
}
