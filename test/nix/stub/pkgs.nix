# A few derivations in place of all of nixpkgs. None is ever built; nothing in them is real but the names, and the version of
# Node, which decides on its flags.
{
  lib,
  system,
  nodeVersion ? "24.0.0",
}:
let
  derive = name: attributes:
    let
      made = builtins.derivation { inherit name system; builder = "/bin/sh"; args = [ "-c" "exit 1" ]; inherit (attributes) outputs; };
    in
    made
    # As nixpkgs marks them, so that lib.getBin leaves an output that was asked for alone.
    // lib.genAttrs attributes.outputs (output: made.${output} // { outputSpecified = true; })
    // {
      inherit name;
      meta.mainProgram = name;
    }
    // removeAttrs attributes [ "outputs" ];
  plain = name: derive name { outputs = [ "out" ]; };

  platform = { inherit system; canExecute = _: true; };
  names = [
    "autoPatchelfHook" "conntrack-tools" "coreutils" "findutils" "gawk" "gnugrep" "gnused" "installShellFiles" "iproute2" "libnatpmp" "makeBinaryWrapper"
    "nftables" "nixfmt-tree" "systemd" "util-linux"
  ];

  pkgs = lib.genAttrs names plain // {
    _type = "pkgs";
    inherit lib;
    nodejs = plain "nodejs" // { meta.mainProgram = "node"; };
    nodejs-slim = plain "nodejs-slim" // { version = nodeVersion; meta.mainProgram = "node"; };
    stdenv = { hostPlatform = platform; buildPlatform = platform; cc = { cc = plain "gcc"; libc = plain "glibc"; }; };
    runtimeShell = "/bin/sh";

    callPackage = file: overrides:
      let make = import file; in make (builtins.intersectAttrs (builtins.functionArgs make) pkgs // overrides);
    # The package's own text stays readable: the tests run its install step.
    buildNpmPackage = arguments: derive "${arguments.pname}-${arguments.version}" {
      outputs = arguments.outputs or [ "out" ];
      inherit (arguments) meta;
      inherit arguments;
    };
    importNpmLock = {
      __functor = _: arguments: plain "npm-deps" // { inherit arguments; };
      npmConfigHook = plain "npm-config-hook";
    };
    mkShell = arguments: plain "shell" // { inherit arguments; };
    runCommand = name: environment: script: plain name // { inherit environment script; };
    writeText = name: text: plain name // { inherit text; };
    closureInfo = { rootPaths }: plain "closure-info" // { inherit rootPaths; };
    testers.runNixOSTest = test: plain "vm-test-run-${test.name}" // { inherit test; };
  };
in
pkgs
