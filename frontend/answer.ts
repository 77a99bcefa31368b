// Datagram -> decode -> decide -> ask -> encode: the whole frontend, in reading order. Never throws on a datagram, and
// never waits for the helper where the answer is known without it.

import type { HelperClient } from '../proto/client.js';
import type { BootClock } from '../proto/clock.js';
import type { Endpoint, Ipv4, Lan } from '../proto/mapping.js';
import { isLanHost } from '../proto/mapping.js';
import type { RateLimiter } from '../proto/token-bucket.js';
import type { Grant } from '../config/grants.js';
import type { Mac } from '../config/rules.js';
import type { PolicyConfig } from './config.js';
import type { Counter, Counters } from './counters.js';
import type { LeaseReplica } from './ledger.js';
import type { InFlight, Waiting } from './in-flight.js';
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
  RESULT,
  RESULT_NAMES,
  secondsSinceStartOfEpoch,
} from './wire.js';

/** What holds at this moment; read anew for every reply. */
export interface GatewayState {
  /**
   * The helper is connected and the ledger is a replica of its table, or good enough for one until it is listed
   * (replica.ts).
   */
  readonly isHelperReady: boolean;
  /** Milliseconds of `clock`; the last one known, also while the helper is away; null until it was first met. */
  readonly epochStart: number | null;
  readonly externalAddress: Ipv4 | null;
}

export interface AnswerContext {
  /** Another one after each reload: read anew for every request. */
  readonly config: PolicyConfig & { readonly lans: readonly Lan[] };
  /** As the kernel knows it now; null where it does not. */
  readonly hardwareAddress: (host: Ipv4) => Mac | null;
  readonly situation: GatewayState;
  readonly ledger: LeaseReplica;
  readonly helper: Pick<HelperClient, 'ask'>;
  readonly newMappings: RateLimiter;
  readonly inFlight: InFlight;
  readonly counters: Counters;
  readonly clock: BootClock;
  /** What `clock` said when the process started. */
  readonly startedAt: number;
  /** [0, 1) */
  readonly random: () => number;
}

/** A reply, or silence. */
export type Reply = Uint8Array | null;
/** `isBusy`: it came in at the second socket (serve.ts). */
export type Responder = (datagram: Uint8Array, source: Ipv4, isBusy?: boolean) => Reply | Promise<Reply>;

/** How often another port is chosen for one request before the client is told that there is none. */
const PORT_ATTEMPTS = 16;

/** How long after its start the frontend waits for the helper before errors go out without the true epoch. */
const STARTUP_MS = 3000;

/** The answerer of a gateway. It answers at once, without a promise, whatever needs no helper. */
export function createResponder(gateway: AnswerContext): Responder {
  const { counters } = gateway;
  const addressReply = addressReplies();
  return (datagram, source, isBusy = false) => {
    const decoded = decode(datagram);
    if (decoded.kind === 'drop') return silence(counters, decoded.why);
    if (!isOnLan(gateway.config.lans, source)) return silence(counters, 'off-lan'); // §3.3, §5
    switch (decoded.kind) {
      case 'unsupported-version':
      case 'unsupported-opcode': {
        const sssoe = errorSssoe(gateway);
        if (sssoe === null) return silence(counters, 'no-epoch');
        const isVersion = decoded.kind === 'unsupported-version';
        counters.countReply('other', isVersion ? 'UNSUPPORTED_VERSION' : 'UNSUPPORTED_OPCODE');
        return isVersion ? encodeUnsupportedVersion(sssoe) : encodeUnsupportedOpcode(datagram, sssoe);
      }
      case 'external-address': {
        const sssoe = knownSssoe(gateway);
        if (sssoe === null) return silence(counters, 'no-epoch');
        const { isHelperReady, externalAddress } = gateway.situation;
        const address = isHelperReady ? externalAddress : null;
        counters.countReply('external-address', address === null ? 'NETWORK_FAILURE' : 'SUCCESS');
        return addressReply(sssoe, address);
      }
      case 'map':
        return answerMap(decoded, source, isBusy, gateway);
    }
  };
}

function answerMap(request: MapRequest, host: Ipv4, isBusy: boolean, gateway: AnswerContext): Reply | Promise<Reply> {
  const { situation, counters, config, ledger } = gateway;
  if (situation.epochStart === null) return silence(counters, 'no-epoch');
  if (!situation.isHelperReady) return refusal(request, RESULT.NETWORK_FAILURE, gateway);
  // In a flood this is what becomes of most requests, so it comes first.
  if (gateway.inFlight.isFull(isBusy)) return silence(counters, 'shed');
  const permission = permissionOf(host, config, gateway.hardwareAddress);
  const verdict = decide(request, host, ledger, situation.externalAddress, permission, config);
  if (verdict.kind === 'refuse') {
    if (verdict.result === RESULT.OUT_OF_RESOURCES) counters.count('over-quota');
    return refusal(request, verdict.result, gateway);
  }
  // Silence, not an error: the client asks again by itself (§3.1), while an error makes some give up for good.
  const waiting: Waiting = { host, isAllocation: verdict.kind === 'allocate', isBusy };
  if (!gateway.inFlight.enter(waiting)) return silence(counters, 'shed');
  if (waiting.isAllocation && !gateway.newMappings.take(host, gateway.clock())) {
    gateway.inFlight.leave(waiting);
    return silence(counters, 'rate-limited');
  }
  return carryOut(request, verdict, permission, waiting, gateway);
}

