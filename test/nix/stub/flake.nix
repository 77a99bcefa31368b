{
  description = "A stand-in for nixpkgs, to evaluate this project's flake without a network";
  outputs = _: rec {
    lib = import ./lib // {
      nixosSystem = { modules, system ? "x86_64-linux" }: import ./nixos/lib/eval-config.nix { inherit modules; };
    };
    legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (system: import ./pkgs.nix { inherit lib system; });
  };
}
