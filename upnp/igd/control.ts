// What the actions do: from a call to the values of its answer or the code of its error. Total: no input makes it throw.
//
// A host sees, makes and removes its own mappings alone. The replica of the helper's table answers what only asks; every
// change is asked of the helper, and answered when it is in force.

import type { Mac } from '../../config/types.js';
import type { LeaseReplica } from '../../caller/lease-replica.js';
import type { Rules } from '../../caller/policy.js';
import { permissionOf } from '../../caller/policy.js';
import type { Waiting } from '../../caller/waiting.js';
import { isPassing, isPortRefused, PATIENCE_MS, untilItMayPass } from '../../caller/waiting.js';
import type { Answer, HelperClient } from '../../proto/client.js';
import type { AddMapping } from '../../proto/messages.js';
import type { Ipv4, Lease } from '../../proto/mapping.js';
import { formatIpv4, portIndex } from '../../proto/mapping.js';
import type { RateLimiter } from '../../proto/token-bucket.js';
import type { Descriptions } from './descriptions.js';
import { FAULT } from './faults.js';
import type { Identity } from './identity.js';
import type { Arguments, AskedMapping, MappingKey } from './mapping-arguments.js';
import { parseIndex, parseKey, parseMapping } from './mapping-arguments.js';
import type { Cause, Verdict } from './policy.js';
import { codeOf, decide, restoreRequest, secondsLeft } from './policy.js';
import type { ServiceName } from './services.js';
import { SERVICES } from './services.js';
import { Turns } from './turns.js';

export type ControlResult =
  | { readonly kind: 'values'; readonly values: readonly (readonly [name: string, value: string])[] }
  | { readonly kind: 'fault'; readonly code: number };

/** An action of a service, with its arguments as text. */
export interface ControlCall {
  readonly service: ServiceName;
  readonly action: string;
  readonly arguments: Arguments;
}

/** Who calls: the other end of the TCP connection, and the interface of the LAN that it came in at. */
export interface Caller {
  readonly host: Ipv4;
  readonly interfaceIndex: number;
}

/** The actions that are carried out; `other-action`: all others, 602 or 401. */
const ACTIONS = [
  'SetConnectionType',
  'GetConnectionTypeInfo',
  'RequestConnection',
  'ForceTermination',
  'GetStatusInfo',
  'GetNATRSIPStatus',
  'GetGenericPortMappingEntry',
  'GetSpecificPortMappingEntry',
  'AddPortMapping',
  'DeletePortMapping',
  'GetExternalIPAddress',
  'GetCommonLinkProperties',
  'GetTotalBytesSent',
  'GetTotalBytesReceived',
  'GetTotalPacketsSent',
  'GetTotalPacketsReceived',
  'SetDefaultConnectionService',
  'GetDefaultConnectionService',
  'other-action',
] as const;
type ActionName = (typeof ACTIONS)[number];

const CODES = Object.values(FAULT);

/** What became of changes. */
const CHANGES = ['added', 'renewed', 'moved', 'removed', 'restored'] as const;

/** Why something was refused, where the code does not tell. */
const CAUSES = [
  'unknown-host',
  'over-quota',
  'rate-limited',
  'no-address',
  'helper-away',
  'port-refused',
  'shed',
] as const satisfies readonly (Cause | string)[];

export type ControlEvent =
  | ActionName
  | `fault-${(typeof CODES)[number]}`
  | (typeof CHANGES)[number]
  | (typeof CAUSES)[number];

export const CONTROL_EVENTS: readonly ControlEvent[] = [
  ...ACTIONS,
  ...CODES.map((code) => `fault-${code}` as const),
  ...CHANGES,
  ...CAUSES,
];

