// Many datagrams in one system call: recvmmsg(2) and sendmmsg(2). Node's dgram makes a call, a buffer, an object and a
// string for each datagram, which costs more than handling it.
//
// The structures for the kernel are in one block of memory, laid out once: a datagram needs no allocation.

import koffi from 'koffi';
import type { Ipv4 } from '../proto/mapping.js';
import { putUint16, putUint32, uint16, uint32 } from './wire.js';

const libc = koffi.load(null);
const recvmmsg = libc.func('int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)') as (
  fd: number,
  messages: Uint8Array,
  count: number,
  flags: number,
  timeout: null,
) => number;
const sendmmsg = libc.func('int sendmmsg(int fd, void *messages, uint32_t count, int flags)') as (
  fd: number,
  messages: Uint8Array,
  count: number,
  flags: number,
) => number;
const MSG_DONTWAIT = 0x40;

// The structures of recvmsg(2) and recvmmsg(2): struct iovec, msghdr, mmsghdr.
const IOVEC = koffi.struct({ base: 'uintptr_t', length: 'size_t' });
const MSGHDR = koffi.struct({
  name: 'uintptr_t',
  nameLength: 'uint32_t',
  iov: 'uintptr_t',
  iovLength: 'size_t',
  control: 'uintptr_t',
  controlLength: 'size_t',
  flags: 'int',
});
const MMSGHDR = koffi.struct({ header: MSGHDR, length: 'uint32_t' });
const MMSGHDR_BYTES = koffi.sizeof(MMSGHDR);
const IOVEC_BYTES = koffi.sizeof(IOVEC);
const LENGTH_AT = koffi.offsetof(MMSGHDR, 'length');
const TO_SEND_AT = koffi.offsetof(IOVEC, 'length');
/** struct sockaddr_in: ip(7). */
const SOCKADDR = { BYTES: 16, PORT: 2, ADDRESS: 4, AF_INET: Uint16Array.of(2) } as const;
/** For lengths in host order; the helper does not run on big-endian machines either. */
const LITTLE_ENDIAN = true;

/** `count` datagrams of at most `size` bytes: an array each of mmsghdr, iovec, sockaddr_in and payload. */
class MmsgBuffer {
  readonly memory: Uint8Array;
  readonly count: number;
  readonly #view: DataView;
  readonly #size: number;
  readonly #iovecs: number;
  readonly #addresses: number;
  readonly #payloads: number;

