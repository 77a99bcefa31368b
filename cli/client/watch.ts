// `natpmp-client HOST watch`: print the gateway's announcements, and what they mean.

import { formatIpv4 } from '../../proto/mapping.js';
import { EXIT } from '../host/failure.js';
import type { Announcement, StateChange } from './announcements.js';
import { GatewayMonitor, receiveAnnouncements } from './announcements.js';
import type { Gateway } from './exchange.js';
import { ask, findLocalAddress } from './exchange.js';
import type { Output, PrintOutput } from './format.js';
import { describe, formatEndpoint, noAnswer } from './format.js';
import { ATTEMPTS_MS } from './timing.js';

export interface WatchOptions {
  /** This machine's address on the interface to listen on; null for the one on the route to the gateway. */
  readonly interface: string | null;
  /** Stop after this many announcements. */
  readonly count: number;
}

/** A gateway's announcements, as `watch` prints them. */
export interface Announcements {
  /** Rejects if they cannot be received. */
  receive(onAnnouncement: (output: Output) => void): Promise<{ close(): void }>;
  /**
   * Ask for the state of now. The function returned takes it into account, so that the first announcement is compared
   * with it, and returns what to print; null if there is no answer.
   */
  askNow(signal: AbortSignal): Promise<(() => Output) | null>;
}

/** Watch until `count` announcements have come, or the signal; resolves with the exit status. */
export async function watch(
  gateway: Gateway,
  options: WatchOptions,
  print: PrintOutput,
  signal: AbortSignal,
): Promise<number> {
  const localAddress = options.interface ?? (await findLocalAddress(gateway));
  if (localAddress === null)
    return failed(print, gateway, 'no route to it: name the interface with --interface ADDRESS');
  const monitor = new GatewayMonitor();
  const announcements: Announcements = {
    receive: (onAnnouncement) =>
      receiveAnnouncements(gateway.address, localAddress, (announcement) =>
        onAnnouncement(announcementOutput(gateway, announcement, monitor.observe(announcement, performance.now()))),
      ),
    async askNow(end) {
      const answer = await ask(gateway, { kind: 'external-address' }, ATTEMPTS_MS, end);
      if (answer.kind !== 'reply') return null;
      return () => {
        monitor.observe(answer.reply, performance.now());
        return describe(gateway, answer, false);
      };
    },
  };
  return follow(announcements, options.count, print, signal).catch((error: Error) =>
    failed(print, gateway, `announcements cannot be received on ${localAddress}: ${error.message}`),
  );
}

/** Print announcements until `count` have come, or the signal. Rejects if they cannot be received. */
export async function follow(
  announcements: Announcements,
  count: number,
  print: PrintOutput,
  signal: AbortSignal,
): Promise<number> {
  const enough = new AbortController();
  const end = AbortSignal.any([signal, enough.signal]);
  let heard = 0;
  const listener = await announcements.receive((output) => {
    if (end.aborted) return;
    print(output);
    if (++heard >= count) enough.abort();
  });
  const now = await announcements.askNow(end);
  if (now !== null && heard === 0 && !end.aborted) {
    const output = now();
    print({ ...output, report: { event: 'now', ...output.report }, line: `now: ${output.line}` });
  }
  await new Promise<void>((resolve) => {
    if (end.aborted) resolve();
    else end.addEventListener('abort', () => resolve());
  });
  listener.close();
  return EXIT.success;
}

/** Pure. */
export function announcementOutput(gateway: Gateway, announcement: Announcement, change: StateChange): Output {
  const externalAddress = formatIpv4(announcement.address);
  const epoch = announcement.secondsSinceStartOfEpoch;
  const meaning = change.lostState
    ? ': the gateway has LOST ITS STATE; mappings must be made again'
    : change.addressChanged
      ? ': the external address has changed'
      : '';
  return {
    report: { event: 'announcement', gateway: gateway.address, externalAddress, epoch, ...change },
    line: `announced: external address ${externalAddress}, epoch ${epoch} s${meaning}`,
    status: EXIT.success,
  };
}

export function failed(print: PrintOutput, gateway: Gateway, meaning: string): number {
  const output = noAnswer(formatEndpoint(gateway), 'not-heard', meaning);
  print(output);
  return output.status;
}
