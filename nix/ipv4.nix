# "192.168.1.1/24" taken apart; null where it is not that.
{ lib }:
let
  power = exponent: lib.foldl' (product: _: product * 2) 1 (builtins.genList (one: one) exponent);
  number = text: if builtins.match "0|[1-9][0-9]{0,2}" text == null then 999 else lib.toInt text;
  text = value: lib.concatMapStringsSep "." (unit: toString (value / unit - value / unit / 256 * 256)) [
    16777216
    65536
    256
    1
  ];
in
{
  parse =
    lan:
    let
      parts = builtins.match "([0-9]+)[.]([0-9]+)[.]([0-9]+)[.]([0-9]+)/([0-9]+)" lan;
      bytes = map number (lib.init parts);
      length = number (lib.last parts);
      size = power (32 - length);
      value = lib.foldl' (sum: byte: sum * 256 + byte) 0 bytes;
      first = value / size * size;
    in
    # The daemons take lengths from 8 to 32.
    if parts == null || lib.any (byte: byte > 255) bytes || length < 8 || length > 32 then
      null
    else
      {
        address = text value;
        network = "${text first}/${toString length}";
        inherit first;
        last = first + size - 1;
        # Not the network or broadcast address, nor one that no interface can have.
        isHost =
          (length > 30 || (value != first && value != first + size - 1))
          && !lib.elem (lib.head bytes) [
            0
            127
          ]
          && lib.head bytes < 224;
      };
}
