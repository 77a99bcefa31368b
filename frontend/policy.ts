// Who may have which mapping, on which external port and for how long. Pure: the one place for these judgements.
// The helper has limits of its own and believes none of this.

import type { Request } from '../proto/codec.js';
import type { Endpoint, Ipv4, PortRange } from '../proto/mapping.js';
import { commonPorts, inRanges } from '../proto/mapping.js';
import type { Grant } from '../config/grants.js';
import type { Mac } from '../config/rules.js';
import { isInPrefix } from '../config/rules.js';
import type { PolicyConfig } from './config.js';
import type { LeaseReplica } from './ledger.js';
import type { MapRequest, ResultCode } from './wire.js';
import { RESULT } from './wire.js';

/** What policy makes of a request (not a verdict of nftables). */
export type Verdict =
  | { readonly kind: 'refuse'; readonly result: ResultCode }
  /** Neither quota nor rate may stand in the way of a deletion, */
  | { readonly kind: 'remove'; readonly request: RemoveRequest }
  /** or of asking again for what the endpoint has or is about to get. */
  | { readonly kind: 'renew'; readonly endpoint: Endpoint; readonly externalPort: number }
  /** A new mapping, within the quota; its external port is still to be chosen. */
  | { readonly kind: 'allocate'; readonly endpoint: Endpoint };
/**
 * What a host may have. `unknown`: a rule by hardware address may be about it, and the kernel does not know its
 * address.
 */
export type Permission = Grant | 'denied' | 'unknown';
export type RemoveRequest = Extract<Request, { kind: 'remove-mapping' | 'remove-host-mappings' }>;

/** §3.3 asks for "high-numbered" ports where the client has no wish: the dynamic ports of RFC 6335. */
const HIGH: PortRange = { from: 49152, to: 65535 };

/** A client that asks for this many seconds asks for "forever": it states no lifetime of its own. */
const FOREVER = 0xffffffff;

/** How many random ports are tried before they are looked through in order. */
const PROBES = 8;

/**
 * What the first rule says that names the host. The kernel is asked for its hardware address only where a rule wants
 * it.
 */
export function permissionOf(
  host: Ipv4,
  { rules }: Pick<PolicyConfig, 'rules'>,
  hardwareAddress: (host: Ipv4) => Mac | null,
): Permission {
  let known: Mac | null | undefined;
  for (const { who, grant } of rules) {
    if (who.kind === 'mac') {
      known ??= hardwareAddress(host);
      if (known === null) return 'unknown';
      if (known !== who.mac) continue;
    } else if (!isInPrefix(who, host)) continue;
    return grant ?? 'denied';
  }
  return 'denied';
}

/** Judge a mapping request of a LAN host. A denied one may still delete what it has. */
export function decide(
  request: MapRequest,
  host: Ipv4,
  ledger: LeaseReplica,
  externalAddress: Ipv4 | null,
  permission: Permission,
  { deniedPorts }: Pick<PolicyConfig, 'deniedPorts'>,
): Verdict {
  // §3.3: the internal address is the source address, so nobody can ask on another's behalf.
  const { protocol, internalPort } = request;
  const endpoint: Endpoint = { protocol, internalAddress: host, internalPort };
  if (request.lifetime === 0) {
    // §3.4: internal port 0 is all of them. The suggested port is ignored in every deletion.
    if (internalPort !== 0) return { kind: 'remove', request: { kind: 'remove-mapping', ...endpoint } };
    return { kind: 'remove', request: { kind: 'remove-host-mappings', protocol, internalAddress: host } };
  }
  if (internalPort === 0 || permission === 'denied') return { kind: 'refuse', result: RESULT.NOT_AUTHORIZED };
  if (externalAddress === null || permission === 'unknown') return { kind: 'refuse', result: RESULT.NETWORK_FAILURE };

  // §3.3: what the endpoint has already, or is about to get, it gets again, whatever it suggests.
  const held = ledger.mappingOf(endpoint) ?? ledger.reservationOf(endpoint);
  // What was made by hand is beyond these rules.
  if (held?.origin === 'static') return { kind: 'renew', endpoint, externalPort: held.externalPort };
  if (inRanges(deniedPorts, internalPort) || permission.ports.length === 0)
    return { kind: 'refuse', result: RESULT.NOT_AUTHORIZED };
  if (held !== undefined) {
    // Other rules than when it was granted: it stays until its end, but it can neither be renewed nor, until then, be
    // moved.
    if (!inRanges(permission.ports, held.externalPort)) return { kind: 'refuse', result: RESULT.NOT_AUTHORIZED };
    return { kind: 'renew', endpoint, externalPort: held.externalPort };
  }
  if (ledger.count(host) >= permission.maxMappings) return { kind: 'refuse', result: RESULT.OUT_OF_RESOURCES };
  return { kind: 'allocate', endpoint };
}

/** The request for a mapping on this external port. */
export function addRequest(endpoint: Endpoint, externalPort: number, lifetime: number) {
  return { kind: 'add-mapping', ...endpoint, externalPort, lifetime, origin: 'dynamic' } as const satisfies Request;
}

/** §3.3: never longer than asked. No lifetime is too short: some clients renew every 20 seconds. */
export function grantedLifetime(
  asked: number,
  { maxLifetime }: Grant,
  { defaultLifetime }: Pick<PolicyConfig, 'defaultLifetime'>,
): number {
  return Math.min(asked === FOREVER ? defaultLifetime : asked, maxLifetime);
}

/**
 * The external port for a new mapping: the one suggested, else that of the internal port, else a random high one, else
 * any; null only where every allowed port is taken. Ports in `avoid` were refused by the helper. `random` gives [0, 1).
 */
export function choosePort(
  endpoint: Endpoint,
  suggested: number,
  ledger: LeaseReplica,
  grant: Grant,
  random: () => number,
  avoid: ReadonlySet<number>,
): number | null {
  const isFree = (port: number): boolean =>
    inRanges(grant.ports, port) && !avoid.has(port) && ledger.isAvailable(endpoint, port);
  if (isFree(suggested)) return suggested;
  // §3.3: who suggests 0 prefers a high-numbered port to any meaning in it.
  if (suggested !== 0 && isFree(endpoint.internalPort)) return endpoint.internalPort;

  const high = commonPorts(grant.ports, [HIGH]);
  const preferred = high.length > 0 ? high : grant.ports;
  for (let probe = 0; probe < PROBES; probe++) {
    const port = pick(preferred, random());
    if (isFree(port)) return port;
  }
  return (
    scan(preferred, ledger, avoid) ??
    scan(grant.ports, ledger, avoid) ??
    ledger.companionPorts(endpoint).find(isFree) ??
    null
  );
}

/** The lowest port of the ranges that is held by nobody and not to be avoided. */
function scan(ranges: readonly PortRange[], ledger: LeaseReplica, avoid: ReadonlySet<number>): number | null {
  for (const range of ranges) {
    let port = ledger.firstUnheld(range);
    while (port !== null && avoid.has(port)) port = ledger.firstUnheld({ from: port + 1, to: range.to });
    if (port !== null) return port;
  }
  return null;
}

/** The port at this fraction of the ranges. */
function pick(ranges: readonly PortRange[], fraction: number): number {
  const sizes = ranges.map(({ from, to }) => to - from + 1);
  let offset = Math.floor(fraction * sizes.reduce((sum, size) => sum + size, 0));
  for (const [index, size] of sizes.entries()) {
    if (offset < size) return ranges[index]!.from + offset;
    offset -= size;
  }
  return ranges[0]!.from;
}
