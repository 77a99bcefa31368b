// What the frontend knows of the mappings there are: a replica of the helper's table, and what is being asked for.
// Pure: no clock, no I/O. It decides nothing; if it is wrong for a moment, the helper says `conflict`.

import type { Event } from '../proto/codec.js';
import type { Endpoint, Ipv4, Lease, Mapping, PortRange, Protocol } from '../proto/mapping.js';
import { otherProtocol } from '../proto/mapping.js';
import { Table } from '../proto/table.js';

/** A mapping that has been asked for and not yet been answered. */
export type Reservation = Lease;

const FULL_WORD = 0xffffffff;

export class Ledger {
  #table = new Table();
  /** So that requests in flight neither get the same port nor together pass the quota. */
  readonly #reserved = new Table();
  /** One bit for each port: set where either protocol's is held or reserved. Finds free ports in 2048 steps at most. */
  readonly #occupied = new Uint32Array(2048);

  get size(): number {
    return this.#table.size;
  }

  sizeOf(protocol: Protocol): number {
    return this.#table.sizeOf(protocol);
  }

  /** How many hosts hold a mapping. */
  get hosts(): number {
    return this.#table.hosts;
  }

  mappingOf(endpoint: Endpoint): Lease | undefined {
    return this.#table.byEndpoint(endpoint);
  }

  reservationOf(endpoint: Endpoint): Reservation | undefined {
    return this.#reserved.byEndpoint(endpoint);
  }

  /** How many mappings the host has or is about to have. */
  count(host: Ipv4): number {
    return this.#table.count(host) + this.#reserved.count(host);
  }

  /** Whether the endpoint may have this external port, companion ports included (RFC 6886 §3.3). */
  isAvailable(endpoint: Endpoint, externalPort: number): boolean {
    return this.#table.isAvailable(endpoint, externalPort) && this.#reserved.isAvailable(endpoint, externalPort);
  }

  /** The lowest port of the range that nobody holds for either protocol; null where there is none. */
  firstUnheld(range: PortRange): number | null {
    let port = range.from;
    while (port <= range.to) {
      const rest = this.#occupied[port >>> 5]! >>> (port & 31);
      if ((rest & 1) === 0) return port;
      // A full word is skipped whole; `rest` alone can not tell, as zeros were shifted in.
      port = (port & 31) === 0 && rest === FULL_WORD ? port + 32 : port + 1;
    }
    return null;
  }

  /** External ports the host holds for the other protocol: kept for it, so they may be free for it alone (§3.3). */
  companionPorts(endpoint: Endpoint): readonly number[] {
    const other = otherProtocol(endpoint.protocol);
    return this.#table.ofHost(endpoint.internalAddress, other).map((lease) => lease.externalPort);
  }

  reserve(mapping: Mapping): Reservation {
    const { protocol, internalAddress, internalPort, externalPort } = mapping;
    const before = this.#reserved.byEndpoint(mapping);
    if (before?.externalPort === externalPort) return before; // a retransmission: one request, asked twice
    const reservation: Reservation = {
      protocol, internalAddress, internalPort, externalPort, origin: 'dynamic', lifetime: 0, expiresAt: 0,
    };
    this.#reserved.put(reservation);
    if (before !== undefined) this.#mark(before.externalPort);
    this.#mark(externalPort);
    return reservation;
  }

  /** Give a reservation back; one that is gone already changes nothing. */
  release(reservation: Reservation): void {
    this.#reserved.drop(reservation);
    this.#mark(reservation.externalPort);
  }

  put(lease: Lease): void {
    const reserved = this.#reserved.byEndpoint(lease);
    if (reserved !== undefined) this.release(reserved);
    const elsewhere = this.#table.byEndpoint(lease);
    this.#table.put(lease);
    if (elsewhere !== undefined) this.#mark(elsewhere.externalPort);
    this.#mark(lease.externalPort);
  }

  /** Forget the endpoint's mapping, if it has one. */
  forget(endpoint: Endpoint): void {
    const lease = this.#table.byEndpoint(endpoint);
    if (lease === undefined) return;
    this.#table.drop(lease);
    this.#mark(lease.externalPort);
  }

  /** Forget the host's mappings of one protocol, except the static ones, which a host can not remove (§3.4). */
  forgetHost(host: Ipv4, protocol: Protocol): void {
    for (const lease of this.#table.ofHost(host, protocol)) if (lease.origin === 'dynamic') this.forget(lease);
  }

  apply(event: Event): void {
    switch (event.kind) {
      case 'granted':
      case 'renewed':
        return this.put(event.lease);
      case 'removed':
      case 'expired':
        // By then the endpoint may have another port: only the mapping that ended is forgotten.
        if (this.mappingOf(event.lease)?.externalPort === event.lease.externalPort) this.forget(event.lease);
        return;
      case 'resynchronised':
      case 'probe':
        return;
    }
  }

  /** Start anew from these leases. Reservations stay: whoever made them gives them back when the answer is there. */
  reset(leases: Iterable<Lease>): void {
    this.#table = new Table();
    this.#occupied.fill(0);
    for (const lease of leases) this.put(lease);
    for (const reservation of this.#reserved.leases()) this.#mark(reservation.externalPort);
  }

  #mark(port: number): void {
    const isHeld = this.#table.isPortHeld(port) || this.#reserved.isPortHeld(port);
    const bit = 1 << (port & 31);
    if (isHeld) this.#occupied[port >>> 5]! |= bit;
    else this.#occupied[port >>> 5]! &= ~bit;
  }
}