async function carryOut(
  request: MapRequest,
  verdict: Exclude<Verdict, { kind: 'refuse' }>,
  permission: Permission,
  waiting: Waiting,
  gateway: AnswerContext,
): Promise<Reply> {
  try {
    const settled =
      verdict.kind === 'remove'
        ? await remove(request, verdict.request, gateway)
        : await add(
            request,
            verdict.endpoint,
            verdict.kind === 'renew' ? verdict.externalPort : null,
            permission as Grant,
            gateway,
          );
    return mappingReply(request, settled, gateway);
  } finally {
    gateway.inFlight.leave(waiting);
  }
}

/** Ask for the mapping; where only its external port is refused, for another port. */
async function add(
  request: MapRequest,
  endpoint: Endpoint,
  heldPort: number | null,
  grant: Grant,
  gateway: AnswerContext,
): Promise<MappingResult> {
  const { ledger, counters } = gateway;
  const lifetime = grantedLifetime(request.lifetime, grant, gateway.config);
  const avoid = new Set<number>();
  const choose = () => choosePort(endpoint, request.suggestedExternalPort, ledger, grant, gateway.random, avoid);
  let externalPort = heldPort ?? choose();
  for (let attempt = 0; attempt < PORT_ATTEMPTS && externalPort !== null; attempt++) {
    const isHeld = ledger.mappingOf(endpoint) !== undefined;
    const reservation = isHeld ? null : ledger.reserve({ ...endpoint, externalPort });
    const answer = await gateway.helper.ask(addRequest(endpoint, externalPort, lifetime));
    if (reservation !== null) ledger.release(reservation);
    // Here and in `remove`: `ask` resolves before the next event is read, so this can not undo a later change.
    if (answer.kind === 'granted') ledger.put(answer.lease);
    if (!isPortRefused(answer)) return outcome(request, answer, grant.maxLifetime);
    counters.count('port-refused');
    ledger.forget(endpoint); // had the helper known it, it would have renewed it
    avoid.add(externalPort);
    externalPort = choose();
  }
  return failure(RESULT.OUT_OF_RESOURCES);
}

async function remove(request: MapRequest, removal: RemoveRequest, gateway: AnswerContext): Promise<MappingResult> {
  const answer = await gateway.helper.ask(removal);
  if (answer.kind === 'removed' && removal.kind === 'remove-mapping') gateway.ledger.forget(removal);
  if (answer.kind === 'host-mappings-removed') gateway.ledger.forgetHost(removal.internalAddress, removal.protocol);
  return outcome(request, answer, 0);
}

function refusal(request: MapRequest, result: ResultCode, gateway: AnswerContext): Reply {
  return mappingReply(request, failure(result), gateway);
}

function mappingReply(request: MapRequest, settled: MappingResult, gateway: AnswerContext): Reply {
  const sssoe = knownSssoe(gateway); // §3.5: right at the time of the reply, not of the request
  if (sssoe === null) return silence(gateway.counters, 'no-epoch');
  gateway.counters.countReply(request.protocol === 'udp' ? 'map-udp' : 'map-tcp', RESULT_NAMES[settled.result]!);
  return encodeMappingReply(request, settled, sssoe);
}

/**
 * SSSoE, or null until the helper has first told the start of the epoch. A guess would tell every client that its
 * mappings are lost (§3.6); after silence it just asks again.
 */
function knownSssoe(gateway: AnswerContext): number | null {
  const { epochStart } = gateway.situation;
  return epochStart === null ? null : secondsSinceStartOfEpoch(epochStart, gateway.clock());
}

/**
 * SSSoE for replies that are about the protocol and no mapping. PCP clients wait for them to fall back (§1.1), so once
 * the helper has had its time to start they go out without it, counted from our own start.
 */
function errorSssoe(gateway: AnswerContext): number | null {
  const known = knownSssoe(gateway);
  if (known !== null) return known;
  const now = gateway.clock();
  return now - gateway.startedAt < STARTUP_MS ? null : secondsSinceStartOfEpoch(gateway.startedAt, now);
}

function isOnLan(lans: readonly Lan[], source: Ipv4): boolean {
  for (const lan of lans) if (isLanHost(lan, source)) return true;
  return false;
}

function silence(counters: Counters, why: Counter): null {
  counters.count(why);
  return null;
}

/** Address replies differ only by the second, so each is made once. Nobody may write to them. */
function addressReplies(): (sssoe: number, address: Ipv4 | null) => Uint8Array {
  let last: { sssoe: number; address: Ipv4 | null; octets: Uint8Array } | null = null;
  return (sssoe, address) => {
    if (last === null || last.sssoe !== sssoe || last.address !== address) {
      // §3.5: no address, no success.
      const result = address === null ? RESULT.NETWORK_FAILURE : RESULT.SUCCESS;
      last = { sssoe, address, octets: encodeAddressReply(result, sssoe, address) };
    }
    return last.octets;
  };
}
