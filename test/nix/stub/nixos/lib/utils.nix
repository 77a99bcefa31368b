{ lib }:
{
  # Enough for names of interfaces.
  escapeSystemdPath = lib.replaceStrings [ "-" "@" ] [ "\\x2d" "\\x40" ];
  escapeSystemdExecArgs = lib.concatMapStringsSep " " (word: lib.replaceStrings [ "%" "$" ] [ "%%" "$$" ] (lib.toJSON word));
}
