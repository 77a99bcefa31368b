// Decides what may be done: the codec has checked the size; here the values are checked, and then the state. The
// frontend made the same checks; it may be compromised, so they are made again. Pure; only this file plans a change.

import type { Change, HandlerDeps, Limits, Plan, Role } from './types.js';
import type { Lease } from '../proto/lease.js';
import type { Request } from '../proto/messages.js';
import type { Reason } from '../proto/codec.js';
import { MAX_PAGE, MAX_TRAFFIC_PAGE } from '../proto/codec.js';
import { inRanges, isPort } from '../proto/mapping.js';
import type { Leases } from './leases.js';
import { grantFor, isHostAllowed, isPortAllowed } from './limits.js';

export const NO_CHANGES: readonly Change[] = [];

type Add = Extract<Request, { kind: 'add-mapping' }>;
type Remove = Extract<Request, { kind: 'remove-mapping' }>;
export type List = Extract<Request, { kind: 'list-mappings' }>;
/** What a decision depends on. */
type State = Pick<HandlerDeps, 'limits' | 'leases' | 'newMappings'>;
type RemoveHost = Extract<Request, { kind: 'remove-host-mappings' }>;

export function planAdd(request: Add, role: Role, { limits, leases, newMappings }: State, now: number): Plan {
  const invalid = invalidField(request, role, limits);
  if (invalid !== null) return refuse(invalid);

  const held = leases.byEndpoint(request);
  // RFC 6886 §3.3: the answer names the external port in force, whatever the request suggests.
  if (held?.origin === 'static' && request.origin === 'dynamic')
    return { response: { kind: 'granted', lease: held }, changes: NO_CHANGES };
  // Host rules and quotas do not apply to static mappings.
  const violation = request.origin === 'dynamic' ? ruleViolation(request, held, limits, leases) : null;
  if (violation !== null) return refuse(violation);
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

export function planRemove(request: Remove, role: Role, { limits, leases }: State): Plan {
  if (!isHostAllowed(limits, request.internalAddress)) return refuse('address');
  if (!isPort(request.internalPort)) return refuse('malformed');
  const held = leases.byEndpoint(request);
  if (held?.origin === 'static' && role !== 'administrator') return refuse('not-permitted');
  // RFC 6886 §3.4: what does not exist counts as removed.
  const changes = held === undefined ? NO_CHANGES : [{ before: held, after: undefined }];
  return { response: { kind: 'removed', count: changes.length }, changes };
}

export function planRemoveHost(request: RemoveHost, role: Role, { limits, leases }: State): Plan {
  if (!isHostAllowed(limits, request.internalAddress)) return refuse('address');
  const held = leases.ofHost(request.internalAddress, request.protocol);
  // RFC 6886 §3.4: as many as possible are removed, also when some cannot be.
  const changes = held
    .filter((lease) => lease.origin === 'dynamic' || role === 'administrator')
    .map((before) => ({ before, after: undefined }));
  const [count, kept] = [changes.length, held.length - changes.length];
  return { response: { kind: 'host-mappings-removed', count, kept }, changes };
}

export function isPageRequest({ limit, traffic }: List): boolean {
  return limit >= 1 && limit <= (traffic === true ? MAX_TRAFFIC_PAGE : MAX_PAGE);
}

function invalidField(request: Add, role: Role, limits: Limits): Reason | null {
  if (request.origin === 'static' && role !== 'administrator') return 'not-permitted';
  if (!isHostAllowed(limits, request.internalAddress)) return 'address';
  if (!isPort(request.internalPort)) return 'malformed';
  if (!isPortAllowed(limits, request.externalPort)) return 'port';
  // A static mapping has no lifetime; a dynamic one must have one.
  const isLifetimeValid = request.origin === 'static' ? request.lifetime === 0 : request.lifetime > 0;
  return isLifetimeValid ? null : 'lifetime';
}

/** Why the host's rules forbid the mapping, or null. Renewals too: the rules may have changed. */
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
  return { response: { kind: 'granted', lease: after }, changes: [{ before, after }] };
}

export function refuse(reason: Reason): Plan {
  return { response: { kind: 'refused', reason }, changes: NO_CHANGES };
}
