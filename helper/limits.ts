// What the helper allows, from its own flags only: nothing here ever comes over the socket. Pure.

import type { Ipv4, Lan, PortRange } from '../proto/mapping.js';
import { inRanges, isLanHost, isPort } from '../proto/mapping.js';
import type { Grant, HostRule } from '../config/rules.js';
import { isInPrefix } from '../config/rules.js';

export interface Limits {
  /** Hosts of these LANs may hold mappings. */
  readonly lans: readonly Lan[];
  /** External ports that may be mapped, and among them those that may not. */
  readonly allowedPorts: readonly PortRange[];
  readonly reservedPorts: readonly PortRange[];
  /** Nobody's internal ports. */
  readonly deniedPorts: readonly PortRange[];
  /** What each host may have, in order; the last one names everyone. Not for what the administrator makes by hand. */
  readonly rules: readonly HostRule[];
  readonly maxMappings: number;
  readonly maxMappingsPerHost: number;
  /** How fast a host may get new ones. */
  readonly newMappings: { readonly burst: number; readonly intervalMs: number };
  /** Seconds. */
  readonly maxLifetime: number;
}

export function isHostAllowed(limits: Limits, address: Ipv4): boolean {
  const isRouter = limits.lans.some((lan) => lan.routerAddress === address);
  return !isRouter && limits.lans.some((lan) => isLanHost(lan, address));
}

export function isPortAllowed(limits: Limits, port: number): boolean {
  return isPort(port) && inRanges(limits.allowedPorts, port) && !inRanges(limits.reservedPorts, port);
}

/**
 * What the rules give a host at most; null: nothing. The helper never learns hardware addresses: an allow rule for one
 * may match any host, a deny rule none. The frontend knows better.
 */
export function grantFor({ rules }: Limits, host: Ipv4): Grant | null {
  let most: Grant | null = null;
  for (const { who, grant } of rules) {
    if (who.kind === 'prefix' && !isInPrefix(who, host)) continue;
    if (grant !== null) most = most === null ? grant : loosestOf(most, grant);
    if (who.kind === 'prefix') break;
  }
  return most;
}

function loosestOf(one: Grant, other: Grant): Grant {
  const most = (of: 'maxMappings' | 'maxLifetime') => Math.max(one[of], other[of]);
  return { ports: [...one.ports, ...other.ports], maxMappings: most('maxMappings'), maxLifetime: most('maxLifetime') };
}
