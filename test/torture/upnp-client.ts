// A client that asks by UPnP, one request after the other, for one protocol of one address, and tells the model what was
// said. Each request is a connection of its own, which a process that is killed closes. It always wants the external
// port to be as the internal one: an endpoint is never moved, so what it had is lost only with its mapping.

import type { Host } from '../lab/host.js';
import { act, mapping, type Outcome } from '../lab/control-point.js';
import type { Protocol } from '../lab/natpmp.js';
import type { Counts } from './clients.js';
import type { Endpoint, Model } from './model.js';
import type { Random } from './random.js';
import { between, weighted } from './random.js';

/** How long it waits for an answer, in milliseconds: the gateway waits 3 s for the helper. */
const ANSWER_MS = 5000;
/** Before it asks again, in milliseconds. */
const AGAIN_MS = 50;
const DEADLINE_MS = 120_000;
const ENDPOINTS = 40;
const FIRST_PORT = 5000;
/** For `settle` alone. */
const OWN_PORT = 4500;
const LONG = { from: 3000, to: 80_000 } as const;
const SHORT = { from: 1, to: 4 } as const;
const WORK = { map: 60, 'map-for-a-moment': 25, delete: 22 } as const;
/** Refused, with nothing changed: another host has the port (UPnP error 718). */
const CONFLICT = 718;
/** It is not there (714). */
const NONE = 714;
/** The helper is away, or did not answer in time: the request may be carried out yet (501). */
const FAILED = 501;

export interface PlaceOfClient {
  readonly host: Host;
  readonly address: string;
  readonly gateway: string;
}

export class UpnpClient {
  isStopping = false;
  counts: Counts = { acknowledged: 0, deleted: 0, refused: 0, inDoubt: 0 };
  readonly #place: PlaceOfClient;
  readonly #protocol: Protocol;
  readonly #model: Model;
  readonly #random: Random;

  constructor(place: PlaceOfClient, protocol: Protocol, model: Model, random: Random) {
    this.#place = place;
    this.#protocol = protocol;
    this.#model = model;
    this.#random = random;
  }

  async run(): Promise<void> {
    while (!this.isStopping) await this.#step();
  }

  /** Resolves when the helper has carried out two requests since: whatever was sent before is done. */
  async settle(): Promise<void> {
    await this.#map(OWN_PORT, LONG.from, true);
    await this.#delete(OWN_PORT, true);
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const port = FIRST_PORT + between(random, 0, ENDPOINTS - 1);
    // One of four does not ask again when it is not answered.
    const isPatient = random() < 0.75;
    switch (weighted(random, WORK)) {
      case 'map':
        return this.#map(port, between(random, LONG.from, LONG.to), isPatient);
      case 'map-for-a-moment':
        return this.#map(port, between(random, SHORT.from, SHORT.to), isPatient);
      case 'delete':
        return this.#delete(port, isPatient);
    }
  }

  async #map(port: number, lifetime: number, isPatient: boolean): Promise<void> {
    const endpoint = this.#endpoint(port);
    const since = performance.now();
    this.#model.asking(endpoint, lifetime, since);
    const wish = mapping(this.#name, port, endpoint.address, port, lifetime);
    const answer = await this.#ask('AddPortMapping', wish, [CONFLICT], isPatient);
    if (answer === null) return;
    // What has just ended of somebody else's may still be in the way; nothing has become of the request.
    if (answer.outcome === CONFLICT) this.counts.refused++;
    else {
      this.#model.granted(endpoint, port, lifetime, since, answer.copies, performance.now());
      this.counts.acknowledged++;
    }
  }

  async #delete(port: number, isPatient: boolean): Promise<void> {
    const endpoint = this.#endpoint(port);
    this.#model.deleting(endpoint, performance.now());
    const entry = { NewRemoteHost: '', NewExternalPort: String(port), NewProtocol: this.#name };
    const answer = await this.#ask('DeletePortMapping', entry, [NONE], isPatient);
    if (answer === null) return;
    this.#model.deleted(endpoint);
    this.counts.deleted++;
  }

  /** Resolves with success or one of the expected refusals; null if it was left in doubt. */
  async #ask(
    action: string,
    args: Readonly<Record<string, string>>,
    expected: readonly number[],
    isPatient: boolean,
  ): Promise<{ readonly outcome: Outcome; readonly copies: number } | null> {
    const { host, address, gateway } = this.#place;
    const until = performance.now() + DEADLINE_MS;
    let outcome: Outcome = '';
    for (let copies = 1; performance.now() < until; copies++) {
      outcome = await act(host, action, args, { address: gateway, from: address, withinMs: ANSWER_MS });
      if (typeof outcome === 'object' || expected.includes(outcome as number)) return { outcome, copies };
      if (typeof outcome === 'number' && outcome !== FAILED) throw new Error(`${address}: ${action}: ${outcome}`);
      if (!isPatient) {
        this.counts.inDoubt++;
        return null;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    throw new Error(`${address}: no success within ${DEADLINE_MS} ms for ${action}: ${JSON.stringify(outcome)}`);
  }

  #endpoint(internalPort: number): Endpoint {
    return { protocol: this.#protocol, address: this.#place.address, internalPort };
  }

  get #name(): 'TCP' | 'UDP' {
    return this.#protocol === 'tcp' ? 'TCP' : 'UDP';
  }
}