/** What the actions work with. The properties may change: they are read for every call. */
export interface ControlContext extends Waiting {
  readonly config: Rules & { readonly requirePublicAddress: boolean };
  readonly leases: LeaseReplica;
  readonly helper: Pick<HelperClient, 'ask'>;
  newMappings(interfaceIndex: number): RateLimiter;
  readonly descriptions: Descriptions;
  /** From the kernel's neighbour table; null if it has none. */
  hardwareAddress(interfaceIndex: number, host: Ipv4): Mac | null;
  /** The names of the devices on the LAN of this interface. */
  identity(interfaceIndex: number): Identity;
  /** The external address; null if there is none that may be used. */
  externalAddress(): Ipv4 | null;
  /** There is an external address, but not a public one, and `requirePublicAddress` is set. */
  isAddressForbidden(): boolean;
  /** Since when there has been this external address, in milliseconds of the clock; null if there is none. */
  addressSinceMs(): number | null;
  count(event: ControlEvent): void;
}

/** What is under way. */
interface Work {
  readonly turns: Turns;
  /** Mappings that are still to be made again, by protocol and external port. */
  readonly lost: Map<number, Displaced>;
}

export type Control = (call: ControlCall, caller: Caller) => Promise<ControlResult>;

/** At most as many as there are connections, and as many again of connections that have ended meanwhile. */
const TURNS = { total: 128, perHost: 16 } as const;

/** As many mappings at most wait to be made again, and each is tried once in this many milliseconds. */
const MAX_LOST = 128;
const RESTORE_MS = 1000;

/** Windows shows it as the speed of the connection, and takes 0 for none. */
const BIT_RATE = '1000000000';

const DONE: ControlResult = { kind: 'values', values: [] };

export function createControl(context: ControlContext): Control {
  const work: Work = { turns: new Turns(TURNS), lost: new Map() };
  return async (call, caller) => {
    const name = `${call.service} ${call.action}`;
    const handler = HANDLERS.get(name);
    context.count(handler === undefined ? 'other-action' : (call.action as ActionName));
    const result = handler === undefined ? unknownAction(call) : await handler(call.arguments, caller, context, work);
    if (result.kind === 'fault') context.count(`fault-${result.code as (typeof CODES)[number]}`);
    return result;
  };
}

type Handler = (
  given: Arguments,
  caller: Caller,
  context: ControlContext,
  work: Work,
) => ControlResult | Promise<ControlResult>;

/** By service and action. A Map, because the names come from outside. */
const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['WANIPConnection AddPortMapping', addPortMapping],
  ['WANIPConnection DeletePortMapping', deletePortMapping],
  ['WANIPConnection GetSpecificPortMappingEntry', getSpecificPortMappingEntry],
  ['WANIPConnection GetGenericPortMappingEntry', getGenericPortMappingEntry],
  ['WANIPConnection GetExternalIPAddress', getExternalIPAddress],
  ['WANIPConnection GetStatusInfo', getStatusInfo],
  ['WANIPConnection GetNATRSIPStatus', always(['NewRSIPAvailable', '0'], ['NewNATEnabled', '1'])],
  [
    'WANIPConnection GetConnectionTypeInfo',
    always(['NewConnectionType', 'IP_Routed'], ['NewPossibleConnectionTypes', 'IP_Routed']),
  ],
  ['WANIPConnection RequestConnection', requestConnection],
  // No LAN host steers the WAN.
  ['WANIPConnection SetConnectionType', () => fault(FAULT.ACTION_FAILED)],
  ['WANIPConnection ForceTermination', () => fault(FAULT.ACTION_FAILED)],
  ['WANCommonInterfaceConfig GetCommonLinkProperties', getCommonLinkProperties],
  ['WANCommonInterfaceConfig GetTotalBytesSent', always(['NewTotalBytesSent', '0'])],
  ['WANCommonInterfaceConfig GetTotalBytesReceived', always(['NewTotalBytesReceived', '0'])],
  ['WANCommonInterfaceConfig GetTotalPacketsSent', always(['NewTotalPacketsSent', '0'])],
  ['WANCommonInterfaceConfig GetTotalPacketsReceived', always(['NewTotalPacketsReceived', '0'])],
  ['Layer3Forwarding GetDefaultConnectionService', getDefaultConnectionService],
  ['Layer3Forwarding SetDefaultConnectionService', () => fault(FAULT.ACTION_FAILED)],
]);

