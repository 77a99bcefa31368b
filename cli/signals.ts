// What the launcher does about signals.

import type { Log } from './log.js';

/** Resolves at the first SIGTERM or SIGINT. SIGHUP is answered with the truth: nothing is reloaded. */
export function stopSignals(log: Log): Promise<'stop'> {
  process.on('SIGHUP', () => {
    log.warn('SIGHUP: nothing was reloaded: restart to change the configuration; mappings are kept over a restart');
  });
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        log.info({ signal }, 'stopping');
        resolve('stop');
      });
    }
  });
}
