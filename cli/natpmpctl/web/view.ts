// The state that the page shows: the table, from the helper's watch, and its counters, sampled while a page is open.
//
// List, then follow, as frontend/replica.ts does it. The two share no code: the frontend begins the watch itself, pages
// through leases without traffic into its compact table, and retries by a schedule that its tests control. This needs
// shown mappings with traffic from `Helper.list`, which throws; the part in common is a counter and an array.

import type { Event, ListedLease, StatusReport } from '../../../proto/codec.js';
import { formatIpv4, parseIpv4 } from '../../../proto/mapping.js';
import { Failure } from '../../host/failure.js';
import type { Helper, WatchListener } from '../helper.js';
import type { Names } from '../names.js';
import { keyOf, ratesBetween } from '../top-frame.js';
import type { Happening, Health, Message, ShownMapping, TrafficOf } from './messages.js';

export interface ViewDeps {
  /** Milliseconds of CLOCK_BOOTTIME. */
  bootMs(): number;
  /** Milliseconds of the wall clock. */
  wallMs(): number;
  /** As the files have them now. */
  names(): Names;
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
  readonly #world: ViewDeps;
  readonly #tell = new Set<(message: Message) => void>();
  #helper: Pick<Helper, 'list' | 'status'> | null = null;
  #isHere = false;
  #table = new Map<string, ShownMapping>();
  #names: Names;
  #past: Happening[] = [];
  #untold: Happening[] = [];
  /** Events that arrive while the table is being listed; null while they are applied at once. */
  #early: Event[] | null = null;
  /** Counts sessions with the helper: a list of an earlier session is dropped. */
  #session = 0;
  #health: Health | null = null;
  /** When the counters were last sampled. */
  #lookedAt = -Infinity;
  #looking: NodeJS.Timeout | null = null;
  #gathering: NodeJS.Timeout | null = null;

  constructor(world: ViewDeps) {
    this.#world = world;
    this.#names = world.names();
  }

  /** The helper whose events this view receives. */
  attach(helper: Pick<Helper, 'list' | 'status'>): void {
    this.#helper = helper;
  }

