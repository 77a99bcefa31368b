// Keeps quiet about an external address that goes away and comes back: many DHCP clients take it away and put it back
// at each renewal. A new address is news at once; a loss only if it lasts. Time comes in as an argument.

import type { Ipv4 } from '../../proto/mapping.js';
import type { Schedule } from '../schedule.js';

/** How long a loss must last to be one, in milliseconds. Far below what clients and peers wait for. */
export const HOLD_DOWN_MS = 2000;

interface Seen {
  /** The one that traffic has; null for none. */
  readonly address: Ipv4 | null;
  /** All addresses of the interface. */
  readonly present: readonly Ipv4[];
}

export class HoldDown {
  readonly #onChange: (address: Ipv4 | null) => void;
  readonly #schedule: Schedule;
  #address: Ipv4 | null = null;
  /** All addresses of the interface when the one that is told was last among them. */
  #known: readonly Ipv4[] = [];
  /** What is told if the loss lasts. */
  #next: Seen = { address: null, present: [] };
  #cancel: (() => void) | null = null;

  /** `onChange` gets the address to tell, null for none. The first one to tell, before any call, is null. */
  constructor(onChange: (address: Ipv4 | null) => void, schedule: Schedule) {
    this.#onChange = onChange;
    this.#schedule = schedule;
  }

  /** The address that is told. */
  get address(): Ipv4 | null {
    return this.#address;
  }

  /** The kernel's state has been read. */
  update(seen: Seen): void {
    const isPresent = this.#address === null || seen.present.includes(this.#address);
    // Without the address, traffic has another one of those that were there before: for now, perhaps.
    const isLoss = !isPresent && (seen.address === null || this.#known.includes(seen.address));
    if (!isLoss) return this.#tell(seen);
    this.#next = seen;
    this.#cancel ??= this.#schedule(HOLD_DOWN_MS, () => this.#tell(this.#next));
  }

  #tell({ address, present }: Seen): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#known = present;
    if (address === this.#address) return;
    this.#address = address;
    this.#onChange(address);
  }
}
