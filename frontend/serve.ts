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
import type { Ipv4 } from '../proto/mapping.js';
import { parseIpv4 } from '../proto/mapping.js';
import type { Reply, Responder } from './answer.js';
import type { Counters } from './counters.js';
import type { Binding } from './datagrams.js';
import { BATCH_SIZE, ReceiveBatch, SendBatch } from './datagrams.js';
import type { LanHosts } from './route/lan-hosts.js';
import { ANNOUNCEMENT_GROUP, PORT } from './wire.js';

export interface Service {
  /** Send one announcement from every address, so on every LAN (§3.2.1). */
  announce(announcement: Uint8Array): void;
  close(): void;
}

export interface ServeDeps {
  readonly answer: Responder;
  readonly counters: Counters;
  /** What the kernel knows of the interfaces; null if there is no route socket. */
  readonly lanHosts: Pick<LanHosts, 'addresses' | 'isOwnAddress' | 'isResolved'> | null;
  /** Seconds from the arrival of a datagram to its reply. */
  readonly latency: Histogram;
  /** Seconds of a monotonic clock. */
  readonly stopwatch: () => number;
  /** A datagram met a defect of this program. It gets no reply. */
  onDefect(error: unknown): void;
}

/**
 * How many batches are taken from a socket before the replies to them leave. An overflow socket gets one, because the
 * replies of all sockets wait for the same moment.
 */
const BATCHES_PER_TURN = 4;
const GROUP = parseIpv4(ANNOUNCEMENT_GROUP) ?? 0;

interface LanSocket extends Binding {
  /** An overflow socket. */
  readonly isThrottled: boolean;
  /** Replies to what comes in here: by the socket that clients send to, so that they leave from its port. */
  readonly replies: SendBatch;
}

/** The sender of a datagram, and what its reply needs. */
interface Peer {
  readonly address: Ipv4;
  readonly port: number;
  /** The address that it asked. */
  readonly asked: Ipv4;
  /** Of the stopwatch. */
  readonly arrivalSeconds: number;
}

/** Serve these sockets (datagrams.ts: bindingOf) until `close`, which closes them. */
export function serve(bindings: readonly Binding[], deps: ServeDeps): Service {
  const sockets = lanSockets(bindings, deps);
  const batch = new ReceiveBatch();
  const stop = onReadable(
    bindings.map(({ fd }) => fd),
    0,
    () => {
      for (const socket of sockets) takeFrom(socket, batch, deps);
    },
  );
  return {
    announce(announcement) {
      for (const { replies, interfaceIndex, isThrottled, address } of sockets) {
        if (isThrottled) continue;
        const from =
          address === 0 && interfaceIndex !== 0 && deps.lanHosts !== null
            ? deps.lanHosts.addresses(interfaceIndex)
            : [address];
        for (const own of from) replies.put(announcement, { address: GROUP, port: PORT.ANNOUNCEMENT, from: own });
      }
      deps.counters.count('announced');
    },
    close() {
      stop();
      for (const { fd } of bindings) closeSync(fd);
    },
  };
}

function lanSockets(bindings: readonly Binding[], { lanHosts, counters }: ServeDeps): readonly LanSocket[] {
  const batches = new Map(
    bindings.map(({ fd, interfaceIndex }) => [
      fd,
      new SendBatch(
        fd,
        (host) => host === GROUP || (lanHosts?.isResolved(interfaceIndex, host) ?? false),
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
function replySocketOf(own: Binding, all: readonly Binding[]): Binding {
  const isMain = ({ address, interfaceIndex, port }: Binding): boolean =>
    address === own.address && interfaceIndex === own.interfaceIndex && port < own.port;
  return all.find(isMain) ?? own;
}

/** Handle what waits at the socket, up to the limit of a turn. */
function takeFrom(socket: LanSocket, batch: ReceiveBatch, deps: ServeDeps): void {
  const arrivalSeconds = deps.stopwatch();
  for (let left = socket.isThrottled ? 1 : BATCHES_PER_TURN; left > 0; left--) {
    const count = batch.take(socket.fd);
    for (let index = 0; index < count; index++) {
      const asked = socket.address === 0 ? batch.destination(index) : socket.address;
      const peer = { address: batch.source(index), port: batch.port(index), asked, arrivalSeconds };
      receive(batch.payload(index), peer, socket, deps);
    }
    if (count < BATCH_SIZE) return;
  }
}

/** Handle one datagram. Never throws, whatever the datagram contains and whatever happens to its reply. */
function receive(datagram: Uint8Array, peer: Peer, socket: LanSocket, deps: ServeDeps): void {
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
function isAskedHere(asked: Ipv4, { address, interfaceIndex }: LanSocket, { lanHosts }: ServeDeps): boolean {
  return address !== 0 || interfaceIndex === 0 || lanHosts === null || lanHosts.isOwnAddress(interfaceIndex, asked);
}

async function sendLater(reply: Promise<Reply>, peer: Peer, socket: LanSocket, deps: ServeDeps): Promise<void> {
  try {
    send(await reply, peer, socket, deps);
  } catch (error) {
    countDefect(error, deps);
  }
}

function send(reply: Reply, { address, port, asked, arrivalSeconds }: Peer, socket: LanSocket, deps: ServeDeps): void {
  if (reply === null) return;
  socket.replies.put(reply, { address, port, from: asked });
  deps.latency.observe(deps.stopwatch() - arrivalSeconds);
}

function countDefect(error: unknown, deps: ServeDeps): void {
  deps.counters.count('defect');
  deps.onDefect(error);
}
