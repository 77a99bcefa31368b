// The UDP sockets of SSDP: datagrams in, replies and announcements out. The sockets are inherited, one for each LAN
// (SO_BINDTODEVICE), with the wildcard address and port 1900. Each is a member of the group on its own interface.

import { closeSync } from 'node:fs';
import type { Binding } from '../../caller/datagrams.js';
import { IPV4, ReceiveBatch, SendBatch } from '../../caller/datagrams.js';
import { joinGroup, prepareMulticast } from '../../caller/multicast.js';
import { onReadable } from '../../process/poll.js';
import type { Ipv4 } from '../../proto/mapping.js';
import { Announcer } from './announcer.js';
import { GROUP } from './group.js';
import { encodeAlive, encodeByebye, MAX_MESSAGE_BYTES } from './messages.js';
import type { Resource, Resources } from './resources.js';
import { resourcesOf } from './resources.js';
import type { Found } from './responder.js';
import { Responder } from './responder.js';
import { MAX_SEARCH_BYTES } from './search.js';
import type { SsdpDeps } from './types.js';

/** UDA 1.1 §1.2: the TTL of announcements should be 2. */
const TTL = 2;
/** After the group could not be joined, or an interface had no address. */
const AGAIN_MS = 2000;
/**
 * How often the group is joined again, because nothing tells that the interface was deleted and created again with the same
 * index: the kernel has forgotten then. A router that counts members hears a report.
 */
const JOIN_AGAIN_MS = 60_000;
/**
 * The pause after each batch of a socket: more than 32 datagrams in this time are a flood, which must not take the
 * processor from the HTTP server of this process and from what else the router does.
 */
const REST_MS = 2;

export interface Ssdp {
  /** Tell every LAN that something is different: an address has changed. The groups are joined again. */
  announceAlive(): void;
  /** Tell every LAN that the device is gone. It is not found any more, and announced no more, until `announceAlive`. */
  byebye(): void;
  /** Whether the socket of this interface is a member of the group: searches by multicast arrive. */
  isJoined(interfaceIndex: number): boolean;
  /** Stop, without a word, and close the sockets. */
  close(): void;
}

interface Lan extends Binding<Ipv4> {
  readonly resources: Resources;
  readonly outgoing: SendBatch<Ipv4>;
}

/**
 * Serve these sockets (caller/datagrams.ts: bindingOf), and announce the device on them, until `close`.
 *
 * @throws If a socket is not bound to the interface of a LAN, or is no UDP socket.
 */
export function serveSsdp(sockets: readonly Binding<Ipv4>[], deps: SsdpDeps): Ssdp {
  const lans = new Map(sockets.map((socket) => [socket.interfaceIndex, lanOf(socket, deps)]));
  const resources = new Map([...lans].map(([index, lan]) => [index, lan.resources]));
  const responder = new Responder(deps, resources, (index, payload, to) =>
    guarded(deps, () => lans.get(index)?.outgoing.put(payload, to)),
  );
  const byebye = (): void => guarded(deps, () => announce(lans, deps, (resource) => encodeByebye(resource, deps)));
  let cancelWait = (): void => {};
  /** Announce the device when one of these LANs, which have no address, has got one. */
  const awaitAddress = (interfaces: readonly number[]): void => {
    cancelWait();
    if (interfaces.length === 0) return;
    cancelWait = deps.schedule(AGAIN_MS, () =>
      guarded(deps, () => {
        if (interfaces.some((index) => deps.addresses(index).length > 0)) announceAlive();
        else awaitAddress(interfaces);
      }),
    );
  };
  const announceAlive = (): void => {
    for (const membership of memberships.values()) membership.join();
    announcer.announceAlive();
  };
  const announcer = new Announcer({
    alive: () =>
      guarded(deps, () => awaitAddress(announce(lans, deps, (resource, own) => encodeAlive(resource, own, deps)))),
    byebye,
    schedule: deps.schedule,
    random: deps.random,
  });
  let isLeaving = false;
  const batch = new ReceiveBatch(IPV4, MAX_SEARCH_BYTES);
  const memberships = new Map([...lans].map(([index, lan]) => [index, keepJoined(lan, deps)]));
  const ends = [...lans.values()].map((lan) =>
    onReadable(lan.fd, REST_MS, () => takeFrom(lan, batch, isLeaving ? null : responder, deps)),
  );
  const stop = (): void => {
    cancelWait();
    announcer.stop();
    responder.cancel();
  };
  announcer.start();
  return {
    announceAlive() {
      isLeaving = false;
      announceAlive();
    },
    byebye() {
      isLeaving = true;
      stop();
      byebye();
    },
    isJoined: (interfaceIndex) => memberships.get(interfaceIndex)?.isJoined() ?? false,
    close() {
      stop();
      for (const end of ends) end();
      for (const membership of memberships.values()) membership.end();
      for (const { fd } of lans.values()) closeSync(fd);
    },
  };
}

