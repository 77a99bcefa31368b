# The module system in short: imports, nested options, mkIf and mkMerge pushed down to the options, priorities, types.
{ lib }:
let
  inherit (builtins) attrNames concatMap filter foldl' functionArgs head intersectAttrs isAttrs isFunction length listToAttrs map tail;
  inherit (lib) showOption;
  kind = value: if isAttrs value then value._type or "" else "";

  # A module, whatever its form, as a list: itself without imports, then what it imports.
  flatten = arguments: module:
    let
      read = if builtins.isPath module || builtins.isString module then import module else module;
      value = if isFunction read then read (intersectAttrs (functionArgs read) arguments) else read;
      long = value ? config || value ? options;
      settings = if long then value.config or { } else removeAttrs value [ "imports" ];
    in
    concatMap (flatten arguments) (value.imports or [ ]) ++ [ { options = value.options or { }; config = settings; } ];

  mergeOptions = foldl' (one: other:
    one // builtins.mapAttrs (name: value:
      if one ? ${name} && !lib.isOption value then mergeOptions [ one.${name} value ] else value) other) { };

  # Conditions move inwards, so that the names are known before any condition is.
  pushDown = value:
    if kind value == "merge" then concatMap pushDown value.contents
    else if kind value == "if" then map (builtins.mapAttrs (_: lib.mkIf value.condition)) (pushDown value.content)
    else [ value ];

  evalTree = path: options: settings:
    let
      pushed = concatMap pushDown settings;
      unknown = filter (name: !options ? ${name}) (concatMap attrNames pushed);
      under = name: concatMap (set: if set ? ${name} then [ set.${name} ] else [ ]) pushed;
    in
    if unknown != [ ] then throw "The option `${showOption (path ++ [ (head unknown) ])}' does not exist."
    else builtins.mapAttrs (name: option:
      if lib.isOption option then evalOption (path ++ [ name ]) option (under name)
      else evalTree (path ++ [ name ]) option (under name)) options;

  evalOption = path: option: definitions:
    let merged = lib.mergeDefinitions path option.type
      (definitions ++ (if option ? default then [ (lib.mkOverride 1500 option.default) ] else [ ]));
    in
    if merged == [ ] then throw "The option `${showOption path}' was accessed but has no value defined. Try setting the option."
    else (option.apply or (value: value)) (head merged);

  # The options as modules see them: with the priority of the definition that counts.
  withPriorities = options: settings:
    let pushed = concatMap pushDown settings; in
    builtins.mapAttrs (name: option:
      let under = concatMap (set: if set ? ${name} then [ set.${name} ] else [ ]) pushed; in
      if lib.isOption option then option // { highestPrio = least (concatMap (discharge 100) under ++ [ { priority = 1500; } ]); }
      else withPriorities option under) options;
  least = foldl' (least: one: if one.priority < least then one.priority else least) 9999;

  # Conditions decided, priorities known.
  discharge = priority: value:
    if kind value == "merge" then concatMap (discharge priority) value.contents
    else if kind value == "if" then (if value.condition then discharge priority value.content else [ ])
    # Not looked into: a default that is overridden need not exist.
    else if kind value == "override" then [ { inherit (value) priority; value = value.content; } ]
    else if kind value == "order" then discharge priority value.content
    else [ { inherit priority value; } ];
in
{
  isOption = value: kind value == "option";
  showOption = builtins.concatStringsSep ".";

  mkOption = settings: { _type = "option"; type = lib.types.anything; } // settings;
  mkEnableOption = what: lib.mkOption { type = lib.types.bool; default = false; example = true; description = "Whether to enable ${what}."; };
  mkPackageOption = pkgs: name: _: lib.mkOption { type = lib.types.package; default = pkgs.${name}; defaultText = lib.literalExpression "pkgs.${name}"; example = lib.literalExpression "pkgs.${name}"; description = "The ${name} package to use."; };
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkOptionDefault = lib.mkOverride 1500;
  mkDefault = lib.mkOverride 1000;
  mkForce = lib.mkOverride 50;
  mkBefore = content: { _type = "order"; inherit content; };
  mkAfter = content: { _type = "order"; inherit content; };

  # The value, in a list; empty where nothing is defined.
  mergeDefinitions = path: type: definitions:
    let
      discharged = concatMap (discharge 100) definitions;
      best = least discharged;
      values = map (one: one.value) (filter (one: one.priority == best) discharged);
      wrong = filter (value: !type.check value) values;
    in
    if values == [ ] then [ ]
    else if wrong != [ ] then throw "A definition for option `${showOption path}' is not of type `${type.description}'."
    else [ (type.merge path values) ];

  evalModules = { modules, specialArgs ? { }, prefix ? [ ] }:
    let
      arguments = { inherit lib; options = withPriorities options settings; inherit (result) config; } // specialArgs;
      flat = concatMap (flatten arguments) modules;
      options = mergeOptions (map (module: module.options) flat);
      settings = map (module: module.config) flat;
      result = { inherit options; config = evalTree prefix options settings; };
    in
    result;

  optionAttrSetToDocList = options:
    let
      walk = path: set: concatMap (name:
        let
          option = set.${name};
          here = path ++ [ name ];
        in
        if !lib.isOption option then walk here option
        else [ {
          name = showOption here;
          type = option.type.description;
          description = option.description or null;
          default = option.defaultText or option.default or null;
          example = option.example or null;
        } ] ++ walk (here ++ option.type.subPath or [ ]) ((option.type.getSubOptions or (_: { })) here)) (attrNames set);
    in
    walk [ ] options;
}
