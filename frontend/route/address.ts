// The address of the external interface: asked of the kernel at the start and after every event of the route socket.

import type { Ipv4 } from '../../proto/mapping.js';
import type { RouteMessage } from './rtnetlink.js';
import { addressOf, decodeRoute, DUMP, encodeDump } from './rtnetlink.js';
import type { RouteSocket } from './socket.js';

/** Larger than any one message that the kernel sends: at most 32 KiB of a dump. */
const READ_BUFFER_BYTES = 1 << 16;

/** More reads than any dump needs, so that no sender can keep the loop running. */
const MAX_READS = 4096;

export class AddressWatch {
  readonly #socket: RouteSocket;
  readonly #interfaceName: string;
  readonly #onChange: (address: Ipv4 | null) => void;
  readonly #requestPoll: () => void;
  readonly #buffer = new Uint8Array(READ_BUFFER_BYTES);
  #sequence = 0;
  #isStale = true;
  #address: Ipv4 | null = null;

  /**
   * @param requestPoll Called when `poll` must be called, at once or after a rest, although there may be nothing to
   * read.
   */
  constructor(
    socket: RouteSocket,
    interfaceName: string,
    onChange: (address: Ipv4 | null) => void,
    requestPoll: () => void,
  ) {
    this.#socket = socket;
    this.#interfaceName = interfaceName;
    this.#onChange = onChange;
    this.#requestPoll = requestPoll;
  }

  get address(): Ipv4 | null {
    return this.#address;
  }

  /** The address may have changed: an event was read from the socket elsewhere. */
  markStale(): void {
    this.#isStale = true;
    this.#requestPoll();
  }

  /** Read all events, and if there were any, read the address once. Call it when the socket is readable. */
  poll(): void {
    this.#drain();
    if (!this.#isStale) return;
    this.#isStale = false;
    const links = this.#dump(DUMP.LINKS);
    const addresses = links === null ? null : this.#dump(DUMP.ADDRESSES);
    if (links === null || addresses === null) {
      this.markStale(); // try again at the next poll
      return;
    }
    const address = addressOf([...links, ...addresses], this.#interfaceName);
    if (address === this.#address) return;
    this.#address = address;
    this.#onChange(address);
  }

  #drain(): void {
    for (let reads = 0; reads < MAX_READS; reads++) {
      const read = this.#socket.read(this.#buffer);
      if (read === 'empty') return;
      this.#isStale = true;
    }
  }

  /** All messages of one dump; null if it was incomplete or interrupted. */
  #dump(type: (typeof DUMP)[keyof typeof DUMP]): readonly RouteMessage[] | null {
    const sequence = ++this.#sequence;
    this.#socket.write(encodeDump(type, sequence));
    const messages: RouteMessage[] = [];
    for (let reads = 0; reads < MAX_READS; reads++) {
      const read = this.#socket.read(this.#buffer);
      if (typeof read === 'string') return null;
      for (const message of decodeRoute(this.#buffer.subarray(0, read))) {
        if (message.sequence !== sequence || !(message.isPart || message.kind === 'error')) {
          this.markStale(); // an event between the parts of the dump
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
