// Protobuf by hand: requests that no encoder writes.

/** A varint; `padding`: so many bytes more than it needs. */
export function varint(value: bigint | number, padding = 0): number[] {
  const octets: number[] = [];
  let rest = BigInt(value);
  do {
    octets.push(Number(rest & 0x7fn));
    rest >>= 7n;
  } while (rest > 0n);
  for (let more = 0; more < padding; more++) octets.push(0);
  return octets.map((octet, index) => (index < octets.length - 1 ? octet | 0x80 : octet));
}

/** A field that holds a number. */
export function number(field: number, value: bigint | number, padding = 0): number[] {
  return [...varint(field << 3), ...varint(value, padding)];
}

/** A field that holds a message. */
export function message(field: number, ...content: readonly (readonly number[])[]): number[] {
  const octets = content.flat();
  return [...varint((field << 3) | 2), ...varint(octets.length), ...octets];
}

export function bytesOf(...fields: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(fields.flat());
}
