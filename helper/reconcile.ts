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
import { inRanges } from '../proto/mapping.js';
import { RateLimiter } from '../proto/token-bucket.js';
import { handle, leaseEvent } from './handle.js';
import { ageMissed } from './journal/restore.js';

/** Check intervals, in milliseconds: after activity, while the ruleset is missing, when idle. */
export const CHECK_MS = 200;
const CHECK_SOON_MS = 25;
const CHECK_IDLE_MS = 60_000;
/** How long a reload may leave the ruleset missing before it counts as gone, in milliseconds. */
const RELOAD_MS = 100;
/** A wall clock that is this far off has been set, in milliseconds. After a suspend `bootClock` may be off by a second. */
const CLOCK_SET_MS = 1100;
/** How soon that is noticed while there are leases of an earlier boot, in milliseconds. */
const CHECK_CLOCK_MS = 1000;
/** The next look for flows of ended mappings comes after this share of the time since something happened. */
const FLOWS_AGAIN = 0.25;
/** The share of time that goes into walks over all flows, and what may be spent at once, in milliseconds. */
const WALK_SHARE = 0.01;
const WALK_BURST_MS = 50;
/** Beyond this many, the flows of the mappings granted first are left to their own end: 30 seconds of silence. */
const MAX_WALKS = 1000;

