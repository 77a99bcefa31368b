// What becomes of mappings in the kernel over time: looked at several times a second, because the kernel tells nobody
// of a renewal.

import { atEnd } from '../support/cases.js';
import { secondsLeft } from '../lab/nft-elements.js';
import type { Server } from '../lab/server.js';

/** Between two looks, in milliseconds. */
const LOOK_MS = 200;
/** The kernel tells whole seconds: a smaller step is none. */
const RENEWED_BY_MS = 1900;

interface Lease {
  /** When it ends, on the clock of performance.now(). */
  endsAtMs: number;
  renewedAtMs: number;
}

export class LeaseHistory {
  readonly #server: Server;
  readonly #leases = new Map<string, Lease>();
  /** When each was seen to be away last, having been there. */
  readonly #awayAtMs = new Map<string, number>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Look from now on, until the test ends. */
  static async start(server: Server): Promise<LeaseHistory> {
    const history = new LeaseHistory(server);
    await history.#look();
    let stopped = false;
    const looking = (async () => {
      while (!stopped) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        await history.#look();
      }
    })();
    atEnd(async () => {
      stopped = true;
      await looking;
    });
    return history;
  }

  /** What is in force at the last look, in the words of Server.mappings. */
  now(): string[] {
    return [...this.#leases.keys()];
  }

  /** 0 if it is not in force. */
  secondsLeft(line: string): number {
    return Math.max(0, ((this.#leases.get(line)?.endsAtMs ?? 0) - performance.now()) / 1000);
  }

  /** Whether it was there at every look since then. */
  wasKeptSince(line: string, sinceMs: number): boolean {
    return this.#leases.has(line) && (this.#awayAtMs.get(line) ?? -Infinity) < sinceMs;
  }

  wasRenewedSince(line: string, sinceMs: number): boolean {
    return (this.#leases.get(line)?.renewedAtMs ?? -Infinity) > sinceMs;
  }

  async #look(): Promise<void> {
    const left = secondsLeft(await this.#server.ruleset()).live;
    const nowMs = performance.now();
    for (const [line, seconds] of left) {
      const endsAtMs = nowMs + seconds * 1000;
      const before = this.#leases.get(line);
      if (before === undefined) this.#leases.set(line, { endsAtMs, renewedAtMs: nowMs });
      else if (endsAtMs > before.endsAtMs + RENEWED_BY_MS) Object.assign(before, { endsAtMs, renewedAtMs: nowMs });
    }
    for (const line of this.#leases.keys()) {
      if (left.has(line)) continue;
      this.#leases.delete(line);
      this.#awayAtMs.set(line, nowMs);
    }
  }
}
