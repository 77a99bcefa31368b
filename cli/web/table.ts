// The table of mappings. A row keeps its element while its mapping is shown, so that the focus stays on it.

import { formatSeconds, shortSeconds } from '../natpmpctl/units.js';
import type { ShownMapping } from '../natpmpctl/web/messages.js';
import { createElement, elementById, formatBytes, setChildren, setText } from './draw.js';
import { formatHost, isPinhole } from './model.js';

interface Row {
  readonly element: HTMLTableRowElement;
  draw(mapping: ShownMapping, nowMs: number, mayRevoke: boolean): void;
}

/** Clients renew at half of the lifetime or at three quarters: below an eighth, the client has probably gone. */
const FORGOTTEN_SHARE = 1 / 8;

export class Table {
  readonly #body = elementById('rows');
  readonly #onRevoke: (mapping: ShownMapping) => void;
  #rows = new Map<string, Row>();
  #shown: readonly ShownMapping[] = [];
  #mayRevoke = false;

  /** `onRevoke` is called with a mapping that the user wants to revoke. */
  constructor(onRevoke: (mapping: ShownMapping) => void) {
    this.#onRevoke = onRevoke;
  }

  draw(mappings: readonly ShownMapping[], nowMs: number, mayRevoke: boolean): void {
    const before = this.#rows;
    this.#rows = new Map(mappings.map(({ id }) => [id, before.get(id) ?? newRow(this.#onRevoke)]));
    this.#shown = mappings;
    this.#mayRevoke = mayRevoke;
    this.tick(nowMs);
    setChildren(
      this.#body,
      [...this.#rows.values()].map(({ element }) => element),
    );
  }

  /** Update the times. */
  tick(nowMs: number): void {
    for (const mapping of this.#shown) this.#rows.get(mapping.id)?.draw(mapping, nowMs, this.#mayRevoke);
  }
}

function newRow(onRevoke: (mapping: ShownMapping) => void): Row {
  const [port, proto] = [createElement('span', { className: 'number' }), createElement('span', { className: 'proto' })];
  const [name, address] = [
    createElement('span', { className: 'name' }),
    createElement('span', { className: 'address' }),
  ];
  const description = createElement('span', { className: 'description' });
  const [left, fill] = [createElement('span', { className: 'left' }), createElement('span', { className: 'fill' })];
  const bar = createElement('span', { className: 'bar' }, fill);
  bar.ariaHidden = 'true';
  const [carried, rate] = [
    createElement('span', { className: 'carried' }),
    createElement('span', { className: 'rate' }),
  ];
  let shown: ShownMapping | null = null;
  const button = createElement('button', { text: 'Revoke', className: 'revoke' });
  button.type = 'button';
  button.addEventListener('click', () => {
    if (shown !== null) onRevoke(shown);
  });
  const action = createElement('td', { className: 'action' }, button);
  const head = createElement('th', {}, port, ' ', proto);
  head.scope = 'row';
  head.setAttribute('role', 'rowheader');
  const cells = [
    cell('Host', name, ' ', address, ' ', description),
    cell('Time left', left, bar),
    cell('Traffic', carried, ' ', rate),
    action,
  ];
  for (const each of cells) each.setAttribute('role', 'cell');
  const element = createElement('tr', {}, head, ...cells);
  element.setAttribute('role', 'row');
  return {
    element,
    draw(mapping, nowMs, mayRevoke) {
      shown = mapping;
      const { protocol, externalPort, internalAddress, endsAt, lifetime, bytes } = mapping;
      setText(port, String(externalPort));
      setText(
        proto,
        isPinhole(mapping) ? `${protocol} pinhole` : mapping.askedBy === 'UPnP' ? `${protocol} UPnP` : protocol,
      );
      setText(name, mapping.name ?? '');
      // Of a pinhole without the port: it is that of the first column, and IPv6 addresses are long.
      setText(address, isPinhole(mapping) ? internalAddress : formatHost(mapping));
      address.title = mapping.hardwareAddress ?? '';
      setText(description, mapping.description ?? '');
      element.classList.toggle('pinhole', isPinhole(mapping));
      const seconds = endsAt === null ? Infinity : Math.max(0, Math.floor((endsAt - nowMs) / 1000));
      setText(left, endsAt === null ? 'until removed' : seconds === 0 ? 'ends now' : formatSeconds(seconds));
      left.title = endsAt === null ? 'static: made by an administrator' : `granted for ${shortSeconds(lifetime)}`;
      const share = endsAt === null ? 0 : Math.min(1, seconds / lifetime);
      bar.hidden = endsAt === null;
      fill.style.inlineSize = `${(share * 100).toFixed(1)}%`;
      element.classList.toggle('ending', endsAt !== null && share < FORGOTTEN_SHARE);
      element.classList.toggle('static', endsAt === null);
      setText(carried, bytes === null ? '-' : formatBytes(bytes));
      carried.title = bytes === null ? 'not known at this moment' : '';
      setText(rate, mapping.rate === null || mapping.rate < 1 ? '' : `${formatBytes(mapping.rate)}/s`);
      element.classList.toggle('busy', rate.textContent !== '');
      button.hidden = !mayRevoke || endsAt === null;
      button.ariaLabel = `Revoke ${protocol} ${externalPort} of ${mapping.name ?? internalAddress}`;
    },
  };
}

function cell(label: string, ...children: readonly (Node | string)[]): HTMLTableCellElement {
  const element = createElement('td', {}, ...children);
  element.dataset['label'] = label;
  return element;
}
