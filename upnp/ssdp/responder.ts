// The answers to searches: who gets which replies, and when. The sockets are serve.ts'.

import type { Ipv4 } from '../../proto/mapping.js';
import { GROUP } from './group.js';
import { encodeReply } from './messages.js';
import { ReplyLimit } from './reply-limit.js';
import type { Resource, Resources } from './resources.js';
import { parseSearch } from './search.js';
import type { SsdpDeps, SsdpEvent } from './types.js';

/**
 * Replies leave within this time, at random, so that devices do not answer all at once. Clients allow seconds for it (MX),
 * and a device may take less (UDA 1.1 §1.3.3); some clients wait no longer than 250 ms, whatever they say.
 */
export const MAX_DELAY_MS = 80;
/** Replies that wait, on one LAN. */
export const MAX_WAITING = 1024;
/** How long the addresses of an interface are used that were read for a search. */
const ADDRESSES_FRESH_MS = 50;

export interface Peer {
  readonly address: Ipv4;
  readonly port: number;
  /** Where it sent the search. */
  readonly asked: Ipv4;
}

/** A search that is understood, and asks for something that is here. */
export interface Found {
  readonly peer: Peer;
  readonly resources: readonly Resource[];
}

/** One datagram from one of the router's addresses in the LAN. */
export type Send = (
  interfaceIndex: number,
  payload: Uint8Array,
  to: { address: Ipv4; port: number; from: Ipv4 },
) => void;

/** What one LAN has for itself, so that its hosts take nothing from those of another. */
interface Lan {
  readonly resources: Resources;
  readonly limit: ReplyLimit;
  /** How to cancel each reply that waits. */
  readonly waiting: Set<() => void>;
  addresses: { readonly atMs: number; readonly all: readonly Ipv4[] } | null;
}

export class Responder {
  readonly #deps: SsdpDeps;
  readonly #send: Send;
  /** By the index of the interface. */
  readonly #lans: ReadonlyMap<number, Lan>;

  constructor(deps: SsdpDeps, resources: ReadonlyMap<number, Resources>, send: Send) {
    this.#deps = deps;
    this.#lans = new Map(
      [...resources].map(([index, own]) => [
        index,
        { resources: own, limit: new ReplyLimit(), waiting: new Set(), addresses: null },
      ]),
    );
    this.#send = send;
  }

  /**
   * What the datagram searches for, or why it is ignored, as far as this can be told without asking the kernel. The
   * datagram is not needed afterwards.
   */
  understand(interfaceIndex: number, datagram: Uint8Array, peer: Peer): Found | SsdpEvent {
    const search = parseSearch(datagram, peer.asked === GROUP.address);
    if (search.kind !== 'search') return search.kind;
    const lan = this.#lans.get(interfaceIndex);
    const resources = lan?.resources.find(search.target) ?? [];
    if (lan === undefined || resources.length === 0) return 'other-target';
    // No reply can be sent to port 0.
    if (peer.port === 0) return 'source';
    if (lan.limit.isExhausted(this.#deps.clock())) return 'total-rate';
    return { peer, resources };
  }

  /** Answer, after a random time, if the search came from a host of the LAN and was sent to this router. */
  answer(interfaceIndex: number, { peer, resources }: Found): void {
    const deps = this.#deps;
    const lan = this.#lans.get(interfaceIndex);
    if (lan === undefined) return deps.count('other-target');
    if (peer.asked !== GROUP.address && !deps.isOwnAddress(interfaceIndex, peer.asked))
      return deps.count('destination');
    if (!deps.isLanHost(interfaceIndex, peer.address)) return deps.count('source');
    if (lan.waiting.size + resources.length > MAX_WAITING) return deps.count('busy');
    const isResolved = (): boolean => deps.isResolved(interfaceIndex, peer.address);
    const refused = lan.limit.take(peer.address, resources.length, isResolved, deps.clock());
    if (refused !== null) return deps.count(refused);
    const own = this.#ownAddress(interfaceIndex, lan, peer);
    if (own === null) return deps.count('no-address');
    deps.count('search');
    // In order, each at a time of its own.
    const delays = resources.map(() => deps.random() * MAX_DELAY_MS).sort((one, other) => one - other);
    for (const [index, resource] of resources.entries())
      this.#later(lan, delays[index]!, () => {
        deps.count('reply');
        this.#send(interfaceIndex, encodeReply(resource, own, deps), { ...toOf(peer), from: own });
      });
  }

  /** Send nothing of what waits. */
  cancel(): void {
    for (const { waiting } of this.#lans.values()) {
      for (const cancel of waiting) cancel();
      waiting.clear();
    }
  }

  #later({ waiting }: Lan, delayMs: number, run: () => void): void {
    const cancel = this.#deps.schedule(delayMs, () => {
      waiting.delete(cancel);
      run();
    });
    waiting.add(cancel);
  }

  /** The address that was asked; for the group, the one that has most in common with the client's. */
  #ownAddress(interfaceIndex: number, lan: Lan, { address, asked }: Peer): Ipv4 | null {
    if (asked !== GROUP.address) return asked;
    const now = this.#deps.clock();
    let known = lan.addresses;
    if (known === null || known.all.length === 0 || now - known.atMs >= ADDRESSES_FRESH_MS) {
      known = { atMs: now, all: this.#deps.addresses(interfaceIndex) };
      lan.addresses = known;
    }
    return nearest(known.all, address);
  }
}

function toOf({ address, port }: Peer): { readonly address: Ipv4; readonly port: number } {
  return { address, port };
}

/** The address with the longest prefix in common: of several networks on one interface, the one that the host is in. */
function nearest(addresses: readonly Ipv4[], host: Ipv4): Ipv4 | null {
  let best: Ipv4 | null = null;
  for (const address of addresses)
    if (best === null || Math.clz32(address ^ host) > Math.clz32(best ^ host)) best = address;
  return best;
}
