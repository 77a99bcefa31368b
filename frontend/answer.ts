// Datagram -> decode -> decide -> ask -> encode: the whole path of a request, in reading order. Never throws on a
// datagram, and waits for the helper only if the answer depends on it.
//
// Trouble that passes is no error: some clients take result 3 as final, and none of them takes silence so before they
// have asked for some ten seconds. So a request waits for a helper that is away, and is met with silence if it does not
// come; result 3 is for what has lasted (GRACE_MS). docs/protocol.md, "What passes", has the reasons.

import { isLanHost } from '../config/lans.js';
import type { HelperClient } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import type { Endpoint, Ipv4, Lan } from '../proto/mapping.js';

import type { RateLimiter } from '../proto/token-bucket.js';
import type { Grant } from '../config/types.js';
import type { Mac } from '../config/types.js';
import type { PolicyConfig } from './config.js';
import type { Counter, Counters } from './counters.js';
import type { InFlight, PendingRequest } from './in-flight.js';
import type { LeaseReplica } from '../caller/lease-replica.js';
import { isPassing, isPortRefused, PATIENCE_MS, untilItMayPass } from '../caller/waiting.js';
import { failure, outcome } from './outcome.js';
import type { Permission } from '../caller/policy.js';
import { addRequest, permissionOf } from '../caller/policy.js';
import type { RemoveRequest, Verdict } from './policy.js';
import type { Schedule } from '../caller/schedule.js';
import { choosePort, decide, grantedLifetime } from './policy.js';
import type { MappingResult, MapRequest, ResultCode } from './wire.js';
import {
  decode,
  encodeAddressReply,
  encodeMappingReply,
  encodeUnsupportedOpcode,
  encodeUnsupportedVersion,
  MAX_REPLY_BYTES,
  RESULT,
  RESULT_NAMES,
  secondsSinceStartOfEpoch,
} from './wire.js';

/** The state that replies depend on. The properties may change: read them for every reply. */
export interface GatewayState {
  /** The helper is connected, and the replica of its table is complete or nearly so (helper-session.ts). */
  readonly isHelperReady: boolean;
  /**
   * Milliseconds of `clock`. While the helper is away, the last known value; null until the helper has first reported
   * it.
   */
  readonly epochStartMs: number | null;
  /** Since when the helper has been away, in milliseconds of `clock`; null while it is ready. */
  readonly helperLostAtMs: number | null;
  /** Null if there is none that may be used. */
  readonly externalAddress: Ipv4 | null;
  /** Since when there has been none, in milliseconds of `clock`; null while there is one. */
  readonly addressLostAtMs: number | null;
  /** There is an external address, but not a public one, and `requirePublicAddress` is set. */
  readonly isAddressForbidden: boolean;
  /** Resolves when the helper is ready, at once if it is, or after so many milliseconds. */
  helperReady(limitMs: number): Promise<void>;
}

/** What a responder works with. */
export interface AnswerContext {
  /** A reload replaces it: read it for every request. */
  readonly config: PolicyConfig & { readonly lans: readonly Lan[] };
  /** Whether packets for the host leave by this interface (route/lan-hosts.ts). */
  readonly isLanHost: (interfaceIndex: number, host: Ipv4) => boolean;
  /** From the kernel's neighbour table; null if it has none. */
  readonly hardwareAddress: (interfaceIndex: number, host: Ipv4) => Mac | null;
  readonly state: GatewayState;
  readonly leases: LeaseReplica;
  readonly helper: Pick<HelperClient, 'ask'>;
  newMappings(interfaceIndex: number): RateLimiter;
  readonly inFlight: InFlight;
  readonly counters: Counters;
  readonly clock: BootClock;
  readonly schedule: Schedule;
  /** The start of the process, in milliseconds of `clock`. */
  readonly startedAtMs: number;
  /** [0, 1) */
  readonly random: () => number;
}

/** A reply, or null for silence. */
export type Reply = Uint8Array | null;
/**
 * `isThrottled`: the datagram came in at the overflow socket (serve.ts). `interfaceIndex`: the interface that its socket
 * is bound to; 0 if it is bound to none.
 */
export type Responder = (
  datagram: Uint8Array,
  source: Ipv4,
  isThrottled?: boolean,
  interfaceIndex?: number,
) => Reply | Promise<Reply>;

