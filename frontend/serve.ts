// The socket loop: UDP sockets for each LAN address, received open and bound. Replies leave from the address and the
// port that was asked, because clients drop what comes from any other (RFC 6886 §3.2).
//
// An address may have two sockets, on ports next to each other. The ruleset leads to the second whoever asks more than
// a program ever would (cli/host/ruleset-text.ts): where more is sent than can be read, it is that one that overflows.

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
  /** Send one announcement from every address, so on the LAN that has it (§3.2.1). */
  announce(announcement: Uint8Array): void;
  close(): void;
}

export interface ServeWorld {
  readonly answer: Responder;
  readonly counters: Counters;
  /** Seconds from a datagram's arrival to its reply. */
  readonly latency: Histogram;
  /** Seconds; for how long something takes. */
  readonly stopwatch: () => number;
  /** A datagram met a defect of ours. It is answered with silence. */
  defect(error: unknown): void;
}

/** Octets that may wait in the kernel for a socket: some thousand datagrams. The kernel may give less. */
const RECEIVE_BUFFER = 1 << 20;

/** How many source addresses are remembered in parsed form. */
const KNOWN_SOURCES = 4096;

/** What belongs to one file descriptor. */
interface Port {
  readonly fd: number;
  readonly socket: Socket;
  readonly outbox: SendBatch;
}

/** Serve these file descriptors; resolves when all are open, rejects where one can not be used. */
export async function serve(fds: readonly number[], world: ServeWorld): Promise<Service> {
  const sent = (error: Error | null): void => {
    if (error !== null) world.counters.count('send-failed');
  };
  const ports: Port[] = [];
  for (const fd of fds) ports.push(await openPort(fd, sent));
  const asked = new Map(ports.map((port) => [port, askedAt(port, ports)]));
  const inbox = new ReceiveBatch();
  const parseSource = sources();
  for (const [port, { outbox }] of asked) {
    const isBusy = port.outbox !== outbox;
    port.socket.on('error', () => world.counters.count('send-failed'));
    port.socket.on('message', (datagram, peer) => {
      const arrival = world.stopwatch();
      receive(datagram, { address: parseSource(peer.address), port: peer.port, isBusy, arrival, outbox }, world);
      // Node has woken us with one datagram; what else waits is taken in at once. Of devices that ask too much only as
      // many as Node brings in one turn of the event loop: the others' replies wait for its end.
      const count = isBusy ? 0 : inbox.take(port.fd);
      for (let index = 0; index < count; index++) {
        receive(
          inbox.octets(index),
          { address: inbox.source(index), port: inbox.port(index), isBusy, arrival, outbox },
          world,
        );
      }
    });
  }
  return {
    announce(announcement) {
      for (const { socket } of new Set(asked.values()))
        socket.send(announcement, PORT.ANNOUNCEMENT, ANNOUNCEMENT_GROUP, sent);
      world.counters.count('announced');
    },
    close() {
      for (const { socket } of ports) socket.close();
    },
  };
}

/** The one that was asked, where another has what came in: that of its address with the lower port. */
function askedAt(port: Port, ports: readonly Port[]): Port {
  const own = port.socket.address();
  const isAsked = ({ socket }: Port): boolean =>
    socket.address().address === own.address && socket.address().port < own.port;
  return ports.find(isAsked) ?? port;
}

/** Who sent a datagram, and how a reply gets there. */
interface Peer {
  readonly address: Ipv4;
  readonly port: number;
  readonly isBusy: boolean;
  /** When it was taken in, in seconds of the stopwatch. */
  readonly arrival: number;
  readonly outbox: SendBatch;
}

/** One datagram. Whatever it holds, and whatever becomes of its reply, nothing is thrown. */
function receive(datagram: Uint8Array, peer: Peer, world: ServeWorld): void {
  // Port 0 can not be answered.
  if (peer.port === 0) return world.counters.count('source-port');
  try {
    const reply = world.answer(datagram, peer.address, peer.isBusy);
    if (reply instanceof Promise) void sendLater(reply, peer, world);
    else send(reply, peer, world);
  } catch (error) {
    fail(error, world);
  }
}

async function sendLater(reply: Promise<Reply>, peer: Peer, world: ServeWorld): Promise<void> {
  try {
    send(await reply, peer, world);
  } catch (error) {
    fail(error, world);
  }
}

function send(reply: Reply, { address, port, arrival, outbox }: Peer, world: ServeWorld): void {
  if (reply === null) return;
  outbox.put(reply, address, port);
  world.latency.observe(world.stopwatch() - arrival);
}

function fail(error: unknown, world: ServeWorld): void {
  world.counters.count('defect');
  world.defect(error);
}

async function openPort(fd: number, sent: (error: Error | null) => void): Promise<Port> {
  const socket = await open(fd);
  return {
    fd,
    socket,
    outbox: new SendBatch(fd, (reply, address, port) => socket.send(reply, port, formatIpv4(address), sent)),
  };
}

function open(fd: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // Addresses are literal: nothing is ever looked up, which also saves a turn of the event loop for each reply.
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
    socket.setRecvBufferSize(RECEIVE_BUFFER);
  } catch {
    // A sandbox may refuse it; clients retransmit what a small buffer loses.
  }
}

/** Parses source addresses, and remembers some: a LAN has few, and asks often. Starts over when it knows too many. */
function sources(): (text: string) => Ipv4 {
  const known = new Map<string, Ipv4>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= KNOWN_SOURCES) known.clear();
    const source = parseIpv4(text) ?? 0; // Node tells nothing else than an address; and 0.0.0.0 is no host of a LAN
    known.set(text, source);
    return source;
  };
}
