// Leases as tests compare them.

import type { AnyLease, HeldPinhole } from '../../helper/types.js';
import type { Lease } from '../../proto/mapping.js';

/** The leases of mappings among these. */
export function mappingsOf(leases: Iterable<AnyLease>): readonly Lease[] {
  return [...leases].flatMap((each) => ('address' in each ? [] : [each]));
}

export function pinholesOf(leases: Iterable<AnyLease>): readonly HeldPinhole[] {
  return [...leases].flatMap((each) => ('address' in each ? [each] : []));
}
