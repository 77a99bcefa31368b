// The table of leases, found by external port, by inside endpoint and by host. Pure: no clock, no I/O.
// The helper keeps the table, the frontend a replica of it; both ask it the same questions.

import type { Endpoint, Ipv4, Lease, Protocol } from './mapping.js';
import { externalKey, internalKey, otherProtocol } from './mapping.js';

export class Table {
  readonly #byExternal = new Map<number, Lease>();
  readonly #byInternal = new Map<number, Lease>();
  readonly #hosts = new Map<Ipv4, Set<Lease>>();
  readonly #sizes: Record<Protocol, number> = { udp: 0, tcp: 0 };

  get size(): number {
    return this.#byExternal.size;
  }

  sizeOf(protocol: Protocol): number {
    return this.#sizes[protocol];
  }

  /** All leases, in no particular order. */
  leases(): IterableIterator<Lease> {
    return this.#byExternal.values();
  }

  byExternal(protocol: Protocol, externalPort: number): Lease | undefined {
    return this.#byExternal.get(externalKey(protocol, externalPort));
  }

  /** Whether anybody holds the external port, for either protocol. */
  isPortHeld(externalPort: number): boolean {
    return this.#byExternal.has(externalKey('udp', externalPort)) || this.#byExternal.has(externalKey('tcp', externalPort));
  }

  byKey(key: number): Lease | undefined {
    return this.#byExternal.get(key);
  }

  byEndpoint(endpoint: Endpoint): Lease | undefined {
    return this.#byInternal.get(internalKey(endpoint));
  }

  /** How many mappings the host holds, of both protocols. */
  count(host: Ipv4): number {
    return this.#hosts.get(host)?.size ?? 0;
  }

  /** How many hosts hold a mapping. */
  get hosts(): number {
    return this.#hosts.size;
  }

  /** The host's leases of one protocol, as an array that later changes leave alone. */
  ofHost(host: Ipv4, protocol: Protocol): readonly Lease[] {
    return [...(this.#hosts.get(host) ?? [])].filter((lease) => lease.protocol === protocol);
  }

  /**
   * Whether the endpoint may have this external port: it is free, or already this endpoint's; and the same port of the
   * other protocol is free or the same host's, for whom it is kept (RFC 6886 §3.3).
   */
  isAvailable(endpoint: Endpoint, externalPort: number): boolean {
    const holder = this.byExternal(endpoint.protocol, externalPort);
    if (holder !== undefined && internalKey(holder) !== internalKey(endpoint)) return false;
    const companion = this.byExternal(otherProtocol(endpoint.protocol), externalPort);
    return companion === undefined || companion.internalAddress === endpoint.internalAddress;
  }

  /** Store a lease in place of whatever held its external port or its endpoint. */
  put(lease: Lease): void {
    const key = externalKey(lease.protocol, lease.externalPort);
    const before = this.#byExternal.get(key);
    if (before !== undefined) this.drop(before);
    const elsewhere = this.byEndpoint(lease);
    if (elsewhere !== undefined) this.drop(elsewhere);
    this.#byExternal.set(key, lease);
    this.#sizes[lease.protocol]++;
    this.#byInternal.set(internalKey(lease), lease);
    const held = this.#hosts.get(lease.internalAddress);
    if (held === undefined) this.#hosts.set(lease.internalAddress, new Set([lease]));
    else held.add(lease);
  }

  /** Forget a lease that `put` stored; one that is no longer in the table changes nothing. */
  drop(lease: Lease): void {
    const key = externalKey(lease.protocol, lease.externalPort);
    if (this.#byExternal.get(key) !== lease) return;
    this.#byExternal.delete(key);
    this.#sizes[lease.protocol]--;
    this.#byInternal.delete(internalKey(lease));
    const held = this.#hosts.get(lease.internalAddress);
    held?.delete(lease);
    if (held?.size === 0) this.#hosts.delete(lease.internalAddress);
  }
}
