# NixOS' firewall on the LANs: the ports to open, and a warning if requests would be dropped.
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
  # firewalld's zones are not known here.
  isJudged = firewall.enable && (firewall.backend or null) != "firewalld";
in
{
  open = {
    interfaces = udp cfg.listenPort;
  }
  // lib.optionalAttrs canFilterOutput { filterOutput.interfaces = udp announcementPort; };

  warnings = lib.optionals isJudged (
    warning "what hosts ask" cfg.listenPort (
      blocked firewall ((firewall.extraInputRules or "") + (firewall.extraCommands or "")) cfg.listenPort
    )
    ++ lib.optionals (canFilterOutput && firewall.filterOutput.enabled) (
      warning "announcements" announcementPort (
        blocked firewall.filterOutput firewall.filterOutput.extraRules announcementPort
      )
    )
  );
}
