# services.natpmp-server, described in docs/nixos.md.
{
  config,
  lib,
  options,
  pkgs,
  utils,
  ...
}:
let
  settings = config.services.natpmp-server;
  cfg = settings // {
    # Without IPv6 there is nothing to open.
    pinholes = settings.pinholes // {
      enable = settings.pinholes.enable && config.networking.enableIPv6;
    };
  };
  lans = cfg.listenInterfaces;
  interfaces = import ./interfaces.nix { inherit config lib; };
  firewall = import ./firewall.nix {
    inherit
      cfg
      config
      interfaces
      lans
      lib
      options
      ;
  };
  # Null may be an explicit setting.
  isLanWritten = options.services.natpmp-server.listenInterface.highestPrio < (lib.mkOptionDefault null).priority;
  mainLans =
    if cfg.listenInterface != null then
      [ cfg.listenInterface ]
    else if isLanWritten then
      [ ]
    else if interfaces.lans != [ ] then
      lib.remove cfg.externalInterface interfaces.lans
    else
      [ "br-lan" ];
  arguments = import ./arguments.nix { inherit cfg lans lib; };
  program = import ./program.nix { inherit cfg lib; };
  units = import ./units.nix {
    inherit
      arguments
      cfg
      lans
      lib
      pkgs
      utils
      ;
  };

  # systemd accepts /var/lib/private only with this mode. Impermanence makes parents of a persistent folder 0755, and at each
  # activation copies the mode of the persistent side, so that one must be right too.
  private = "/var/lib/private";
  persistent = lib.filter (
    store: (store.enable or true) && lib.any (one: lib.hasPrefix private one.directory) store.directories
  ) (lib.attrValues (config.environment.persistence or { }));
  privateFolders = [ private ] ++ map (store: store.persistentStoragePath + private) persistent;

  # The programs check their own flags, so a mistake stops the build, not the router. --check comes last, after added flags.
  checked =
    let
      run =
        role: words:
        "${program role} ${lib.escapeShellArgs words}";
    in
    pkgs.runCommand "natpmp-server-checked" { } (
      lib.concatMapStringsSep "\n" (
        name: run "frontend" (arguments.frontend name ++ cfg.extraFrontendFlags ++ [ "--check" ])
      ) (lib.attrNames lans)
      + lib.optionalString cfg.upnp.enable (
        lib.concatMapStrings (name: "\n" + run "upnp" (arguments.upnp name ++ cfg.extraUpnpFlags ++ [ "--check" ])) (
          lib.attrNames lans
        )
      )
      + ''

        ${run "helper" (
          [
            "--boot-id"
            "check"
          ]
          ++ arguments.helper
          ++ cfg.extraHelperFlags
          ++ [ "--check" ]
        )}
        ${lib.getExe' cfg.package "natpmp-install-ruleset"} --print ${lib.escapeShellArgs arguments.ruleset} >$out
      ''
    );
in
{
  options.services.natpmp-server = import ./options.nix { inherit config lib pkgs; };

  config = lib.mkMerge [
    {
      # listenInterface is short for an entry there.
      services.natpmp-server.listenInterfaces = lib.genAttrs mainLans (_: { });
    }
    (lib.mkIf cfg.enable {
      assertions = import ./assertions.nix {
        inherit
          arguments
          cfg
          config
          interfaces
          isLanWritten
          lans
          lib
          ;
      };
      inherit (firewall) warnings;

      systemd = {
        inherit (units)
          paths
          services
          sockets
          targets
          timers
          ;
        packages = [
          (import ./exec-paths.nix {
            inherit lib pkgs;
            inherit (cfg) package;
            preloaded =
              let
                etc = config.environment.etc or { };
              in
              lib.optional (etc ? "ld-nix.so.preload") etc."ld-nix.so.preload".source;
          })
        ];
        # Before the rules of other modules, because only the first rule for a path counts.
        tmpfiles.rules = map (folder: "d ${folder} 0700 root root -") privateFolders;
      };

      # May connect to the helper's socket; the dynamic users of what answers the LANs are in it.
      users.groups.natpmp = { };

      # natpmpctl and natpmp-client.
      environment.systemPackages = [ cfg.package ];

      system.checks = lib.mkIf (pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform) [ checked ];

      networking.firewall = lib.mkMerge [
        (lib.mkIf cfg.openFirewall firewall.open)
        (lib.mkIf (cfg.pinholes.enable && (config.networking.firewall.filterForward or false)) firewall.pinholes)
      ];

      # Usually the kernel loads them on first use.
      boot.kernelModules = lib.mkIf config.security.lockKernelModules [
        "nf_conntrack_netlink"
        "nf_tables"
        "nft_chain_nat"
        "nft_ct"
        "nft_fib_inet"
        "nft_limit"
        "nft_masq"
        "nft_nat"
        "nft_reject_inet"
        "nft_socket"
      ];
    })
  ];
}
