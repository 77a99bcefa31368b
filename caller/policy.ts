// What the rules say about a host and its mapping, whichever protocol it asks by. Pure. The helper has limits of its own
// and does not rely on this.

import type { Grant, HostRule, Mac } from '../config/types.js';
import { isInPrefix } from '../config/rules.js';
import type { AddMapping } from '../proto/messages.js';
import type { Endpoint, Ipv4, Lease, PortRange } from '../proto/mapping.js';
import { inRanges } from '../proto/mapping.js';
import type { LeaseReplica } from './lease-replica.js';

export interface Rules {
  /** In order of precedence; the last one matches every host. */
  readonly rules: readonly HostRule[];
  /** Refused as internal ports. */
  readonly deniedPorts: readonly PortRange[];
}

/**
 * The limits of a host. `unknown`: a rule by hardware address may match it, and the kernel does not know its hardware
 * address.
 */
export type Permission = Grant | 'denied' | 'unknown';

/** What the rules say about a host that asks for the mapping of an endpoint. */
export type Judgement =
  /** It may not have it: by its rule, or because of the internal port. */
  | { readonly kind: 'denied' }
  /** Its hardware address is not known yet, and decides. */
  | { readonly kind: 'unknown' }
  /** It has it, or is about to: neither quota nor rate limit applies. */
  | { readonly kind: 'held'; readonly lease: Lease }
  /** It holds as many as it may. */
  | { readonly kind: 'full' }
  /** It may have a new one, on one of the ports of its grant. */
  | { readonly kind: 'new'; readonly grant: Grant };

/** The limits of the first rule that matches the host. The hardware address is looked up only if a rule needs it. */
export function permissionOf(
  host: Ipv4,
  { rules }: Pick<Rules, 'rules'>,
  hardwareAddress: (host: Ipv4) => Mac | null,
): Permission {
  let mac: Mac | null | undefined;
  for (const { who, grant } of rules) {
    if (who.kind === 'mac') {
      mac ??= hardwareAddress(host);
      if (mac === null) return 'unknown';
      if (mac !== who.mac) continue;
    } else if (!isInPrefix(who, host)) continue;
    return grant ?? 'denied';
  }
  return 'denied';
}

/** Judge a request for the mapping of an endpoint, by the host's permission and by what it holds. */
export function judge(
  endpoint: Endpoint,
  leases: LeaseReplica,
  permission: Permission,
  { deniedPorts }: Pick<Rules, 'deniedPorts'>,
): Judgement {
  if (permission === 'denied' || permission === 'unknown') return { kind: permission };
  const held = leases.mappingOf(endpoint) ?? leases.reservationOf(endpoint);
  // Rules do not apply to mappings made by the administrator.
  if (held?.origin === 'static') return { kind: 'held', lease: held };
  if (inRanges(deniedPorts, endpoint.internalPort) || permission.ports.length === 0) return { kind: 'denied' };
  // If the rules have changed since it was granted: it stays until its end, but is neither renewed nor moved.
  if (held !== undefined)
    return inRanges(permission.ports, held.externalPort) ? { kind: 'held', lease: held } : { kind: 'denied' };
  return leases.count(endpoint.internalAddress) >= permission.maxMappings
    ? { kind: 'full' }
    : { kind: 'new', grant: permission };
}

/** The request for a mapping on this external port, by a tool (proto/tools.ts); 0 is not told. */
export function addRequest(endpoint: Endpoint, externalPort: number, lifetime: number, tool = 0): AddMapping {
  const request = { kind: 'add-mapping', ...endpoint, externalPort, lifetime, origin: 'dynamic' } as const;
  return tool === 0 ? request : { ...request, tool };
}
