// The helper's answer to the PCP result of a request (RFC 6887 §7.4). Pure.

import type { Answer } from '../../proto/client.js';
import type { Reason } from '../../proto/codec.js';
import type { PcpErrorName } from './wire.js';

export type PcpOutcome =
  /** `lifetime`: seconds; Infinity for a static pinhole. */
  | { readonly kind: 'granted'; readonly lifetime: number }
  | { readonly kind: 'deleted' }
  /** `isAnothers`: it was opened with another nonce, so its end is when the answer changes. */
  | { readonly kind: 'error'; readonly result: PcpErrorName; readonly isAnothers?: true };

const RESULT_OF_REASON: Readonly<Record<Exclude<Reason, 'late' | 'rate' | 'nonce'>, PcpErrorName>> = {
  'not-permitted': 'NOT_AUTHORIZED', // also the deletion of a static one (§15.1)
  address: 'NOT_AUTHORIZED',
  port: 'NOT_AUTHORIZED',
  lifetime: 'NOT_AUTHORIZED',
  'host-full': 'USER_EX_QUOTA',
  'table-full': 'NO_RESOURCES',
  kernel: 'NO_RESOURCES',
  // Defects of our own processes, not the client's fault.
  conflict: 'NETWORK_FAILURE',
  malformed: 'NETWORK_FAILURE',
  'too-many-watchers': 'NETWORK_FAILURE',
};

/** What the client is told; null for silence, if nobody knows it: the client asks again. Total. */
export function pcpOutcome(request: 'map' | 'delete', answer: Answer): PcpOutcome | null {
  if (answer.kind === 'unavailable') return null;
  if (answer.kind === 'refused') {
    if (answer.reason === 'nonce') return { kind: 'error', result: 'NOT_AUTHORIZED', isAnothers: true };
    // `rate`: another program asked for the same device, because our own rate limit is lower. It passes.
    if (answer.reason === 'late' || answer.reason === 'rate') return null;
    return { kind: 'error', result: RESULT_OF_REASON[answer.reason] };
  }
  if (request === 'delete' && answer.kind === 'removed') return { kind: 'deleted' };
  if (request === 'map' && answer.kind === 'pinhole-granted') {
    const { origin, lifetime } = answer.pinhole;
    return { kind: 'granted', lifetime: origin === 'static' ? Infinity : lifetime };
  }
  return { kind: 'error', result: 'NETWORK_FAILURE' }; // an answer of the wrong kind
}
