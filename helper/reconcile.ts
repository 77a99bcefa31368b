// Keeps table, kernel and disk in sync between requests: ends leases, notices that someone else changed the ruleset,
// and brings every mapping back. Time and effects come in as arguments; daemon.ts calls `reconcile` again after
// `nextCheckMs`.

import type {
  BatchResult,
  Change,
  Clock,
  HandlerDeps,
  Limits,
  ReconcileResult,
  ReconcilerDeps,
  RequestFrom,
} from './types.js';
import type { Lease } from '../proto/lease.js';
import type { Event, StatusReport } from '../proto/messages.js';
import { RateLimiter } from '../proto/token-bucket.js';
import { FlowFlushQueue } from './flow-flush.js';
import { handle } from './handle.js';
import { ageMissed } from './journal/restore.js';

/** Check intervals, in milliseconds: after activity, while the ruleset is missing, when idle. */
export const CHECK_MS = 200;
const CHECK_SOON_MS = 25;
const CHECK_IDLE_MS = 60_000;
/** How long a reload may leave the ruleset missing before it counts as gone, in milliseconds. */
const RELOAD_MS = 100;
/** A wall clock that is this far from where it should be has been set, in milliseconds. */
const CLOCK_SET_MS = 1000;
/** How soon that is noticed while there are leases of an earlier boot, in milliseconds. */
const CHECK_CLOCK_MS = 1000;
/** How long after a mapping ended the next look for its flows is, as a share of the time since. */
const FLOWS_AGAIN = 0.1;

export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #handlerDeps: HandlerDeps & { limits: Limits };
  readonly #flushQueue = new FlowFlushQueue();
  /** When a mapping last ended, or flows of one were found. */
  #endedAt: number;
  readonly #startedAt: number;
  #clock: Clock;
  /** By which the leases of an earlier boot were aged. */
  #agedByMs: number;
  /** When the last of them ends, in milliseconds of CLOCK_BOOTTIME. */
  #agedUntil = 0;
  #isInSync = true;
  /** Nothing happened at the last check, and no request came since. */
  #isIdle = true;
  #missingSince: number | null = null;
  #resynchronisations = 0;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#agedByMs = deps.clock.wallOffsetMs;
    for (const lease of deps.leases.leases())
      if (ageMissed(lease, deps.clock.agedAt, 1) > 0) this.#agedUntil = Math.max(this.#agedUntil, lease.expiresAt);
    this.#startedAt = this.#endedAt = deps.now();
    this.#handlerDeps = {
      ...deps,
      newMappings: new RateLimiter(deps.limits.newMappings),
      clock: () => this.#clock,
      status: () => this.status(),
      markOutOfSync: () => {
        this.#isInSync = false;
      },
    };
  }

  /** Put other limits in force, from the next batch on. */
  setLimits(limits: Limits): void {
    this.#handlerDeps.limits = limits;
  }

  /** Carry out a batch of requests; see `handle`. Flows follow their mapping before the answers are sent. */
  handle(requests: readonly RequestFrom[]): BatchResult {
    const aged = this.#followClock();
    const result = handle(requests, this.#handlerDeps);
    this.#isIdle = false; // events of others may have been read meanwhile: the next check is for them
    for (const event of result.events) {
      if (event.kind === 'removed' || event.kind === 'expired') this.#endedAt = this.#deps.now();
      else if (event.kind === 'granted') this.#flowsFollow(event.lease);
    }
    this.#flushEarlierFlows();
    return aged.length === 0 ? result : { ...result, events: [...aged, ...result.events] };
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
    this.allFlowsFollow();
    return { events: [...events, { kind: 'resynchronised' }], repaired, isRulesetGone: false };
  }

  /** When to check again at the latest, in milliseconds. */
  nextCheckMs(): number {
    if (!this.#isInSync) return CHECK_SOON_MS;
    if (!this.#isIdle || !this.#flushQueue.isEmpty) return CHECK_MS;
    const now = this.#deps.now();
    const endingMs = Math.max(this.#deps.leases.nextEndingAt - now, CHECK_SOON_MS);
    const flowsMs = Math.max(FLOWS_AGAIN * (now - this.#endedAt), CHECK_MS);
    return Math.min(endingMs, flowsMs, now < this.#agedUntil ? CHECK_CLOCK_MS : CHECK_IDLE_MS);
  }

  /** Delete flows that go on although their mapping ended, or that began before it; call it when no request waits. */
  flushFlows(): void {
    if (this.#deps.kernel.flushEndedFlows() > 0) this.#endedAt = this.#deps.now();
    this.#flushEarlierFlows();
  }

  /** The kernel lacked mappings: flows that began meanwhile are translated as if there were none. */
  allFlowsFollow(): void {
    for (const lease of this.#deps.leases.leases()) this.#flowsFollow(lease);
  }

  #flowsFollow(lease: Lease): void {
    if (lease.protocol === 'udp') this.#flushQueue.add(lease);
  }

  #flushEarlierFlows(): void {
    const { leases, kernel, now } = this.#deps;
    this.#flushQueue.run(leases, (lease) => kernel.flushEarlierFlows(lease), now);
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

  /**
   * Notice that the wall clock was set: write it down, because a reboot ages leases by it, and end those of an earlier
   * boot that it left too long. Those whose time is over end with the next `handle`.
   */
  #followClock(): readonly Event[] {
    const { leases, kernel, journal, now, wall } = this.#deps;
    const wallOffsetMs = wall() - now();
    if (Math.abs(wallOffsetMs - this.#clock.wallOffsetMs) <= CLOCK_SET_MS) return [];
    const changes: Change[] = [];
    for (const before of leases.leases()) {
      const missed = ageMissed(before, this.#clock.agedAt, wallOffsetMs - this.#agedByMs);
      if (missed > 0) changes.push({ before, after: { ...before, expiresAt: before.expiresAt - missed } });
    }
    this.#agedByMs = Math.max(this.#agedByMs, wallOffsetMs);
    this.#clock = { ...this.#clock, wallOffsetMs };
    for (const change of changes) leases.apply(change);
    if (changes.length > 0 && kernel.apply(changes, now()) !== 'done') this.#isInSync = false;
    journal.append(changes, this.#clock, now());
    return changes.flatMap(({ after }) => (after!.expiresAt > now() ? { kind: 'renewed', lease: after! } : []));
  }
}