/** How many ports are tried for one request before the client gets OUT_OF_RESOURCES. */
const MAX_PORT_ATTEMPTS = 16;

/** How long after the start errors wait for the helper's epoch; later they go out with an SSSoE of our own. */
const STARTUP_MS = 3000;

/** How long trouble may last before it is told, in milliseconds: a PPPoE reconnect takes some ten seconds. */
export const GRACE_MS = 30_000;

/** Answers datagrams. The reply is a promise only if the helper must be asked. */
export function createResponder(context: AnswerContext): Responder {
  const { counters } = context;
  const addressReply = addressReplyEncoder();
  return (datagram, source, isThrottled = false, interfaceIndex = 0) => {
    const decoded = decode(datagram);
    if (decoded.kind === 'drop') return silence(counters, decoded.why);
    if (!mayAsk(source, interfaceIndex, context)) return silence(counters, 'off-lan'); // §3.3, §5
    if (decoded.kind === 'unsupported-opcode' && datagram.length > MAX_REPLY_BYTES)
      return silence(counters, 'too-long');
    switch (decoded.kind) {
      case 'unsupported-version':
      case 'unsupported-opcode': {
        const sssoe = errorSssoe(context);
        if (sssoe === null) return silence(counters, 'no-epoch');
        const isVersion = decoded.kind === 'unsupported-version';
        counters.countReply('other', isVersion ? 'UNSUPPORTED_VERSION' : 'UNSUPPORTED_OPCODE');
        return isVersion ? encodeUnsupportedVersion(sssoe) : encodeUnsupportedOpcode(datagram, sssoe);
      }
      case 'external-address': {
        const { helperLostAtMs, addressLostAtMs, externalAddress } = context.state;
        const isHelperLost = isLasting(helperLostAtMs, context);
        const sssoe = isHelperLost ? errorSssoe(context) : knownSssoe(context);
        if (sssoe === null) return silence(counters, 'no-epoch');
        // While the helper is away for a moment, the mappings in the kernel are in force all the same.
        const address = isHelperLost ? null : externalAddress;
        if (!isHelperLost && address === null && !isLasting(addressLostAtMs, context))
          return silence(counters, 'no-address');
        counters.countReply('external-address', address === null ? 'NETWORK_FAILURE' : 'SUCCESS');
        return addressReply(sssoe, address);
      }
      case 'map':
        return answerMap(
          decoded,
          { host: source, interfaceIndex, isThrottled },
          context.clock() + PATIENCE_MS,
          context,
        );
    }
  };
}

/** Who has asked, and at which socket. */
interface Asker {
  readonly host: Ipv4;
  readonly interfaceIndex: number;
  readonly isThrottled: boolean;
}

/** Whether trouble that began then has lasted for too long to pass. */
export function isLasting(sinceMs: number | null, context: Pick<AnswerContext, 'clock'>): boolean {
  return sinceMs !== null && context.clock() - sinceMs >= GRACE_MS;
}

/** `endMs`: how long it may wait, in milliseconds of the clock. */
function answerMap(request: MapRequest, asker: Asker, endMs: number, context: AnswerContext): Reply | Promise<Reply> {
  const { host, interfaceIndex, isThrottled } = asker;
  const { state, counters, config, leases } = context;
  if (!state.isHelperReady) {
    if (isLasting(state.helperLostAtMs, context)) return refusal(request, RESULT.NETWORK_FAILURE, context);
    return answerWhenReady(request, asker, endMs, context);
  }
  // First, because in a flood most requests end here.
  if (context.inFlight.isFull(isThrottled)) return silence(counters, 'shed');
  const permission = permissionOf(host, config, () => context.hardwareAddress(interfaceIndex, host));
  const verdict = decide(request, host, leases, permission, config);
  if (verdict.kind === 'refuse') {
    if (verdict.result === RESULT.OUT_OF_RESOURCES) counters.count('over-quota');
    return refusal(request, verdict.result, context);
  }
  // No mapping depends on the address: none of its elements names it. So new ones are granted without one, too, unless
  // the administrator has said which addresses are any use. What is in force is renewed until an address is known to be
  // of none.
  const needsAddress = verdict.kind === 'allocate' || (verdict.kind === 'renew' && state.isAddressForbidden);
  if (needsAddress && config.requirePublicAddress && state.externalAddress === null) {
    if (isLasting(state.addressLostAtMs, context)) return refusal(request, RESULT.NETWORK_FAILURE, context);
    if (verdict.kind === 'allocate') return silence(counters, 'no-address');
  }
  // Silence, not an error: clients retransmit (§3.1), but some give up for good after an error.
  const pending = pendingRequest(request, host, verdict.kind === 'allocate', isThrottled);
  if (!context.inFlight.enter(pending)) return silence(counters, 'shed');
  if (pending.isAllocation && !context.newMappings(interfaceIndex).take(host, context.clock())) {
    context.inFlight.leave(pending);
    return silence(counters, 'rate-limited');
  }
  return askHelper(request, verdict, permission, pending, endMs, context);
}

