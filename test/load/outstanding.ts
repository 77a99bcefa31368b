// The requests that wait for their replies: a fixed number of places, and what was measured of them. Times are
// arguments.

import { OPCODE } from './mappings.js';

export interface Request {
  readonly host: number;
  readonly opcode: number;
  /** Internal and suggested external port; 0 for an address request, of which a host has one at a time. */
  readonly port: number;
  /** When it was first sent, and when last. */
  since: number;
  sentAt: number;
}

/** A reply carries its request's internal port, and goes to its host: no two outstanding requests share both. */
function keyOf(host: number, opcode: number, port: number): number {
  return (host * 4 + opcode) * 65536 + port;
}

export class Outstanding {
  readonly #waiting = new Map<number, Request>();
  /** Milliseconds, of each request that was answered. */
  readonly #latencies: Float64Array;
  #answered = 0;

  constructor(most: number) {
    this.#latencies = new Float64Array(most);
  }

  get size(): number {
    return this.#waiting.size;
  }

  get answered(): number {
    return this.#answered;
  }

  /** All latencies so far, in ascending order; ends the measurement. */
  latencies(): Float64Array {
    return this.#latencies.subarray(0, this.#answered).sort();
  }

  sent(host: number, opcode: number, port: number, now: number): Request {
    const request = { host, opcode, port, since: now, sentAt: now };
    this.#waiting.set(keyOf(host, opcode, port), request);
    return request;
  }

  /** A reply has come; false if nobody waits for it, as for the second one after a repetition. */
  reply(host: number, opcode: number, port: number, now: number): boolean {
    const key = keyOf(host, opcode, opcode === OPCODE.address ? 0 : port);
    const request = this.#waiting.get(key);
    if (request === undefined) return false;
    this.#waiting.delete(key);
    this.#latencies[this.#answered++] = now - request.since;
    return true;
  }

  /** Requests last sent before this. */
  overdue(before: number): Request[] {
    return [...this.#waiting.values()].filter((request) => request.sentAt < before);
  }
}
