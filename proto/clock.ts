// The clock of the contract: CLOCK_BOOTTIME in milliseconds, which includes suspend and cannot be set.

import { uptime } from 'node:os';

/** Milliseconds since boot, suspend included. */
export type BootClock = () => number;

/** How often the share of suspend is looked at, in milliseconds awake. */
const LOOK_AGAIN_MS = 1000;

/**
 * CLOCK_BOOTTIME as far as Node shows it: `hrtime` is CLOCK_MONOTONIC, fine but without suspend, and `uptime` is
 * CLOCK_BOOTTIME, in whole seconds under ProcSubset=pid. What the second is ahead of the first is time in suspend.
 */
export function bootClock(): BootClock {
  let suspendedMs = 0;
  let lookedAt = -Infinity;
  return () => {
    const awakeMs = monotonicMs();
    if (awakeMs - lookedAt >= LOOK_AGAIN_MS) {
      // `uptime` is read first and rounds down, so without suspend this is never above zero.
      const ahead = uptime() - monotonicMs() / 1000;
      suspendedMs = Math.max(0, Math.ceil(ahead)) * 1000;
      lookedAt = awakeMs;
    }
    return Math.floor(awakeMs + suspendedMs);
  };
}

/** Read several times for each datagram; as a bigint it costs least without a JIT. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
