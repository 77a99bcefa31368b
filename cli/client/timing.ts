// When to repeat a request. Pure; all in milliseconds.

/**
 * How long to wait for an answer after each attempt: 250 ms, doubling, nine attempts (RFC 6886 §3.1). 127.75 s in all.
 */
export const ATTEMPTS_MS: readonly number[] = Array.from({ length: 9 }, (_, attempt) => 250 * 2 ** attempt);

/** The same for removing a mapping at the end, which must not take two minutes: 7.75 s in all. */
export const REMOVAL_ATTEMPTS_MS = ATTEMPTS_MS.slice(0, 5);

/**
 * The same for PCP: 3 s, doubling, each by up to a tenth longer or shorter (RFC 6887 §8.1.1: IRT, RAND). 93 s in all;
 * the RFC names no end. `random` returns a number from 0 to 1.
 */
export function pcpAttemptsMs(random: () => number): readonly number[] {
  return [3000, 6000, 12_000, 24_000, 48_000].map((each) => Math.round(each * (0.9 + random() / 5)));
}

/** How many of them are enough at the end, for removing a pinhole: 9 s. */
export const PCP_REMOVAL_ATTEMPTS = 2;

/** The longest delay that a timer takes. */
const MAX_TIMER_MS = 0x7fffffff;

/** Renew when half of the lifetime has passed (RFC 6886 §3.3); `lifetime` in seconds, as granted. */
export function renewAfterMs(lifetimeSeconds: number): number {
  return Math.min(lifetimeSeconds * 500, MAX_TIMER_MS);
}

/** After this many failures in a row (at least 1): a second, doubling, at most a minute. */
export function retryAfterMs(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 60_000);
}
