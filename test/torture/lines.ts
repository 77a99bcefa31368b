// Mappings and pinholes in one line each, in the words of secondsLeft and pinholesOf, from any list. Pure.

import type { AnyLease } from '../../helper/types.js';
import { formatIpv6 } from '../../proto/ipv6.js';
import { formatIpv4 } from '../../proto/mapping.js';
import type { Listed } from '../lab/server.js';

export function isPinhole({ internalAddress }: Listed): boolean {
  return internalAddress.includes(':');
}

export function listedLine(listed: Listed): string {
  const { protocol, externalPort, internalAddress, internalPort } = listed;
  return isPinhole(listed)
    ? `${protocol} [${internalAddress}]:${internalPort}`
    : `${protocol} ${externalPort} -> ${internalAddress}:${internalPort}`;
}

export function heldLine(lease: AnyLease): string {
  if ('address' in lease) return `${lease.protocol} [${formatIpv6(lease.address)}]:${lease.port}`;
  const { protocol, externalPort, internalAddress, internalPort } = lease;
  return `${protocol} ${externalPort} -> ${formatIpv4(internalAddress)}:${internalPort}`;
}
