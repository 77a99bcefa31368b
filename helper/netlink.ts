// Netlink messages, to bytes and from bytes. Pure. Headers are in host order (this runs on little-endian machines
// only; main.ts refuses others), what nf_tables carries inside is big endian. Layouts: linux/netlink.h, nfnetlink.h.

const HEADER_BYTES = 16;
/** The nfnetlink header, at the beginning of every payload here. */
export const NFGEN_BYTES = 4;
const ATTRIBUTE_HEADER_BYTES = 4;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

export const NLM_F = { REQUEST: 1, MULTI: 2, ACK: 4, DUMP_INTR: 0x10, DUMP: 0x300, CREATE: 0x400 } as const;
export const NLMSG = { ERROR: 2, DONE: 3 } as const;

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Of the socket that caused the message. */
  readonly portId: number;
  /** What follows the netlink header. */
  readonly payload: Buffer;
}

/** Appends messages to one buffer. The buffer is the writer's own and is written over by the next batch. */
export class MessageWriter {
  readonly #buffer: Buffer;
  #end = 0;
  #message = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.alloc(capacity);
  }

  reset(): void {
    this.#end = 0;
  }

  /** All messages so far. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#end);
  }

  /** Begin a message with the nfnetlink header; it ends where the next begins. */
  begin(type: number, flags: number, sequence: number, family: number, resourceId: number): void {
    this.#message = this.#end;
    this.#buffer.writeUInt16LE(type, this.#end + 4);
    this.#buffer.writeUInt16LE(flags, this.#end + 6);
    this.#buffer.writeUInt32LE(sequence, this.#end + 8);
    this.#buffer.writeUInt32LE(0, this.#end + 12);
    this.#buffer.writeUInt8(family, this.#end + HEADER_BYTES);
    this.#buffer.writeUInt8(0, this.#end + HEADER_BYTES + 1);
    this.#buffer.writeUInt16BE(resourceId, this.#end + HEADER_BYTES + 2);
    this.#advance(HEADER_BYTES + NFGEN_BYTES);
  }

  attribute(type: number, value: Uint8Array): void {
    const at = this.#end;
    this.#buffer.writeUInt16LE(ATTRIBUTE_HEADER_BYTES + value.length, at);
    this.#buffer.writeUInt16LE(type, at + 2);
    this.#buffer.set(value, at + ATTRIBUTE_HEADER_BYTES);
    const length = ATTRIBUTE_HEADER_BYTES + align(value.length);
    this.#buffer.fill(0, at + ATTRIBUTE_HEADER_BYTES + value.length, at + length);
    this.#advance(length);
  }

  /** A 64 bit number, big endian, as nf_tables wants it. */
  attribute64(type: number, value: number): void {
    this.#buffer.writeUInt16LE(ATTRIBUTE_HEADER_BYTES + 8, this.#end);
    this.#buffer.writeUInt16LE(type, this.#end + 2);
    this.#buffer.writeUInt32BE(Math.floor(value / 2 ** 32), this.#end + 4);
    this.#buffer.writeUInt32BE(value % 2 ** 32, this.#end + 8);
    this.#advance(ATTRIBUTE_HEADER_BYTES + 8);
  }

  /** Open a nested attribute; give what this returns to `close`. */
  open(type: number): number {
    const mark = this.#end;
    this.#buffer.writeUInt16LE(type | NLA_F_NESTED, mark + 2);
    this.#advance(ATTRIBUTE_HEADER_BYTES);
    return mark;
  }

  close(mark: number): void {
    const length = this.#end - mark;
    if (length > 0xffff) throw new Error(`a nested attribute of ${length} bytes does not fit its 16 bit length`);
    this.#buffer.writeUInt16LE(length, mark);
  }

  #advance(length: number): void {
    this.#end += length;
    this.#buffer.writeUInt32LE(this.#end - this.#message, this.#message);
  }
}

/** The messages in what one read returned. Total: a message that does not fit ends the walk. */
export function* messages(data: Buffer): Generator<Message> {
  let at = 0;
  while (at + HEADER_BYTES <= data.length) {
    const length = data.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > data.length) return;
    yield {
      type: data.readUInt16LE(at + 4),
      flags: data.readUInt16LE(at + 6),
      sequence: data.readUInt32LE(at + 8),
      portId: data.readUInt32LE(at + 12),
      payload: data.subarray(at + HEADER_BYTES, at + length),
    };
    at += align(length);
  }
}

/** The attributes in `data` from `offset` on, as [type, value]. Total, like `messages`. */
export function* attributes(data: Buffer, offset = 0): Generator<readonly [number, Buffer]> {
  let at = offset;
  while (at + ATTRIBUTE_HEADER_BYTES <= data.length) {
    const length = data.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > data.length) return;
    yield [data.readUInt16LE(at + 2) & NLA_TYPE_MASK, data.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length)];
    at += align(length);
  }
}

/** The attributes of a message that begins with the nfnetlink header. */
export function nfAttributes(message: Message): Generator<readonly [number, Buffer]> {
  return attributes(message.payload, NFGEN_BYTES);
}

/** The address family of a message that begins with the nfnetlink header. */
export function nfFamily(message: Message): number {
  return message.payload[0] ?? 0;
}

/** The value of the first attribute of the type. */
export function find(list: Iterable<readonly [number, Buffer]>, type: number): Buffer | undefined {
  for (const [each, value] of list) if (each === type) return value;
  return undefined;
}

/**
 * Where the value of the first attribute of the type begins between two offsets; -1 where there is none that fits. For the
 * long dumps, in which an object for each attribute would cost more than all the rest.
 */
export function valueAt(data: Buffer, from: number, end: number, type: number): number {
  let at = from;
  while (at + ATTRIBUTE_HEADER_BYTES <= end) {
    const length = data.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) return -1;
    if ((data.readUInt16LE(at + 2) & NLA_TYPE_MASK) === type) return at + ATTRIBUTE_HEADER_BYTES;
    at += align(length);
  }
  return -1;
}

/** Where the value that begins there ends. */
export function valueEnd(data: Buffer, at: number): number {
  return at - ATTRIBUTE_HEADER_BYTES + data.readUInt16LE(at - ATTRIBUTE_HEADER_BYTES);
}

/** The errno in an error message or at the end of a dump, positive; 0 is an acknowledgement, which a message too short for an errno is not. */
export function errorOf(message: Message): number {
  return message.payload.length >= 4 ? -message.payload.readInt32LE(0) : 74; // EBADMSG
}

function align(length: number): number {
  return (length + 3) & ~3;
}
