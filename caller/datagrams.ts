// The UDP sockets' system calls, which Node does not have: many datagrams in one call, recvmmsg(2) and sendmmsg(2), each
// with the interface and the address that it came to or leaves from (IP_PKTINFO, ip(7); IPV6_PKTINFO, ipv6(7)). Node's dgram tells neither,
// makes a call, a buffer, an object and a string for each datagram, and queues without bound what the kernel refuses.
//
// The structures for the kernel are in one block of memory, laid out once: a datagram needs no allocation.

import koffi from 'koffi';
import type { Ipv4, Ipv6 } from '../proto/mapping.js';
import { putUint16, putUint32, uint16, uint32 } from './bytes.js';

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
/** setsockopt(2). */
export const setsockopt = libc.func('int setsockopt(int fd, int level, int option, void *value, uint32_t length)') as (
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
const SO_ACCEPTCONN = 30;
const SO_MEMINFO = 55;
const SO_BINDTOIFINDEX = 62;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
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
/** struct cmsghdr: cmsg(3). */
const CMSGHDR = koffi.struct({ length: 'size_t', level: 'int', type: 'int' });
const CMSGHDR_BYTES = koffi.sizeof(CMSGHDR);
const LEVEL_AT = koffi.offsetof(CMSGHDR, 'level');
const TYPE_AT = koffi.offsetof(CMSGHDR, 'type');

/** Where a family of addresses has its own structures: sockaddr, and the data of the control message (pktinfo). */
export interface Family<A> {
  readonly number: 2 | 10;
  /** 0.0.0.0, or :: */
  readonly wildcard: A;
  readonly sockaddrBytes: number;
  readonly addressAt: number;
  /** Where sockaddr names the interface of a link-local address; null if it does not. */
  readonly scopeAt: number | null;
  /** The level of the socket option and of the control message. */
  readonly level: number;
  /** The option by which datagrams tell where they came in. */
  readonly receiveOption: number;
  readonly pktinfo: {
    readonly type: number;
    readonly bytes: number;
    readonly interfaceAt: number;
    /** The address that a datagram came to, and the one that it leaves from. */
    readonly destinationAt: number;
    readonly sourceAt: number;
    /** The interface of a datagram to send has to be named, or the kernel chooses it. */
    readonly hasInterface: boolean;
  };
  read(memory: Buffer, at: number): A;
  write(memory: Buffer, at: number, address: A): void;
}

/** ip(7): struct sockaddr_in, struct in_pktinfo. */
export const IPV4 = {
  number: 2,
  wildcard: 0,
  sockaddrBytes: 16,
  addressAt: 4,
  scopeAt: null,
  level: 0, // IPPROTO_IP
  receiveOption: 8, // IP_PKTINFO
  pktinfo: { type: 8, bytes: 12, interfaceAt: 0, destinationAt: 8, sourceAt: 4, hasInterface: false },
  read: uint32,
  write: putUint32,
} as const satisfies Family<Ipv4>;

/** ipv6(7): struct sockaddr_in6, struct in6_pktinfo. */
export const IPV6 = {
  number: 10,
  wildcard: '0'.repeat(32),
  sockaddrBytes: 28,
  addressAt: 8,
  scopeAt: 24,
  level: 41, // IPPROTO_IPV6
  receiveOption: 49, // IPV6_RECVPKTINFO
  pktinfo: { type: 50, bytes: 20, interfaceAt: 16, destinationAt: 0, sourceAt: 0, hasInterface: true },
  read: (memory: Buffer, at: number): Ipv6 => memory.toString('hex', at, at + 16),
  write: (memory: Buffer, at: number, address: Ipv6) => void memory.write(address, at, 16, 'hex'),
} as const satisfies Family<Ipv6>;
/** CMSG_SPACE of the larger one, with the padding behind it. */
const CONTROL_BYTES = 40;
const SOCKADDR_PORT_AT = 2;
/** For lengths in host order; the helper does not run on big-endian machines either. */
const LITTLE_ENDIAN = true;

/** What an inherited socket is bound to. */
export interface Binding<A> {
  readonly fd: number;
  /** Perhaps the wildcard address. */
  readonly address: A;
  readonly port: number;
  /** The index of the interface that it is bound to; 0 if it is bound to none. */
  readonly interfaceIndex: number;
  /** Its name; empty if there is none, also because the interface is gone. */
  readonly interfaceName: string;
}

export type AnyBinding =
  | ({ readonly family: typeof IPV4.number } & Binding<Ipv4>)
  | ({ readonly family: typeof IPV6.number } & Binding<Ipv6>);

/**
 * Prepare an inherited socket: its datagrams tell from now on where they came in.
 *
 * @throws If it is not a bound UDP socket.
 */
export function bindingOf(fd: number): AnyBinding {
  const { family, sockaddr, binding } = boundTo(fd, SOCK_DGRAM, 'a UDP socket');
  if (setsockopt(fd, family.level, family.receiveOption, nativeInt(1), 4) !== 0)
    throw new Error(`file descriptor ${fd}: no packet information: errno ${koffi.errno()}`);
  return family.number === IPV4.number
    ? { ...binding, family: IPV4.number, address: IPV4.read(sockaddr, IPV4.addressAt) }
    : { ...binding, family: IPV6.number, address: IPV6.read(sockaddr, IPV6.addressAt) };
}

/**
 * What an inherited TCP socket of IPv4 listens on.
 *
 * @throws If it is not a listening TCP socket of IPv4.
 */
export function listenerOf(fd: number): Binding<Ipv4> {
  const { family, sockaddr, binding } = boundTo(fd, SOCK_STREAM, 'a TCP socket');
  const isListening = option(fd, SO_ACCEPTCONN, 4);
  if (family.number !== IPV4.number || isListening === null || intAt(isListening, 0) !== 1)
    throw new Error(`file descriptor ${fd} does not listen on an IPv4 address`);
  return { ...binding, address: IPV4.read(sockaddr, IPV4.addressAt) };
}

/** What the options and the name of a socket of this type say. */
function boundTo(fd: number, wanted: number, what: string) {
  const sockaddr = Buffer.alloc(IPV6.sockaddrBytes);
  const type = option(fd, SO_TYPE, 4);
  if (type === null || intAt(type, 0) !== wanted) throw new Error(`file descriptor ${fd} is not ${what}`);
  const isNamed = getsockname(fd, sockaddr, nativeInt(sockaddr.length)) === 0;
  const port = uint16(sockaddr, SOCKADDR_PORT_AT);
  const family = [IPV4, IPV6].find(({ number }) => number === sockaddr[0]);
  if (!isNamed || family === undefined || port === 0)
    throw new Error(`file descriptor ${fd} is not bound to an IP address and a port`);
  const index = option(fd, SO_BINDTOIFINDEX, 4);
  const name = option(fd, SO_BINDTODEVICE, NAME_BYTES);
  const binding = {
    fd,
    port,
    interfaceIndex: index === null ? 0 : intAt(index, 0),
    interfaceName: name === null ? '' : (Buffer.from(name).toString('latin1').split('\0')[0] ?? ''),
  };
  return { family, sockaddr, binding };
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

/** `count` datagrams of at most `size` bytes: an array each of mmsghdr, iovec, sockaddr, cmsghdr and payload. */
class MmsgBuffer<A> {
  readonly memory: Buffer;
  readonly count: number;
  readonly #family: Family<A>;
  readonly #view: DataView;
  readonly #size: number;
  readonly #iovecs: number;
  readonly #addresses: number;
  readonly #controls: number;
  readonly #payloads: number;
  /** From which address each was last sent: mostly the same again. */
  readonly #sources: A[] = [];

  constructor(family: Family<A>, count: number, size: number) {
    this.#family = family;
    this.count = count;
    this.#size = size;
    this.#iovecs = count * MMSGHDR_BYTES;
    this.#addresses = this.#iovecs + count * IOVEC_BYTES;
    // The kernel aligns a control message like a pointer.
    this.#controls = (this.#addresses + count * family.sockaddrBytes + 7) & ~7;
    this.#payloads = this.#controls + count * CONTROL_BYTES;
    const memory = new ArrayBuffer(this.#payloads + count * size);
    this.memory = Buffer.from(memory);
    this.#view = new DataView(memory);
    for (let index = 0; index < count; index++) this.#layOut(index, koffi.address(this.memory));
  }

  #layOut(index: number, start: bigint): void {
    const { number, sockaddrBytes, level, pktinfo } = this.#family;
    const iovec = this.#iovecs + index * IOVEC_BYTES;
    const address = this.#addresses + index * sockaddrBytes;
    const control = this.#controls + index * CONTROL_BYTES;
    koffi.encode(this.memory, index * MMSGHDR_BYTES, MMSGHDR, {
      header: {
        name: start + BigInt(address),
        nameLength: sockaddrBytes,
        iov: start + BigInt(iovec),
        iovLength: 1,
        control: start + BigInt(control),
        controlLength: controlBytes(this.#family),
        flags: 0,
      },
      length: 0,
    });
    koffi.encode(this.memory, iovec, IOVEC, {
      base: start + BigInt(this.#payloads + index * this.#size),
      length: this.#size,
    });
    koffi.encode(this.memory, control, CMSGHDR, { length: CMSGHDR_BYTES + pktinfo.bytes, level, type: pktinfo.type });
    this.#view.setUint16(address, number, LITTLE_ENDIAN);
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

  address(index: number): A {
    return this.#family.read(this.memory, this.#sockaddr(index) + this.#family.addressAt);
  }

  port(index: number): number {
    return uint16(this.memory, this.#sockaddr(index) + SOCKADDR_PORT_AT);
  }

  /** Where in the memory the packet information of this datagram is; -1 if it has none. */
  pktinfo(index: number): number {
    const { level, pktinfo } = this.#family;
    const at = this.#controls + index * CONTROL_BYTES;
    const hasPktinfo =
      this.#view.getUint32(index * MMSGHDR_BYTES + CONTROL_LENGTH_AT, LITTLE_ENDIAN) >= CMSGHDR_BYTES + pktinfo.bytes &&
      this.#view.getUint32(at + LEVEL_AT, LITTLE_ENDIAN) === level &&
      this.#view.getUint32(at + TYPE_AT, LITTLE_ENDIAN) === pktinfo.type;
    return hasPktinfo ? at + CMSGHDR_BYTES : -1;
  }

  destination(pktinfo: number): A {
    return this.#family.read(this.memory, pktinfo + this.#family.pktinfo.destinationAt);
  }

  interfaceIndex(pktinfo: number): number {
    return this.#view.getUint32(pktinfo + this.#family.pktinfo.interfaceAt, LITTLE_ENDIAN);
  }

  /** Make room for packet information again: the kernel has written here how much of it was used. */
  resetControl(index: number): void {
    this.#view.setUint32(index * MMSGHDR_BYTES + CONTROL_LENGTH_AT, controlBytes(this.#family), LITTLE_ENDIAN);
  }

  put(index: number, payload: Uint8Array, to: Destination<A>): void {
    const { write, addressAt, scopeAt, pktinfo } = this.#family;
    const sockaddr = this.#sockaddr(index);
    const control = this.#controls + index * CONTROL_BYTES + CMSGHDR_BYTES;
    putUint16(this.memory, sockaddr + SOCKADDR_PORT_AT, to.port);
    write(this.memory, sockaddr + addressAt, to.address);
    if (this.#sources[index] !== to.from) write(this.memory, control + pktinfo.sourceAt, to.from);
    this.#sources[index] = to.from;
    if (scopeAt !== null) this.#view.setUint32(sockaddr + scopeAt, to.interfaceIndex ?? 0, LITTLE_ENDIAN);
    if (pktinfo.hasInterface)
      this.#view.setUint32(control + pktinfo.interfaceAt, to.interfaceIndex ?? 0, LITTLE_ENDIAN);
    this.memory.set(payload, this.#payloads + index * this.#size);
    this.#view.setUint32(index * MMSGHDR_BYTES + LENGTH_AT, payload.length, LITTLE_ENDIAN);
    this.#view.setUint32(this.#iovecs + index * IOVEC_BYTES + TO_SEND_AT, payload.length, LITTLE_ENDIAN);
  }

  #sockaddr(index: number): number {
    return this.#addresses + index * this.#family.sockaddrBytes;
  }
}

/** CMSG_SPACE: with the padding behind it. */
function controlBytes({ pktinfo }: Family<unknown>): number {
  return CMSGHDR_BYTES + ((pktinfo.bytes + 7) & ~7);
}

/** Datagrams in one call. */
export const BATCH_SIZE = 32;
/** The longest message of PCP (RFC 6887 §7), and so of NAT-PMP: see MAX_REPLY_BYTES in frontend/wire.ts. */
const MAX_BYTES = 1100;

/** Received datagrams. They are valid until the next `take`. */
export class ReceiveBatch<A> {
  /** One byte more, so that a datagram that is too long is seen to be one. */
  readonly #buffer: MmsgBuffer<A>;
  readonly #wildcard: A;
  #count = 0;

  constructor(family: Family<A>, maxBytes = MAX_BYTES) {
    this.#buffer = new MmsgBuffer(family, BATCH_SIZE, maxBytes + 1);
    this.#wildcard = family.wildcard;
  }

  /** Receive what waits at the socket, without blocking. @returns how many datagrams there are now. */
  take(fd: number): number {
    for (let index = 0; index < this.#count; index++) this.#buffer.resetControl(index);
    this.#count = Math.max(0, recvmmsg(fd, this.#buffer.memory, BATCH_SIZE, MSG_DONTWAIT, null)); // -1: none (EAGAIN)
    return this.#count;
  }

  /** The first `maxBytes` + 1 bytes. */
  payload(index: number): Uint8Array {
    return this.#buffer.payload(index);
  }

  source(index: number): A {
    return this.#buffer.address(index);
  }

  port(index: number): number {
    return this.#buffer.port(index);
  }

  /** The address that it was sent to; the wildcard address if the socket did not note it. */
  destination(index: number): A {
    const pktinfo = this.#buffer.pktinfo(index);
    return pktinfo < 0 ? this.#wildcard : this.#buffer.destination(pktinfo);
  }

  /** The interface that it came in by; 0 if the socket did not note it. */
  interfaceIndex(index: number): number {
    const pktinfo = this.#buffer.pktinfo(index);
    return pktinfo < 0 ? 0 : this.#buffer.interfaceIndex(pktinfo);
  }
}

/** Where a datagram goes, and from which of our addresses; the wildcard address leaves that to the kernel. */
export interface Destination<A> {
  readonly address: A;
  readonly port: number;
  readonly from: A;
  /** The interface that it leaves by, for IPv6; without it, the kernel decides. */
  readonly interfaceIndex?: number;
}

/**
 * How many bytes of a send buffer replies may fill that the kernel holds back, because it does not know the hardware
 * address of their host: it asks for it (ARP, NDP) and keeps them for up to three seconds. Some 30 replies: as many neighbour
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
export class SendBatch<A> {
  readonly #buffer: MmsgBuffer<A>;
  readonly #fd: number;
  readonly #isResolved: (address: A) => boolean;
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
  readonly #maxBytes: number;

  /**
   * @param isResolved Whether the kernel can send to this address at once. Asked only if more is held back in the socket
   * than UNRESOLVED_BYTES: then the others are lost.
   * @param onLost Called for each datagram that is lost.
   * @param maxBytes The longest datagram; a longer one is lost.
   */
  constructor(
    family: Family<A>,
    fd: number,
    isResolved: (address: A) => boolean,
    onLost: () => void,
    maxBytes = MAX_BYTES,
  ) {
    this.#buffer = new MmsgBuffer(family, BATCH_SIZE, maxBytes);
    this.#maxBytes = maxBytes;
    this.#fd = fd;
    this.#isResolved = isResolved;
    this.#onLost = onLost;
  }

  /** The caller will `flush` in this turn of the event loop, so it needs no callback at its end. */
  hold(): void {
    this.#isDue = true;
  }

  put(payload: Uint8Array, to: Destination<A>): void {
    if (payload.length > this.#maxBytes) return this.#onLost();
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
