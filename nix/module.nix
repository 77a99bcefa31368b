# services.natpmp-server: docs/nixos.md tells the whole story.
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:
let
  cfg = config.services.natpmp-server;
  lans = cfg.listenInterfaces;
  arguments = import ./arguments.nix { inherit cfg lans lib; };
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

  # What the program itself says of the flags it will be started with: a mistake stops the build, and not the router.
  # --check comes last, after whatever was added.
  checked =
    let
      run =
        role: words:
        "${lib.getExe' (lib.getOutput role cfg.package) "natpmp-${role}"} ${lib.escapeShellArgs words}";
    in
    pkgs.runCommand "natpmp-server-checked" { } (
      lib.concatMapStringsSep "\n" (
        lan: run "frontend" (arguments.frontend lan ++ cfg.extraFrontendFlags ++ [ "--check" ])
      ) (lib.attrValues lans)
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
        ${run "helper" arguments.ruleset} >$out
      ''
    );
in
{
  options.services.natpmp-server = import ./options.nix { inherit config lib pkgs; };

  config = lib.mkMerge [
    {
      # listenInterface is short for an entry there.
      services.natpmp-server.listenInterfaces = lib.mkIf (cfg.listenInterface != null) {
        ${cfg.listenInterface} = { };
      };
    }
    (lib.mkIf cfg.enable {
      assertions = import ./assertions.nix {
        inherit
          arguments
          cfg
          config
          lans
          lib
          ;
      };

      systemd = {
        inherit (units) services sockets targets;
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
      };

      # May connect to the helper's socket; the frontends' passing users are in it.
      users.groups.natpmp = { };

      # natpmpctl and natpmp-client.
      environment.systemPackages = [ cfg.package ];

      system.checks = lib.mkIf (pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform) [ checked ];

      networking.firewall.interfaces = lib.mkIf cfg.openFirewall (
        lib.mapAttrs (_: _: { allowedUDPPorts = [ cfg.listenPort ]; }) lans
      );

      # Usually the kernel loads them when they are first asked for.
      boot.kernelModules = lib.mkIf config.security.lockKernelModules [
        "nf_conntrack_netlink"
        "nf_tables"
        "nft_chain_nat"
        "nft_ct"
        "nft_fib_ipv4"
        "nft_masq"
        "nft_nat"
        "nft_reject_ipv4"
      ];
    })
  ];
}
