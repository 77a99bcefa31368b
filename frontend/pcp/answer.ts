// The whole path of a PCP request, in reading order: datagram -> decode -> decide -> ask -> encode. Never throws on a
// datagram. When it is silent and when it tells an error is as in NAT-PMP (frontend/answer.ts): what may pass is waited
// for, for three seconds, and told after half a minute.

import type { Ipv6, PinholeEndpoint } from '../../proto/mapping.js';
import type { RateLimiter } from '../../proto/token-bucket.js';
import type { AnswerContext, Reply } from '../answer.js';
import { errorSssoe, isLasting, knownSssoe } from '../answer.js';
import type { PolicyConfig } from '../config.js';
import type { Counter, PcpOpcode } from '../counters.js';
import type { PendingRequest } from '../in-flight.js';
import { isPassing, PATIENCE_MS, untilItMayPass } from '../../caller/waiting.js';
import type { Device } from '../../caller/route/devices.js';
import { isGlobalUnicast } from '../../caller/ipv6-addresses.js';
import type { PcpOutcome } from './outcome.js';
import { pcpOutcome } from './outcome.js';
import type { DeviceKey, PinholeReplica } from '../../caller/pinhole-replica.js';
import { deviceKey } from '../../caller/pinhole-replica.js';
import { decidePinhole, pinholeLifetime } from './policy.js';
import type { PcpDeleteRequest, PcpErrorName, PcpMapRequest } from './wire.js';
import { decodePcp, encodeAnnounce, encodeDeleted, encodeGranted, encodePcpError, epochTime } from './wire.js';

/** What a responder works with. */
export interface PcpContext
  extends Pick<AnswerContext, 'state' | 'helper' | 'inFlight' | 'counters' | 'clock' | 'schedule' | 'startedAtMs'> {
  /** A reload replaces it: read it for every request. */
  readonly config: PolicyConfig;
  readonly pinholes: PinholeReplica;
  /** By device. */
  readonly newPinholes: RateLimiter;
  /** Whether packets for the host leave by this interface (route/lan-hosts.ts). */
  readonly isLanHost: (interfaceIndex: number, host: Ipv6) => boolean;
  /** Which device the host is (route/devices.ts). */
  readonly findDevice: (interfaceIndex: number, host: Ipv6) => Device;
  /** Let the kernel ask for the host's hardware address. */
  readonly resolve: (interfaceIndex: number, host: Ipv6) => void;
  /** How many requests wait for hardware addresses. */
  readonly resolving: { count: number };
}

/** As frontend/answer.ts has it. The datagram is valid only until the function returns. */
export type PcpResponder = (
  datagram: Uint8Array,
  source: Ipv6,
  isThrottled: boolean,
  interfaceIndex: number,
) => Reply | Promise<Reply>;

/** Who has asked, at which socket, and what. */
interface Asker {
  readonly host: Ipv6;
  readonly interfaceIndex: number;
  readonly isThrottled: boolean;
  readonly datagram: Uint8Array;
  /** How long the request may wait, in milliseconds of the clock. */
  readonly endMs: number;
}

/** Pauses before the kernel's neighbour table is read again for a host that it does not know, in milliseconds. */
const RESOLVE_PAUSES_MS = [5, 10, 20, 40, 80, 160, 320, 640, 1280];

/**
 * Requests that may wait for hardware addresses at once: a device can ask from more addresses than there are places for
 * all that wait, and none of them ever becomes known. About as many as the kernel asks for at the same time
 * (datagrams.ts: UNRESOLVED_BYTES).
 */
const MAX_RESOLVING = 64;

/** How long to expect the same answer if the end of another's pinhole is not known, in seconds. */
const UNKNOWN_END_SECONDS = 30;

