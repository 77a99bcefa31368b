// How many replies may be sent. A reply is several times as long as the search and goes to an address that can be forged,
// so replies are counted and not searches, for each host and for all of a LAN together. Memory is of fixed size.

import type { Ipv4 } from '../../proto/mapping.js';

interface Rate {
  /** How many may leave at once. */
  readonly burst: number;
  /** Milliseconds in which one more is earned. */
  readonly intervalMs: number;
}

/** Of one host. The busiest clients that are known search nine times in two seconds, and read 24 replies. */
export const HOST_RATE: Rate = { burst: 60, intervalMs: 50 };
/** Of all hosts of a LAN. */
export const TOTAL_RATE: Rate = { burst: 400, intervalMs: 2.5 };
/** Of all that the kernel knows no hardware address of: these may be forged, and leave half to the others. */
export const UNRESOLVED_RATE: Rate = { burst: 200, intervalMs: 5 };

/** A power of two, as in proto/token-bucket.ts: hosts whose addresses fold to one slot share it. */
const SLOTS = 1 << 14;

export class ReplyLimit {
  /** When each bucket is full again, in milliseconds of the clock: all a bucket needs (GCRA). */
  readonly #hosts = new Float64Array(SLOTS);
  readonly #total = new Float64Array(1);
  readonly #unresolved = new Float64Array(1);

  /** Whether no host at all can have a reply now: then nothing needs to be known of who asks. */
  isExhausted(now: number): boolean {
    return !hasTokens(this.#total, 0, 1, TOTAL_RATE, now);
  }

  /**
   * Take `count` tokens, or none.
   *
   * @param count 1 to 60.
   * @param isResolved Asked only if hosts that are not resolved have used their share.
   * @returns Why there are none, or null.
   */
  take(host: Ipv4, count: number, isResolved: () => boolean, now: number): 'host-rate' | 'total-rate' | null {
    const slot = (host ^ (host >>> 14)) & (SLOTS - 1);
    if (!hasTokens(this.#hosts, slot, count, HOST_RATE, now)) return 'host-rate';
    if (!hasTokens(this.#total, 0, count, TOTAL_RATE, now)) return 'total-rate';
    const isShared = hasTokens(this.#unresolved, 0, count, UNRESOLVED_RATE, now);
    if (!isShared && !isResolved()) return 'total-rate';
    spend(this.#hosts, slot, count, HOST_RATE, now);
    spend(this.#total, 0, count, TOTAL_RATE, now);
    if (isShared) spend(this.#unresolved, 0, count, UNRESOLVED_RATE, now);
    return null;
  }
}

function hasTokens(
  fullAt: Float64Array,
  slot: number,
  count: number,
  { burst, intervalMs }: Rate,
  now: number,
): boolean {
  return Math.max(fullAt[slot]!, now) - now <= (burst - count) * intervalMs;
}

function spend(fullAt: Float64Array, slot: number, count: number, { intervalMs }: Rate, now: number): void {
  fullAt[slot] = Math.max(fullAt[slot]!, now) + count * intervalMs;
}
