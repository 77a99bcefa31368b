// The session with the helper: watch, list, then follow, so that the ledger is a replica of the helper's table. Before
// it is one, and while the helper is away, the gateway says so (result code 3) instead of guessing.

import type { HelperClient, Listener } from '../proto/client.js';
import type { Event, StatusReport } from '../proto/codec.js';
import { MAX_PAGE } from '../proto/codec.js';
import { Table } from '../proto/table.js';
import type { Schedule } from './announce.js';
import type { LeaseReplica } from './ledger.js';

export interface ReplicaWorld {
  readonly ledger: LeaseReplica;
  readonly ask: HelperClient['ask'];
  readonly schedule: Schedule;
  /** The replica is complete. `isNewEpoch`: at the first time, and when mappings may have been lost since. */
  ready(status: StatusReport, isNewEpoch: boolean): void;
  /** The helper is away; called only after `ready`. */
  lost(): void;
  /** Events were dropped on their way; the replica is made anew, and good enough to go on with until then. */
  fellBehind(): void;
}

/** When a helper that is connected does not list its table, or not all it told was heard, ask again so much later. */
const RETRY_MS = 500;

export class HelperSession implements Listener {
  readonly #world: ReplicaWorld;
  /** Counts beginnings: what belongs to an earlier one is dropped. */
  #session = 0;
  #isWaiting = false;
  /** Events that came while the table is being listed; null while they are applied as they come. */
  #early: Event[] | null = null;
  #isReady = false;
  #epochStart: number | null = null;

  constructor(world: ReplicaWorld) {
    this.#world = world;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** As the helper last said; null before it was first met. */
  get epochStart(): number | null {
    return this.#epochStart;
  }

  connected(): void {
    this.#start();
    void this.#begin(this.#session);
  }

  /** Events are lost under load: begin later, and only once however often it happens until then. */
  resync(): void {
    this.#world.fellBehind();
    if (this.#isWaiting) return;
    this.#start();
    this.#later(this.#session, () => this.#begin(this.#session));
  }

  disconnected(): void {
    this.#start();
    if (!this.#isReady) return;
    this.#isReady = false;
    this.#world.lost();
  }

  event(event: Event): void {
    if (this.#early === null) this.#world.ledger.apply(event);
    else this.#early.push(event);
  }

  #start(): void {
    this.#session++;
    this.#isWaiting = false;
    this.#early = null;
  }

  #later(session: number, run: () => Promise<void>): void {
    this.#isWaiting = true;
    this.#world.schedule(RETRY_MS, () => {
      if (session !== this.#session) return;
      this.#isWaiting = false;
      void run();
    });
  }

  /** Watch first: then no change can fall between the list and the events. */
  async #begin(session: number): Promise<void> {
    const answer = await this.#world.ask({ kind: 'watch' });
    if (session !== this.#session) return;
    if (answer.kind === 'watching') return this.#rebuild(session, answer.status);
    this.#later(session, () => this.#begin(session));
  }

  async #rebuild(session: number, status: StatusReport): Promise<void> {
    this.#early = []; // what came before is in the list
    // A table of the same epoch and size is the one we knew, or nearly: good enough to go on with until it is listed.
    if (status.epochStart === this.#epochStart && status.mappings === this.#world.ledger.size)
      this.#becomeReady(status);
    const listed = await this.#list(session);
    if (session !== this.#session) return;
    if (listed === null) return this.#later(session, () => this.#rebuild(session, status));
    this.#follow(listed, status);
  }

  /** All leases, or null where the helper did not list them. Pages are of different moments; `#follow` knows. */
  async #list(session: number): Promise<Table | null> {
    const listed = new Table();
    let after = 0;
    do {
      const page = await this.#world.ask({ kind: 'list-mappings', after, limit: MAX_PAGE });
      if (session !== this.#session || page.kind !== 'mapping-list') return null;
      // A cursor that does not advance would list for ever.
      if (page.next !== 0 && page.next <= after) return null;
      for (const lease of page.leases) listed.put(lease);
      after = page.next;
    } while (after !== 0);
    return listed;
  }

  /**
   * The list, and on top of it every event since it was begun. An event may be in its page already; then it or a later
   * one says so once more. Whatever was listed and changed afterwards has its last word in the events.
   */
  #follow(listed: Table, status: StatusReport): void {
    const { ledger } = this.#world;
    ledger.reset(listed);
    for (const event of this.#early ?? []) ledger.apply(event);
    this.#early = null;
    this.#becomeReady(status);
  }

  #becomeReady(status: StatusReport): void {
    const isNewEpoch = this.#epochStart !== status.epochStart;
    this.#epochStart = status.epochStart;
    if (this.#isReady && !isNewEpoch) return; // caught up
    this.#isReady = true;
    this.#world.ready(status, isNewEpoch);
  }
}
