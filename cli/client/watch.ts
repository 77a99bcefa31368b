// `natpmp-client HOST watch`: print the gateway's announcements, and what they mean.

import { formatIpv4 } from '../../proto/mapping.js';
import { EXIT } from '../host/failure.js';
import type { Announcement, StateChange } from './announcements.js';
import { GatewayMonitor, receiveAnnouncements } from './announcements.js';
import type { Gateway } from './exchange.js';
import { ask, findLocalAddress } from './exchange.js';
import type { Output, PrintOutput } from './format.js';
import { describe, noAnswer } from './format.js';
import { ATTEMPTS_MS } from './timing.js';

export interface WatchOptions {
  /** This machine's address on the interface to listen on; null for the one on the route to the gateway. */
  readonly interface: string | null;
  /** Stop after this many announcements. */
  readonly count: number;
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
  const enough = new AbortController();
  const end = AbortSignal.any([signal, enough.signal]);
  let count = 0;
  let listener: { close(): void };
  try {
    listener = await receiveAnnouncements(gateway.address, localAddress, (announcement) => {
      if (end.aborted) return;
      print(announcementOutput(gateway, announcement, monitor.observe(announcement, performance.now())));
      if (++count >= options.count) enough.abort();
    });
  } catch (error) {
    return failed(print, gateway, `announcements cannot be received on ${localAddress}: ${(error as Error).message}`);
  }
  // The first announcement is compared with the answer to this request, if the gateway is already there.
  const answer = await ask(gateway, { kind: 'external-address' }, ATTEMPTS_MS, end);
  if (answer.kind === 'reply' && count === 0 && !end.aborted) {
    monitor.observe(answer.reply, performance.now());
    const output = describe(gateway, answer, false);
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

function failed(print: PrintOutput, gateway: Gateway, meaning: string): number {
  const output = noAnswer(`${gateway.address}:${gateway.port}`, 'not-heard', meaning);
  print(output);
  return output.status;
}
