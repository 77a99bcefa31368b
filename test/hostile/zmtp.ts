// ZMTP 3 by hand, over a plain Unix socket: what libzmq would never send, and as fast as the socket takes it.

import { connect, type Socket } from 'node:net';

/** The frontend's, as a number that nobody else has. */
export const FRONTEND_UID = 61300;

const FLAG = { more: 1, long: 2, command: 4 } as const;

/** Signature, version 3.0, mechanism NULL, client (ZMTP 3.0, RFC 23 of ZeroMQ). */
export const GREETING = Buffer.concat([
  Buffer.from('ff00000000000000017f0300', 'hex'),
  Buffer.from('NULL'.padEnd(20, '\0')),
  Buffer.alloc(32),
]);

/** The command READY of a DEALER. */
export const READY = command(
  'READY',
  Buffer.concat([Buffer.from([11]), Buffer.from('Socket-Type'), Buffer.from([0, 0, 0, 6]), Buffer.from('DEALER')]),
);

export function command(name: string, body: Uint8Array): Buffer {
  const content = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), body]);
  return Buffer.concat([Buffer.from([FLAG.command, content.length]), content]);
}

/** One frame of a message; `more`: others follow. `length` may lie about what follows. */
export function frame(body: Uint8Array, more = false, length = body.length): Buffer {
  const header = Buffer.alloc(length > 255 ? 9 : 2);
  header[0] = (more ? FLAG.more : 0) | (length > 255 ? FLAG.long : 0);
  if (length > 255) header.writeBigUInt64BE(BigInt(length), 1);
  else header[1] = length;
  return Buffer.concat([header, body]);
}

/** Connect as this user and group, whom the kernel notes at `connect`. */
export function connectAs(uid: number, path: string): Socket {
  process.setegid?.(uid);
  process.seteuid?.(uid);
  try {
    return connect(path);
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

/** A connection; of the frontend's user, if no other is named. */
export class RawPeer {
  readonly socket: Socket;
  /** The helper, or this side, has closed the connection. */
  isClosed = false;
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  #heard: () => void = () => {};
  #drained: () => void = () => {};
  #greeted = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        this.#heard();
        resolve();
      });
    });
    socket.on('error', () => {});
    socket.on('drain', () => this.#drained());
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#heard();
    });
  }

  /**
   * Connected, and nothing said. Waits while more are waiting than the kernel lets wait. @throws if it is refused.
   */
  static async open(path: string, uid = FRONTEND_UID): Promise<RawPeer> {
    for (const end = performance.now() + 10_000; ; ) {
      try {
        return await RawPeer.#connect(path, uid);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  }

  static #connect(path: string, uid: number): Promise<RawPeer> {
    return new Promise((resolve, reject) => {
      const socket = connectAs(uid, path);
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawPeer(socket)));
    });
  }

  /** Connected and past the handshake: a request that comes before the helper has said READY ends the connection. */
  static async greeted(path: string, ready = READY, uid = FRONTEND_UID): Promise<RawPeer> {
    const peer = await RawPeer.open(path, uid);
    peer.socket.write(Buffer.concat([GREETING, ready]));
    await peer.received(GREETING.length + 2);
    if (peer.isClosed) throw new Error('the helper closed the connection before the end of the handshake');
    return peer;
  }

  /** Write, and wait until the kernel has taken it; false if the connection is closed, or the time is over. */
  async write(data: Uint8Array, withinMs = 5000): Promise<boolean> {
    if (this.isClosed) return false;
    if (this.socket.write(data)) return true;
    let timeout: NodeJS.Timeout | undefined;
    const isOut = await Promise.race([
      new Promise<boolean>((resolve) => {
        this.#drained = () => resolve(true);
      }),
      new Promise<boolean>((resolve) => {
        timeout = setTimeout(resolve, withinMs, false);
      }),
      this.closed.then(() => false),
    ]);
    clearTimeout(timeout);
    return isOut;
  }

  /** Resolves when so many octets have come, or the connection is closed. */
  async received(octets: number): Promise<void> {
    while (this.#received.length < octets && !this.isClosed)
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
  }

  /** All that has come so far and is not taken out, as it came. */
  raw(): Buffer {
    return this.#received;
  }

  /** The messages so far, taken out; commands (pings, the end of the handshake) are left aside. */
  messages(): Buffer[] {
    const found: Buffer[] = [];
    let at = 0;
    if (!this.#greeted) {
      if (this.#received.length < GREETING.length) return [];
      at = GREETING.length;
      this.#greeted = true;
    }
    for (;;) {
      const flags = this.#received[at];
      if (flags === undefined) break;
      const isLong = (flags & FLAG.long) !== 0;
      const start = at + (isLong ? 9 : 2);
      if (this.#received.length < start) break;
      const length = isLong ? Number(this.#received.readBigUInt64BE(at + 1)) : (this.#received[at + 1] as number);
      if (this.#received.length < start + length) break;
      if ((flags & FLAG.command) === 0) found.push(this.#received.subarray(start, start + length));
      at = start + length;
    }
    this.#received = this.#received.subarray(at);
    return found;
  }

  /** So many messages, or those that came until the connection was closed or the time was over. */
  async take(count: number, withinMs = 5000): Promise<Buffer[]> {
    const found: Buffer[] = [];
    const end = performance.now() + withinMs;
    for (;;) {
      found.push(...this.messages());
      if (found.length >= count || this.isClosed || performance.now() > end) return found;
      const timeout = setTimeout(() => this.#heard(), end - performance.now() + 1);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
      clearTimeout(timeout);
    }
  }

  close(): void {
    this.socket.destroy();
  }
}
