// The bytes of a connection up to the end of its one request.

import type { CheckedHead, Place, Refusal } from './http-checks.js';
import { checkHead, MAX_HEAD_BYTES, parseHead, refused } from './http-checks.js';
import type { ServiceName } from './services.js';

type ControlHead = Extract<CheckedHead, { kind: 'control' }>;

/** What is known after some bytes. Anything but `incomplete` is the end: no more may be pushed. */
export type Progress =
  /** `continue`: tell the client now that its body is wanted (100, RFC 9110 §15.2.1). */
  | { readonly kind: 'incomplete'; readonly continue: boolean }
  | Extract<CheckedHead, { kind: 'document' }>
  | { readonly kind: 'action'; readonly service: ServiceName; readonly soapAction: string; readonly body: Uint8Array }
  | Refusal;

const LINE_END = Buffer.from('\r\n', 'latin1');
const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');

export class RequestReader {
  readonly #place: Place;
  /** What came of the head; then of the body. */
  #received = Buffer.alloc(0);
  /** The head, if its body is awaited. */
  #head: ControlHead | null = null;

  constructor(place: Place) {
    this.#place = place;
  }

  push(chunk: Uint8Array): Progress {
    this.#received = Buffer.concat([this.#received, chunk]);
    return this.#head === null ? this.#readHead() : this.#readBody(this.#head, false);
  }

  #readHead(): Progress {
    // A server should ignore empty lines before the request (RFC 9112 §2.2).
    let start = 0;
    while (this.#received.subarray(start, start + 2).equals(LINE_END)) start += 2;
    const end = this.#received.indexOf(HEAD_END, start);
    // Of a head that has not ended, three bytes may be of the empty line.
    if ((end < 0 ? this.#received.length - 3 : end) > MAX_HEAD_BYTES) return refused(431, 'too-large');
    if (end < 0) return { kind: 'incomplete', continue: false };
    const head = parseHead(this.#received.subarray(start, end));
    const checked = 'kind' in head ? head : checkHead(head, this.#place);
    if (checked.kind !== 'control') return checked;
    this.#head = checked;
    this.#received = this.#received.subarray(end + HEAD_END.length);
    return this.#readBody(checked, checked.expectsContinue);
  }

  #readBody({ bodyBytes, service, soapAction }: ControlHead, expectsContinue: boolean): Progress {
    if (this.#received.length < bodyBytes) return { kind: 'incomplete', continue: expectsContinue };
    return { kind: 'action', service, soapAction, body: this.#received.subarray(0, bodyBytes) };
  }
}