  constructor(count: number, size: number) {
    this.count = count;
    this.#size = size;
    this.#iovecs = count * MMSGHDR_BYTES;
    this.#addresses = this.#iovecs + count * IOVEC_BYTES;
    this.#payloads = this.#addresses + count * SOCKADDR.BYTES;
    this.memory = new Uint8Array(this.#payloads + count * size);
    this.#view = new DataView(this.memory.buffer);
    for (let index = 0; index < count; index++) this.#layOut(index, koffi.address(this.memory));
  }

  #layOut(index: number, start: bigint): void {
    const iovec = this.#iovecs + index * IOVEC_BYTES;
    const address = this.#addresses + index * SOCKADDR.BYTES;
    koffi.encode(this.memory, index * MMSGHDR_BYTES, MMSGHDR, {
      header: {
        name: start + BigInt(address),
        nameLength: SOCKADDR.BYTES,
        iov: start + BigInt(iovec),
        iovLength: 1,
        control: 0,
        controlLength: 0,
        flags: 0,
      },
      length: 0,
    });
    koffi.encode(this.memory, iovec, IOVEC, {
      base: start + BigInt(this.#payloads + index * this.#size),
      length: this.#size,
    });
    this.memory.set(new Uint8Array(SOCKADDR.AF_INET.buffer), address);
  }

  /** The mmsghdr array from this index on. */
  headersFrom(index: number): Uint8Array {
    return index === 0 ? this.memory : this.memory.subarray(index * MMSGHDR_BYTES);
  }

  /** A view of the datagram at this index; the next call for this buffer may overwrite it. */
  payload(index: number): Uint8Array {
    const at = this.#payloads + index * this.#size;
    return this.memory.subarray(at, at + this.#view.getUint32(index * MMSGHDR_BYTES + LENGTH_AT, LITTLE_ENDIAN));
  }

  address(index: number): Ipv4 {
    return uint32(this.memory, this.#addresses + index * SOCKADDR.BYTES + SOCKADDR.ADDRESS);
  }

  port(index: number): number {
    return uint16(this.memory, this.#addresses + index * SOCKADDR.BYTES + SOCKADDR.PORT);
  }

  put(index: number, payload: Uint8Array, address: Ipv4, port: number): void {
    const sockaddr = this.#addresses + index * SOCKADDR.BYTES;
    putUint16(this.memory, sockaddr + SOCKADDR.PORT, port);
    putUint32(this.memory, sockaddr + SOCKADDR.ADDRESS, address);
    this.memory.set(payload, this.#payloads + index * this.#size);
    this.#view.setUint32(index * MMSGHDR_BYTES + LENGTH_AT, payload.length, LITTLE_ENDIAN);
    this.#view.setUint32(this.#iovecs + index * IOVEC_BYTES + TO_SEND_AT, payload.length, LITTLE_ENDIAN);
  }
}

/** Datagrams in one call. */
const BATCH_SIZE = 32;
/** More than any UDP datagram. Pages that no long datagram touches use no physical memory. */
const MAX_DATAGRAM_BYTES = 65536;
/** Enough for every reply except an echo of a long request with an unknown opcode (RFC 6886 §3.5). */
const MAX_REPLY_BYTES = 64;

/** Received datagrams. They are valid until the next `take`. */
export class ReceiveBatch {
  readonly #buffer = new MmsgBuffer(BATCH_SIZE, MAX_DATAGRAM_BYTES);

  /** Receive what waits at the socket, without blocking. @returns how many datagrams there are now. */
  take(fd: number): number {
    return Math.max(0, recvmmsg(fd, this.#buffer.memory, BATCH_SIZE, MSG_DONTWAIT, null)); // -1: none (EAGAIN)
  }

  payload(index: number): Uint8Array {
    return this.#buffer.payload(index);
  }

  source(index: number): Ipv4 {
    return this.#buffer.address(index);
  }

  port(index: number): number {
    return this.#buffer.port(index);
  }
}

/** Datagrams to send by one socket: those of one turn of the event loop leave together, in order. */
export class SendBatch {
  readonly #buffer = new MmsgBuffer(BATCH_SIZE, MAX_REPLY_BYTES);
  readonly #fd: number;
  readonly #sendViaNode: (payload: Uint8Array, address: Ipv4, port: number) => void;
  #waiting = 0;

  /** `sendViaNode` sends datagrams that are too long for the buffer or that the kernel does not take at once. */
  constructor(fd: number, sendViaNode: (payload: Uint8Array, address: Ipv4, port: number) => void) {
    this.#fd = fd;
    this.#sendViaNode = sendViaNode;
  }

  put(payload: Uint8Array, address: Ipv4, port: number): void {
    if (this.#waiting === BATCH_SIZE || payload.length > MAX_REPLY_BYTES) this.#flush();
    if (payload.length > MAX_REPLY_BYTES) return this.#sendViaNode(payload, address, port);
    if (this.#waiting === 0) process.nextTick(() => this.#flush());
    this.#buffer.put(this.#waiting++, payload, address, port);
  }

  #flush(): void {
    const buffer = this.#buffer;
    for (let next = 0; next < this.#waiting; ) {
      const sent = sendmmsg(this.#fd, buffer.headersFrom(next), this.#waiting - next, MSG_DONTWAIT);
      if (sent <= 0) this.#sendViaNode(buffer.payload(next).slice(), buffer.address(next), buffer.port(next));
      next += Math.max(1, sent);
    }
    this.#waiting = 0;
  }
}
