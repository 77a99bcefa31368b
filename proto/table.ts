// The table of leases, found by external port, by inside endpoint and by host. Pure: no clock, no I/O.
// The helper keeps the table, the frontend a replica of it; both ask it the same questions.
//
// The table may hold every port and dominates memory, so a lease is a row of numbers here, some twenty bytes: that of its
// external port. The kernel gives memory only for the rows that are used. A query makes a new object of a row, equal to
// the one put in.

import type { Endpoint, Ipv4, Lease, Protocol } from './mapping.js';
import { externalKey, internalKey, otherProtocol, portIndex, PORT_INDEXES } from './mapping.js';

/** How many external ports, neighbours by `portIndex`, make a block: as many as a word has bits. */
export const BLOCK = 32;
export const BLOCKS = PORT_INDEXES / BLOCK;

/** The block that an external port is in. */
export function blockOf(protocol: Protocol, externalPort: number): number {
  return portIndex(protocol, externalPort) >>> 5;
}

export class Table {
  // By `portIndex` of the external port, whose protocol is that of the internal port as well.
  readonly #internalAddress = new Uint32Array(PORT_INDEXES);
  readonly #internalPort = new Uint16Array(PORT_INDEXES);
  readonly #lifetime = new Uint32Array(PORT_INDEXES);
  /** `Infinity` says that it is static. */
  readonly #expiresAt = new Float64Array(PORT_INDEXES);
  readonly #tool = new Uint8Array(PORT_INDEXES);
  /** Which ports are held: a bit for each, a word for each block. */
  readonly #held = new Uint32Array(BLOCKS);
  /** For each host (its address as a signed number, which takes V8 less): internal -> external `portIndex`. */
  readonly #hosts = new Map<number, Map<number, number>>();
  #size = 0;
  #staticCount = 0;

  get size(): number {
    return this.#size;
  }

  get staticCount(): number {
    return this.#staticCount;
  }

  /** How many hosts hold a mapping. */
  get hosts(): number {
    return this.#hosts.size;
  }

  /** How many mappings the host holds, of both protocols. */
  count(host: Ipv4): number {
    return this.#hosts.get(host | 0)?.size ?? 0;
  }

  /** All leases, in the order of their external keys. None may be put in or dropped meanwhile. */
  *leases(): Generator<Lease> {
    yield* this.above(-1);
  }

  /** The leases whose external key is above `after`, in ascending order of their keys. Cheap to begin. */
  *above(after: number): Generator<Lease> {
    const from = portsUpTo('tcp', after) + portsUpTo('udp', after);
    for (let block = from >>> 5; block < BLOCKS; block++) {
      if (this.#held[block] === 0) continue;
      for (const external of this.portsIn(block)) if (external >= from) yield this.at(external);
    }
  }

  /** A bit for each external port of the block that is held. */
  heldIn(block: number): number {
    return this.#held[block]!;
  }

  /** The external ports of the block that are held, by `portIndex`, ascending. */
  portsIn(block: number): readonly number[] {
    const ports: number[] = [];
    for (let bits = this.#held[block]!; bits !== 0; bits &= bits - 1)
      ports.push(block * BLOCK + 31 - Math.clz32(bits & -bits));
    return ports;
  }

  /** The lease of an external port that is held, by `portIndex`. */
  at(external: number): Lease {
    const expiresAt = this.#expiresAt[external]!;
    const tool = this.#tool[external]!;
    const lease: Lease = {
      protocol: external < 0x10000 ? 'tcp' : 'udp',
      internalAddress: this.#internalAddress[external]!,
      internalPort: this.#internalPort[external]!,
      externalPort: external & 0xffff,
      origin: expiresAt === Infinity ? 'static' : 'dynamic',
      lifetime: this.#lifetime[external]!,
      expiresAt,
    };
    return tool === 0 ? lease : { ...lease, tool };
  }

  /** When that lease expires; like `at`, but faster. */
  expiryAt(external: number): number {
    return this.#expiresAt[external]!;
  }

  byExternal(protocol: Protocol, externalPort: number): Lease | undefined {
    const external = portIndex(protocol, externalPort);
    return this.#isHeld(external) ? this.at(external) : undefined;
  }

  byEndpoint(endpoint: Endpoint): Lease | undefined {
    const external = this.#externalOf(endpoint);
    return external === undefined ? undefined : this.at(external);
  }

  /** The host's leases of one protocol, as an array that later changes leave alone. */
  ofHost(host: Ipv4, protocol: Protocol): readonly Lease[] {
    const held = this.#hosts.get(host | 0)?.values() ?? [];
    return [...held].map((external) => this.at(external)).filter((lease) => lease.protocol === protocol);
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
    const external = portIndex(lease.protocol, lease.externalPort);
    const before = this.#externalOf(lease);
    if (before !== external) {
      if (before !== undefined) this.#remove(before);
      if (this.#isHeld(external)) this.#remove(external);
      this.#insert(lease, external);
    }
    this.#setTerm(external, lease.lifetime, lease.expiresAt);
    this.#tool[external] = lease.tool ?? 0;
  }

  /** Forget a lease; where the table does not hold it, or not as it is here, nothing changes. */
  drop(lease: Lease): void {
    if (this.holds(lease)) this.#remove(portIndex(lease.protocol, lease.externalPort));
  }

  /** Whether the table holds an identical lease. */
  holds(lease: Lease): boolean {
    const external = portIndex(lease.protocol, lease.externalPort);
    if (this.#externalOf(lease) !== external) return false;
    return this.#expiresAt[external] === lease.expiresAt && this.#lifetime[external] === lease.lifetime;
  }

  #isHeld(external: number): boolean {
    return (this.#held[external >>> 5]! & (1 << (external & 31))) !== 0;
  }

  #externalOf({ protocol, internalAddress, internalPort }: Endpoint): number | undefined {
    return this.#hosts.get(internalAddress | 0)?.get(portIndex(protocol, internalPort));
  }

  #insert({ protocol, internalAddress, internalPort }: Lease, external: number): void {
    this.#size++;
    this.#internalAddress[external] = internalAddress;
    this.#internalPort[external] = internalPort;
    this.#held[external >>> 5]! |= 1 << (external & 31);
    const internal = portIndex(protocol, internalPort);
    const held = this.#hosts.get(internalAddress | 0);
    if (held === undefined) this.#hosts.set(internalAddress | 0, new Map([[internal, external]]));
    else held.set(internal, external);
  }

  #setTerm(external: number, lifetime: number, expiresAt: number): void {
    if (this.#expiresAt[external] === Infinity) this.#staticCount--;
    if (expiresAt === Infinity) this.#staticCount++;
    this.#lifetime[external] = lifetime;
    this.#expiresAt[external] = expiresAt;
  }

  #remove(external: number): void {
    const { protocol, internalAddress, internalPort } = this.at(external);
    this.#setTerm(external, 0, 0);
    this.#size--;
    this.#held[external >>> 5]! &= ~(1 << (external & 31));
    const held = this.#hosts.get(internalAddress | 0);
    held?.delete(portIndex(protocol, internalPort));
    if (held?.size === 0) this.#hosts.delete(internalAddress | 0);
  }
}

/** How many ports of the protocol, port 0 included, have an external key of at most this. */
function portsUpTo(protocol: Protocol, key: number): number {
  return Math.min(Math.max(0, key + 1 - externalKey(protocol, 0)), 0x10000);
}
