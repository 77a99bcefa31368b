// Refusals in the log: summed up, not repeated.

import type { Logger } from 'pino';
import type { Schedule } from './announce.js';
import type { Counters } from './counters.js';

const SUMMARY_MS = 60_000;

/** One line a minute at most, however much was refused. */
export function sumUp(counters: Counters, log: Logger, schedule: Schedule): void {
  schedule(SUMMARY_MS, () => {
    const refused = counters.refusals();
    if (refused !== null) log.info({ refused, seconds: SUMMARY_MS / 1000 }, 'requests refused');
    const counts = log.isLevelEnabled('debug') ? counters.report() : null;
    if (counts !== null) log.debug({ counts }, 'datagrams so far');
    sumUp(counters, log, schedule);
  });
}
