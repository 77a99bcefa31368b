// Decides what may be done: size was checked by the codec, here come the values and then the state. The frontend made
// the same checks; it may be compromised, so they are made again. Pure; nothing else makes a Plan.

import type { Reason, Request } from '../proto/codec.js';
import { MAX_PAGE, MAX_TRAFFIC_PAGE } from '../proto/codec.js';
import type { Lease } from '../proto/mapping.js';
import { inRanges, isPort } from '../proto/mapping.js';
import type { RateLimiter } from '../proto/token-bucket.js';
import type { Change, Leases } from './leases.js';
import type { Limits } from './limits.js';
import { grantFor, isHostAllowed, isPortAllowed } from './limits.js';

/** Whose socket the request came in on. The administrator's may also make static mappings and remove any. */
export type Role = 'client' | 'administrator';

/** What to do to the table, or why nothing. */
export type Plan =
  | { readonly kind: 'change'; readonly changes: readonly Change[]; readonly kept: number }
  | { readonly kind: 'keep'; readonly lease: Lease }
  | { readonly kind: 'refuse'; readonly reason: Reason };

type Add = Extract<Request, { kind: 'add-mapping' }>;
type Remove = Extract<Request, { kind: 'remove-mapping' }>;
export type List = Extract<Request, { kind: 'list-mappings' }>;
type RemoveHost = Extract<Request, { kind: 'remove-host-mappings' }>;

export function planAdd(
  request: Add,
  role: Role,
  limits: Limits,
  leases: Leases,
  newMappings: RateLimiter,
  now: number,
): Plan {
  const wrong = invalidField(request, role, limits);
  if (wrong !== null) return refuse(wrong);

  const held = leases.byEndpoint(request);
  // RFC 6886 §3.3: who asks again is told the external port that is in force, whatever was suggested.
  if (held?.origin === 'static' && request.origin === 'dynamic') return { kind: 'keep', lease: held };
  // An administrator's own mappings are not a host's greed.
  const against = request.origin === 'dynamic' ? ruleViolation(request, held, limits, leases) : null;
  if (against !== null) return refuse(against);
  if (held !== undefined && request.origin === 'dynamic')
    return change(held, leaseFrom(request, held.externalPort, now));
  if (held !== undefined && held.externalPort !== request.externalPort) return refuse('conflict');

  if (held === undefined) {
    if (leases.size >= limits.maxMappings) return refuse('table-full');
    if (!leases.isAvailable(request, request.externalPort)) return refuse('conflict');
    // Last, so that only what would be granted counts: the frontend may have to try several ports for one mapping.
    if (request.origin === 'dynamic' && !newMappings.take(request.internalAddress, now, limits.newMappings))
      return refuse('rate');
  }
  return change(held, leaseFrom(request, request.externalPort, now));
}

export function planRemove(request: Remove, role: Role, limits: Limits, leases: Leases): Plan {
  if (!isHostAllowed(limits, request.internalAddress)) return refuse('address');
  if (!isPort(request.internalPort)) return refuse('malformed');
  const held = leases.byEndpoint(request);
  if (held?.origin === 'static' && role !== 'administrator') return refuse('not-permitted');
  // RFC 6886 §3.4: what does not exist counts as removed.
  return { kind: 'change', changes: held === undefined ? [] : [{ before: held, after: undefined }], kept: 0 };
}

export function planRemoveHost(request: RemoveHost, role: Role, limits: Limits, leases: Leases): Plan {
  if (!isHostAllowed(limits, request.internalAddress)) return refuse('address');
  const held = leases.ofHost(request.internalAddress, request.protocol);
  // RFC 6886 §3.4: as many as possible are removed, also when some can not be.
  const removable = held.filter((lease) => lease.origin === 'dynamic' || role === 'administrator');
  return {
    kind: 'change',
    changes: removable.map((before) => ({ before, after: undefined })),
    kept: held.length - removable.length,
  };
}

export function isPageRequest({ limit, traffic }: List): boolean {
  return limit >= 1 && limit <= (traffic === true ? MAX_TRAFFIC_PAGE : MAX_PAGE);
}

function invalidField(request: Add, role: Role, limits: Limits): Reason | null {
  if (request.origin === 'static' && role !== 'administrator') return 'not-permitted';
  if (!isHostAllowed(limits, request.internalAddress)) return 'address';
  if (!isPort(request.internalPort)) return 'malformed';
  if (!isPortAllowed(limits, request.externalPort)) return 'port';
  return (request.origin === 'static') === (request.lifetime === 0) ? null : 'lifetime';
}

/** What speaks against a new dynamic mapping, or against renewing one: it may have been granted under other rules. */
function ruleViolation(request: Add, held: Lease | undefined, limits: Limits, leases: Leases): Reason | null {
  const grant = grantFor(limits, request.internalAddress);
  if (grant === null || inRanges(limits.deniedPorts, request.internalPort)) return 'not-permitted';
  if (!inRanges(grant.ports, (held ?? request).externalPort)) return 'port';
  if (request.lifetime > grant.maxLifetime) return 'lifetime';
  return held === undefined && leases.count(request.internalAddress) >= grant.maxMappings ? 'host-full' : null;
}

function leaseFrom(request: Add, externalPort: number, now: number): Lease {
  const { protocol, internalAddress, internalPort, origin, lifetime } = request;
  const expiresAt = origin === 'static' ? Infinity : now + lifetime * 1000;
  return { protocol, internalAddress, internalPort, externalPort, origin, lifetime, expiresAt };
}

function change(before: Lease | undefined, after: Lease): Plan {
  return { kind: 'change', changes: [{ before, after }], kept: 0 };
}

function refuse(reason: Reason): Plan {
  return { kind: 'refuse', reason };
}
