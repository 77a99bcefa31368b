# The options. arguments.nix and units.nix turn them into flags and units.
{
  config,
  lib,
  pkgs,
}:
let
  inherit (lib) literalExpression mkOption types;
  cfg = config.services.natpmp-server;
  ports = import ./ports.nix { inherit lib; };
  interfaces = import ./interfaces.nix { inherit config lib; };

  interfaceName = types.strMatching interfaces.pattern // {
    description = "name of a network interface";
  };
  nftName = types.strMatching "[A-Za-z][A-Za-z0-9_.-]{0,30}" // {
    description = "name in nftables: up to 31 letters, digits, _, . and -, a letter first";
  };
  # 2^32-1 is how a client says "forever".
  seconds = types.ints.between 1 4294967294;
  portNumber = types.ints.between 1 65535;
  portRange = types.submodule {
    options = {
      from = mkOption {
        type = portNumber;
        example = 49152;
        description = "First port of the range.";
      };
      to = mkOption {
        type = portNumber;
        example = 65535;
        description = "Last port of the range.";
      };
    };
  };

  rule = {
    options = {
      action = mkOption {
        type = types.enum [
          "allow"
          "deny"
        ];
        example = "deny";
        description = "Whether the hosts may map ports.";
      };
      host = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "192.168.1.64/26";
        description = "The address of a host, or a prefix. Write this or mac.";
      };
      mac = mkOption {
        type = types.nullOr (types.strMatching "[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}");
        default = null;
        example = "02:00:00:00:00:07";
        description = "The hardware address of a host, as in the router's neighbour table: an identification, no proof.";
      };
      portRanges = mkOption {
        type = types.listOf portRange;
        default = [ ];
        example = [
          {
            from = 6881;
            to = 6999;
          }
        ];
        description = "For allow: the external ports they may map, of the allowed ones. Empty: all of these.";
      };
      maxMappings = mkOption {
        type = types.nullOr (types.ints.between 1 131070);
        default = null;
        example = 10;
        description = "For allow: most mappings of each of them, instead of maxMappingsPerClient.";
      };
      maxLifetime = mkOption {
        type = types.nullOr seconds;
        default = null;
        example = 3600;
        description = "For allow: longest lifetime granted to them, in seconds, instead of the gateway's maxLifetime.";
      };
    };
  };

  lan =
    { name, ... }:
    {
      options.listenAddresses = mkOption {
        type = types.listOf types.str;
        default = interfaces.addresses name;
        defaultText = lib.literalMD "those in `networking.interfaces`, `systemd.network.networks`, `networking.wireguard` and `networking.wg-quick`";
        example = [ "192.168.1.1/24" ];
        description = ''
          The router's own addresses on this interface, each with the prefix length of its LAN, as far as they are known. Every
          address that the interface has is served, and every host that is routed through it; these are those whose LAN may
          have public addresses, and on which the router's own services leave their ports to mappings.
        '';
      };
      options.metricsPort = mkOption {
        type = portNumber;
        default = cfg.metrics.port;
        defaultText = lib.literalMD "`metrics.port`";
        example = 9552;
        description = "The TCP port on 127.0.0.1 for the metrics of this LAN's frontend. Each LAN needs its own.";
      };
      options.upnpMetricsPort = mkOption {
        type = portNumber;
        default = cfg.listenInterfaces.${name}.metricsPort + 100;
        defaultText = lib.literalMD "`metricsPort` + 100";
        example = 9652;
        description = "The same for its natpmp-upnp, with upnp.enable.";
      };
    };

  # Ports that the firewall opens to the outside are served by the router, or forwarded already. NixOS allows port 0.
  openPorts = map (range: range // { from = if range.from < 1 then 1 else range.from; }) (
    lib.filter (range: range.to > 0) allOpenPorts
  );
  allOpenPorts =
    let
      inherit (config.networking) firewall nat;
      outside = firewall.interfaces.${toString cfg.externalInterface} or { };
      of =
        rules:
        map ports.single ((rules.allowedTCPPorts or [ ]) ++ (rules.allowedUDPPorts or [ ]))
        ++ (rules.allowedTCPPortRanges or [ ])
        ++ (rules.allowedUDPPortRanges or [ ]);
    in
    lib.optionals firewall.enable (of firewall ++ of outside)
    ++ lib.optionals nat.enable (lib.concatMap (one: ports.parse one.sourcePort) nat.forwardPorts);