/** Answers datagrams. The reply is a promise only if something must be waited for. */
export function createPcpResponder(context: PcpContext): PcpResponder {
  const { counters } = context;
  return (datagram, host, isThrottled, interfaceIndex) => {
    const decoded = decodePcp(datagram, host);
    if (decoded.kind === 'drop') return silence(decoded.why, context);
    if (!context.isLanHost(interfaceIndex, host)) return silence('off-lan', context);
    if (decoded.kind === 'error') return error(datagram, decoded.result, 'pcp-other', context);
    if (decoded.kind === 'announce') {
      const sssoe = knownSssoe(context);
      if (sssoe !== null) {
        counters.countPcpReply('pcp-announce', 'SUCCESS');
        return encodeAnnounce(epochTime(sssoe));
      }
      if (isLasting(context.state.helperLostAtMs, context))
        return error(datagram, 'NETWORK_FAILURE', 'pcp-announce', context);
      return silence('no-epoch', context);
    }
    // A copy, because the reply has parts of it and may have to wait.
    const endMs = context.clock() + PATIENCE_MS;
    const asker = { host, interfaceIndex, isThrottled, datagram: new Uint8Array(datagram), endMs };
    if (!isGlobalUnicast(host)) return error(datagram, 'NOT_AUTHORIZED', opcodeOf(decoded), context);
    if (decoded.kind === 'map') return answerMap(decoded, asker, context);
    if (decoded.endpoint === null) return deleted(asker, context); // nobody has such a mapping
    const { protocol, port } = decoded.endpoint;
    return answerDelete(decoded, { protocol, address: host, port }, asker, context);
  };
}

function answerMap(request: PcpMapRequest, asker: Asker, context: PcpContext): Reply | Promise<Reply> {
  const { host, interfaceIndex, isThrottled, datagram } = asker;
  const { pinholes, config, counters } = context;
  const endpoint: PinholeEndpoint = { protocol: request.protocol, address: host, port: request.port };
  const held = pinholes.get(endpoint);
  if (!context.state.isHelperReady)
    return whenReady(pendingRequest(endpoint, held === undefined, isThrottled), asker, 'pcp-map', context, () =>
      answerMap(request, asker, context),
    );
  // First, because in a flood most requests end here.
  if (context.inFlight.isFull(isThrottled)) return silence('shed', context);
  // The hardware address that the helper has been told is looked up again only if a rule needs it.
  const needsDevice = !held?.hardwareAddress || config.rules.some(({ who }) => who.kind === 'mac');
  const device = needsDevice ? context.findDevice(interfaceIndex, host) : held.hardwareAddress;
  if (device === 'unresolved') return whenResolved(request, endpoint, asker, context);
  const key = deviceKey({ hardwareAddress: device, address: host });
  const isReserved = held === undefined && pinholes.isReserved(endpoint);
  const verdict = decidePinhole(request, held, isReserved, pinholes.count(key), device, config);
  if (verdict.kind === 'refuse') {
    if (verdict.result === 'USER_EX_QUOTA') counters.count('over-quota');
    return error(datagram, verdict.result, 'pcp-map', context);
  }
  // Silence, not an error: clients retransmit, but some give up for good after an error.
  const pending = pendingRequest(endpoint, verdict.kind === 'allocate', isThrottled);
  if (!context.inFlight.enter(pending)) return silence('shed', context);
  if (pending.isAllocation && !context.newPinholes.take(bucketOf(key), context.clock())) {
    context.inFlight.leave(pending);
    return silence('rate-limited', context);
  }
  const lifetime = pinholeLifetime(request.lifetime, verdict.grant);
  return add(request, endpoint, { device, lifetime, isNew: held === undefined }, pending, asker, context);
}

