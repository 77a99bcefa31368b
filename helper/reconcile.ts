// Keeps table, kernel and disk in step between requests: ends leases, notices that someone else changed the ruleset,
// and brings every mapping back. Time and effects come in as arguments; daemon.ts calls `look` when `againMs` says so.

import type { Event, StatusReport } from '../proto/codec.js';
import { RateLimiter } from '../proto/token-bucket.js';
import type { StatsRecorder } from '../proto/totals.js';
import type { RequestFrom, BatchResult, HandlerDeps } from './handle.js';
import { handle } from './handle.js';
import { FlowFlushQueue } from './flow-flush.js';
import type { Journal } from './journal/journal.js';
import type { Kernel } from './nft/kernel.js';
import type { Leases } from './leases.js';
import type { Limits } from './limits.js';
import type { Clock } from './journal/format.js';

/**
 * When to look again, in milliseconds: while something goes on, while the ruleset is away, and where nothing is to be
 * expected.
 */
export const LOOK_MS = 200;
const LOOK_SOON_MS = 25;
const LOOK_QUIET_MS = 60_000;
/** How long a reload may leave the ruleset away before it counts as gone, in milliseconds. */
const RELOAD_MS = 100;
/** A wall clock that is this far from where it should be has been set, in milliseconds. */
const CLOCK_SET_MS = 1000;
/** How many ended mappings have their flows forgotten at once: each costs up to a few milliseconds. */
const FORGET_AT_ONCE = 5;

export interface ReconcilerDeps {
  /** Others after each reload: read anew for every batch. */
  readonly limits: Limits;
  readonly leases: Leases;
  readonly kernel: Kernel;
  readonly journal: Journal;
  readonly totals: StatsRecorder;
  readonly clock: Clock;
  /** Milliseconds of CLOCK_BOOTTIME. */
  readonly now: () => number;
  /** Milliseconds of the wall clock since 1970. */
  readonly wall: () => number;
  readonly pid: number;
}

/** What a look came to. `ruleset-gone`: it is for the supervisor to install it again. */
export interface ReconcileResult {
  readonly events: readonly Event[];
  readonly repaired: { readonly added: number; readonly removed: number } | null;
  readonly isRulesetGone: boolean;
}

export class Reconciler {
  readonly #parts: ReconcilerDeps;
  readonly #world: HandlerDeps;
  readonly #endings = new FlowFlushQueue();
  readonly #startedAt: number;
  #clock: Clock;
  #inStep = true;
  /** Nothing has happened since the last look, nor at it. */
  #isQuiet = true;
  #missingSince: number | null = null;
  #resynchronisations = 0;

  constructor(parts: ReconcilerDeps) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#startedAt = parts.now();
    this.#world = {
      get limits() {
        return parts.limits;
      },
      leases: parts.leases,
      kernel: parts.kernel,
      journal: parts.journal,
      totals: parts.totals,
      now: parts.now,
      newMappings: new RateLimiter(parts.limits.newMappings),
      clock: () => this.#lookAtClock(),
      status: () => this.status(),
      markOutOfSync: () => {
        this.#inStep = false;
      },
    };
  }

  /** Carry out a batch of requests; see `handle`. */
  handle(asked: readonly RequestFrom[]): BatchResult {
    const handled = handle(asked, this.#world);
    this.#isQuiet = false; // what the kernel says meanwhile may have been heard, and is for the next look
    this.#endings.note(handled.events);
    return handled;
  }

  reconcile(): ReconcileResult {
    const { events } = this.handle([]);
    this.#isQuiet = events.length === 0;
    if (!this.#parts.kernel.takeForeignChange() && this.#inStep)
      return { events, repaired: null, isRulesetGone: false };

    const repaired = this.#parts.kernel.repair(this.#parts.leases.leases(), this.#parts.now);
    this.#inStep = repaired !== 'no-ruleset';
    if (repaired === 'no-ruleset') {
      this.#missingSince ??= this.#parts.now();
      const isRulesetGone = this.#parts.now() - this.#missingSince >= RELOAD_MS;
      return { events, repaired: null, isRulesetGone };
    }
    this.#missingSince = null;
    if (repaired.added + repaired.removed === 0) return { events, repaired: null, isRulesetGone: false };
    this.#resynchronisations++;
    return { events: [...events, { kind: 'resynchronised' }], repaired, isRulesetGone: false };
  }

  /** When to look again at the latest, in milliseconds. */
  nextCheckMs(): number {
    if (!this.#inStep) return LOOK_SOON_MS;
    if (!this.#isQuiet || this.#endings.isWaiting) return LOOK_MS;
    return Math.min(Math.max(this.#parts.leases.nextEndingAt - this.#parts.now(), LOOK_SOON_MS), LOOK_QUIET_MS);
  }

  /** Forget the flows of some mappings that ended; for when nothing else waits. */
  forgetFlows(): void {
    for (const ended of this.#endings.take(FORGET_AT_ONCE, this.#parts.leases))
      this.#parts.kernel.flushConntrack(ended);
  }

  status(): StatusReport {
    const { limits, leases, journal, pid } = this.#parts;
    return {
      epochStart: this.#clock.epochStart,
      mappings: leases.size,
      staticMappings: leases.staticCount,
      maxMappings: limits.maxMappings,
      maxMappingsPerHost: limits.maxMappingsPerHost,
      maxLifetime: limits.maxLifetime,
      journalBytes: journal.bytes,
      kernelInStep: this.#inStep,
      pid,
      resynchronisations: this.#resynchronisations,
      startedAt: this.#startedAt,
      totals: this.#parts.totals,
    };
  }

  /** The journal's clock, set anew where someone has set the wall clock: a reboot would age leases by it. */
  #lookAtClock(): { readonly current: Clock; readonly isNews: boolean } {
    const wallOffset = this.#parts.wall() - this.#parts.now();
    const isNews = Math.abs(wallOffset - this.#clock.wallOffset) > CLOCK_SET_MS;
    if (isNews) this.#clock = { ...this.#clock, wallOffset };
    return { current: this.#clock, isNews };
  }
}
