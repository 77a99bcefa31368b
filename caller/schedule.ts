// Timers as an argument, so that tests can move the time.

/** Run something after a delay; the returned function cancels it. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

/** A Schedule of Node's own timers. */
export function schedule(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}
