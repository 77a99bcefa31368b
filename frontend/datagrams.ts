// Many datagrams a system call, in and out: recvmmsg(2) and sendmmsg(2). Node makes a call, a buffer, an object and a
// text for each, which together cost more than what is done with it.
//
// What the kernel fills and reads lies in one block of memory, laid out once: nothing is allocated for a datagram.

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

// The structures of recvmsg(2) and recvmmsg(2).
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
/** The kernel's numbers; the helper runs on no other machine either. */
const LITTLE_ENDIAN = true;

/**
 * Room for `count` datagrams of at most `size` octets: the headers that the calls want, then addresses, then octets.
 */
class MmsgBuffer {
  readonly memory: Uint8Array;
  readonly count: number;
  readonly #view: DataView;
  readonly #size: number;
  readonly #iovecs: number;
  readonly #addresses: number;
  readonly #octets: number;

  constructor(count: number, size: number) {
    this.count = count;
    this.#size = size;
    this.#iovecs = count * MMSGHDR_BYTES;
    this.#addresses = this.#iovecs + count * IOVEC_BYTES;
    this.#octets = this.#addresses + count * SOCKADDR.BYTES;
    this.memory = new Uint8Array(this.#octets + count * size);
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
      base: start + BigInt(this.#octets + index * this.#size),
      length: this.#size,
    });
    this.memory.set(new Uint8Array(SOCKADDR.AF_INET.buffer), address);
  }

  /** From the header of this one on, as the calls want it. */
  from(index: number): Uint8Array {
    return index === 0 ? this.memory : this.memory.subarray(index * MMSGHDR_BYTES);
  }

  /** What was received here, or put. */
  octets(index: number): Uint8Array {
    const at = this.#octets + index * this.#size;
    return this.memory.subarray(at, at + this.#view.getUint32(index * MMSGHDR_BYTES + LENGTH_AT, LITTLE_ENDIAN));
  }

  address(index: number): Ipv4 {
    return uint32(this.memory, this.#addresses + index * SOCKADDR.BYTES + SOCKADDR.ADDRESS);
  }

  port(index: number): number {
    return uint16(this.memory, this.#addresses + index * SOCKADDR.BYTES + SOCKADDR.PORT);
  }

  put(index: number, octets: Uint8Array, address: Ipv4, port: number): void {
    const sockaddr = this.#addresses + index * SOCKADDR.BYTES;
    putUint16(this.memory, sockaddr + SOCKADDR.PORT, port);
    putUint32(this.memory, sockaddr + SOCKADDR.ADDRESS, address);
    this.memory.set(octets, this.#octets + index * this.#size);
    this.#view.setUint32(index * MMSGHDR_BYTES + LENGTH_AT, octets.length, LITTLE_ENDIAN);
    this.#view.setUint32(this.#iovecs + index * IOVEC_BYTES + TO_SEND_AT, octets.length, LITTLE_ENDIAN);
  }
}

/** How many at once. */
const COUNT = 32;
/** Octets of the longest datagram there can be. What no long one has come into is not memory in use. */
const LONGEST = 65536;
/** Octets of the longest reply that has a place here: all but an echo (RFC 6886 §3.5). */
const REPLY = 64;

/** What has come in, until the next `take`. */
export class ReceiveBatch {
  readonly #room = new MmsgBuffer(COUNT, LONGEST);

  /** Take in what waits at the socket, without waiting: how many there are now. */
  take(fd: number): number {
    return Math.max(0, recvmmsg(fd, this.#room.memory, COUNT, MSG_DONTWAIT, null)); // -1: nothing waits
  }

  octets(index: number): Uint8Array {
    return this.#room.octets(index);
  }

  source(index: number): Ipv4 {
    return this.#room.address(index);
  }

  port(index: number): number {
    return this.#room.port(index);
  }
}

/** What leaves by one socket: all that is put in during one turn of the event loop, in order. */
export class SendBatch {
  readonly #room = new MmsgBuffer(COUNT, REPLY);
  readonly #fd: number;
  readonly #sendSlowly: (octets: Uint8Array, address: Ipv4, port: number) => void;
  #waiting = 0;

  /** `sendSlowly`: for what is too long, and what the kernel does not take at once. */
  constructor(fd: number, sendViaNode: (octets: Uint8Array, address: Ipv4, port: number) => void) {
    this.#fd = fd;
    this.#sendSlowly = sendViaNode;
  }

  put(octets: Uint8Array, address: Ipv4, port: number): void {
    if (this.#waiting === COUNT || octets.length > REPLY) this.#flush();
    if (octets.length > REPLY) return this.#sendSlowly(octets, address, port);
    if (this.#waiting === 0) process.nextTick(() => this.#flush());
    this.#room.put(this.#waiting++, octets, address, port);
  }

  #flush(): void {
    const room = this.#room;
    for (let next = 0; next < this.#waiting; ) {
      const sent = sendmmsg(this.#fd, room.from(next), this.#waiting - next, MSG_DONTWAIT);
      if (sent <= 0) this.#sendSlowly(room.octets(next).slice(), room.address(next), room.port(next));
      next += Math.max(1, sent);
    }
    this.#waiting = 0;
  }
}
