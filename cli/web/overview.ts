// The overview: the state of the connection, four figures, and the health of the gateway.

import type { Finding } from '../natpmpctl/finding.js';
import { createElement, elementById, formatBytes, redraw, setText } from './draw.js';
import type { Model } from './model.js';

/** `unheard`: natpmpctl web does not answer. `away`: the helper does not. */
export type ConnectionState = 'live' | 'away' | 'unheard';

const CONNECTION_STATES = {
  live: { level: 'ok', badge: 'live', banner: '' },
  away: {
    level: 'warn',
    badge: 'helper away',
    banner:
      'The helper is away, so this page is out of date. Mappings stay in the kernel and end on time, but none can be made or renewed. The page continues when the helper is back.',
  },
  unheard: {
    level: 'fail',
    badge: 'no connection',
    banner:
      'natpmpctl web does not answer, so this page is out of date. Was it stopped? The page keeps trying to reconnect.',
  },
} as const;

export function drawConnectionState(state: ConnectionState): void {
  const { level, badge, banner } = CONNECTION_STATES[state];
  const element = elementById('state');
  element.dataset['level'] = level;
  setText(element, badge);
  setText(elementById('banner'), banner);
  elementById('banner').hidden = banner === '';
  document.body.classList.toggle('old', banner !== '');
}

export function drawFigures(model: Model): void {
  const { health, size, pinholes } = model;
  const mappings = size - pinholes;
  const { rate, bytes } = model.traffic();
  const hosts = model.hosts().length;
  const outside = health?.findings.find(({ check }) => check === 'Outside');
  elementById('address-tile').dataset['level'] = outside?.verdict ?? 'ok';
  setText(elementById('address'), health === null ? '…' : (health.externalAddress ?? 'none seen'));
  setText(
    elementById('address-note'),
    outside === undefined ? '' : outside.verdict === 'ok' ? 'a public address' : 'not reached from outside: see Health',
  );
  setText(elementById('count'), String(mappings));
  setText(
    elementById('mappings-noun'),
    health === null || health.maxPinholes === 0 ? 'Mappings' : 'Mappings and pinholes',
  );
  const others = health === null || health.maxPinholes === 0 ? '' : `, and ${count(pinholes, 'pinhole')}`;
  setText(
    elementById('count-note'),
    health === null ? '' : `of at most ${health.maxMappings.toLocaleString('en')}${others}`,
  );
  setText(elementById('hosts-count'), String(hosts));
  setText(
    elementById('hosts-note'),
    hosts === 1 ? 'holds them all' : hosts === 0 ? 'none holds a mapping' : 'hold mappings',
  );
  setText(elementById('rate'), `${formatBytes(rate)}/s`);
  setText(elementById('rate-note'), `${formatBytes(bytes)} carried so far`);
  document.title = `${count(mappings, 'mapping')}${others.replace(' and', '')} - NAT-PMP gateway`;
}

/** "1 mapping", "2 mappings". */
function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

const HELPER_AWAY: readonly Finding[] = [
  {
    check: 'Helper',
    verdict: 'fail',
    says: 'does not answer',
    remedy: 'it is restarted automatically; if not, natpmpctl doctor and its log say why',
  },
];

export function drawHealth(model: Model, state: ConnectionState): void {
  const findings = state === 'unheard' ? [] : state === 'away' ? HELPER_AWAY : (model.health?.findings ?? []);
  const wrong = findings.filter(({ verdict }) => verdict !== 'ok');
  const level = wrong.some(({ verdict }) => verdict === 'fail')
    ? 'fail'
    : wrong.length > 0 || state !== 'live'
      ? 'warn'
      : 'ok';
  setText(
    elementById('health-summary'),
    state === 'unheard'
      ? 'Health: not known'
      : findings.length === 0
        ? 'Health'
        : wrong.length === 0
          ? 'Health: all is well'
          : `Health, to look at: ${wrong.map(({ check }) => check.toLowerCase()).join(', ')}`,
  );
  const health = elementById<HTMLDetailsElement>('health');
  // Open it when a problem appears; the user may close it again.
  if (health.dataset['level'] === 'ok' && wrong.length > 0) health.open = true;
  health.dataset['level'] = level;
  redraw(elementById('health-items'), JSON.stringify(findings), () => findings.flatMap(line));
}

function line({ check, verdict, says, remedy }: Finding): readonly Element[] {
  const term = createElement('dt', { text: check });
  term.dataset['level'] = verdict;
  const description = createElement('dd', { text: says });
  if (remedy !== null) description.append(createElement('span', { className: 'remedy', text: remedy }));
  return [term, description];
}
