// What the gateway owes: made of nothing but the requests and replies on the wire. Pure; times are milliseconds of the
// caller's clock.
//
// An endpoint is in one of several states if a request was not answered: it may have been carried out or not, and
// may be yet, until everything that was sent has surely been read (`settle`).

import type { Protocol } from '../lab/natpmp.js';

export interface Endpoint {
  readonly protocol: Protocol;
  readonly address: string;
  readonly internalPort: number;
}

/** A mapping as one of the observers saw it. */
export interface Seen extends Endpoint {
  readonly externalPort: number;
  readonly lifetime: number;
  /** Seconds, rounded up or down. */
  readonly timeLeft: number;
}

/** A mapping that an endpoint may have. It ends between two moments, because it began between request and reply. */
interface Possible {
  /** Not before this moment. */
  readonly beginsFrom: number;
  /** Null if no reply has told it. */
  readonly externalPort: number | null;
  readonly lifetime: number;
  readonly endsFrom: number;
  /** Infinity as long as another copy of the request may be under way. */
  readonly endsTo: number;
  /** It was granted in an earlier boot: by a wall clock, which may turn out to have been slow. */
  readonly isAged?: true;
}

interface Entry {
  readonly endpoint: Endpoint;
  possible: readonly Possible[];
  /** It may have no mapping, for other reasons than that its time has run out. */
  maybeAbsent: boolean;
  /** When the last deletion was sent that no reply has answered; -Infinity for none. */
  deletingAt: number;
}

export interface Verdict {
  /** Acknowledged, and not there, or not as acknowledged. */
  readonly lost: readonly string[];
  /** Deleted, expired or never asked for, and there. */
  readonly revived: readonly string[];
}

/** How long after its end a lease may still be listed: docs/architecture.md, "A lease stays in the table". */
const LINGERS_MS = 1000;
/**
 * For how long a request may still be carried out after it was sent, although later ones for other mappings have been
 * answered: the frontend asks the helper again for 3 s (docs/protocol.md, "What passes").
 */
const UNDER_WAY_MS = 3500;
/** How far a rounded time left may be off, in seconds; and what the times of two processes may differ in. */
const LEFT_SLACK = 2;

export class Model {
  readonly #entries = new Map<string, Entry>();

  /** A request for a mapping is about to be sent. */
  asking(endpoint: Endpoint, lifetime: number, now: number): void {
    const entry = this.#entry(endpoint);
    entry.possible = [
      ...entry.possible,
      { beginsFrom: now, externalPort: null, lifetime, endsFrom: now + lifetime * 1000, endsTo: Infinity },
    ];
  }

  /** It was granted; `since`: when it was first sent; `copies`: how often it was sent. */
  granted(
    endpoint: Endpoint,
    externalPort: number,
    lifetime: number,
    since: number,
    copies: number,
    now: number,
  ): void {
    const entry = this.#entry(endpoint);
    const endsFrom = since + lifetime * 1000;
    entry.possible = [
      { beginsFrom: since, externalPort, lifetime, endsFrom, endsTo: copies > 1 ? Infinity : now + lifetime * 1000 },
    ];
    // A copy that is read after it has ended is a request for a new one, which may get another port.
    if (copies > 1)
      entry.possible = [
        ...entry.possible,
        { beginsFrom: endsFrom, externalPort: null, lifetime, endsFrom, endsTo: Infinity },
      ];
    entry.maybeAbsent = false;
    entry.deletingAt = -Infinity;
  }

  deleting(endpoint: Endpoint, now: number): void {
    const entry = this.#entry(endpoint);
    entry.maybeAbsent = true;
    entry.deletingAt = now;
  }

  deleted(endpoint: Endpoint): void {
    const entry = this.#entry(endpoint);
    entry.possible = [];
    entry.maybeAbsent = true;
    entry.deletingAt = -Infinity;
  }

