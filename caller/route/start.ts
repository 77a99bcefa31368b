// Follows the address of the external interface for as long as the process runs.

import { EarliestTimer } from '../../process/earliest-timer.js';
import { onReadable } from '../../process/poll.js';
import type { BootClock } from '../../proto/clock.js';
import type { Ipv4 } from '../../proto/mapping.js';
import { schedule } from '../schedule.js';
import { AddressWatch } from './address.js';
import type { RouteSocket } from './socket.js';

/** The pause between two polls in milliseconds: changes come in bursts. */
const POLL_REST_MS = 200;

/**
 * Report the address of the interface, or null, and from then on every change.
 *
 * @param fd The descriptor of `socket`.
 */
export function watchAddress(
  fd: number,
  socket: RouteSocket,
  interfaceName: string,
  onChange: (address: Ipv4 | null) => void,
  clock: BootClock,
): AddressWatch {
  const timer = new EarliestTimer(() => watch.poll(), clock);
  const watch = new AddressWatch(socket, interfaceName, onChange, () => timer.within(POLL_REST_MS), schedule);
  watch.poll();
  onReadable(fd, POLL_REST_MS, () => watch.poll());
  if (watch.address === null) onChange(null); // not a change for the watch
  return watch;
}
