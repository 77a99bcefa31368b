// Netlink messages, to bytes and from bytes. Pure. Headers are in host order (this runs on little-endian machines
// only; daemon.ts refuses others), what nf_tables carries inside is big endian. Layouts: linux/netlink.h, nfnetlink.h.

import type { Message } from '../types.js';

const HEADER_BYTES = 16;
/** The nfnetlink header, at the beginning of every payload here. */
export const NFGEN_BYTES = 4;
const ATTRIBUTE_HEADER_BYTES = 4;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
/** The littleEndian argument of a DataView, whose default is big-endian. */
const HOST_ORDER = true;

export const NLM_F = { REQUEST: 1, MULTI: 2, ACK: 4, DUMP_INTR: 0x10, DUMP: 0x300, CREATE: 0x400 } as const;
export const NLMSG = { ERROR: 2, DONE: 3 } as const;

/**
 * Appends messages to one buffer. The buffer is the writer's own and is written over by the next batch. Written through
 * a view: without a JIT, Node's own Buffer methods take ten times as long.
 */
export class MessageWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #end = 0;
  #message = 0;
  /** The numbers of the first and the last message: they count up over all batches. */
  first = 0;
  last = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** The messages of the batch, which ends with that; valid until the next begins. */
  bytes(): Uint8Array {
    this.#finish();
    const batch = this.#bytes.subarray(0, this.#end);
    this.#end = this.#message = 0;
    return batch;
  }

  /** Begin a message with the nfnetlink header; it ends where the next begins. */
  begin(type: number, flags: number, family: number, resourceId: number): void {
    this.#finish();
    if (this.#end === 0) this.first = this.last = this.last > 0x7fff_0000 ? 1 : this.last + 1;
    else this.last++;
    this.#message = this.#end;
    this.#view.setUint16(this.#end + 4, type, HOST_ORDER);
    this.#view.setUint16(this.#end + 6, flags, HOST_ORDER);
    this.#view.setUint32(this.#end + 8, this.last, HOST_ORDER);
    this.#view.setUint32(this.#end + 12, 0, HOST_ORDER);
    this.#view.setUint8(this.#end + HEADER_BYTES, family);
    this.#view.setUint8(this.#end + HEADER_BYTES + 1, 0);
    this.#view.setUint16(this.#end + HEADER_BYTES + 2, resourceId);
    this.#end += HEADER_BYTES + NFGEN_BYTES;
  }

  text(type: number, value: string): void {
    this.#header(type, value.length + 1);
    this.#bytes.set(Buffer.from(`${value}\0\0\0\0`, 'latin1'), this.#end);
    this.#end += align(value.length + 1);
  }

  /** Numbers of 32 bits, big endian, as nf_tables wants them; if `bytes` is less, only the first bytes of the last. */
  words(type: number, words: readonly number[], bytes = 4 * words.length): void {
    this.#header(type, bytes);
    for (let index = 0; index < words.length; index++) this.#view.setUint32(this.#end + 4 * index, words[index]!);
    this.#end += 4 * words.length;
  }

  /** A nested attribute, of what `write` appends. */
  nested(type: number, write: () => void): void {
    const start = this.#end;
    this.#header(type | NLA_F_NESTED, 0);
    write();
    const length = this.#end - start;
    if (length > 0xffff) throw new Error(`a nested attribute of ${length} bytes does not fit its 16 bit length`);
    this.#view.setUint16(start, length, HOST_ORDER);
  }

  #header(type: number, bytes: number): void {
    this.#view.setUint32(this.#end, (ATTRIBUTE_HEADER_BYTES + bytes) | (type << 16), HOST_ORDER);
    this.#end += ATTRIBUTE_HEADER_BYTES;
  }

  #finish(): void {
    if (this.#end > this.#message) this.#view.setUint32(this.#message, this.#end - this.#message, HOST_ORDER);
  }
}

/** The messages in the result of one read, except those of one socket. Total: stops at the first truncated message. */
export function* messages(data: Buffer, except: number | null = null): Generator<Message> {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let at = 0; at + HEADER_BYTES <= data.length; ) {
    const start = at;
    const length = view.getUint32(start, HOST_ORDER);
    if (length < HEADER_BYTES || start + length > data.length) return;
    at += align(length);
    const portId = view.getUint32(start + 12, HOST_ORDER);
    if (portId === except) continue;
    yield {
      type: view.getUint16(start + 4, HOST_ORDER),
      flags: view.getUint16(start + 6, HOST_ORDER),
      sequence: view.getUint32(start + 8, HOST_ORDER),
      portId,
      payload: data.subarray(start + HEADER_BYTES, start + length),
    };
  }
}

/**
 * The offset of the value of the first attribute of the type between two offsets; -1 if none fits. In long dumps, an
 * object for each attribute would cost more than all the rest.
 */
export function valueAt(data: Buffer, from: number, end: number, type: number): number {
  let at = from;
  while (at + ATTRIBUTE_HEADER_BYTES <= end) {
    const length = uint16(data, at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) return -1;
    if ((uint16(data, at + 2) & NLA_TYPE_MASK) === type) return at + ATTRIBUTE_HEADER_BYTES;
    at += align(length);
  }
  return -1;
}

/** The offset of the value at the end of a path of nested attributes, from the nfnetlink header on; -1 if it is missing. */
export function valueAtPath(payload: Buffer, ...path: readonly number[]): number {
  let [at, end] = [NFGEN_BYTES, payload.length];
  for (const type of path) {
    at = valueAt(payload, at, end, type);
    if (at < 0) return -1;
    end = valueEnd(payload, at);
  }
  return at;
}

/** The end of the value that begins there. */
export function valueEnd(data: Buffer, at: number): number {
  return at - ATTRIBUTE_HEADER_BYTES + uint16(data, at - ATTRIBUTE_HEADER_BYTES);
}

/** The errno in an error message or at the end of a dump, positive; 0 is an acknowledgement. EBADMSG if too short. */
export function errorOf(message: Message): number {
  return message.payload.length >= 4 ? -message.payload.readInt32LE(0) : 74; // EBADMSG
}

/** In host order; the caller has checked that it is there. */
function uint16(data: Buffer, at: number): number {
  return data[at]! | (data[at + 1]! << 8);
}

export function align(length: number): number {
  return (length + 3) & ~3;
}
