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
        # Nor is there a file to read again.
        removeAttrs text.Service [ "EnvironmentFile" "ExecReload" ]
        // fromStore text.Service
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
  # Programs and libraries are in the store, and nothing is where other systems have them.
  fromStore = settings: lib.optionalAttrs (settings ? ExecPaths) { ExecPaths = builtins.storeDir; };

  # [Install] is for `systemctl enable`, which NixOS does by links of its own.
  install =
    text: instance:
    lib.concatMap (names: lib.splitString " " (lib.replaceStrings [ "%i" ] [ instance ] names)) (
      lib.flatten [ (text.Install.WantedBy or [ ]) ]
    );
  socket =
    name: instance: extra:
    let
      text = unit name;
    in
    {
      unitConfig = text.Unit;
      socketConfig = text.Socket // extra text.Socket;
      wantedBy = install text instance;
    };

  perLan = make: lib.concatMapAttrs (name: lan: make name (utils.escapeSystemdPath name) lan) lans;
  # One of the scripts in systemd/.
  script = name: [
    pkgs.runtimeShell
    "${../systemd + "/${name}"}"
  ];
  rulesetCommands = [
    (command (script "natpmp-ruleset" ++ [ (program "helper") ] ++ arguments.ruleset) [ ])
    (command (
      script "natpmp-own-ports"
      ++ arguments.lans
      ++ [
        "--"
        (lib.getExe' cfg.package "natpmp-forwarded-ports")
      ]
    ) [ ])
  ];
in
{
  services = {
    natpmp-ruleset =
      service "natpmp-ruleset.service" { ExecStart = rulesetCommands; }
      // {
        path = [ pkgs.nftables ];
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
    // {
      # A start of the helper is what has the ruleset made, also another one.
      restartTriggers = rulesetCommands;
    };
  }
  // perLan (
    name: instance: lan: {
      "natpmp-frontend@${instance}" = service "natpmp-frontend@.service" {
        ExecStart = command ([ (program "frontend") ] ++ arguments.frontend lan ++ [ "$NATPMP_RESERVED" ]) cfg.extraFrontendFlags;
        # systemd would have one user for all instances.
        User = "natpmp-${lib.replaceStrings [ "." "@" ] [ "_" "_" ] name}";
      };
    }
  );

  sockets =
    lib.genAttrs
      [
        "natpmp-helper"
        "natpmp-helper-admin"
        "natpmp-nftables"
        "natpmp-nftables-events"
      ]
      (name: socket "${name}.socket" "" (_: { }))
    // perLan (
      name: instance: lan:
      let
        # What is no address is for assertions.nix to complain of.
        parsed = lib.filter (one: one != null) (map ipv4.parse lan.listenAddresses);
      in
      {
        "natpmp-frontend@${instance}" = socket "natpmp-frontend@.socket" instance (settings: {
          BindToDevice = name;
          # The second is where the ruleset leads whoever asks more than a program ever would.
          ListenDatagram = lib.concatMap (
            one: map (port: "${one.address}:${toString port}") [
              cfg.listenPort
              (cfg.listenPort + 1)
            ]
          ) parsed;
          IPAddressAllow = lib.flatten [ settings.IPAddressAllow ] ++ lib.unique (map (one: one.network) parsed);
        });
        "natpmp-route@${instance}" = socket "natpmp-route@.socket" instance (_: { });
      }
      // lib.optionalAttrs cfg.metrics.enable {
        "natpmp-metrics@${instance}" = socket "natpmp-metrics@.socket" instance (_: {
          ListenStream = "127.0.0.1:${toString lan.metricsPort}";
        });
      }
    );

  targets.natpmp-server =
    let
      text = unit "natpmp-server.target";
    in
    {
      unitConfig = text.Unit;
      wantedBy = install text "";
    };
}
