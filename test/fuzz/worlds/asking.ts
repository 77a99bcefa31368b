// One datagram into the gateway, and everything that must hold of what comes out and of what it does not change.

import type { Counter } from '../../../frontend/counters.js';
import type { Ipv4, Lease } from '../../../proto/mapping.js';
import { hex } from '../../support/bytes.js';
import { must } from '../target.js';
import type { GatewayWorld } from './gateway.js';
import { isMappingRequest, LAN_HOSTS, lengthOfReply, mustBeReply, secondsSince } from './replies.js';

/** How long the frontend may be silent to wrong versions and opcodes before it has met the helper, in milliseconds. */
const STARTUP_MS = 3000;
/** How long a request waits for the helper, in milliseconds. */
const PATIENCE_MS = 3000;
/** For how long the loss of the helper or of the address is not told, in milliseconds. */
const GRACE_MS = 30_000;
/** Why a mapping request may meet with silence. */
const SHED: readonly Counter[] = ['rate-limited', 'shed'];

export async function ask(world: GatewayWorld, source: Ipv4, datagram: Uint8Array): Promise<void> {
  const { gateway } = world;
  const mayChange = LAN_HOSTS.has(source) && isMappingRequest(datagram);
  const before = { asked: world.asked, lines: world.lines, shed: shedBy(world) };
  const octets = hex(datagram);
  const leases = [...world.helper.table.leases()];
  const askedAt = world.clock.now();
  const awayBefore = gateway.counters.get('helper-away');
  /** Nothing is in its way, and nothing can come in between. */
  const isPrompt = world.isConnected && !world.isHolding && !world.hasPending;

  const reply = gateway.answer(datagram, source);
  if (reply instanceof Promise) reply.catch(() => {}); // it is awaited below
  must(world.lines === before.lines, 'no datagram causes a log line', octets);
  must(
    mayChange || (world.asked === before.asked && !(reply instanceof Promise)),
    'only a mapping request of a LAN host asks the helper',
    octets,
  );
  if (reply instanceof Promise) {
    const checked = reply.then((said) => {
      must(hex(datagram) === octets, 'a datagram is not written to');
      const waitedMs = world.clock.now() - askedAt;
      const isTroubled = !isPrompt || world.hasRefused;
      const isGivenUp = waitedMs >= PATIENCE_MS || (isTroubled && gateway.counters.get('helper-away') > awayBefore);
      checkReply(world, source, datagram, said, isGivenUp || shedBy(world) > before.shed);
      if (said !== null && isPrompt && waitedMs === 0) checkAgainstTable(world, source, datagram, said);
    });
    world.watch(checked);
  } else {
    checkReply(world, source, datagram, reply, shedBy(world) > before.shed);
  }
  if (!world.isHolding) for (const lease of leases) mustStand(world, lease, source, datagram);
  await world.settle();
}

/** Only what a datagram names may end or change: an endpoint of its source, or all of one protocol (§3.4). */
function mustStand(world: GatewayWorld, lease: Lease, source: Ipv4, datagram: Uint8Array): void {
  const port = datagram.length < 12 ? 0 : new DataView(datagram.buffer, datagram.byteOffset).getUint16(4);
  const isNamed =
    lease.internalAddress === source &&
    lease.protocol === (datagram[1] === 1 ? 'udp' : 'tcp') &&
    (port === 0 || port === lease.internalPort);
  must(isNamed || world.helper.table.holds(lease), 'only what a datagram names may change', {
    lease,
    datagram: hex(datagram),
  });
}

function checkReply(
  world: GatewayWorld,
  source: Ipv4,
  datagram: Uint8Array,
  reply: Uint8Array | null,
  wasShed = false,
): void {
  const { epochStart } = world;
  const sssoe = epochStart === null ? null : secondsSince(epochStart, world.clock.now());
  if (reply !== null) {
    must(LAN_HOSTS.has(source), 'only LAN hosts are answered', { source, reply: hex(reply) });
    const isMapping = isMappingRequest(datagram);
    must(world.isConnected || reply[3] !== 0 || !isMapping, 'no mapping is made while the helper is away', hex(reply));
    must(reply[3] !== 3 || world.hasRefused || isLasting(world), 'what may pass is no network failure', hex(reply));
    return mustBeReply(datagram, reply, sssoe);
  }
  if (!LAN_HOSTS.has(source) || lengthOfReply(datagram) === null) return;
  const isProtocolError = datagram[0] !== 0 || (datagram[1] as number) > 2;
  const mayBeSilent =
    (wasShed && isMappingRequest(datagram)) ||
    (!isProtocolError && !isMappingRequest(datagram) && world.gateway.state.externalAddress === null) ||
    (epochStart === null && !(isProtocolError && world.clock.now() >= STARTUP_MS));
  must(mayBeSilent, 'a request of a LAN host is answered', hex(datagram));
}

/** Whether there is trouble that clients may be told of. */
function isLasting({ gateway: { state }, clock }: GatewayWorld): boolean {
  return [state.helperLostAtMs, state.addressLostAtMs].some(
    (lostAtMs) => lostAtMs !== null && clock.now() - lostAtMs >= GRACE_MS,
  );
}

/** What the client was told is what the helper's table says. */
function checkAgainstTable(world: GatewayWorld, source: Ipv4, datagram: Uint8Array, reply: Uint8Array): void {
  if (reply[3] !== 0) return;
  const [request, said] = [
    new DataView(datagram.buffer, datagram.byteOffset),
    new DataView(reply.buffer, reply.byteOffset),
  ];
  const endpoint = {
    protocol: datagram[1] === 1 ? 'udp' : 'tcp',
    internalAddress: source,
    internalPort: request.getUint16(4),
  } as const;
  const held = world.helper.table.byEndpoint(endpoint);
  if (request.getUint32(8) === 0) must(held === undefined, 'what was deleted is not there', hex(datagram));
  else must(held?.externalPort === said.getUint16(10), 'the port told is the port held', { reply: hex(reply), held });
  const isStatic = held?.origin === 'static';
  if (held !== undefined && !isStatic)
    must(held.lifetime >= said.getUint32(12), 'no client is told more than the helper granted', hex(reply));
}

function shedBy({ gateway }: GatewayWorld): number {
  return SHED.reduce((sum, counter) => sum + gateway.counters.get(counter), 0);
}
