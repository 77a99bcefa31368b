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
  udp = port: lib.mapAttrs (_: _: { allowedUDPPorts = [ port ]; }) lans;
  # Not in every NixOS version.
  canFilterOutput = options.networking.firewall ? filterOutput;

  passes =
    rules: port: name:
    let
      own = lib.filter (one: interfaces.matches one name) (lib.attrNames rules.interfaces);
      all = [ rules ] ++ map (one: rules.interfaces.${one}) own;
    in
    lib.any (glob: interfaces.matches glob name) rules.trustedInterfaces
    || lib.any (
      one: lib.elem port one.allowedUDPPorts || lib.any (range: range.from <= port && port <= range.to) one.allowedUDPPortRanges
    ) all;
  # Custom rules that name the port or the interface are assumed to accept requests.
  mayPass = text: port: name: lib.hasInfix (toString port) text || lib.hasInfix name text;

  blocked =
    rules: text: port:
    lib.filter (name: !passes rules port name && !mayPass text port name) (lib.attrNames lans);
  warning =
    what: port: names:
    lib.optional (names != [ ])
      "services.natpmp-server.openFirewall: the firewall drops ${what} on ${lib.concatStringsSep ", " names} (UDP ${toString port}). Write services.natpmp-server.openFirewall = true;.";
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
    interfaces = udp cfg.listenPort;
  }
  // lib.optionalAttrs canFilterOutput { filterOutput.interfaces = udp announcementPort; };

  # In the chain of what is forwarded; only the firewall on nftables has it.
  pinholes.extraForwardRules = "meta nfproto ipv6 ct label ${toString (import ./label.nix cfg.natChain)} accept";

  warnings = lib.optionals isJudged (
    lib.optional (cfg.pinholes.enable && !filtersForward)
      "services.natpmp-server.pinholes: the firewall filters nothing that is forwarded, so IPv6 hosts of the LANs are reached from outside with and without pinholes. Write networking.firewall.filterForward = true; (and networking.nftables.enable = true;)."
    ++ warning "what hosts ask" cfg.listenPort (
      blocked firewall ((firewall.extraInputRules or "") + (firewall.extraCommands or "")) cfg.listenPort
    )
    ++ lib.optionals (canFilterOutput && firewall.filterOutput.enabled) (
      warning "announcements" announcementPort (
        blocked firewall.filterOutput firewall.filterOutput.extraRules announcementPort
      )
    )
  );
}
