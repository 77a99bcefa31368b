// Which device an IPv6 host is: its hardware address, because a host may have as many addresses as it likes.

import type { Ipv6 } from '../../proto/mapping.js';
import type { Mac } from '../../config/types.js';
import type { Ipv6Tables } from './requests.js';

/** How long an answer is used. */
const FRESH_MS = 1000;
/** Hosts whose device is known. When there are more, all are asked for again. */
const MAX_HOSTS = 4096;

/**
 * A hardware address. 0: the link has none, as a tunnel. `unresolved`: the kernel does not know it, and asks for it if
 * something is sent to the host.
 */
export type Device = Mac | 'unresolved';

export class Devices {
  readonly #tables: Ipv6Tables;
  readonly #now: () => number;
  /** Null until the kernel has told: any link may be one. */
  #ethernets: ReadonlySet<number> | null = null;
  #ethernetsAtMs = -Infinity;
  readonly #found = new Map<string, { readonly mac: Mac; readonly untilMs: number }>();

  /** `now`: milliseconds of a clock that is never set. */
  constructor(tables: Ipv6Tables, now: () => number) {
    this.#tables = tables;
    this.#now = now;
  }

  /**
   * The device that sends for this host by the interface. For a host behind another router of the LAN that is the other
   * router: this one can tell no further.
   */
  find(interfaceIndex: number, host: Ipv6): Device {
    const now = this.#now();
    const key = `${interfaceIndex} ${host}`;
    const known = this.#found.get(key);
    if (known !== undefined && known.untilMs > now) return known.mac;
    const mac = this.#isEthernet(interfaceIndex, now) ? this.#lookUp(interfaceIndex, host) : 0;
    if (mac === null) return 'unresolved';
    if (this.#found.size >= MAX_HOSTS) this.#found.clear();
    this.#found.set(key, { mac, untilMs: now + FRESH_MS });
    return mac;
  }

  #lookUp(interfaceIndex: number, host: Ipv6): Mac | null {
    const mac = this.#individual(interfaceIndex, host);
    if (mac !== null) return mac;
    const [route = null] = this.#tables.routesTo([host]);
    if (route === null || route === 'unreachable' || route.gateway === null) return null;
    return this.#individual(interfaceIndex, route.gateway);
  }

  /** A host names its own hardware address (RFC 4861 §4.3): one that no device has, such as 0 or a group's, is none. */
  #individual(interfaceIndex: number, host: Ipv6): Mac | null {
    const mac = this.#tables.hardwareAddress(interfaceIndex, host);
    const isGroup = mac !== null && Math.floor(mac / 2 ** 40) % 2 === 1;
    return mac === 0 || isGroup ? null : mac;
  }

  #isEthernet(interfaceIndex: number, now: number): boolean {
    if (now - this.#ethernetsAtMs >= FRESH_MS) {
      this.#ethernets = this.#tables.ethernets() ?? this.#ethernets;
      this.#ethernetsAtMs = now;
    }
    return this.#ethernets?.has(interfaceIndex) ?? true;
  }
}
