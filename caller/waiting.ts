// Trouble with the helper that passes: how it is told from a refusal, and how a request waits for its end.

import type { Answer } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import type { Schedule } from './schedule.js';

/** What a wait depends on. */
export interface Waiting {
  readonly state: {
    /** The helper is connected, and the replica of its table is complete or nearly so (helper-session.ts). */
    readonly isHelperReady: boolean;
    /** Resolves when the helper is ready, at once if it is, or after so many milliseconds. */
    helperReady(limitMs: number): Promise<void>;
  };
  readonly clock: BootClock;
  readonly schedule: Schedule;
}

/** How long a request waits, from its arrival, for trouble to pass, in milliseconds. */
export const PATIENCE_MS = 3000;

/** The pause before the helper is asked again, if it is connected and yet could not do it, in milliseconds. */
const RETRY_MS = 500;

/** Whether the helper refused only the external port, so that another one may be granted. */
export function isPortRefused(answer: Answer): boolean {
  return answer.kind === 'refused' && (answer.reason === 'conflict' || answer.reason === 'port');
}

/**
 * Whether the helper may do it if it is asked again: it was away, too busy, or could not change the ruleset, which
 * somebody else may just be loading. Every request is idempotent.
 */
export function isPassing(answer: Answer): boolean {
  return (
    answer.kind === 'unavailable' ||
    (answer.kind === 'refused' && (answer.reason === 'kernel' || answer.reason === 'late'))
  );
}

/** A pause before the helper is asked again: until it is back, or a moment if it is there. */
export function untilItMayPass(endMs: number, { state, clock, schedule }: Waiting): Promise<void> {
  if (!state.isHelperReady) return state.helperReady(endMs - clock());
  return new Promise((resolve) => {
    schedule(RETRY_MS, resolve);
  });
}
