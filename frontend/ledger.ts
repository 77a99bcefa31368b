// What the frontend knows of the mappings there are: a replica of the helper's table, and what is being asked for.
// Pure: no clock, no I/O. It decides nothing; if it is wrong for a moment, the helper says `conflict`.

import type { Event } from '../proto/codec.js';
import type { Endpoint, Ipv4, Lease, Mapping, PortRange, Protocol } from '../proto/mapping.js';
import { otherProtocol } from '../proto/mapping.js';
import { BLOCK, blockOf, Table } from '../proto/table.js';

/** A mapping that has been asked for and not yet been answered. */
export type Reservation = Lease;

export class LeaseReplica {
  #table = new Table();
  /** So that requests in flight neither get the same port nor together pass the quota. */
  readonly #reserved = new Table();

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

  /** The lowest port of the range that nobody holds for either protocol, or is about to; null where there is none. */
  firstUnheld(range: PortRange): number | null {
    for (let port = range.from; port <= range.to; port = (port | (BLOCK - 1)) + 1) {
      // A bit for each port from this one to the end of its block.
      const free = ~this.#heldAround(port) >>> (port & (BLOCK - 1));
      if (free === 0) continue;
      const lowest = port + 31 - Math.clz32(free & -free);
      return lowest <= range.to ? lowest : null;
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
      protocol,
      internalAddress,
      internalPort,
      externalPort,
      origin: 'dynamic',
      lifetime: 0,
      expiresAt: 0,
    };
    this.#reserved.put(reservation);
    return reservation;
  }

  /** Give a reservation back; one that is gone already changes nothing. */
  release(reservation: Reservation): void {
    this.#reserved.drop(reservation);
  }

  put(lease: Lease): void {
    const reserved = this.#reserved.byEndpoint(lease);
    if (reserved !== undefined) this.release(reserved);
    this.#table.put(lease);
  }

  /** Forget the endpoint's mapping, if it has one. */
  forget(endpoint: Endpoint): void {
    const lease = this.#table.byEndpoint(endpoint);
    if (lease !== undefined) this.#table.drop(lease);
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

  /**
   * Start anew from this table, which is ours now. Reservations stay: whoever made them gives them back with the
   * answer.
   */
  reset(table: Table): void {
    this.#table = table;
    for (const reservation of [...this.#reserved.leases()]) {
      if (table.byEndpoint(reservation) !== undefined) this.release(reservation);
    }
  }

  /** A bit for each port of the block around this one: set where either protocol's is held or reserved. */
  #heldAround(port: number): number {
    const tcp = blockOf('tcp', port);
    const udp = blockOf('udp', port);
    return this.#table.heldIn(tcp) | this.#table.heldIn(udp) | this.#reserved.heldIn(tcp) | this.#reserved.heldIn(udp);
  }
}
