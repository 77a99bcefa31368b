// The ports that the router needs itself: those that it serves towards the outside, and those that others' rules
// forward. Looked at again and again while the gateway runs: sockets each time, rules only if they may have changed.

import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { FIRST_SUBORDINATE } from '../../process/user-of.js';
import type { Ipv4, Lan } from '../../proto/mapping.js';
import { readBoundSockets } from './bound-sockets.js';
import type { Range } from './firewall/range.js';
import { block, without } from './firewall/range.js';
import type { Interfaces } from './interfaces.js';
import { readInterfaces } from './interfaces.js';
import { libc } from './libc.js';
import type { EphemeralPorts, OutsideView, ServedPorts } from './listening-ports.js';
import { isReachable, MAX_PORTS_OF_USER, servedPorts } from './listening-ports.js';
import { readOr } from './machine.js';
import { isLocalAddress } from './local-address.js';
import type { Json } from './nft-json.js';
import { keyOf, listOf, objectsOf, only } from './nft-json.js';
import { legacyTables, nftFailure, runNft, saveIptables, saveLegacy } from './nft.js';
import type { ElementsOf, Forwards, FromOutside, OwnNames } from './port-forwards.js';
import { readForwards } from './port-forwards.js';
import { PortSet } from './port-set.js';

/** What is ours, and where the outside is. */
export interface Gateway {
  readonly externalInterface: string;
  /** The address that clients are told (--external-address), on any interface or on none; null: that of the interface. */
  readonly externalAddress: Ipv4 | null;
  /** Null if the configured names are not known: then our mark alone tells what is ours. */
  readonly own: OwnNames | null;
}

export interface PortsInUse extends Pick<ServedPorts, 'capped'>, Pick<Forwards, 'unread' | 'legacy'> {
  readonly ports: PortSet;
  /** Without the ports of users' sockets: what only root can take. */
  readonly ofAdministrator: PortSet;
}

export class PortFinder {
  readonly #gateway: Gateway;
  #inodes: ReadonlySet<number>;
  #forwards: Forwards | null = null;
  /** The addresses of this machine, and those of mappings, that `#forwards` were read for. */
  #forwardsFor = '';

  /** @param inodes Those of the sockets at an earlier look. */
  constructor(gateway: Gateway, inodes: Iterable<number> = []) {
    this.#gateway = gateway;
    this.#inodes = new Set(inodes);
  }

  /** The inodes of the last look's sockets. */
  get inodes(): ReadonlySet<number> {
    return this.#inodes;
  }

