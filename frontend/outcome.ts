// The helper's answer to a NAT-PMP result: the one table of result codes for what it says (RFC 6886 §3.5). Pure.

import type { Answer } from '../proto/client.js';
import type { Reason } from '../proto/codec.js';
import type { MappingResult, MapRequest, ResultCode } from './wire.js';
import { RESULT } from './wire.js';

const RESULT_OF_REASON: Readonly<Record<Reason, ResultCode>> = {
  'not-permitted': RESULT.NOT_AUTHORIZED, // §3.4: also the deletion of a mapping made by hand
  address: RESULT.NOT_AUTHORIZED,
  port: RESULT.NOT_AUTHORIZED,
  lifetime: RESULT.NOT_AUTHORIZED,
  conflict: RESULT.OUT_OF_RESOURCES, // only after every other port was tried: see isPortRefused
  'host-full': RESULT.OUT_OF_RESOURCES,
  'table-full': RESULT.OUT_OF_RESOURCES,
  rate: RESULT.OUT_OF_RESOURCES, // only where another program asks for the same host: our own rate is below the helper's
  kernel: RESULT.NETWORK_FAILURE,
  // The last two are a quarrel between our own processes, and no fault of the client's.
  malformed: RESULT.NETWORK_FAILURE,
  'too-many-watchers': RESULT.NETWORK_FAILURE,
  late: RESULT.NETWORK_FAILURE,
};

/** §3.4: a deletion that succeeded, also of what never was. */
const DELETED: MappingResult = { result: RESULT.SUCCESS, externalPort: 0, lifetime: 0 };

/** §3.5: without a mapping, port and lifetime are zero. */
export function failure(result: ResultCode): MappingResult {
  return { result, externalPort: 0, lifetime: 0 };
}

/** Whether only this port was refused, so that another may be granted. */
export function isPortRefused(answer: Answer): boolean {
  return answer.kind === 'refused' && (answer.reason === 'conflict' || answer.reason === 'port');
}

/** What to tell the client that asked. Total: an answer that does not fit the question is a failure. */
export function outcome(asked: MapRequest, answer: Answer, maxLifetime: number): MappingResult {
  const isDeletion = asked.lifetime === 0;
  switch (answer.kind) {
    case 'granted': {
      if (isDeletion) return failure(RESULT.NETWORK_FAILURE);
      const { externalPort, lifetime, origin } = answer.lease;
      // §3.3: not longer than asked. A static mapping has no lifetime; the client is told one to renew by.
      const ceiling = origin === 'static' ? maxLifetime : lifetime;
      return { result: RESULT.SUCCESS, externalPort, lifetime: Math.min(asked.lifetime, ceiling) };
    }
    case 'removed':
      return isDeletion ? DELETED : failure(RESULT.NETWORK_FAILURE);
    case 'host-mappings-removed':
      if (!isDeletion) return failure(RESULT.NETWORK_FAILURE);
      // §3.4: as many as possible are deleted; that some could not be is still a failure.
      return answer.kept > 0 ? failure(RESULT.NOT_AUTHORIZED) : DELETED;
    case 'refused':
      return failure(RESULT_OF_REASON[answer.reason]);
    case 'unavailable':
    case 'mapping-list':
    case 'watching':
    case 'status-report':
      return failure(RESULT.NETWORK_FAILURE);
  }
}