async function add(
  request: PcpMapRequest,
  endpoint: PinholeEndpoint,
  { device, lifetime, isNew }: { device: number; lifetime: number; isNew: boolean },
  pending: PendingRequest,
  asker: Asker,
  context: PcpContext,
): Promise<Reply> {
  const { pinholes, inFlight, counters } = context;
  const { protocol, port, nonce } = request;
  // Field by field, here and in `remove`, as in proto/codec.ts.
  const addition = {
    kind: 'add-pinhole',
    protocol,
    address: endpoint.address,
    port,
    lifetime,
    origin: 'dynamic',
    nonce,
    hardwareAddress: device,
  } as const;
  inFlight.overtake(pending);
  if (isNew) pinholes.reserve(endpoint, deviceKey({ hardwareAddress: device, address: endpoint.address }));
  try {
    let answer = await context.helper.ask(addition);
    while (isPassing(answer) && context.clock() < asker.endMs) {
      await untilItMayPass(asker.endMs, context);
      if (pending.isOvertaken) return silence('helper-away', context);
      // The pinhole to renew has ended meanwhile: the client asks again, and that is then a request for a new one.
      if (!isNew && pinholes.get(endpoint) === undefined) return silence('helper-away', context);
      answer = await context.helper.ask(addition);
    }
    // `ask` resolves before the next event is read, so this cannot undo a later change.
    if (answer.kind === 'pinhole-granted') pinholes.put(answer.pinhole);
    const outcome = pcpOutcome('map', answer);
    if (outcome?.kind !== 'granted') return notGranted(outcome, endpoint, asker, 'pcp-map', context);
    const epoch = replyEpoch(context);
    if (epoch === null) return silence('no-epoch', context);
    counters.countPcpReply('pcp-map', 'SUCCESS');
    // A static pinhole has no end: its client renews like any other.
    return encodeGranted(asker.datagram, request, Math.min(lifetime, outcome.lifetime), epoch);
  } finally {
    if (isNew) pinholes.release(endpoint);
    inFlight.leave(pending);
  }
}

function answerDelete(
  request: PcpDeleteRequest,
  endpoint: PinholeEndpoint,
  asker: Asker,
  context: PcpContext,
): Reply | Promise<Reply> {
  const pending = pendingRequest(endpoint, false, asker.isThrottled);
  if (!context.state.isHelperReady)
    return whenReady(pending, asker, 'pcp-delete', context, () => answerDelete(request, endpoint, asker, context));
  if (!context.inFlight.enter(pending)) return silence('shed', context);
  return remove(request, endpoint, pending, asker, context);
}

async function remove(
  { nonce }: PcpDeleteRequest,
  endpoint: PinholeEndpoint,
  pending: PendingRequest,
  asker: Asker,
  context: PcpContext,
): Promise<Reply> {
  const { protocol, address, port } = endpoint;
  context.inFlight.overtake(pending);
  try {
    for (;;) {
      const answer = await context.helper.ask({ kind: 'remove-pinhole', protocol, address, port, nonce });
      if (answer.kind === 'removed') context.pinholes.forget(endpoint);
      if (!isPassing(answer) || context.clock() >= asker.endMs) {
        const outcome = pcpOutcome('delete', answer);
        return outcome?.kind === 'deleted'
          ? deleted(asker, context)
          : notGranted(outcome, endpoint, asker, 'pcp-delete', context);
      }
      await untilItMayPass(asker.endMs, context);
      if (pending.isOvertaken) return silence('helper-away', context);
    }
  } finally {
    context.inFlight.leave(pending);
  }
}

/** Wait for the helper, and answer then. Those that wait are bounded as those that are in flight. */
function whenReady(
  pending: PendingRequest,
  { datagram, endMs }: Asker,
  opcode: PcpOpcode,
  context: PcpContext,
  answer: () => Reply | Promise<Reply>,
): Reply | Promise<Reply> {
  const { state, inFlight } = context;
  if (isLasting(state.helperLostAtMs, context)) return error(datagram, 'NETWORK_FAILURE', opcode, context);
  if (!inFlight.enter(pending)) return silence('shed', context);
  return state.helperReady(endMs - context.clock()).then(() => {
    inFlight.leave(pending);
    return state.isHelperReady ? answer() : silence('helper-away', context);
  });
}