  /** Look now. `rulesChanged`: rules have to be read again. A Failure if nft cannot list them. */
  find(rulesChanged: boolean): PortsInUse {
    const interfaces = readInterfaces();
    const external = externalAddresses(this.#gateway, interfaces);
    // Rules about the router's addresses mean something else once these have changed.
    const addresses = JSON.stringify([[...interfaces], mappedAddresses(this.#gateway, interfaces)]);
    const legacy = legacyTables();
    const isLegacyNew = legacy.names.length > 0 && this.#forwards?.legacy === null;
    if (this.#forwards === null || rulesChanged || isLegacyNew || addresses !== this.#forwardsFor)
      this.#forwards = findForwards(this.#gateway, interfaces, saveLegacy(legacy));
    this.#forwardsFor = addresses;
    const outside: OutsideView = {
      devices: devicesOf(this.#gateway.externalInterface),
      otherAddresses: new Set(
        [...interfaces.values()].flatMap(addressesOf).filter((address) => !external.includes(address)),
      ),
    };
    const sockets = readBoundSockets().filter((socket) => isReachable(socket, outside));
    const served = servedPorts(sockets, outside, ephemeralPorts(), this.#inodes);
    this.#inodes = new Set(sockets.map(({ inode }) => inode));
    return {
      ports: served.ports.or(this.#forwards.ports),
      ofAdministrator: served.ofRoot.or(this.#forwards.ports),
      capped: served.capped,
      unread: this.#forwards.unread,
      legacy: this.#forwards.legacy,
    };
  }
}

/**
 * Packets from outside are for one of these: an address of the external interface, or the one that clients are told,
 * which may be on lo or another interface. It counts while it is not here, too: it may come at any time (VRRP).
 */
function externalAddresses({ externalInterface, externalAddress }: Gateway, interfaces: Interfaces): readonly Ipv4[] {
  const own = addressesOf(interfaces.get(externalInterface));
  return externalAddress === null || own.includes(externalAddress) ? own : [...own, externalAddress];
}

/** Those through which mappings are reached now (see the ruleset): the told one alone as soon as it is here. */
function mappedAddresses({ externalInterface, externalAddress }: Gateway, interfaces: Interfaces): readonly Ipv4[] {
  return externalAddress !== null && isLocalAddress(externalAddress, interfaces)
    ? [externalAddress]
    : addressesOf(interfaces.get(externalInterface));
}

function addressesOf(lans: readonly Lan[] = []): readonly Ipv4[] {
  return lans.map(({ routerAddress }) => routerAddress);
}

/** The index of the interface, and of the VRF device or bridge that it belongs to. */
function devicesOf(name: string): readonly number[] {
  const index = (of: string): number => libc.if_nametoindex(of);
  let master = '';
  try {
    master = basename(readlinkSync(`/sys/class/net/${name}/master`));
  } catch {
    // It has none, or does not exist.
  }
  return [index(name), master === '' ? 0 : index(master)].filter((each) => each > 0);
}

function ephemeralPorts(): EphemeralPorts {
  const [from = 32768, to = 60999] = readOr('/proc/sys/net/ipv4/ip_local_port_range', '32768 60999')
    .trim()
    .split(/\s+/)
    .map(Number);
  return { from, to };
}

function findForwards(gateway: Gateway, interfaces: Interfaces, legacy: string | null): Forwards {
  const json = listRuleset(['--json', '--terse']);
  // Most rulesets translate nothing that comes in.
  if (legacy === '' && !/"(dnat|redirect|tproxy|xt)"/.test(json))
    return { ports: PortSet.NONE, legacy: null, unread: [] };
  const listing = { json, text: listRuleset(['--terse']), iptables: saveIptables(json, 'ip'), legacy };
  const read = new Map<string, readonly Json[] | null>();
  const elementsOf: ElementsOf = (kind, { family, table, name }) => {
    const key = keyOf(family, table, name);
    const known = read.get(key);
    if (known !== undefined) return known;
    const set = runNft(['--json', 'list', kind, family, table, name]);
    const found =
      set.status === 0 ? only(kind, objectsOf(set.stdout)).flatMap((object) => listOf(object['elem'])) : null;
    read.set(key, found);
    return found;
  };
  const forwardsTo = (addresses: readonly Ipv4[]): Forwards =>
    readForwards(listing, gateway.own, elementsOf, fromOutside(gateway.externalInterface, addresses, interfaces));
  const [all, mapped] = [externalAddresses(gateway, interfaces), mappedAddresses(gateway, interfaces)];
  const found = forwardsTo(all);
  if (mapped.length === all.length) return found;
  // A rule for one of several addresses as a whole leaves the others: not if it is the one that mappings are on.
  const { ports, unread } = forwardsTo(mapped);
  return { ...found, ports: found.ports.or(ports), unread: [...new Set([...found.unread, ...unread])] };
}

function listRuleset(flags: readonly string[]): string {
  const { status, stdout, stderr } = runNft([...flags, 'list', 'ruleset']);
  if (status !== 0) throw nftFailure(stderr);
  return stdout;
}

/** Addresses that no packet from outside has as its source: "this network", loopback, multicast and above. */
const NO_SOURCES: readonly Range[] = [block(0, 8), block(0x7f000000, 8), [0xe0000000, 0xffffffff]];

function fromOutside(externalInterface: string, external: readonly Ipv4[], interfaces: Interfaces): FromOutside {
  const inside = [...interfaces]
    .filter(([name]) => name !== externalInterface)
    .flatMap(([, lans]) => lans.map(({ routerAddress, prefixLength }) => block(routerAddress, prefixLength)));
  return {
    from: externalInterface,
    to: null,
    // Private ones, too: another router may translate in front of this one.
    sources: without([...NO_SOURCES, ...inside]),
    externalAddresses: external.length === 0 ? null : external.map((address): Range => [address, address]),
    hosts: null,
    externalPorts: [[1, 65535]],
    internalPorts: [[1, 65535]],
    isOnlyRoute: false,
    ipv6: null,
    groups: new Map(
      [...interfaces.keys()].map((name) => [name, Number(readOr(`/sys/class/net/${name}/netdev_group`, '0'))]),
    ),
  };
}

/** What the administrator should know, a line each: what could not be read, and what does not count. */
export function warningsOf({ unread, capped }: PortsInUse): readonly string[] {
  return [
    ...unread.map((line) => `${line}: mappings of such ports are not reached; name them in reserved-ports`),
    ...capped.map(
      ({ uid }) =>
        `user ${uid}${uid === FIRST_SUBORDINATE ? ' (with all above)' : ''} has sockets on more than ${MAX_PORTS_OF_USER} ports: only the lowest are reserved; name others in reserved-ports`,
    ),
  ];
}
