// From a journal to the table of now: how much time has passed, which leases are still valid, and whether the epoch
// continues (RFC 6886 §3.6, §3.7). Pure.

import type { AnyLease, Limits, Now, Replayed, Restored } from '../types.js';
import { inRanges } from '../../proto/mapping.js';
import { isGlobalUnicast, isHostAllowed } from '../limits.js';
import { Leases } from '../leases.js';

/** After a reboot, a power-off that seems longer than this is taken for a wrong clock, in milliseconds. */
const LONGEST_ABSENCE_MS = 7 * 86_400_000;

export function restore(replayed: Replayed, limits: Limits, now: Now): Restored {
  if (replayed.kind === 'empty') return freshEpoch(now, 'there is no state yet');
  if (replayed.kind === 'damaged') return freshEpoch(now, `the journal is damaged at byte ${replayed.at}`);
  const { clock, writtenAtMs } = replayed;
  const wallOffsetMs = now.wall - now.boottimeMs;
  const isSameBoot = clock.bootId === now.bootId;
  const shift = isSameBoot ? 0 : clock.wallOffsetMs - wallOffsetMs;
  // Across a reboot only the wall clock has measured the time. One earlier than the last record is wrong.
  const absence = now.boottimeMs - shift - writtenAtMs;
  if (!isSameBoot && (absence < 0 || absence > LONGEST_ABSENCE_MS))
    return freshEpoch(now, 'the wall clock cannot be right, so no lease can be aged', replayed.leases, limits);

  const agedAt = isSameBoot ? clock.agedAtMs : now.boottimeMs;
  const setAheadMs = isSameBoot ? wallOffsetMs - clock.wallOffsetMs : 0; // while no helper ran
  const leases = new Leases();
  let outside = 0;
  for (const lease of replayed.leases) {
    // Never longer than granted, whatever the clocks say.
    const expiresAt = Math.min(
      lease.expiresAt + shift - ageMissed(lease, agedAt, setAheadMs),
      lease.origin === 'static' ? Infinity : now.boottimeMs + lease.lifetime * 1000,
    );
    if (expiresAt <= now.boottimeMs) continue; // ended while no helper ran
    if (isWithin(limits, lease)) leases.apply({ before: undefined, after: { ...lease, expiresAt } });
    else outside++;
  }
  // §3.7: clearing mappings by a change of configuration is a loss of state, which clients must learn.
  const off = limits.maxPinholes === 0 && replayed.leases.some((one) => 'address' in one) ? ': pinholes are off' : '';
  const epochResetReason = outside > 0 ? `${outside} leases are outside the limits now${off}` : null;
  return { leases, epochStart: outside > 0 ? now.boottimeMs : clock.epochStartMs + shift, agedAt, epochResetReason };
}

/**
 * How much earlier a lease ends, in milliseconds, because the wall clock was set ahead after it had aged the leases of an
 * earlier boot: the router was off for longer than it seemed. Leases granted since `agedAt` count by CLOCK_BOOTTIME. One
 * that was set back gives no more time: what a client was told is gone stays so.
 */
export function ageMissed(lease: AnyLease, agedAt: number, setAheadMs: number): number {
  return lease.expiresAt - lease.lifetime * 1000 <= agedAt ? Math.max(0, setAheadMs) : 0;
}

/** Start without dynamic leases. Static ones have no end that a clock could get wrong. */
function freshEpoch(now: Now, epochResetReason: string, readable: readonly AnyLease[] = [], limits?: Limits): Restored {
  const leases = new Leases();
  for (const lease of readable) {
    if (lease.origin === 'static' && limits !== undefined && isWithin(limits, lease))
      leases.apply({ before: undefined, after: lease });
  }
  return { leases, epochStart: now.boottimeMs, agedAt: 0, epochResetReason };
}

/** Whatever is reserved: if the router needs a port now, its mapping alone ends (Reconciler), and not the epoch. */
function isWithin(limits: Limits, lease: AnyLease): boolean {
  if ('address' in lease)
    return (
      limits.maxPinholes > 0 &&
      isGlobalUnicast(lease.address) &&
      (lease.origin === 'static' || inRanges(limits.allowedPorts, lease.port))
    );
  return isHostAllowed(limits, lease.internalAddress) && inRanges(limits.allowedPorts, lease.externalPort);
}