in
{
  enable = lib.mkEnableOption "natpmp-server, a privilege-separated NAT-PMP (RFC 6886) gateway";

  package = lib.mkPackageOption pkgs "natpmp-server" { };

  externalInterface = mkOption {
    type = types.nullOr interfaceName;
    default = interfaces.external;
    defaultText = literalExpression "config.networking.nat.externalInterface";
    example = "wan0";
    description = "The interface that faces the internet. Clients get the address that outgoing traffic has there.";
  };

  externalAddress = mkOption {
    type = types.nullOr types.str;
    default = if config.networking.nat.enable then config.networking.nat.externalIP else null;
    defaultText = literalExpression "config.networking.nat.externalIP";
    example = "203.0.113.7";
    description = "Tell clients this address instead of the one that externalInterface has, for a router behind a 1:1 NAT.";
  };

  listenInterface = mkOption {
    type = types.nullOr interfaceName;
    default = null;
    defaultText = lib.literalMD "those of `networking.nat.internalInterfaces`, or `\"br-lan\"`";
    example = "lan0";
    description = ''
      The LAN interface; with listenInterfaces, the only LANs. Default: every interface in networking.nat.internalInterfaces
      (except wildcards), or if that is empty those with IPMasquerade in systemd.network.networks, or else br-lan. Write null
      if listenInterfaces names them all.
    '';
  };

  listenInterfaces = mkOption {
    type = types.attrsOf (types.submodule lan);
    default = { };
    example = literalExpression ''
      {
        br-guest = { };
        wg0.listenAddresses = [ "10.9.0.1/24" ];
      }
    '';
    description = "More LAN interfaces, by name, and settings of each. Each gets a frontend process of its own.";
  };

  listenPort = mkOption {
    type = types.ints.between 1 65534;
    default = 5351;
    example = 5351;
    description = "The UDP port. Clients use no other than 5351 (RFC 6886). The next one is used too, for devices over the rate limit.";
  };

  openFirewall = mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = ''
      Whether the firewall accepts UDP to listenPort on the LAN interfaces, and with filterOutput lets announcements out; with
      upnp.enable the same for UDP port 1900 and TCP to upnp.port. Nothing is opened towards the internet.
    '';
  };

  maxMappingsPerClient = mkOption {
    type = types.ints.between 1 131070;
    default = 100;
    example = 20;
    description = "Most mappings one LAN host may hold.";
  };

  maxMappings = mkOption {
    type = types.ints.between 1 131070;
    default = 129024;
    example = 4096;
    description = "Most mappings in all.";
  };

  allowedPortRanges = mkOption {
    type = types.listOf portRange;
    default = [
      {
        from = 1024;
        to = 65535;
      }
    ];
    example = [
      {
        from = 49152;
        to = 65535;
      }
    ];
    description = "External ports that clients may map.";
  };

  reservedPortRanges = mkOption {
    type = types.listOf portRange;
    default = openPorts;
    defaultText = lib.literalMD "what `networking.firewall` opens to the internet, and `networking.nat.forwardPorts`";
    example = [
      {
        from = 51820;
        to = 51820;
      }
    ];
    description = ''
      External ports that are never mapped although they are allowed, because the router serves them: a mapping
      would hide the service.
    '';
  };

  deniedPortRanges = mkOption {
    type = types.listOf portRange;
    default = [
      (ports.single 23)
      {
        from = 135;
        to = 139;
      }
      (ports.single 445)
      (ports.single 3389)
    ];
    defaultText = lib.literalMD "23, 135-139, 445 and 3389: telnet, Windows' RPC, NetBIOS, SMB and remote desktop";
    example = [ ];
    description = ''
      Ports of services that nobody should expose to the internet by accident. No mapping has one of them as its external or its
      internal port.
    '';
  };

  rules = mkOption {
    type = types.listOf (types.submodule rule);
    default = [ ];
    example = literalExpression ''
      [
        { action = "allow"; host = "192.168.1.50"; portRanges = [ { from = 6881; to = 6999; } ]; maxMappings = 10; }
        { action = "deny"; host = "192.168.1.64/26"; }
        { action = "deny"; mac = "02:00:00:00:00:07"; }
      ]
    '';
    description = ''
      What LAN hosts may map. Only the first rule that matches a host counts; defaultRule is for hosts that match none. Rules
      with host are of IPv4 alone: with pinholes.enable, what a host may open over IPv6 is a matter of those with mac, and of
      defaultRule.
    '';
  };

  defaultRule = mkOption {
    type = types.enum [
      "allow"
      "deny"
    ];
    default = "allow";
    example = "deny";
    description = "Whether hosts that match no rule may map ports, and with pinholes.enable open them over IPv6.";
  };

  requirePublicAddress = mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = ''
      Whether to answer "network failure" while the external address is not public: private, shared (carrier NAT) or
      reserved. A configured externalAddress is always trusted.
    '';
  };

  defaultLifetime = mkOption {
    type = seconds;
    default = if cfg.maxLifetime < 3600 then cfg.maxLifetime else 3600;
    defaultText = lib.literalMD "3600, or `maxLifetime` where that is less";
    example = 7200;
    description = "Seconds that are granted to clients that ask for \"forever\".";
  };

  maxLifetime = mkOption {
    type = seconds;
    default = 86400;
    example = 7200;
    description = "Longest lifetime, in seconds. Clients renew.";
  };

  natTable = mkOption {
    type = nftName;
    default = "nat";
    example = "natpmp";
    description = "The nftables table, of family inet, that holds the ruleset. Others may have something in it, too.";
  };

  natChain = mkOption {
    type = nftName;
    default = "NATPMP";
    example = "portmap";
    description = "The prerouting chain in that table. The names of its other chains and of its sets start with it: a second gateway on this router needs another.";
  };

  hairpin = mkOption {
    type = types.bool;
    default = true;
    example = false;
    description = "Whether LAN hosts reach mappings through the external address too.";
  };

  pinholes = {
    enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = ''
        Whether IPv6 hosts may open their own addresses and ports to the outside by PCP (RFC 6887), as clients do with NAT-PMP in
        IPv4. The same limits apply, and of the rules those by mac and defaultRule: rules by host are of IPv4 alone. NixOS' firewall then accepts what a pinhole lets in; it has to filter the rest, with
        networking.firewall.filterForward.
      '';
    };
    externalInterface = mkOption {
      type = types.nullOr interfaceName;
      default = cfg.externalInterface;
      defaultText = literalExpression "config.services.natpmp-server.externalInterface";
      example = "he-ipv6";
      description = "Where IPv6 connections from outside arrive: another interface than externalInterface if IPv6 comes through a tunnel.";
    };
  };

  upnp = {
    enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = ''
        Whether the router is a UPnP gateway too (Internet gateway device, version 1), for programs and consoles that do not speak
        NAT-PMP. Rules and limits are the same, and count for both together. Each LAN gets one more process without privileges,
        which answers searches (UDP 1900) and requests (TCP, upnp.port).
      '';
    };
    port = mkOption {
      type = portNumber;
      default = 2869;
      example = 5000;
      description = "The TCP port on each LAN. Devices are told which one it is.";
    };
  };

  stateDir = mkOption {
    type = types.str;
    default = "/var/lib/natpmp-server";
    example = "/var/lib/natpmp";
    description = ''
      The folder of the lease table. The helper's user exists only while it runs (DynamicUser), so systemd creates the folder in
      /var/lib/private, changes its owner at each start, and puts a link here. It must be below /var/lib, and on a disk that
      survives a reboot, or mappings do not.
    '';
  };

  metrics = {
    enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether to serve metrics for Prometheus on 127.0.0.1.";
    };
    port = mkOption {
      type = portNumber;
      default = 9551;
      example = 9551;
      description = "The TCP port of the metrics.";
    };
  };

  logLevel = mkOption {
    type = types.enum [
      "trace"
      "debug"
      "info"
      "warn"
      "error"
      "silent"
    ];
    default = "info";
    example = "debug";
    description = "Lowest level that the daemons log.";
  };

  jit = mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = ''
      Whether the daemons run with a JIT compiler, for large networks: two to three times as many changes a second. It costs
      memory, and a line of the sandbox: an attacker who can already write the memory of a daemon may run code of his own there.
    '';
  };

  extraFrontendFlags = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [
      "--log-level"
      "trace"
    ];
    description = "More flags of natpmp-frontend, after those that the other options make; of a flag that cannot be repeated the last counts.";
  };

  extraUpnpFlags = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [
      "--device-id"
      "router-1"
    ];
    description = "More flags of natpmp-upnp, after those that the other options make; of a flag that cannot be repeated the last counts.";
  };

  extraHelperFlags = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [
      "--admin-uid"
      "1000"
    ];
    description = "More flags of natpmp-helper, after those that the other options make; of a flag that cannot be repeated the last counts.";
  };
}
