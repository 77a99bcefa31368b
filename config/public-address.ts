// Whether an address can be reached from the Internet at all. Pure.

import type { Ipv4 } from '../proto/lease.js';
import { parseIpv4 } from '../proto/mapping.js';

/**
 * `private`: of RFC 1918, so another router translates behind this one. `shared`: of RFC 6598, so the provider does
 * (carrier NAT). `reserved`: of a block that no host on the Internet has its address from.
 */
export type AddressKind = 'public' | 'private' | 'shared' | 'reserved';

/**
 * What is not public in IANA's registry of special addresses (RFC 6890). Its three blocks for documentation are left
 * out: nobody is given such an address, and laboratories use them for the Internet.
 */
const BLOCKS: readonly (readonly [block: string, length: number, kind: AddressKind])[] = [
  ['0.0.0.0', 8, 'reserved'], // "this network"
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'shared'],
  ['127.0.0.0', 8, 'reserved'], // loopback
  ['169.254.0.0', 16, 'reserved'], // link-local: no DHCP server has answered
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved'], // IETF protocols; DS-Lite (RFC 6333) uses it inside carrier NAT
  ['192.88.99.0', 24, 'reserved'], // what was the anycast address of 6to4 relays
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'reserved'], // benchmarks
  ['224.0.0.0', 4, 'reserved'], // multicast
  ['240.0.0.0', 4, 'reserved'],
];

/** The same blocks, as the first address and the length of the prefix. */
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
