// A log line a minute with the number of refused requests, so that the LAN cannot fill the log.

import type { Logger } from 'pino';
import type { Counters } from './counters.js';
import type { Schedule } from '../caller/schedule.js';

const INTERVAL_MS = 60_000;

/** Log what was refused in each minute, from now on; nothing for a minute without refusals. */
export function logRefusals(counters: Counters, log: Logger, schedule: Schedule): void {
  schedule(INTERVAL_MS, () => {
    const refused = counters.takeRefusals();
    if (refused !== null) log.info({ refused, seconds: INTERVAL_MS / 1000 }, 'requests refused');
    const counts = log.isLevelEnabled('debug') ? counters.takeChangedTotals() : null;
    if (counts !== null) log.debug({ counts }, 'datagrams so far');
    logRefusals(counters, log, schedule);
  });
}
