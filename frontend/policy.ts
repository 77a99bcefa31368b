// The policy: which host may have which mapping, on which external port and for how long. Pure. The helper has limits
// of its own and does not rely on this.

import type { Request } from '../proto/codec.js';
import type { Endpoint, Ipv4, PortRange } from '../proto/mapping.js';
import { commonPorts, inRanges } from '../proto/mapping.js';
import type { Grant } from '../config/types.js';
import type { Mac } from '../config/types.js';
import { isInPrefix } from '../config/rules.js';
import type { PolicyConfig } from './config.js';
import type { LeaseReplica } from './lease-replica.js';
import type { MapRequest, ResultCode } from './wire.js';
import { RESULT } from './wire.js';

/** The decision about a request (not an nftables verdict). */
export type Verdict =
  | { readonly kind: 'refuse'; readonly result: ResultCode }
  /** A deletion; neither quota nor rate limit applies. */
  | { readonly kind: 'remove'; readonly request: RemoveRequest }
  /** A mapping that the endpoint has or is about to get; neither quota nor rate limit applies. */
  | { readonly kind: 'renew'; readonly endpoint: Endpoint; readonly externalPort: number }
  /** A new mapping within the quota; `choosePort` gives its external port. */
  | { readonly kind: 'allocate'; readonly endpoint: Endpoint };
/**
 * The limits of a host. `unknown`: a rule by hardware address may match it, and the kernel does not know its hardware
 * address.
 */
export type Permission = Grant | 'denied' | 'unknown';
export type RemoveRequest = Extract<Request, { kind: 'remove-mapping' | 'remove-host-mappings' }>;

/** §3.3 asks for a "high-numbered" port if the client suggests none: the dynamic ports of RFC 6335. */
const HIGH_PORTS: PortRange = { from: 49152, to: 65535 };

/** The lifetime in seconds with which clients ask for "forever". */
const FOREVER = 0xffffffff;

/** How many random ports are tried before a search in order. */
const RANDOM_PROBES = 8;

/** The limits of the first rule that matches the host. The hardware address is looked up only if a rule needs it. */
export function permissionOf(
  host: Ipv4,
  { rules }: Pick<PolicyConfig, 'rules'>,
  hardwareAddress: (host: Ipv4) => Mac | null,
): Permission {
  let mac: Mac | null | undefined;
  for (const { who, grant } of rules) {
    if (who.kind === 'mac') {
      mac ??= hardwareAddress(host);
      if (mac === null) return 'unknown';
      if (mac !== who.mac) continue;
    } else if (!isInPrefix(who, host)) continue;
    return grant ?? 'denied';
  }
  return 'denied';
}

/** Decide on a mapping request of a LAN host. A denied host may still delete its mappings. */
export function decide(
  request: MapRequest,
  host: Ipv4,
  leases: LeaseReplica,
  permission: Permission,
  { deniedPorts }: Pick<PolicyConfig, 'deniedPorts'>,
): Verdict {
  // §3.3: the internal address is the source address, so no host can ask for another one.
  const { protocol, internalPort } = request;
  const endpoint: Endpoint = { protocol, internalAddress: host, internalPort };
  if (request.lifetime === 0) {
    // §3.4: internal port 0 means all ports. The suggested port is ignored in every deletion.
    if (internalPort !== 0) return { kind: 'remove', request: { kind: 'remove-mapping', ...endpoint } };
    return { kind: 'remove', request: { kind: 'remove-host-mappings', protocol, internalAddress: host } };
  }
  if (internalPort === 0 || permission === 'denied') return { kind: 'refuse', result: RESULT.NOT_AUTHORIZED };
  if (permission === 'unknown') return { kind: 'refuse', result: RESULT.NETWORK_FAILURE };

  // §3.3: a repeated request gets the same mapping, whatever port it suggests.
  const held = leases.mappingOf(endpoint) ?? leases.reservationOf(endpoint);
  // Rules do not apply to mappings made by the administrator.
  if (held?.origin === 'static') return { kind: 'renew', endpoint, externalPort: held.externalPort };
  if (inRanges(deniedPorts, internalPort) || permission.ports.length === 0)
    return { kind: 'refuse', result: RESULT.NOT_AUTHORIZED };
  if (held !== undefined) {
    // The rules have changed since it was granted: it stays until its end, but is neither renewed nor moved.
    if (!inRanges(permission.ports, held.externalPort)) return { kind: 'refuse', result: RESULT.NOT_AUTHORIZED };
    return { kind: 'renew', endpoint, externalPort: held.externalPort };
  }
  if (leases.count(host) >= permission.maxMappings) return { kind: 'refuse', result: RESULT.OUT_OF_RESOURCES };
  return { kind: 'allocate', endpoint };
}

/** The request for a mapping on this external port. */
export function addRequest(endpoint: Endpoint, externalPort: number, lifetime: number) {
  return { kind: 'add-mapping', ...endpoint, externalPort, lifetime, origin: 'dynamic' } as const satisfies Request;
}

/**
 * The lifetime to grant, in seconds. §3.3: never longer than requested. There is no minimum: some clients renew every
 * 20 seconds.
 */
export function grantedLifetime(
  requested: number,
  { maxLifetime }: Grant,
  { defaultLifetime }: Pick<PolicyConfig, 'defaultLifetime'>,
): number {
  return Math.min(requested === FOREVER ? defaultLifetime : requested, maxLifetime);
}

/**
 * The external port for a new mapping: the suggested one, else the internal port, else a random high one, else any;
 * null only if every allowed port is taken.
 *
 * @param suggested 0 for no suggestion.
 * @param random Returns [0, 1).
 * @param avoid Ports that the helper has refused.
 */
export function choosePort(
  endpoint: Endpoint,
  suggested: number,
  leases: LeaseReplica,
  grant: Grant,
  random: () => number,
  avoid: ReadonlySet<number>,
): number | null {
  const isFree = (port: number): boolean =>
    inRanges(grant.ports, port) && !avoid.has(port) && leases.isAvailable(endpoint, port);
  if (isFree(suggested)) return suggested;
  // §3.3: a suggestion of 0 asks for a high-numbered port.
  if (suggested !== 0 && isFree(endpoint.internalPort)) return endpoint.internalPort;

  const high = commonPorts(grant.ports, [HIGH_PORTS]);
  const preferred = high.length > 0 ? high : grant.ports;
  for (let probe = 0; probe < RANDOM_PROBES; probe++) {
    const port = portAt(preferred, random());
    if (isFree(port)) return port;
  }
  return (
    lowestUnheld(preferred, leases, avoid) ??
    lowestUnheld(grant.ports, leases, avoid) ??
    leases.companionPorts(endpoint).find(isFree) ??
    null
  );
}

/** The lowest port of the ranges that is not held, reserved or to be avoided. */
function lowestUnheld(ranges: readonly PortRange[], leases: LeaseReplica, avoid: ReadonlySet<number>): number | null {
  for (const range of ranges) {
    let port = leases.firstUnheld(range);
    while (port !== null && avoid.has(port)) port = leases.firstUnheld({ from: port + 1, to: range.to });
    if (port !== null) return port;
  }
  return null;
}

/** The port at this fraction, [0, 1), of the ranges. */
function portAt(ranges: readonly PortRange[], fraction: number): number {
  const sizes = ranges.map(({ from, to }) => to - from + 1);
  let offset = Math.floor(fraction * sizes.reduce((sum, size) => sum + size, 0));
  for (const [index, size] of sizes.entries()) {
    if (offset < size) return ranges[index]!.from + offset;
    offset -= size;
  }
  return ranges[0]!.from;
}
