// The status page: draws the messages of natpmpctl web.

import type { GatewayEvent, Message, ShownMapping } from '../natpmpctl/web/messages.js';
import { followMessages } from './connection.js';
import { elementById, setText } from './draw.js';
import { announce, drawEvents, drawHosts } from './lists.js';
import type { Selection, SortKey } from './model.js';
import { Model } from './model.js';
import { drawConnectionState, drawFigures, drawHealth } from './overview.js';
import { prepareDialog, takeToken } from './revoke.js';
import { Table } from './table.js';

/** Changes within this time are drawn together. */
const BATCH_MS = 100;
/** Drawing may take this share of the time: a large table is drawn less often, so that the page stays responsive. */
const MAX_LOAD_SHARE = 0.2;
/** How often events are announced to screen readers. */
const ANNOUNCE_INTERVAL_MS = 3000;

const model = new Model();
let selection: Selection = { text: '', sort: 'port', isReversed: false, page: 0 };
/** The router's clock minus the browser's. */
let clockOffsetMs = 0;
let isHeard = false;
let hasToken = takeToken() !== null;
let drawTimer: number | undefined;
let lastDrawMs = 0;
let unannounced: GatewayEvent[] = [];

const now = (): number => performance.now() + clockOffsetMs;
const table = new Table(
  prepareDialog(onRevoked, () => {
    hasToken = false;
    scheduleDraw();
  }),
);

function onMessage(message: Message): void {
  isHeard = true;
  clockOffsetMs = message.now - performance.now();
  model.apply(message);
  if (message.kind === 'happened') unannounced.push(...message.happenings.filter(({ kind }) => kind !== 'renewed'));
  scheduleDraw();
}

function scheduleDraw(): void {
  if (drawTimer !== undefined) return;
  drawTimer = window.setTimeout(
    () => {
      drawTimer = undefined;
      const startMs = performance.now();
      draw();
      lastDrawMs = performance.now() - startMs;
    },
    Math.max(BATCH_MS, lastDrawMs / MAX_LOAD_SHARE),
  );
}

function draw(): void {
  const state = !isHeard ? 'unheard' : model.isHelperHere ? 'live' : 'away';
  drawConnectionState(state);
  drawFigures(model);
  drawHealth(model, state);
  drawMappings();
  // With the colon, 192.168.1.1 does not find 192.168.1.10 as well.
  drawHosts(model, (address) => search(address.includes(':') ? address : `${address}:`));
  drawEvents(model.past);
  elementById('token-note').hidden = !model.mayRevoke || hasToken;
  setText(elementById('mode'), model.mayRevoke ? 'With the token, mappings can be revoked.' : 'Read-only.');
}

function drawMappings(): void {
  const { rows, count, page, pages } = model.choose(selection);
  selection = { ...selection, page };
  table.draw(rows, now(), model.mayRevoke && hasToken);
  elementById('table').hidden = rows.length === 0;
  elementById('empty').hidden = rows.length > 0;
  setText(
    elementById('empty'),
    rows.length > 0 ? '' : model.size === 0 ? 'No host has a mapping now.' : 'None has all of these words.',
  );
  setText(elementById('shown'), count === model.size ? `${count}` : `${count} of ${model.size}`);
  elementById('pager').hidden = pages < 2;
  setText(elementById('page-number'), `Page ${page + 1} of ${pages}`);
  elementById<HTMLButtonElement>('earlier').disabled = page === 0;
  elementById<HTMLButtonElement>('later').disabled = page === pages - 1;
  for (const button of SORTERS) {
    const isKey = button.dataset['sort'] === selection.sort;
    // Traffic is sorted in descending order, the others in ascending order.
    button
      .closest('th')
      ?.setAttribute(
        'aria-sort',
        !isKey ? 'none' : (selection.sort === 'traffic') === selection.isReversed ? 'ascending' : 'descending',
      );
  }
  elementById<HTMLSelectElement>('sort').value = selection.sort;
}

function changeSelection(change: Partial<Selection>): void {
  selection = { ...selection, page: 0, ...change };
  drawMappings();
}

function search(text: string): void {
  const box = elementById<HTMLInputElement>('filter');
  box.value = text;
  changeSelection({ text });
  box.focus();
}

function onRevoked({ protocol, externalPort }: ShownMapping): void {
  setText(elementById('announcer'), `${protocol} ${externalPort} is revoked`);
  // The clicked button disappears with its row.
  elementById('mappings-title').focus();
}

const SORTERS = [...document.querySelectorAll<HTMLButtonElement>('[data-sort]')];
for (const button of SORTERS) {
  const sort = button.dataset['sort'] as SortKey;
  button.addEventListener('click', () =>
    changeSelection({ sort, isReversed: selection.sort === sort && !selection.isReversed }),
  );
}
elementById('sort').addEventListener('change', ({ target }) =>
  changeSelection({ sort: (target as HTMLSelectElement).value as SortKey, isReversed: false }),
);
elementById('filter').addEventListener('input', ({ target }) =>
  changeSelection({ text: (target as HTMLInputElement).value }),
);
elementById('earlier').addEventListener('click', () => changeSelection({ page: selection.page - 1 }));
elementById('later').addEventListener('click', () => changeSelection({ page: selection.page + 1 }));
document.addEventListener('keydown', (event) => {
  const { key, target, ctrlKey, altKey, metaKey } = event;
  const isElsewhere =
    target instanceof HTMLInputElement ||
    target instanceof HTMLSelectElement ||
    document.querySelector('dialog[open]') !== null;
  if (key !== '/' || isElsewhere || ctrlKey || altKey || metaKey) return;
  event.preventDefault();
  elementById('filter').focus();
});
window.addEventListener('hashchange', () => {
  hasToken = takeToken() !== null;
  scheduleDraw();
});

setInterval(() => table.tick(now()), 1000);
setInterval(() => {
  announce(unannounced);
  unannounced = [];
}, ANNOUNCE_INTERVAL_MS);
followMessages(onMessage, () => {
  isHeard = false;
  scheduleDraw();
});
