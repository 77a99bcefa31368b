// Keeps table, kernel and disk in sync between requests: ends leases, notices that someone else changed the ruleset,
// and brings every mapping back. Time and effects come in as arguments; daemon.ts calls `reconcile` again after
// `nextCheckMs`.

import type { BatchResult, Clock, HandlerDeps, Limits, ReconcileResult, ReconcilerDeps, RequestFrom } from './types.js';
import type { StatusReport } from '../proto/messages.js';
import { inRanges } from '../proto/mapping.js';
import { RateLimiter } from '../proto/token-bucket.js';
import { FlowFlushQueue } from './flow-flush.js';
import { handle } from './handle.js';

/** Check intervals, in milliseconds: after activity, while the ruleset is missing, when idle. */
export const CHECK_MS = 200;
const CHECK_SOON_MS = 25;
const CHECK_IDLE_MS = 60_000;
/** How long a reload may leave the ruleset missing before it counts as gone, in milliseconds. */
const RELOAD_MS = 100;
/** A wall clock that is this far from where it should be has been set, in milliseconds. */
const CLOCK_SET_MS = 1000;
/** How many ended mappings have their flows flushed at once: each takes up to a few milliseconds. */
const FLUSH_AT_ONCE = 5;

export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #handlerDeps: HandlerDeps & { limits: Limits };
  readonly #flushQueue = new FlowFlushQueue();
  readonly #startedAt: number;
  #clock: Clock;
  #isInSync = true;
  /** Nothing happened at the last check, and no request came since. */
  #isIdle = true;
  #missingSince: number | null = null;
  #resynchronisations = 0;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#startedAt = deps.now();
    this.#handlerDeps = {
      ...deps,
      newMappings: new RateLimiter(deps.limits.newMappings),
      clock: () => this.#checkClock(),
      status: () => this.status(),
      markOutOfSync: () => {
        this.#isInSync = false;
      },
    };
  }

  /** Put other limits in force. Dynamic mappings on ports that the router needs itself now end. */
  setLimits(limits: Limits): BatchResult {
    this.#handlerDeps.limits = limits;
    const dynamic = [...this.#deps.leases.leases()].filter(({ origin }) => origin === 'dynamic');
    const ending = dynamic.filter(({ externalPort }) => inRanges(limits.reservedPorts, externalPort));
    return this.handle(ending.map((lease) => ({ request: { kind: 'remove-mapping', ...lease }, role: 'client' })));
  }

  /** Carry out a batch of requests; see `handle`. */
  handle(requests: readonly RequestFrom[]): BatchResult {
    const result = handle(requests, this.#handlerDeps);
    this.#isIdle = false; // events of others may have been read meanwhile: the next check is for them
    this.#flushQueue.add(result.events);
    return result;
  }

  reconcile(): ReconcileResult {
    const { kernel, leases, now } = this.#deps;
    const { events } = this.handle([]);
    this.#isIdle = events.length === 0;
    if (!kernel.takeForeignChange() && this.#isInSync) return { events, repaired: null, isRulesetGone: false };

    const repaired = kernel.repair(leases.leases(), now);
    this.#isInSync = repaired !== 'no-ruleset';
    if (repaired === 'no-ruleset') {
      this.#missingSince ??= now();
      return { events, repaired: null, isRulesetGone: now() - this.#missingSince >= RELOAD_MS };
    }
    this.#missingSince = null;
    if (repaired.added + repaired.removed === 0) return { events, repaired: null, isRulesetGone: false };
    this.#resynchronisations++;
    return { events: [...events, { kind: 'resynchronised' }], repaired, isRulesetGone: false };
  }

  /** When to check again at the latest, in milliseconds. */
  nextCheckMs(): number {
    if (!this.#isInSync) return CHECK_SOON_MS;
    if (!this.#isIdle || !this.#flushQueue.isEmpty) return CHECK_MS;
    return Math.min(Math.max(this.#deps.leases.nextEndingAt - this.#deps.now(), CHECK_SOON_MS), CHECK_IDLE_MS);
  }

  /** Flush the flows of some mappings that ended; call it when no request waits. */
  flushFlows(): void {
    for (const ended of this.#flushQueue.take(FLUSH_AT_ONCE, this.#deps.leases))
      this.#deps.kernel.flushConntrack(ended);
  }

  status(): StatusReport {
    const { leases, journal, pid, totals } = this.#deps;
    const { limits } = this.#handlerDeps;
    return {
      epochStart: this.#clock.epochStart,
      mappings: leases.size,
      staticMappings: leases.staticCount,
      maxMappings: limits.maxMappings,
      maxMappingsPerHost: limits.maxMappingsPerHost,
      maxLifetime: limits.maxLifetime,
      journalBytes: journal.bytes,
      kernelInStep: this.#isInSync,
      pid,
      resynchronisations: this.#resynchronisations,
      startedAt: this.#startedAt,
      totals,
    };
  }

  /** The journal's clock, corrected if someone has set the wall clock: a reboot would age leases by it. */
  #checkClock(): { readonly current: Clock; readonly isNew: boolean } {
    const wallOffsetMs = this.#deps.wall() - this.#deps.now();
    const isNew = Math.abs(wallOffsetMs - this.#clock.wallOffsetMs) > CLOCK_SET_MS;
    if (isNew) this.#clock = { ...this.#clock, wallOffsetMs };
    return { current: this.#clock, isNew };
  }
}
