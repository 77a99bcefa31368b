// A daemon's view of the leases: a replica of the helper's table, and reservations for requests in flight. Pure: no
// clock, no I/O. It is only a hint: if it is out of date, the helper refuses with `conflict`.

import type { Event } from '../proto/codec.js';
import type { Endpoint, Ipv4, Lease, Mapping, PortRange, Protocol } from '../proto/mapping.js';
import { otherProtocol } from '../proto/mapping.js';
import { BLOCK, BLOCKS, blockOf, Table } from '../proto/table.js';

/** A mapping that the helper was asked for and has not yet answered. */
export type Reservation = Lease;

export class LeaseReplica {
  #table = new Table();
  /** Keeps requests in flight from getting the same port or together passing the quota. */
  readonly #reserved = new Table();
  /** The last answer of `mappingsOf`, until something changes: lists are read entry by entry. */
  #listed: { readonly host: Ipv4; readonly leases: readonly Lease[] } | null = null;

  /** The number of leases, reservations not included; so are `sizeOf` and `hosts`. */
  get size(): number {
    return this.#table.size;
  }

  sizeOf(protocol: Protocol): number {
    let size = 0;
    for (let block = 0; block < BLOCKS / 2; block++) {
      for (let bits = this.#table.heldIn(blockOf(protocol, block * BLOCK)); bits !== 0; bits &= bits - 1) size++;
    }
    return size;
  }

  /** The number of hosts with a lease. */
  get hosts(): number {
    return this.#table.hosts;
  }

  /** All leases, in no order; reservations not included. */
  leases(): Iterable<Lease> {
    return this.#table.leases();
  }

  mappingOf(endpoint: Endpoint): Lease | undefined {
    return this.#table.byEndpoint(endpoint);
  }

  /** The lease of an external port; reservations not included. */
  mappingAt(protocol: Protocol, externalPort: number): Lease | undefined {
    return this.#table.byExternal(protocol, externalPort);
  }

  /** The host's leases, those of TCP first, each by external port. */
  mappingsOf(host: Ipv4): readonly Lease[] {
    if (this.#listed?.host === host) return this.#listed.leases;
    const ofProtocol = (protocol: Protocol) =>
      [...this.#table.ofHost(host, protocol)].sort((a, b) => a.externalPort - b.externalPort);
    this.#listed = { host, leases: [...ofProtocol('tcp'), ...ofProtocol('udp')] };
    return this.#listed.leases;
  }

  reservationOf(endpoint: Endpoint): Reservation | undefined {
    return this.#reserved.byEndpoint(endpoint);
  }

  /** The number of the host's leases and reservations. */
  count(host: Ipv4): number {
    return this.#table.count(host) + this.#reserved.count(host);
  }

  /** Whether the endpoint may have this external port, companion ports included (RFC 6886 §3.3). */
  isAvailable(endpoint: Endpoint, externalPort: number): boolean {
    return this.#table.isAvailable(endpoint, externalPort) && this.#reserved.isAvailable(endpoint, externalPort);
  }

  /** The lowest port of the range that is neither held nor reserved for either protocol; null if there is none. */
  firstUnheld(range: PortRange): number | null {
    for (let port = range.from; port <= range.to; port = firstOfNextBlock(port)) {
      // A bit for each port from this one to the end of its block.
      const free = ~this.#heldAround(port) >>> (port & (BLOCK - 1));
      if (free === 0) continue;
      const lowest = port + 31 - Math.clz32(free & -free);
      return lowest <= range.to ? lowest : null;
    }
    return null;
  }

  /** External ports that the host holds for the other protocol; those are kept free for this host alone (§3.3). */
  companionPorts(endpoint: Endpoint): readonly number[] {
    const other = otherProtocol(endpoint.protocol);
    return this.#table.ofHost(endpoint.internalAddress, other).map((lease) => lease.externalPort);
  }

  reserve(mapping: Mapping): Reservation {
    const { protocol, internalAddress, internalPort, externalPort } = mapping;
    const before = this.#reserved.byEndpoint(mapping);
    if (before?.externalPort === externalPort) return before; // a retransmission
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

  /** Give a reservation back. No effect if it is already gone. */
  release(reservation: Reservation): void {
    this.#reserved.drop(reservation);
  }

  put(lease: Lease): void {
    const reserved = this.#reserved.byEndpoint(lease);
    if (reserved !== undefined) this.release(reserved);
    this.#listed = null;
    this.#table.put(lease);
  }

  /** Drop the endpoint's lease, if it has one. */
  forget(endpoint: Endpoint): void {
    const lease = this.#table.byEndpoint(endpoint);
    if (lease === undefined) return;
    this.#listed = null;
    this.#table.drop(lease);
  }

  /** Drop the host's leases of one protocol, except static ones, which a host cannot remove (§3.4). */
  forgetHost(host: Ipv4, protocol: Protocol): void {
    for (const lease of this.#table.ofHost(host, protocol)) if (lease.origin === 'dynamic') this.forget(lease);
  }

  apply(event: Event): void {
    if ('pinhole' in event) return;
    switch (event.kind) {
      case 'granted':
      case 'renewed':
        return this.put(event.lease);
      case 'removed':
      case 'expired':
        // The endpoint may have a new lease on another port, which stays.
        if (this.mappingOf(event.lease)?.externalPort === event.lease.externalPort) this.forget(event.lease);
        return;
      case 'resynchronised':
      case 'probe':
        return;
    }
  }

  /** Replace all leases by this table, which then belongs to the replica. Reservations stay until they are released. */
  reset(table: Table): void {
    this.#listed = null;
    this.#table = table;
    for (const reservation of [...this.#reserved.leases()]) {
      if (table.byEndpoint(reservation) !== undefined) this.release(reservation);
    }
  }

  /** A bit for each port of the block of this one: set if it is held or reserved for either protocol. */
  #heldAround(port: number): number {
    const tcp = blockOf('tcp', port);
    const udp = blockOf('udp', port);
    return this.#table.heldIn(tcp) | this.#table.heldIn(udp) | this.#reserved.heldIn(tcp) | this.#reserved.heldIn(udp);
  }
}

function firstOfNextBlock(port: number): number {
  return port - (port % BLOCK) + BLOCK;
}
