// What the launcher does about signals.

import type { Log } from '../host/log.js';

/**
 * Resolves at the first SIGTERM or SIGINT. From now on SIGHUP does not end us either; what it does is for gateway.ts.
 */
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
