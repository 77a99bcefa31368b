# Values taken from the rest of the configuration: the external interface, the LANs, and the router's addresses there.
{ config, lib }:
let
  inherit (config.networking) nat;
  networkd = config.systemd.network;

  # As in the programs: in the ruleset, * in a name is a wildcard.
  pattern = "[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}";
  isName = name: builtins.match pattern name != null;

  # Only the wildcards *, ? and iptables' trailing + are supported; a name with others matches nothing.
  matches =
    glob: name:
    let
      plain = if lib.hasSuffix "+" glob then lib.removeSuffix "+" glob + "*" else glob;
    in
    builtins.match (lib.replaceStrings [ "\\*" "\\?" ] [ ".*" "." ] (lib.escapeRegex plain)) name != null;

  # In networkd's order of files.
  networks = lib.optionals networkd.enable (
    lib.filter (network: network.enable) (
      map (name: networkd.networks.${name}) (
        lib.sort (one: other: "${one}.network" < "${other}.network") (lib.attrNames networkd.networks)
      )
    )
  );
  # The words of Name=, each with the ! before the first word of its line.
  globs =
    network:
    lib.concatMap (
      line:
      let
        isNot = lib.hasPrefix "!" line;
        names = lib.filter (word: word != "") (lib.splitString " " (lib.removePrefix "!" line));
      in
      map (glob: { inherit glob isNot; }) names
    ) (lib.flatten [ (network.matchConfig.Name or [ ]) ]);
  # A network that matches by anything else, such as MACAddress, may be of any interface.
  isOf =
    name: network:
    let
      all = globs network;
      hits = lib.filter (one: matches one.glob name) all;
      wanted = lib.filter (one: !one.isNot);
    in
    all != [ ] && !lib.any (one: one.isNot) hits && (wanted all == [ ] || wanted hits != [ ]);

  # Only the first matching network counts. It is unknown if the first must match in other ways too.
  networkOf =
    name:
    let
      hits = lib.filter (isOf name) networks;
    in
    if lib.length hits > 1 && removeAttrs (lib.head hits).matchConfig [ "Name" ] != { } then [ ] else lib.take 1 hits;

  addressesOf =
    network:
    lib.flatten [
      network.address
      (network.networkConfig.Address or [ ])
      # Before NixOS 24.11 they were one level deeper.
      (map (one: one.Address or one.addressConfig.Address or [ ]) network.addresses)
    ];
  # NAT-PMP is IPv4 only; for 0.0.0.0 networkd chooses an address.
  isUsable = address: builtins.match "[0-9.]+/[0-9]+" address != null && !lib.hasPrefix "0.0.0.0/" address;
in
{
  inherit isName matches pattern;

  external = if nat.externalInterface != null && isName nat.externalInterface then nat.externalInterface else null;

  # Those behind NixOS' NAT, or else networkd's. A wildcard names no interface.
  lans = lib.filter isName (
    if nat.internalInterfaces != [ ] then
      nat.internalInterfaces
    else
      lib.concatMap (
        network:
        lib.optionals (lib.elem (network.networkConfig.IPMasquerade or false) [
          true
          "yes"
          "both"
          "ipv4"
        ]) (map (one: one.glob) (lib.filter (one: !one.isNot) (globs network)))
      ) networks
  );

  # Addresses that NixOS sets, with its own scripts or with networkd.
  addresses =
    name:
    lib.unique (
      lib.filter isUsable (
        # NixOS passes them to networkd in a network of their own, which another may precede.
        lib.optionals (!config.networking.useNetworkd) (
          map (one: "${one.address}/${toString one.prefixLength}") (
            config.networking.interfaces.${name}.ipv4.addresses or [ ]
          )
        )
        ++ lib.concatMap addressesOf (networkOf name)
        ++ config.networking.wireguard.interfaces.${name}.ips or [ ]
        ++ config.networking.wg-quick.interfaces.${name}.address or [ ]
      )
    );
}
