// The connections that are open at once, bounded in number. What is closed for a new one is what needs it least.

import type { Ipv4 } from '../../proto/mapping.js';

/** What the limits need to know of a connection. */
export interface Member {
  readonly host: Ipv4;
  /** Its request is not here as a whole; or it is carried out; or the answer was sent, and the peer has not closed. */
  readonly phase: 'reading' | 'working' | 'answered';
  /** Close it at once. */
  reset(): void;
}

export class Crowd<M extends Member> {
  /** Oldest first. */
  readonly #members = new Set<M>();
  readonly #mostOfHost: number;
  readonly #mostInAll: number;

  constructor(mostOfHost: number, mostInAll: number) {
    this.#mostOfHost = mostOfHost;
    this.#mostInAll = mostInAll;
  }

  /**
   * Make room for one more connection of this host: beyond the limits, the oldest one that was answered is closed, or else
   * the oldest that is still reading. Of this host if its own limit is reached; else of the host that would have most, so
   * that those with one each are not closed for others with many. So connections that hang keep nobody out.
   *
   * @returns False if there is no room, because all of them are at work.
   */
  makeRoom(host: Ipv4): boolean {
    const ofHost = [...this.#members].filter((member) => member.host === host);
    if (ofHost.length >= this.#mostOfHost) return this.#closeOne(ofHost);
    return this.#members.size < this.#mostInAll || this.#closeOne(this.#ofLargest(host));
  }

  /** Those of all hosts that have most, of what may be closed at all; `host` has one more than is here. */
  #ofLargest(host: Ipv4): readonly M[] {
    const counts = new Map([[host, 1]]);
    for (const member of this.#members) counts.set(member.host, countOf(counts, member) + 1);
    const closable = [...this.#members].filter(({ phase }) => phase !== 'working');
    const most = Math.max(...closable.map((member) => countOf(counts, member)));
    return closable.filter((member) => countOf(counts, member) === most);
  }

  add(member: M): void {
    this.#members.add(member);
  }

  remove(member: M): void {
    this.#members.delete(member);
  }

  resetAll(): void {
    for (const member of [...this.#members]) member.reset();
  }

  #closeOne(members: readonly M[]): boolean {
    const closed =
      members.find(({ phase }) => phase === 'answered') ?? members.find(({ phase }) => phase === 'reading');
    if (closed === undefined) return false;
    this.#members.delete(closed);
    closed.reset();
    return true;
  }
}

function countOf(counts: ReadonlyMap<Ipv4, number>, { host }: Member): number {
  return counts.get(host) ?? 0;
}
