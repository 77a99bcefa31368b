// The helper's end of the connections: accepts them, takes their messages in turn, and sends. What a peer does or leaves
// undone costs a bounded amount of memory, and no other peer its turn.

import type { Endpoint } from './types.js';
import { Socket } from 'node:net';
import { onConnection } from '../process/accept.js';
import { encodeMessage, GREETING, ZmtpInput } from './zmtp.js';

/** More are closed at once: so one user cannot keep out the others, and those of both sockets leave descriptors over. */
const MAX_CONNECTIONS = { ofUser: 250, inAll: 1000 } as const;
const HANDSHAKE_MS = 2000;
/** As much of a peer's input is looked at in its turn, in bytes: frames of 0 bytes cost as much as long ones. */
const PIECE_BYTES = 4096;
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

  /** The frames of the next message; `partial`: none is complete in a piece of the input; `empty`: all input was read. */
  receive(): readonly Buffer[] | 'partial' | 'empty' {
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
    return typeof message === 'string' ? 'partial' : message;
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
  readonly #ready = new Set<Connection>();
  #onReady = (): void => {};

  /** Serve an inherited listening socket until the process ends. */
  constructor({ fd: listener, uids }: Pick<Endpoint, 'fd' | 'uids'>) {
    const open = new Map<Connection, number>();
    const onInput = (connection: Connection) => {
      this.#ready.add(connection);
      this.#onReady();
    };
    const onClose = (connection: Connection) => {
      open.delete(connection);
      this.#ready.delete(connection);
    };
    onConnection(listener, (fd, uid) => {
      const ofUser = [...open.values()].filter((other) => other === uid).length;
      const isFull = ofUser >= MAX_CONNECTIONS.ofUser || open.size >= MAX_CONNECTIONS.inAll;
      if (isFull || (uids.length > 0 && !uids.includes(uid))) new Socket({ fd }).destroy();
      else open.set(new Connection(fd, onInput, onClose), uid);
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

  /** Of the next connection in turn: a message, or null if it has none complete in a piece of its input. */
  receive(): { readonly connection: Connection; readonly frames: readonly Buffer[] } | null {
    const [connection] = this.#ready as unknown as [Connection];
    this.#ready.delete(connection);
    const frames = connection.receive();
    if (frames !== 'empty' && connection.isOpen) this.#ready.add(connection); // behind the others
    return typeof frames === 'string' ? null : { connection, frames };
  }
}
