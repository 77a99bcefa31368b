// A word about other UPnP gateways on this router.

import type { Log } from '../host/log.js';
import { findOtherGateways } from '../host/other-gateways.js';

/** One line if another UPnP gateway runs in this network. It may serve another LAN, so it is no reason not to start. */
export function warnOfOtherGateways(log: Log): void {
  const others = findOtherGateways();
  if (others.length > 0)
    log.warn(
      { pids: others.map(({ pid }) => pid) },
      'another UPnP gateway runs here (miniupnpd): on a LAN of both, programs take the first that answers; stop one of them, or turn its UPnP off',
    );
}
