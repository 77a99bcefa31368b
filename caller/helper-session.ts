// The session with the helper: watch, list, then follow events, so that the daemon has a replica of the helper's
// table. Until the replica is complete, and while the helper is away, requests wait: the gateway does not guess.

import type { HelperClient, Listener } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import type { Event, StatusReport } from '../proto/codec.js';
import { MAX_PAGE } from '../proto/codec.js';
import { Table } from '../proto/table.js';
import type { Pinhole } from '../proto/mapping.js';
import type { LeaseReplica } from './lease-replica.js';
import type { PinholeReplica } from './pinhole-replica.js';
import type { Schedule } from './schedule.js';

export interface HelperSessionDeps {
  readonly leases: LeaseReplica;
  /** Null if PCP is not served. */
  readonly pinholes: PinholeReplica | null;
  readonly ask: HelperClient['ask'];
  readonly clock: BootClock;
  readonly schedule: Schedule;
  /** The replica is complete. `isNewEpoch`: for the first time, or mappings may have been lost since the last time. */
  ready(status: StatusReport, isNewEpoch: boolean): void;
  /** The helper is away; called only after `ready`. */
  lost(): void;
  /** Events were lost. The replica is built again; until then the old one serves. */
  fellBehind(): void;
  /** An event was applied to the replica. */
  applied?(event: Event): void;
}

/** The pause before another attempt if the helper did not list its table, or if events were lost. */
const RETRY_MS = 500;

export class HelperSession implements Listener {
  readonly #deps: HelperSessionDeps;
  /** Incremented by each connection, loss and gap: answers and timers of an earlier session are ignored. */
  #session = 0;
  #isRetryPending = false;
  /** Events that came during the listing, in order; null while events are applied at once. */
  #queuedEvents: Event[] | null = null;
  /** Null while it is ready. */
  #lostAtMs: number | null;
  #epochStartMs: number | null = null;
  /** Those that wait for the session to be ready. */
  readonly #waiting = new Set<() => void>();

  constructor(deps: HelperSessionDeps) {
    this.#deps = deps;
    this.#lostAtMs = deps.clock();
  }

  get isReady(): boolean {
    return this.#lostAtMs === null;
  }

  /** Since when there has been no helper, in milliseconds of the clock; null while there is one. */
  get lostAtMs(): number | null {
    return this.#lostAtMs;
  }

  /** Resolves when the session is ready, at once if it is, or after so many milliseconds. */
  ready(limitMs: number): Promise<void> {
    if (this.isReady) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#waiting.delete(end);
        resolve();
      };
      const cancel = this.#deps.schedule(limitMs, end);
      this.#waiting.add(end);
    });
  }

  /** The start of the epoch in milliseconds of CLOCK_BOOTTIME, as last reported; null before the first report. */
  get epochStartMs(): number | null {
    return this.#epochStartMs;
  }

  connected(): void {
    this.#startSession();
    void this.#watch(this.#session);
  }

  resync(): void {
    this.#deps.fellBehind();
    // Events are lost under load: build the replica once, after a pause, however often that happens meanwhile.
    if (this.#isRetryPending) return;
    this.#startSession();
    this.#retryLater(this.#session, () => this.#watch(this.#session));
  }

  disconnected(): void {
    this.#startSession();
    if (!this.isReady) return;
    this.#lostAtMs = this.#deps.clock();
    this.#deps.lost();
  }

  event(event: Event): void {
    if (this.#queuedEvents === null) this.#apply(event);
    else this.#queuedEvents.push(event);
  }

  #apply(event: Event): void {
    this.#deps.leases.apply(event);
    this.#deps.pinholes?.apply(event);
    this.#deps.applied?.(event);
  }

  #startSession(): void {
    this.#session++;
    this.#isRetryPending = false;
    this.#queuedEvents = null;
  }

  #retryLater(session: number, run: () => Promise<void>): void {
    this.#isRetryPending = true;
    this.#deps.schedule(RETRY_MS, () => {
      if (session !== this.#session) return;
      this.#isRetryPending = false;
      void run();
    });
  }

  /** Watch before listing: then no change can fall between the list and the events. */
  async #watch(session: number): Promise<void> {
    const wanted = this.#deps.pinholes === null ? {} : { pinholes: true as const };
    const answer = await this.#deps.ask({ kind: 'watch', ...wanted });
    if (session !== this.#session) return;
    if (answer.kind === 'watching') return this.#rebuild(session, answer.status);
    this.#retryLater(session, () => this.#watch(session));
  }

  async #rebuild(session: number, status: StatusReport): Promise<void> {
    this.#queuedEvents = []; // earlier events are in the list
    const { leases, pinholes } = this.#deps;
    // Same epoch and size: the old replica is right, or nearly, and serves until the list is complete.
    const isSameSize = status.mappings === leases.size && (pinholes === null || status.pinholes === pinholes.size);
    if (status.epochStart === this.#epochStartMs && isSameSize) this.#becomeReady(status);
    const listed = await this.#list(session);
    const listedPinholes = pinholes === null || status.maxPinholes === 0 ? [] : await this.#listPinholes(session);
    if (session !== this.#session) return;
    if (listed === null || listedPinholes === null)
      return this.#retryLater(session, () => this.#rebuild(session, status));
    leases.reset(listed);
    pinholes?.reset(listedPinholes);
    // Events may repeat a page; applied after it they always end in the current state.
    for (const event of this.#queuedEvents ?? []) this.#apply(event);
    this.#queuedEvents = null;
    this.#becomeReady(status);
  }

  /** All leases, or null if the helper did not list them. Pages are of different moments; the events correct them. */
  async #list(session: number): Promise<Table | null> {
    const listed = new Table();
    let after = 0;
    do {
      const page = await this.#deps.ask({ kind: 'list-mappings', after, limit: MAX_PAGE });
      if (session !== this.#session || page.kind !== 'mapping-list') return null;
      // A cursor that does not advance would list forever.
      if (page.next !== 0 && page.next <= after) return null;
      for (const lease of page.leases) listed.put(lease);
      after = page.next;
    } while (after !== 0);
    return listed;
  }

  /** The same for pinholes. */
  async #listPinholes(session: number): Promise<readonly Pinhole[] | null> {
    const listed: Pinhole[] = [];
    let after = 0;
    do {
      const page = await this.#deps.ask({ kind: 'list-pinholes', after, limit: MAX_PAGE });
      if (session !== this.#session || page.kind !== 'pinhole-list') return null;
      if (page.next !== 0 && page.next <= after) return null;
      listed.push(...page.pinholes);
      after = page.next;
    } while (after !== 0);
    return listed;
  }

  #becomeReady(status: StatusReport): void {
    const isNewEpoch = this.#epochStartMs !== status.epochStart;
    this.#epochStartMs = status.epochStart;
    if (this.isReady && !isNewEpoch) return; // the old replica was already serving
    this.#lostAtMs = null;
    this.#deps.ready(status, isNewEpoch);
    for (const end of [...this.#waiting]) end();
  }
}
