# The conntrack label of a gateway's connections, by the name of its prerouting chain: as labelOf in
# cli/host/ruleset-text.ts.
let
  inherit (builtins)
    bitAnd
    bitXor
    foldl'
    genList
    listToAttrs
    stringLength
    substring
    ;
  split = text: genList (at: substring at 1 text) (stringLength text);
  # The printable characters of ASCII begin at 32.
  characters = split " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
  codes = listToAttrs (
    genList (index: {
      name = builtins.elemAt characters index;
      value = index + 32;
    }) (builtins.length characters)
  );
  # CRC-32 as zlib has it: reflected, polynomial 0xedb88320.
  shift = sum: if bitAnd sum 1 == 1 then bitXor (sum / 2) 3988292384 else sum / 2;
  addByte = sum: byte: foldl' (rest: _: shift rest) (bitXor sum byte) (genList (bit: bit) 8);
  crc32 = text: bitXor 4294967295 (foldl' addByte 4294967295 (map (one: codes.${one}) (split text)));
in
chain:
let
  sum = crc32 chain;
  bit = 64 + (sum - sum / 63 * 63);
in
if chain == "NATPMP" then
  113
else if bit < 113 then
  bit
else
  bit + 1
