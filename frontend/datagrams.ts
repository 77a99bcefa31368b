// The UDP sockets' system calls, which Node does not have: many datagrams in one call, recvmmsg(2) and sendmmsg(2), each
// with the interface and the address that it came to or leaves from (IP_PKTINFO, ip(7)). Node's dgram tells neither,
// makes a call, a buffer, an object and a string for each datagram, and queues without bound what the kernel refuses.
//
// The structures for the kernel are in one block of memory, laid out once: a datagram needs no allocation.

import koffi from 'koffi';
import type { Ipv4 } from '../proto/mapping.js';
import { MAX_REPLY_BYTES, putUint16, putUint32, uint16, uint32 } from './wire.js';

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
const getsockname = libc.func('int getsockname(int fd, void *address, void *length)') as (
  fd: number,
  address: Uint8Array,
  length: Uint8Array,
) => number;
const getsockopt = libc.func('int getsockopt(int fd, int level, int option, void *value, void *length)') as (
  fd: number,
  level: number,
  option: number,
  value: Uint8Array,
  length: Uint8Array,
) => number;
const setsockopt = libc.func('int setsockopt(int fd, int level, int option, void *value, uint32_t length)') as (
  fd: number,
  level: number,
  option: number,
  value: Uint8Array,
  length: number,
) => number;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_BINDTODEVICE = 25;
const SO_MEMINFO = 55;
const SO_BINDTOIFINDEX = 62;
const SOCK_DGRAM = 2;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
/** SK_MEMINFO_WMEM_ALLOC of linux/sock_diag.h: its place among the numbers of SO_MEMINFO. */
const WMEM_ALLOC = 2;
const MEMINFO_NUMBERS = 9;
/** IFNAMSIZ of linux/if.h. */
const NAME_BYTES = 16;

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
const CONTROL_LENGTH_AT = koffi.offsetof(MSGHDR, 'controlLength');
const TO_SEND_AT = koffi.offsetof(IOVEC, 'length');
/** struct sockaddr_in: ip(7). */
const SOCKADDR = { BYTES: 16, PORT: 2, ADDRESS: 4, AF_INET: 2 } as const;
/** struct cmsghdr (cmsg(3)) with a struct in_pktinfo (ip(7)) as its data. */
const CMSGHDR = koffi.struct({ length: 'size_t', level: 'int', type: 'int' });
const LEVEL_AT = koffi.offsetof(CMSGHDR, 'level');
const TYPE_AT = koffi.offsetof(CMSGHDR, 'type');
const INTERFACE_AT = koffi.sizeof(CMSGHDR);
const LOCAL_AT = INTERFACE_AT + 4;
const DESTINATION_AT = INTERFACE_AT + 8;
const PKTINFO_BYTES = INTERFACE_AT + 12;
/** CMSG_SPACE: with the padding behind it. */
const CONTROL_BYTES = 32;
/** For lengths in host order; the helper does not run on big-endian machines either. */
const LITTLE_ENDIAN = true;

/** What an inherited UDP socket is bound to. */
export interface Binding {
  readonly fd: number;
  /** 0 for the wildcard address. */
  readonly address: Ipv4;
  readonly port: number;
  /** The index of the interface that it is bound to; 0 if it is bound to none. */
  readonly interfaceIndex: number;
  /** Its name; empty if there is none, also because the interface is gone. */
  readonly interfaceName: string;
}

/**
 * Prepare an inherited socket: its datagrams tell from now on where they came in.
 *
 * @throws If it is not a bound UDP socket of IPv4.
 */
export function bindingOf(fd: number): Binding {
  const sockaddr = new Uint8Array(SOCKADDR.BYTES);
  const type = option(fd, SO_TYPE, 4);
  if (type === null || intAt(type, 0) !== SOCK_DGRAM) throw new Error(`file descriptor ${fd} is not a UDP socket`);
  const isNamed = getsockname(fd, sockaddr, nativeInt(sockaddr.length)) === 0;
  const port = uint16(sockaddr, SOCKADDR.PORT);
  if (!isNamed || sockaddr[0] !== SOCKADDR.AF_INET || port === 0)
    throw new Error(`file descriptor ${fd} is not bound to an IPv4 address and a port`);
  if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, nativeInt(1), 4) !== 0)
    throw new Error(`file descriptor ${fd}: no IP_PKTINFO: errno ${koffi.errno()}`);
  const index = option(fd, SO_BINDTOIFINDEX, 4);
  const name = option(fd, SO_BINDTODEVICE, NAME_BYTES);
  return {
    fd,
    address: uint32(sockaddr, SOCKADDR.ADDRESS),
    port,
    interfaceIndex: index === null ? 0 : intAt(index, 0),
    interfaceName: name === null ? '' : (Buffer.from(name).toString('latin1').split('\0')[0] ?? ''),
  };
}

/** getsockopt(2) at the level of the socket; null if it fails. */
function option(fd: number, name: number, bytes: number): Uint8Array | null {
  const value = new Uint8Array(bytes);
  return getsockopt(fd, SOL_SOCKET, name, value, nativeInt(bytes)) === 0 ? value : null;
}