function unknownAction({ service, action }: ControlCall): ControlResult {
  return fault(SERVICES[service].notOffered.includes(action) ? FAULT.NOT_IMPLEMENTED : FAULT.INVALID_ACTION);
}

function always(...values: readonly (readonly [string, string])[]): Handler {
  return () => ({ kind: 'values', values });
}

function fault(code: number): ControlResult {
  return { kind: 'fault', code };
}

function values(...all: readonly (readonly [string, string])[]): ControlResult {
  return { kind: 'values', values: all };
}

function getExternalIPAddress(_given: Arguments, _caller: Caller, context: ControlContext): ControlResult {
  const address = context.externalAddress();
  return values(['NewExternalIPAddress', address === null ? '' : formatIpv4(address)]);
}

function getStatusInfo(_given: Arguments, _caller: Caller, context: ControlContext): ControlResult {
  const sinceMs = context.addressSinceMs();
  const isConnected = context.externalAddress() !== null;
  const seconds = isConnected && sinceMs !== null ? Math.floor((context.clock() - sinceMs) / 1000) : 0;
  return values(
    ['NewConnectionStatus', isConnected ? 'Connected' : 'Disconnected'],
    ['NewLastConnectionError', 'ERROR_NONE'],
    ['NewUptime', String(Math.min(Math.max(0, seconds), 0xffffffff))],
  );
}

function requestConnection(_given: Arguments, _caller: Caller, context: ControlContext): ControlResult {
  return context.externalAddress() === null ? fault(FAULT.CONNECTION_SETUP_FAILED) : DONE;
}

function getCommonLinkProperties(_given: Arguments, _caller: Caller, context: ControlContext): ControlResult {
  return values(
    ['NewWANAccessType', 'Ethernet'],
    ['NewLayer1UpstreamMaxBitRate', BIT_RATE],
    ['NewLayer1DownstreamMaxBitRate', BIT_RATE],
    ['NewPhysicalLinkStatus', context.externalAddress() === null ? 'Down' : 'Up'],
  );
}

function getDefaultConnectionService(
  _given: Arguments,
  { interfaceIndex }: Caller,
  context: ControlContext,
): ControlResult {
  const { connection } = context.identity(interfaceIndex);
  const service = `${connection}:WANConnectionDevice:1,${SERVICES.WANIPConnection.id}`;
  return values(['NewDefaultConnectionService', service]);
}

function getSpecificPortMappingEntry(
  given: Arguments,
  caller: Caller,
  context: ControlContext,
  work: Work,
): ControlResult | Promise<ControlResult> {
  const key = parseKey(given);
  if (typeof key === 'number') return fault(key);
  return whenReady(caller, endOf(context), context, work, () => {
    const lease = ownLease(key, caller.host, context);
    return lease === null ? fault(FAULT.NO_SUCH_ENTRY) : values(...contentOf(lease, context));
  });
}

function getGenericPortMappingEntry(
  given: Arguments,
  caller: Caller,
  context: ControlContext,
  work: Work,
): ControlResult | Promise<ControlResult> {
  const index = parseIndex(given);
  if (index === null) return fault(FAULT.INVALID_ARGS);
  return whenReady(caller, endOf(context), context, work, () => {
    const lease = context.leases.mappingsOf(caller.host)[index];
    if (lease === undefined) return fault(FAULT.ARRAY_INDEX_INVALID);
    return values(
      ['NewRemoteHost', ''],
      ['NewExternalPort', String(lease.externalPort)],
      ['NewProtocol', lease.protocol.toUpperCase()],
      ...contentOf(lease, context),
    );
  });
}

