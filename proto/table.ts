// The table of leases, found by external port, by inside endpoint and by host. Pure: no clock, no I/O.
// The helper keeps the table, the frontend a replica of it; both ask it the same questions.
//
// The table may hold every port and dominates memory, so a lease is a row of numbers here, some twenty bytes. A query
// makes a new object of it, equal to the one put in.

import type { Endpoint, Ipv4, Lease, Protocol } from './mapping.js';
import { externalKey, internalKey, otherProtocol, portIndex, PORT_INDEXES } from './mapping.js';

/** How many external ports, neighbours by `portIndex`, make a block: as many as a word has bits. */
export const BLOCK = 32;
export const BLOCKS = PORT_INDEXES / BLOCK;
/** The smallest capacity, in leases. */
const MIN_ROWS = 64;

/** The block that an external port is in. */
export function blockOf(protocol: Protocol, externalPort: number): number {
  return portIndex(protocol, externalPort) >>> 5;
}

export class Table {
  /** Without gaps: a lease in each row below `#size`. */
  #rows = rowsFor(MIN_ROWS);
  #size = 0;
  /** For each external port, by `portIndex`: the row of its lease, counted from 1; 0 if it has none. */
  readonly #rowAt = new Uint32Array(PORT_INDEXES);
  /** The same as a bit for each port, a word for each block. */
  readonly #held = new Uint32Array(BLOCKS);
  /** For each host (its address as a signed number, which takes V8 less): internal -> external `portIndex`. */
  readonly #hosts = new Map<number, Map<number, number>>();
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

  /** All leases, in no particular order. None may be put in or dropped meanwhile. */
  *leases(): Generator<Lease> {
    for (let row = 0; row < this.#size; row++) yield this.#leaseIn(row);
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
    return this.#leaseIn(this.#rowAt[external]! - 1);
  }

  /** When that lease expires; like `at`, but faster. */
  expiryAt(external: number): number {
    return this.#rows.expiresAt[this.#rowAt[external]! - 1]!;
  }

  byExternal(protocol: Protocol, externalPort: number): Lease | undefined {
    const external = portIndex(protocol, externalPort);
    return this.#rowAt[external] === 0 ? undefined : this.at(external);
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
      if (this.#rowAt[external] !== 0) this.#remove(external);
      this.#insert(lease, external);
    }
    this.#setTerm(this.#rowAt[external]! - 1, lease.lifetime, lease.expiresAt);
  }

  /** Forget a lease; where the table does not hold it, or not as it is here, nothing changes. */
  drop(lease: Lease): void {
    if (this.holds(lease)) this.#remove(portIndex(lease.protocol, lease.externalPort));
  }

  /** Whether the table holds an identical lease. */
  holds(lease: Lease): boolean {
    const external = portIndex(lease.protocol, lease.externalPort);
    if (this.#externalOf(lease) !== external) return false;
    const row = this.#rowAt[external]! - 1;
    return this.#rows.expiresAt[row] === lease.expiresAt && this.#rows.lifetime[row] === lease.lifetime;
  }

  #externalOf({ protocol, internalAddress, internalPort }: Endpoint): number | undefined {
    return this.#hosts.get(internalAddress | 0)?.get(portIndex(protocol, internalPort));
  }

  #leaseIn(row: number): Lease {
    const rows = this.#rows;
    const external = rows.external[row]!;
    const expiresAt = rows.expiresAt[row]!;
    return {
      protocol: protocolIn(external),
      internalAddress: rows.internalAddress[row]!,
      internalPort: rows.internalPort[row]!,
      externalPort: external & 0xffff,
      origin: expiresAt === Infinity ? 'static' : 'dynamic',
      lifetime: rows.lifetime[row]!,
      expiresAt,
    };
  }

  #insert({ protocol, internalAddress, internalPort }: Lease, external: number): void {
    if (this.#size === this.#rows.expiresAt.length) this.#resize(2 * this.#size);
    const rows = this.#rows;
    const row = this.#size++;
    rows.external[row] = external;
    rows.internalAddress[row] = internalAddress;
    rows.internalPort[row] = internalPort;
    rows.expiresAt[row] = 0;
    this.#rowAt[external] = row + 1;
    this.#held[external >>> 5]! |= 1 << (external & 31);
    const internal = portIndex(protocol, internalPort);
    const held = this.#hosts.get(internalAddress | 0);
    if (held === undefined) this.#hosts.set(internalAddress | 0, new Map([[internal, external]]));
    else held.set(internal, external);
  }

  #setTerm(row: number, lifetime: number, expiresAt: number): void {
    const rows = this.#rows;
    if (rows.expiresAt[row] === Infinity) this.#staticCount--;
    if (expiresAt === Infinity) this.#staticCount++;
    rows.lifetime[row] = lifetime;
    rows.expiresAt[row] = expiresAt;
  }

  #remove(external: number): void {
    const rows = this.#rows;
    const row = this.#rowAt[external]! - 1;
    this.#setTerm(row, 0, 0);
    const host = rows.internalAddress[row]! | 0;
    const held = this.#hosts.get(host);
    held?.delete(portIndex(protocolIn(external), rows.internalPort[row]!));
    if (held?.size === 0) this.#hosts.delete(host);
    this.#held[external >>> 5]! &= ~(1 << (external & 31));
    this.#rowAt[external] = 0;

    // The last row moves into the gap.
    const last = --this.#size;
    if (row !== last) {
      for (const column of Object.values(rows)) column[row] = column[last]!;
      this.#rowAt[rows.external[row]!] = row + 1;
    }
    const room = rows.expiresAt.length;
    if (last < room / 4 && room > MIN_ROWS) this.#resize(room / 2);
  }

  #resize(room: number): void {
    const before = this.#rows;
    this.#rows = rowsFor(room);
    for (const name of Object.keys(before) as (keyof Rows)[])
      this.#rows[name].set(before[name].subarray(0, this.#size));
  }
}

type Rows = ReturnType<typeof rowsFor>;

function rowsFor(room: number) {
  return {
    /** By `portIndex`; its protocol is that of the internal port as well. */
    external: new Uint32Array(room),
    internalAddress: new Uint32Array(room),
    internalPort: new Uint16Array(room),
    lifetime: new Uint32Array(room),
    /** `Infinity` says that it is static. */
    expiresAt: new Float64Array(room),
  };
}

/** The protocol of a `portIndex`. */
function protocolIn(port: number): Protocol {
  return port < 0x10000 ? 'tcp' : 'udp';
}

/** How many ports of the protocol, port 0 included, have an external key of at most this. */
function portsUpTo(protocol: Protocol, key: number): number {
  return Math.min(Math.max(0, key + 1 - externalKey(protocol, 0)), 0x10000);
}
