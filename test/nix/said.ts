// Configurations that say already what the gateway needs to know, in all the words that NixOS has for it.

export interface Said {
  readonly name: string;
  readonly nix: string;
  /** The addresses of each LAN. */
  readonly lans: Readonly<Record<string, readonly string[]>>;
}

const BR_LAN = { 'br-lan': ['192.168.1.1/24'] };
const BOTH = { ...BR_LAN, 'br-guest': ['192.168.2.1/24'] };
const SCRIPTED = `networking.interfaces.br-lan.ipv4.addresses = [ { address = "192.168.1.1"; prefixLength = 24; } ];
  networking.interfaces.br-guest.ipv4.addresses = [ { address = "192.168.2.1"; prefixLength = 24; } ];`;
const nat = (internal: string, more = ''): string =>
  `{ lib, ... }: { networking.nat = { enable = true; externalInterface = "wan0"; internalInterfaces = [ ${internal} ]; }; ${SCRIPTED} ${more} }`;

/** Which interfaces are LANs. */
const LANS: readonly Said[] = [
  { name: 'the LAN of NAT', nix: nat('"br-lan"'), lans: BR_LAN },
  { name: 'all LANs of NAT', nix: nat('"br-lan" "br-guest"'), lans: BOTH },
  { name: 'wildcards are nobody in particular', nix: nat('"br-lan" "ve-+" "veth*"'), lans: BR_LAN },
  { name: 'the interface that faces the internet is no LAN', nix: nat('"br-lan" "wan0"'), lans: BR_LAN },
  { name: 'none is named: br-lan', nix: nat(''), lans: BR_LAN },
  { name: 'only wildcards are named: br-lan', nix: nat('"ve-+"'), lans: BR_LAN },
  {
    name: 'one more than those of NAT',
    nix: nat('"br-lan"', 'services.natpmp-server.listenInterfaces.br-guest = { };'),
    lans: BOTH,
  },
  {
    name: 'a setting of one LAN takes no other away',
    nix: nat('"br-lan" "br-guest"', 'services.natpmp-server.listenInterfaces.br-guest.metricsPort = 9552;'),
    lans: BOTH,
  },
  {
    name: 'what is written counts, and not NAT',
    nix: nat('"br-lan" "br-guest"', 'services.natpmp-server.listenInterface = "br-lan";'),
    lans: BR_LAN,
  },
  {
    name: 'also as a default of another module',
    nix: nat('"br-lan" "br-guest"', 'services.natpmp-server.listenInterface = lib.mkDefault "br-lan";'),
    lans: BR_LAN,
  },
  {
    name: 'and null leaves it to listenInterfaces',
    nix: nat(
      '"br-lan" "br-guest"',
      'services.natpmp-server = { listenInterface = null; listenInterfaces.br-lan = { }; };',
    ),
    lans: BR_LAN,
  },
  ...['"ipv4"', '"both"', '"yes"', 'true'].map((masquerade) => ({
    name: `NAT by networkd: IPMasquerade = ${masquerade}`,
    nix: `{ services.natpmp-server.externalInterface = "wan0"; networking.useNetworkd = true; systemd.network.enable = true; systemd.network.networks = {
      "20-lan" = { matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; networkConfig.IPMasquerade = ${masquerade}; };
      "20-dmz" = { matchConfig.Name = "dmz0"; address = [ "10.2.0.1/24" ]; networkConfig.IPMasquerade = "ipv6"; }; }; }`,
    lans: { lan0: ['10.1.0.1/24'] },
  })),
  {
    name: 'NAT of NixOS before that of networkd',
    nix: nat(
      '"br-lan"',
      'systemd.network = { enable = true; networks."20-dmz" = { matchConfig.Name = "dmz0"; address = [ ' +
        '"10.2.0.1/24" ]; networkConfig.IPMasquerade = "ipv4"; }; };',
    ),
    lans: BR_LAN,
  },
];

interface Spelled {
  readonly name: string;
  /** systemd.network.networks. */
  readonly networks: string;
  readonly more?: string;
  readonly want?: readonly string[];
}

const ONE = ['10.1.0.1/24'];
const LAN0_SCRIPTED = 'networking.interfaces.lan0.ipv4.addresses = [ { address = "10.1.0.1"; prefixLength = 24; } ];';

