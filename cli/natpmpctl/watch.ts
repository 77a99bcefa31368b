// natpmpctl watch: events of mappings and pinholes, as they happen.

import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Event } from '../../proto/codec.js';
import { parseNumber } from '../host/parse.js';
import { readClocks } from './clocks.js';
import type { Options } from './command.js';
import { command } from './command.js';
import { chooseSocket } from './connect.js';
import { openHelper } from './helper.js';
import type { ListedMapping, Moment } from './mapping.js';
import { formatEndpoint, listedMapping } from './mapping.js';
import type { NameOptions } from './name-options.js';
import { readNames, withNames } from './name-options.js';
import type { Names } from './names.js';
import { print, wantsColour } from './output.js';
import type { Style } from './table.js';
import { paint } from './table.js';
import { shortSeconds } from './units.js';

/** One line of `natpmpctl watch --json`. Stable: other programs read it. */
export interface WatchedEvent {
  /** `watching`: no event is missed from here on; it also comes after `lost`, when the helper is back. */
  readonly event: Exclude<Event['kind'], 'probe'> | 'watching' | 'lost';
  /** ISO 8601. */
  readonly at: string;
  /** A mapping or a pinhole. */
  readonly mapping: Omit<ListedMapping, 'packets' | 'bytes'> | null;
}

/** Pure. */
export function watchedEvent(
  event: Exclude<Event, { kind: 'probe' }> | { readonly kind: 'watching' | 'lost' },
  now: Moment,
  names: Names,
): WatchedEvent {
  const at = new Date(now.wallMs).toISOString();
  const listed = 'lease' in event ? event.lease : 'pinhole' in event ? event.pinhole : null;
  if (listed === null) return { event: event.kind, at, mapping: null };
  const { packets, bytes, ...mapping } = listedMapping(listed, now, names);
  return { event: event.kind, at, mapping };
}

const STYLES: Readonly<Partial<Record<WatchedEvent['event'], Style>>> = {
  granted: 'green',
  removed: 'red',
  expired: 'yellow',
  resynchronised: 'yellow',
  lost: 'red',
  watching: 'dim',
};
const MEANINGS: Readonly<Partial<Record<WatchedEvent['event'], string>>> = {
  watching: 'from here on nothing is missed',
  lost: 'the helper is gone: waiting for it',
  resynchronised: 'someone else changed the ruleset; all is back',
};

/** Pure: "14:05:09 granted  tcp 8080 -> 192.168.1.50:8080 (nas) for 1h". */
export function formatWatched({ event, at, mapping }: WatchedEvent, inColour: boolean): string {
  const head = `${new Date(at).toTimeString().slice(0, 8)} ${paint(event.padEnd(9), STYLES[event], inColour)}`;
  if (mapping === null) return `${head} ${MEANINGS[event] ?? ''}`.trimEnd();
  const { name, timeLeft, lifetime, askedBy } = mapping;
  const has = event === 'granted' || event === 'renewed';
  const time = !has ? '' : timeLeft === null ? ' until removed' : ` for ${shortSeconds(lifetime)}`;
  // What most are asked for by goes without saying.
  const by = !has || askedBy === null || ['NAT-PMP', 'PCP'].includes(askedBy) ? '' : `, by ${askedBy}`;
  return `${head} ${formatEndpoint(mapping)}${name === null ? '' : ` (${name})`}${time}${by}`;
}

export function watchCommand(): Command {
  return withNames(command('watch', 'print what happens to mappings and pinholes, as it happens, until Ctrl-C'))
    .option('--count <n>', 'stop after so many events', (text) => {
      const number = parseNumber(text, 1, 2 ** 31);
      if (number === null) throw new InvalidArgumentError('A number from 1 is needed.');
      return number;
    })
    .action(watch);
}

async function watch(options: Options & NameOptions & { readonly count?: number }): Promise<void> {
  const names = readNames(options);
  let left = options.count ?? Infinity;
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const printEvent = (event: Parameters<typeof watchedEvent>[0]): void => {
    const one = watchedEvent(event, readClocks(), names);
    print(options.json === true ? JSON.stringify(one) : formatWatched(one, wantsColour()));
  };
  const helper = await openHelper(chooseSocket(options), {
    watching: () => printEvent({ kind: 'watching' }),
    lost: () => printEvent({ kind: 'lost' }),
    crowded: () => void process.stderr.write('natpmpctl: too many watchers: waiting until one of them leaves\n'),
    event(event) {
      if (event.kind === 'probe' || left <= 0) return;
      printEvent(event);
      if (--left <= 0) end();
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  await ended;
  helper.close();
}
