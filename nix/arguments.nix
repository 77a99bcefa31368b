# From the options to the daemons' flags (docs/reference.md), like cli/server/daemon-config.ts for natpmp-server.
{ lib, cfg, lans }:
let
  ports = import ./ports.nix { inherit lib; };
  flag = name: value: [
    "--${name}"
    (toString value)
  ];
  flags = name: lib.concatMap (flag name);

  allLans = lans;
  addresses = lib.concatMap (lan: lan.listenAddresses) (lib.attrValues lans);
  external = flag "external-interface" cfg.externalInterface;
  pinholes = lib.optional cfg.pinholes.enable "--pinholes";
  table = flag "nat-table" cfg.natTable ++ flag "nat-chain" cfg.natChain;

  # As the programs read it (docs/configuration.md).
  ruleText =
    rule:
    lib.concatStringsSep " " (
      [ rule.action ]
      ++ (if rule.mac != null then [ "mac" rule.mac ] else [ (toString rule.host) ])
      ++ lib.optionals (rule.portRanges != [ ]) [ "ports" (lib.concatMapStringsSep "," ports.show rule.portRanges) ]
      ++ lib.optionals (rule.maxMappings != null) [ "max-mappings" (toString rule.maxMappings) ]
      ++ lib.optionals (rule.maxLifetime != null) [ "max-lifetime" (toString rule.maxLifetime) ]
    );
in
rec {
  # What is left for mappings. Pinholes may have the reserved ports: of another host's address the router needs none.
  allowedPorts = ports.without cfg.allowedPortRanges cfg.reservedPortRanges;

  # Checked by each daemon, separately.
  limits =
    flag "max-mappings-per-ip" cfg.maxMappingsPerClient
    ++ flag "max-lifetime" cfg.maxLifetime
    ++ flags "allowed-ports" (map ports.show cfg.allowedPortRanges)
    ++ flags "reserved-ports" (map ports.show cfg.reservedPortRanges)
    ++ (if cfg.deniedPortRanges == [ ] then flag "denied-ports" "none" else flags "denied-ports" (map ports.show cfg.deniedPortRanges))
    ++ flags "rule" (map ruleText cfg.rules)
    ++ flag "default-rule" cfg.defaultRule
    ++ flag "log-level" cfg.logLevel;

  # Of the daemons that answer a LAN.
  caller =
    name:
    external
    ++ flag "listen-interface" name
    ++ limits
    ++ lib.optional cfg.requirePublicAddress "--require-public-address"
    ++ lib.optionals (cfg.externalAddress != null) (flag "external-address" cfg.externalAddress);

  frontend = name: caller name ++ flag "default-lifetime" cfg.defaultLifetime;

  # Its port is that of its socket.
  upnp = caller;

  helper =
    flag "state-dir" cfg.stateDir
    ++ table
    ++ limits
    ++ flag "max-mappings" cfg.maxMappings
    ++ pinholes;

  lans = flags "listen-interface" (lib.attrNames allLans) ++ flags "lan" addresses;

  ruleset =
    external
    ++ lib.optionals (cfg.externalAddress != null) (flag "external-address" cfg.externalAddress)
    ++ flags "allowed-ports" (map ports.show cfg.allowedPortRanges)
    ++ lans
    # That port and the next are guarded.
    ++ flag "listen-port" cfg.listenPort
    ++ table
    ++ lib.optional (!cfg.hairpin) "--no-hairpin"
    ++ pinholes
    ++ lib.optionals (cfg.pinholes.externalInterface != cfg.externalInterface) (flag "pinhole-interface" cfg.pinholes.externalInterface);
}