/** Which addresses lan0 has, in the words of networkd. */
const SPELLED: readonly Spelled[] = [
  {
    name: 'address',
    networks: '"10-lan" = { matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" "10.1.1.1/24" ]; };',
    want: ['10.1.0.1/24', '10.1.1.1/24'],
  },
  {
    name: 'networkConfig.Address',
    networks: '"10-lan" = { matchConfig.Name = "lan0"; networkConfig.Address = "10.1.0.1/24"; };',
  },
  {
    name: 'networkConfig.Address, several',
    networks: '"10-lan" = { matchConfig.Name = "lan0"; networkConfig.Address = [ "10.1.0.1/24" "10.1.1.1/24" ]; };',
    want: ['10.1.0.1/24', '10.1.1.1/24'],
  },
  {
    name: 'addresses',
    networks: '"10-lan" = { matchConfig.Name = "lan0"; addresses = [ { Address = "10.1.0.1/24"; } ]; };',
  },
  {
    name: 'addresses, as they were before NixOS 24.11',
    networks: '"10-lan" = { matchConfig.Name = "lan0"; addresses = [ { addressConfig.Address = "10.1.0.1/24"; } ]; };',
  },
  {
    name: 'IPv6, and what networkd chooses, aside',
    networks:
      '"10-lan" = { matchConfig.Name = "lan0"; address = [ "fd00::1/64" "0.0.0.0/24" "10.1.0.1/24" ]; ' +
      'addresses = [ { Address = "::/64"; } ]; };',
  },
  {
    name: 'several names in a word',
    networks: '"10-lan" = { matchConfig.Name = "lan7 lan0"; address = [ "10.1.0.1/24" ]; };',
  },
  {
    name: 'several names in a list',
    networks: '"10-lan" = { matchConfig.Name = [ "lan7" "lan0" ]; address = [ "10.1.0.1/24" ]; };',
  },
  { name: 'a wildcard', networks: '"10-lan" = { matchConfig.Name = "lan*"; address = [ "10.1.0.1/24" ]; };' },
  {
    name: 'a wildcard for one letter',
    networks: '"10-lan" = { matchConfig.Name = "la?0"; address = [ "10.1.0.1/24" ]; };',
  },
  {
    name: 'a wildcard for another',
    networks:
      '"10-wan" = { matchConfig.Name = "wan*"; address = [ "10.9.0.1/24" ]; }; "20-lan" = { ' +
      'matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; };',
  },
  {
    name: 'a dot is a dot',
    networks:
      '"10-other" = { matchConfig.Name = "l.n0"; address = [ "10.9.0.1/24" ]; }; "20-lan" = { ' +
      'matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; };',
  },
  { name: 'all but some', networks: '"10-lan" = { matchConfig.Name = "!wan0 wan1"; address = [ "10.1.0.1/24" ]; };' },
  {
    name: 'all but this',
    networks:
      '"10-other" = { matchConfig.Name = "!lan0"; address = [ "10.9.0.1/24" ]; }; "20-lan" = { ' +
      'matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; };',
  },
  {
    name: 'the first that matches',
    networks:
      '"10-lan" = { matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; }; "20-rest" = { ' +
      'matchConfig.Name = "*"; address = [ "10.9.0.1/24" ]; };',
  },
  {
    name: 'the first by the name of its file',
    networks:
      '"10-lan" = { matchConfig.Name = "lan0"; address = [ "10.9.0.1/24" ]; }; "10-lan-0" = { ' +
      'matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; };',
  },
  {
    name: 'one that is off',
    networks:
      '"10-lan" = { enable = false; matchConfig.Name = "lan0"; address = [ "10.9.0.1/24" ]; }; "20-lan" ' +
      '= { matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; };',
  },
  {
    name: 'one that is found by something else',
    networks:
      '"10-wan" = { matchConfig.MACAddress = "02:00:00:00:00:01"; address = [ "10.9.0.1/24" ]; }; ' +
      '"20-lan" = { matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; };',
  },
  {
    name: 'by more than its name, and no other',
    networks: '"10-lan" = { matchConfig = { Name = "lan0"; Type = "ether"; }; address = [ "10.1.0.1/24" ]; };',
  },
  {
    name: 'by more than its name, behind one by its name',
    networks:
      '"10-lan" = { matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; }; "20-lan" = { matchConfig = { Name = "l*"; Type = "ether"; }; address = [ "10.9.0.1/24" ]; };',
  },
  {
    name: 'NixOS itself, for networkd',
    networks: '"40-lan0" = { matchConfig.Name = "lan0"; address = lib.mkForce [ "10.1.0.1/24" ]; };',
    more: `networking.useNetworkd = true; ${LAN0_SCRIPTED}`,
  },
  {
    name: 'NixOS itself, but another network comes before its own',
    networks:
      '"40-lan0" = { matchConfig.Name = "lan0"; address = lib.mkForce [ "10.9.0.1/24" ]; }; "10-lan" = { ' +
      'matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; };',
    more:
      'networking.useNetworkd = true; networking.interfaces.lan0.ipv4.addresses = [ { address = ' +
      '"10.9.0.1"; prefixLength = 24; } ];',
  },
  {
    name: 'NixOS and networkd, the same',
    networks: '"10-lan" = { matchConfig.Name = "lan0"; address = [ "10.1.0.1/24" ]; };',
    more: LAN0_SCRIPTED,
  },
  {
    name: 'NixOS, while networkd is off',
    networks: '"10-lan" = { matchConfig.Name = "lan0"; address = [ "10.9.0.1/24" ]; };',
    more: `imports = [ { systemd.network.enable = lib.mkForce false; } ]; ${LAN0_SCRIPTED}`,
  },
  {
    name: 'WireGuard',
    networks: '',
    more: 'networking.wireguard.interfaces.lan0 = { ips = [ "10.1.0.1/24" "fd00::1/64" ]; privateKeyFile = "/k"; };',
  },
  {
    name: 'wg-quick',
    networks: '',
    more: 'networking.wg-quick.interfaces.lan0 = { address = [ "10.1.0.1/24" ]; privateKeyFile = "/k"; };',
  },
];
const ADDRESSES: readonly Said[] = SPELLED.map(({ name, networks, more = '', want = ONE }) => ({
  name: `addresses: ${name}`,
  nix: `{ lib, ... }: { services.natpmp-server = { externalInterface = "wan0"; listenInterface = "lan0"; };
    systemd.network = { enable = lib.mkDefault true; networks = { ${networks} }; }; ${more} }`,
  lans: { lan0: want },
}));

