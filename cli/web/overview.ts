// The state of things: live or not, four figures, and whether all is well.

import type { HealthItem } from '../natpmpctl/web/messages.js';
import { amount, arrange, make, part, write } from './draw.js';
import type { Model } from './model.js';

/** How the page stands: `unheard` where natpmpctl web does not answer, `away` where the helper does not. */
export type Standing = 'live' | 'away' | 'unheard';

const STANDINGS = {
  live: { level: 'ok', badge: 'live', banner: '' },
  away: {
    level: 'warn',
    badge: 'helper away',
    banner:
      'The helper is away: what is shown is old. Mappings stay in the kernel and end on time, but none can be made or renewed. This page goes on when it is back.',
  },
  unheard: {
    level: 'fail',
    badge: 'no connection',
    banner:
      'natpmpctl web does not answer: what is shown is old. Was it stopped? This page looks for it again and again.',
  },
} as const;

export function drawStanding(standing: Standing): void {
  const { level, badge, banner } = STANDINGS[standing];
  const state = part('state');
  state.dataset['level'] = level;
  write(state, badge);
  write(part('banner'), banner);
  part('banner').hidden = banner === '';
  document.body.classList.toggle('old', banner !== '');
}

export function drawFigures(model: Model): void {
  const { health, size } = model;
  const { rate, bytes } = model.traffic();
  const hosts = model.hosts().length;
  const outside = health?.items.find(({ what }) => what === 'Outside');
  part('address-tile').dataset['level'] = outside?.level ?? 'ok';
  write(part('address'), health === null ? '…' : (health.externalAddress ?? 'none seen'));
  write(
    part('address-note'),
    outside === undefined ? '' : outside.level === 'ok' ? 'a public address' : 'not reached from outside: see Health',
  );
  write(part('count'), String(size));
  write(part('count-note'), health === null ? '' : `of at most ${health.maxMappings.toLocaleString('en')}`);
  write(part('hosts-count'), String(hosts));
  write(part('hosts-note'), hosts === 1 ? 'holds them all' : hosts === 0 ? 'none holds a mapping' : 'hold mappings');
  write(part('rate'), `${amount(rate)}/s`);
  write(part('rate-note'), `${amount(bytes)} carried so far`);
  document.title = `${size} ${size === 1 ? 'mapping' : 'mappings'} - NAT-PMP gateway`;
}

const AWAY: readonly HealthItem[] = [
  {
    what: 'Helper',
    level: 'fail',
    says: 'does not answer',
    remedy: 'it is started again by itself; if it is not, natpmpctl doctor and its log say why',
  },
];

export function drawHealth(model: Model, standing: Standing): void {
  const items = standing === 'unheard' ? [] : standing === 'away' ? AWAY : (model.health?.items ?? []);
  const wrong = items.filter(({ level }) => level !== 'ok');
  const level = wrong.some((item) => item.level === 'fail')
    ? 'fail'
    : wrong.length > 0 || standing !== 'live'
      ? 'warn'
      : 'ok';
  write(
    part('health-summary'),
    standing === 'unheard'
      ? 'Health: not known'
      : items.length === 0
        ? 'Health'
        : wrong.length === 0
          ? 'Health: all is well'
          : `Health, to look at: ${wrong.map(({ what }) => what.toLowerCase()).join(', ')}`,
  );
  const health = part<HTMLDetailsElement>('health');
  // Opened when something goes wrong; whether it stays open is for who reads it.
  if (health.dataset['level'] === 'ok' && wrong.length > 0) health.open = true;
  health.dataset['level'] = level;
  arrange(part('health-items'), JSON.stringify(items), () => items.flatMap(line));
}

function line({ what, level, says, remedy }: HealthItem): readonly Element[] {
  const term = make('dt', { text: what });
  term.dataset['level'] = level;
  const said = make('dd', { text: says });
  if (remedy !== null) said.append(make('span', { className: 'remedy', text: remedy }));
  return [term, said];
}
