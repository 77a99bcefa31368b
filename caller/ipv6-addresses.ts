// Kinds of IPv6 addresses. Pure.

import type { Ipv6 } from '../proto/mapping.js';

/** fe80::/10 (RFC 4291 §2.5.6): an address of one link. */
export function isLinkLocal(address: Ipv6): boolean {
  return address >= 'fe8' && address < 'fec';
}

/** 2000::/3 (RFC 4291 §2.4): all that are given out, so no address of a private network (fc00::/7). */
export function isGlobalUnicast(address: Ipv6): boolean {
  return address >= '2' && address < '4';
}
