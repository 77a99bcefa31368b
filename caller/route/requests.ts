// Requests to the kernel by the inherited rtnetlink socket, one at a time, beside AddressWatch, which follows its events.

import {
  DUMP,
  decodeRoute,
  encodeDump,
  encodeNeighbour,
  encodeNeighbourDump,
  encodeNextHops,
  encodeRouteLookups,
} from './rtnetlink.js';
import type { Ipv6Route, Neighbour, NextHopObject, Route, RouteMessage } from './rtnetlink.js';
import { FAMILY } from './rtnetlink.js';
import type { Ipv4, Ipv6 } from '../../proto/mapping.js';
import type { Mac } from '../../config/types.js';
import type { RouteSocket } from './socket.js';

const READ_BUFFER_BYTES = 1 << 16;
/** More reads than any answer needs. */
const MAX_READS = 4096;
/** Sequence numbers that AddressWatch, which uses the same socket, does not reach. */
const FIRST_SEQUENCE = 0x4000_0000;
const LAST_SEQUENCE = 0x7fff_ffff;

/** What the kernel says of interfaces, routes and neighbours. Null: it did not answer, or not completely. */
export interface RouteTables<A extends Ipv4 | Ipv6 = Ipv4> {
  /** Every address of the family, by the index of its interface. */
  addresses(): ReadonlyMap<number, readonly A[]> | null;
  /** The entry that applies to packets for each of these hosts; `unreachable` if there is none. All in one request; at least one. */
  routesTo(hosts: readonly A[]): readonly ((A extends Ipv6 ? Ipv6Route : Route) | 'unreachable' | null)[];
  /** All hosts that the kernel knows on any link. */
  neighbours(): readonly Neighbour<A>[] | null;
  /** The interfaces that share the link of another one, as a macvlan does: by index, the index of the other. */
  lowerInterfaces(): ReadonlyMap<number, number> | null;
}

/** What is asked about IPv6 besides. */
export interface Ipv6Tables extends RouteTables<Ipv6> {
  /** The interfaces whose hosts have Ethernet addresses: no tunnels and no PPP. */
  ethernets(): ReadonlySet<number> | null;
  /** As in RouteRequests. */
  hardwareAddress(interfaceIndex: number, host: Ipv6): Mac | null;
}

export class RouteRequests implements RouteTables {
  readonly #socket: RouteSocket;
  readonly #onEvent: () => void;
  readonly #buffer = new Uint8Array(READ_BUFFER_BYTES);
  #sequence = FIRST_SEQUENCE;

  /** `onEvent`: an event was read from the socket, which is for AddressWatch. */
  constructor(socket: RouteSocket, onEvent: () => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
  }

  addresses(): ReadonlyMap<number, readonly Ipv4[]> | null {
    const messages = this.#dump((sequence) => encodeDump(DUMP.ADDRESSES, sequence));
    return byInterface(messages?.flatMap((message) => (message.kind === 'address' ? message : [])));
  }