  /** A new client: `tell` gets the table, and then every change. Returns the function that removes it. */
  join(tell: (message: Message) => void): () => void {
    this.#tellUntold();
    tell(this.table());
    this.#tell.add(tell);
    if (this.#tell.size === 1) this.#lookIn(0);
    return () => {
      this.#tell.delete(tell);
    };
  }

  table(): Message {
    return {
      kind: 'table',
      now: this.#world.bootMs(),
      isHelperHere: this.#isHere,
      mayRevoke: this.#world.mayRevoke,
      mappings: [...this.#table.values()],
      past: this.#past,
      health: this.#health,
    };
  }

  watching(): void {
    void this.#begin(++this.#session);
  }

  lost(): void {
    this.#session++;
    this.#isHere = false;
    this.#early = null;
    this.#happened('lost', null);
  }

  event(event: Event): void {
    if (this.#early !== null) this.#early.push(event);
    else this.#apply(event);
  }

  close(): void {
    this.#session++;
    for (const timer of [this.#looking, this.#gathering]) if (timer !== null) clearTimeout(timer);
    this.#tell.clear();
  }

  async #begin(session: number): Promise<void> {
    const events: Event[] = [];
    this.#early = events;
    const leases = await this.#helper?.list().catch(ignoreUnreachable);
    // Disconnected in between: the next session lists again.
    if (session !== this.#session) return;
    if (leases === undefined)
      return void setTimeout(() => {
        if (session === this.#session) void this.#begin(session);
      }, RETRY_MS);
    this.#table = new Map(leases.map((lease) => this.#shown(lease)).map((mapping) => [mapping.id, mapping]));
    this.#lookedAt = this.#world.bootMs();
    this.#early = null;
    if (!this.#isHere && this.#past.at(-1)?.kind === 'lost')
      this.#remember({ kind: 'back', at: this.#at(), mapping: null });
    this.#isHere = true;
    for (const event of events) this.#apply(event);
    this.#tellTable();
    this.#lookIn(0);
  }

  #apply(event: Event): void {
    if (event.kind === 'probe') return;
    if (event.kind === 'resynchronised') return this.#happened(event.kind, null);
    const told = this.#shown(event.lease);
    // Events have no counters: keep those of the last sample.
    const { packets, bytes, rate } = this.#table.get(told.id) ?? told;
    const mapping = { ...told, packets, bytes, rate };
    if (event.kind === 'granted' || event.kind === 'renewed') this.#table.set(mapping.id, mapping);
    else this.#table.delete(mapping.id);
    this.#happened(event.kind, mapping);
  }

  #happened(kind: Happening['kind'], mapping: ShownMapping | null): void {
    const happening = { kind, at: this.#at(), mapping };
    this.#remember(happening);
    if (this.#tell.size === 0) return;
    this.#untold.push(happening);
    this.#gathering ??= setTimeout(() => this.#tellUntold(), BATCH_MS);
  }

  /** Without renewals, which are frequent and would push out everything else. */
  #remember(happening: Happening): void {
    if (happening.kind !== 'renewed') this.#past = [...this.#past, happening].slice(-MAX_HISTORY);
  }

  #tellUntold(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    const happenings = this.#untold;
    this.#untold = [];
    if (happenings.length > 0) this.#tellAll({ kind: 'happened', now: this.#world.bootMs(), happenings });
  }

  #tellTable(): void {
    this.#untold = [];
    if (this.#tell.size > 0) this.#tellAll(this.table());
  }

  #tellAll(message: Message): void {
    for (const tell of this.#tell) tell(message);
  }

  #lookIn(delayMs: number): void {
    if (this.#looking !== null) clearTimeout(this.#looking);
    this.#looking = this.#tell.size === 0 ? null : setTimeout(() => void this.#look(), delayMs);
  }

  async #look(): Promise<void> {
    const startMs = performance.now();
    const session = this.#session;
    if (this.#isHere && this.#helper !== null) {
      const seen = await Promise.all([this.#helper.list(), this.#helper.status()]).catch(ignoreUnreachable);
      if (seen !== undefined && session === this.#session) this.#saw(...seen);
    }
    const tookMs = performance.now() - startMs;
    this.#lookIn(Math.max(this.#world.intervalMs - tookMs, tookMs / MAX_LOAD_SHARE));
  }

  #saw(leases: readonly ListedLease[], status: StatusReport): void {
    const now = this.#world.bootMs();
    this.#health = this.#world.health(status);
    const seen = leases.map((lease) => this.#shown(lease));
    const before = { atMs: this.#lookedAt, mappings: [...this.#table.values()] };
    const rates = ratesBetween(now - this.#lookedAt > MAX_RATE_AGE_MS ? null : before, { atMs: now, mappings: seen });
    this.#lookedAt = now;
    const traffic: TrafficOf[] = [];
    for (const { id, packets, bytes } of seen) {
      const known = this.#table.get(id);
      const rate = rates.get(id)?.bytes ?? null;
      if (known === undefined || (known.packets === packets && known.bytes === bytes && known.rate === rate)) continue;
      this.#table.set(id, { ...known, packets, bytes, rate });
      traffic.push({ id, packets, bytes, rate });
    }
    this.#tellUntold();
    if (this.#renamed()) this.#tellTable();
    else this.#tellAll({ kind: 'looked', now, health: this.#health, traffic });
  }

  /** Take over changed names; whether there were any. */
  #renamed(): boolean {
    const names = this.#world.names();
    if (names === this.#names) return false;
    this.#names = names;
    this.#table = new Map([...this.#table].map(([id, mapping]) => [id, { ...mapping, name: nameIn(names, mapping) }]));
    return true;
  }

  #shown(lease: ListedLease): ShownMapping {
    const { protocol, externalPort, internalPort, origin, lifetime, expiresAt, traffic } = lease;
    const internalAddress = formatIpv4(lease.internalAddress);
    return {
      id: keyOf({ protocol, externalPort, internalAddress, internalPort }),
      protocol,
      externalPort,
      internalAddress,
      internalPort,
      name: this.#names.get(lease.internalAddress) ?? null,
      origin,
      lifetime,
      endsAt: origin === 'static' ? null : expiresAt,
      packets: traffic?.packets ?? null,
      bytes: traffic?.bytes ?? null,
      rate: null,
    };
  }

  #at(): string {
    return new Date(this.#world.wallMs()).toISOString();
  }
}

function nameIn(names: Names, { internalAddress }: ShownMapping): string | null {
  return names.get(parseIpv4(internalAddress) ?? 0) ?? null;
}

/** The watch reports when the helper is back; any other error is a defect. */
function ignoreUnreachable(error: unknown): undefined {
  if (!(error instanceof Failure)) throw error;
}
