// Small helps for drawing. Whatever a LAN host may have chosen, its name above all, becomes text and never markup.

import { formatCount } from '../natpmpctl/units.js';

/** The element of this id, which page.html has. */
export function elementById<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`page.html has no #${id}`);
  return element as E;
}

export function createElement<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { text, className }: { readonly text?: string; readonly className?: string } = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== undefined) element.className = className;
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

/** Only where it changes: what a screen reader or a selection holds stays as it is. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Children for what is to be shown, made only where that is not what they were made for; whether they were. */
export function redraw(parent: HTMLElement, what: string, children: () => readonly Element[]): boolean {
  if (parent.dataset['what'] === what) return false;
  parent.dataset['what'] = what;
  parent.replaceChildren(...children());
  return true;
}

/** These children, in this order. What has the keyboard's focus keeps it when it is moved. */
export function setChildren(parent: Element, children: readonly Element[]): void {
  if (
    parent.childElementCount === children.length &&
    children.every((child, index) => parent.children[index] === child)
  )
    return;
  const focused = document.activeElement;
  parent.replaceChildren(...children);
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused))
    focused.focus({ preventScroll: true });
}

/** "308 kB". */
export function formatBytes(bytes: number): string {
  return formatCount(bytes).replace(/^([\d.]+)(\D?)$/, '$1\u00a0$2B');
}

/** "14:05:09" of today, else with the day. */
export function clockTime(iso: string): string {
  const when = new Date(iso);
  const time = when.toTimeString().slice(0, 8);
  return when.toDateString() === new Date().toDateString() ? time : `${when.toLocaleDateString()} ${time}`;
}