export const SAID: readonly Said[] = [...LANS, ...ADDRESSES];

/** A router that is told nothing but to serve. */
export const serving = (nix: string): string =>
  `{ imports = [ (${nix}) ]; networking.nftables.enable = true; services.natpmp-server = { enable = true; openFirewall = true; }; }`;

/** An option of newer NixOS, as far as it is used. */
export const FILTER_OUTPUT = `({ lib, ... }: { options.networking.firewall.filterOutput = with lib; {
  enabled = mkOption { type = types.bool; default = false; };
  extraRules = mkOption { type = types.lines; default = ""; };
  trustedInterfaces = mkOption { type = types.listOf types.str; default = [ ]; };
  allowedUDPPorts = mkOption { type = types.listOf types.port; default = [ ]; };
  allowedUDPPortRanges = mkOption { type = types.listOf types.attrs; default = [ ]; };
  interfaces = mkOption { default = { }; type = types.attrsOf (types.submodule { options = {
    allowedUDPPorts = mkOption { type = types.listOf types.port; default = [ ]; };
    allowedUDPPortRanges = mkOption { type = types.listOf types.attrs; default = [ ]; };
  }; }); };
}; })`;
/** The option of impermanence, as far as it is used. */
export const PERSISTENCE = `({ lib, ... }: { options.environment.persistence = with lib; mkOption { default = { }; type = types.attrsOf (types.submodule ({ name, ... }: { options = {
  enable = mkOption { type = types.bool; default = true; };
  persistentStoragePath = mkOption { type = types.str; default = name; };
  directories = mkOption { default = [ ]; type = types.listOf (types.submodule { options.directory = mkOption { type = types.str; }; }); };
}; })); }; })`;