/**
 * Wait until the kernel knows the hardware address, and answer then. Without it, a device could hold a quota of pinholes
 * for every address that it makes up. A host that is there is known after a few milliseconds.
 */
async function whenResolved(
  request: PcpMapRequest,
  endpoint: PinholeEndpoint,
  asker: Asker,
  context: PcpContext,
): Promise<Reply> {
  const { host, interfaceIndex, isThrottled, endMs } = asker;
  const { resolving, inFlight } = context;
  const pending = pendingRequest(endpoint, true, isThrottled);
  if (isThrottled || resolving.count >= MAX_RESOLVING || !inFlight.enter(pending)) return silence('shed', context);
  resolving.count++;
  context.resolve(interfaceIndex, host);
  let isResolved = false;
  for (const pauseMs of RESOLVE_PAUSES_MS) {
    await new Promise<void>((resolve) => void context.schedule(pauseMs, resolve));
    isResolved = context.findDevice(interfaceIndex, host) !== 'unresolved';
    if (isResolved || context.clock() >= endMs) break;
  }
  inFlight.leave(pending);
  resolving.count--;
  // What the client asked later has been answered, perhaps a deletion.
  if (pending.isOvertaken) return silence('unresolved', context);
  return isResolved ? answerMap(request, asker, context) : silence('unresolved', context);
}

function pendingRequest({ address, protocol, port }: PinholeEndpoint, isAllocation: boolean, isThrottled: boolean) {
  return { host: address, protocol, internalPort: port, isAllocation, isThrottled, isOvertaken: false };
}

function opcodeOf({ kind }: PcpMapRequest | PcpDeleteRequest): PcpOpcode {
  return kind === 'map' ? 'pcp-map' : 'pcp-delete';
}

function deleted({ datagram }: Asker, context: PcpContext): Reply {
  const epoch = replyEpoch(context);
  if (epoch === null) return silence('no-epoch', context);
  context.counters.countPcpReply('pcp-delete', 'SUCCESS');
  return encodeDeleted(datagram, epoch);
}

/** The reply to what the helper did not do. */
function notGranted(
  outcome: PcpOutcome | null,
  endpoint: PinholeEndpoint,
  { datagram }: Asker,
  opcode: PcpOpcode,
  context: PcpContext,
): Reply {
  if (outcome === null) return silence('helper-away', context);
  const { result, isAnothers = false } = outcome.kind === 'error' ? outcome : ({ result: 'NETWORK_FAILURE' } as const);
  if (!isAnothers) return error(datagram, result, opcode, context);
  const restMs = (context.pinholes.get(endpoint)?.expiresAt ?? -Infinity) - context.clock();
  const rest = Number.isFinite(restMs) && restMs > 0 ? Math.ceil(restMs / 1000) : UNKNOWN_END_SECONDS;
  return error(datagram, result, opcode, context, rest);
}

function error(
  datagram: Uint8Array,
  result: PcpErrorName,
  opcode: PcpOpcode,
  context: PcpContext,
  lifetime?: number,
): Reply {
  const epoch = replyEpoch(context);
  if (epoch === null) return silence('no-epoch', context);
  context.counters.countPcpReply(opcode, result);
  return encodePcpError(datagram, result, epoch, lifetime);
}

/** At the time of the reply, not of the request. */
function replyEpoch(context: PcpContext): number | null {
  const sssoe = errorSssoe(context);
  return sssoe === null ? null : epochTime(sssoe);
}

/** The bucket of a device in the rate limiter, which folds numbers of 32 bits. */
function bucketOf(key: DeviceKey): number {
  if (typeof key === 'number') return key % 2 ** 32;
  return [0, 8, 16, 24].reduce((folded, at) => folded ^ parseInt(key.slice(at, at + 8), 16), 0) >>> 0;
}

function silence(why: Counter, context: PcpContext): null {
  context.counters.count(why);
  return null;
}
