// The supervisor protocol of sd_notify(3), over an inherited descriptor instead of $NOTIFY_SOCKET.

import { writeSync } from 'node:fs';

/**
 * Report READY=1, then WATCHDOG=1 at half the watchdog's interval, as sd_watchdog_enabled(3) recommends.
 *
 * @param fd The descriptor to write to; null if there is no supervisor.
 * @param watchdogUsec The interval in microseconds: the text of $WATCHDOG_USEC, undefined for no watchdog.
 */
export function notifyReady(fd: number | null, watchdogUsec: string | undefined): void {
  if (fd === null) return;
  writeSync(fd, 'READY=1\n');
  const intervalMs = Number(watchdogUsec ?? '0') / 1000;
  if (intervalMs > 0) setInterval(() => writeSync(fd, 'WATCHDOG=1\n'), intervalMs / 2);
}

/** Report STATUS=, a line that `systemctl status` shows. */
export function notifyStatus(fd: number | null, text: string): void {
  if (fd !== null) writeSync(fd, `STATUS=${text}\n`);
}
