// The current network interfaces. Not os.networkInterfaces(), which leaves out a bridge without a carrier.

import type { Ipv4, Lan } from '../../proto/mapping.js';
import { EXIT, Failure } from './failure.js';
import { interfaceEntries, libc } from './libc.js';

/** A LAN interface, and the router's own address in each of its networks. */
export interface ListenInterface {
  readonly name: string;
  /** Another index means another interface, created again under the same name. */
  readonly index: number;
  readonly lans: readonly Lan[];
}

export type Interfaces = ReadonlyMap<string, readonly Lan[]>;

/** Every interface by name, with its IPv4 networks. */
export function readInterfaces(): Interfaces {
  const found = new Map<string, Lan[]>();
  for (const { name, address, netmask } of interfaceEntries()) {
    const lans = found.get(name) ?? [];
    found.set(name, lans);
    if (address === null || netmask === null) continue;
    lans.push({ routerAddress: toIpv4(address), prefixLength: prefixLength(toIpv4(netmask)) });
  }
  return found;
}

/** IFF_UP and IFF_RUNNING of net/if.h. */
const UP = 0x1;
const RUNNING = 0x40;

/** Which interfaces are up, and which of them have a carrier. */
export function readLinks(): ReadonlyMap<string, { readonly isUp: boolean; readonly isRunning: boolean }> {
  return new Map(
    interfaceEntries().map(({ name, flags }) => [
      name,
      { isUp: (flags & UP) !== 0, isRunning: (flags & RUNNING) !== 0 },
    ]),
  );
}

/**
 * The LAN interfaces of the configuration; a Failure, which lists those that exist, if one is missing or has no
 * address.
 */
export function findListenInterfaces(
  names: readonly string[],
  interfaces = readInterfaces(),
): readonly ListenInterface[] {
  return names.map((name) => {
    const lans = (interfaces.get(name) ?? missing('--listen-interface', name, interfaces))
      // Shorter than /8 is no LAN, but a forgotten mask.
      .filter((lan) => lan.prefixLength >= 8);
    if (lans.length > 0) return { name, index: libc.if_nametoindex(name), lans };
    throw new Failure(EXIT.interface, `--listen-interface ${name}: it has no IPv4 address: give it one first`);
  });
}

/** "no such interface", with those that there are; null if it is there. */
export function missingInterface(name: string, interfaces = readInterfaces()): string | null {
  return interfaces.has(name) ? null : `no such interface; there are: ${[...interfaces.keys()].sort().join(', ')}`;
}

function missing(flag: string, name: string, interfaces: Interfaces): never {
  throw new Failure(EXIT.interface, `${flag} ${name}: ${missingInterface(name, interfaces)}`);
}

/** Changes when an interface gets another address, or is created again; empty while any of them is missing. */
export function interfaceFingerprint(names: readonly string[]): string {
  try {
    return JSON.stringify(findListenInterfaces(names));
  } catch (error) {
    if (error instanceof Failure) return '';
    throw error;
  }
}

function toIpv4(bytes: Uint8Array): Ipv4 {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** Pure: 0xffffff00 is 24. */
export function prefixLength(mask: Ipv4): number {
  return mask === 0 ? 0 : 32 - Math.log2((~mask >>> 0) + 1);
}
