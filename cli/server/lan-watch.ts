// Notices when the LAN interfaces change: the sockets of the daemons are bound to the old addresses and devices.

import type { ListenInterface } from '../host/interfaces.js';
import { interfaceFingerprint } from '../host/interfaces.js';
import type { Log } from '../host/log.js';

const CHECK_INTERVAL_MS = 3000;

export interface LanWatch {
  /** Resolves when a LAN has another address, or its interface was created again. */
  readonly changed: Promise<'lan'>;
  stop(): void;
}

export function watchLans(atStart: readonly ListenInterface[], log: Log): LanWatch {
  const names = atStart.map(({ name }) => name);
  const before = JSON.stringify(atStart);
  let isMissing = false;
  let timer: NodeJS.Timeout | undefined;
  const changed = new Promise<'lan'>((resolve) => {
    timer = setInterval(() => {
      const now = interfaceFingerprint(names);
      if (now === '' && !isMissing) log.warn({ lan: names }, 'a LAN interface is missing: waiting for it');
      isMissing = now === '';
      if (now !== '' && now !== before) resolve('lan');
    }, CHECK_INTERVAL_MS);
  });
  return { changed, stop: () => clearInterval(timer) };
}
