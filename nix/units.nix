# The units of systemd/, with what is different on NixOS: the command lines, where the programs are, and the addresses of
# each LAN. Everything else is as the files say, specifiers included.
{
  lib,
  pkgs,
  utils,
  cfg,
  lans,
  arguments,
}:
let
  readUnit = import ./unit-file.nix { inherit lib; };
  ipv4 = import ./ipv4.nix { inherit lib; };
  unit = name: readUnit (../systemd + "/${name}");

  program = role: lib.getExe' (lib.getOutput role cfg.package) "natpmp-${role}";
  # Flags that the options make hold nothing that systemd would expand, and blanks only in rules; who adds more may write anything.
  quoted = word: if lib.hasInfix " " word then "\"${word}\"" else word;
  command = words: extra: lib.concatStringsSep " " (map quoted words ++ lib.optional (extra != [ ]) (utils.escapeSystemdExecArgs extra));

  # On NixOS the flags are in the unit, so that a change of the configuration restarts what it concerns.
  service =
    name: overrides:
    let
      text = unit name;
    in
    {
      unitConfig = text.Unit;
      serviceConfig =
        removeAttrs text.Service [
          "EnvironmentFile"
          # Nor is there a file to read again.
          "ExecReload"
          # Paths of other systems. Which they are here, exec-paths.nix says.
          "ExecPaths"
        ]
        // written text.Service
        // overrides;
    };
  # What another unit writes while the system runs stays.
  written =
    settings:
    let
      files = lib.filter (lib.hasPrefix "-/run/") (lib.flatten [ (settings.EnvironmentFile or [ ]) ]);
    in
    lib.optionalAttrs (files != [ ]) { EnvironmentFile = files; };

  # [Install] is for `systemctl enable`, which NixOS does by links of its own.
  install =
    text: instance:
    lib.concatMap (names: lib.splitString " " (lib.replaceStrings [ "%i" ] [ instance ] names)) (
      lib.flatten [ (text.Install.WantedBy or [ ]) ]
    );
  # `reopen` is the unit that is restarted where a socket has changed.
  socket =
    name: instance: reopen: extra:
    let
      text = unit name;
    in
    {
      unitConfig = text.Unit // {
        PartOf = lib.flatten [ text.Unit.PartOf ] ++ [ "${reopen}.service" ];
      };
      socketConfig = text.Socket // extra text.Socket;
      wantedBy = install text instance;
    };

  # `nixos-rebuild switch` does nothing about a changed socket: it would go on listening where it did, or nowhere after the
  # reload of systemd. So a unit that changes with them is restarted in their place, and they with it, as parts of it. The
  # services are not: what only changes a daemon's flags closes no socket, and requests wait in it.
  reopen = name: changed: {
    unitConfig = {
      Description = "NAT-PMP: opens sockets again that have changed (${name})";
      PartOf = "natpmp-server.target";
      DefaultDependencies = false;
      Conflicts = "shutdown.target";
      Before = "shutdown.target";
    };
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = "${pkgs.runtimeShell} -c :";
    };
    wantedBy = [ "natpmp-server.target" ];
    restartTriggers = [ (builtins.toJSON changed) ];
    stopIfChanged = false;
  };
  # In one step after the activation, and not stopped before it.
  inOneStep.stopIfChanged = false;

  perLan = make: lib.concatMapAttrs (name: lan: make name (utils.escapeSystemdPath name) lan) lans;
  # One of the scripts in systemd/.
  script = name: [
    pkgs.runtimeShell
    "${../systemd + "/${name}"}"
  ];
  installer = lib.getExe' cfg.package "natpmp-install-ruleset";
  rulesetCommands = [
    (command (script "natpmp-ruleset" ++ [ installer ] ++ arguments.ruleset) [ ])
    (command (
      script "natpmp-own-ports"
      ++ arguments.lans
      ++ [
        "--"
        (lib.getExe' cfg.package "natpmp-forwarded-ports")
      ]
    ) [ ])
  ];

  helperSockets = lib.genAttrs [
    "natpmp-helper"
    "natpmp-helper-admin"
    "natpmp-nftables"
    "natpmp-nftables-events"
  ] (name: socket "${name}.socket" "" "natpmp-reopen" (_: { }));

  lanSockets =
    name: instance: lan:
    let
      # What is no address is for assertions.nix to complain of.
      parsed = lib.filter (one: one != null) (map ipv4.parse lan.listenAddresses);
      lanSocket = kind: socket "natpmp-${kind}@.socket" instance "natpmp-reopen@${instance}";
    in
    {
      "natpmp-frontend@${instance}" = lanSocket "frontend" (settings: {
        BindToDevice = name;
        # The second is where the ruleset leads devices over the rate limit.
        ListenDatagram = lib.concatMap (
          one: map (port: "${one.address}:${toString port}") [
            cfg.listenPort
            (cfg.listenPort + 1)
          ]
        ) parsed;
        IPAddressAllow = lib.flatten [ settings.IPAddressAllow ] ++ lib.unique (map (one: one.network) parsed);
      });
      "natpmp-route@${instance}" = lanSocket "route" (_: { });
    }
    // lib.optionalAttrs cfg.metrics.enable {
      "natpmp-metrics@${instance}" = lanSocket "metrics" (_: {
        ListenStream = "127.0.0.1:${toString lan.metricsPort}";
      });
    };
in
{
  services = {
    natpmp-ruleset =
      service "natpmp-ruleset.service" { ExecStart = rulesetCommands; }
      // {
        path = [ pkgs.nftables ];
      };

    natpmp-table = service "natpmp-table.service" { ExecStop = "${installer} --remove"; } // {
      path = [ pkgs.nftables ];
      # Only stopped, where the gateway is disabled: a restart would end all mappings.
      restartIfChanged = false;
    };

    natpmp-helper = service "natpmp-helper.service" {
      ExecStart = command (
        [
          (program "helper")
          # systemd puts the id of this boot there ...
          "--boot-id"
          "%b"
        ]
        ++ arguments.helper
        # ... and the ports that natpmp-own-ports has found.
        ++ [ "$NATPMP_RESERVED" ]
      ) cfg.extraHelperFlags;
      StateDirectory = lib.removePrefix "/var/lib/" cfg.stateDir;
    }
    // inOneStep
    // {
      # A start of the helper is what has the ruleset made, also another one.
      restartTriggers = rulesetCommands;
    };

    natpmp-reopen = reopen "helper" helperSockets;
  }
  // perLan (
    name: instance: lan: {
      "natpmp-frontend@${instance}" = service "natpmp-frontend@.service" {
        ExecStart = command ([ (program "frontend") ] ++ arguments.frontend lan ++ [ "$NATPMP_RESERVED" ]) cfg.extraFrontendFlags;
        # systemd would have one user for all instances.
        User = "natpmp-${lib.replaceStrings [ "." "@" ] [ "_" "_" ] name}";
      }
      // inOneStep;
      "natpmp-reopen@${instance}" = reopen name (lanSockets name instance lan);
    }
  );

  sockets = helperSockets // perLan lanSockets;

  targets.natpmp-server =
    let
      text = unit "natpmp-server.target";
    in
    {
      unitConfig = text.Unit;
      wantedBy = install text "";
    };
}