function contentOf(lease: Lease, context: ControlContext): readonly (readonly [string, string])[] {
  return [
    ['NewInternalPort', String(lease.internalPort)],
    ['NewInternalClient', formatIpv4(lease.internalAddress)],
    ['NewEnabled', '1'],
    ['NewPortMappingDescription', context.descriptions.get(lease)],
    ['NewLeaseDuration', String(secondsLeft(lease, context.clock()))],
  ];
}

/** The mapping, if it is the host's own: others' are as if they were not there. */
function ownLease({ protocol, externalPort }: MappingKey, host: Ipv4, { leases }: ControlContext): Lease | null {
  const lease = leases.mappingAt(protocol, externalPort);
  return lease?.internalAddress === host ? lease : null;
}

/** Until when a call that comes now waits for trouble to pass, in milliseconds of the clock. */
function endOf({ clock }: ControlContext): number {
  return clock() + PATIENCE_MS;
}

/** Run it when the helper is there and the replica complete. Those that wait are bounded. */
function whenReady(
  { host }: Caller,
  endMs: number,
  context: ControlContext,
  work: Work,
  run: () => ControlResult | Promise<ControlResult>,
): Promise<ControlResult> {
  const { state, clock } = context;
  const running = work.turns.run(host, async () => {
    if (!state.isHelperReady) await state.helperReady(endMs - clock());
    return state.isHelperReady ? run() : refuse(FAULT.ACTION_FAILED, 'helper-away', context);
  });
  return running ?? Promise.resolve(refuse(FAULT.ACTION_FAILED, 'shed', context));
}

function refuse(code: number, cause: ControlEvent, context: ControlContext): ControlResult {
  context.count(cause);
  return fault(code);
}

function deletePortMapping(
  given: Arguments,
  caller: Caller,
  context: ControlContext,
  work: Work,
): ControlResult | Promise<ControlResult> {
  const key = parseKey(given);
  if (typeof key === 'number') return fault(key);
  const endMs = endOf(context);
  return whenReady(caller, endMs, context, work, () =>
    work.turns.inOrder(caller.host, () => remove(key, caller.host, endMs, context, work)),
  );
}

async function remove(
  key: MappingKey,
  host: Ipv4,
  endMs: number,
  context: ControlContext,
  { lost }: Work,
): Promise<ControlResult> {
  if (context.clock() >= endMs) return refuse(FAULT.ACTION_FAILED, 'helper-away', context);
  const index = portIndex(key.protocol, key.externalPort);
  const isLost = lost.get(index)?.lease.internalAddress === host && lost.delete(index);
  for (let isFirst = true; ; isFirst = false) {
    const lease = ownLease(key, host, context);
    if (lease === null && isFirst && !isLost) return fault(FAULT.NO_SUCH_ENTRY);
    if (lease?.origin === 'static') return fault(FAULT.NOT_AUTHORIZED);
    // It may have gone without an answer.
    const answer: Answer = lease === null ? { kind: 'removed', count: 1 } : await removeLease(lease, context);
    if (answer.kind === 'removed') {
      context.count('removed');
      return DONE;
    }
    if (!isPassing(answer)) return fault(codeOf(answer));
    if (context.clock() >= endMs) return refuse(FAULT.ACTION_FAILED, 'helper-away', context);
    await untilItMayPass(endMs, context);
  }
}

/** Ask for the removal. Here and below: `ask` resolves before the next event is read, so no later change is undone. */
async function removeLease(lease: Lease, context: ControlContext): Promise<Answer> {
  const { protocol, internalAddress, internalPort } = lease;
  const answer = await context.helper.ask({ kind: 'remove-mapping', protocol, internalAddress, internalPort });
  if (answer.kind === 'removed') {
    context.leases.forget(lease);
    context.descriptions.forget(lease);
  }
  return answer;
}

