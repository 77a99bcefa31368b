# Reads a unit file: { Unit = { After = [ "a" "b" ]; ... }; Service = ...; }. The module's units are made from the files in
# systemd/, so that each line of the sandbox is written once.
{ lib }:
file:
let
  # A line that ends in a backslash continues.
  joined = builtins.replaceStrings [ "\\\n" ] [ " " ] (builtins.readFile file);
  isText = line: line != "" && !lib.hasPrefix "#" line && !lib.hasPrefix ";" line;

  read =
    state: line:
    let
      header = builtins.match "\\[([A-Za-z]+)]" line;
      setting = builtins.match "([A-Za-z0-9]+)=(.*)" line;
      key = lib.head setting;
      section = state.sections.${state.current};
    in
    if header != null then
      {
        current = lib.head header;
        sections = { ${lib.head header} = { }; } // state.sections;
      }
    else
      assert lib.assertMsg (setting != null) "${toString file}: neither a section nor a setting: ${line}";
      state
      // {
        sections = state.sections // {
          ${state.current} = section // {
            ${key} = (section.${key} or [ ]) ++ [ (lib.last setting) ];
          };
        };
      };

  sections =
    (lib.foldl' read {
      current = null;
      sections = { };
    } (lib.filter isText (lib.splitString "\n" joined))).sections;

  # NixOS compares some settings with a string, so a single value is no list.
  plain = values: if lib.length values == 1 then lib.head values else values;
in
lib.mapAttrs (_: lib.mapAttrs (_: plain)) sections
