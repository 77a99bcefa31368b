// The callers' half of the codec: Requests to bytes, and bytes to Responses. Pure; nothing here throws, whatever the
// bytes. The helper does not load it.

import { attempt, EVENT_KIND, originNumber, originOf, REASON, v1 } from './codec.js';
import type { natpmp } from './generated/helper.js';
import { hexOf } from './ipv6.js';
import type { Lease, Pinhole } from './lease.js';
import { PROTOCOL_NUMBER, protocolOf } from './mapping.js';
import type {
  Distribution,
  Envelope,
  HelperStats,
  ListedLease,
  ListedPinhole,
  Request,
  Response,
  StatusReport,
  Traffic,
} from './messages.js';

/** The longest Response there is, in bytes. */
export const MAX_RESPONSE_BYTES = 65536;

/** The names of these numbers. */
const namesOf = <K extends string>(numbers: Readonly<Record<K, number>>): ReadonlyMap<number, K> =>
  new Map((Object.keys(numbers) as K[]).map((name) => [numbers[name], name]));
const REASON_OF = namesOf(REASON);
const EVENT_KIND_OF = namesOf(EVENT_KIND);

export function encodeRequest(id: number, request: Request, notAfter = 0): Uint8Array {
  return v1.Request.encode(requestFields(id, request, notAfter)).finish();
}

/** Decode a Response; null for anything that is none. */
export function decodeResponse(frame: Uint8Array): Envelope<Response> | null {
  if (frame.length > MAX_RESPONSE_BYTES) return null;
  const message = attempt(() => v1.Response.decode(frame));
  const body = message === null ? null : responseOf(message);
  return message === null || body === null ? null : { id: message.id, body };
}

function requestFields(id: number, request: Request, notAfterMs: number): natpmp.helper.v1.Request.$Properties {
  switch (request.kind) {
    case 'add-mapping':
      return {
        id,
        notAfterMs,
        addMapping: {
          protocol: PROTOCOL_NUMBER[request.protocol],
          internalAddress: request.internalAddress,
          internalPort: request.internalPort,
          externalPort: request.externalPort,
          lifetimeSeconds: request.lifetime,
          origin: originNumber(request.origin),
          tool: request.tool ?? 0,
        },
      };
    case 'remove-mapping': {
      const { protocol, internalAddress, internalPort } = request;
      return { id, notAfterMs, removeMapping: { protocol: PROTOCOL_NUMBER[protocol], internalAddress, internalPort } };
    }
    case 'remove-host-mappings': {
      const { protocol, internalAddress } = request;
      return { id, notAfterMs, removeHostMappings: { protocol: PROTOCOL_NUMBER[protocol], internalAddress } };
    }
    case 'list-mappings': {
      const { after, limit, traffic = false } = request;
      return { id, notAfterMs, listMappings: { after, limit, traffic } };
    }
    case 'add-pinhole':
      return {
        id,
        notAfterMs,
        addPinhole: {
          protocol: PROTOCOL_NUMBER[request.protocol],
          address: Buffer.from(request.address, 'hex'),
          port: request.port,
          lifetimeSeconds: request.lifetime,
          origin: originNumber(request.origin),
          nonce: Buffer.from(request.nonce, 'hex'),
          hardwareAddress: request.hardwareAddress,
        },
      };
    case 'remove-pinhole':
      return {
        id,
        notAfterMs,
        removePinhole: {
          protocol: PROTOCOL_NUMBER[request.protocol],
          address: Buffer.from(request.address, 'hex'),
          port: request.port,
          nonce: Buffer.from(request.nonce, 'hex'),
        },
      };
    case 'list-pinholes': {
      const { after, limit, traffic = false } = request;
      return { id, notAfterMs, listPinholes: { after, limit, traffic } };
    }
    case 'watch':
      return { id, notAfterMs, watch: { pinholes: request.pinholes ?? false } };
    case 'status':
      return { id, notAfterMs, status: {} };
  }
}

function responseOf(message: natpmp.helper.v1.Response.$Properties): Response | null {
  const { granted, removed, hostMappingsRemoved, mappingList, watching, statusReport, refused, event } = message;
  const { pinholeGranted, pinholeList } = message;
  if (granted) {
    const lease = leaseOf(granted);
    return lease === null ? null : { kind: 'granted', lease };
  }
  if (removed) return { kind: 'removed', count: removed.count ?? 0 };
  if (hostMappingsRemoved) {
    return {
      kind: 'host-mappings-removed',
      count: hostMappingsRemoved.count ?? 0,
      kept: hostMappingsRemoved.kept ?? 0,
    };
  }
  if (mappingList) {
    const leases = (mappingList.mappings ?? []).map(listedOf).filter((lease) => lease !== null);
    if (leases.length !== (mappingList.mappings ?? []).length) return null;
    return { kind: 'mapping-list', leases, next: mappingList.next ?? 0 };
  }
  if (pinholeGranted) {
    const pinhole = pinholeOf(pinholeGranted);
    return pinhole === null ? null : { kind: 'pinhole-granted', pinhole };
  }
  if (pinholeList) {
    const pinholes = (pinholeList.pinholes ?? []).map(listedPinholeOf).filter((pinhole) => pinhole !== null);
    if (pinholes.length !== (pinholeList.pinholes ?? []).length) return null;
    return { kind: 'pinhole-list', pinholes, next: Number(pinholeList.next ?? 0) };
  }
  if (watching) return { kind: 'watching', status: statusOf(watching) };
  if (statusReport) return { kind: 'status-report', status: statusOf(statusReport) };
  if (refused) {
    const reason = REASON_OF.get(refused.reason ?? 0);
    return reason === undefined ? null : { kind: 'refused', reason };
  }
  return event ? eventOf(event) : null;
}