export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #handlerDeps: HandlerDeps & { limits: Limits };
  /** Granted UDP mappings that may have earlier flows, and when the walks so far would have ended at their share. */
  #walks: Lease[] = [];
  #walksPaidAt = 0;
  readonly #startedAt: number;
  #clock: Clock;
  /** By which the leases of an earlier boot were aged. */
  #agedByMs: number;
  /** When the last of them ends, in milliseconds of CLOCK_BOOTTIME. */
  #agedUntil = 0;
  /** How long the machine has been in suspend since the start, when the kernel's timeouts were last set again. */
  #suspendedMs = 0;
  #isInSync = true;
  /** When a request came last, a mapping ended, or flows of one were found. */
  #activeAt: number;
  #missingSince: number | null = null;
  #resynchronisations = 0;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#agedByMs = deps.clock.wallOffsetMs;
    for (const lease of deps.leases.all())
      if (ageMissed(lease, deps.clock.agedAtMs, 1) > 0) this.#agedUntil = Math.max(this.#agedUntil, lease.expiresAt);
    this.#startedAt = this.#activeAt = deps.now();
    this.#handlerDeps = {
      ...deps,
      newMappings: new RateLimiter(deps.limits.newMappings),
      newPinholes: new RateLimiter(deps.limits.newMappings),
      clock: () => this.#clock,
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

  /** Carry out a batch of requests; see `handle`. Flows follow their mapping before the answers are sent. */
  handle(requests: readonly RequestFrom[]): BatchResult {
    const aged = this.#followClock();
    const { responses, events } = handle(requests, this.#handlerDeps);
    for (const event of events) if (event.kind === 'granted' && 'lease' in event) this.#addWalk(event.lease);
    // Events of others may have been read meanwhile, too: the next check is for them.
    if (requests.length + events.length > 0) this.#activeAt = this.#deps.now();
    this.#walk();
    return { responses, events: [...aged, ...events] };
  }

  reconcile(): ReconcileResult {
    const { kernel, leases, now } = this.#deps;
    const { events } = this.handle([]);
    if (!kernel.takeForeignChange() && this.#isInSync) return { events, repaired: null, isRulesetGone: false };

    const repaired = kernel.repair(leases.all(), now);
    this.#isInSync = repaired !== 'no-ruleset';
    if (repaired === 'no-ruleset') {
      this.#missingSince ??= now();
      return { events, repaired: null, isRulesetGone: now() - this.#missingSince >= RELOAD_MS };
    }
    this.#missingSince = null;
    this.allFlowsFollow();
    if (repaired.added + repaired.removed === 0) return { events, repaired: null, isRulesetGone: false };
    this.#resynchronisations++;
    return { events: [...events, { kind: 'resynchronised' }], repaired, isRulesetGone: false };
  }

  /** When to check again at the latest, in milliseconds. */
  nextCheckMs(): number {
    if (!this.#isInSync) return CHECK_SOON_MS;
    if (this.#walks.length > 0) return CHECK_MS;
    const now = this.#deps.now();
    const endingMs = Math.max(this.#deps.leases.nextEndingAt - now, CHECK_SOON_MS);
    const flowsMs = Math.max(FLOWS_AGAIN * (now - this.#activeAt), CHECK_MS);
    return Math.min(endingMs, flowsMs, now < this.#agedUntil ? CHECK_CLOCK_MS : CHECK_IDLE_MS);
  }

  /** Delete flows that go on although their mapping ended, or that began before it; call it when no request waits. */
  flushFlows(): void {
    if (this.#deps.kernel.flushEndedFlows() > 0) this.#activeAt = this.#deps.now();
    this.#walk();
  }

  /** Flows that began while the kernel lacked mappings or rules, or had others, are translated as it was then. */
  allFlowsFollow(): void {
    this.#walks = []; // all that wait are among them
    for (const lease of this.#deps.leases.leases()) this.#addWalk(lease);
  }

  #addWalk(granted: Lease): void {
    if (granted.protocol === 'udp' && this.#walks.push(granted) > MAX_WALKS) this.#walks.shift();
  }

  /** The latest grant first: those who ask without end only delay themselves. */
  #walk(): void {
    const { leases, kernel, now } = this.#deps;
    while (now() >= this.#walksPaidAt - WALK_BURST_MS / WALK_SHARE) {
      const granted = this.#walks.pop();
      if (granted === undefined) return;
      if (leases.byEndpoint(granted)?.externalPort !== granted.externalPort) continue; // it has ended since
      const began = now();
      kernel.flushEarlierFlows(granted);
      this.#walksPaidAt = Math.max(this.#walksPaidAt, began) + (now() - began) / WALK_SHARE;
    }
  }

  status(): StatusReport {
    const { leases, journal, pid, totals } = this.#deps;
    const { limits } = this.#handlerDeps;
    return {
      epochStart: this.#clock.epochStartMs,
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
      pinholes: leases.pinholes.size,
      maxPinholes: limits.maxPinholes,
      staticPinholes: leases.pinholes.staticCount,
    };
  }

  /**
   * Notice a suspend, and that the wall clock was set: write it down, because a reboot ages leases by it, and end those of an earlier
   * boot that it left too long. Those whose time is over end with the next `handle`.
   */
  #followClock(): readonly Event[] {
    const { leases, kernel, journal, now, wall, awake } = this.#deps;
    const suspendedMs = now() - awake();
    if (suspendedMs - this.#suspendedMs > CLOCK_SET_MS) {
      this.#suspendedMs = suspendedMs;
      // The kernel's timeouts do not count time in suspend.
      if (kernel.repair(leases.all(), now) === 'no-ruleset') this.#isInSync = false;
    }
    const wallOffsetMs = wall() - now();
    if (Math.abs(wallOffsetMs - this.#clock.wallOffsetMs) <= CLOCK_SET_MS) return [];
    const changes: Change[] = [];
    for (const before of leases.all()) {
      const missed = ageMissed(before, this.#clock.agedAtMs, wallOffsetMs - this.#agedByMs);
      // Not below 0: the journal has no negative times, and would bring the lease back.
      if (missed > 0) changes.push({ before, after: { ...before, expiresAt: Math.max(0, before.expiresAt - missed) } });
    }
    this.#agedByMs = Math.max(this.#agedByMs, wallOffsetMs);
    this.#clock = { ...this.#clock, wallOffsetMs };
    for (const change of changes) leases.apply(change);
    if (changes.length > 0 && kernel.apply(changes, now()) !== 'done') this.#isInSync = false;
    journal.append(changes, this.#clock, now());
    return changes.flatMap(({ after }) => (after!.expiresAt > now() ? leaseEvent('renewed', after!) : []));
  }
}
