// The state that the page shows: the table, from the helper's watch, and its counters, sampled while a page is open.
//
// List, then follow, as frontend/replica.ts does it. The two share no code: the frontend begins the watch itself, pages
// through leases without traffic into its compact table, and retries by a schedule that its tests control. This needs
// shown mappings with traffic from `Helper.listAll`, which throws; the part in common is a counter and an array.

import type { Event, StatusReport } from '../../../proto/codec.js';
import { Failure } from '../../host/failure.js';
import type { Helper, WatchListener } from '../helper.js';
import type { Descriptions } from '../descriptions.js';
import { descriptionOf, NO_DESCRIPTIONS } from '../descriptions.js';
import type { Listed } from '../mapping.js';
import { askedBy, endpointOf, hardwareAddressOf, nameOf } from '../mapping.js';
import type { Names } from '../names.js';
import { parseHostKey } from '../names.js';
import { keyOf, ratesBetween } from '../top-frame.js';
import type { GatewayEvent, Health, Message, ShownMapping, Traffic } from './messages.js';

export interface ViewDeps {
  /** Milliseconds of CLOCK_BOOTTIME. */
  bootMs(): number;
  /** Milliseconds of the wall clock. */
  wallMs(): number;
  /** As the files have them now. */
  names(): Names;
  /** As natpmp-upnp has them now; never rejects. */
  descriptions(): Promise<Descriptions>;
  health(status: StatusReport): Health;
  readonly mayRevoke: boolean;
  /** Between two samples of the counters. */
  readonly intervalMs: number;
}

/** Events within this time are sent together. */
const BATCH_MS = 50;
/** Events that a new client gets. */
const MAX_HISTORY = 50;
/** A helper that is connected but does not list its table is asked again after this time. */
const RETRY_MS = 500;
/** Older samples give no rate. */
const MAX_RATE_AGE_MS = 60_000;
/** Sampling may take this share of the time, so that a large table does not keep the helper busy. */
const MAX_LOAD_SHARE = 0.1;

export class View implements WatchListener {
  readonly #deps: ViewDeps;
  readonly #clients = new Set<(message: Message) => void>();
  #helper: Pick<Helper, 'listAll' | 'status'> | null = null;
  #isHelperHere = false;
  #table = new Map<string, ShownMapping>();
  #names: Names;
  #descriptions: Descriptions = NO_DESCRIPTIONS;
  #history: GatewayEvent[] = [];
  #pending: GatewayEvent[] = [];
  /** Events that arrive while the table is being listed; null while they are applied at once. */
  #early: Event[] | null = null;
  /** Counts sessions with the helper: a list of an earlier session is dropped. */
  #session = 0;
  #health: Health | null = null;
  /** When the counters were last sampled. */
  #sampledAtMs = -Infinity;
  #sampleTimer: NodeJS.Timeout | null = null;
  #flushTimer: NodeJS.Timeout | null = null;

  constructor(deps: ViewDeps) {
    this.#deps = deps;
    this.#names = deps.names();
  }

  /** The helper whose events this view receives. */
  attach(helper: Pick<Helper, 'listAll' | 'status'>): void {
    this.#helper = helper;
  }

