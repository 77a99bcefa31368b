// What the helper allows, from its own flags only: nothing here ever comes over the socket. Pure.

import type { Ipv4, Lan, PortRange } from '../proto/mapping.js';
import { inRanges, isLanHost, isPort } from '../proto/mapping.js';

export interface Limits {
  /** Hosts of these LANs may hold mappings. */
  readonly lans: readonly Lan[];
  /** External ports that may be mapped, and among them those that may not. */
  readonly allowedPorts: readonly PortRange[];
  readonly reservedPorts: readonly PortRange[];
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
