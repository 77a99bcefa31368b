// The lists of hosts and of events.

import { shortSeconds } from '../natpmpctl/units.js';
import type { GatewayEvent } from '../natpmpctl/web/messages.js';
import { clockTime, createElement, elementById, formatBytes, redraw, setText } from './draw.js';
import type { HostSum, Model } from './model.js';
import { formatHost } from './model.js';

/** Rows of the table of hosts; of the others it gives the number. */
const MAX_HOSTS = 20;

/** `show` is called with a host that the user clicks. */
export function drawHosts(model: Model, show: (address: string) => void): void {
  const hosts = model.hosts();
  const shown = hosts.slice(0, MAX_HOSTS);
  elementById('hosts').hidden = hosts.length === 0;
  setText(elementById('hosts-more'), hosts.length > shown.length ? `and ${hosts.length - shown.length} more` : '');
  const body = elementById('host-rows');
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['address'] : undefined;
  if (!redraw(body, JSON.stringify(shown), () => shown.map((host) => hostRow(host, show))) || focused === undefined)
    return;
  body.querySelector<HTMLElement>(`[data-address="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function hostRow({ address, name, count, bytes, rate }: HostSum, show: (address: string) => void): Element {
  const button = createElement('button', { className: 'host', text: name ?? address });
  button.type = 'button';
  button.dataset['address'] = address;
  button.title = `show the mappings of ${address}`;
  button.addEventListener('click', () => show(address));
  const head = createElement(
    'th',
    {},
    button,
    ' ',
    createElement('span', { className: 'address', text: name === null ? '' : address }),
  );
  head.scope = 'row';
  return createElement(
    'tr',
    {},
    head,
    createElement('td', { text: String(count) }),
    createElement('td', { text: rate < 1 ? formatBytes(bytes) : `${formatBytes(bytes)}, ${formatBytes(rate)}/s` }),
  );
}

export function drawEvents(past: readonly GatewayEvent[]): void {
  const newest = past.toReversed();
  redraw(elementById('events'), newest.map(({ at, kind, mapping }) => `${at} ${kind} ${mapping?.id}`).join(), () =>
    newest.map((event) => {
      const time = createElement('time', { text: clockTime(event.at) });
      time.dateTime = event.at;
      const kind = createElement('span', { className: 'kind', text: event.kind });
      kind.dataset['kind'] = event.kind;
      return createElement('li', {}, time, ' ', kind, ' ', createElement('span', { text: describeMapping(event) }));
    }),
  );
  elementById('no-events').hidden = past.length > 0;
}

const MEANINGS = {
  resynchronised: 'someone else changed the ruleset; all is back',
  lost: 'the helper is gone',
  back: 'the helper is back',
} as const;

function describeMapping({ kind, mapping }: GatewayEvent): string {
  if (mapping === null) return kind in MEANINGS ? MEANINGS[kind as keyof typeof MEANINGS] : '';
  const { protocol, externalPort, internalPort, name, lifetime, endsAt } = mapping;
  const time = kind !== 'granted' ? '' : endsAt === null ? ' until removed' : ` for ${shortSeconds(lifetime)}`;
  return `${protocol} ${externalPort} to ${name === null ? formatHost(mapping) : `${name}:${internalPort}`}${time}`;
}

/** Announce events to screen readers: one in words, several as a number. */
export function announce(events: readonly GatewayEvent[]): void {
  const [first] = events;
  if (first === undefined) return;
  setText(
    elementById('announcer'),
    events.length === 1 ? `${first.kind}: ${describeMapping(first)}` : `${events.length} changes of the mappings`,
  );
}
