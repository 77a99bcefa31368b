// A log line for each mapping or pinhole that comes or goes, at a limited rate: requests of LAN hosts must not fill a disk. Those
// left out are counted. Pure: the time comes in, lines go out.

import type { Lease, Pinhole } from '../proto/lease.js';
import type { Event } from '../proto/messages.js';
import { formatIpv6 } from '../proto/ipv6.js';
import { formatIpv4 } from '../proto/mapping.js';
import type { Log } from './log.js';

/** Lines in an interval, of all hosts together: far below a kilobyte a second. */
export const MOST_LINES = 8;
const INTERVAL_MS = 10_000;

export class MappingLog {
  readonly #log: Pick<Log, 'info' | 'debug' | 'isLevelEnabled'>;
  #sinceMs = -Infinity;
  #events = 0;

  constructor(log: Pick<Log, 'info' | 'debug' | 'isLevelEnabled'>) {
    this.#log = log;
  }

  /** Log events. `nowMs`: of a clock that only goes on. Call it now and then also without events. */
  write(events: readonly Event[], nowMs: number): void {
    if (nowMs - this.#sinceMs >= INTERVAL_MS) {
      const unlisted = this.#events - MOST_LINES;
      if (unlisted > 0) this.#log.info({ events: unlisted }, 'mappings that were not listed');
      this.#events = 0;
      this.#sinceMs = nowMs;
    }
    for (const event of events) {
      if (event.kind === 'resynchronised' || event.kind === 'probe') continue;
      const level = event.kind !== 'renewed' && ++this.#events <= MOST_LINES ? 'info' : 'debug';
      if (this.#log.isLevelEnabled(level)) {
        const fields = 'pinhole' in event ? pinholeFields(event.pinhole) : mappingFields(event.lease);
        this.#log[level](fields, event.kind);
      }
    }
  }
}

function pinholeFields({ protocol, address, port, origin, lifetime }: Pinhole): object {
  return { protocol, address: formatIpv6(address), port, origin, lifetime };
}

/** The same names as in the JSON of natpmpctl. */
function mappingFields(lease: Lease): object {
  const { protocol, externalPort, internalPort, origin, lifetime, tool } = lease;
  const internalAddress = formatIpv4(lease.internalAddress);
  const fields = { protocol, externalPort, internalAddress, internalPort, origin, lifetime };
  return tool === undefined ? fields : { ...fields, tool };
}
