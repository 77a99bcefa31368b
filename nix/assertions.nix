# Impossible configurations end the build, with what to write instead.
{
  config,
  lib,
  cfg,
  interfaces,
  isLanWritten,
  lans,
  arguments,
}:
let
  ipv4 = import ./ipv4.nix { inherit lib; };
  ports = import ./ports.nix { inherit lib; };
  option = name: "services.natpmp-server.${name}";
  claim = assertion: message: { inherit assertion message; };
  names = lib.attrNames lans;
  # Quoted as in a Nix path: lan0.7 would be two names.
  quoted = name: if builtins.match "[A-Za-z_][A-Za-z0-9_'-]*" name != null then name else "\"${name}\"";

  inherit (config.networking) nat;
  wildcards = lib.filter (name: !interfaces.isName name) nat.internalInterfaces;
  # A LAN that only comes from NixOS' own options may be left out.
  without =
    name:
    let
      others = lib.filter (other: other != name && other != cfg.externalInterface) interfaces.lans;
      set = "{ ${lib.concatMapStrings (other: "${quoted other} = { }; ") others}}";
    in
    if others == [ ] then
      "${option "enable"} = false;"
    else if lib.length others == 1 then
      "${option "listenInterface"} = \"${lib.head others}\";"
    else
      "services.natpmp-server = { listenInterface = null; listenInterfaces = ${set}; };";
  notNamed =
    name:
    if name == cfg.listenInterface || (!isLanWritten && interfaces.lans == [ ] && name == "br-lan") then
      ", or the name of the LAN as ${option "listenInterface"}${
        lib.optionalString (wildcards != [ ]) " (${lib.concatStringsSep ", " wildcards} of networking.nat.internalInterfaces is not the name of one)"
      }"
    else if !isLanWritten && lib.elem name interfaces.lans then
      ", or, if its hosts are to have no mappings, ${without name}"
    else
      "";

  perLan = lib.concatMap (
    name:
    let
      addresses = lans.${name}.listenAddresses;
      wrong = lib.filter (address: ipv4.parse address == null) addresses;
      parsed = lib.filter (one: one != null) (map ipv4.parse addresses);
      own = map (one: one.address) parsed;
      ofNobody = map (one: one.address) (lib.filter (one: !one.isHost) parsed);
      path = option "listenInterfaces.${quoted name}.listenAddresses";
    in
    [
      (claim (addresses != [ ])
        "${path}: no IPv4 address of ${name} is known. Write ${path} = [ \"192.168.1.1/24\" ];, with the router's address there${notNamed name}."
      )
      (claim (wrong == [ ])
        "${path}: ${lib.concatStringsSep ", " wrong}: write the router's address and the length of the prefix, such as \"192.168.1.1/24\"."
      )
      # The sockets would open, but no request could arrive.
      (claim (ofNobody == [ ])
        "${path}: ${lib.concatStringsSep ", " ofNobody} is not the address of a host. Write the router's own, such as \"192.168.1.1/24\"."
      )
      (claim (lib.unique own == own) "${path}: an address is there twice. Write each once, with the prefix of its LAN.")
      # It becomes part of names of units, a user and the ruleset.
      (claim (interfaces.isName name)
        "${option "listenInterfaces"}: \"${name}\" is not the name of a network interface: up to 15 letters, digits, _, ., @ and -. Write one such as br-lan."
      )
      (claim (!cfg.pinholes.enable || name != cfg.pinholes.externalInterface)
        "${option "pinholes.externalInterface"} and ${option "listenInterface"} are both ${name}. Write the interface that IPv6 connections from outside arrive on, or leave it out."
      )
      (claim (name != cfg.externalInterface)
        "${option "externalInterface"} and ${option "listenInterface"} are both ${name}. Write the interface of the LAN as ${option "listenInterface"}."
      )
    ]
  ) names;

  # Every pair of LANs once; a client in two could not be told apart.
  networks = lib.concatMap (
    name:
    lib.concatMap (
      address:
      let
        parsed = ipv4.parse address;
      in
      lib.optional (parsed != null) (parsed // { inherit name address; })
    ) lans.${name}.listenAddresses
  ) names;
  overlaps = lib.concatMap (
    one: lib.filter (other: one.name < other.name && one.first <= other.last && other.first <= one.last) networks
  ) networks;

  metricsPorts = lib.concatMap (
    name: [ lans.${name}.metricsPort ] ++ lib.optional cfg.upnp.enable lans.${name}.upnpMetricsPort
  ) names;
  inMetrics = cfg.metrics.enable && lib.elem cfg.upnp.port metricsPorts;
  metricsOf =
    name:
    "${name} has ${toString lans.${name}.metricsPort}${
      lib.optionalString cfg.upnp.enable " and, for UPnP, ${toString lans.${name}.upnpMetricsPort}"
    }";

  upsideDown = lib.filter (range: range.from > range.to) (
    cfg.allowedPortRanges ++ cfg.reservedPortRanges ++ cfg.deniedPortRanges ++ lib.concatMap (rule: rule.portRanges) cfg.rules
  );
  nobody = lib.filter (rule: (rule.host == null) == (rule.mac == null)) cfg.rules;
  hosts = lib.filter (rule: rule.host != null && builtins.match "[0-9.]+(/[0-9]{1,2})?" rule.host == null) cfg.rules;
  outside = builtins.match "([0-9.]+)" (toString cfg.externalAddress) != null && ipv4.parse "${cfg.externalAddress}/32" != null;

  firewalld = config.networking.firewall.enable && (config.networking.firewall.backend or null) == "firewalld";
  privateDir = "/var/lib/private/${lib.removePrefix "/var/lib/" cfg.stateDir}";
  # systemd would move the folder into /var/lib/private and change its owner to the helper.
  isTaken = lib.elem (lib.removePrefix "/var/lib/" cfg.stateDir) [
    "private"
    "nixos"
    "systemd"
  ];
  mountedAt = lib.filter (where: where == cfg.stateDir) (
    map (one: one.mountPoint) (lib.attrValues config.fileSystems) ++ map (one: one.where) config.systemd.mounts
  );

  inherit (config.networking) nftables;
  # NixOS deletes a declared table with all that is in it at each reload of the firewall.
  declared = lib.attrNames (lib.filterAttrs (_: table: table.family == "inet") nftables.tables);
