// The sockets that natpmp-server or systemd passes to natpmp-upnp (docs/architecture.md lists them).

import { isNonBlocking, REMEDY } from '../caller/daemon.js';
import type { Binding } from '../caller/datagrams.js';
import { bindingOf, IPV4, listenerOf } from '../caller/datagrams.js';
import type { Validated } from '../config/validate.js';
import type { Ipv4 } from '../proto/mapping.js';
import type { Config } from './config.js';

export interface InheritedSockets {
  /** UDP, bound to the port of searches and to an interface: one for each LAN. */
  readonly ssdp: readonly Binding<Ipv4>[];
  /** TCP, listening, bound to an interface: one for each LAN, all on the same port. */
  readonly http: readonly Binding<Ipv4>[];
  /** rtnetlink, non-blocking. */
  readonly route: number;
  /** Listening socket files; null if they are not wanted. */
  readonly metrics: number | null;
  readonly status: number | null;
  /** For sd_notify; null if there is no supervisor. */
  readonly notify: number | null;
}

/** The sockets that the configuration needs, from the passed descriptors by name (process/listen-fds.ts). */
export function inheritedSockets(
  fds: ReadonlyMap<string, readonly number[]>,
  { upnpPort }: Pick<Config, 'upnpPort'>,
): Validated<InheritedSockets> {
  const [route] = fds.get('route') ?? [];
  const [metrics = null] = fds.get('metrics') ?? [];
  const [status = null] = fds.get('status') ?? [];
  const [notify = null] = fds.get('notify') ?? [];
  // Addresses of the LANs and the routes to their hosts come by it, so it is never optional.
  if (route === undefined) return { complaints: [`no file descriptor named "route": ${REMEDY}`] };
  // One blocking read would stop the process, and Node cannot make an inherited socket non-blocking.
  if (!isNonBlocking(route))
    return { complaints: ['file descriptor "route" is blocking: set NonBlocking=yes in the systemd service'] };
  const ssdp = bindings(fds, 'ssdp', (fd) => {
    const binding = bindingOf(fd);
    if (binding.family !== IPV4.number) throw new Error(`file descriptor ${fd} is not a socket of IPv4`);
    return binding;
  });
  const http = bindings(fds, 'upnp', listenerOf);
  if (!('ok' in ssdp)) return ssdp;
  if (!('ok' in http)) return http;
  const complaint = mismatch(ssdp.ok, http.ok, upnpPort);
  return complaint === null
    ? { ok: { ssdp: ssdp.ok, http: http.ok, route, metrics, status, notify } }
    : { complaints: [complaint] };
}

function bindings(
  fds: ReadonlyMap<string, readonly number[]>,
  name: string,
  read: (fd: number) => Binding<Ipv4>,
): Validated<readonly Binding<Ipv4>[]> {
  const passed = fds.get(name) ?? [];
  if (passed.length === 0) return { complaints: [`no file descriptor named "${name}": ${REMEDY}`] };
  try {
    const found = passed.map(read);
    // What tells the hosts of one LAN from those of another, and from the Internet.
    return found.every(({ interfaceIndex }) => interfaceIndex > 0)
      ? { ok: found }
      : {
          complaints: [`file descriptor "${name}" is bound to no interface: set BindToDevice= in the systemd socket`],
        };
  } catch (error) {
    return { complaints: [`file descriptor "${name}": ${(error as Error).message}`] };
  }
}

/** Replies to searches on a LAN name the TCP port there, so there has to be one for each, and the same for all. */
function mismatch(
  ssdp: readonly Binding<Ipv4>[],
  http: readonly Binding<Ipv4>[],
  upnpPort: number | null,
): string | null {
  const lone = ssdp.find(({ interfaceIndex }) => !http.some((other) => other.interfaceIndex === interfaceIndex));
  if (lone !== undefined) return `no file descriptor named "upnp" for ${lone.interfaceName}: ${REMEDY}`;
  const port = upnpPort ?? http[0]?.port;
  const other = http.find((socket) => socket.port !== port);
  if (other === undefined) return null;
  return upnpPort === null
    ? `the file descriptors "upnp" have different ports, ${port} and ${other.port}: give all the same`
    : `--upnp-port ${port}: the file descriptor "upnp" has port ${other.port}: name that, or change the socket`;
}