  deletingAll(protocol: Protocol, address: string, now: number): void {
    for (const { endpoint } of this.#ofHost(protocol, address)) this.deleting(endpoint, now);
  }

  deletedAll(protocol: Protocol, address: string): void {
    for (const { endpoint } of this.#ofHost(protocol, address)) this.deleted(endpoint);
  }

  /** All that was ever sent has been read: from now on nothing happens that was not asked after this. */
  settle(now: number): void {
    for (const entry of this.#entries.values()) {
      entry.possible = entry.possible.map((each) =>
        each.endsTo === Infinity ? { ...each, endsTo: now + each.lifetime * 1000 } : each,
      );
    }
  }

  /** Time has passed that this clock did not count: the router was switched off. */
  pass(ms: number): void {
    for (const entry of this.#entries.values()) {
      entry.possible = entry.possible.map((each) => ({
        ...each,
        beginsFrom: each.beginsFrom - ms,
        endsFrom: each.endsFrom - ms,
        endsTo: each.endsTo - ms,
        isAged: true,
      }));
    }
  }

  /** The wall clock was set ahead: the router may have been off for longer than it seemed. */
  setAhead(ms: number): void {
    for (const entry of this.#entries.values())
      entry.possible = entry.possible.map((each) =>
        each.isAged === true ? { ...each, endsFrom: each.endsFrom - ms } : each,
      );
  }

  /** Everything was lost, and the epoch has told. */
  forget(): void {
    this.#entries.clear();
  }

  /** How many mappings there must be now. */
  owed(now: number): number {
    return [...this.#entries.values()].filter((entry) => isOwed(entry, now)).length;
  }

  /**
   * Compare with what was seen between two moments, after `settle`; what it shows is no longer in doubt from then on.
   */
  judge(seen: readonly Seen[], from: number, to: number): Verdict {
    const verdict = { lost: [] as string[], revived: [] as string[] };
    const there = new Set(seen.map(keyOf));
    for (const each of seen) this.#judgeSeen(each, from, to, verdict);
    for (const [key, entry] of this.#entries) {
      if (there.has(key)) continue;
      if (isOwed(entry, to)) verdict.lost.push(`${key}: ${entry.possible.map(possibleWords).join(' or ')}`);
      entry.possible = underWay(entry, to);
      entry.maybeAbsent = true;
    }
    return verdict;
  }

  #judgeSeen(seen: Seen, from: number, to: number, { lost, revived }: { lost: string[]; revived: string[] }): void {
    const entry = this.#entry(seen);
    const alive = entry.possible.filter(({ beginsFrom, endsTo }) => beginsFrom <= to && endsTo + LINGERS_MS > from);
    const match = alive.find((possible) => isLike(possible, seen, from, to));
    if (match === undefined && alive.length > 0)
      lost.push(`${wordsOf(seen)} instead of ${alive.map(possibleWords).join(' or ')}`);
    if (match === undefined && alive.length === 0) revived.push(`over or never asked for: ${wordsOf(seen)}`);
    // An error is reported once: from here on, what was seen is owed.
    const { externalPort, lifetime, timeLeft } = seen;
    const ends = { endsFrom: from + (timeLeft - LEFT_SLACK) * 1000, endsTo: to + (timeLeft + LEFT_SLACK) * 1000 };
    entry.possible = [
      match === undefined ? { beginsFrom: from, externalPort, lifetime, ...ends } : { ...match, externalPort },
      ...underWay(entry, to).filter(({ beginsFrom }) => beginsFrom !== match?.beginsFrom),
    ];
    entry.maybeAbsent = entry.deletingAt + UNDER_WAY_MS > to;
  }

  #entry(endpoint: Endpoint): Entry {
    const key = keyOf(endpoint);
    let entry = this.#entries.get(key);
    if (entry === undefined)
      this.#entries.set(key, (entry = { endpoint, possible: [], maybeAbsent: true, deletingAt: -Infinity }));
    return entry;
  }

  #ofHost(protocol: Protocol, address: string): readonly Entry[] {
    return [...this.#entries.values()].filter(
      ({ endpoint }) => endpoint.protocol === protocol && endpoint.address === address,
    );
  }
}

/** What no reply has told, and may yet be carried out. */
function underWay({ possible }: Entry, now: number): readonly Possible[] {
  return possible
    .filter((each) => each.externalPort === null && each.beginsFrom <= now && each.beginsFrom + UNDER_WAY_MS > now)
    .map((each) => ({ ...each, endsTo: each.beginsFrom + UNDER_WAY_MS + each.lifetime * 1000 }));
}

/** Whether it must be there, whichever of its states is true. */
function isOwed({ possible, maybeAbsent }: Entry, at: number): boolean {
  return !maybeAbsent && possible.length > 0 && possible.every(({ endsFrom }) => endsFrom > at);
}

function isLike({ externalPort, lifetime, endsFrom, endsTo }: Possible, seen: Seen, from: number, to: number): boolean {
  if (externalPort !== null && externalPort !== seen.externalPort) return false;
  if (lifetime !== seen.lifetime) return false;
  return seen.timeLeft >= (endsFrom - to) / 1000 - LEFT_SLACK && seen.timeLeft <= (endsTo - from) / 1000 + LEFT_SLACK;
}

export function keyOf({ protocol, address, internalPort }: Endpoint): string {
  return `${protocol} ${address}:${internalPort}`;
}

function wordsOf(seen: Seen): string {
  return `${keyOf(seen)} on ${seen.externalPort} for ${seen.lifetime} s, ${seen.timeLeft} s left`;
}

function possibleWords({ externalPort, lifetime }: Possible): string {
  return `on ${externalPort ?? 'any port'} for ${lifetime} s`;
}
