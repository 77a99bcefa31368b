# The package. Five outputs:
#   out       natpmp-server, natpmpctl, natpmp-client, man pages, shell completions; links to the rest
#   frontend  natpmp-frontend: no code of the helper and no nft in its closure
#   upnp      natpmp-upnp: the same, and no code of the frontend
#   helper    natpmp-helper: no launcher and no nft either, since it speaks netlink itself
#   modules   the npm packages that all daemons load; others are in the outputs of those that load them
{
  lib,
  stdenv,
  buildNpmPackage,
  importNpmLock,
  nodejs,
  nodejs-slim,
  makeBinaryWrapper,
  autoPatchelfHook,
  installShellFiles,
  iproute2,
  nftables,
  util-linux,
}:
let
  package = lib.importJSON ../package.json;
  # cli/server/node-flags.ts says why. Here the version of Node is known.
  nodeFlags = lib.importJSON ../cli/server/node-flags.json;
  withoutJit =
    nodeFlags.withoutJit
    ++ lib.optionals (lib.versionOlder nodejs-slim.version (toString nodeFlags.quiet.before)) nodeFlags.quiet.flags;
  hardened = withoutJit ++ nodeFlags.small ++ nodeFlags.strict;
  npmDeps = importNpmLock {
    npmRoot = ../.;
    inherit package;
    packageLock = import ./lock.nix {
      inherit lib;
      platform = stdenv.hostPlatform;
    } ../package-lock.json;
  };
in
buildNpmPackage {
  pname = package.name;
  inherit (package) version;

  src = lib.cleanSourceWith {
    name = "natpmp-server-source";
    src = lib.cleanSource ../.;
    # Only files that the build reads, so that a changed test or page causes no rebuild.
    filter =
      path: _type:
      let
        relative = lib.removePrefix "${toString ../.}/" (toString path);
        top = lib.head (lib.splitString "/" relative);
      in
      lib.elem top [
        "caller"
        "cli"
        "completions"
        "config"
        "frontend"
        "helper"
        "man"
        "package-lock.json"
        "package.json"
        "process"
        "proto"
        "scripts"
        "tsconfig.base.json"
        "upnp"
      ]
      || relative == "nix"
      || relative == "nix/install.mjs";
  };

  outputs = [
    "out"
    "frontend"
    "upnp"
    "helper"
    "modules"
  ];

  inherit npmDeps;
  npmConfigHook = importNpmLock.npmConfigHook;
  # The install scripts would compile or fetch addons; both npm packages that have one contain it compiled.
  npmFlags = [ "--ignore-scripts" ];
  npmRebuildFlags = [ "--ignore-scripts" ];

  nativeBuildInputs = [
    autoPatchelfHook
    installShellFiles
    makeBinaryWrapper
  ];
  # The addons want libstdc++ and libgcc_s.
  buildInputs = [ (lib.getLib stdenv.cc.cc) ];

  # Without the tests, which are a project of their own.
  buildPhase = ''
    runHook preBuild
    npx tsc -b cli/web upnp helper
    node scripts/finish-build.mjs
    runHook postBuild
  '';

  installPhase = ''
    runHook preInstall
    node nix/install.mjs $out $frontend $upnp $helper $modules

    for role in frontend upnp helper; do
      makeWrapper ${lib.getExe nodejs-slim} ''${!role}/bin/natpmp-$role \
        --add-flags "${toString hardened} ''${!role}/lib/natpmp-server/dist/$role/main.js"
      # For the option jit.
      makeWrapper ${lib.getExe nodejs-slim} ''${!role}/bin/natpmp-$role-jit \
        --add-flags "${toString nodeFlags.strict} ''${!role}/lib/natpmp-server/dist/$role/main.js"
      mkdir -p $out/bin
      ln -s ''${!role}/bin/natpmp-$role $out/bin/natpmp-$role
    done
    # Only for the units, whose memory is never both writable and executable.
    makeWrapper ${lib.getExe nodejs-slim} $out/bin/natpmp-forwarded-ports \
      --add-flags "${toString withoutJit} $out/lib/natpmp-server/dist/cli/print-reserved-ports.js"
    makeWrapper ${lib.getExe nodejs-slim} $out/bin/natpmp-install-ruleset \
      --add-flags "${toString withoutJit} $out/lib/natpmp-server/dist/cli/install-ruleset.js"
    for program in natpmp-server natpmpctl natpmp-client; do
      makeWrapper ${lib.getExe nodejs-slim} $out/bin/$program \
        --add-flags $out/lib/natpmp-server/dist/cli/$program.js \
        --prefix PATH : ${
          lib.makeBinPath [
            nftables
            util-linux
            iproute2
          ]
        }
    done

    for page in man/*.[1-8]; do
      if [ -e "$page" ]; then installManPage "$page"; fi
    done
    for program in natpmp-server natpmpctl natpmp-client; do
      for shell in bash zsh fish; do
        for file in completions/$program.$shell completions/$shell/$program completions/$shell/_$program; do
          if [ -e "$file" ]; then installShellCompletion --cmd $program --$shell "$file"; fi
        done
      done
    done
    runHook postInstall
  '';

  # The build inputs: node with npm, and the fetched packages. install.mjs ensures that no file refers to the store; this is for
  # the wrappers and for nixpkgs' steps after the install.
  disallowedReferences = [
    nodejs
    npmDeps
  ];
  # Programs are started through the wrappers; a patched first line would add npm to every closure. For node_modules this
  # it is too late: the hook that fills it has patched them, so install.mjs takes no script from there.
  dontPatchShebangs = true;
  # The addons come stripped, and there is nothing else to strip.
  dontStrip = true;

  doInstallCheck = stdenv.buildPlatform.canExecute stdenv.hostPlatform;
  installCheckPhase = ''
    runHook preInstallCheck
    for jit in "" -jit; do
      $frontend/bin/natpmp-frontend$jit --check --external-interface wan0 --lan 192.168.1.1/24
      $upnp/bin/natpmp-upnp$jit --check --external-interface wan0 --listen-interface br-lan
      $helper/bin/natpmp-helper$jit --check --lan 192.168.1.1/24 --boot-id check
    done
    $out/bin/natpmp-install-ruleset --print --external-interface wan0 --listen-interface br-lan >/dev/null
    $out/bin/natpmp-server --help >/dev/null
    runHook postInstallCheck
  '';

  meta = {
    inherit (package) description;
    longDescription = ''
      Programs on the LAN ask it for a port on the public address (RFC 6886), and it opens exactly that port for exactly
      that long. The process that parses their requests has no privilege; the one that may change nftables can do no more
      than add and remove elements of three sets.
    '';
    license = lib.licenses.mit;
    mainProgram = "natpmp-server";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
    maintainers = [ ];
  };
}
