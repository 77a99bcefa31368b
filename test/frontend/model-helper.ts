// A helper without kernel and journal: it does what a helper would, and notes whatever no frontend may ask of one.

import { isLanHost } from '../../config/lans.js';
import type { Answer } from '../../proto/client.js';
import type { Request, StatusReport } from '../../proto/codec.js';
import { decodeRequest } from '../../proto/codec.js';
import { encodeRequest } from '../../proto/client-codec.js';
import { inRanges, isPort } from '../../proto/mapping.js';
import { Table } from '../../proto/table.js';
import { CONFIG, LAN, lease } from './support.js';

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
    if (request.kind === 'watch')
      return { kind: 'watching', status: { ...STATUS, epochStart: this.epochStart, mappings: this.table.size } };
    if (request.kind === 'list-mappings') return { kind: 'mapping-list', leases: [...this.table.leases()], next: 0 };
    if (request.kind === 'status')
      return { kind: 'status-report', status: { ...STATUS, epochStart: this.epochStart, mappings: this.table.size } };
    if (request.kind !== 'remove-host-mappings') return { kind: 'refused', reason: 'table-full' };
    const all = this.table.ofHost(request.internalAddress, request.protocol);
    const leases = all.filter(({ origin }) => origin === 'dynamic');
    for (const held of leases) this.table.drop(held);
    return { kind: 'host-mappings-removed', count: leases.length, kept: all.length - leases.length };
  }
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
    case 'remove-pinhole':
    case 'list-pinholes':
    case 'list-mappings':
    case 'watch':
    case 'status':
      return true;
  }
}
