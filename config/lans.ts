// The LANs of --lan: from text, and whether a host is in one. Pure. The helper knows none.

import type { Ipv4, Lan } from '../proto/lease.js';
import { parseIpv4 } from '../proto/mapping.js';
import type { Complain } from './values.js';

export function parseLan(text: string): Lan | null {
  const [address, length, ...rest] = text.split('/');
  const routerAddress = parseIpv4(address ?? '');
  if (routerAddress === null || rest.length > 0 || !/^[0-9]{1,2}$/.test(length ?? '')) return null;
  const prefixLength = Number(length);
  return prefixLength >= 8 && prefixLength <= 32 ? { routerAddress, prefixLength } : null;
}

/**
 * Whether the address is that of a host of the LAN that may hold mappings: inside the prefix, and neither the router
 * nor, where the prefix has them (RFC 3021), the network's own and the broadcast address.
 */
export function isLanHost(lan: Lan, address: Ipv4): boolean {
  const hostBits = 32 - lan.prefixLength;
  const size = 2 ** hostBits;
  if (Math.floor(address / size) !== Math.floor(lan.routerAddress / size)) return false;
  if (address === lan.routerAddress) return false;
  return hostBits < 2 || (address % size !== 0 && address % size !== size - 1);
}

/** LANs from texts that may each hold several, separated by commas. Invalid ones are left out after a complaint. */
export function lansFrom(texts: readonly string[], complain: Complain): readonly Lan[] {
  return texts
    .flatMap((list) => list.split(','))
    .flatMap((text) => {
      const lan = parseLan(text.trim());
      if (lan === null)
        complain(`--lan ${text}: give the router's address with the length of the prefix, such as 192.168.1.1/24`);
      return lan ?? [];
    });
}
