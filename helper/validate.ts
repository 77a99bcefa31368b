// Decides what may be done: the codec has checked the size; here the values are checked, and then the state. The
// frontend made the same checks; it may be compromised, so they are made again. Pure; only this file plans a change.

import type { AnyLease, Change, HandlerDeps, HeldPinhole, Limits, Plan, Role } from './types.js';
import type { Endpoint, Lease, PinholeEndpoint } from '../proto/lease.js';
import type { AddPinhole, Request, Response } from '../proto/messages.js';
import type { Reason } from '../proto/codec.js';
import { MAX_PAGE, MAX_TRAFFIC_PAGE } from '../proto/codec.js';
import { inRanges, isPort } from '../proto/mapping.js';
import type { Leases } from './leases.js';
import { grantFor, grantForDevice, isGlobalUnicast, isHostAllowed, isPortAllowed } from './limits.js';
import { deviceOf } from './pinholes.js';

export const NO_CHANGES: readonly Change[] = [];

type Add = Extract<Request, { kind: 'add-mapping' }>;
type Remove = Extract<Request, { kind: 'remove-mapping' }>;
type RemovePinhole = Extract<Request, { kind: 'remove-pinhole' }>;
export type List = Extract<Request, { kind: 'list-mappings' | 'list-pinholes' }>;
/** What a decision depends on. */
type State = Pick<HandlerDeps, 'limits' | 'leases' | 'newMappings' | 'newPinholes'>;
type RemoveHost = Extract<Request, { kind: 'remove-host-mappings' }>;

export function planAdd(request: Add, role: Role, { limits, leases, newMappings }: State, now: number): Plan {
  const invalid = invalidField(request, role, limits);
  if (invalid !== null) return refuse(invalid);

  const held = leases.byEndpoint(request);
  // RFC 6886 §3.3: the answer names the external port in force, whatever the request suggests.
  if (held?.origin === 'static' && request.origin === 'dynamic')
    return { response: granted(held), changes: NO_CHANGES };
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

export function planRemove(request: Remove | RemovePinhole, role: Role, { limits, leases }: State): Plan {
  const invalid = invalidEndpoint(request, limits);
  if (invalid !== null) return refuse(invalid);
  const held = 'address' in request ? leases.pinholes.get(request) : leases.byEndpoint(request);
  if (held?.origin === 'static' && role !== 'administrator') return refuse('not-permitted');
  if (isOthers(held, request, role)) return refuse('nonce');
  // RFC 6886 §3.4, RFC 6887 §15.1: what does not exist counts as removed.
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

export function planAddPinhole(request: AddPinhole, role: Role, state: State, now: number): Plan {
  const { limits, leases, newPinholes } = state;
  const invalid = invalidField(request, role, limits);
  if (invalid !== null) return refuse(invalid);

  const held = leases.pinholes.get(request);
  // RFC 6887 §11.3: a request for what the administrator has made succeeds.
  if (held?.origin === 'static' && request.origin === 'dynamic')
    return { response: granted(held), changes: NO_CHANGES };
  if (isOthers(held, request, role)) return refuse('nonce');
  const violation = request.origin === 'dynamic' ? deviceViolation(request, held, limits, leases) : null;
  if (violation !== null) return refuse(violation);
  if (held === undefined && leases.pinholes.size >= limits.maxPinholes) return refuse('table-full');
  const device = request.hardwareAddress || parseInt(request.address.slice(-8), 16);
  const isNew = held === undefined && request.origin === 'dynamic';
  if (isNew && !newPinholes.take(device, now, limits.newMappings)) return refuse('rate');
  const { protocol, address, port } = held ?? request; // the table keeps its strings: those of a renewal die young
  const { origin, lifetime, hardwareAddress } = request;
  const nonce = origin === 'static' ? '' : held?.nonce || request.nonce;
  const expiresAt = endOf(request, now);
  return change(held, { protocol, address, port, origin, lifetime, expiresAt, hardwareAddress, nonce });
}

/** RFC 6887 §11.3: a pinhole is renewed and removed with the nonce that it was made with. An administrator needs none. */
function isOthers(held: AnyLease | undefined, request: object, role: Role): boolean {
  if (held === undefined || !('nonce' in held && 'nonce' in request) || held.nonce === '') return false;
  return held.nonce !== request.nonce && !(role === 'administrator' && request.nonce === '');
}

/** Why its rule forbids the device the pinhole, or null. */
function deviceViolation(
  request: AddPinhole,
  held: HeldPinhole | undefined,
  limits: Limits,
  leases: Leases,
): Reason | null {
  const grant = grantForDevice(limits, request.hardwareAddress);
  if (grant === null || inRanges(limits.deniedPorts, request.port)) return 'not-permitted';
  if (!inRanges(grant.pinholePorts, request.port)) return 'port';
  if (request.lifetime > grant.maxLifetime) return 'lifetime';
  const device = deviceOf(request);
  const isMore = held === undefined || deviceOf(held) !== device;
  return isMore && leases.pinholes.count(device) >= grant.maxMappings ? 'host-full' : null;
}

export function isPageRequest({ limit, traffic }: List): boolean {
  return limit >= 1 && limit <= (traffic === true ? MAX_TRAFFIC_PAGE : MAX_PAGE);
}

function invalidField(request: Add | AddPinhole, role: Role, limits: Limits): Reason | null {
  if (request.origin === 'static' && role !== 'administrator') return 'not-permitted';
  const invalid = invalidEndpoint(request, limits);
  if (invalid !== null) return invalid;
  if ('externalPort' in request && !isPortAllowed(limits, request.externalPort)) return 'port';
  // What is static has no lifetime; what is dynamic must have one.
  const isLifetimeValid = request.origin === 'static' ? request.lifetime === 0 : request.lifetime > 0;
  return isLifetimeValid ? null : 'lifetime';
}

function invalidEndpoint(endpoint: Endpoint | PinholeEndpoint, limits: Limits): Reason | null {
  if ('address' in endpoint)
    return !isGlobalUnicast(endpoint.address) ? 'address' : isPort(endpoint.port) ? null : 'malformed';
  if (!isHostAllowed(limits, endpoint.internalAddress)) return 'address';
  return isPort(endpoint.internalPort) ? null : 'malformed';
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
  const { protocol, internalAddress, internalPort, origin, lifetime, tool } = request;
  const expiresAt = endOf(request, now);
  const lease: Lease = { protocol, internalAddress, internalPort, externalPort, origin, lifetime, expiresAt };
  return tool === undefined ? lease : { ...lease, tool };
}

function endOf({ origin, lifetime }: Add | AddPinhole, now: number): number {
  return origin === 'static' ? Infinity : now + lifetime * 1000;
}

function granted(lease: AnyLease): Response {
  return 'address' in lease ? { kind: 'pinhole-granted', pinhole: lease } : { kind: 'granted', lease };
}

function change(before: AnyLease | undefined, after: AnyLease): Plan {
  return { response: granted(after), changes: [{ before, after }] };
}

export function refuse(reason: Reason): Plan {
  return { response: { kind: 'refused', reason }, changes: NO_CHANGES };
}
