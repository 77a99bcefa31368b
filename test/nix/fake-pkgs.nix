# Packages for a tree that has the modules of NixOS but no packages: each name is a derivation in name only. Enough to
# evaluate the text of units; nothing of it is ever built.
{
  lib,
  system,
  names,
}:
let
  drv =
    name:
    lib.fix (self: {
      type = "derivation";
      inherit name system;
      pname = name;
      version = "0";
      outPath = "/nix/store/00000000000000000000000000000000-${name}";
      drvPath = "/nix/store/00000000000000000000000000000000-${name}.drv";
      outputName = "out";
      outputs = [ "out" ];
      meta.mainProgram = name;
      passthru = { };
      all = [ self ];
    }
    // lib.genAttrs [ "out" "bin" "lib" "dev" "man" "doc" "data" "info" ] (_: self)
    // lib.genAttrs [ "override" "overrideAttrs" "overrideDerivation" ] (_: _: self));
  # As in Nix, another text is another path: that is how a change of it is seen.
  withText = name: text: drv name // {
    inherit text;
    outPath = "/nix/store/${builtins.substring 0 32 (builtins.hashString "sha256" (builtins.unsafeDiscardStringContext text))}-${name}";
  };
  platform = lib.systems.elaborate system // { canExecute = _: true; };

  kernel = drv "linux" // {
    version = "6.12";
    modDirVersion = "6.12.0";
    kernelAtLeast = _: true;
    kernelOlder = _: false;
    features = { };
    config = lib.genAttrs [ "isYes" "isSet" "isEnabled" "isModule" ] (_: _: true) // { isDisabled = _: false; };
    commonStructuredConfig = { };
  };
  linuxPackages = lib.genAttrs names drv // { inherit kernel; extend = _: linuxPackages; };
  # As pkgs.formats: a type for the settings, and a file made of them.
  format = _: {
    type = lib.types.attrsOf lib.types.anything;
    generate = name: _: drv name;
    lib.types = { };
  };
  formats = lib.genAttrs [
    "cdn" "elixirConf" "gitIni" "hocon" "ini" "iniWithGlobalSection" "javaProperties" "json" "keyValue" "libconfig" "lua" "nixConf"
    "php" "pythonVars" "toml" "xml" "yaml"
  ] (_: format) // { systemd = format { }; };

  # Looked up by strings, so not found among the names that are mentioned.
  byString = [ "nano" "perl" "rsync" "strace" ];

  pkgs = lib.genAttrs (names ++ byString) drv // {
    _type = "pkgs";
    inherit formats lib linuxPackages system;
    __splicedPackages = pkgs;
    path = "/nixpkgs";
    config = { };
    overlays = [ ];
    appendOverlays = _: pkgs;
    extend = _: pkgs;
    stdenv = platform // {
      hostPlatform = platform;
      buildPlatform = platform;
      targetPlatform = platform;
      cc = drv "cc" // { libc = drv "glibc"; cc = drv "gcc"; bintools = drv "binutils" // { dynamicLinker = "/lib/ld.so"; }; };
      mkDerivation = arguments: drv (arguments.name or arguments.pname or "derivation");
      shell = "/bin/sh";
    };
    hostPlatform = platform;
    targetPlatform = platform;
    shell = "/bin/sh";
    runtimeShell = "/bin/sh";
    callPackage = _: _: drv "called";
    callPackages = _: _: { };
    newScope = _: _: _: drv "called";
    nixosTests = { };
    systemd = drv "systemd" // systemdFeatures // {
      kbd = drv "kbd";
      util-linux = drv "util-linux";
      kmod = drv "kmod";
      interfaceVersion = 2;
    };
    linuxPackages_latest = linuxPackages;
    linuxPackagesFor = _: linuxPackages;
    linuxKernel = { packages = { }; kernels = { }; };
    makeSetupHook = _: _: drv "hook";
    replaceVars = path: _: drv (baseNameOf path);
  }
  // lib.genAttrs [
    "buildPackages" "pkgsBuildBuild" "pkgsHostTarget" "pkgsMusl" "pkgsStatic" "pkgsi686Linux" "targetPackages"
  ] (_: pkgs)
  // lib.genAttrs [ "gnome" "haskellPackages" "kdePackages" "nodePackages" "perlPackages" "python3Packages" "xorg" ] (_: lib.genAttrs names drv)
  // lib.genAttrs [ "writeText" "writeScript" "writeShellScript" "writeScriptBin" "writeShellScriptBin" ] (_: withText)
  // lib.genAttrs [ "writeTextFile" "writeShellApplication" ] (_: arguments: withText arguments.name (arguments.text or ""))
  // lib.genAttrs [ "runCommand" "runCommandLocal" "runCommandCC" ] (_: name: _: script: drv name // { inherit script; })
  // lib.genAttrs [ "buildEnv" "fetchurl" "substituteAll" "symlinkJoin" ] (_: arguments: drv (arguments.name or "joined"))
  // lib.genAttrs [ "concatText" "linkFarm" ] (_: name: _: drv name)
  // { writeTextDir = path: withText (baseNameOf path); };
  systemdFeatures = lib.genAttrs [
    "withAnalyze" "withBacktrace" "withBootloader" "withCompression" "withCoredump" "withCryptsetup" "withEfi" "withFido2"
    "withHomed" "withHostnamed" "withImportd" "withKmod" "withLibBPF" "withLocaled" "withLogind" "withMachined" "withNetworkd"
    "withNspawn" "withNss" "withOomd" "withPasswordQuality" "withPortabled" "withRemote" "withRepart" "withResolved"
    "withSysupdate" "withSysusers" "withTimedated" "withTimesyncd" "withTpm2Tss" "withUkify" "withUserDb" "withUtmp" "withVmspawn"
  ] (_: true);
in
pkgs
