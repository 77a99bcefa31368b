// The state of the page: the table, and the part of it that is selected and its order. Pure: no document, no clock.

import type { GatewayEvent, Health, Message, ShownMapping } from '../natpmpctl/web/messages.js';

export const SORT_KEYS = ['port', 'host', 'left', 'traffic'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** The part of the table that the user wants to see. */
export interface Selection {
  /** Words; a mapping has to have all of them. */
  readonly text: string;
  readonly sort: SortKey;
  readonly isReversed: boolean;
  /** From 0. */
  readonly page: number;
}

export interface SelectedPage {
  readonly rows: readonly ShownMapping[];
  /** How many there are on all pages. */
  readonly count: number;
  readonly page: number;
  readonly pages: number;
}

export interface HostSum {
  /** IPv4; of pinholes the device's hardware address, because it has many addresses, or IPv6 if it is not known. */
  readonly address: string;
  readonly name: string | null;
  readonly count: number;
  readonly bytes: number;
  readonly rate: number;
}

/** More rows would make the browser slow. */
export const PAGE_ROWS = 50;
/** Events that are kept. */
const MAX_HISTORY = 50;

export class Model {
  #mappings = new Map<string, ShownMapping>();
  past: readonly GatewayEvent[] = [];
  health: Health | null = null;
  isHelperHere = false;
  mayRevoke = false;

  /** Mappings and pinholes. */
  get size(): number {
    return this.#mappings.size;
  }

  get pinholes(): number {
    return [...this.#mappings.values()].filter(isPinhole).length;
  }

  apply(message: Message): void {
    switch (message.kind) {
      case 'table':
        this.#mappings = new Map(message.mappings.map((mapping) => [mapping.id, mapping]));
        this.past = message.past;
        this.health = message.health ?? this.health;
        this.isHelperHere = message.isHelperHere;
        this.mayRevoke = message.mayRevoke;
        return;
      case 'happened':
        for (const event of message.happenings) this.#applyEvent(event);
        this.past = [...this.past, ...message.happenings.filter(({ kind }) => kind !== 'renewed')].slice(-MAX_HISTORY);
        return;
      case 'looked':
        this.health = message.health;
        for (const { id, ...counted } of message.traffic) {
          const known = this.#mappings.get(id);
          if (known !== undefined) this.#mappings.set(id, { ...known, ...counted });
        }
    }
  }

  #applyEvent({ kind, mapping }: GatewayEvent): void {
    if (kind === 'lost') this.isHelperHere = false;
    if (mapping === null) return;
    if (kind === 'granted' || kind === 'renewed') this.#mappings.set(mapping.id, mapping);
    else this.#mappings.delete(mapping.id);
  }

  choose({ text, sort, isReversed, page }: Selection): SelectedPage {
    const words = text
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const found = [...this.#mappings.values()].filter((mapping) =>
      words.every((word) => wordsOf(mapping).includes(word)),
    );
    const sign = isReversed ? -1 : 1;
    found.sort((a, b) => sign * ORDER[sort](a, b) || ORDER.port(a, b));
    const pages = Math.max(1, Math.ceil(found.length / PAGE_ROWS));
    const shown = Math.min(page, pages - 1);
    return { rows: found.slice(shown * PAGE_ROWS, (shown + 1) * PAGE_ROWS), count: found.length, page: shown, pages };
  }

  /** The hosts with the most mappings first. */
  hosts(): readonly HostSum[] {
    const sums = new Map<string, HostSum>();
    for (const { internalAddress, hardwareAddress, name, bytes, rate } of this.#mappings.values()) {
      const address = hardwareAddress ?? internalAddress;
      const sum = sums.get(address) ?? { address, name, count: 0, bytes: 0, rate: 0 };
      sums.set(address, {
        ...sum,
        count: sum.count + 1,
        bytes: sum.bytes + (bytes ?? 0),
        rate: sum.rate + (rate ?? 0),
      });
    }
    return [...sums.values()].sort((a, b) => b.count - a.count || byAddress(a.address, b.address));
  }

  /** Bytes per second and bytes in all. */
  traffic(): { readonly rate: number; readonly bytes: number } {
    return [...this.#mappings.values()].reduce(
      (sum, { rate, bytes }) => ({ rate: sum.rate + (rate ?? 0), bytes: sum.bytes + (bytes ?? 0) }),
      { rate: 0, bytes: 0 },
    );
  }
}

/** The order of the first click: soonest to expire, most traffic. */
const ORDER: Readonly<Record<SortKey, (a: ShownMapping, b: ShownMapping) => number>> = {
  port: (a, b) =>
    a.externalPort - b.externalPort ||
    a.protocol.localeCompare(b.protocol) ||
    byAddress(a.internalAddress, b.internalAddress),
  host: (a, b) => byAddress(a.internalAddress, b.internalAddress) || a.internalPort - b.internalPort,
  // The difference of two infinite times is NaN.
  left: (a, b) => (a.endsAt ?? Infinity) - (b.endsAt ?? Infinity) || 0,
  traffic: (a, b) => (b.rate ?? 0) - (a.rate ?? 0) || (b.bytes ?? -1) - (a.bytes ?? -1),
};

/** Nothing is translated, so it is told by its IPv6 address. */
export function isPinhole({ internalAddress }: Pick<ShownMapping, 'internalAddress'>): boolean {
  return internalAddress.includes(':');
}

/** "192.168.1.2:80", "[2001:db8::5]:80". */
export function formatHost({ internalAddress, internalPort }: ShownMapping): string {
  return internalAddress.includes(':') ? `[${internalAddress}]:${internalPort}` : `${internalAddress}:${internalPort}`;
}

function wordsOf(mapping: ShownMapping): string {
  const { protocol, externalPort, name, origin, askedBy, description, hardwareAddress } = mapping;
  const kind = isPinhole(mapping) ? `pinhole ${hardwareAddress ?? ''}` : '';
  const words = [name, origin, askedBy, description, kind].filter((word) => word !== null).join(' ');
  return `${protocol}/${externalPort} ${protocol} ${formatHost(mapping)} ${words}`.toLowerCase();
}

/** IPv4 first, as numbers. */
function byAddress(a: string, b: string): number {
  return (
    Number(a.includes(':')) - Number(b.includes(':')) || (a.includes(':') ? a.localeCompare(b) : number(a) - number(b))
  );
}

function number(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