function lanOf(socket: Binding<Ipv4>, deps: SsdpDeps): Lan {
  const { fd, interfaceIndex } = socket;
  const lan = deps.lans.get(interfaceIndex);
  if (lan === undefined) throw new Error(`file descriptor ${fd} is not bound to the interface of a LAN`);
  prepareMulticast(fd, TTL);
  const isResolved = (host: Ipv4): boolean => host === GROUP.address || deps.isResolved(interfaceIndex, host);
  const outgoing = new SendBatch(IPV4, fd, isResolved, () => deps.count('send-failed'), MAX_MESSAGE_BYTES);
  return { ...socket, resources: resourcesOf(lan.identity), outgoing };
}

/** Join the group, and again and again until `end` is called. */
function keepJoined({ fd, interfaceIndex }: Lan, deps: SsdpDeps) {
  let isJoined = false;
  let cancel = (): void => {};
  const join = (): void => {
    cancel();
    isJoined = joinGroup(fd, GROUP.address, interfaceIndex) === 0;
    if (!isJoined) deps.count('join-failed');
    cancel = deps.schedule(isJoined ? JOIN_AGAIN_MS : AGAIN_MS, join);
  };
  join();
  return { join, isJoined: () => isJoined, end: () => cancel() };
}

/**
 * One set of messages on each LAN, from each address that the router has there, at once.
 *
 * @returns The LANs where it has none.
 */
function announce(
  lans: ReadonlyMap<number, Lan>,
  deps: SsdpDeps,
  encode: (resource: Resource, own: Ipv4) => Uint8Array,
): readonly number[] {
  const without: number[] = [];
  for (const { interfaceIndex, resources, outgoing } of lans.values()) {
    const addresses = deps.addresses(interfaceIndex);
    if (addresses.length === 0) {
      deps.count('no-address');
      without.push(interfaceIndex);
    }
    outgoing.hold();
    for (const own of addresses) {
      for (const resource of resources.all) outgoing.put(encode(resource, own), { ...GROUP, from: own });
      deps.count('announced');
    }
    outgoing.flush();
  }
  return without;
}

/** Handle one batch of what waits at the socket; without a responder, drop it. Never throws. */
function takeFrom(lan: Lan, batch: ReceiveBatch<Ipv4>, responder: Responder | null, deps: SsdpDeps): void {
  const count = batch.take(lan.fd);
  if (responder === null) return;
  const found: Found[] = [];
  for (let index = 0; index < count; index++) {
    guarded(deps, () => {
      const peer = { address: batch.source(index), port: batch.port(index), asked: batch.destination(index) };
      const search = responder.understand(lan.interfaceIndex, batch.payload(index), peer);
      if (typeof search === 'string') deps.count(search);
      else found.push(search);
    });
  }
  if (found.length === 0) return;
  const hosts = found.map(({ peer }) => peer.address);
  guarded(deps, () => deps.lookUp(lan.interfaceIndex, hosts));
  for (const search of found) guarded(deps, () => responder.answer(lan.interfaceIndex, search));
}

/** A defect is counted, and stops nothing. */
function guarded(deps: SsdpDeps, run: () => void): void {
  try {
    run();
  } catch (error) {
    deps.count('defect');
    deps.onDefect(error);
  }
}
