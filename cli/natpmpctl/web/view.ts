// What the page shows, kept true: the table as the helper's watch tells it, and its counters, looked at again and again
// while somebody looks at the page.

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
  /** As the files tell now. */
  names(): Names;
  health(status: StatusReport): Health;
  readonly mayRevoke: boolean;
  /** Milliseconds between two looks. */
  readonly intervalMs: number;
}

/** What is heard within this time is told at once, in milliseconds. */
const BATCH_MS = 50;
/** Of what happened before somebody came, so much is told. */
const MAX_HISTORY = 50;
/** A helper that is there and does not list its table is asked again so much later, in milliseconds. */
const RETRY_MS = 500;
/** A rate is of late where the look before was not longer ago, in milliseconds. */
const MAX_RATE_AGE_MS = 60_000;
/** A look may take this share of the time, so that a large table does not keep the helper busy. */
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
  /** What came while the table is being listed; null while it is applied as it comes. */
  #early: Event[] | null = null;
  /** Counts beginnings: a list that belongs to an earlier one is dropped. */
  #session = 0;
  #health: Health | null = null;
  /** When the counters in the table were read. */
  #lookedAt = -Infinity;
  #looking: NodeJS.Timeout | null = null;
  #gathering: NodeJS.Timeout | null = null;

  constructor(world: ViewDeps) {
    this.#world = world;
    this.#names = world.names();
  }

  /** The helper that tells this view what it hears. */
  attach(helper: Pick<Helper, 'list' | 'status'>): void {
    this.#helper = helper;
  }

  /** Whoever comes is told the table, and from then on what changes, until they go. */
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
    // Gone again: the next beginning lists anew.
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
    // An event says nothing of traffic: what was known of it holds until the next look.
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

  /** Renewals are what always happens: they would leave no room for what is of interest. */
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

  /** Whether a name has changed: hosts come and go, and a page stays open for long. */
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

/** A helper that has gone is back some day, and says so; anything else is a defect. */
function ignoreUnreachable(error: unknown): undefined {
  if (!(error instanceof Failure)) throw error;
}
