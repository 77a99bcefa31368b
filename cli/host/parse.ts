// Words of a command line to values; null if they have none. Pure.

import { parseIpv6 } from '../../proto/ipv6.js';
import type { Ipv6, Protocol } from '../../proto/mapping.js';

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

/** An IPv6 address with its interface, "fe80::1%eth0" (RFC 4007 §11), in two; null if it is none. */
export function parseScoped(text: string): { readonly address: Ipv6; readonly interfaceName: string } | null {
  // Not isIPv6 of node:net, to which an interface with "_" in its name is none.
  const [, before = '', interfaceName = ''] = /^([^%]+)%([!-~]+)$/.exec(text) ?? [];
  const address = parseIpv6(before);
  return address === null ? null : { address, interfaceName };
}
