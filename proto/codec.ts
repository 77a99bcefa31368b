// The helper's half of the codec: bytes to Requests, in one wire form only (proto/helper.proto), and Responses to bytes.
// Pure; nothing here throws on hostile input. Whether a value is *allowed* is for helper/validate.ts; here it only has
// to be of its type. The callers' half is client-codec.ts.

import protobuf from 'protobufjs/minimal.js';
import { natpmp } from './generated/helper.js';
import { hexOf } from './ipv6.js';
import type { Origin, Protocol } from './lease.js';
import { PROTOCOL_NUMBER, protocolOf } from './mapping.js';
import type { ListedLease, ListedPinhole, Request, RequestEnvelope, Response, StatusReport } from './messages.js';

export type * from './messages.js';

// The 64 bit fields are milliseconds, far below 2^53: plain numbers, not Long objects.
protobuf.util.Long = null as never;
protobuf.configure();

export const v1 = natpmp.helper.v1;

/** The longest Request, in bytes: AddPinhole with every varint at its longest, with headroom. */
export const MAX_REQUEST_BYTES = 96;
/** The most Requests one ZeroMQ message carries, a frame each. */
export const MAX_FRAMES = 64;
/** The most mappings one page of a list holds; a page of them stays below 64 KiB. */
export const MAX_PAGE = 1000;
/** Page limit with traffic: one kernel lookup each; costs no more than a full plain page. */
export const MAX_TRAFFIC_PAGE = 250;
/** The highest number of a tool (AddMapping). */
const MAX_TOOL = 255;

/** Why the helper refused; the same words in logs, and each once in proto/helper.proto. */
export const REASON = {
  malformed: v1.Reason.REASON_MALFORMED,
  'not-permitted': v1.Reason.REASON_NOT_PERMITTED,
  address: v1.Reason.REASON_ADDRESS,
  port: v1.Reason.REASON_PORT,
  lifetime: v1.Reason.REASON_LIFETIME,
  conflict: v1.Reason.REASON_CONFLICT,
  'host-full': v1.Reason.REASON_HOST_FULL,
  'table-full': v1.Reason.REASON_TABLE_FULL,
  kernel: v1.Reason.REASON_KERNEL,
  'too-many-watchers': v1.Reason.REASON_TOO_MANY_WATCHERS,
  late: v1.Reason.REASON_LATE,
  rate: v1.Reason.REASON_RATE,
  nonce: v1.Reason.REASON_NONCE,
} as const;
export type Reason = keyof typeof REASON;

export const EVENT_KIND = {
  granted: v1.Event.Kind.KIND_GRANTED,
  renewed: v1.Event.Kind.KIND_RENEWED,
  removed: v1.Event.Kind.KIND_REMOVED,
  expired: v1.Event.Kind.KIND_EXPIRED,
  resynchronised: v1.Event.Kind.KIND_RESYNCHRONISED,
  probe: v1.Event.Kind.KIND_PROBE,
} as const;

/** Decode a Request; null for every frame that `encodeRequest` of client-codec.ts would not have written. */
export function decodeRequest(frame: Uint8Array): RequestEnvelope | null {
  if (frame.length > MAX_REQUEST_BYTES) return null;
  const message = attempt(() => v1.Request.decode(frame));
  const body = message === null ? null : requestOf(message);
  if (message === null || body === null || message.id === 0) return null;
  // Unknown, repeated, reordered and explicit default fields all decode; only the canonical form encodes to itself.
  if (Buffer.compare(v1.Request.encode(message).finish(true), frame) !== 0) return null;
  return { id: message.id, body, notAfter: Number(message.notAfterMs) };
}

export function encodeResponse(id: number, response: Response): Uint8Array {
  return v1.Response.encode(responseFields(id, response)).finish();
}

// Objects are written out field by field, here and wherever every request passes: under --jitless, to spread one into
// another takes several times as long as to encode or decode it.

function requestOf(message: natpmp.helper.v1.Request.$Properties): Request | null {
  // All bodies that were sent are decoded; id and time limit are no objects.
  if (Object.values(message).filter((value) => typeof value === 'object').length !== 1) return null;
  const { addMapping, removeMapping, removeHostMappings, listMappings } = message;
  if (message.watch) return message.watch.pinholes === true ? { kind: 'watch', pinholes: true } : { kind: 'watch' };
  if (message.status) return { kind: 'status' };
  const list = listMappings ?? message.listPinholes;
  if (list) {
    const kind = listMappings ? 'list-mappings' : 'list-pinholes';
    const page = { kind, after: Number(list.after ?? 0), limit: list.limit ?? 0 } as const;
    return list.traffic === true ? { ...page, traffic: true } : page;
  }
  const pinhole = message.addPinhole ?? message.removePinhole;
  const protocol = protocolOf((addMapping ?? removeMapping ?? removeHostMappings ?? pinhole)?.protocol ?? 0);
  if (protocol === null) return null;
  if (pinhole) return pinholeRequestOf(protocol, message);
  if (addMapping) {
    const origin = originOf(addMapping.origin ?? 0);
    const tool = addMapping.tool ?? 0;
    if (origin === null || tool > MAX_TOOL) return null;
    const request: Request = {
      kind: 'add-mapping',
      protocol,
      internalAddress: addMapping.internalAddress ?? 0,
      internalPort: addMapping.internalPort ?? 0,
      externalPort: addMapping.externalPort ?? 0,
      lifetime: addMapping.lifetimeSeconds ?? 0,
      origin,
    };
    return tool === 0 ? request : { ...request, tool };
  }
  if (removeMapping) {
    const { internalAddress, internalPort } = removeMapping;
    return { kind: 'remove-mapping', protocol, internalAddress: internalAddress ?? 0, internalPort: internalPort ?? 0 };
  }
  return { kind: 'remove-host-mappings', protocol, internalAddress: removeHostMappings?.internalAddress ?? 0 };
}

