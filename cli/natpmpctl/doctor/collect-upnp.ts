// Collects what natpmpctl doctor judges of UPnP. Changes nothing.

import { readBoundSockets } from '../../host/bound-sockets.js';
import { libc } from '../../host/libc.js';
import { findOtherGateways } from '../../host/other-gateways.js';
import { readDevices } from '../descriptions.js';
import type { DaemonProcess } from '../processes.js';
import { flagValues } from '../processes.js';
import type { Setup, Unit, Upnp } from './facts.js';
import { SSDP } from './facts.js';

/** The default of --upnp-port. */
const DEFAULT_PORT = 2869;
const OF_UPNP = /^natpmp-(?:upnp|ssdp)@/;

/** Pure: whether anything here says that UPnP is on. */
export function isUpnpOn(daemons: readonly DaemonProcess[], units: readonly Unit[]): boolean {
  return (
    daemons.some(({ role, args }) => role === 'upnp' || (role === 'server' && args.includes('--upnp'))) ||
    units.some(({ name }) => OF_UPNP.test(name))
  );
}

/** `inodes`: of natpmp-upnp's sockets. */
export async function collectUpnp(
  daemons: readonly DaemonProcess[],
  { listenInterfaces }: Setup,
  helperSocket: string,
  inodes: ReadonlySet<string> | null,
  givenPort: number | undefined,
): Promise<Upnp> {
  const ports = daemons.flatMap(({ args }) => flagValues(args, '--upnp-port'));
  const port = givenPort ?? Number(ports.at(-1) ?? DEFAULT_PORT);
  return {
    port,
    sockets: readBoundSockets().filter((one) => one.port === (one.protocol === 'tcp' ? port : SSDP.port)),
    inodes,
    indexes: new Map(listenInterfaces.map((name) => [name, libc.if_nametoindex(name)])),
    others: findOtherGateways(),
    devices: await readDevices(helperSocket),
  };
}
