// The two clocks of natpmpctl: leases end by one of them, people read the other.

import { bootClock } from '../../proto/clock.js';
import type { Moment } from './mapping.js';

const bootMs = bootClock();

export function readClocks(): Moment {
  return { bootMs: bootMs(), wallMs: Date.now() };
}
