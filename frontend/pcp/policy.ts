// The policy for pinholes: which host may open which port, and for how long. Pure. The helper has limits of its own and
// does not rely on this.

import type { Grant, Mac } from '../../config/types.js';
import type { Pinhole } from '../../proto/mapping.js';
import { inRanges } from '../../proto/mapping.js';
import type { PolicyConfig } from '../config.js';
import type { PcpErrorName, PcpMapRequest } from './wire.js';

/** The decision about a request for a pinhole. */
export type PinholeVerdict =
  | { readonly kind: 'refuse'; readonly result: PcpErrorName }
  /** One that there is; neither quota nor rate limit applies. */
  | { readonly kind: 'renew'; readonly grant: Grant }
  | { readonly kind: 'allocate'; readonly grant: Grant };

/**
 * The longest lifetime that a client gets, in seconds: a host that leaves its address, as hosts do with temporary ones
 * (RFC 8981), leaves its pinholes open for no longer. Clients renew at half of it.
 */
export const MAX_PINHOLE_LIFETIME = 7200;

/**
 * The limits of a device, or null if it may open nothing. A rule for IPv4 addresses names no host of IPv6: rules by
 * hardware address apply, and the default rule.
 *
 * @param device Its hardware address; 0 if it has none, because the link is a tunnel.
 */
export function grantOf(device: Mac, { rules }: Pick<PolicyConfig, 'rules'>): Grant | null {
  const own = device === 0 ? undefined : rules.find(({ who }) => who.kind === 'mac' && who.mac === device);
  return (own ?? rules.at(-1))?.grant ?? null;
}

/**
 * Decide on a request for a pinhole.
 *
 * @param held The pinhole of this endpoint, if there is one.
 * @param isReserved The helper has been asked for it already.
 * @param count How many the device holds, with those that the helper has been asked for.
 */
export function decidePinhole(
  { port, prefersFailure, suggestsOwn }: PcpMapRequest,
  held: Pinhole | undefined,
  isReserved: boolean,
  count: number,
  device: Mac,
  config: Pick<PolicyConfig, 'rules' | 'deniedPorts'>,
): PinholeVerdict {
  const grant = grantOf(device, config);
  if (grant === null) return { kind: 'refuse', result: 'NOT_AUTHORIZED' };
  // Rules do not apply to pinholes made by the administrator.
  const isStatic = held?.origin === 'static';
  if (!isStatic && (inRanges(config.deniedPorts, port) || !inRanges(grant.pinholePorts, port)))
    return { kind: 'refuse', result: 'NOT_AUTHORIZED' };
  // RFC 6887 §13.2: nothing is translated, so the host's own address and port are the only ones to be had.
  if (prefersFailure && !suggestsOwn) return { kind: 'refuse', result: 'CANNOT_PROVIDE_EXTERNAL' };
  if (held !== undefined || isReserved) return { kind: 'renew', grant };
  if (count >= grant.maxMappings) return { kind: 'refuse', result: 'USER_EX_QUOTA' };
  return { kind: 'allocate', grant };
}

/** The lifetime to grant, in seconds: never longer than requested, so there is no least one. */
export function pinholeLifetime(requested: number, { maxLifetime }: Grant): number {
  return Math.min(requested, maxLifetime, MAX_PINHOLE_LIFETIME);
}