function addPortMapping(
  given: Arguments,
  caller: Caller,
  context: ControlContext,
  work: Work,
): ControlResult | Promise<ControlResult> {
  const asked = parseMapping(given, caller.host);
  if (typeof asked === 'number') return fault(asked);
  const endMs = endOf(context);
  return whenReady(caller, endMs, context, work, () =>
    work.turns.inOrder(caller.host, () => add(asked, caller, endMs, context, work)),
  );
}

/** A mapping that was removed to make place for another one, or may have been. */
interface Displaced {
  readonly lease: Lease;
  readonly description: string;
}

async function add(
  asked: AskedMapping,
  caller: Caller,
  endMs: number,
  context: ControlContext,
  work: Work,
): Promise<ControlResult> {
  if (context.clock() >= endMs) return refuse(FAULT.ACTION_FAILED, 'helper-away', context);
  const displaced: Displaced[] = [];
  const result = await tryToAdd(asked, caller, displaced, endMs, context);
  if (result.kind === 'fault') for (const each of displaced) await restore(each, context, work);
  else giveUp(asked, caller.host, work);
  return result;
}

/** `displaced`: gets the mappings that were removed for this one. */
async function tryToAdd(
  asked: AskedMapping,
  caller: Caller,
  displaced: Displaced[],
  endMs: number,
  context: ControlContext,
): Promise<ControlResult> {
  let hasToken = false;
  for (;;) {
    const verdict = judgeNow(asked, caller, context);
    if (verdict.kind === 'refuse') {
      const { code, cause } = verdict;
      return cause === undefined ? fault(code) : refuse(code, cause, context);
    }
    if (verdict.kind === 'keep') return DONE;
    if (!mayUseAddress(verdict, context)) return refuse(FAULT.ACTION_FAILED, 'no-address', context);
    if (verdict.kind === 'add' && !hasToken && !mayAdd(caller, context))
      return refuse(FAULT.ACTION_FAILED, 'rate-limited', context);
    hasToken = true;
    const isMove = displaced.length > 0 || (verdict.kind === 'add' && verdict.displaced.length > 0);
    const answer = await askFor(verdict, displaced, context);
    if (answer.kind === 'granted' && answer.lease.externalPort === asked.externalPort) {
      context.descriptions.set(answer.lease, asked.description);
      context.count(verdict.kind === 'renew' ? 'renewed' : isMove ? 'moved' : 'added');
      return DONE;
    }
    // The endpoint has been mapped meanwhile, by another protocol. No success with another port than was asked.
    if (answer.kind === 'granted') return refuse(FAULT.CONFLICT, 'port-refused', context);
    if (isPortRefused(answer)) return refuse(FAULT.CONFLICT, 'port-refused', context);
    if (!isPassing(answer)) return fault(codeOf(answer));
    if (context.clock() >= endMs) return refuse(FAULT.ACTION_FAILED, 'helper-away', context);
    await untilItMayPass(endMs, context);
  }
}

function mayAdd({ host, interfaceIndex }: Caller, { newMappings, clock }: ControlContext): boolean {
  return newMappings(interfaceIndex).take(host, clock());
}

function judgeNow(asked: AskedMapping, { host, interfaceIndex }: Caller, context: ControlContext): Verdict {
  const { config, leases } = context;
  const permission = permissionOf(host, config, () => context.hardwareAddress(interfaceIndex, host));
  return decide(asked, host, leases, permission, config, context.clock());
}

/**
 * No mapping depends on the address: none of its elements names it. So they are granted without one, too, unless the
 * administrator has said which addresses are any use. What is in force is renewed until the address is known to be of
 * none.
 */
function mayUseAddress({ kind }: Verdict, context: ControlContext): boolean {
  if (!context.config.requirePublicAddress) return true;
  return kind === 'renew' ? !context.isAddressForbidden() : context.externalAddress() !== null;
}

