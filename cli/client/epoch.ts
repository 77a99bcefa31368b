// Whether the gateway has lost its mappings since its last packet. Pure: time is an argument.

/** The Seconds Since Start of Epoch in a packet, and when it arrived, in milliseconds of any steady clock. */
export interface EpochSample {
  readonly epochSeconds: number;
  readonly atMs: number;
}

/** Seconds by which the gateway's clock may be behind our lower bound: transit time and rounding. */
const SLACK_SECONDS = 2;

/** Whether the gateway must have started a new epoch between two packets; the first packet tells nothing. */
export type EpochRule = (before: EpochSample | null, now: EpochSample) => boolean;

/**
 * RFC 6886 §3.6: true if the gateway must have started a new epoch: its seconds are below the last value plus 7/8 of the time since
 * then, by more than the slack. 7/8, because its clock may be slower than ours.
 */
export function hasLostState(before: EpochSample | null, now: EpochSample): boolean {
  if (before === null) return false;
  const elapsedSeconds = (now.atMs - before.atMs) / 1000;
  return now.epochSeconds < before.epochSeconds + (elapsedSeconds * 7) / 8 - SLACK_SECONDS;
}

/**
 * RFC 6887 §8.5: the same, if the gateway's seconds went back by more than one, or if its clock and ours have gone
 * differently by more than a sixteenth and the slack, in either direction.
 */
export function hasLostPcpState(before: EpochSample | null, now: EpochSample): boolean {
  if (before === null) return false;
  if (now.epochSeconds < before.epochSeconds - 1) return true;
  const ours = Math.floor((now.atMs - before.atMs) / 1000);
  const theirs = now.epochSeconds - before.epochSeconds;
  return ours + SLACK_SECONDS < theirs - theirs / 16 || theirs + SLACK_SECONDS < ours - ours / 16;
}
