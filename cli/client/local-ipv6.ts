// Which IPv6 address of this machine to open: PCP serves the address that a request comes from (RFC 6887 §11.1), and a
// gateway is mostly asked at its link-local address, from which the kernel would answer with a link-local one.

import { isGlobalUnicast } from '../../caller/ipv6-addresses.js';
import type { Ipv6 } from '../../proto/lease.js';

/** A line of /proc/net/if_inet6. */
export interface LocalIpv6 {
  readonly address: Ipv6;
  readonly index: number;
  readonly interfaceName: string;
  /** IFA_F_* of linux/if_addr.h, the first eight. */
  readonly flags: number;
}

const TEMPORARY = 0x01;
/** Not to be used, or not for new connections: duplicate (DADFAILED), deprecated, tentative. */
const UNUSABLE = 0x08 | 0x20 | 0x40;

/** The text of /proc/net/if_inet6: address, number of the interface, prefix length, scope, flags, name. Pure. */
export function parseIfInet6(text: string): readonly LocalIpv6[] {
  return text.split('\n').flatMap((line) => {
    const [, address, index, flags, interfaceName] =
      /^([0-9a-f]{32}) ([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) +(\S+)$/.exec(line) ?? [];
    return address === undefined || index === undefined || flags === undefined || interfaceName === undefined
      ? []
      : [{ address, index: Number.parseInt(index, 16), flags: Number.parseInt(flags, 16), interfaceName }];
  });
}

/**
 * The address of the interface to open: a global one, and one that lasts, rather than a temporary one (RFC 8981). Null
 * if there is none. Pure.
 */
export function addressToOpen(addresses: readonly LocalIpv6[], interfaceName: string): Ipv6 | null {
  const usable = addresses.filter(
    (each) => each.interfaceName === interfaceName && isGlobalUnicast(each.address) && (each.flags & UNUSABLE) === 0,
  );
  return (usable.find(({ flags }) => (flags & TEMPORARY) === 0) ?? usable[0])?.address ?? null;
}

/** The name of the interface behind the "%" of an address: a name, or the number of one (RFC 4007 §11.2). Pure. */
export function interfaceNamed(zone: string, names: readonly string[], addresses: readonly LocalIpv6[]): string | null {
  if (names.includes(zone)) return zone;
  return (/^[0-9]+$/.test(zone) && addresses.find(({ index }) => index === Number(zone))?.interfaceName) || null;
}
