# The types of options that the module and the stand-in for NixOS use.
{ lib }:
let
  inherit (builtins) all concatLists concatMap elem head isAttrs isBool isInt isList isString map match;
  inherit (lib) mergeDefinitions showOption;

  one = path: values:
    if all (value: value == head values) values then head values
    else throw "The option `${showOption path}' has conflicting definition values.";
  simple = description: check: { inherit description check; merge = one; };

  types = rec {
    bool = simple "boolean" isBool;
    int = simple "signed integer" isInt;
    str = simple "string" isString;
    nonEmptyStr = simple "non-empty string" (value: isString value && value != "");
    path = simple "absolute path" (value: builtins.isPath value || isString value && lib.hasPrefix "/" value || value ? outPath);
    package = simple "package" (value: isAttrs value && value ? outPath);
    raw = simple "raw value" (_: true);
    lines = simple "strings concatenated with \"\\n\"" isString // { merge = _: lib.concatStringsSep "\n"; };
    # Lists add up, sets are merged, other values have to agree.
    anything = simple "anything" (_: true) // {
      merge = path: values:
        if all isList values then concatLists values
        else if all isAttrs values then (attrsOf anything).merge path values
        else one path values;
    };
    ints = {
      between = least: most: simple "integer between ${toString least} and ${toString most} (both inclusive)"
        (value: isInt value && value >= least && value <= most);
      positive = simple "positive integer, meaning >0" (value: isInt value && value > 0);
      unsigned = simple "unsigned integer, meaning >=0" (value: isInt value && value >= 0);
    };
    port = ints.between 0 65535 // { description = "16 bit unsigned integer; between 0 and 65535 (both inclusive)"; };
    enum = values: simple "one of ${lib.concatMapStringsSep ", " (value: "\"${value}\"") values}" (value: elem value values);
    strMatching = pattern: simple "string matching the pattern ${pattern}" (value: isString value && match pattern value != null);
    addCheck = type: check: type // { check = value: type.check value && check value; };

    nullOr = type: {
      description = "null or ${type.description}";
      check = value: value == null || type.check value;
      merge = path: values: if elem null values then one path values else type.merge path values;
      getSubOptions = type.getSubOptions or (_: { });
    };
    either = a: b: {
      description = "${a.description} or ${b.description}";
      check = value: a.check value || b.check value;
      merge = path: values: if all a.check values then a.merge path values else b.merge path values;
    };
    listOf = type: {
      description = "list of ${type.description}";
      check = isList;
      merge = path: values: concatMap (value: mergeDefinitions path type [ value ]) (concatLists values);
      getSubOptions = type.getSubOptions or (_: { });
      subPath = [ "*" ];
    };
    nonEmptyListOf = type: addCheck (listOf type) (value: value != [ ]) // { description = "non-empty list of ${type.description}"; };
    attrsOf = type: {
      description = "attribute set of ${type.description}";
      check = isAttrs;
      merge = path: values:
        let
          under = name: mergeDefinitions (path ++ [ name ]) type (concatMap (set: lib.optional (set ? ${name}) set.${name}) values);
          names = lib.unique (concatMap lib.attrNames values);
        in
        lib.listToAttrs (concatMap (name: map (lib.nameValuePair name) (under name)) names);
      getSubOptions = type.getSubOptions or (_: { });
      subPath = [ "<name>" ];
    };
    attrs = attrsOf anything;
    submodule = module: {
      description = "submodule";
      check = value: isAttrs value || lib.isFunction value;
      merge = path: values: (lib.evalModules {
        modules = [ module ] ++ map (value: if lib.isFunction value then value else { config = value; }) values;
        specialArgs.name = lib.last path;
        prefix = path;
      }).config;
      getSubOptions = path: (lib.evalModules { modules = [ module ]; specialArgs.name = lib.last path; }).options;
    };
  };
in
types