in
perLan
++ [
  (claim (cfg.externalInterface != null)
    "${option "externalInterface"}: which interface faces the internet is not known${
      lib.optionalString (nat.externalInterface != null) " (networking.nat.externalInterface is ${nat.externalInterface}, which is not the name of one)"
    }. Write ${option "externalInterface"} = \"wan0\";, or whatever it is called."
  )
  (claim (names != [ ]) "${option "listenInterface"}: no LAN is named. Write ${option "listenInterface"} = \"br-lan\";, or whatever it is called.")
  (claim (overlaps == [ ])
    "${option "listenInterfaces"}: ${lib.concatMapStringsSep ", " (one: "${one.address} on ${one.name}") overlaps} overlaps another LAN. Write a network of its own for each interface."
  )
  (claim (!cfg.metrics.enable || lib.length (lib.unique metricsPorts) == lib.length metricsPorts)
    "${option "metrics.port"}: one port twice: ${lib.concatMapStringsSep ", " metricsOf names}. Write another ${option "listenInterfaces.<name>.metricsPort"}."
  )
  (claim (!(cfg.upnp.enable && inMetrics))
    "${option "upnp.port"}: ${toString cfg.upnp.port} is a port of metrics, too: ${lib.concatMapStringsSep ", " metricsOf names}. Write another ${option "metrics.port"} or ${option "upnp.port"}."
  )
  (claim (!(cfg.upnp.enable && lib.elem 1900 [ cfg.listenPort (cfg.listenPort + 1) ]))
    "${option "listenPort"}: UDP ports ${toString cfg.listenPort} and ${toString (cfg.listenPort + 1)} are taken, and UPnP needs 1900. Write another ${option "listenPort"}."
  )
  (claim (cfg.externalAddress == null || outside)
    "${option "externalAddress"}: ${toString cfg.externalAddress} is not an IPv4 address. Write one such as \"203.0.113.7\", or leave it out."
  )
  (claim (cfg.defaultLifetime <= cfg.maxLifetime)
    "${option "defaultLifetime"} (${toString cfg.defaultLifetime}) is longer than ${option "maxLifetime"} (${toString cfg.maxLifetime}). Write a shorter ${option "defaultLifetime"}, or a longer ${option "maxLifetime"}."
  )
  (claim (upsideDown == [ ])
    "${option "allowedPortRanges"}, ${option "reservedPortRanges"}: ${lib.concatMapStringsSep ", " ports.show upsideDown} is upside down. Write the lower port as from."
  )
  (claim (nobody == [ ])
    "${option "rules"}: a rule names both host and mac, or neither. Write one of them, such as host = \"192.168.1.50\";."
  )
  (claim (hosts == [ ])
    "${option "rules"}: ${lib.concatMapStringsSep ", " (rule: toString rule.host) hosts} names no host. Write an address or a prefix, such as \"192.168.1.64/26\"."
  )
  (claim (upsideDown != [ ] || arguments.allowedPorts != [ ])
    "${option "allowedPortRanges"}: no port is left to map. Write a range such as { from = 1024; to = 65535; }, beyond ${option "reservedPortRanges"}."
  )
  (claim (builtins.match "/var/lib/[A-Za-z0-9_-][A-Za-z0-9_.-]*" cfg.stateDir != null)
    "${option "stateDir"}: ${cfg.stateDir} is not a folder in /var/lib, where systemd makes it for a user that exists only while it runs. Write \"/var/lib/natpmp-server\"; for another disk, mount it at /var/lib/private/natpmp-server."
  )
  (claim (!isTaken) "${option "stateDir"}: ${cfg.stateDir} belongs to the system. Write a folder of the gateway's own, such as \"/var/lib/natpmp-server\".")
  (claim (!cfg.openFirewall || !firewalld)
    "${option "openFirewall"}: firewalld has zones, and NixOS opens nothing there for one interface. Write services.firewalld.zones.<name>.ports with UDP ${toString cfg.listenPort}${lib.optionalString cfg.upnp.enable ", UDP 1900 and TCP ${toString cfg.upnp.port}"} for the zone of the LAN, and leave ${option "openFirewall"} out."
  )
  (claim (mountedAt == [ ])
    "${option "stateDir"}: something is mounted at ${cfg.stateDir}, where systemd makes a link for a user that exists only while it runs. Write ${privateDir} in its place, in fileSystems, environment.persistence or whatever mounts it."
  )
  (claim (!lib.elem cfg.natTable declared)
    "${option "natTable"}: networking.nftables.tables has a table inet ${cfg.natTable} already, which it replaces with all that is in it. Write another name, such as ${option "natTable"} = \"natpmp\";."
  )
  (claim (!(config.services.miniupnpd.enable && config.services.miniupnpd.natpmp))
    "services.miniupnpd answers NAT-PMP too. Write services.miniupnpd.natpmp = false;."
  )
  # Devices use the first that answers, and know no second.
  (claim (!(cfg.upnp.enable && config.services.miniupnpd.enable && config.services.miniupnpd.upnp))
    "${option "upnp.enable"}: services.miniupnpd is a UPnP gateway, too. Write services.miniupnpd.upnp = false;, or leave ${option "upnp.enable"} out."
  )
]
