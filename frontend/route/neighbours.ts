// The hardware address of a LAN host: the kernel's neighbour table, asked over the inherited `route` socket for one
// host at a time. Only where a rule names a hardware address. It is what the host says of itself: a name, and no proof.

import type { Ipv4, Lan } from '../../proto/mapping.js';
import { isLanHost } from '../../proto/mapping.js';
import type { Mac } from '../../config/rules.js';
import type { RouteSocket } from './address.js';
import type { RouteMessage } from './rtnetlink.js';
import { decodeRoute, DUMP, encodeDump, encodeNeighbour } from './rtnetlink.js';

const ENOENT = 2;
const READ_BUFFER = 1 << 16;
/** No answer has this many reads. */
const MAX_READS = 4096;
/** Far from the numbers of AddressWatch, which uses the same socket. */
const FIRST_SEQUENCE = 0x4000_0000;
const LAST_SEQUENCE = 0x7fff_ffff;

export class Neighbours {
  readonly #socket: RouteSocket;
  readonly #lans: readonly Lan[];
  readonly #noticed: () => void;
  readonly #buffer = new Uint8Array(READ_BUFFER);
  #sequence = FIRST_SEQUENCE;
  /** The index of the interface that has the router's address, for each LAN; null while that is not known. */
  #interfaces: ReadonlyMap<Ipv4, number> | null = null;

  /** `noticed`: what was read was an event, and is for someone else. */
  constructor(socket: RouteSocket, lans: readonly Lan[], noticed: () => void) {
    this.#socket = socket;
    this.#lans = lans;
    this.#noticed = noticed;
  }

  /** Null where the kernel does not know it, which it does for whoever has just asked who has the router's address. */
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
    // Whatever else is wrong: the interface may have been made anew, with another index.
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

  /** What the kernel answers, all of it there when `write` returns; null where it can not be relied on. */
  #ask(request: (sequence: number) => Uint8Array): readonly RouteMessage[] | null {
    this.#sequence = this.#sequence >= LAST_SEQUENCE ? FIRST_SEQUENCE : this.#sequence + 1;
    this.#socket.write(request(this.#sequence));
    const messages: RouteMessage[] = [];
    for (let reads = 0; reads < MAX_READS; reads++) {
      const read = this.#socket.read(this.#buffer);
      if (typeof read === 'string') return null;
      for (const message of decodeRoute(this.#buffer.subarray(0, read))) {
        if (message.sequence !== this.#sequence) this.#noticed();
        else if (message.isInterrupted) return null;
        else if (message.kind === 'done') return messages;
        else if (!message.isPart) return [message];
        else messages.push(message);
      }
    }
    return null;
  }

  /** So that the answer finds room; a fixed external address leaves the events to nobody else. */
  #drain(): void {
    for (let reads = 0; reads < MAX_READS && this.#socket.read(this.#buffer) !== 'empty'; reads++) this.#noticed();
  }
}
