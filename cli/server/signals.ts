// Signals of the launcher.

import type { Log } from '../host/log.js';

/** Resolves at the first SIGTERM or SIGINT. From this call on, SIGHUP does not end the launcher; run.ts handles it. */
export function stopSignal(log: Log): Promise<'stop'> {
  process.on('SIGHUP', () => log.debug('SIGHUP'));
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        log.info({ signal }, 'stopping');
        resolve('stop');
      });
    }
  });
}