/** Ask for the mapping, and in the same message for the removal of those in its place. */
async function askFor(
  verdict: Extract<Verdict, { kind: 'add' | 'renew' }>,
  displaced: Displaced[],
  context: ControlContext,
): Promise<Answer> {
  const { leases, descriptions } = context;
  const { request } = verdict;
  const inTheWay = verdict.kind === 'add' ? verdict.displaced : [];
  const earlier = inTheWay.map((lease) => ({ lease, description: descriptions.get(lease) }));
  const removals = inTheWay.map((lease) => removeLease(lease, context));
  const granting = askForLease(request, verdict.kind === 'add', context);
  for (const [index, removal] of removals.entries()) {
    const answer = await removal;
    const isKept = answer.kind === 'refused' || (answer.kind === 'removed' && answer.count === 0);
    if (!isKept) displaced.push(earlier[index]!); // without an answer it may have been removed
  }
  const answer = await granting;
  // The helper would have renewed it, so it has no such mapping.
  if (verdict.kind === 'renew' && answer.kind === 'refused' && answer.reason === 'conflict') leases.forget(request);
  return answer;
}

async function askForLease(request: AddMapping, isNew: boolean, context: ControlContext): Promise<Answer> {
  const { leases, helper } = context;
  const reservation = isNew ? leases.reserve(request) : null;
  const answer = await helper.ask(request);
  if (reservation !== null) leases.release(reservation);
  if (answer.kind === 'granted') leases.put(answer.lease);
  return answer;
}

/**
 * Make a mapping again that was removed for another one, which was then refused. If the helper cannot take it within the
 * time of a call, that goes on without the call.
 */
async function restore(lost: Displaced, context: ControlContext, work: Work): Promise<void> {
  for (const endMs = endOf(context); !(await tryToRestore(lost, context)); ) {
    if (context.clock() >= endMs) return restoreLater(lost, context, work);
    await untilItMayPass(endMs, context);
  }
}

/** Whether it is made, or need not or cannot be made any more. */
async function tryToRestore({ lease, description }: Displaced, context: ControlContext): Promise<boolean> {
  const request = restoreRequest(lease, context.clock());
  if (request === null || context.leases.mappingOf(lease) !== undefined) return true;
  const answer = await askForLease(request, true, context);
  if (answer.kind !== 'granted') return !(isPassing(answer) || (answer.kind === 'refused' && answer.reason === 'rate'));
  context.descriptions.set(answer.lease, description);
  context.count('restored');
  return true;
}

/** What was lost for a move that the host has made after all stays away, also if the new mapping ends at once. */
function giveUp({ protocol, internalPort, externalPort }: AskedMapping, host: Ipv4, { lost }: Work): void {
  for (const [key, { lease }] of lost) {
    const isSame = lease.internalPort === internalPort || lease.externalPort === externalPort;
    if (lease.internalAddress === host && lease.protocol === protocol && isSame) lost.delete(key);
  }
}

/** Until it is made, its time is over, or the host ends it; in order with what the host asks for meanwhile. */
function restoreLater(lost: Displaced, context: ControlContext, work: Work): void {
  const { protocol, externalPort, internalAddress } = lost.lease;
  const key = portIndex(protocol, externalPort);
  if (work.lost.size >= MAX_LOST && !work.lost.has(key)) return;
  work.lost.set(key, lost);
  const isWanted = (): boolean => work.lost.get(key) === lost;
  const tryAgain = async (): Promise<void> => {
    // Without a replica that is complete it is not known whether it is there.
    if (!isWanted() || !(context.state.isHelperReady || restoreRequest(lost.lease, context.clock()) === null)) return;
    if ((await tryToRestore(lost, context)) && isWanted()) work.lost.delete(key);
  };
  const later = (): void => {
    context.schedule(RESTORE_MS, () => {
      if (isWanted()) void work.turns.inOrder(internalAddress, tryAgain).then(later);
    });
  };
  later();
}
