# From the options to the daemons' flags (docs/architecture.md), as cli/arguments.ts does it for natpmp-server.
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
  table = flag "nat-table" cfg.natTable ++ flag "nat-chain" cfg.natChain;
in
rec {
  # The helper refuses reserved ports by itself; the frontend, which chooses, must not choose one.
  allowedPorts = ports.without cfg.allowedPortRanges cfg.reservedPortRanges;

  # What both check, each for itself.
  limits =
    flag "max-mappings-per-ip" cfg.maxMappingsPerClient
    ++ flag "max-lifetime" cfg.maxLifetime
    ++ flags "allowed-ports" (map ports.show allowedPorts)
    ++ flag "log-level" cfg.logLevel;

  frontend =
    lan:
    external
    ++ flags "lan" lan.listenAddresses
    ++ limits
    ++ flag "default-lifetime" cfg.defaultLifetime
    ++ lib.optionals (cfg.externalAddress != null) (flag "external-address" cfg.externalAddress);

  helper =
    flag "state-dir" cfg.stateDir
    ++ flags "lan" addresses
    ++ table
    ++ limits
    ++ flag "max-mappings" cfg.maxMappings
    ++ flags "reserved-ports" (map ports.show cfg.reservedPortRanges);

  lans = flags "listen-interface" (lib.attrNames allLans) ++ flags "lan" addresses;

  ruleset =
    [ "ruleset" ]
    ++ external
    ++ lans
    ++ table
    ++ lib.optional (!cfg.hairpin) "--no-hairpin";
}
