// A device of the LAN that speaks UPnP: what it sends, and what came of it.

import type { Host } from '../lab/host.js';
import { SOON_MS } from '../lab/inbox.js';

export const GROUP = '239.255.255.250';
export const SSDP_PORT = 1900;
export const HTTP_PORT = 2869;
const CONNECTION = 'urn:schemas-upnp-org:service:WANIPConnection:1';
const SEARCH =
  'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\n' +
  'ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n';

export interface Found {
  /** Where the reply came from. */
  readonly from: string;
  readonly location: string;
}

/** Search for a gateway once, by multicast or at an address; null if none answers in time. */
export async function search(host: Host, to = GROUP, withinMs = SOON_MS): Promise<Found | null> {
  const socket = await host.udp();
  socket.sendText(SEARCH, to, SSDP_PORT);
  const reply = await socket.receive(withinMs);
  socket.close();
  if (reply === null) return null;
  const text = Buffer.from(reply.hex, 'hex').toString();
  return { from: `${reply.address}:${reply.port}`, location: /^LOCATION: *(\S+)/im.exec(text)?.[1] ?? '' };
}

/** The whole reply to an HTTP request; what ended the connection if there is none: ECONNREFUSED, closed. */
export async function http(host: Host, address: string, request: string, port = HTTP_PORT): Promise<string> {
  const made = await host.connect(address, port, { withinMs: SOON_MS });
  if (made.kind === 'failed') return made.code;
  made.connection.send(request);
  let text = '';
  for (;;) {
    const more = await made.connection.receive();
    if (/^(closed|silence|E[A-Z]+)$/.test(more)) return text === '' ? more : text;
    text += more;
  }
}

export function get(host: Host, location: string): Promise<string> {
  const { hostname, port, pathname } = new URL(location);
  return http(
    host,
    hostname,
    `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`,
    Number(port),
  );
}

/** Call an action of WANIPConnection: "200", or "500 718" with the code of UPnP's error. */
export async function call(
  host: Host,
  gateway: string,
  action: string,
  values: Readonly<Record<string, string | number>>,
  port = HTTP_PORT,
): Promise<string> {
  const inside = Object.entries(values)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('');
  const body =
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${CONNECTION}">${inside}</u:${action}></s:Body></s:Envelope>\r\n`;
  const reply = await http(
    host,
    gateway,
    `POST /control/WANIPConnection HTTP/1.1\r\nHost: ${gateway}:${port}\r\nContent-Type: text/xml; charset="utf-8"\r\n` +
      `SOAPAction: "${CONNECTION}#${action}"\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    port,
  );
  const status = /^HTTP\/1\.1 (\d+)/.exec(reply)?.[1] ?? reply;
  const code = /<errorCode>(\d+)</.exec(reply)?.[1];
  return code === undefined ? status : `${status} ${code}`;
}

/** AddPortMapping of a port to the same port of the caller. */
export function addPort(
  host: Host,
  gateway: string,
  [protocol, number]: readonly ['TCP' | 'UDP', number],
  {
    client,
    description = 'test',
    lifetime = 600,
    port = HTTP_PORT,
  }: {
    readonly client: string;
    readonly description?: string;
    readonly lifetime?: number;
    readonly port?: number;
  },
): Promise<string> {
  return call(
    host,
    gateway,
    'AddPortMapping',
    {
      NewRemoteHost: '',
      NewExternalPort: number,
      NewProtocol: protocol,
      NewInternalPort: number,
      NewInternalClient: client,
      NewEnabled: 1,
      NewPortMappingDescription: description,
      NewLeaseDuration: lifetime,
    },
    port,
  );
}