function pinholeRequestOf(
  protocol: Protocol,
  { addPinhole, removePinhole }: natpmp.helper.v1.Request.$Properties,
): Request | null {
  const fields = addPinhole ?? removePinhole ?? {};
  const [address, nonce, port] = [hexOf(fields.address), hexOf(fields.nonce), fields.port ?? 0];
  if (address.length !== 32 || (nonce !== '' && nonce.length !== 24)) return null;
  if (!addPinhole) return { kind: 'remove-pinhole', protocol, address, port, nonce };
  const origin = originOf(addPinhole.origin ?? 0);
  const hardwareAddress = Number(addPinhole.hardwareAddress ?? 0);
  if (origin === null || hardwareAddress >= 2 ** 48) return null;
  const lifetime = addPinhole.lifetimeSeconds ?? 0;
  return { kind: 'add-pinhole', protocol, address, port, lifetime, origin, nonce, hardwareAddress };
}

function responseFields(id: number, response: Response): natpmp.helper.v1.Response.$Properties {
  switch (response.kind) {
    case 'granted':
      return { id, granted: leaseFields(response.lease) };
    case 'removed':
      return { id, removed: { count: response.count } };
    case 'host-mappings-removed':
      return { id, hostMappingsRemoved: { count: response.count, kept: response.kept } };
    case 'mapping-list':
      return { id, mappingList: { mappings: response.leases.map(leaseFields), next: response.next } };
    case 'pinhole-granted':
      return { id, pinholeGranted: pinholeFields(response.pinhole) };
    case 'pinhole-list':
      return { id, pinholeList: { pinholes: response.pinholes.map(pinholeFields), next: response.next } };
    case 'watching':
      return { id, watching: statusFields(response.status) };
    case 'status-report':
      return { id, statusReport: statusFields(response.status) };
    case 'refused':
      return { id, refused: { reason: REASON[response.reason] } };
    case 'event':
      return { id, event: eventFields(response) };
  }
}

function eventFields({ sequence, event }: Extract<Response, { kind: 'event' }>): natpmp.helper.v1.Event.$Properties {
  const mapping = 'lease' in event ? leaseFields(event.lease) : null;
  const pinhole = 'pinhole' in event ? pinholeFields(event.pinhole) : null;
  return { kind: EVENT_KIND[event.kind], mapping, sequence, pinhole };
}

function leaseFields(lease: ListedLease): natpmp.helper.v1.Mapping.$Properties {
  return {
    protocol: PROTOCOL_NUMBER[lease.protocol],
    internalAddress: lease.internalAddress,
    internalPort: lease.internalPort,
    externalPort: lease.externalPort,
    lifetimeSeconds: lease.lifetime,
    origin: originNumber(lease.origin),
    expiresAtMs: lease.origin === 'static' ? 0 : lease.expiresAt,
    traffic: lease.traffic ?? null,
    tool: lease.tool ?? 0,
  };
}

function pinholeFields(pinhole: ListedPinhole): natpmp.helper.v1.Pinhole.$Properties {
  return {
    protocol: PROTOCOL_NUMBER[pinhole.protocol],
    address: Buffer.from(pinhole.address, 'hex'),
    port: pinhole.port,
    lifetimeSeconds: pinhole.lifetime,
    origin: originNumber(pinhole.origin),
    expiresAtMs: pinhole.origin === 'static' ? 0 : pinhole.expiresAt,
    hardwareAddress: pinhole.hardwareAddress,
    traffic: pinhole.traffic ?? null,
  };
}

function statusFields(status: StatusReport): natpmp.helper.v1.StatusReport.$Properties {
  const { epochStart: epochStartMs, maxLifetime: maxLifetimeSeconds, startedAt: startedAtMs, ...others } = status;
  // The names of the others, and of what is in `totals`, are those of the message.
  const fields = { ...others, epochStartMs, maxLifetimeSeconds, startedAtMs };
  return fields as natpmp.helper.v1.StatusReport.$Properties;
}

export function originNumber(origin: Origin): number {
  return origin === 'static' ? v1.Origin.ORIGIN_STATIC : v1.Origin.ORIGIN_DYNAMIC;
}

export function originOf(number: number): Origin | null {
  return number === v1.Origin.ORIGIN_STATIC ? 'static' : number === v1.Origin.ORIGIN_DYNAMIC ? 'dynamic' : null;
}

/** protobufjs throws if it cannot read the bytes; here that is one more way to be no message. */
export function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
