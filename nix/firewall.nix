# NixOS' firewall on the LANs: the ports to open, what pinholes let in, and a warning if requests would be dropped or
# pinholes mean nothing.
{
  config,
  options,
  lib,
  cfg,
  interfaces,
  lans,
}:
let
  inherit (config.networking) firewall;
  # The port of announcements (RFC 6886 §3.2.1). Replies belong to the request's connection.
  announcementPort = 5350;
  # Of UPnP: searches, and announcements.
  ssdpPort = 1900;
  # On each LAN.
  allowed = rules: lib.mapAttrs (_: _: rules) lans;
  ofUpnp = lib.optionals cfg.upnp.enable;
  # Not in every NixOS version.
  canFilterOutput = options.networking.firewall ? filterOutput;

  passes =
    rules: protocol: port: name:
    let
      own = lib.filter (one: interfaces.matches one name) (lib.attrNames rules.interfaces);
      all = [ rules ] ++ map (one: rules.interfaces.${one}) own;
    in
    lib.any (glob: interfaces.matches glob name) rules.trustedInterfaces
    || lib.any (
      one:
      lib.elem port one."allowed${protocol}Ports"
      || lib.any (range: range.from <= port && port <= range.to) one."allowed${protocol}PortRanges"
    ) all;
  # Custom rules that name the port or the interface are assumed to accept requests.
  mayPass = text: port: name: lib.hasInfix (toString port) text || lib.hasInfix name text;

  warning =
    rules: text: what: protocol: port:
    let
      blocked = lib.filter (name: !passes rules protocol port name && !mayPass text port name) (lib.attrNames lans);
    in
    lib.optional (blocked != [ ])
      "services.natpmp-server.openFirewall: the firewall drops ${what} on ${lib.concatStringsSep ", " blocked} (${protocol} ${toString port}). Write services.natpmp-server.openFirewall = true;.";
  inward = warning firewall ((firewall.extraInputRules or "") + (firewall.extraCommands or ""));
  outward = warning firewall.filterOutput firewall.filterOutput.extraRules;
  # A forward chain of the administrator's own, in any of these, is assumed to filter IPv6.
  texts = [
    (firewall.extraCommands or "")
    (config.networking.nftables.ruleset or "")
  ]
  ++ map (table: table.content) (lib.attrValues config.networking.nftables.tables);
  filtersForward = (firewall.filterForward or false) || lib.any (text: lib.hasInfix "hook forward" text || lib.hasInfix "FORWARD" text) texts;

  # firewalld's zones are not known here.
  isJudged = firewall.enable && (firewall.backend or null) != "firewalld";
in
{
  open = {
    interfaces = allowed {
      allowedUDPPorts = [ cfg.listenPort ] ++ ofUpnp [ ssdpPort ];
      allowedTCPPorts = ofUpnp [ cfg.upnp.port ];
    };
  }
  // lib.optionalAttrs canFilterOutput {
    filterOutput = {
      interfaces = allowed { allowedUDPPorts = [ announcementPort ] ++ ofUpnp [ ssdpPort ]; };
    }
    # What was asked by multicast is answered from an address that the connection does not know.
    // lib.optionalAttrs cfg.upnp.enable {
      extraRules = lib.concatMapStrings (name: "oifname \"${name}\" udp sport ${toString ssdpPort} accept\n") (lib.attrNames lans);
    };
  };

  # In the chain of what is forwarded; only the firewall on nftables has it.
  pinholes.extraForwardRules = "meta nfproto ipv6 ct label ${toString (import ./label.nix cfg.natChain)} accept";

  warnings = lib.optionals isJudged (
    lib.optional (cfg.pinholes.enable && !filtersForward)
      "services.natpmp-server.pinholes: the firewall filters nothing that is forwarded, so IPv6 hosts of the LANs are reached from outside with and without pinholes. Write networking.firewall.filterForward = true; (and networking.nftables.enable = true;)."
    ++ inward "what hosts ask" "UDP" cfg.listenPort
    ++ ofUpnp (inward "UPnP searches" "UDP" ssdpPort ++ inward "UPnP requests" "TCP" cfg.upnp.port)
    ++ lib.optionals (canFilterOutput && firewall.filterOutput.enabled) (
      outward "announcements" "UDP" announcementPort ++ ofUpnp (outward "what UPnP announces" "UDP" ssdpPort)
    )
  );
}
