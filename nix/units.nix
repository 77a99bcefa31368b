# The units of systemd/, with NixOS' command lines, program paths, and addresses of each LAN. Everything else is as in the
# files, specifiers included.
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

  program = import ./program.nix { inherit cfg lib; };
  # Flags from options contain nothing that systemd expands, and blanks only in rules; extra flags may contain anything.
  quoted = word: if lib.hasInfix " " word then "\"${word}\"" else word;
  command = words: extra: lib.concatStringsSep " " (map quoted words ++ lib.optional (extra != [ ]) (utils.escapeSystemdExecArgs extra));

  # On NixOS the flags are in the unit, so that a changed configuration restarts the affected units.
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
          # Paths of other systems; exec-paths.nix has those of NixOS.
          "ExecPaths"
        ]
        // overrides;
    };
  # A JIT needs memory that is writable and executable.
  daemon = name: overrides: service name (overrides // lib.optionalAttrs cfg.jit { MemoryDenyWriteExecute = "no"; });
  # [Install] is for `systemctl enable`, which NixOS does by links of its own.
  install =
    text: instance:
    lib.concatMap (names: lib.splitString " " (lib.replaceStrings [ "%i" ] [ instance ] names)) (
      lib.flatten [ (text.Install.WantedBy or [ ]) ]
    );
  # `reopen` is the unit that is restarted if a socket has changed.
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

  # `nixos-rebuild switch` ignores a changed socket: it would keep its old address, or be closed by the reload of systemd. So a
  # unit that changes with the sockets is restarted, and they with it, as parts of it. The services are not: changed flags close
  # no socket, and requests wait in it.
  reopen = name: changed: {
    unitConfig = {
      Description = "NAT-PMP: opens sockets again that have changed (${name})";
      PartOf = "natpmp-server.target";
      DefaultDependencies = false;
      Conflicts = "shutdown.target";
      Before = "shutdown.target";
      StartLimitIntervalSec = 0;
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

  # Passes connections on to a socket file in /run/natpmp.
  proxy =
    name: file:
    service name {
      ExecStart = "${pkgs.systemd}/lib/systemd/systemd-socket-proxyd --connections-max=8 /run/natpmp/${file}";
    }
    // inOneStep;

  # A user for each LAN. Characters that a user name cannot have are replaced; such names, and those of other units' users, get a
  # checksum to be unique. A user name has at most 31 characters.
  user =
    name:
    let
      plain = lib.replaceStrings [ "." "@" ] [ "_" "_" ] name;
      isTaken = lib.elem name [
        "frontend"
        "helper"
        "metrics"
        "own-ports"
        "reload"
        "ruleset"
        "table"
        "upnp"
        "upnp-metrics"
      ];
    in
    if plain == name && !isTaken then name else "${plain}-${builtins.substring 0 8 (builtins.hashString "sha256" name)}";
  perLan = make: lib.concatMapAttrs (name: lan: make name (utils.escapeSystemdPath name) lan) lans;
  # One of the scripts in systemd/.
  script = name: [
    pkgs.runtimeShell
    "${../systemd + "/${name}"}"
  ];
  installer = lib.getExe' cfg.package "natpmp-install-ruleset";
  rulesetCommands = [
    (command (script "natpmp-ruleset" ++ [ installer ] ++ arguments.ruleset) [ ])
  ];
  # Written by natpmp-own-ports while the system runs; what it has is added to the flags.
  found = "--config=-/run/natpmp-reserved/reserved.conf";

  helperSockets = lib.genAttrs [
    "natpmp-helper"
    "natpmp-helper-admin"
    "natpmp-nftables"
    "natpmp-nftables-events"
  ] (name: socket "${name}.socket" "" "natpmp-reopen" (_: { }));

  lanSockets =
    name: instance: lan:
    let
      # assertions.nix reports invalid addresses.
      parsed = lib.filter (one: one != null) (map ipv4.parse lan.listenAddresses);
      lanSocket = kind: socket "natpmp-${kind}@.socket" instance "natpmp-reopen@${instance}";
      fromLan = settings: lib.flatten [ settings.IPAddressAllow ] ++ lib.unique (map (one: one.network) parsed);
      # By two means: natpmp-upnp@.socket says why.
      bound = settings: {
        BindToDevice = name;
        RestrictNetworkInterfaces = name;
        IPAddressAllow = fromLan settings;
      };
    in
    {
      "natpmp-frontend@${instance}" = lanSocket "frontend" (settings: {
        BindToDevice = name;
        # The ruleset redirects devices over the rate limit to the second.
        ListenDatagram = map (port: "0.0.0.0:${toString port}") [
          cfg.listenPort
          (cfg.listenPort + 1)
        ];
        IPAddressAllow = fromLan settings;
      });
      "natpmp-route@${instance}" = lanSocket "route" (_: { });
    }
    // lib.optionalAttrs cfg.pinholes.enable {
      "natpmp-pcp@${instance}" = lanSocket "pcp" (_: {
        BindToDevice = name;
        ListenDatagram = map (port: "[::]:${toString port}") [
          cfg.listenPort
          (cfg.listenPort + 1)
        ];
      });
    }
    // lib.optionalAttrs cfg.metrics.enable {
      "natpmp-metrics@${instance}" = lanSocket "metrics" (_: {
        ListenStream = "127.0.0.1:${toString lan.metricsPort}";
      });
      "natpmp-metrics-frontend@${instance}" = lanSocket "metrics-frontend" (_: { });
    }
    // lib.optionalAttrs cfg.upnp.enable {
      "natpmp-ssdp@${instance}" = lanSocket "ssdp" bound;
      "natpmp-upnp@${instance}" = lanSocket "upnp" (
        settings: bound settings // { ListenStream = "0.0.0.0:${toString cfg.upnp.port}"; }
      );
      "natpmp-upnp-route@${instance}" = lanSocket "upnp-route" (_: { });
      "natpmp-upnp-status@${instance}" = lanSocket "upnp-status" (_: { });
    }
    // lib.optionalAttrs (cfg.upnp.enable && cfg.metrics.enable) {
      "natpmp-upnp-metrics@${instance}" = lanSocket "upnp-metrics" (_: {
        ListenStream = "127.0.0.1:${toString lan.upnpMetricsPort}";
      });
      "natpmp-metrics-upnp@${instance}" = lanSocket "metrics-upnp" (_: { });
    };