  routesTo(hosts: readonly Ipv4[]): readonly (Route | 'unreachable' | null)[] {
    return this.#lookUp(hosts).map((answer) =>
      answer?.kind === 'route' ? answer : answer?.kind === 'error' ? 'unreachable' : null,
    );
  }

  neighbours(): readonly Neighbour<Ipv4>[] | null {
    const messages = this.#dump((sequence) => encodeNeighbourDump(sequence));
    return messages?.flatMap((message) => (message.kind === 'neighbour' ? message : [])) ?? null;
  }

  /**
   * The hardware address of a host, which the host can forge: it identifies it but does not authenticate it. Null if the
   * kernel does not know it; it knows that of every host that has just resolved the router's address (ARP).
   */
  hardwareAddress(interfaceIndex: number, host: Ipv4): Mac | null {
    const [answer] = this.#ask((sequence) => encodeNeighbour(interfaceIndex, host, sequence)) ?? [];
    return answer?.kind === 'neighbour' && answer.address === host ? answer.mac : null;
  }

  lowerInterfaces(): ReadonlyMap<number, number> | null {
    const messages = this.#dump((sequence) => encodeDump(DUMP.LINKS, sequence));
    const pairs = messages?.flatMap((message): readonly (readonly [number, number])[] =>
      message.kind === 'link' && message.lowerIndex !== null ? [[message.index, message.lowerIndex]] : [],
    );
    return pairs === undefined ? null : new Map(pairs);
  }

  /** The same for IPv6. */
  readonly ipv6: Ipv6Tables = {
    addresses: () => {
      const messages = this.#dump((sequence) => encodeDump(DUMP.ADDRESSES, sequence, FAMILY.IPV6));
      return byInterface(messages?.flatMap((message) => (message.kind === 'ipv6-address' ? message : [])));
    },
    routesTo: (hosts) =>
      this.#lookUp(hosts).map((answer) =>
        answer?.kind === 'ipv6-route' ? answer : answer?.kind === 'error' ? 'unreachable' : null,
      ),
    neighbours: () => {
      const messages = this.#dump((sequence) => encodeNeighbourDump(sequence, FAMILY.IPV6));
      return messages?.flatMap((message) => (message.kind === 'ipv6-neighbour' ? message : [])) ?? null;
    },
    lowerInterfaces: () => this.lowerInterfaces(),
    ethernets: () => {
      const messages = this.#dump((sequence) => encodeDump(DUMP.LINKS, sequence));
      const links = messages?.flatMap((message) => (message.kind === 'link' && message.isEthernet ? message : []));
      return links === undefined ? null : new Set(links.map(({ index }) => index));
    },
    hardwareAddress: (interfaceIndex, host) => {
      const [answer] = this.#ask((sequence) => encodeNeighbour(interfaceIndex, host, sequence)) ?? [];
      return answer?.kind === 'ipv6-neighbour' && answer.address === host ? answer.mac : null;
    },
  };

  /** A whole table; null also if the kernel refused it (EBUSY), because an empty table is an answer. */
  #dump(request: (sequence: number) => Uint8Array): readonly RouteMessage[] | null {
    const messages = this.#ask(request);
    return messages?.some(({ kind }) => kind === 'error') === true ? null : messages;
  }

  /** The answer about the route to each host. */
  #lookUp(hosts: readonly (Ipv4 | Ipv6)[]): readonly (RouteMessage | undefined)[] {
    const answers = this.#ask((sequence) => encodeRouteLookups(hosts, sequence), hosts.length) ?? [];
    const first = answers[0]?.sequence ?? 0;
    const known = new Map<number, readonly NextHopObject[]>();
    return hosts.map((_host, index) =>
      answers[index]?.sequence === first + index ? this.#withNextHops(answers[index], known) : undefined,
    );
  }

  /** A route with the interfaces of the nexthop object that it names in their place. `known`: those asked for before. */
  #withNextHops(answer: RouteMessage, known: Map<number, readonly NextHopObject[]>): RouteMessage {
    if ((answer.kind !== 'route' && answer.kind !== 'ipv6-route') || answer.nextHopId === undefined) return answer;
    const hops = known.get(answer.nextHopId) ?? this.#nextHops(answer.nextHopId);
    known.set(answer.nextHopId, hops);
    const interfaces = hops.flatMap(({ index }) => index ?? []);
    if (answer.kind === 'route') return { ...answer, interfaces };
    return { ...answer, interfaces, gateway: hops.find(({ gateway }) => gateway !== null)?.gateway ?? null };
  }

  /** The object itself, or those of a group, which has no groups in it; none if it is not there any more. */
  #nextHops(id: number): readonly NextHopObject[] {
    const one = this.#nextHopObjects([id]);
    const members = one.flatMap((object) => object.members);
    return members.length === 0 ? one : this.#nextHopObjects(members);
  }

  #nextHopObjects(ids: readonly number[]): readonly NextHopObject[] {
    const answers = this.#ask((sequence) => encodeNextHops(ids, sequence), ids.length) ?? [];
    return answers.flatMap((answer) => (answer.kind === 'next-hop-object' ? answer : []));
  }

  /**
   * The kernel's answer, complete when `write` returns; null if it was incomplete or interrupted. If events left no room
   * for it, because with a configured external address nothing else reads them, they have been read then, and it is asked
   * again.
   *
   * @param count How many requests with one answer each there are, whose numbers follow each other. Their answers are in
   * the order of the requests.
   */
  #ask(request: (sequence: number) => Uint8Array, count = 1): readonly RouteMessage[] | null {
    const answer = this.#askOnce(request, count);
    const second = answer === 'overrun' ? this.#askOnce(request, count) : answer;
    return second === 'overrun' ? null : second;
  }

  #askOnce(request: (sequence: number) => Uint8Array, count: number): readonly RouteMessage[] | 'overrun' | null {
    const first = this.#sequence >= LAST_SEQUENCE - count ? FIRST_SEQUENCE : this.#sequence + 1;
    this.#sequence = first + count - 1;
    this.#socket.write(request(first));
    const messages: RouteMessage[] = [];
    let isOverrun = false;
    let isInterrupted = false;
    for (let reads = 0; reads < MAX_READS; reads++) {
      const read = this.#socket.read(this.#buffer);
      if (read === 'empty') return isOverrun ? 'overrun' : null;
      if (read === 'overrun') {
        isOverrun = true;
        this.#onEvent();
        continue;
      }
      for (const message of decodeRoute(this.#buffer.subarray(0, read))) {
        if (message.sequence < first || message.sequence > this.#sequence) {
          this.#onEvent();
          continue;
        }
        // Read to the end: as long as a part is left, the kernel refuses the next dump (EBUSY).
        isInterrupted ||= message.isInterrupted;
        if (message.kind === 'done') return isInterrupted ? null : messages;
        if (messages.push(message) === count && !message.isPart) return messages;
      }
    }
    return null;
  }
}

function byInterface<A>(
  all: readonly { readonly index: number; readonly address: A }[] | undefined,
): ReadonlyMap<number, readonly A[]> | null {
  if (all === undefined) return null;
  const found = new Map<number, A[]>();
  for (const { index, address } of all) {
    const own = found.get(index) ?? [];
    found.set(index, own);
    own.push(address);
  }
  return found;
}
