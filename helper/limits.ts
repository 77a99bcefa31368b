// What the helper allows, from its own flags only: nothing here ever comes over the socket. Pure.

import type { Grant } from '../config/types.js';
import type { Limits } from './types.js';
import type { Ipv4, Ipv6 } from '../proto/lease.js';
import { inRanges, isPort, withoutPorts } from '../proto/mapping.js';
import { isInPrefix } from '../config/rules.js';

type MappingGrant = Omit<Grant, 'pinholePorts'>;

/** Any unicast address, because the ruleset lets a mapping lead into a LAN interface or nowhere. */
export function isHostAllowed({ loopback }: Limits, address: Ipv4): boolean {
  return address >>> 24 > 0 && address >>> 24 < 224 && (loopback || address >>> 24 !== 127);
}

export function isPortAllowed(limits: Limits, port: number): boolean {
  return isPort(port) && inRanges(limits.allowedPorts, port) && !inRanges(limits.reservedPorts, port);
}

/**
 * What the rules give a host at most; null: nothing. The helper never learns hardware addresses: an allow rule for one
 * may match any host, a deny rule none. The frontend knows better.
 */
export function grantFor({ rules }: Limits, host: Ipv4): MappingGrant | null {
  let most: MappingGrant | null = null;
  for (const { who, grant } of rules) {
    if (who.kind === 'prefix' && !isInPrefix(who, host)) continue;
    if (grant !== null) most = most === null ? grant : loosestOf(most, grant);
    if (who.kind === 'prefix') break;
  }
  return most;
}

/**
 * What the rules give a device. Its hardware address is what the frontend says; a rule for IPv4 addresses names none, so
 * the default rule is for all others.
 */
export function grantForDevice({ rules }: Limits, hardwareAddress: number): Grant | null {
  const own = rules.find(({ who }) => who.kind === 'mac' && who.mac === hardwareAddress && hardwareAddress !== 0);
  return (own ?? rules.at(-1))?.grant ?? null;
}

/** 2000::/3. The ruleset lets a pinhole lead into a LAN interface or nowhere. */
export function isGlobalUnicast(address: Ipv6): boolean {
  return address >= '2' && address < '4';
}

function loosestOf(one: MappingGrant, other: MappingGrant): MappingGrant {
  const most = (of: 'maxMappings' | 'maxLifetime') => Math.max(one[of], other[of]);
  const ports = one.ports === other.ports ? one.ports : withoutPorts([...one.ports, ...other.ports], []);
  return { ports, maxMappings: most('maxMappings'), maxLifetime: most('maxLifetime') };
}