function eventOf(message: natpmp.helper.v1.Event.$Properties): Response | null {
  const kind = EVENT_KIND_OF.get(message.kind ?? 0);
  if (kind === undefined) return null;
  const sequence = message.sequence ?? 0;
  if (kind === 'resynchronised' || kind === 'probe') return { kind: 'event', sequence, event: { kind } };
  if (message.pinhole) {
    const pinhole = pinholeOf(message.pinhole);
    return pinhole === null ? null : { kind: 'event', sequence, event: { kind, pinhole } };
  }
  const lease = message.mapping ? leaseOf(message.mapping) : null;
  return lease === null ? null : { kind: 'event', sequence, event: { kind, lease } };
}

function leaseOf(message: natpmp.helper.v1.Mapping.$Properties): Lease | null {
  const protocol = protocolOf(message.protocol ?? 0);
  const origin = originOf(message.origin ?? 0);
  if (protocol === null || origin === null) return null;
  const lease: Lease = {
    protocol,
    internalAddress: message.internalAddress ?? 0,
    internalPort: message.internalPort ?? 0,
    externalPort: message.externalPort ?? 0,
    origin,
    lifetime: message.lifetimeSeconds ?? 0,
    expiresAt: origin === 'static' ? Infinity : Number(message.expiresAtMs ?? 0),
  };
  return message.tool ? { ...lease, tool: message.tool } : lease;
}

function listedOf(message: natpmp.helper.v1.Mapping.$Properties): ListedLease | null {
  const lease = leaseOf(message);
  return lease === null || !message.traffic ? lease : { ...lease, traffic: trafficOf(message.traffic) };
}

function pinholeOf(message: natpmp.helper.v1.Pinhole.$Properties): Pinhole | null {
  const protocol = protocolOf(message.protocol ?? 0);
  const origin = originOf(message.origin ?? 0);
  const address = hexOf(message.address);
  if (protocol === null || origin === null || address.length !== 32) return null;
  return {
    protocol,
    address,
    port: message.port ?? 0,
    origin,
    lifetime: message.lifetimeSeconds ?? 0,
    expiresAt: origin === 'static' ? Infinity : Number(message.expiresAtMs ?? 0),
    hardwareAddress: Number(message.hardwareAddress ?? 0),
  };
}

function listedPinholeOf(message: natpmp.helper.v1.Pinhole.$Properties): ListedPinhole | null {
  const pinhole = pinholeOf(message);
  return pinhole === null || !message.traffic ? pinhole : { ...pinhole, traffic: trafficOf(message.traffic) };
}

function trafficOf({ packets, bytes }: natpmp.helper.v1.Traffic.$Properties): Traffic {
  return { packets: Number(packets ?? 0), bytes: Number(bytes ?? 0) };
}

function statusOf(message: natpmp.helper.v1.StatusReport.$Properties): StatusReport {
  return {
    epochStart: Number(message.epochStartMs ?? 0),
    mappings: message.mappings ?? 0,
    staticMappings: message.staticMappings ?? 0,
    maxMappings: message.maxMappings ?? 0,
    maxMappingsPerHost: message.maxMappingsPerHost ?? 0,
    maxLifetime: message.maxLifetimeSeconds ?? 0,
    journalBytes: Number(message.journalBytes ?? 0),
    kernelInStep: message.kernelInStep ?? false,
    pid: message.pid ?? 0,
    resynchronisations: message.resynchronisations ?? 0,
    startedAt: Number(message.startedAtMs ?? 0),
    ...(message.totals ? { totals: totalsOf(message.totals) } : {}),
    pinholes: message.pinholes ?? 0,
    maxPinholes: message.maxPinholes ?? 0,
    staticPinholes: message.staticPinholes ?? 0,
  };
}

function totalsOf(message: natpmp.helper.v1.Totals.$Properties): HelperStats {
  const { refused, batches, kernel, journal } = message;
  return {
    refused: (refused ?? []).map(Number),
    batches: distributionOf(batches),
    kernel: distributionOf(kernel),
    journal: distributionOf(journal),
  };
}

function distributionOf(message: natpmp.helper.v1.Histogram.$Properties | null | undefined): Distribution {
  return { counts: (message?.counts ?? []).map(Number), sum: message?.sum ?? 0 };
}
