// The descriptions of mappings, as their hosts wrote them: in memory only, because the helper keeps no texts. They are
// for lists alone; nothing is decided by them.

import type { LeaseReplica } from '../../caller/lease-replica.js';
import { plainText } from '../../caller/plain-text.js';
import type { Event } from '../../proto/codec.js';
import type { Endpoint, Mapping, Protocol } from '../../proto/mapping.js';
import { portIndex } from '../../proto/mapping.js';

/** How much of a description is kept, in characters. */
const MAX_CHARACTERS = 64;
/** Entries beyond the number of mappings before those without a mapping are dropped. */
const SLACK = 256;

export interface Described {
  readonly protocol: Protocol;
  readonly externalPort: number;
  readonly description: string;
}

interface Entry extends Mapping {
  readonly text: string;
}

/**
 * Keyed by protocol and external port, and good for one endpoint. Memory: 64 characters for each mapping that the replica
 * holds.
 */
export class Descriptions {
  readonly #leases: LeaseReplica;
  readonly #entries = new Map<number, Entry>();

  constructor(leases: LeaseReplica) {
    this.#leases = leases;
  }

  /** Keep the text of a mapping; an empty one is not kept. Control and format characters are dropped. */
  set(mapping: Mapping, text: string): void {
    const plain = plainText(text, MAX_CHARACTERS);
    const key = portIndex(mapping.protocol, mapping.externalPort);
    if (plain === '') {
      this.#entries.delete(key);
      return;
    }
    const { protocol, internalAddress, internalPort, externalPort } = mapping;
    this.#entries.set(key, { protocol, internalAddress, internalPort, externalPort, text: plain });
    if (this.#entries.size > this.#leases.size + SLACK) this.#sweep();
  }

  /** The text of a mapping; empty if none is known. */
  get(mapping: Mapping): string {
    const entry = this.#entries.get(portIndex(mapping.protocol, mapping.externalPort));
    return entry !== undefined && isOf(entry, mapping) ? entry.text : '';
  }

  /** Forget what no longer is: a mapping that has ended, or its external port has another endpoint now. */
  apply(event: Event): void {
    if (!('lease' in event)) return;
    const { kind, lease } = event;
    const entry = this.#entries.get(portIndex(lease.protocol, lease.externalPort));
    if (entry === undefined) return;
    // The old endpoint's end may be told after the port was given to the new one.
    const isEnd = kind === 'removed' || kind === 'expired';
    if (isEnd === isOf(entry, lease)) this.forget(entry);
  }

  /** Forget the text of a mapping that has ended. */
  forget(mapping: Mapping): void {
    const key = portIndex(mapping.protocol, mapping.externalPort);
    const entry = this.#entries.get(key);
    if (entry !== undefined && isOf(entry, mapping)) this.#entries.delete(key);
  }

  /** Of the mappings that are in force, those of TCP first, each by external port. */
  list(): readonly Described[] {
    this.#sweep();
    return [...this.#entries]
      .sort(([a], [b]) => a - b)
      .map(([, { protocol, externalPort, text }]) => ({ protocol, externalPort, description: text }));
  }

  /** Events can be lost; then entries are left whose mapping has gone. */
  #sweep(): void {
    for (const [key, entry] of this.#entries) {
      const lease = this.#leases.mappingAt(entry.protocol, entry.externalPort);
      if (lease === undefined || !isOf(entry, lease)) this.#entries.delete(key);
    }
  }
}

function isOf(entry: Entry, { internalAddress, internalPort }: Endpoint): boolean {
  return entry.internalAddress === internalAddress && entry.internalPort === internalPort;
}
