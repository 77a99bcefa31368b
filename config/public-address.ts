// Whether an address is reachable from the Internet. Pure.

import type { Ipv4 } from '../proto/lease.js';
import { parseIpv4 } from '../proto/mapping.js';

/**
 * `private`: RFC 1918, so another router upstream translates. `shared`: RFC 6598, so the provider translates (carrier
 * NAT). `reserved`: a block that no host on the Internet has an address from.
 */
export type AddressKind = 'public' | 'private' | 'shared' | 'reserved';

/**
 * The blocks of IANA's special-purpose address registry (RFC 6890) that are not public. Its three documentation blocks
 * are left out: no provider assigns them, and laboratories use them as the Internet.
 */
const BLOCKS: readonly (readonly [block: string, length: number, kind: AddressKind])[] = [
  ['0.0.0.0', 8, 'reserved'], // "this network"
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'shared'],
  ['127.0.0.0', 8, 'reserved'], // loopback
  ['169.254.0.0', 16, 'reserved'], // link-local: no DHCP server has answered
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved'], // IETF protocols; DS-Lite (RFC 6333) uses it inside carrier NAT
  ['192.88.99.0', 24, 'reserved'], // formerly the anycast address of 6to4 relays (RFC 7526)
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'reserved'], // benchmarks
  ['224.0.0.0', 4, 'reserved'], // multicast
  ['240.0.0.0', 4, 'reserved'],
];

/** The same blocks, as first address and prefix length. */
export const NOT_PUBLIC: readonly (readonly [address: Ipv4, length: number])[] = BLOCKS.map(([address, length]) => [
  parseIpv4(address) ?? 0,
  length,
]);

export function addressKind(address: Ipv4): AddressKind {
  const found = BLOCKS.find(
    ([block, length]) => address >>> (32 - length) === (parseIpv4(block) ?? 0) >>> (32 - length),
  );
  return found?.[2] ?? 'public';
}
