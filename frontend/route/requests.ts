// Requests to the kernel by the inherited rtnetlink socket, one at a time, beside AddressWatch, which follows its events.

import { DUMP, decodeRoute, encodeDump, encodeNeighbour, encodeNeighbourDump, encodeRouteLookup } from './rtnetlink.js';
import type { Neighbour, Route, RouteMessage } from './rtnetlink.js';
import type { Ipv4 } from '../../proto/mapping.js';
import type { Mac } from '../../config/types.js';
import type { RouteSocket } from './socket.js';

const READ_BUFFER_BYTES = 1 << 16;
/** More reads than any answer needs. */
const MAX_READS = 4096;
/** Sequence numbers that AddressWatch, which uses the same socket, does not reach. */
const FIRST_SEQUENCE = 0x4000_0000;
const LAST_SEQUENCE = 0x7fff_ffff;

/** What the kernel says of interfaces, routes and neighbours. Null: it did not answer, or not completely. */
export interface RouteTables {
  /** Every IPv4 address, by the index of its interface. */
  addresses(): ReadonlyMap<number, readonly Ipv4[]> | null;
  /** The entry that applies to packets for this host; `unreachable` if there is none. */
  routeTo(host: Ipv4): Route | 'unreachable' | null;
  /** All hosts that the kernel knows on any link. */
  neighbours(): readonly Neighbour[] | null;
}

export class RouteRequests implements RouteTables {
  readonly #socket: RouteSocket;
  readonly #onEvent: () => void;
  readonly #buffer = new Uint8Array(READ_BUFFER_BYTES);
  #sequence = FIRST_SEQUENCE;

  /** `onEvent`: an event was read from the socket, which is for AddressWatch. */
  constructor(socket: RouteSocket, onEvent: () => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
  }

  addresses(): ReadonlyMap<number, readonly Ipv4[]> | null {
    const messages = this.#ask((sequence) => encodeDump(DUMP.ADDRESSES, sequence));
    if (messages === null) return null;
    const found = new Map<number, Ipv4[]>();
    for (const message of messages) {
      if (message.kind !== 'address') continue;
      const own = found.get(message.index) ?? [];
      found.set(message.index, own);
      own.push(message.address);
    }
    return found;
  }

  routeTo(host: Ipv4): Route | 'unreachable' | null {
    const [answer] = this.#ask((sequence) => encodeRouteLookup(host, sequence)) ?? [];
    return answer?.kind === 'route' ? answer : answer?.kind === 'error' ? 'unreachable' : null;
  }

  neighbours(): readonly Neighbour[] | null {
    const messages = this.#ask(encodeNeighbourDump);
    return messages?.flatMap((message) => (message.kind === 'neighbour' ? message : [])) ?? null;
  }

  /**
   * The hardware address of a host, which the host can forge: it identifies it but does not authenticate it. Null if the
   * kernel does not know it; it knows that of every host that has just resolved the router's address (ARP).
   */
  hardwareAddress(interfaceIndex: number, host: Ipv4): Mac | null {
    const [answer] = this.#ask((sequence) => encodeNeighbour(interfaceIndex, host, sequence)) ?? [];
    return answer?.kind === 'neighbour' && answer.address === host ? answer.mac : null;
  }

  /** The kernel's answer, complete when `write` returns; null if it was incomplete or interrupted. */
  #ask(request: (sequence: number) => Uint8Array): readonly RouteMessage[] | null {
    this.#drain();
    this.#sequence = this.#sequence >= LAST_SEQUENCE ? FIRST_SEQUENCE : this.#sequence + 1;
    this.#socket.write(request(this.#sequence));
    const messages: RouteMessage[] = [];
    for (let reads = 0; reads < MAX_READS; reads++) {
      const read = this.#socket.read(this.#buffer);
      if (typeof read === 'string') return null;
      for (const message of decodeRoute(this.#buffer.subarray(0, read))) {
        if (message.sequence !== this.#sequence) this.#onEvent();
        else if (message.isInterrupted) return null;
        else if (message.kind === 'done') return messages;
        else if (!message.isPart) return [message];
        else messages.push(message);
      }
    }
    return null;
  }

  /** Read all events to make room for the answer: with a configured external address nothing else reads them. */
  #drain(): void {
    for (let reads = 0; reads < MAX_READS && this.#socket.read(this.#buffer) !== 'empty'; reads++) this.#onEvent();
  }
}
