// The helper's end of the connections: accepts them, takes their messages in turn, and sends. What a peer does or leaves
// undone costs a bounded amount of memory, and no other peer its turn.

import type { Endpoint } from './types.js';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { onConnection } from '../process/accept.js';
import { userOf } from '../process/user-of.js';
import { MAX_FRAMES } from '../proto/codec.js';
import { RateLimiter } from '../proto/token-bucket.js';
import { encodeMessage, GREETING, ZmtpInput } from './zmtp.js';

/** More are closed at once: so one user cannot keep out the others, and those of both sockets leave descriptors over. */
const MAX_CONNECTIONS = { ofUser: 250, inAll: 1000 } as const;
const HANDSHAKE_MS = 2000;
/** As much of a peer's input is looked at in its turn, in bytes: frames of 0 bytes cost as much as long ones. */
const PIECE_BYTES = 4096;
/** A user's turn, as cost: a page of the list, or as many changes as one message of a frontend has. */
const TURN_COST = 64;
/** How often one user may connect; more are closed at once. */
const ARRIVALS = { burst: 250, intervalMs: 1 };
/** What waits for a peer that does not read; beyond that, what is sent to it is dropped. */
const MAX_QUEUED = { messages: 1024, bytes: 4 << 20 } as const;
/** If more than this waits in all, a peer may only have this much of it. */
const SCARCE = { total: 64 << 20, bytes: 64 << 10 } as const;

/** Bytes that wait in this process for peers of both sockets. */
let queuedBytes = 0;

/** A peer's connection. */
export class Connection {
  readonly #socket: Socket;
  readonly #input = new ZmtpInput();
  readonly #handshake: NodeJS.Timeout;
  #queuedMessages = 0;
  /** Of the last message, those that are not received yet. */
  readonly #frames: Buffer[] = [];

  /** `onInput`: there is something to receive; called again only after `receive` has said `empty`. */
  constructor(fd: number, onInput: (connection: Connection) => void, onClose: (connection: Connection) => void) {
    this.#socket = new Socket({ fd });
    this.#handshake = setTimeout(() => this.#socket.destroy(), HANDSHAKE_MS);
    this.#socket.on('readable', () => onInput(this));
    this.#socket.on('error', () => {}); // `close` follows
    this.#socket.once('close', () => {
      clearTimeout(this.#handshake);
      onClose(this);
    });
    this.#write(GREETING);
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Send a message now, or drop it: false if the connection is closed, or its peer does not read. */
  send(frames: readonly Uint8Array[]): boolean {
    return this.#write(encodeMessage(frames));
  }

  /** The next frame; `partial`: no message is complete in a piece of the input; `empty`: all input was read. */
  receive(): Buffer | 'partial' | 'empty' {
    if (this.#frames.length > 0) return this.#frames.shift()!;
    let message = this.#input.next();
    if (message === 'incomplete') {
      const piece = this.#socket.read(Math.min(this.#socket.readableLength, PIECE_BYTES)) as Buffer | null;
      if (piece === null) return 'empty';
      this.#input.push(piece);
      message = this.#input.next();
      if (this.#input.isReady) clearTimeout(this.#handshake);
    }
    if (message === 'violation') this.#socket.destroy();
    if (this.#input.replies.length > 0) this.#write(Buffer.concat(this.#input.replies.splice(0)));
    if (typeof message === 'string') return 'partial';
    this.#frames.push(...(message.length > MAX_FRAMES ? [Buffer.alloc(0)] : message)); // an empty frame is malformed
    return this.#frames.shift()!;
  }

  #write(bytes: Buffer): boolean {
    const most = queuedBytes > SCARCE.total ? SCARCE.bytes : MAX_QUEUED.bytes;
    const isFull = this.#queuedMessages >= MAX_QUEUED.messages || this.#socket.writableLength >= most;
    if (isFull || !this.isOpen) return false;
    this.#queuedMessages++;
    queuedBytes += bytes.length;
    this.#socket.write(bytes, () => {
      this.#queuedMessages--;
      queuedBytes -= bytes.length;
    });
    return true;
  }
}

export class Router {
  /** Connections with input by the user who connected; users and their connections in the order of their turns. */
  readonly #ready = new Map<number, Set<Connection>>();
  /** What the first user has had of its turn. */
  #spent = 0;
  #onReady = (): void => {};

  /** Serve an inherited listening socket until the process ends. `now`: milliseconds of any clock. */
  constructor({ fd: listener, uids }: Pick<Endpoint, 'fd' | 'uids'>, now: () => number) {
    const open = new Map<Connection, number>();
    const arrivals = new RateLimiter(ARRIVALS);
    const onClose = (connection: Connection) => {
      const user = open.get(connection)!;
      open.delete(connection);
      if (this.#ready.get(user)?.delete(connection) && this.#ready.get(user)!.size === 0) this.#ready.delete(user);
    };
    onConnection(listener, (fd, uid) => {
      const user = userOf(uid);
      const onInput = (connection: Connection) => {
        this.#ready.set(user, (this.#ready.get(user) ?? new Set()).add(connection));
        this.#onReady();
      };
      const ofUser = [...open.values()].filter((other) => other === user).length;
      const isFull = ofUser >= MAX_CONNECTIONS.ofUser || open.size >= MAX_CONNECTIONS.inAll;
      const isKeptOut = isFull || (uids.length > 0 && !uids.includes(uid));
      if (isKeptOut || !arrivals.take(user, now())) closeSync(fd);
      else open.set(new Connection(fd, onInput, onClose), user);
    });
  }

  /** Whether a connection has input that is not received. */
  get hasInput(): boolean {
    return this.#ready.size > 0;
  }

  /** Resolves if a connection has input. */
  untilInput(): Promise<void> {
    return new Promise((resolve) => {
      this.#onReady = resolve;
      if (this.hasInput) resolve();
    });
  }

  /** Of the user whose turn it is, the next connection's frame; null if a piece of its input has none. Then `charge`. */
  receive(): { readonly user: number; readonly peer: Connection; readonly frame: Buffer | null } {
    const [[user, connections]] = this.#ready as unknown as [[number, Set<Connection>]];
    const [peer] = connections as unknown as [Connection];
    const frame = peer.receive();
    connections.delete(peer);
    if (frame !== 'empty' && peer.isOpen) connections.add(peer); // behind the user's others
    return { user, peer, frame: typeof frame === 'string' ? null : frame };
  }

  /** Put what was received to the user's account: after its turn it is behind the others. Returns the cost. */
  charge(cost: number): number {
    const [[uid, connections]] = this.#ready as unknown as [[number, Set<Connection>]];
    this.#spent += cost;
    if (this.#spent < TURN_COST && connections.size > 0) return cost;
    this.#spent = 0;
    this.#ready.delete(uid);
    if (connections.size > 0) this.#ready.set(uid, connections);
    return cost;
  }
}
