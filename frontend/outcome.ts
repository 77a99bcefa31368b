// The helper's answer to the NAT-PMP result of a mapping request (RFC 6886 §3.5). Pure.

import type { Answer } from '../proto/client.js';
import type { Reason } from '../proto/codec.js';
import type { MappingResult, MapRequest, ResultCode } from './wire.js';
import { RESULT } from './wire.js';

const RESULT_OF_REASON: Readonly<Record<Exclude<Reason, 'late' | 'rate'>, ResultCode>> = {
  'not-permitted': RESULT.NOT_AUTHORIZED, // §3.4: also a deletion of a static mapping
  address: RESULT.NOT_AUTHORIZED,
  port: RESULT.NOT_AUTHORIZED,
  lifetime: RESULT.NOT_AUTHORIZED,
  conflict: RESULT.OUT_OF_RESOURCES, // only after every other port was tried: see isPortRefused
  'host-full': RESULT.OUT_OF_RESOURCES,
  'table-full': RESULT.OUT_OF_RESOURCES,
  kernel: RESULT.NETWORK_FAILURE,
  // A defect of our own processes, not the client's fault.
  malformed: RESULT.NETWORK_FAILURE,
  'too-many-watchers': RESULT.NETWORK_FAILURE,
  nonce: RESULT.NETWORK_FAILURE,
};

/** §3.4: a successful deletion, also of a mapping that never existed. */
const DELETED: MappingResult = { result: RESULT.SUCCESS, externalPort: 0, lifetime: 0 };

/** The result without a mapping: port and lifetime are 0 (§3.5). */
export function failure(result: ResultCode): MappingResult {
  return { result, externalPort: 0, lifetime: 0 };
}

/**
 * The result for the client; null for silence, if nobody knows it: the client asks again. Total: an answer of the wrong
 * kind is a failure.
 *
 * @param maxLifetime Seconds to report for a static mapping, which has no lifetime.
 */
export function outcome(request: MapRequest, answer: Answer, maxLifetime: number): MappingResult | null {
  const isDeletion = request.lifetime === 0;
  switch (answer.kind) {
    case 'granted': {
      if (isDeletion) return failure(RESULT.NETWORK_FAILURE);
      const { externalPort, lifetime, origin } = answer.lease;
      // §3.3: not longer than requested. The client of a static mapping renews like any other.
      const ceiling = origin === 'static' ? maxLifetime : lifetime;
      return { result: RESULT.SUCCESS, externalPort, lifetime: Math.min(request.lifetime, ceiling) };
    }
    case 'removed':
      return isDeletion ? DELETED : failure(RESULT.NETWORK_FAILURE);
    case 'host-mappings-removed':
      if (!isDeletion) return failure(RESULT.NETWORK_FAILURE);
      // §3.4: if some mappings could not be deleted, the result is a failure.
      return answer.kept > 0 ? failure(RESULT.NOT_AUTHORIZED) : DELETED;
    case 'refused':
      // `rate`: another program asked for the same host, because our own rate limit is lower. It passes.
      if (answer.reason === 'late' || answer.reason === 'rate') return null;
      return failure(RESULT_OF_REASON[answer.reason]);
    case 'unavailable':
      return null;
    case 'mapping-list':
    case 'pinhole-granted':
    case 'pinhole-list':
    case 'watching':
    case 'status-report':
      return failure(RESULT.NETWORK_FAILURE);
  }
}
