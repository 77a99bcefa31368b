// When to ask again. Pure; all in milliseconds.

/**
 * What is waited for an answer after each attempt: 250 ms, doubling, nine attempts (RFC 6886 §3.1). 127.75 s in all.
 */
export const ATTEMPTS_MS: readonly number[] = Array.from({ length: 9 }, (_, attempt) => 250 * 2 ** attempt);

/** The same for a farewell, that nobody wants to wait two minutes for: 7.75 s in all. */
export const REMOVAL_ATTEMPTS_MS = ATTEMPTS_MS.slice(0, 5);

/** The longest a timer can be set to. */
const MAX_TIMER_MS = 0x7fffffff;

/** Renew when half of the lifetime has passed (RFC 6886 §3.3); `lifetime` in seconds, as granted. */
export function renewAfterMs(lifetime: number): number {
  return Math.min(lifetime * 500, MAX_TIMER_MS);
}

/** After so many failures in a row, 1 and more: a second, doubling, at most a minute. */
export function retryAfterMs(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 60_000);
}
