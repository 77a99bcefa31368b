// The hardware address of a LAN host, from the kernel's neighbour table, asked for one host at a time. Used only if a
// rule names a hardware address. A host can forge it, so it identifies a host but does not authenticate it.

import type { Ipv4, Lan } from '../../proto/mapping.js';
import { isLanHost } from '../../proto/mapping.js';
import type { Mac } from '../../config/rules.js';
import type { RouteMessage } from './rtnetlink.js';
import { decodeRoute, DUMP, encodeDump, encodeNeighbour } from './rtnetlink.js';
import type { RouteSocket } from './socket.js';

const ENOENT = 2;
const READ_BUFFER_BYTES = 1 << 16;
/** More reads than any answer needs. */
const MAX_READS = 4096;
/** Sequence numbers that AddressWatch, which uses the same socket, does not reach. */
const FIRST_SEQUENCE = 0x4000_0000;
const LAST_SEQUENCE = 0x7fff_ffff;

export class Neighbours {
  readonly #socket: RouteSocket;
  readonly #lans: readonly Lan[];
  readonly #onEvent: () => void;
  readonly #buffer = new Uint8Array(READ_BUFFER_BYTES);
  #sequence = FIRST_SEQUENCE;
  /** Interface index by the router's address in each LAN; null if it must be read. */
  #interfaces: ReadonlyMap<Ipv4, number> | null = null;

  /** `onEvent`: an event was read from the socket, which is for AddressWatch. */
  constructor(socket: RouteSocket, lans: readonly Lan[], onEvent: () => void) {
    this.#socket = socket;
    this.#lans = lans;
    this.#onEvent = onEvent;
  }

  /**
   * Null if the kernel does not know it. It knows that of every host that has just resolved the router's address (ARP).
   */
  find(host: Ipv4): Mac | null {
    this.#drain();
    const lan = this.#lans.find((one) => isLanHost(one, host));
    this.#interfaces ??= this.#findInterfaces();
    const index = lan === undefined ? undefined : this.#interfaces?.get(lan.routerAddress);
    if (index === undefined) {
      this.#interfaces = null;
      return null;
    }
    const [answer] = this.#ask((sequence) => encodeNeighbour(index, host, sequence)) ?? [];
    if (answer?.kind === 'neighbour' && answer.address === host) return answer.mac;
    // Any other error: the interface may have been created again, with a new index.
    if (answer?.kind !== 'error' || answer.errno !== ENOENT) this.#interfaces = null;
    return null;
  }

  #findInterfaces(): ReadonlyMap<Ipv4, number> | null {
    const messages = this.#ask((sequence) => encodeDump(DUMP.ADDRESSES, sequence));
    if (messages === null) return null;
    return new Map(
      messages.flatMap((message) => (message.kind === 'address' ? [[message.address, message.index] as const] : [])),
    );
  }

  /** The kernel's answer, complete when `write` returns; null if it was incomplete or interrupted. */
  #ask(request: (sequence: number) => Uint8Array): readonly RouteMessage[] | null {
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
