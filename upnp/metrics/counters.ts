// Counters of events, by the part that saw them. Requests are counted and never logged, so that the LAN cannot fill the
// log, nor write its texts into it.

import type { ControlEvent } from '../igd/control.js';
import { CONTROL_EVENTS } from '../igd/control.js';
import type { HttpEvent } from '../http/checks.js';
import { HTTP_EVENTS } from '../http/checks.js';
import type { SsdpEvent } from '../ssdp/types.js';
import { SSDP_EVENTS } from '../ssdp/types.js';

/** Events of the process itself. */
const PROCESS_EVENTS = ['helper-found', 'helper-lost', 'fell-behind', 'address-changed', 'defect'] as const;
export type ProcessEvent = (typeof PROCESS_EVENTS)[number];

/** The events of each part. */
export const EVENTS = {
  ssdp: SSDP_EVENTS,
  http: HTTP_EVENTS,
  control: CONTROL_EVENTS,
  process: PROCESS_EVENTS,
} as const;

export interface EventOf {
  readonly ssdp: SsdpEvent;
  readonly http: HttpEvent;
  readonly control: ControlEvent;
  readonly process: ProcessEvent;
}

export class Counters {
  readonly #counts = new Map<string, number>(
    Object.entries(EVENTS).flatMap(([part, events]) => events.map((event) => [`${part} ${event}`, 0] as const)),
  );

  /** A function that counts the events of one part. */
  of<P extends keyof EventOf>(part: P): (event: EventOf[P]) => void {
    return (event) => {
      const key = `${part} ${event}`;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    };
  }

  get<P extends keyof EventOf>(part: P, event: EventOf[P]): number {
    return this.#counts.get(`${part} ${event}`) ?? 0;
  }

  /** The totals that are not zero, by part and event. */
  totals(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].filter(([, count]) => count > 0));
  }
}