/** Wait for the helper, and answer then. Those that wait are bounded as those that are in flight. */
async function answerWhenReady(
  request: MapRequest,
  asker: Asker,
  endMs: number,
  context: AnswerContext,
): Promise<Reply> {
  const { host, isThrottled } = asker;
  const { counters, inFlight, leases, state } = context;
  const { protocol, internalPort, lifetime } = request;
  // By the last state that was known: the rest of the places stays for renewals and deletions.
  const isAllocation =
    lifetime > 0 && leases.mappingOf({ protocol, internalAddress: host, internalPort }) === undefined;
  const pending = pendingRequest(request, host, isAllocation, isThrottled);
  if (!inFlight.enter(pending)) return silence(counters, 'shed');
  await state.helperReady(endMs - context.clock());
  inFlight.leave(pending);
  if (!state.isHelperReady) return silence(counters, 'helper-away');
  return answerMap(request, asker, endMs, context);
}

function pendingRequest(
  { protocol, internalPort }: MapRequest,
  host: Ipv4,
  isAllocation: boolean,
  isThrottled: boolean,
): PendingRequest {
  return { host, protocol, internalPort, isAllocation, isThrottled, isOvertaken: false };
}

async function askHelper(
  request: MapRequest,
  verdict: Exclude<Verdict, { kind: 'refuse' }>,
  permission: Permission,
  pending: PendingRequest,
  endMs: number,
  context: AnswerContext,
): Promise<Reply> {
  context.inFlight.overtake(pending);
  try {
    const result =
      verdict.kind === 'remove'
        ? await remove(request, verdict.request, pending, endMs, context)
        : await add(
            request,
            verdict.endpoint,
            verdict.kind === 'renew' ? verdict.externalPort : null,
            permission as Grant,
            pending,
            endMs,
            context,
          );
    return result === null ? silence(context.counters, 'helper-away') : mappingReply(request, result, context);
  } finally {
    context.inFlight.leave(pending);
  }
}

/** Ask for the mapping. If the helper refuses only the external port, ask for another one. */
async function add(
  request: MapRequest,
  endpoint: Endpoint,
  heldPort: number | null,
  grant: Grant,
  pending: PendingRequest,
  endMs: number,
  context: AnswerContext,
): Promise<MappingResult | null> {
  const { leases, counters } = context;
  const lifetime = grantedLifetime(request.lifetime, grant, context.config);
  const avoid = new Set<number>();
  const choose = () => choosePort(endpoint, request.suggestedExternalPort, leases, grant, context.random, avoid);
  let externalPort = heldPort ?? choose();
  for (let attempt = 0; attempt < MAX_PORT_ATTEMPTS && externalPort !== null; attempt++) {
    const isHeld = leases.mappingOf(endpoint) !== undefined;
    const reservation = isHeld ? null : leases.reserve({ ...endpoint, externalPort });
    let answer = await context.helper.ask(addRequest(endpoint, externalPort, lifetime));
    while (isPassing(answer) && context.clock() < endMs) {
      await untilItMayPass(endMs, context);
      if (pending.isOvertaken) {
        if (reservation !== null) leases.release(reservation);
        return null;
      }
      // The mapping to renew has ended meanwhile: the client asks again, and that is then a request for a new one.
      if (isHeld && leases.mappingOf(endpoint) === undefined) return null;
      answer = await context.helper.ask(addRequest(endpoint, externalPort, lifetime));
    }
    if (reservation !== null) leases.release(reservation);
    // Here and in `remove`: `ask` resolves before the next event is read, so this cannot undo a later change.
    if (answer.kind === 'granted') leases.put(answer.lease);
    if (!isPortRefused(answer)) return outcome(request, answer, grant.maxLifetime);
    counters.count('port-refused');
    leases.forget(endpoint); // the helper would have renewed it, so it has no such lease
    avoid.add(externalPort);
    externalPort = choose();
  }
  return failure(RESULT.OUT_OF_RESOURCES);
}

