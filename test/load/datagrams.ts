// Many datagrams in one system call, each from its own source address: recvmmsg(2), sendmmsg(2), IP_PKTINFO and
// IPV6_PKTINFO, which Node has no names for. A load generator that made two calls a request would measure mostly itself.
//
// Layouts are those of 64 bit Linux, little endian.

import koffi from 'koffi';

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)') as (...args: number[]) => number;
const setsockopt = libc.func(
  'int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t length)',
) as (fd: number, level: number, option: number, value: Uint8Array, length: number) => number;
const sendmmsg = libc.func('int sendmmsg(int fd, void *messages, uint32_t count, int flags)') as (
  fd: number,
  messages: unknown,
  count: number,
  flags: number,
) => number;
const recvmmsg = libc.func('int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)') as (
  fd: number,
  messages: unknown,
  count: number,
  flags: number,
  timeout: null,
) => number;

const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const IPV6_V6ONLY = 26;
const MSG_WAITFORONE = 0x10000;

// struct mmsghdr, and behind each other in one slot of memory: name, iovec, control, data.
const HEADER_BYTES = 64;
const AT = { nameLength: 8, io: 16, ioCount: 24, control: 32, controlLength: 40, length: 56 } as const;
const SLOT = { name: 0, io: 32, control: 48, data: 96 } as const;
const CMSG_BYTES = 16;

/** What the two families have different. Addresses are told apart by their last 32 bits. */
interface Family {
  readonly domain: number;
  /** sockaddr_in, sockaddr_in6. */
  readonly nameBytes: number;
  readonly addressInName: number;
  readonly level: number;
  /** IP_PKTINFO; IPV6_PKTINFO, and IPV6_RECVPKTINFO to have it told. */
  readonly pktinfo: number;
  readonly recvPktinfo: number;
  readonly pktinfoBytes: number;
  /** In in_pktinfo and in6_pktinfo: the last 32 bits of our own address, to send from, and the one it came to. */
  readonly sourceAt: number;
  readonly destinationAt: number;
}

const IPV4: Family = {
  domain: 2,
  nameBytes: 16,
  addressInName: 4,
  level: 0,
  pktinfo: 8,
  recvPktinfo: 8,
  pktinfoBytes: 12,
  sourceAt: 4,
  destinationAt: 8,
};
const IPV6: Family = {
  domain: 10,
  nameBytes: 28,
  addressInName: 8,
  level: 41,
  pktinfo: 50,
  recvPktinfo: 49,
  pktinfoBytes: 20,
  sourceAt: 12,
  destinationAt: 12,
};

export interface Peer {
  readonly port: number;
  /** IPv4 as a number, or IPv6 as 32 hexadecimal digits. */
  readonly address: number | string;
  /** With IPv6: the first 96 bits of all our own addresses, as hexadecimal digits. */
  readonly ownPrefix?: string;
}

const DATA_BYTES = 64;

/** Memory for a number of messages, as the kernel reads and writes it. */
class Messages {
  readonly pointer: unknown;
  readonly #headers: DataView;
  readonly #slots: DataView;
  readonly #slotBytes: number;
  readonly #family: Family;

  constructor(count: number, dataBytes: number, family: Family, peer: Peer | null) {
    this.#slotBytes = SLOT.data + dataBytes;
    this.#family = family;
    this.pointer = koffi.alloc('uint8_t', count * HEADER_BYTES);
    const slots: unknown = koffi.alloc('uint8_t', count * this.#slotBytes);
    this.#headers = new DataView(koffi.view(this.pointer, count * HEADER_BYTES));
    this.#slots = new DataView(koffi.view(slots, count * this.#slotBytes));
    const base = koffi.address(slots);
    for (let index = 0; index < count; index++) {
      const header = index * HEADER_BYTES;
      const at = index * this.#slotBytes;
      const slot = base + BigInt(at);
      if (peer !== null) {
        this.#headers.setBigUint64(header, slot + BigInt(SLOT.name), true);
        this.#headers.setUint32(header + AT.nameLength, family.nameBytes, true);
        this.#slots.setUint16(at, family.domain, true);
        this.#slots.setUint16(at + 2, peer.port);
        this.#write(at + family.addressInName, peer.address);
        if (peer.ownPrefix !== undefined) this.#write(at + SLOT.control + CMSG_BYTES, peer.ownPrefix);
      }
      this.#headers.setBigUint64(header + AT.io, slot + BigInt(SLOT.io), true);
      this.#headers.setBigUint64(header + AT.ioCount, 1n, true);
      this.#headers.setBigUint64(header + AT.control, slot + BigInt(SLOT.control), true);
      this.#slots.setBigUint64(at + SLOT.io, slot + BigInt(SLOT.data), true);
      this.#slots.setBigUint64(at + SLOT.control, BigInt(CMSG_BYTES + family.pktinfoBytes), true);
      this.#slots.setUint32(at + SLOT.control + 8, family.level, true);
      this.#slots.setUint32(at + SLOT.control + 12, family.pktinfo, true);
      this.#setDataLength(index, dataBytes);
      this.expect(index);
    }
  }

  #write(at: number, address: number | string): void {
    if (typeof address === 'number') return this.#slots.setUint32(at, address);
    for (let digit = 0; digit < address.length; digit += 8)
      this.#slots.setUint32(at + digit / 2, Number.parseInt(address.slice(digit, digit + 8), 16));
  }

