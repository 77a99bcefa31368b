// One thing that works or does not: a line of natpmpctl doctor, and of the health of the status page. Pure.

export interface Finding {
  /** What was checked. */
  readonly check: string;
  /** `unknown`: it could not be checked. */
  readonly verdict: 'ok' | 'warn' | 'fail' | 'unknown';
  readonly says: string;
  /** What to do; null if there is nothing to do. */
  readonly remedy: string | null;
}

export function ok(check: string, says: string): Finding {
  return { check, verdict: 'ok', says, remedy: null };
}

export function warn(check: string, says: string, remedy: string): Finding {
  return { check, verdict: 'warn', says, remedy };
}

export function fail(check: string, says: string, remedy: string): Finding {
  return { check, verdict: 'fail', says, remedy };
}

export function unknown(check: string, says: string, remedy: string | null = null): Finding {
  return { check, verdict: 'unknown', says, remedy };
}
