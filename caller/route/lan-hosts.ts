// Who may ask on a LAN interface, and at which addresses, as the kernel's tables say now. They are asked again when an
// answer is old, and at once for what is not in it: an address or a route that comes is there for the first request, and
// no event is needed, which a host could cause by the thousand.

import type { Ipv4, Ipv6 } from '../../proto/mapping.js';
import { isLinkLocal } from '../ipv6-addresses.js';
import type { RouteTables } from './requests.js';
import type { Route } from './rtnetlink.js';

/** How long a positive answer is used. */
const FRESH_MS = 1000;
/** Between two readings of a table for something that is not in it: what a flood of such requests may cost. */
const MISS_REST_MS = 50;
const NEIGHBOURS_REST_MS = 200;
const LINKS_REST_MS = 200;
/** Hosts whose route is known. When there are more, all are asked for again. */
const MAX_HOSTS = 4096;
/** A shorter prefix is not a LAN, but a default route, or half of one. */
const LEAST_PREFIX_LENGTH = 8;

export class LanHosts<A extends Ipv4 | Ipv6 = Ipv4> {
  readonly #tables: RouteTables<A>;
  readonly #now: () => number;
  #addresses: ReadonlyMap<number, readonly A[]> = new Map();
  #addressesAtMs = -Infinity;
  /** By host and interface: until when it counts as a host of the interface, in milliseconds of the clock. */
  readonly #hosts = new Map<Key, number>();
  /** What `lookUp` found to be no hosts of the interface: for the requests that it was called for. */
  readonly #others = new Set<Key>();
  #resolved: ReadonlySet<Key> = new Set();
  #resolvedAtMs = -Infinity;
  #lowerInterfaces: ReadonlyMap<number, number> = new Map();
  #lowerInterfacesAtMs = -Infinity;

  /** `now`: milliseconds of a clock that is never set. */
  constructor(tables: RouteTables<A>, now: () => number) {
    this.#tables = tables;
    this.#now = now;
  }

  /** The addresses of the router on this interface, read now. */
  addresses(interfaceIndex: number): readonly A[] {
    this.#readAddresses();
    return this.#addresses.get(interfaceIndex) ?? [];
  }

  /**
   * Whether it is an address of the router on this interface, or on one that shares its link, because either may answer
   * for it there (ARP): not a broadcast address, and not that of another LAN.
   */
  isOwnAddress(interfaceIndex: number, address: A): boolean {
    const ageMs = this.#now() - this.#addressesAtMs;
    const isKnown = this.#hasAddress(interfaceIndex, address);
    if ((isKnown && ageMs < FRESH_MS) || ageMs < MISS_REST_MS) return isKnown;
    this.#readAddresses();
    return this.#hasAddress(interfaceIndex, address);
  }

  #hasAddress(interfaceIndex: number, address: A): boolean {
    if (this.#addresses.get(interfaceIndex)?.includes(address) === true) return true;
    for (const [other, all] of this.#addresses)
      if (other !== interfaceIndex && all.includes(address) && this.#sharesLink(interfaceIndex, other)) return true;
    return false;
  }

  /**
   * Look up those of these hosts that are not known, all at once, so that `isHost` need not ask for each. To be called
   * for all requests that are at hand, before each is looked at: what is no host is known until the next call.
   */
  lookUp(interfaceIndex: number, hosts: readonly A[]): void {
    if (this.#others.size > 0) this.#others.clear();
    if (hosts.length < 2) return; // `isHost` asks
    const now = this.#now();
    const unknown = hosts.filter((host) => !isOnLink(host) && !this.#isKnown(keyOf(interfaceIndex, host), now));
    if (unknown.length > 0) this.#ask(interfaceIndex, unknown, now);
  }

  /**
   * Whether packets for this host leave by this interface, by a route that is not a default route. So it is none of the
   * router itself, no broadcast address, and no host of another LAN, whatever the source address of a packet says. A
   * link-local address of IPv6 is one of this link: no packet with it comes from another.
   *
   * A virtual router (VRRP) has an interface of its own on the link, a macvlan, while the routes leave by the one below:
   * those that share a link count as one, because every host there can send to either.
   */
  isHost(interfaceIndex: number, host: A): boolean {
    if (isOnLink(host)) return true;
    const key = keyOf(interfaceIndex, host);
    const now = this.#now();
    if (this.#isKnown(key, now)) return true;
    if (this.#others.has(key)) return false;
    this.#ask(interfaceIndex, [host], now);
    this.#others.delete(key);
    return this.#isKnown(key, now);
  }

  #isKnown(key: Key, now: number): boolean {
    return (this.#hosts.get(key) ?? -Infinity) > now;
  }

  #ask(interfaceIndex: number, hosts: readonly A[], now: number): void {
    if (this.#hosts.size + hosts.length > MAX_HOSTS) this.#hosts.clear();
    for (const [index, route] of this.#tables.routesTo(hosts).entries()) {
      const key = keyOf(interfaceIndex, hosts[index]!);
      if (this.#isRouteBy(interfaceIndex, route)) this.#hosts.set(key, now + FRESH_MS);
      else {
        this.#hosts.delete(key);
        this.#others.add(key);
      }
    }
  }

  /** Whether the kernel can send to this host at once, as its neighbour table said up to NEIGHBOURS_REST_MS ago. */
  isResolved(interfaceIndex: number, host: A): boolean {
    if (this.#now() - this.#resolvedAtMs >= NEIGHBOURS_REST_MS) {
      this.#resolvedAtMs = this.#now();
      const resolved = this.#tables.neighbours()?.filter((one) => one.isResolved);
      if (resolved) this.#resolved = new Set(resolved.map((one) => keyOf(one.index, one.address)));
    }
    // A point-to-point link has one entry for all hosts.
    return this.#resolved.has(keyOf(interfaceIndex, host)) || this.#resolved.has(keyOf(interfaceIndex, 0));
  }

  #isRouteBy(interfaceIndex: number, route: Route | 'unreachable' | null): boolean {
    if (route === null || route === 'unreachable' || !route.isUnicast || route.prefixLength < LEAST_PREFIX_LENGTH)
      return false;
    return route.interfaces.some((other) => other === interfaceIndex || this.#sharesLink(interfaceIndex, other));
  }

  #sharesLink(one: number, other: number): boolean {
    const now = this.#now();
    if (now - this.#lowerInterfacesAtMs >= LINKS_REST_MS) {
      this.#lowerInterfacesAtMs = now;
      // Not of what was there before, if there is no answer: an index may be another interface's by now.
      this.#lowerInterfaces = this.#tables.lowerInterfaces() ?? new Map();
    }
    const lowest = (index: number): number => this.#lowerInterfaces.get(index) ?? index;
    return lowest(one) === lowest(other);
  }

  #readAddresses(): void {
    this.#addressesAtMs = this.#now();
    this.#addresses = this.#tables.addresses() ?? this.#addresses;
  }
}

function isOnLink(host: Ipv4 | Ipv6): boolean {
  return typeof host === 'string' && isLinkLocal(host);
}

type Key = number | string;

/** For IPv4 below 2^53 for the indexes that there are, which count from 1. */
function keyOf(interfaceIndex: number, host: Ipv4 | Ipv6): Key {
  return typeof host === 'number' ? interfaceIndex * 2 ** 32 + host : `${interfaceIndex} ${host}`;
}
