// Wire bytes as spaced hex, so that a row shows its fields: '00 01 0000 1ae1 1ae1 00001c20'.

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}

/** Numbers of 32 bits, big endian, as hex. */
export function hexOfWords(words: readonly number[]): string {
  return words.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}
