// Datagram -> decode -> decide -> ask -> encode: the whole path of a request, in reading order. Never throws on a
// datagram, and waits for the helper only if the answer depends on it.

import type { HelperClient } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import type { Endpoint, Ipv4, Lan } from '../proto/mapping.js';
import { isLanHost } from '../proto/mapping.js';
import type { RateLimiter } from '../proto/token-bucket.js';
import type { Grant } from '../config/grants.js';
import type { Mac } from '../config/rules.js';
import type { PolicyConfig } from './config.js';
import type { Counter, Counters } from './counters.js';
import type { InFlight, PendingRequest } from './in-flight.js';
import type { LeaseReplica } from './lease-replica.js';
import { failure, isPortRefused, outcome } from './outcome.js';
import type { Permission, RemoveRequest, Verdict } from './policy.js';
import { addRequest, choosePort, decide, grantedLifetime, permissionOf } from './policy.js';
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
  /** Null if there is none that may be used. */
  readonly externalAddress: Ipv4 | null;
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
  readonly newMappings: RateLimiter;
  readonly inFlight: InFlight;
  readonly counters: Counters;
  readonly clock: BootClock;
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
        const sssoe = knownSssoe(context);
        if (sssoe === null) return silence(counters, 'no-epoch');
        const { isHelperReady, externalAddress } = context.state;
        const address = isHelperReady ? externalAddress : null;
        counters.countReply('external-address', address === null ? 'NETWORK_FAILURE' : 'SUCCESS');
        return addressReply(sssoe, address);
      }
      case 'map':
        return answerMap(decoded, source, isThrottled, interfaceIndex, context);
    }
  };
}

function answerMap(
  request: MapRequest,
  host: Ipv4,
  isThrottled: boolean,
  interfaceIndex: number,
  context: AnswerContext,
): Reply | Promise<Reply> {
  const { state, counters, config, leases } = context;
  if (state.epochStartMs === null) return silence(counters, 'no-epoch');
  if (!state.isHelperReady) return refusal(request, RESULT.NETWORK_FAILURE, context);
  // First, because in a flood most requests end here.
  if (context.inFlight.isFull(isThrottled)) return silence(counters, 'shed');
  const permission = permissionOf(host, config, (asker) => context.hardwareAddress(interfaceIndex, asker));
  const verdict = decide(request, host, leases, state.externalAddress, permission, config);
  if (verdict.kind === 'refuse') {
    if (verdict.result === RESULT.OUT_OF_RESOURCES) counters.count('over-quota');
    return refusal(request, verdict.result, context);
  }
  // Silence, not an error: clients retransmit (§3.1), but some give up for good after an error.
  const pending: PendingRequest = { host, isAllocation: verdict.kind === 'allocate', isThrottled };
  if (!context.inFlight.enter(pending)) return silence(counters, 'shed');
  if (pending.isAllocation && !context.newMappings.take(host, context.clock())) {
    context.inFlight.leave(pending);
    return silence(counters, 'rate-limited');
  }
  return askHelper(request, verdict, permission, pending, context);
}

async function askHelper(
  request: MapRequest,
  verdict: Exclude<Verdict, { kind: 'refuse' }>,
  permission: Permission,
  pending: PendingRequest,
  context: AnswerContext,
): Promise<Reply> {
  try {
    const result =
      verdict.kind === 'remove'
        ? await remove(request, verdict.request, context)
        : await add(
            request,
            verdict.endpoint,
            verdict.kind === 'renew' ? verdict.externalPort : null,
            permission as Grant,
            context,
          );
    return mappingReply(request, result, context);
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
  context: AnswerContext,
): Promise<MappingResult> {
  const { leases, counters } = context;
  const lifetime = grantedLifetime(request.lifetime, grant, context.config);
  const avoid = new Set<number>();
  const choose = () => choosePort(endpoint, request.suggestedExternalPort, leases, grant, context.random, avoid);
  let externalPort = heldPort ?? choose();
  for (let attempt = 0; attempt < MAX_PORT_ATTEMPTS && externalPort !== null; attempt++) {
    const isHeld = leases.mappingOf(endpoint) !== undefined;
    const reservation = isHeld ? null : leases.reserve({ ...endpoint, externalPort });
    const answer = await context.helper.ask(addRequest(endpoint, externalPort, lifetime));
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

async function remove(request: MapRequest, removal: RemoveRequest, context: AnswerContext): Promise<MappingResult> {
  const answer = await context.helper.ask(removal);
  if (answer.kind === 'removed' && removal.kind === 'remove-mapping') context.leases.forget(removal);
  if (answer.kind === 'host-mappings-removed') context.leases.forgetHost(removal.internalAddress, removal.protocol);
  return outcome(request, answer, 0);
}

function refusal(request: MapRequest, result: ResultCode, context: AnswerContext): Reply {
  return mappingReply(request, failure(result), context);
}

function mappingReply(request: MapRequest, mapping: MappingResult, context: AnswerContext): Reply {
  const sssoe = knownSssoe(context); // §3.5: at the time of the reply, not of the request
  if (sssoe === null) return silence(context.counters, 'no-epoch');
  context.counters.countReply(request.protocol === 'udp' ? 'map-udp' : 'map-tcp', RESULT_NAMES[mapping.result]!);
  return encodeMappingReply(request, mapping, sssoe);
}

/**
 * SSSoE in seconds; null until the helper has first reported the start of the epoch. After a wrong SSSoE every client
 * would consider its mappings lost (§3.6); after silence it just retransmits.
 */
function knownSssoe(context: AnswerContext): number | null {
  const { epochStartMs } = context.state;
  return epochStartMs === null ? null : secondsSinceStartOfEpoch(epochStartMs, context.clock());
}

/**
 * SSSoE for protocol errors, which concern no mapping. PCP clients wait for them to fall back to NAT-PMP (§1.1), so
 * after STARTUP_MS without a helper they go out with the time since our own start.
 */
function errorSssoe(context: AnswerContext): number | null {
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
