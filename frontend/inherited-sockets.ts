// The sockets that natpmp-server or systemd passes to the frontend (docs/architecture.md lists them).

import type { Validated } from '../config/validate.js';
import type { Ipv4, Ipv6 } from '../proto/mapping.js';
import { isNonBlocking, REMEDY } from '../caller/daemon.js';
import type { Config } from './config.js';
import type { AnyBinding, Binding } from '../caller/datagrams.js';
import { bindingOf, IPV4, IPV6 } from '../caller/datagrams.js';

export interface InheritedSockets {
  /** The UDP sockets of IPv4, and those of IPv6, which are for PCP; at least one in all. */
  readonly natpmp: readonly Binding<Ipv4>[];
  readonly pcp: readonly Binding<Ipv6>[];
  /** rtnetlink, non-blocking. Null only with a configured external address and `--lan`, for one LAN, without IPv6. */
  readonly route: number | null;
  /** A listening socket file; null if metrics are not wanted. */
  readonly metrics: number | null;
  /** For sd_notify; null if there is no supervisor. */
  readonly notify: number | null;
}

/** The sockets that the configuration needs, from the passed descriptors by name (process/listen-fds.ts). */
export function inheritedSockets(
  fds: ReadonlyMap<string, readonly number[]>,
  config: Pick<Config, 'externalAddress' | 'lans'>,
): Validated<InheritedSockets> {
  const natpmp = fds.get('natpmp') ?? [];
  const [route = null] = fds.get('route') ?? [];
  const [metrics = null] = fds.get('metrics') ?? [];
  const [notify = null] = fds.get('notify') ?? [];
  if (natpmp.length === 0) return { complaints: [`no file descriptor named "natpmp": ${REMEDY}`] };
  if (route === null && config.externalAddress === null)
    return { complaints: [`no file descriptor named "route" (nor --external-address): ${REMEDY}`] };
  // One blocking read would stop the process, and Node cannot make an inherited socket non-blocking.
  if (route !== null && !isNonBlocking(route))
    return { complaints: ['file descriptor "route" is blocking: set NonBlocking=yes in the systemd service'] };
  if (route === null && config.lans.length === 0)
    return { complaints: [`no file descriptor named "route" (nor --lan): ${REMEDY}`] };
  return withBindings(natpmp, config.lans.length > 0, { route, metrics, notify });
}

function withBindings(
  fds: readonly number[],
  hasLans: boolean,
  others: Omit<InheritedSockets, 'natpmp' | 'pcp'>,
): Validated<InheritedSockets> {
  let bindings: readonly AnyBinding[];
  try {
    bindings = fds.map(bindingOf);
  } catch (error) {
    return { complaints: [`file descriptor "natpmp": ${(error as Error).message}`] };
  }
  const natpmp = bindings.filter((binding) => binding.family === IPV4.number);
  const pcp = bindings.filter((binding) => binding.family === IPV6.number);
  // Without an interface and without --lan, which has networks of IPv4, there is nothing to tell a host of the LAN by.
  if ([...(hasLans ? [] : natpmp), ...pcp].some(({ interfaceIndex }) => interfaceIndex === 0))
    return {
      complaints: ['file descriptor "natpmp" is bound to no interface: set BindToDevice= in the systemd socket'],
    };
  if (pcp.length > 0 && others.route === null)
    return { complaints: [`no file descriptor named "route", and a "natpmp" of IPv6: ${REMEDY}`] };
  // Without routes, a host of one LAN could ask with an address of another.
  const lans = new Set(natpmp.map(({ interfaceIndex, address }) => `${interfaceIndex} ${address}`));
  if (others.route === null && lans.size > 1)
    return { complaints: [`no file descriptor named "route", and "natpmp" of more than one LAN: ${REMEDY}`] };
  return { ok: { natpmp, pcp, ...others } };
}
