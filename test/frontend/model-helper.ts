// A helper without kernel and journal: it does what a helper would, and notes whatever no frontend may ask of one.

import { isLanHost } from '../../config/lans.js';
import type { Answer } from '../../proto/client.js';
import type { AddPinhole, Request, StatusReport } from '../../proto/codec.js';
import { decodeRequest } from '../../proto/codec.js';
import { encodeRequest } from '../../proto/client-codec.js';
import type { Pinhole, PinholeEndpoint } from '../../proto/mapping.js';
import { inRanges, isPort } from '../../proto/mapping.js';
import { Table } from '../../proto/table.js';
import { CONFIG, LAN, lease, NOW } from './support.js';

export const STATUS: StatusReport = {
  epochStart: 0,
  mappings: 0,
  staticMappings: 0,
  maxMappings: 0,
  maxMappingsPerHost: 0,
  maxLifetime: 0,
  journalBytes: 0,
  kernelInStep: true,
  pid: 1,
  resynchronisations: 0,
  startedAt: 0,
  pinholes: 0,
  maxPinholes: 0,
  staticPinholes: 0,
};

/** What a helper would do, and what it must never be asked. */
export class ModelHelper {
  readonly table = new Table();
  /** By protocol, address and port. */
  readonly pinholes = new Map<string, Pinhole & { readonly nonce: string }>();
  epochStart = 0;
  readonly outsidePolicy: Request[] = [];
  asked = 0;

  ask(request: Request): Promise<Answer> {
    this.note(request);
    return Promise.resolve(this.answer(request));
  }

  /** Note that this was asked, and whether it may be. */
  note(request: Request): void {
    this.asked++;
    if (decodeRequest(encodeRequest(1, request)) === null || !isWithinPolicy(request)) this.outsidePolicy.push(request);
  }

  /** The answer, on the spot. */
  answer(request: Request): Answer {
    if (request.kind === 'add-mapping') {
      const held = this.table.byEndpoint(request);
      const externalPort = held?.externalPort ?? request.externalPort;
      if (held?.origin === 'static') return { kind: 'granted', lease: held };
      if (!this.table.isAvailable(request, externalPort)) return { kind: 'refused', reason: 'conflict' };
      const { protocol, internalAddress, internalPort, lifetime } = request;
      const granted = lease({ protocol, internalAddress, internalPort, externalPort }, { lifetime });
      this.table.put(granted);
      const isBeyond = this.table.count(internalAddress) > CONFIG.maxMappings;
      if (held === undefined && isBeyond) this.outsidePolicy.push(request);
      return { kind: 'granted', lease: granted };
    }
    if (request.kind === 'remove-mapping') {
      const held = this.table.byEndpoint(request);
      if (held?.origin === 'static') return { kind: 'refused', reason: 'not-permitted' };
      if (held !== undefined) this.table.drop(held);
      return { kind: 'removed', count: held === undefined ? 0 : 1 };
    }
    if (request.kind === 'add-pinhole') return this.#addPinhole(request);
    if (request.kind === 'remove-pinhole') {
      const held = this.pinholes.get(endpointOf(request));
      if (held?.origin === 'static') return { kind: 'refused', reason: 'not-permitted' };
      if (held !== undefined && held.nonce !== request.nonce) return { kind: 'refused', reason: 'nonce' };
      return { kind: 'removed', count: this.pinholes.delete(endpointOf(request)) ? 1 : 0 };
    }
    if (request.kind === 'list-pinholes')
      return { kind: 'pinhole-list', pinholes: [...this.pinholes.values()].map(withoutNonce), next: 0 };
    if (request.kind === 'watch') return { kind: 'watching', status: this.#status };
    if (request.kind === 'list-mappings') return { kind: 'mapping-list', leases: [...this.table.leases()], next: 0 };
    if (request.kind === 'status') return { kind: 'status-report', status: this.#status };
    const all = this.table.ofHost(request.internalAddress, request.protocol);
    const leases = all.filter(({ origin }) => origin === 'dynamic');
    for (const held of leases) this.table.drop(held);
    return { kind: 'host-mappings-removed', count: leases.length, kept: all.length - leases.length };
  }

  get #status(): StatusReport {
    const { epochStart, table, pinholes } = this;
    return { ...STATUS, epochStart, mappings: table.size, pinholes: pinholes.size, maxPinholes: 16384 };
  }

  #addPinhole(request: AddPinhole): Answer {
    const { kind: _, ...asked } = request;
    const held = this.pinholes.get(endpointOf(request));
    if (held?.origin === 'static') return { kind: 'pinhole-granted', pinhole: withoutNonce(held) };
    if (held !== undefined && held.nonce !== request.nonce) return { kind: 'refused', reason: 'nonce' };
    const granted = { ...asked, expiresAt: NOW + 1000 * request.lifetime };
    this.pinholes.set(endpointOf(request), granted);
    const own = [...this.pinholes.values()].filter((one) => one.hardwareAddress === request.hardwareAddress);
    if (held === undefined && own.length > CONFIG.maxMappings) this.outsidePolicy.push(request);
    return { kind: 'pinhole-granted', pinhole: withoutNonce(granted) };
  }
}

function endpointOf({ protocol, address, port }: PinholeEndpoint): string {
  return `${protocol} ${address} ${port}`;
}

function withoutNonce({ nonce: _, ...pinhole }: Pinhole & { readonly nonce: string }): Pinhole {
  return pinhole;
}

function isWithinPolicy(request: Request): boolean {
  switch (request.kind) {
    case 'add-mapping':
      return (
        isLanHost(LAN, request.internalAddress) &&
        isPort(request.internalPort) &&
        inRanges(CONFIG.ports, request.externalPort) &&
        request.origin === 'dynamic' &&
        request.lifetime >= 1 &&
        request.lifetime <= CONFIG.maxLifetime
      );
    case 'remove-mapping':
      return isLanHost(LAN, request.internalAddress) && isPort(request.internalPort);
    case 'remove-host-mappings':
      return isLanHost(LAN, request.internalAddress);
    case 'add-pinhole':
      return (
        /^[23][0-9a-f]{31}$/.test(request.address) &&
        inRanges(CONFIG.pinholePorts, request.port) &&
        request.origin === 'dynamic' &&
        request.lifetime >= 1 &&
        request.lifetime <= 7200 &&
        /^[0-9a-f]{24}$/.test(request.nonce)
      );
    case 'remove-pinhole':
      return /^[23][0-9a-f]{31}$/.test(request.address) && isPort(request.port);
    case 'list-pinholes':
    case 'list-mappings':
    case 'watch':
    case 'status':
      return true;
  }
}
