// What must hold of a table that was read from a journal, whatever the journal.

import type { Replayed, Restored } from '../../../helper/types.js';
import { isHostAllowed } from '../../../helper/limits.js';
import { inRanges } from '../../../proto/mapping.js';
import { mappingsOf } from '../../support/mappings.js';
import { must } from '../target.js';
import { LIMITS } from './helper.js';

export function mustBeRestored({ leases, epochStart, epochResetReason }: Restored, read: Replayed, now: number): void {
  const before = read.kind === 'intact' ? mappingsOf(read.leases) : [];
  for (const lease of leases.leases()) {
    must(
      // Those on reserved ports end after it, with an event, and not with the epoch.
      isHostAllowed(LIMITS, lease.internalAddress) && inRanges(LIMITS.allowedPorts, lease.externalPort),
      'what is restored is within the limits',
      lease,
    );
    must(
      lease.expiresAt > now && (lease.origin === 'static' || lease.expiresAt <= now + lease.lifetime * 1000),
      'no lease is restored for longer than it was granted',
      lease,
    );
    must(
      before.some(
        (one) =>
          one.protocol === lease.protocol &&
          one.externalPort === lease.externalPort &&
          one.internalAddress === lease.internalAddress &&
          one.internalPort === lease.internalPort &&
          one.lifetime === lease.lifetime &&
          one.origin === lease.origin,
      ),
      'what is restored was read',
      lease,
    );
  }
  if (read.kind !== 'intact') must(epochResetReason !== null, 'what was lost makes a new epoch', read.kind);
  if (epochResetReason !== null) must(epochStart === now, 'a new epoch begins now', { epochStart, now });
}
