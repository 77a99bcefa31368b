# Ranges of ports: { from, to }.
{ lib }:
rec {
  single = port: {
    from = port;
    to = port;
  };

  # What NixOS calls a port in networking.nat.forwardPorts: a number, "80", "80:90" or "80-90".
  parse =
    port:
    let
      parts = builtins.match "([0-9]+)([:-]([0-9]+))?" (toString port);
      from = lib.toInt (lib.head parts);
      to = lib.last parts;
    in
    lib.optional (parts != null) {
      inherit from;
      to = if to == null then from else lib.toInt to;
    };

  # The ranges without those.
  without = lib.foldl' (
    left: hole:
    lib.concatMap (
      one:
      if hole.to < one.from || hole.from > one.to then
        [ one ]
      else
        lib.filter (part: part.from <= part.to) [
          {
            inherit (one) from;
            to = hole.from - 1;
          }
          {
            from = hole.to + 1;
            inherit (one) to;
          }
        ]
    ) left
  );

  show = range: "${toString range.from}-${toString range.to}";
}
