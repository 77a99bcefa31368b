// A set of ports as a bitmap of 65,536: each operation takes the same short time, however scattered the ports are. Pure.

import type { PortRange } from '../../proto/mapping.js';

const WORDS = 0x10000 / 32;

export class PortSet {
  readonly #words: Uint32Array;

  private constructor(words: Uint32Array) {
    this.#words = words;
  }

  static readonly NONE = new PortSet(new Uint32Array(WORDS));
  /** 1 to 65535. */
  static readonly ALL = PortSet.of([{ from: 1, to: 0xffff }]);

  /** Parts of ranges outside 1 to 65535 are left out. */
  static of(ranges: Iterable<PortRange>): PortSet {
    const words = new Uint32Array(WORDS);
    for (const { from, to } of ranges) {
      for (let port = Math.max(1, from); port <= Math.min(0xffff, to); ) {
        const isWholeWord = (port & 31) === 0 && port + 31 <= to;
        words[port >> 5] = isWholeWord ? 0xffffffff : words[port >> 5]! | (1 << (port & 31));
        port += isWholeWord ? 32 : 1;
      }
    }
    return new PortSet(words);
  }

  has(port: number): boolean {
    return ((this.#words[port >> 5] ?? 0) & (1 << (port & 31))) !== 0;
  }

  and(other: PortSet): PortSet {
    return new PortSet(this.#words.map((word, at) => word & other.#words[at]!));
  }

  or(other: PortSet): PortSet {
    return new PortSet(this.#words.map((word, at) => word | other.#words[at]!));
  }

  without(other: PortSet): PortSet {
    return new PortSet(this.#words.map((word, at) => word & ~other.#words[at]!));
  }

  get isEmpty(): boolean {
    return this.#words.every((word) => word === 0);
  }

  isWithin(other: PortSet): boolean {
    return this.#words.every((word, at) => (word & ~other.#words[at]!) === 0);
  }

  equals(other: PortSet): boolean {
    return this.#words.every((word, at) => word === other.#words[at]);
  }

  /** In ascending order; no two of them adjoin. */
  ranges(): readonly PortRange[] {
    const ranges: PortRange[] = [];
    let from: number | null = null;
    for (let port = 0; port <= 0x10000; port++) {
      if (port < 0x10000 && (port & 31) === 0 && from === null && this.#words[port >> 5] === 0) {
        port += 31; // nothing in this word
        continue;
      }
      const isThere = port < 0x10000 && this.has(port);
      if (isThere) from ??= port;
      else if (from !== null) {
        ranges.push({ from, to: port - 1 });
        from = null;
      }
    }
    return ranges;
  }
}
