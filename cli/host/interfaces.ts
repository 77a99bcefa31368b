// The current network interfaces. Not os.networkInterfaces(), which leaves out a bridge without a carrier.

import type { Ipv4, Lan } from '../../proto/mapping.js';
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
  const entries = interfaceEntries();
  const names = entries.filter(({ address }) => address === null).map(({ name }) => name);
  for (const { name: label, address, netmask } of entries) {
    const name = nameOf(label, names);
    const lans = found.get(name) ?? [];
    found.set(name, lans);
    if (address === null || netmask === null) continue;
    lans.push({ routerAddress: toIpv4(address), prefixLength: prefixLength(toIpv4(netmask)) });
  }
  return found;
}

/** The interface that an address with this label is of: ip(8) lets a label be any text that begins with its name. */
export function nameOf(label: string, names: readonly string[]): string {
  if (names.includes(label)) return label;
  const [longest = label] = names.filter((name) => label.startsWith(name)).sort((a, b) => b.length - a.length);
  return longest;
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

/** Those of these interfaces that there are now, with the addresses that they have. */
export function findListenInterfaces(
  names: readonly string[],
  interfaces = readInterfaces(),
): readonly ListenInterface[] {
  return names.flatMap((name) => {
    const lans = interfaces.get(name);
    if (lans === undefined) return [];
    // Shorter than /8 is no LAN, but a forgotten mask.
    const usable = lans.filter((lan) => lan.prefixLength >= 8);
    return { name, index: libc.if_nametoindex(name), lans: usable };
  });
}

/**
 * The name in the kernel of the interface that has `name` as an altname (ip-link(8)); null if none has. nft matches, and
 * the kernel's messages have, only names: nothing of ours is reached by an altname, although a socket can be bound to it.
 */
export function realName(name: string): string | null {
  const index = libc.if_nametoindex(name);
  const bytes = new Uint8Array(16);
  if (index === 0 || libc.if_indextoname(index, bytes) === null) return null;
  const real = Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString();
  return real === name ? null : real;
}

/** In words, if it is an altname; else null. */
export function altnameText(name: string): string | null {
  const real = realName(name);
  return real === null ? null : `${name} is another name (altname) of ${real}: give ${real}`;
}

/** "no such interface", with those that there are; null if it is there. */
export function missingInterface(name: string, interfaces = readInterfaces()): string | null {
  if (interfaces.has(name)) return null;
  return altnameText(name) ?? `no such interface; there are: ${[...interfaces.keys()].sort().join(', ')}`;
}

/** What is missing of these interfaces, in words; null if each is there and has an address. */
export function missingOf(names: readonly string[], interfaces = readInterfaces()): string | null {
  const absent = names.filter((name) => !interfaces.has(name));
  const bare = names.filter((name) => interfaces.get(name)?.length === 0);
  const there = [...interfaces.keys()].sort().join(', ');
  const parts = [
    ...(absent.length === 0 ? [] : [`no interface ${absent.join(', ')} (there are: ${there})`]),
    ...absent.flatMap((name) => altnameText(name) ?? []),
    ...(bare.length === 0 ? [] : [`no IPv4 address on ${bare.join(', ')}`]),
  ];
  return parts.length === 0 ? null : parts.join('; ');
}

function toIpv4(bytes: Uint8Array): Ipv4 {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** Pure: 0xffffff00 is 24. */
export function prefixLength(mask: Ipv4): number {
  return mask === 0 ? 0 : 32 - Math.log2((~mask >>> 0) + 1);
}
