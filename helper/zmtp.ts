// ZMTP 3.1 (rfc.zeromq.org/spec/37), as much as a ROUTER needs whose peers are DEALERs and use no security mechanism: the
// bytes of a connection to messages, and back. Pure; nothing here throws on hostile input.

import { MAX_FRAMES, MAX_REQUEST_BYTES } from '../proto/codec.js';

const FLAG = { more: 1, long: 2, command: 4 } as const;
/** "PING" with its length, and the time to live, which says nothing about a Unix socket: there the kernel reports an end. */
const PING_HEADER_BYTES = 7;
const PING_CONTEXT_BYTES = 16;
const MECHANISM = Buffer.from('NULL'.padEnd(20, '\0'));

/** What each side sends first: signature, version 3.1, mechanism, and 32 bytes that NULL does not use. */
export const GREETING = Buffer.concat([Buffer.from('ff00000000000000017f0301', 'hex'), MECHANISM, Buffer.alloc(32)]);
const READY = command('READY', Buffer.from('\x0bSocket-Type\0\0\0\x06ROUTER', 'latin1'));

function header(flags: number, length: number): Buffer {
  if (length < 256) return Buffer.from([flags, length]);
  const bytes = Buffer.alloc(9, flags | FLAG.long);
  bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}

function command(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), data]);
  return Buffer.concat([header(FLAG.command, body.length), body]);
}

export function encodeMessage(frames: readonly Uint8Array[]): Buffer {
  const last = frames.length - 1;
  return Buffer.concat(frames.flatMap((body, index) => [header(index < last ? FLAG.more : 0, body.length), body]));
}

/** What a connection sends us. */
export class ZmtpInput {
  /** What the protocol owes the peer: our half of the handshake, and answers to heartbeats. For the caller to take out. */
  readonly replies: Buffer[] = [];
  /** The handshake is complete. */
  isReady = false;
  #bytes: Buffer = Buffer.alloc(0);
  /** Where in `#bytes` the next frame begins. */
  #at = 0;
  #isGreeted = false;
  #frames: Buffer[] = [];

  push(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), bytes]);
    this.#at = 0;
  }

  /**
   * The frames of the next message, each of MAX_REQUEST_BYTES at most; of one that has more than MAX_FRAMES, the first
   * ones, and one too many. `incomplete`: more bytes are needed. `violation`: the connection has to end.
   */
  next(): readonly Buffer[] | 'incomplete' | 'violation' {
    if (!this.#isGreeted) {
      if (this.#bytes.length < GREETING.length) return 'incomplete';
      if (!isGreeting(this.#bytes)) return 'violation';
      this.#isGreeted = true;
      this.#at = GREETING.length;
      this.replies.push(READY);
    }
    for (;;) {
      const flags = this.#bytes[this.#at] ?? 0;
      const isLong = (flags & FLAG.long) !== 0;
      const start = this.#at + (isLong ? 9 : 2);
      if (this.#bytes.length < start) return 'incomplete';
      const length = isLong ? Number(this.#bytes.readBigUInt64BE(this.#at + 1)) : this.#bytes[this.#at + 1]!;
      const isCommand = (flags & FLAG.command) !== 0;
      const isLast = (flags & FLAG.more) === 0;
      // A command is one frame, the other flags are reserved, and READY comes before any message.
      const isAllowed = flags <= 7 && (isCommand ? isLast : this.isReady);
      if (!isAllowed || length > MAX_REQUEST_BYTES) return 'violation';
      if (this.#bytes.length < start + length) return 'incomplete';
      this.#at = start + length;
      const body = this.#bytes.subarray(start, this.#at);
      if (isCommand) {
        if (!this.#obey(body)) return 'violation';
        continue;
      }
      // A copy in memory of its own: one byte that waits for the next frame would keep its whole piece.
      if (this.#frames.length <= MAX_FRAMES) this.#frames.push(Buffer.from(new Uint8Array(body).buffer));
      if (isLast) return this.#frames.splice(0);
    }
  }

  /** False if the command is not allowed here. Those without a meaning for a ROUTER are ignored. */
  #obey(body: Buffer): boolean {
    const name = body.toString('latin1', 1, 1 + (body[0] ?? 0));
    if (name === 'READY') this.isReady = true;
    if (name !== 'PING') return this.isReady;
    this.replies.push(command('PONG', body.subarray(PING_HEADER_BYTES, PING_HEADER_BYTES + PING_CONTEXT_BYTES)));
    return this.isReady && body.length >= PING_HEADER_BYTES;
  }
}

/** A greeting of ZMTP 3, without a security mechanism. The padding of the signature and the second half are free. */
function isGreeting(bytes: Buffer): boolean {
  return bytes[0] === 0xff && bytes[9] === 0x7f && bytes[10]! >= 3 && bytes.subarray(12, 32).equals(MECHANISM);
}
