// The external address, which is the one that outgoing traffic has: asked of the kernel at the start and after every
// event of the route socket.

import type { Ipv4 } from '../../proto/mapping.js';
import { parseIpv4 } from '../../proto/mapping.js';
import type { Schedule } from '../schedule.js';
import { HoldDown } from './hold-down.js';
import type { NextHop, RouteMessage } from './rtnetlink.js';
import { addressesOf, decodeRoute, DUMP, encodeDump, encodeLookup, indexOf, sourceAddress } from './rtnetlink.js';
import type { RouteSocket } from './socket.js';

/** Larger than any one message that the kernel sends: at most 32 KiB of a dump. */
const READ_BUFFER_BYTES = 1 << 16;

/** More reads than any dump needs, so that no sender can keep the loop running. */
const MAX_READS = 4096;

/** Looked up, never sent to: an address that only a default route leads to (a.root-servers.net). */
const ON_THE_INTERNET = parseIpv4('198.41.0.4') as Ipv4;
const NO_ROUTE: NextHop = { gateway: null, isRouted: false };

export class AddressWatch {
  readonly #socket: RouteSocket;
  readonly #interfaceName: string;
  readonly #holdDown: HoldDown;
  readonly #requestPoll: () => void;
  readonly #buffer = new Uint8Array(READ_BUFFER_BYTES);
  #sequence = 0;
  #isStale = true;

  /**
   * @param onChange Called with the address to tell, null for none; not for a loss that passes (hold-down.ts).
   * @param requestPoll Called when `poll` must be called, at once or after a rest, although there may be nothing to
   * read.
   */
  constructor(
    socket: RouteSocket,
    interfaceName: string,
    onChange: (address: Ipv4 | null) => void,
    requestPoll: () => void,
    schedule: Schedule,
  ) {
    this.#socket = socket;
    this.#interfaceName = interfaceName;
    this.#holdDown = new HoldDown(onChange, schedule);
    this.#requestPoll = requestPoll;
  }

  /** The address to tell. */
  get address(): Ipv4 | null {
    return this.#holdDown.address;
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
    if (!this.#read()) this.markStale(); // try again at the next poll
  }

  /** Read what the address depends on. @returns false if an answer was incomplete or interrupted. */
  #read(): boolean {
    const links = this.#dump(DUMP.LINKS);
    const all = links === null ? null : this.#dump(DUMP.ADDRESSES);
    if (links === null || all === null) return false;
    const index = indexOf(links, this.#interfaceName);
    const addresses = index === null ? [] : addressesOf(all, index);
    const nextHop = index === null || addresses.length === 0 ? NO_ROUTE : this.#lookUp(index);
    if (nextHop === null) return false;
    this.#holdDown.update({
      address: sourceAddress(addresses, nextHop, this.address),
      present: addresses.map(({ address }) => address),
    });
    return true;
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
    let isComplete = true;
    for (let reads = 0; reads < MAX_READS; reads++) {
      const read = this.#socket.read(this.#buffer);
      if (read === 'empty') return null;
      if (read === 'overrun') {
        isComplete = false;
        continue;
      }
      for (const message of decodeRoute(this.#buffer.subarray(0, read))) {
        if (message.sequence !== sequence || !(message.isPart || message.kind === 'error')) {
          this.markStale(); // an event between the parts of the dump
          continue;
        }
        // Read to the end: as long as a part is left, the kernel refuses the next dump (EBUSY).
        if (message.isInterrupted) isComplete = false;
        if (message.kind === 'error') return null;
        if (message.kind === 'done') return isComplete ? messages : null;
        messages.push(message);
      }
    }
    return null;
  }

  /** The route from the interface to the Internet; null if there was no answer. */
  #lookUp(index: number): NextHop | null {
    const sequence = ++this.#sequence;
    this.#socket.write(encodeLookup(index, ON_THE_INTERNET, sequence));
    for (let reads = 0; reads < MAX_READS; reads++) {
      const read = this.#socket.read(this.#buffer);
      if (typeof read === 'string') return null;
      for (const message of decodeRoute(this.#buffer.subarray(0, read))) {
        if (message.sequence === sequence && message.kind === 'next-hop') return message;
        // The interface is down, say.
        if (message.sequence === sequence && message.kind === 'error') return NO_ROUTE;
        this.markStale(); // an event
      }
    }
    return null;
  }
}
