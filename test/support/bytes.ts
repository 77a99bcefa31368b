// Wire bytes as spaced hex, so that a row shows its fields: '00 01 0000 1ae1 1ae1 00001c20'.

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}
