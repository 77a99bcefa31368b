// The policy: which host may have which mapping, on which external port and for how long. Pure. The helper has limits
// of its own and does not rely on this.

import type { Request } from '../proto/codec.js';
import type { Endpoint, Ipv4, PortRange } from '../proto/mapping.js';
import { commonPorts, inRanges } from '../proto/mapping.js';
import type { Grant } from '../config/types.js';
import type { Permission, Rules } from '../caller/policy.js';
import { judge } from '../caller/policy.js';
import type { PolicyConfig } from './config.js';
import type { LeaseReplica } from '../caller/lease-replica.js';
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
export type RemoveRequest = Extract<Request, { kind: 'remove-mapping' | 'remove-host-mappings' }>;

/** §3.3 asks for a "high-numbered" port if the client suggests none: the dynamic ports of RFC 6335. */
const HIGH_PORTS: PortRange = { from: 49152, to: 65535 };

/** The lifetime in seconds with which clients ask for "forever". */
const FOREVER = 0xffffffff;

/** How many random ports are tried before a search in order. */
const RANDOM_PROBES = 8;

/** Decide on a mapping request of a LAN host. A denied host may still delete its mappings. */
export function decide(
  request: MapRequest,
  host: Ipv4,
  leases: LeaseReplica,
  permission: Permission,
  config: Pick<Rules, 'deniedPorts'>,
): Verdict {
  // §3.3: the internal address is the source address, so no host can ask for another one.
  const { protocol, internalPort } = request;
  const endpoint: Endpoint = { protocol, internalAddress: host, internalPort };
  if (request.lifetime === 0) {
    // §3.4: internal port 0 means all ports. The suggested port is ignored in every deletion.
    if (internalPort !== 0) return { kind: 'remove', request: { kind: 'remove-mapping', ...endpoint } };
    return { kind: 'remove', request: { kind: 'remove-host-mappings', protocol, internalAddress: host } };
  }
  if (internalPort === 0) return { kind: 'refuse', result: RESULT.NOT_AUTHORIZED };
  const judgement = judge(endpoint, leases, permission, config);
  switch (judgement.kind) {
    case 'denied':
      return { kind: 'refuse', result: RESULT.NOT_AUTHORIZED };
    case 'unknown':
      return { kind: 'refuse', result: RESULT.NETWORK_FAILURE };
    case 'full':
      return { kind: 'refuse', result: RESULT.OUT_OF_RESOURCES };
    case 'held':
      // §3.3: a repeated request gets the same mapping, whatever port it suggests.
      return { kind: 'renew', endpoint, externalPort: judgement.lease.externalPort };
    case 'new':
      return { kind: 'allocate', endpoint };
  }
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