  /** The kernel writes over this length each time it fills the message. */
  expect(index: number): void {
    // A message is as long as its data, rounded up to words of 8 bytes.
    const space = CMSG_BYTES + Math.ceil(this.#family.pktinfoBytes / 8) * 8;
    this.#headers.setUint32(index * HEADER_BYTES + AT.controlLength, space, true);
  }

  /** Where in `view` to write the message's data, of this length, to be sent from the source address with these last 32 bits. */
  compose(index: number, length: number, source: number): number {
    this.#setDataLength(index, length);
    this.#slots.setUint32(this.#pktinfo(index) + this.#family.sourceAt, source);
    return index * this.#slotBytes + SLOT.data;
  }

  /** To which of our addresses it came, by its last 32 bits. */
  destination(index: number): number {
    return this.#slots.getUint32(this.#pktinfo(index) + this.#family.destinationAt);
  }

  #pktinfo(index: number): number {
    return index * this.#slotBytes + SLOT.control + CMSG_BYTES;
  }

  /** Where in `view` its data are. */
  data(index: number): number {
    return index * this.#slotBytes + SLOT.data;
  }

  length(index: number): number {
    return this.#headers.getUint32(index * HEADER_BYTES + AT.length, true);
  }

  get view(): DataView {
    return this.#slots;
  }

  #setDataLength(index: number, length: number): void {
    this.#slots.setBigUint64(index * this.#slotBytes + SLOT.io + 8, BigInt(length), true);
  }
}

export class Datagrams {
  readonly outgoing: Messages;
  readonly incoming: Messages;
  readonly #fd: number;
  readonly #most: number;

  /**
   * A socket for at most `most` datagrams a call of `dataBytes` at most, all sent to `peer`. A receive waits `patienceMs`
   * at most.
   */
  constructor(most: number, peer: Peer, patienceMs: number, dataBytes = DATA_BYTES) {
    this.#most = most;
    const family = typeof peer.address === 'number' ? IPV4 : IPV6;
    this.outgoing = new Messages(most, dataBytes, family, peer);
    this.incoming = new Messages(most, DATA_BYTES, family, null);
    this.#fd = socket(family.domain, SOCK_DGRAM, 0);
    const wait = new BigInt64Array([0n, BigInt(patienceMs * 1000)]);
    const settings: readonly (readonly [number, number, Uint8Array])[] = [
      [SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(wait.buffer)],
      [SOL_SOCKET, SO_RCVBUF, new Uint8Array(Int32Array.of(1 << 20).buffer)],
      [family.level, family.recvPktinfo, new Uint8Array(Int32Array.of(1).buffer)],
      ...(family === IPV6 ? [[family.level, IPV6_V6ONLY, new Uint8Array(Int32Array.of(1).buffer)] as const] : []),
    ];
    for (const [level, option, value] of settings) {
      if (setsockopt(this.#fd, level, option, value, value.length) !== 0)
        throw new Error(`setsockopt ${option}: errno ${koffi.errno()}`);
    }
  }

  /** Send the first `count` outgoing messages. What the kernel does not take is lost, as on any network. */
  send(count: number): void {
    if (count > 0) sendmmsg(this.#fd, this.outgoing.pointer, count, 0);
  }

  /** Wait for something and take all there is; how many incoming messages were filled, 0 when none came in time. */
  receive(): number {
    const count = Math.max(0, recvmmsg(this.#fd, this.incoming.pointer, this.#most, MSG_WAITFORONE, null));
    for (let index = 0; index < count; index++) this.incoming.expect(index);
    return count;
  }
}
