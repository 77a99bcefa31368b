# A stand-in for nixpkgs' lib: the functions this project's Nix files use, and no others. A name that is missing here
# fails the evaluation, so what is used stays known. The real ones are meant where NATPMP_NIXPKGS is set.
let
  inherit (builtins)
    attrNames concatMap concatStringsSep elem elemAt filter foldl' fromJSON head isAttrs isList isString length listToAttrs map
    readFile replaceStrings sort split stringLength substring;

  lib = rec {
    inherit (builtins)
      all any attrNames attrValues concatLists concatMap concatStringsSep elem filter foldl' head isAttrs isBool isFunction isList
      isString length listToAttrs map mapAttrs replaceStrings sort tail toJSON;

    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: list: if condition then list else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    optionalString = condition: text: if condition then text else "";
    last = list: elemAt list (length list - 1);
    init = list: builtins.genList (elemAt list) (length list - 1);
    unique = foldl' (seen: one: if elem one seen then seen else seen ++ [ one ]) [ ];
    remove = one: filter (other: other != one);
    take = count: list: builtins.genList (elemAt list) (if count < length list then count else length list);
    subtractLists = without: filter (one: !elem one without);
    flatten = value: if isList value then concatMap flatten value else [ value ];

    nameValuePair = name: value: { inherit name value; };
    genAttrs = names: make: listToAttrs (map (name: nameValuePair name (make name)) names);
    mapAttrs' = make: set: listToAttrs (map (name: make name set.${name}) (attrNames set));
    mapAttrsToList = make: set: map (name: make name set.${name}) (attrNames set);
    concatMapAttrs = make: set: foldl' (a: b: a // b) { } (mapAttrsToList make set);
    filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
    attrByPath = path: preset: set:
      if path == [ ] then set
      else if isAttrs set && set ? ${head path} then attrByPath (builtins.tail path) preset set.${head path}
      else preset;

    concatStrings = concatStringsSep "";
    concatMapStrings = concatMapStringsSep "";
    concatMapStringsSep = separator: make: list: concatStringsSep separator (map make list);
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    hasSuffix = suffix: text:
      stringLength text >= stringLength suffix && substring (stringLength text - stringLength suffix) (-1) text == suffix;
    hasInfix = infix: text: length (splitString infix text) > 1;
    removePrefix = prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
    removeSuffix = suffix: text: if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
    splitString = separator: text: filter isString (split (escapeRegex separator) text);
    escapeRegex = text: let special = [ "\\" "[" "]" "{" "}" "(" ")" "^" "$" "?" "*" "+" "|" "." ]; in
      replaceStrings special (map (one: "\\${one}") special) text;
    escapeShellArg = text:
      if builtins.match "[[:alnum:],._+:@%/-]+" (toString text) != null then toString text
      else "'${replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";
    escapeShellArgs = concatMapStringsSep " " escapeShellArg;
    toInt = text: fromJSON text;
    boolToString = value: if value then "true" else "false";
    versionOlder = one: other: builtins.compareVersions one other < 0;
    importJSON = file: fromJSON (readFile file);

    assertMsg = condition: message: if condition then true else builtins.throw message;

    getExe = package: "${package}/bin/${package.meta.mainProgram or package.name}";
    getExe' = package: name: "${package}/bin/${name}";
    getOutput = output: package: package.${output} or package.out or package;
    getLib = getOutput "lib";
    makeBinPath = concatMapStringsSep ":" (package: "${package}/bin");
    cleanSource = source: source;
    cleanSourceWith = { src, filter ? (_: _: true), name ? "source" }: builtins.path { path = src; inherit filter name; };
    licenses.mit = { spdxId = "MIT"; };

    literalExpression = text: { _type = "literalExpression"; inherit text; };
    literalMD = text: { _type = "literalMD"; inherit text; };

    inherit (import ./modules.nix { inherit lib; })
      evalModules mkOption mkEnableOption mkPackageOption mkIf mkMerge mkOverride mkOptionDefault mkDefault mkForce mkBefore mkAfter isOption
      mergeDefinitions showOption optionAttrSetToDocList;
    types = import ./types.nix { inherit lib; };

    nixosSystem = arguments: import ../nixos/lib/eval-config.nix ({ inherit lib; } // arguments);
  };
in
lib
