// Who holds mappings, and what has happened to them.

import { shortSeconds } from '../natpmpctl/units.js';
import type { Happening } from '../natpmpctl/web/messages.js';
import { amount, arrange, clockTime, make, part, write } from './draw.js';
import type { HostSum, Model } from './model.js';

/** Rows of the table of hosts; of more only the number. */
const MOST_HOSTS = 20;

/** `show`: somebody wants to see a host's mappings. */
export function drawHosts(model: Model, show: (address: string) => void): void {
  const hosts = model.hosts();
  const shown = hosts.slice(0, MOST_HOSTS);
  part('hosts').hidden = hosts.length === 0;
  write(part('hosts-more'), hosts.length > shown.length ? `and ${hosts.length - shown.length} more` : '');
  const body = part('host-rows');
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['address'] : undefined;
  if (!arrange(body, JSON.stringify(shown), () => shown.map((host) => hostRow(host, show))) || focused === undefined)
    return;
  body.querySelector<HTMLElement>(`[data-address="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function hostRow({ address, name, count, bytes, rate }: HostSum, show: (address: string) => void): Element {
  const button = make('button', { className: 'host', text: name ?? address });
  button.type = 'button';
  button.dataset['address'] = address;
  button.title = `show the mappings of ${address}`;
  button.addEventListener('click', () => show(address));
  const head = make('th', {}, button, ' ', make('span', { className: 'address', text: name === null ? '' : address }));
  head.scope = 'row';
  return make(
    'tr',
    {},
    head,
    make('td', { text: String(count) }),
    make('td', { text: rate < 1 ? amount(bytes) : `${amount(bytes)}, ${amount(rate)}/s` }),
  );
}

export function drawHappenings(past: readonly Happening[]): void {
  const newest = past.toReversed();
  arrange(part('events'), newest.map(({ at, kind, mapping }) => `${at} ${kind} ${mapping?.id}`).join(), () =>
    newest.map((happening) => {
      const time = make('time', { text: clockTime(happening.at) });
      time.dateTime = happening.at;
      const kind = make('span', { className: 'kind', text: happening.kind });
      kind.dataset['kind'] = happening.kind;
      return make('li', {}, time, ' ', kind, ' ', make('span', { text: about(happening) }));
    }),
  );
  part('no-events').hidden = past.length > 0;
}

const SAYS = {
  resynchronised: 'someone else changed the ruleset; all is back',
  lost: 'the helper is gone',
  back: 'the helper is back',
} as const;

function about({ kind, mapping }: Happening): string {
  if (mapping === null) return kind in SAYS ? SAYS[kind as keyof typeof SAYS] : '';
  const { protocol, externalPort, internalAddress, internalPort, name, lifetime, endsAt } = mapping;
  const time = kind !== 'granted' ? '' : endsAt === null ? ' until removed' : ` for ${shortSeconds(lifetime)}`;
  return `${protocol} ${externalPort} to ${name ?? internalAddress}:${internalPort}${time}`;
}

/** To who listens rather than looks: one thing, or how many. */
export function say(happenings: readonly Happening[]): void {
  const [first] = happenings;
  if (first === undefined) return;
  write(
    part('announcer'),
    happenings.length === 1 ? `${first.kind}: ${about(first)}` : `${happenings.length} changes of the mappings`,
  );
}
