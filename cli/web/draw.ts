// Helpers for drawing. Values that a LAN host can choose, such as its name, become text and never markup.

import { formatCount } from '../natpmpctl/units.js';

/** An element of page.html. */
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

/** Only if it changes: this leaves screen readers and selections alone. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Replace the children if `what` has changed since the last call; whether it has. */
export function redraw(parent: HTMLElement, what: string, children: () => readonly Element[]): boolean {
  if (parent.dataset['what'] === what) return false;
  parent.dataset['what'] = what;
  parent.replaceChildren(...children());
  return true;
}

/** Set the children, in this order. A moved child keeps the keyboard's focus. */
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

/** "14:05:09" if it was today, else with the date. */
export function clockTime(iso: string): string {
  const when = new Date(iso);
  const time = when.toTimeString().slice(0, 8);
  return when.toDateString() === new Date().toDateString() ? time : `${when.toLocaleDateString()} ${time}`;
}
