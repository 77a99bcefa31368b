// Words of a command line to values; null if they have none. Pure.

import type { Protocol } from '../../proto/mapping.js';

/** Parse a decimal number from `from` to `to`. */
export function parseNumber(text: string, from: number, to: number): number | null {
  if (!/^[0-9]{1,10}$/.test(text)) return null;
  const number = Number(text);
  return number >= from && number <= to ? number : null;
}

export function parseProtocol(text: string): Protocol | null {
  const word = text.toLowerCase();
  return word === 'tcp' || word === 'udp' ? word : null;
}
