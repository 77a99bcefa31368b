// Many datagrams in one system call, each from its own source address: recvmmsg(2), sendmmsg(2) and IP_PKTINFO, which
// Node has no names for. A load generator that made two calls a request would measure mostly itself.
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

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const MSG_WAITFORONE = 0x10000;

// struct mmsghdr, and behind each other in one slot of memory: name, iovec, control, data.
const HEADER_BYTES = 64;
const AT = { nameLength: 8, io: 16, ioCount: 24, control: 32, controlLength: 40, length: 56 } as const;
const SLOT = { name: 0, io: 16, control: 32, data: 64 } as const;
const CONTROL_BYTES = 28; // cmsghdr 16, in_pktinfo 12
const CONTROL_SPACE = 32;
const DATA_BYTES = 64;

/** Memory for a number of messages, as the kernel reads and writes it. */
class Messages {
  readonly pointer: unknown;
  readonly #headers: DataView;
  readonly #slots: DataView;
  readonly #slotBytes: number;

  constructor(count: number, dataBytes: number, peer: { readonly address: number; readonly port: number } | null) {
    this.#slotBytes = SLOT.data + dataBytes;
    this.pointer = koffi.alloc('uint8_t', count * HEADER_BYTES);
    const slots: unknown = koffi.alloc('uint8_t', count * this.#slotBytes);
    this.#headers = new DataView(koffi.view(this.pointer, count * HEADER_BYTES));
    this.#slots = new DataView(koffi.view(slots, count * this.#slotBytes));
    const base = koffi.address(slots);
    for (let index = 0; index < count; index++) {
      const header = index * HEADER_BYTES;
      const slot = base + BigInt(index * this.#slotBytes);
      if (peer !== null) {
        this.#headers.setBigUint64(header, slot + BigInt(SLOT.name), true);
        this.#headers.setUint32(header + AT.nameLength, 16, true);
        this.#slots.setUint16(index * this.#slotBytes, AF_INET, true);
        this.#slots.setUint16(index * this.#slotBytes + 2, peer.port);
        this.#slots.setUint32(index * this.#slotBytes + 4, peer.address);
      }
      this.#headers.setBigUint64(header + AT.io, slot + BigInt(SLOT.io), true);
      this.#headers.setBigUint64(header + AT.ioCount, 1n, true);
      this.#headers.setBigUint64(header + AT.control, slot + BigInt(SLOT.control), true);
      this.#slots.setBigUint64(index * this.#slotBytes + SLOT.io, slot + BigInt(SLOT.data), true);
      this.#slots.setBigUint64(index * this.#slotBytes + SLOT.control, BigInt(CONTROL_BYTES), true);
      this.#slots.setUint32(index * this.#slotBytes + SLOT.control + 8, IPPROTO_IP, true);
      this.#slots.setUint32(index * this.#slotBytes + SLOT.control + 12, IP_PKTINFO, true);
      this.#setDataLength(index, dataBytes);
      this.expect(index);
    }
  }

  /** The kernel writes over this length each time it fills the message. */
  expect(index: number): void {
    this.#headers.setUint32(index * HEADER_BYTES + AT.controlLength, CONTROL_SPACE, true);
  }

  /** Where in `view` to write the message's data, of this length, to be sent from this source address. */
  compose(index: number, length: number, source: number): number {
    this.#setDataLength(index, length);
    this.#slots.setUint32(index * this.#slotBytes + SLOT.control + 20, source);
    return index * this.#slotBytes + SLOT.data;
  }

  /** To which of our addresses it came. */
  destination(index: number): number {
    return this.#slots.getUint32(index * this.#slotBytes + SLOT.control + 24);
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
  constructor(
    most: number,
    peer: { readonly address: number; readonly port: number },
    patienceMs: number,
    dataBytes = DATA_BYTES,
  ) {
    this.#most = most;
    this.outgoing = new Messages(most, dataBytes, peer);
    this.incoming = new Messages(most, DATA_BYTES, null);
    this.#fd = socket(AF_INET, SOCK_DGRAM, 0);
    const wait = new BigInt64Array([0n, BigInt(patienceMs * 1000)]);
    const settings: readonly (readonly [number, number, Uint8Array])[] = [
      [SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(wait.buffer)],
      [SOL_SOCKET, SO_RCVBUF, new Uint8Array(Int32Array.of(1 << 20).buffer)],
      [IPPROTO_IP, IP_PKTINFO, new Uint8Array(Int32Array.of(1).buffer)],
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
