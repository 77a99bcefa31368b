// The bytes of a connection up to the end of its one request.

import type { CheckedHead, Place, Refusal } from './checks.js';
import { checkHead, MAX_HEAD_BYTES, parseHead, refused } from './checks.js';
import type { ServiceName } from '../igd/services.js';

type ControlHead = Extract<CheckedHead, { kind: 'control' }>;

/** What is known after some bytes. Anything but `incomplete` is the end: no more may be pushed. */
export type Progress =
  /** `continue`: tell the client now that its body is wanted (100, RFC 9110 §15.2.1). */
  | { readonly kind: 'incomplete'; readonly continue: boolean }
  | Extract<CheckedHead, { kind: 'document' }>
  | { readonly kind: 'action'; readonly service: ServiceName; readonly soapAction: string; readonly body: Uint8Array }
  | Refusal;

const [CR, LF] = [0x0d, 0x0a];
/** A server should ignore one before the request (RFC 9112 §2.2). */
const MAX_EMPTY_LINES = 4;
const FIRST_BYTES = 1024;
const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');

/** In whatever pieces they come, the bytes of a request are copied once or twice, and looked at once: time grows as they do. */
export class RequestReader {
  readonly #place: Place;
  /** What came is in the first `#length` bytes. */
  #bytes = Buffer.alloc(FIRST_BYTES);
  #length = 0;
  /** Where the head begins; then where the body does. */
  #start = 0;
  #emptyLines = 0;
  /** The end of the head is not before this. */
  #searched = 0;
  /** The head, if its body is awaited. */
  #head: ControlHead | null = null;

  constructor(place: Place) {
    this.#place = place;
  }

  push(chunk: Uint8Array): Progress {
    this.#append(chunk);
    return this.#head === null ? this.#readHead() : this.#readBody(this.#head, false);
  }

  #append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = length;
  }

  #readHead(): Progress {
    const received = this.#bytes.subarray(0, this.#length);
    while (received[this.#start] === CR && received[this.#start + 1] === LF) {
      if (++this.#emptyLines > MAX_EMPTY_LINES) return refused(400, 'bad-request');
      this.#start += 2;
    }
    const end = received.indexOf(HEAD_END, Math.max(this.#start, this.#searched));
    // Of a head that has not ended, three bytes may be of the empty line.
    this.#searched = Math.max(0, received.length - (HEAD_END.length - 1));
    if ((end < 0 ? this.#searched : end) > MAX_HEAD_BYTES) return refused(431, 'too-large');
    if (end < 0) return { kind: 'incomplete', continue: false };
    const head = parseHead(received.subarray(this.#start, end));
    const checked = 'kind' in head ? head : checkHead(head, this.#place);
    if (checked.kind !== 'control') return checked;
    this.#head = checked;
    this.#start = end + HEAD_END.length;
    return this.#readBody(checked, checked.expectsContinue);
  }

  #readBody({ bodyBytes, service, soapAction }: ControlHead, expectsContinue: boolean): Progress {
    const end = this.#start + bodyBytes;
    if (this.#length < end) return { kind: 'incomplete', continue: expectsContinue };
    return { kind: 'action', service, soapAction, body: this.#bytes.subarray(this.#start, end) };
  }
}
