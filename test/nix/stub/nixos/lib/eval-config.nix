# A stand-in for NixOS: the options that the module reads and sets, and the unit text as NixOS writes it.
{ lib ? import ../../lib, modules, pkgs ? import ../../pkgs.nix { inherit lib; system = "x86_64-linux"; }, system ? null, ... }:
lib.evalModules {
  modules = modules ++ [ ../options.nix ../units.nix ];
  specialArgs = { inherit pkgs; utils = import ./utils.nix { inherit lib; }; };
}
