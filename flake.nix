{
  description = "A privilege-separated NAT-PMP (RFC 6886) gateway for Linux and nftables";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      # The platforms that zeromq brings a compiled addon for.
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forAllSystems = make: lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      own = pkgs: self.packages.${pkgs.stdenv.hostPlatform.system}.natpmp-server;
    in
    {
      packages = forAllSystems (pkgs: rec {
        natpmp-server = pkgs.callPackage ./nix/package.nix { };
        default = natpmp-server;
      });

      overlays.default = final: prev: {
        natpmp-server = final.callPackage ./nix/package.nix { };
      };

      nixosModules = rec {
        natpmp-server =
          { pkgs, lib, ... }:
          {
            imports = [ ./nix/module.nix ];
            # Without an overlay: the router's other packages stay as they are.
            services.natpmp-server.package = lib.mkDefault (own pkgs);
          };
        default = natpmp-server;
      };

      checks = forAllSystems (
        pkgs:
        import ./nix/checks.nix {
          inherit pkgs lib;
          package = own pkgs;
          module = self.nixosModules.default;
          nixosSystem = nixpkgs.lib.nixosSystem;
        }
      );

      devShells = forAllSystems (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.nodejs
            # What the tests drive.
            pkgs.conntrack-tools
            pkgs.iptables
            pkgs.iproute2
            pkgs.libnatpmp
            pkgs.nftables
            pkgs.util-linux
          ];
        };
      });

      formatter = forAllSystems (pkgs: pkgs.nixfmt-tree);
    };
}
