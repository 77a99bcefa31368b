// BOOTID.UPNP.ORG (UPnP Device Architecture 1.1 §1.2.2): greater after each start, without anything to remember. Pure.

/** The unit of the value, in milliseconds. UDA proposes seconds, but a process that is killed is back in less than one. */
const UNIT_MS = 250;

/**
 * The value of a process, as long as nobody sets the clock back.
 *
 * @param startedAtMs When it was started, in milliseconds of the wall clock.
 */
export function bootIdOf(startedAtMs: number): number {
  return Math.floor(startedAtMs / UNIT_MS);
}

/**
 * For how long such a process must not send its value yet, in milliseconds: then one that is started after it has ended
 * has a greater one.
 */
export function silentMs(startedAtMs: number, nowMs: number): number {
  const leftMs = Math.ceil((bootIdOf(startedAtMs) + 1) * UNIT_MS - nowMs);
  // No longer, if the clock was set back meanwhile.
  return Math.min(Math.max(0, leftMs), UNIT_MS);
}
