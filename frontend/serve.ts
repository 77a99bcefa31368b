// The UDP sockets: datagrams in, replies out. The sockets are inherited, open and bound, one for each LAN interface
// (SO_BINDTODEVICE), with the wildcard address: the interface may get and lose addresses, and each datagram tells to
// which one it was sent. Replies leave from that address, because clients drop others (RFC 6886 §3.2). A socket may also
// be bound to one address, as the releases before did it.
//
// An interface may have a second socket, on the next port. The ruleset redirects devices over the rate limit to this
// overflow socket, so that only it overflows and normal clients lose nothing.

import { closeSync } from 'node:fs';
import { onReadable } from '../process/poll.js';
import type { Histogram } from '../proto/totals.js';
import type { Ipv4, Ipv6 } from '../proto/mapping.js';
import type { Reply } from './answer.js';
import type { Counters } from './counters.js';
import type { Binding, Family } from '../caller/datagrams.js';
import { BATCH_SIZE, ReceiveBatch, SendBatch } from '../caller/datagrams.js';
import type { LanHosts } from '../caller/route/lan-hosts.js';

export interface Service<A> {
  /** Send one announcement on every LAN, from each address that `announceFrom` names. */
  announce(announcement: Uint8Array): void;
  /**
   * Send an empty datagram, so that the kernel asks for the host's hardware address. No effect if the interface has no
   * socket.
   */
  probe(interfaceIndex: number, host: A): void;
  close(): void;
}

/** `A`: Ipv4 or Ipv6. */
export interface ServeDeps<A extends Ipv4 | Ipv6> {
  readonly family: Family<A>;
  /** Where announcements go. */
  readonly group: { readonly address: A; readonly port: number };
  /** The addresses of an interface that announcements leave from, if the socket is bound to none. */
  announceFrom(interfaceIndex: number): readonly A[];
  /**
   * `isThrottled`: the datagram came in at the overflow socket. `interfaceIndex`: the interface that its socket is bound
   * to; 0 if it is bound to none. The datagram is valid only until the function returns.
   */
  answer(datagram: Uint8Array, source: A, isThrottled: boolean, interfaceIndex: number): Reply | Promise<Reply>;
  readonly counters: Counters;
  /** What the kernel knows of the interfaces; null if there is no route socket. */
  readonly lanHosts: Pick<LanHosts<A>, 'isOwnAddress' | 'isResolved' | 'lookUp'> | null;
  /** Seconds from the arrival of a datagram to its reply. */
  readonly latency: Histogram;
  /** Seconds of a monotonic clock. */
  readonly stopwatch: () => number;
  /** A datagram met a defect of this program. It gets no reply. */
  onDefect(error: unknown): void;
}

/** How many full batches are taken from a socket before others have their turn. An overflow socket gets one. */
const BATCHES_PER_TURN = 4;
/** What `probe` sends to: nothing listens there, or something that says nothing (discard, RFC 863). */
const DISCARD_PORT = 9;
const EMPTY = new Uint8Array();

interface LanSocket<A> extends Binding<A> {
  /** An overflow socket. */
  readonly isThrottled: boolean;
  /** Replies to what comes in here: by the socket that clients send to, so that they leave from its port. */
  readonly replies: SendBatch<A>;
}

/** The sender of a datagram, and what its reply needs. */
interface Peer<A> {
  readonly address: A;
  readonly port: number;
  /** The address that it asked. */
  readonly asked: A;
  /** Of the stopwatch. */
  readonly arrivalSeconds: number;
}

/** Serve these sockets of one family (datagrams.ts: bindingOf) until `close`, which closes them. */
export function serve<A extends Ipv4 | Ipv6>(bindings: readonly Binding<A>[], deps: ServeDeps<A>): Service<A> {
  const { group } = deps;
  const sockets = lanSockets(bindings, deps);
  const batch = new ReceiveBatch(deps.family);
  const stops = sockets.map((socket) => onReadable(socket.fd, 0, () => takeFrom(socket, batch, deps)));
  return {
    announce(announcement) {
      for (const { replies, interfaceIndex, isThrottled, address } of sockets) {
        if (isThrottled) continue;
        const isWildcard = address === deps.family.wildcard && interfaceIndex !== 0;
        for (const own of isWildcard ? deps.announceFrom(interfaceIndex) : [address])
          replies.put(announcement, { ...group, from: own, interfaceIndex });
      }
      deps.counters.count('announced');
    },
    probe(interfaceIndex, host) {
      const { wildcard } = deps.family;
      const socket = sockets.find((one) => one.interfaceIndex === interfaceIndex && !one.isThrottled);
      socket?.replies.put(EMPTY, { address: host, port: DISCARD_PORT, from: wildcard, interfaceIndex });
    },
    close() {
      for (const stop of stops) stop();
      for (const { fd } of bindings) closeSync(fd);
    },
  };
}