async function remove(
  request: MapRequest,
  removal: RemoveRequest,
  pending: PendingRequest,
  endMs: number,
  context: AnswerContext,
): Promise<MappingResult | null> {
  for (;;) {
    const answer = await context.helper.ask(removal);
    if (answer.kind === 'removed' && removal.kind === 'remove-mapping') context.leases.forget(removal);
    if (answer.kind === 'host-mappings-removed') context.leases.forgetHost(removal.internalAddress, removal.protocol);
    if (!isPassing(answer) || context.clock() >= endMs) return outcome(request, answer, 0);
    await untilItMayPass(endMs, context);
    if (pending.isOvertaken) return null;
  }
}

function refusal(request: MapRequest, result: ResultCode, context: AnswerContext): Reply {
  return mappingReply(request, failure(result), context);
}

function mappingReply(request: MapRequest, mapping: MappingResult, context: AnswerContext): Reply {
  const sssoe = errorSssoe(context); // §3.5: at the time of the reply, not of the request
  if (sssoe === null) return silence(context.counters, 'no-epoch');
  context.counters.countReply(request.protocol === 'udp' ? 'map-udp' : 'map-tcp', RESULT_NAMES[mapping.result]!);
  return encodeMappingReply(request, mapping, sssoe);
}

/**
 * SSSoE in seconds; null until the helper has first reported the start of the epoch. After a wrong SSSoE every client
 * would consider its mappings lost (§3.6); after silence it just retransmits.
 */
export function knownSssoe(context: Pick<AnswerContext, 'state' | 'clock'>): number | null {
  const { epochStartMs } = context.state;
  return epochStartMs === null ? null : secondsSinceStartOfEpoch(epochStartMs, context.clock());
}

/**
 * SSSoE for errors, which concern no mapping. PCP clients wait for some of them to fall back to NAT-PMP (§1.1), so
 * after STARTUP_MS without a helper they go out with the time since our own start.
 */
export function errorSssoe(context: Pick<AnswerContext, 'state' | 'clock' | 'startedAtMs'>): number | null {
  const known = knownSssoe(context);
  if (known !== null) return known;
  const now = context.clock();
  return now - context.startedAtMs < STARTUP_MS ? null : secondsSinceStartOfEpoch(context.startedAtMs, now);
}

/**
 * Whether the sender is a host of the LAN that it asks in: by its route, which names the interface, and by `--lan`, if
 * that is given. A socket that is bound to no interface has only `--lan`.
 */
function mayAsk(source: Ipv4, interfaceIndex: number, context: AnswerContext): boolean {
  const { lans } = context.config;
  if (interfaceIndex === 0) return isOnLan(lans, source);
  return (lans.length === 0 || isOnLan(lans, source)) && context.isLanHost(interfaceIndex, source);
}

function isOnLan(lans: readonly Lan[], source: Ipv4): boolean {
  for (const lan of lans) if (isLanHost(lan, source)) return true;
  return false;
}

function silence(counters: Counters, why: Counter): null {
  counters.count(why);
  return null;
}

/** Encodes address replies. All requests of one second get the same array: callers must not modify it. */
function addressReplyEncoder(): (sssoe: number, address: Ipv4 | null) => Uint8Array {
  let last: { sssoe: number; address: Ipv4 | null; reply: Uint8Array } | null = null;
  return (sssoe, address) => {
    if (last === null || last.sssoe !== sssoe || last.address !== address) {
      // §3.5: without an address the result is not SUCCESS.
      const result = address === null ? RESULT.NETWORK_FAILURE : RESULT.SUCCESS;
      last = { sssoe, address, reply: encodeAddressReply(result, sssoe, address) };
    }
    return last.reply;
  };
}
