// Whether the gateway has lost its mappings since its last packet (RFC 6886 §3.6). Pure: time is an argument.

/** The Seconds Since Start of Epoch in a packet, and when it arrived, in milliseconds of any steady clock. */
export interface EpochSample {
  readonly epochSeconds: number;
  readonly atMs: number;
}

/** Seconds by which the gateway's clock may be behind our lower bound: transit time and rounding. */
const SLACK_SECONDS = 2;

/**
 * True if the gateway must have started a new epoch: its seconds are below the last value plus 7/8 of the time since
 * then, by more than the slack. 7/8, because its clock may be slower than ours.
 */
export function hasLostState(before: EpochSample | null, now: EpochSample): boolean {
  if (before === null) return false;
  const elapsedSeconds = (now.atMs - before.atMs) / 1000;
  return now.epochSeconds < before.epochSeconds + (elapsedSeconds * 7) / 8 - SLACK_SECONDS;
}
