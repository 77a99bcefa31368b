// The external address: that of the external interface, asked of the kernel over the inherited `route` socket at the
// start and after every event. Reading and writing the socket come from outside.

import type { Ipv4 } from '../../proto/mapping.js';
import type { RouteMessage } from './rtnetlink.js';
import { addressOf, decodeRoute, DUMP, encodeDump } from './rtnetlink.js';

export interface RouteSocket {
  write(message: Uint8Array): void;
  /** Never waits. Octets read; `empty`: nothing to read; `overrun`: the kernel had to drop events (ENOBUFS). */
  read(into: Uint8Array): number | 'empty' | 'overrun';
}

/** Larger than any one read of a dump. */
const READ_BUFFER = 1 << 16;

/** No dump has this many reads; whoever sends more would keep us here for ever. */
const MAX_READS = 4096;

export class AddressWatch {
  readonly #socket: RouteSocket;
  readonly #interfaceName: string;
  readonly #changed: (address: Ipv4 | null) => void;
  readonly #pollAgain: () => void;
  readonly #buffer = new Uint8Array(READ_BUFFER);
  #sequence = 0;
  #isStale = true;
  #address: Ipv4 | null = null;

  /** `pollAgain`: `poll` is due although there may be nothing to read, at once or after a rest. */
  constructor(
    socket: RouteSocket,
    interfaceName: string,
    changed: (address: Ipv4 | null) => void,
    pollAgain: () => void,
  ) {
    this.#socket = socket;
    this.#interfaceName = interfaceName;
    this.#changed = changed;
    this.#pollAgain = pollAgain;
  }

  get address(): Ipv4 | null {
    return this.#address;
  }

  /** Someone else has read an event from the socket. */
  noticed(): void {
    this.#isStale = true;
    this.#pollAgain();
  }

  /**
   * Look for events, and where there are any, at the address: once for however many. Call it when there is something to
   * read.
   */
  poll(): void {
    this.#drain();
    if (!this.#isStale) return;
    this.#isStale = false;
    const links = this.#dump(DUMP.LINKS);
    const addresses = links === null ? null : this.#dump(DUMP.ADDRESSES);
    if (links === null || addresses === null) {
      this.noticed(); // the next poll tries again
      return;
    }
    const address = addressOf([...links, ...addresses], this.#interfaceName);
    if (address === this.#address) return;
    this.#address = address;
    this.#changed(address);
  }

  #drain(): void {
    for (let reads = 0; reads < MAX_READS; reads++) {
      const read = this.#socket.read(this.#buffer);
      if (read === 'empty') return;
      this.#isStale = true;
    }
  }

  /** All messages of one dump; null where it can not be relied on. */
  #dump(type: (typeof DUMP)[keyof typeof DUMP]): readonly RouteMessage[] | null {
    const sequence = ++this.#sequence;
    this.#socket.write(encodeDump(type, sequence));
    const messages: RouteMessage[] = [];
    for (let reads = 0; reads < MAX_READS; reads++) {
      const read = this.#socket.read(this.#buffer);
      if (typeof read === 'string') return null;
      for (const message of decodeRoute(this.#buffer.subarray(0, read))) {
        if (message.sequence !== sequence || !(message.isPart || message.kind === 'error')) {
          this.noticed(); // an event in between
          continue;
        }
        if (message.isInterrupted || message.kind === 'error') return null;
        if (message.kind === 'done') return messages;
        messages.push(message);
      }
    }
    return null;
  }
}
