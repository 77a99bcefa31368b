// The status page: draws what natpmpctl web tells, as it tells it.

import type { Happening, Message, ShownMapping } from '../natpmpctl/web/messages.js';
import { followMessages } from './connection.js';
import { part, write } from './draw.js';
import { drawHappenings, drawHosts, say } from './lists.js';
import type { SortKey, Wanted } from './model.js';
import { Model } from './model.js';
import { drawFigures, drawHealth, drawStanding } from './overview.js';
import { prepareDialog, takeToken } from './revoke.js';
import { Table } from './table.js';

/** Changes are drawn together, in milliseconds. */
const GATHER_MS = 100;
/** Drawing may take this share of the time: a large table is drawn less often, so that the page stays in hand. */
const SHARE = 0.2;
/** How often what happens is said to who does not see it, in milliseconds. */
const SAY_MS = 3000;

const model = new Model();
let wanted: Wanted = { text: '', sort: 'port', isReversed: false, page: 0 };
/** What to add to the browser's clock to have the router's. */
let ahead = 0;
let isHeard = false;
let hasToken = takeToken() !== null;
let _drawing: number | undefined;
let lastDrawMs = 0;
let unsaid: Happening[] = [];

const now = (): number => performance.now() + ahead;
const table = new Table(
  prepareDialog(revoked, () => {
    hasToken = false;
    soon();
  }),
);

function hear(message: Message): void {
  isHeard = true;
  ahead = message.now - performance.now();
  model.apply(message);
  if (message.kind === 'happened') unsaid.push(...message.happenings.filter(({ kind }) => kind !== 'renewed'));
  soon();
}

function soon(): void {
  _drawing ??= window.setTimeout(
    () => {
      _drawing = undefined;
      const startMs = performance.now();
      draw();
      lastDrawMs = performance.now() - startMs;
    },
    Math.max(GATHER_MS, lastDrawMs / SHARE),
  );
}

function draw(): void {
  const standing = !isHeard ? 'unheard' : model.isHelperHere ? 'live' : 'away';
  drawStanding(standing);
  drawFigures(model);
  drawHealth(model, standing);
  drawMappings();
  drawHosts(model, (address) => search(`${address}:`));
  drawHappenings(model.past);
  part('token-note').hidden = !model.mayRevoke || hasToken;
  write(part('mode'), model.mayRevoke ? 'Who has the token may revoke mappings.' : 'To look only.');
}

function drawMappings(): void {
  const { rows, count, page, pages } = model.choose(wanted);
  wanted = { ...wanted, page };
  table.draw(rows, now(), model.mayRevoke && hasToken);
  part('table').hidden = rows.length === 0;
  part('empty').hidden = rows.length > 0;
  write(
    part('empty'),
    rows.length > 0 ? '' : model.size === 0 ? 'No host has a mapping now.' : 'None has all of these words.',
  );
  write(part('shown'), count === model.size ? `${count}` : `${count} of ${model.size}`);
  part('pager').hidden = pages < 2;
  write(part('page-number'), `Page ${page + 1} of ${pages}`);
  part<HTMLButtonElement>('earlier').disabled = page === 0;
  part<HTMLButtonElement>('later').disabled = page === pages - 1;
  for (const button of SORTERS) {
    const isKey = button.dataset['sort'] === wanted.sort;
    // The most traffic comes first; of the others, the least.
    button
      .closest('th')
      ?.setAttribute(
        'aria-sort',
        !isKey ? 'none' : (wanted.sort === 'traffic') === wanted.isReversed ? 'ascending' : 'descending',
      );
  }
  part<HTMLSelectElement>('sort').value = wanted.sort;
}

function want(change: Partial<Wanted>): void {
  wanted = { ...wanted, page: 0, ...change };
  drawMappings();
}

function search(text: string): void {
  const box = part<HTMLInputElement>('filter');
  box.value = text;
  want({ text });
  box.focus();
}

function revoked({ protocol, externalPort }: ShownMapping): void {
  write(part('announcer'), `${protocol} ${externalPort} is revoked`);
  // The button that was pressed goes with its row.
  part('mappings-title').focus();
}

const SORTERS = [...document.querySelectorAll<HTMLButtonElement>('[data-sort]')];
for (const button of SORTERS) {
  const sort = button.dataset['sort'] as SortKey;
  button.addEventListener('click', () => want({ sort, isReversed: wanted.sort === sort && !wanted.isReversed }));
}
part('sort').addEventListener('change', ({ target }) =>
  want({ sort: (target as HTMLSelectElement).value as SortKey, isReversed: false }),
);
part('filter').addEventListener('input', ({ target }) => want({ text: (target as HTMLInputElement).value }));
part('earlier').addEventListener('click', () => want({ page: wanted.page - 1 }));
part('later').addEventListener('click', () => want({ page: wanted.page + 1 }));
document.addEventListener('keydown', (event) => {
  const { key, target, ctrlKey, altKey, metaKey } = event;
  const isElsewhere =
    target instanceof HTMLInputElement ||
    target instanceof HTMLSelectElement ||
    document.querySelector('dialog[open]') !== null;
  if (key !== '/' || isElsewhere || ctrlKey || altKey || metaKey) return;
  event.preventDefault();
  part('filter').focus();
});
window.addEventListener('hashchange', () => {
  hasToken = takeToken() !== null;
  soon();
});

setInterval(() => table.tick(now()), 1000);
setInterval(() => {
  say(unsaid);
  unsaid = [];
}, SAY_MS);
followMessages(hear, () => {
  isHeard = false;
  soon();
});
