// What a console of each LAN would be told now, for the administrator: by a search, the description that the reply names,
// and the actions at the URL that the description has. The code that answers LAN hosts is asked, not the network, because
// this process opens no connection, and nobody but LAN hosts is answered. Nothing of it is counted.

import type { Ipv4 } from '../proto/mapping.js';
import type { Binding } from '../caller/datagrams.js';
import type { Control } from './igd/control.js';
import { CONTROL_PATHS } from './igd/description.js';
import { GROUP } from './ssdp/group.js';
import { resourcesOf } from './ssdp/resources.js';
import { Responder } from './ssdp/responder.js';
import type { SsdpDeps } from './ssdp/types.js';

export interface DeviceReport {
  readonly lans: readonly LanReport[];
  /** NewConnectionStatus; null if nothing tells it. */
  readonly status: string | null;
  /** NewExternalIPAddress; null for none. */
  readonly externalAddress: string | null;
}

export interface LanReport {
  readonly interface: string;
  /** LOCATION of the reply to a search; null if there is no reply, or no gateway is described there. */
  readonly location: string | null;
  /** The process is a member of the group that searches are sent to. */
  readonly joined: boolean;
}

export interface ReportDeps {
  readonly lans: readonly Binding<Ipv4>[];
  readonly ssdp: SsdpDeps;
  /** A document of the LAN; null if there is none at this path. */
  document(interfaceIndex: number, path: string): string | null;
  /** Does not count. */
  readonly control: Control;
  isJoined(interfaceIndex: number): boolean;
}

/** As Windows and miniupnpc send it. */
const SEARCH = Buffer.from(
  'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 2\r\n' +
    'ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n',
);
const SERVICE_TYPE = 'urn:schemas-upnp-org:service:WANIPConnection:1';
/** Of hosts with addresses beside the router's: in a small network the first ones may be no hosts. */
const NEIGHBOURS: readonly number[] = [1, -1, 2, -2];
/** Any that a client has. */
const CLIENT_PORT = 50_000;

export async function deviceReport(deps: ReportDeps): Promise<DeviceReport> {
  const lans = deps.lans.map(({ interfaceIndex, interfaceName }) => {
    const host = hostOf(interfaceIndex, deps.ssdp);
    const location = host === null ? null : search(interfaceIndex, host, deps.ssdp);
    const service = location === null ? undefined : serviceAt(interfaceIndex, location, deps);
    return {
      caller: { host: host ?? 0, interfaceIndex },
      service,
      report: {
        interface: interfaceName,
        location: service === undefined ? null : location,
        joined: deps.isJoined(interfaceIndex),
      },
    };
  });
  // The connection is the same on all of them.
  const found = lans.find(({ service }) => service !== undefined) ?? lans[0];
  const ask = async (action: string, name: string): Promise<string | null> => {
    if (found === undefined) return null;
    const { caller, service = 'WANIPConnection' } = found;
    const result = await deps.control({ service, action, arguments: new Map() }, caller);
    return result.kind === 'values' ? (result.values.find(([each]) => each === name)?.[1] ?? null) : null;
  };
  const address = await ask('GetExternalIPAddress', 'NewExternalIPAddress');
  return {
    lans: lans.map(({ report }) => report),
    status: await ask('GetStatusInfo', 'NewConnectionStatus'),
    externalAddress: address === '' ? null : address,
  };
}

/** An address that a host of the LAN could have; null if there is none, as without an address of the router. */
function hostOf(interfaceIndex: number, { addresses, isLanHost }: SsdpDeps): Ipv4 | null {
  const hosts = addresses(interfaceIndex).flatMap((own) => NEIGHBOURS.map((step) => (own + step) >>> 0));
  return hosts.find((host) => isLanHost(interfaceIndex, host)) ?? null;
}

/** LOCATION of the reply; null for silence. */
function search(interfaceIndex: number, host: Ipv4, ssdp: SsdpDeps): string | null {
  const identity = ssdp.lans.get(interfaceIndex)?.identity;
  if (identity === undefined) return null;
  const waiting: (() => void)[] = [];
  const schedule: SsdpDeps['schedule'] = (_afterMs, run) => {
    waiting.push(run);
    return () => {};
  };
  let reply = '';
  const responder = new Responder(
    { ...ssdp, schedule, isResolved: () => true, count() {} },
    new Map([[interfaceIndex, resourcesOf(identity)]]),
    (_index, payload) => {
      reply = Buffer.from(payload).toString('latin1');
    },
  );
  const peer = { address: host, port: CLIENT_PORT, asked: GROUP.address };
  const found = responder.understand(interfaceIndex, SEARCH, peer);
  if (typeof found === 'string') return null;
  responder.answer(interfaceIndex, found);
  for (const send of waiting) send();
  return /^LOCATION: (\S+)\r$/m.exec(reply)?.[1] ?? null;
}

/** The service behind the control URL of the description that is at the location. */
function serviceAt(interfaceIndex: number, location: string, { document }: ReportDeps) {
  const text = document(interfaceIndex, new URL(location).pathname) ?? '';
  const [, entry = ''] = text.split(`<serviceType>${SERVICE_TYPE}</serviceType>`);
  const [, url = ''] = /<controlURL>([^<]*)<\/controlURL>/.exec(entry) ?? [];
  return CONTROL_PATHS.get(url);
}
