// A log line for each mapping that comes or goes, and no more at once than somebody would read: what LAN hosts ask
// for must not fill a disk. Those that were left out are summed up. Pure: the time comes in, lines go out.

import type { Event } from '../proto/codec.js';
import type { Lease } from '../proto/mapping.js';
import { formatIpv4 } from '../proto/mapping.js';

/** How many lines in an interval, of all hosts together: far below a kilobyte a second. */
export const MOST_LINES = 8;
const INTERVAL_MS = 10_000;

/** The part of pino's logger that is used. */
export interface Lines {
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  isLevelEnabled(level: 'debug'): boolean;
}

export class MappingLog {
  readonly #log: Lines;
  #since = -Infinity;
  #lines = 0;
  #unlisted: Partial<Record<Event['kind'], number>> | null = null;

  constructor(log: Lines) {
    this.#log = log;
  }

  /** Say what happened. `now`: milliseconds of a clock that only goes on. Call it now and then also without events. */
  tell(events: readonly Event[], now: number): void {
    if (now - this.#since >= INTERVAL_MS) this.#begin(now);
    for (const event of events) {
      if (!('lease' in event)) continue;
      if (event.kind === 'renewed') this.#quietly(event.kind, event.lease);
      else if (this.#lines < MOST_LINES) {
        this.#lines++;
        this.#log.info(mappingFields(event.lease), event.kind);
      } else {
        this.#unlisted ??= {};
        this.#unlisted[event.kind] = (this.#unlisted[event.kind] ?? 0) + 1;
        this.#quietly(event.kind, event.lease);
      }
    }
  }

  #begin(now: number): void {
    if (this.#unlisted !== null)
      this.#log.info({ ...this.#unlisted, listed: this.#lines }, 'mappings that were not listed');
    this.#unlisted = null;
    this.#lines = 0;
    this.#since = now;
  }

  #quietly(kind: string, lease: Lease): void {
    if (this.#log.isLevelEnabled('debug')) this.#log.debug(mappingFields(lease), kind);
  }
}

/** A mapping in a log line; the same names as in the JSON of natpmpctl. */
export function mappingFields({
  protocol,
  externalPort,
  internalAddress,
  internalPort,
  origin,
  lifetime,
}: Lease): object {
  return { protocol, externalPort, internalAddress: formatIpv4(internalAddress), internalPort, origin, lifetime };
}
