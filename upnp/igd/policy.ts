// The policy: what AddPortMapping may do. Pure. The helper has limits of its own and does not rely on this.
//
// The table has one external port for each endpoint, version 1 of UPnP any number: a request for another external port,
// or for a port that another endpoint of the host holds, is a move. Only what was made by UPnP is moved: programs use
// NAT-PMP beside it, and have been told the port that they got there.

import type { LeaseReplica } from '../../caller/lease-replica.js';
import type { Permission, Rules } from '../../caller/policy.js';
import { addRequest, judge } from '../../caller/policy.js';
import type { AddMapping } from '../../proto/messages.js';
import type { Answer } from '../../proto/client.js';
import type { Reason } from '../../proto/codec.js';
import type { Endpoint, Ipv4, Lease } from '../../proto/mapping.js';
import { inRanges } from '../../proto/mapping.js';
import { TOOL } from '../../proto/tools.js';
import type { FaultCode } from './faults.js';
import { FAULT } from './faults.js';
import type { AskedMapping } from './mapping-arguments.js';

export type Cause = 'unknown-host' | 'over-quota';

/** The decision about AddPortMapping. */
export type Verdict =
  | { readonly kind: 'refuse'; readonly code: FaultCode; readonly cause?: Cause }
  /** The administrator made it; it stays as it is. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'renew'; readonly request: AddMapping }
  /** A new mapping in place of these of the same host, which may be none. */
  | { readonly kind: 'add'; readonly request: AddMapping; readonly displaced: readonly Lease[] };

/** Decide on a mapping that a LAN host asks for. `now`: milliseconds of CLOCK_BOOTTIME. */
export function decide(
  asked: AskedMapping,
  host: Ipv4,
  leases: LeaseReplica,
  permission: Permission,
  rules: Pick<Rules, 'deniedPorts'>,
  now: number,
): Verdict {
  const { protocol, internalPort, externalPort } = asked;
  const endpoint: Endpoint = { protocol, internalAddress: host, internalPort };
  const judgement = judge(endpoint, leases, permission, rules);
  if (judgement.kind === 'denied') return refuse(FAULT.NOT_AUTHORIZED);
  if (typeof permission === 'string') return refuse(FAULT.ACTION_FAILED, 'unknown-host');
  const { ports, maxMappings, maxLifetime } = permission;
  const lifetime = Math.min(asked.leaseDuration || maxLifetime, maxLifetime);
  const held = leases.mappingOf(endpoint);
  if (held?.externalPort === externalPort) return renew(held, lifetime, maxLifetime, now);

  const holder = leases.mappingAt(protocol, externalPort);
  const displaced = [held, holder].filter((lease) => lease !== undefined);
  const isConflict =
    !inRanges(ports, externalPort) ||
    displaced.some((lease) => !mayMove(lease, host)) ||
    // A port that the host holds is kept for it in the other protocol, too.
    (holder === undefined && !leases.isAvailable(endpoint, externalPort));
  if (isConflict) return refuse(FAULT.CONFLICT);
  // A move, too: else the helper might take the old mapping away and then neither add the new one nor the old one.
  if (leases.count(host) - displaced.length >= maxMappings) return refuse(FAULT.NO_PORT_MAPS_AVAILABLE, 'over-quota');
  return { kind: 'add', request: addRequest(endpoint, externalPort, lifetime, TOOL.UPNP), displaced };
}

function refuse(code: FaultCode, cause?: Cause): Verdict {
  return cause === undefined ? { kind: 'refuse', code } : { kind: 'refuse', code, cause };
}

/** Who made a mapping stays its maker, and is not given less time than it was told. */
function renew(held: Lease, lifetime: number, maxLifetime: number, now: number): Verdict {
  if (held.origin === 'static') return { kind: 'keep' };
  const isOwn = held.tool === TOOL.UPNP;
  const seconds = isOwn ? lifetime : Math.min(Math.max(lifetime, secondsLeft(held, now)), maxLifetime);
  return { kind: 'renew', request: addRequest(endpointOf(held), held.externalPort, seconds, held.tool) };
}

function endpointOf({ protocol, internalAddress, internalPort }: Lease): Endpoint {
  return { protocol, internalAddress, internalPort };
}

function mayMove({ internalAddress, origin, tool }: Lease, host: Ipv4): boolean {
  return internalAddress === host && origin === 'dynamic' && tool === TOOL.UPNP;
}

/** The rest of a lease in whole seconds, rounded up and at least 1; 0 for a static one, which has no end. */
export function secondsLeft({ origin, expiresAt }: Lease, now: number): number {
  return origin === 'static' ? 0 : Math.max(1, Math.ceil((expiresAt - now) / 1000));
}

/** The request that makes a mapping again as it was; null if its time is over. */
export function restoreRequest(lease: Lease, now: number): AddMapping | null {
  if (lease.expiresAt <= now) return null;
  const seconds = Math.min(lease.lifetime, secondsLeft(lease, now));
  return addRequest(endpointOf(lease), lease.externalPort, seconds, lease.tool);
}

const CODE_OF_REASON: Readonly<Record<Reason, FaultCode>> = {
  conflict: FAULT.CONFLICT,
  port: FAULT.CONFLICT,
  'not-permitted': FAULT.NOT_AUTHORIZED,
  address: FAULT.NOT_AUTHORIZED,
  'host-full': FAULT.NO_PORT_MAPS_AVAILABLE,
  'table-full': FAULT.NO_PORT_MAPS_AVAILABLE,
  rate: FAULT.ACTION_FAILED,
  kernel: FAULT.ACTION_FAILED,
  late: FAULT.ACTION_FAILED,
  // The helper's ceiling is lower than that of our rules, or a defect of our own processes.
  lifetime: FAULT.ACTION_FAILED,
  malformed: FAULT.ACTION_FAILED,
  'too-many-watchers': FAULT.ACTION_FAILED,
  nonce: FAULT.ACTION_FAILED,
};

/** The code for an answer of the helper that is not the one hoped for. Total. */
export function codeOf(answer: Answer): FaultCode {
  return answer.kind === 'refused' ? CODE_OF_REASON[answer.reason] : FAULT.ACTION_FAILED;
}
