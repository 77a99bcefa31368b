// The UDP sockets: datagrams in, replies out. The sockets are inherited, open and bound, at least one for each LAN
// address. Replies leave from the address and port that the request was sent to: clients drop others (RFC 6886 §3.2).
//
// An address may have a second socket, on the next port. The ruleset redirects devices over the rate limit to this
// overflow socket, so that only it overflows and normal clients lose nothing.

import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import type { Histogram } from '../proto/histogram.js';
import type { Ipv4 } from '../proto/mapping.js';
import { formatIpv4, parseIpv4 } from '../proto/mapping.js';
import type { Responder, Reply } from './answer.js';
import type { Counters } from './counters.js';
import { ReceiveBatch, SendBatch } from './datagrams.js';
import { ANNOUNCEMENT_GROUP, PORT } from './wire.js';

export interface Service {
  /** Send one announcement from every address, so on every LAN (§3.2.1). */
  announce(announcement: Uint8Array): void;
  close(): void;
}

export interface ServeDeps {
  readonly answer: Responder;
  readonly counters: Counters;
  /** Seconds from the arrival of a datagram to its reply. */
  readonly latency: Histogram;
  /** Seconds of a monotonic clock. */
  readonly stopwatch: () => number;
  /** A datagram met a defect of this program. It gets no reply. */
  onDefect(error: unknown): void;
}

/** The receive buffer to ask for, in bytes: some thousand datagrams. The kernel may give less (net.core.rmem_max). */
const RECEIVE_BUFFER_BYTES = 1 << 20;

/** How many source addresses are cached in parsed form. */
const MAX_KNOWN_SOURCES = 4096;

interface BoundSocket {
  readonly fd: number;
  readonly socket: Socket;
  /** Replies that leave by this socket. */
  readonly replies: SendBatch;
}

/** The sender of a datagram, and what its reply needs. */
interface Peer {
  readonly address: Ipv4;
  readonly port: number;
  /** The datagram came in at an overflow socket. */
  readonly isThrottled: boolean;
  /** Of the stopwatch. */
  readonly arrivalSeconds: number;
  readonly replies: SendBatch;
}

/** Serve these file descriptors. Resolves when all are open; rejects if one is not a usable UDP socket. */
export async function serve(fds: readonly number[], deps: ServeDeps): Promise<Service> {
  const onSent = (error: Error | null): void => {
    if (error !== null) deps.counters.count('send-failed');
  };
  const sockets: BoundSocket[] = [];
  for (const fd of fds) sockets.push(await openSocket(fd, onSent));
  const batch = new ReceiveBatch();
  const parseSource = sourceParser();
  for (const receiving of sockets) {
    const { replies } = replySocketOf(receiving, sockets);
    const isThrottled = receiving.replies !== replies;
    receiving.socket.on('error', () => deps.counters.count('send-failed'));
    receiving.socket.on('message', (datagram, { address, port }) => {
      const arrivalSeconds = deps.stopwatch();
      receive(datagram, { address: parseSource(address), port, isThrottled, arrivalSeconds, replies }, deps);
      // Node reports one datagram; take the others that wait as well. Not at an overflow socket: it gets only as many
      // as Node reads in one turn of the event loop, because the replies of all sockets wait for the end of the turn.
      const count = isThrottled ? 0 : batch.take(receiving.fd);
      for (let index = 0; index < count; index++) {
        receive(
          batch.payload(index),
          { address: batch.source(index), port: batch.port(index), isThrottled, arrivalSeconds, replies },
          deps,
        );
      }
    });
  }
  const replying = new Set(sockets.map((receiving) => replySocketOf(receiving, sockets)));
  return {
    announce(announcement) {
      for (const { socket } of replying) socket.send(announcement, PORT.ANNOUNCEMENT, ANNOUNCEMENT_GROUP, onSent);
      deps.counters.count('announced');
    },
    close() {
      for (const { socket } of sockets) socket.close();
    },
  };
}

/**
 * The socket that clients sent to, so that replies leave from its port: for an overflow socket the one of the same
 * address with the lower port, else the socket itself.
 */
function replySocketOf(receiving: BoundSocket, sockets: readonly BoundSocket[]): BoundSocket {
  const own = receiving.socket.address();
  const isMain = ({ socket }: BoundSocket): boolean =>
    socket.address().address === own.address && socket.address().port < own.port;
  return sockets.find(isMain) ?? receiving;
}

/** Handle one datagram. Never throws, whatever the datagram contains and whatever happens to its reply. */
function receive(datagram: Uint8Array, peer: Peer, deps: ServeDeps): void {
  // No reply can be sent to port 0.
  if (peer.port === 0) return deps.counters.count('source-port');
  try {
    const reply = deps.answer(datagram, peer.address, peer.isThrottled);
    if (reply instanceof Promise) void sendLater(reply, peer, deps);
    else send(reply, peer, deps);
  } catch (error) {
    countDefect(error, deps);
  }
}

async function sendLater(reply: Promise<Reply>, peer: Peer, deps: ServeDeps): Promise<void> {
  try {
    send(await reply, peer, deps);
  } catch (error) {
    countDefect(error, deps);
  }
}

function send(reply: Reply, { address, port, arrivalSeconds, replies }: Peer, deps: ServeDeps): void {
  if (reply === null) return;
  replies.put(reply, address, port);
  deps.latency.observe(deps.stopwatch() - arrivalSeconds);
}

function countDefect(error: unknown, deps: ServeDeps): void {
  deps.counters.count('defect');
  deps.onDefect(error);
}

async function openSocket(fd: number, onSent: (error: Error | null) => void): Promise<BoundSocket> {
  const socket = await bind(fd);
  const sendViaNode = (reply: Uint8Array, address: Ipv4, port: number): void =>
    socket.send(reply, port, formatIpv4(address), onSent);
  return { fd, socket, replies: new SendBatch(fd, sendViaNode) };
}

function bind(fd: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // Addresses are literal. Skipping the lookup also saves a turn of the event loop for each reply.
    const socket = createSocket({ type: 'udp4', lookup: (host, _options, found) => found(null, host, 4) });
    socket.once('error', reject);
    socket.bind({ fd, exclusive: true }, () => {
      socket.removeListener('error', reject);
      setReceiveBuffer(socket);
      resolve(socket);
    });
  });
}

function setReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // A sandbox may refuse it; clients retransmit what a small buffer loses.
  }
}

/** Parses source addresses and caches them: a LAN has few. A full cache is cleared. */
function sourceParser(): (text: string) => Ipv4 {
  const known = new Map<string, Ipv4>();
  return (text) => {
    const cached = known.get(text);
    if (cached !== undefined) return cached;
    if (known.size >= MAX_KNOWN_SOURCES) known.clear();
    const source = parseIpv4(text) ?? 0; // Node always gives a valid address; 0.0.0.0 would not be a LAN host
    known.set(text, source);
    return source;
  };
}
