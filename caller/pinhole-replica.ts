// A daemon's view of the pinholes: a replica of the helper's table, and reservations for requests in flight. Pure: no
// clock, no I/O. It is only a hint, as the replica of the leases is (lease-replica.ts).

import type { Event } from '../proto/codec.js';
import type { Ipv6, Pinhole, PinholeEndpoint, Protocol } from '../proto/mapping.js';

/** By which pinholes are counted: the hardware address, or the address if that is not known. */
export type DeviceKey = number | Ipv6;

export function deviceKey({ hardwareAddress, address }: Pick<Pinhole, 'hardwareAddress' | 'address'>): DeviceKey {
  return hardwareAddress === 0 ? address : hardwareAddress;
}

export class PinholeReplica {
  #pinholes = new Map<string, Pinhole>();
  readonly #devices = new Map<DeviceKey, number>();
  /** New pinholes that the helper was asked for and has not yet answered: how many requests ask for each. */
  readonly #reserved = new Map<string, { readonly device: DeviceKey; requests: number }>();
  readonly #reservedByDevice = new Map<DeviceKey, number>();

  /** The number of pinholes, reservations not included; so is `devices`. */
  get size(): number {
    return this.#pinholes.size;
  }

  /** The number of devices that hold one. */
  get devices(): number {
    return this.#devices.size;
  }

  sizeOf(protocol: Protocol): number {
    let size = 0;
    for (const pinhole of this.#pinholes.values()) if (pinhole.protocol === protocol) size++;
    return size;
  }

  get(endpoint: PinholeEndpoint): Pinhole | undefined {
    return this.#pinholes.get(keyOf(endpoint));
  }

  /** Whether the helper has been asked for this one, and has not yet answered. */
  isReserved(endpoint: PinholeEndpoint): boolean {
    return this.#reserved.has(keyOf(endpoint));
  }

  /** The number of the device's pinholes and reservations. */
  count(device: DeviceKey): number {
    return (this.#devices.get(device) ?? 0) + (this.#reservedByDevice.get(device) ?? 0);
  }

  /** Call `release` once for each. */
  reserve(endpoint: PinholeEndpoint, device: DeviceKey): void {
    const key = keyOf(endpoint);
    const held = this.#reserved.get(key);
    if (held !== undefined) {
      held.requests++;
      return;
    }
    this.#reserved.set(key, { device, requests: 1 });
    change(this.#reservedByDevice, device, 1);
  }

  release(endpoint: PinholeEndpoint): void {
    const key = keyOf(endpoint);
    const held = this.#reserved.get(key);
    if (held === undefined || --held.requests > 0) return;
    this.#reserved.delete(key);
    change(this.#reservedByDevice, held.device, -1);
  }

  put(pinhole: Pinhole): void {
    const key = keyOf(pinhole);
    const held = this.#pinholes.get(key);
    const before = held && deviceKey(held);
    const device = deviceKey(pinhole);
    if (before !== device) {
      if (before !== undefined) change(this.#devices, before, -1);
      change(this.#devices, device, 1);
    }
    // Not deleted first: a Map finds a key the slower the more often it was deleted and put back.
    this.#pinholes.set(key, pinhole);
  }

  /** Drop the pinhole, if it is there. */
  forget(endpoint: PinholeEndpoint): void {
    const key = keyOf(endpoint);
    const held = this.#pinholes.get(key);
    if (held === undefined) return;
    this.#pinholes.delete(key);
    change(this.#devices, deviceKey(held), -1);
  }

  /** No effect for an event of a mapping. */
  apply(event: Event): void {
    if (!('pinhole' in event)) return;
    if (event.kind === 'granted' || event.kind === 'renewed') this.put(event.pinhole);
    else this.forget(event.pinhole);
  }

  /** Replace all pinholes. Reservations stay until they are released. */
  reset(pinholes: readonly Pinhole[]): void {
    this.#pinholes = new Map();
    this.#devices.clear();
    for (const pinhole of pinholes) this.put(pinhole);
  }
}

function keyOf({ protocol, address, port }: PinholeEndpoint): string {
  return `${address}${protocol}${port}`;
}

function change(counts: Map<DeviceKey, number>, key: DeviceKey, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