const memoryInfo = new Uint8Array(4 * MEMINFO_NUMBERS);
const memoryInfoLength = nativeInt(memoryInfo.length);

/** Bytes in the socket's send buffer, as the kernel counts them: datagrams that have not left the machine yet. */
function unsentBytes(fd: number): number {
  const isKnown = getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memoryInfo, memoryInfoLength) === 0;
  return isKnown ? intAt(memoryInfo, WMEM_ALLOC) : 0;
}

function nativeInt(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

function intAt(bytes: Uint8Array, index: number): number {
  return new DataView(bytes.buffer).getInt32(4 * index, LITTLE_ENDIAN);
}

/** `count` datagrams of at most `size` bytes: an array each of mmsghdr, iovec, sockaddr_in, cmsghdr and payload. */
class MmsgBuffer {
  readonly memory: Uint8Array;
  readonly count: number;
  readonly #view: DataView;
  readonly #size: number;
  readonly #iovecs: number;
  readonly #addresses: number;
  readonly #controls: number;
  readonly #payloads: number;

  constructor(count: number, size: number) {
    this.count = count;
    this.#size = size;
    this.#iovecs = count * MMSGHDR_BYTES;
    this.#addresses = this.#iovecs + count * IOVEC_BYTES;
    this.#controls = this.#addresses + count * SOCKADDR.BYTES;
    this.#payloads = this.#controls + count * CONTROL_BYTES;
    this.memory = new Uint8Array(this.#payloads + count * size);
    this.#view = new DataView(this.memory.buffer);
    for (let index = 0; index < count; index++) this.#layOut(index, koffi.address(this.memory));
  }

  #layOut(index: number, start: bigint): void {
    const iovec = this.#iovecs + index * IOVEC_BYTES;
    const address = this.#addresses + index * SOCKADDR.BYTES;
    const control = this.#controls + index * CONTROL_BYTES;
    koffi.encode(this.memory, index * MMSGHDR_BYTES, MMSGHDR, {
      header: {
        name: start + BigInt(address),
        nameLength: SOCKADDR.BYTES,
        iov: start + BigInt(iovec),
        iovLength: 1,
        control: start + BigInt(control),
        controlLength: CONTROL_BYTES,
        flags: 0,
      },
      length: 0,
    });
    koffi.encode(this.memory, iovec, IOVEC, {
      base: start + BigInt(this.#payloads + index * this.#size),
      length: this.#size,
    });
    koffi.encode(this.memory, control, CMSGHDR, { length: PKTINFO_BYTES, level: IPPROTO_IP, type: IP_PKTINFO });
    this.#view.setUint16(address, SOCKADDR.AF_INET, LITTLE_ENDIAN);
  }

  /** The mmsghdr array from this index on. */
  headersFrom(index: number): Uint8Array {
    return index === 0 ? this.memory : this.memory.subarray(index * MMSGHDR_BYTES);
  }

  /** A view of the datagram at this index, cut to the size; the next call for this buffer may overwrite it. */
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

  /** Where in the memory IP_PKTINFO of this datagram is; -1 if it has none. */
  pktinfo(index: number): number {
    const at = this.#controls + index * CONTROL_BYTES;
    const hasPktinfo =
      this.#view.getUint32(index * MMSGHDR_BYTES + CONTROL_LENGTH_AT, LITTLE_ENDIAN) >= PKTINFO_BYTES &&
      this.#view.getUint32(at + LEVEL_AT, LITTLE_ENDIAN) === IPPROTO_IP &&
      this.#view.getUint32(at + TYPE_AT, LITTLE_ENDIAN) === IP_PKTINFO;
    return hasPktinfo ? at : -1;
  }

  interfaceIndex(pktinfo: number): number {
    return this.#view.getUint32(pktinfo + INTERFACE_AT, LITTLE_ENDIAN);
  }

  /** Make room for IP_PKTINFO again: the kernel has written here how much of it was used. */
  resetControl(index: number): void {
    this.#view.setUint32(index * MMSGHDR_BYTES + CONTROL_LENGTH_AT, CONTROL_BYTES, LITTLE_ENDIAN);
  }

  put(index: number, payload: Uint8Array, to: Destination): void {
    const sockaddr = this.#addresses + index * SOCKADDR.BYTES;
    putUint16(this.memory, sockaddr + SOCKADDR.PORT, to.port);
    putUint32(this.memory, sockaddr + SOCKADDR.ADDRESS, to.address);
    putUint32(this.memory, this.#controls + index * CONTROL_BYTES + LOCAL_AT, to.from);
    this.memory.set(payload, this.#payloads + index * this.#size);
    this.#view.setUint32(index * MMSGHDR_BYTES + LENGTH_AT, payload.length, LITTLE_ENDIAN);
    this.#view.setUint32(this.#iovecs + index * IOVEC_BYTES + TO_SEND_AT, payload.length, LITTLE_ENDIAN);
  }
}

/** Datagrams in one call. */
export const BATCH_SIZE = 32;
/** Received datagrams. They are valid until the next `take`. */
export class ReceiveBatch {
  /** One byte more, so that a request whose reply would be too long is seen to be one. */
  readonly #buffer = new MmsgBuffer(BATCH_SIZE, MAX_REPLY_BYTES + 1);
  #count = 0;

  /** Receive what waits at the socket, without blocking. @returns how many datagrams there are now. */
  take(fd: number): number {
    for (let index = 0; index < this.#count; index++) this.#buffer.resetControl(index);
    this.#count = Math.max(0, recvmmsg(fd, this.#buffer.memory, BATCH_SIZE, MSG_DONTWAIT, null)); // -1: none (EAGAIN)
    return this.#count;
  }

  /** The first MAX_REPLY_BYTES + 1 bytes. */
  payload(index: number): Uint8Array {
    return this.#buffer.payload(index);
  }

  source(index: number): Ipv4 {
    return this.#buffer.address(index);
  }

  port(index: number): number {
    return this.#buffer.port(index);
  }

  /** The address that it was sent to; 0.0.0.0 if the socket did not note it. */
  destination(index: number): Ipv4 {
    const pktinfo = this.#buffer.pktinfo(index);
    return pktinfo < 0 ? 0 : uint32(this.#buffer.memory, pktinfo + DESTINATION_AT);
  }

  /** The interface that it came in by; 0 if the socket did not note it. */
  interfaceIndex(index: number): number {
    const pktinfo = this.#buffer.pktinfo(index);
    return pktinfo < 0 ? 0 : this.#buffer.interfaceIndex(pktinfo);
  }
}

/** Where a datagram goes, and from which of our addresses; `from` 0.0.0.0 leaves that to the kernel. */
export interface Destination {
  readonly address: Ipv4;
  readonly port: number;
  readonly from: Ipv4;
}

/**
 * How many bytes of a send buffer replies may fill that the kernel holds back, because it does not know the hardware
 * address of their host: it asks for it (ARP) and keeps them for up to three seconds. Some 30 replies: as many neighbour
 * entries at most, so that these do not push out those of hosts that are there (neigh_forced_gc in net/core/neighbour.c).
 */
const UNRESOLVED_BYTES = 32 << 10;
/** What a reply costs besides its own length: sk_buff and headers. */
const OVERHEAD_BYTES = 960;

/**
 * Datagrams to send by one socket: those of one turn of the event loop leave together, in order.
 *
 * Nothing waits in this process: what the kernel does not take at once is lost, because a queue would let the hosts that
 * answer no ARP request, or forged ones, keep the replies of all others. Clients retransmit (RFC 6886 §3.1).
 */
export class SendBatch {
  readonly #buffer = new MmsgBuffer(BATCH_SIZE, MAX_REPLY_BYTES);
  readonly #fd: number;
  readonly #isResolved: (address: Ipv4) => boolean;
  readonly #onLost: () => void;
  readonly #flushLater = (): void => this.flush();
  #waiting = 0;
  /** What those that wait here may cost in the send buffer. */
  #waitingBytes = 0;
  /** There will be a `flush` in this turn. */
  #isDue = false;
  /** What is left of UNRESOLVED_BYTES, if nothing has left the send buffer since it was measured. */
  #room = 0;
  /** It was measured since the last datagrams were sent: to measure again would tell nothing new. */
  #isMeasured = false;

  /**
   * @param isResolved Whether the kernel can send to this address at once. Asked only if more is held back in the socket
   * than UNRESOLVED_BYTES: then the others are lost.
   * @param onLost Called for each datagram that is lost.
   */
  constructor(fd: number, isResolved: (address: Ipv4) => boolean, onLost: () => void) {
    this.#fd = fd;
    this.#isResolved = isResolved;
    this.#onLost = onLost;
  }

  /** The caller will `flush` in this turn of the event loop, so it needs no callback at its end. */
  hold(): void {
    this.#isDue = true;
  }

  put(payload: Uint8Array, to: Destination): void {
    if (payload.length > MAX_REPLY_BYTES) return this.#onLost();
    if (!this.#isDue) process.nextTick(this.#flushLater);
    this.#isDue = true;
    if (this.#waiting === BATCH_SIZE) this.#send();
    const cost = OVERHEAD_BYTES + payload.length;
    if (this.#room < cost && !this.#isMeasured) {
      this.#room = UNRESOLVED_BYTES - unsentBytes(this.#fd) - this.#waitingBytes;
      this.#isMeasured = true;
    }
    if (this.#room >= cost) this.#room -= cost;
    else if (!this.#isResolved(to.address)) return this.#onLost();
    this.#waitingBytes += cost;
    this.#buffer.put(this.#waiting++, payload, to);
  }

  /** Send what was put. */
  flush(): void {
    this.#isDue = false;
    this.#send();
  }

  #send(): void {
    for (let next = 0; next < this.#waiting; ) {
      const sent = sendmmsg(this.#fd, this.#buffer.headersFrom(next), this.#waiting - next, MSG_DONTWAIT);
      if (sent <= 0) this.#onLost();
      next += Math.max(1, sent);
    }
    this.#waiting = 0;
    this.#waitingBytes = 0;
    this.#isMeasured = false;
  }
}