  /** A new client: `send` gets the table, and then every change. Returns the function that removes it. */
  join(send: (message: Message) => void): () => void {
    this.#flushEvents();
    send(this.table());
    this.#clients.add(send);
    if (this.#clients.size === 1) this.#scheduleSample(0);
    return () => {
      this.#clients.delete(send);
    };
  }

  table(): Message {
    return {
      kind: 'table',
      now: this.#deps.bootMs(),
      isHelperHere: this.#isHelperHere,
      mayRevoke: this.#deps.mayRevoke,
      mappings: [...this.#table.values()],
      past: this.#history,
      health: this.#health,
    };
  }

  watching(): void {
    void this.#begin(++this.#session);
  }

  lost(): void {
    this.#session++;
    this.#isHelperHere = false;
    this.#early = null;
    this.#record('lost', null);
  }

  event(event: Event): void {
    if (this.#early !== null) this.#early.push(event);
    else this.#apply(event);
  }

  close(): void {
    this.#session++;
    for (const timer of [this.#sampleTimer, this.#flushTimer]) if (timer !== null) clearTimeout(timer);
    this.#clients.clear();
  }

  async #begin(session: number): Promise<void> {
    const events: Event[] = [];
    this.#early = events;
    const leases = await this.#helper?.listAll().catch(ignoreUnreachable);
    // Disconnected in between: the next session lists again.
    if (session !== this.#session) return;
    if (leases === undefined)
      return void setTimeout(() => {
        if (session === this.#session) void this.#begin(session);
      }, RETRY_MS);
    this.#table = new Map(leases.map((lease) => this.#shownMapping(lease)).map((mapping) => [mapping.id, mapping]));
    this.#sampledAtMs = this.#deps.bootMs();
    this.#early = null;
    if (!this.#isHelperHere && this.#history.at(-1)?.kind === 'lost')
      this.#remember({ kind: 'back', at: this.#now(), mapping: null });
    this.#isHelperHere = true;
    for (const event of events) this.#apply(event);
    this.#broadcastTable();
    this.#scheduleSample(0);
  }

  #apply(event: Event): void {
    if (event.kind === 'probe') return;
    if (event.kind === 'resynchronised') return this.#record(event.kind, null);
    const listed = this.#shownMapping('pinhole' in event ? event.pinhole : event.lease);
    // Events have no counters: keep those of the last sample.
    const { packets, bytes, rate } = this.#table.get(listed.id) ?? listed;
    const mapping = { ...listed, packets, bytes, rate };
    if (event.kind === 'granted' || event.kind === 'renewed') this.#table.set(mapping.id, mapping);
    else this.#table.delete(mapping.id);
    this.#record(event.kind, mapping);
  }

  #record(kind: GatewayEvent['kind'], mapping: ShownMapping | null): void {
    const event = { kind, at: this.#now(), mapping };
    this.#remember(event);
    if (this.#clients.size === 0) return;
    this.#pending.push(event);
    this.#flushTimer ??= setTimeout(() => this.#flushEvents(), BATCH_MS);
  }

  /** Without renewals, which are frequent and would push out everything else. */
  #remember(event: GatewayEvent): void {
    if (event.kind !== 'renewed') this.#history = [...this.#history, event].slice(-MAX_HISTORY);
  }

  #flushEvents(): void {
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    const happenings = this.#pending;
    this.#pending = [];
    if (happenings.length > 0) this.#broadcast({ kind: 'happened', now: this.#deps.bootMs(), happenings });
  }

  #broadcastTable(): void {
    this.#pending = [];
    if (this.#clients.size > 0) this.#broadcast(this.table());
  }

  #broadcast(message: Message): void {
    for (const send of this.#clients) send(message);
  }

  #scheduleSample(delayMs: number): void {
    if (this.#sampleTimer !== null) clearTimeout(this.#sampleTimer);
    this.#sampleTimer = this.#clients.size === 0 ? null : setTimeout(() => void this.#sample(), delayMs);
  }

  async #sample(): Promise<void> {
    const startMs = performance.now();
    const session = this.#session;
    if (this.#isHelperHere && this.#helper !== null) {
      this.#descriptions = await this.#deps.descriptions();
      const sample = await Promise.all([this.#helper.listAll(), this.#helper.status()]).catch(ignoreUnreachable);
      if (sample !== undefined && session === this.#session) this.#applySample(...sample);
    }
    const tookMs = performance.now() - startMs;
    this.#scheduleSample(Math.max(this.#deps.intervalMs - tookMs, tookMs / MAX_LOAD_SHARE));
  }

  #applySample(all: readonly Listed[], status: StatusReport): void {
    const now = this.#deps.bootMs();
    this.#health = this.#deps.health(status);
    const mappings = all.map((each) => this.#shownMapping(each));
    const before = { atMs: this.#sampledAtMs, mappings: [...this.#table.values()] };
    const rates = ratesBetween(now - this.#sampledAtMs > MAX_RATE_AGE_MS ? null : before, {
      atMs: now,
      mappings,
    });
    this.#sampledAtMs = now;
    const traffic: Traffic[] = [];
    for (const { id, packets, bytes } of mappings) {
      const known = this.#table.get(id);
      const rate = rates.get(id)?.bytes ?? null;
      if (known === undefined || (known.packets === packets && known.bytes === bytes && known.rate === rate)) continue;
      this.#table.set(id, { ...known, packets, bytes, rate });
      traffic.push({ id, packets, bytes, rate });
    }
    this.#flushEvents();
    const isDescribed = this.#updateDescriptions(mappings);
    if (this.#updateNames() || isDescribed) this.#broadcastTable();
    else this.#broadcast({ kind: 'looked', now, health: this.#health, traffic });
  }

  /** Take over changed descriptions; whether there were any. */
  #updateDescriptions(mappings: readonly ShownMapping[]): boolean {
    let isChanged = false;
    for (const { id, description } of mappings) {
      const known = this.#table.get(id);
      if (known === undefined || known.description === description) continue;
      this.#table.set(id, { ...known, description });
      isChanged = true;
    }
    return isChanged;
  }

  /** Take over changed names; whether there were any. */
  #updateNames(): boolean {
    const names = this.#deps.names();
    if (names === this.#names) return false;
    this.#names = names;
    this.#table = new Map([...this.#table].map(([id, mapping]) => [id, { ...mapping, name: nameIn(names, mapping) }]));
    return true;
  }

  #shownMapping(listed: Listed): ShownMapping {
    const { protocol, origin, lifetime, expiresAt, traffic } = listed;
    const endpoint = { protocol, ...endpointOf(listed) };
    return {
      id: keyOf(endpoint),
      ...endpoint,
      name: nameOf(listed, this.#names),
      origin,
      askedBy: askedBy(listed),
      description: descriptionOf(listed, this.#descriptions),
      lifetime,
      endsAt: origin === 'static' ? null : expiresAt,
      packets: traffic?.packets ?? null,
      bytes: traffic?.bytes ?? null,
      rate: null,
      ...hardwareAddressOf(listed),
    };
  }

  #now(): string {
    return new Date(this.#deps.wallMs()).toISOString();
  }
}

function nameIn(names: Names, { internalAddress, hardwareAddress }: ShownMapping): string | null {
  return names.get(parseHostKey(internalAddress) ?? '') ?? names.get(hardwareAddress ?? '') ?? null;
}

/** The watch reports when the helper is back; any other error is a defect. */
function ignoreUnreachable(error: unknown): undefined {
  if (!(error instanceof Failure)) throw error;
}