function lanSockets<A extends Ipv4 | Ipv6>(
  bindings: readonly Binding<A>[],
  { family, group, lanHosts, counters }: ServeDeps<A>,
): readonly LanSocket<A>[] {
  const batches = new Map(
    bindings.map(({ fd, interfaceIndex }) => [
      fd,
      new SendBatch(
        family,
        fd,
        (host) => host === group.address || (lanHosts?.isResolved(interfaceIndex, host) ?? false),
        () => counters.count('send-failed'),
      ),
    ]),
  );
  return bindings.map((binding) => {
    const { fd } = replySocketOf(binding, bindings);
    return { ...binding, isThrottled: fd !== binding.fd, replies: batches.get(fd)! };
  });
}

/** For an overflow socket the one with the same address and interface and the lower port, else the socket itself. */
function replySocketOf<A>(own: Binding<A>, all: readonly Binding<A>[]): Binding<A> {
  const isMain = ({ address, interfaceIndex, port }: Binding<A>): boolean =>
    address === own.address && interfaceIndex === own.interfaceIndex && port < own.port;
  return all.find(isMain) ?? own;
}

/** Handle what waits at the socket, up to the limit of a turn. */
function takeFrom<A extends Ipv4 | Ipv6>(socket: LanSocket<A>, batch: ReceiveBatch<A>, deps: ServeDeps<A>): void {
  const arrivalSeconds = deps.stopwatch();
  for (let left = socket.isThrottled ? 1 : BATCHES_PER_TURN; left > 0; left--) {
    const count = batch.take(socket.fd);
    const sources: A[] = [];
    for (let index = 0; index < count; index++) sources.push(batch.source(index));
    lookUp(sources, socket, deps);
    socket.replies.hold();
    for (let index = 0; index < count; index++) {
      const asked = socket.address === deps.family.wildcard ? batch.destination(index) : socket.address;
      const peer = { address: sources[index]!, port: batch.port(index), asked, arrivalSeconds };
      receive(batch.payload(index), peer, socket, deps);
    }
    socket.replies.flush();
    if (count < BATCH_SIZE) return;
  }
}

/** Who may ask is looked up for the whole batch. Never throws. */
function lookUp<A extends Ipv4 | Ipv6>(
  sources: readonly A[],
  { interfaceIndex }: LanSocket<A>,
  deps: ServeDeps<A>,
): void {
  if (deps.lanHosts === null || interfaceIndex === 0) return;
  try {
    deps.lanHosts.lookUp(interfaceIndex, sources);
  } catch (error) {
    countDefect(error, deps);
  }
}

/** Handle one datagram. Never throws, whatever the datagram contains and whatever happens to its reply. */
function receive<A extends Ipv4 | Ipv6>(
  datagram: Uint8Array,
  peer: Peer<A>,
  socket: LanSocket<A>,
  deps: ServeDeps<A>,
): void {
  // No reply can be sent to port 0.
  if (peer.port === 0) return deps.counters.count('source-port');
  try {
    if (!isAskedHere(peer.asked, socket, deps)) return deps.counters.count('destination');
    const reply = deps.answer(datagram, peer.address, socket.isThrottled, socket.interfaceIndex);
    if (reply instanceof Promise) void sendLater(reply, peer, socket, deps);
    else send(reply, peer, socket, deps);
  } catch (error) {
    countDefect(error, deps);
  }
}

/**
 * Whether the datagram was sent to an address of the router in this LAN. A wildcard socket also gets what is sent to all
 * (broadcast, multicast), and what hosts of this LAN send to the router's addresses in others.
 */
function isAskedHere<A extends Ipv4 | Ipv6>(
  asked: A,
  { address, interfaceIndex }: LanSocket<A>,
  deps: ServeDeps<A>,
): boolean {
  const { family, lanHosts } = deps;
  if (address !== family.wildcard || interfaceIndex === 0 || lanHosts === null) return true;
  return lanHosts.isOwnAddress(interfaceIndex, asked);
}

async function sendLater<A extends Ipv4 | Ipv6>(
  reply: Promise<Reply>,
  peer: Peer<A>,
  socket: LanSocket<A>,
  deps: ServeDeps<A>,
): Promise<void> {
  try {
    send(await reply, peer, socket, deps);
  } catch (error) {
    countDefect(error, deps);
  }
}

function send<A extends Ipv4 | Ipv6>(
  reply: Reply,
  peer: Peer<A>,
  { replies, interfaceIndex }: LanSocket<A>,
  deps: ServeDeps<A>,
): void {
  const { address, port, asked, arrivalSeconds } = peer;
  if (reply === null) return;
  replies.put(reply, { address, port, from: asked, interfaceIndex });
  deps.latency.observe(deps.stopwatch() - arrivalSeconds);
}

function countDefect(error: unknown, deps: Pick<ServeDeps<Ipv4>, 'counters' | 'onDefect'>): void {
  deps.counters.count('defect');
  deps.onDefect(error);
}