in
{
  services = {
    natpmp-ruleset =
      service "natpmp-ruleset.service" { ExecStart = rulesetCommands; }
      // {
        path = [ pkgs.nftables ];
      };

    natpmp-own-ports =
      service "natpmp-own-ports.service" {
        ExecStart = command (
          script "natpmp-own-ports" ++ [ (lib.getExe' cfg.package "natpmp-forwarded-ports") ] ++ arguments.ruleset
        ) [ ];
      }
      // {
        path = [
          pkgs.nftables
          pkgs.gawk
        ];
      };

    natpmp-reload = service "natpmp-reload.service" {
      ExecStart = "${pkgs.systemd}/bin/systemctl --quiet try-reload-or-restart natpmp-helper.service";
    };

    natpmp-table =
      service "natpmp-table.service" {
        ExecStop = command ([ installer "--remove" "--nat-chain" cfg.natChain ]) [ ];
        # What is installed may be of the configuration before.
        EnvironmentFile = "-/run/private/natpmp-ruleset/installed.env";
      }
      // {
      path = [ pkgs.nftables ];
      # Only stopped, if the gateway is disabled: a restart would end all mappings.
      restartIfChanged = false;
    };

    natpmp-helper = daemon "natpmp-helper.service" {
      ExecStart = command (
        [
          (program "helper")
          # systemd puts the id of this boot there.
          "--boot-id"
          "%b"
        ]
        ++ arguments.helper
        ++ [ found ]
      ) cfg.extraHelperFlags;
      StateDirectory = lib.removePrefix "/var/lib/" cfg.stateDir;
    }
    // inOneStep
    // {
      # The start of the helper installs the ruleset, also a changed one.
      restartTriggers = rulesetCommands;
    };

    natpmp-reopen = reopen "helper" helperSockets;
  }
  // perLan (
    name: instance: lan: {
      "natpmp-frontend@${instance}" =
        let
          unit = daemon "natpmp-frontend@.service" {
            ExecStart = command ([ (program "frontend") ] ++ arguments.frontend name ++ [ found ]) cfg.extraFrontendFlags;
            # systemd would use one user for all instances.
            User = "natpmp-${user name}";
          };
          # Before it, because a service that runs is not given another socket.
          pcp = lib.optional cfg.pinholes.enable "natpmp-pcp@%i.socket";
        in
        unit
        // {
          unitConfig = unit.unitConfig // {
            Wants = lib.flatten [ unit.unitConfig.Wants ] ++ pcp;
            After = lib.flatten [ unit.unitConfig.After ] ++ pcp;
          };
        }
        // inOneStep;
      "natpmp-reopen@${instance}" = reopen name (lanSockets name instance lan);
    }
    // lib.optionalAttrs cfg.metrics.enable {
      "natpmp-metrics@${instance}" = proxy "natpmp-metrics@.service" "metrics-%I.sock";
    }
    // lib.optionalAttrs cfg.upnp.enable {
      "natpmp-upnp@${instance}" =
        daemon "natpmp-upnp@.service" {
          ExecStart = command ([ (program "upnp") ] ++ arguments.upnp name ++ [ found ]) cfg.extraUpnpFlags;
          # As for the frontend; and another one.
          User = "upnp-${user name}";
        }
        // inOneStep;
    }
    // lib.optionalAttrs (cfg.upnp.enable && cfg.metrics.enable) {
      "natpmp-upnp-metrics@${instance}" = proxy "natpmp-upnp-metrics@.service" "upnp-%I.metrics";
    }
  );

  sockets = helperSockets // perLan lanSockets;

  timers.natpmp-own-ports =
    let
      text = unit "natpmp-own-ports.timer";
    in
    {
      unitConfig = text.Unit;
      timerConfig = text.Timer;
    };

  paths.natpmp-own-ports =
    let
      text = unit "natpmp-own-ports.path";
    in
    {
      unitConfig = text.Unit;
      pathConfig = text.Path;
    };

  targets.natpmp-server =
    let
      text = unit "natpmp-server.target";
    in
    {
      unitConfig = text.Unit;
      wantedBy = install text "";
    };
}
