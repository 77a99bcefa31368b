// UPnP as the system tests speak it: bytes written out by hand, so that no code of the project checks itself.

import type { Host } from './host.js';
import { SOON_MS } from './inbox.js';

export const SSDP_GROUP = '239.255.255.250';
export const SSDP_PORT = 1900;
export const HTTP_PORT = 2869;
export const GATEWAY_DEVICE = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
const CONNECTION_SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:1';

/** A search as miniupnpc sends it, as hex. */
export function searchFor(target: string): string {
  return Buffer.from(
    `M-SEARCH * HTTP/1.1\r\nHOST: ${SSDP_GROUP}:${SSDP_PORT}\r\nST: ${target}\r\nMAN: "ssdp:discover"\r\nMX: 2\r\n\r\n`,
  ).toString('hex');
}

/** The LOCATION of the first reply to a search; null if there is none in time. `to`: the group, or the router itself. */
export async function discover(
  host: Host,
  to = SSDP_GROUP,
  target = GATEWAY_DEVICE,
  withinMs = SOON_MS,
): Promise<string | null> {
  const udp = await host.udp();
  try {
    udp.send(searchFor(target), to, SSDP_PORT);
    const reply = await udp.receive(withinMs);
    const text = reply === null ? '' : Buffer.from(reply.hex, 'hex').toString();
    return /^LOCATION: *(\S+)\r$/im.exec(text)?.[1] ?? null;
  } finally {
    udp.close();
  }
}

export interface HttpReply {
  /** 0: the connection ended without a reply. */
  readonly status: number;
  readonly body: string;
}

/** One request, and the reply until the router closes the connection. */
export async function http(host: Host, address: string, request: string, port = HTTP_PORT): Promise<HttpReply> {
  const connected = await host.connect(address, port);
  if (connected.kind === 'failed') return { status: 0, body: connected.code };
  const { connection } = connected;
  connection.send(request);
  let text = '';
  for (;;) {
    const more = await connection.receive();
    if (more === 'silence') throw new Error(`neither more of a reply nor an end, after: ${text}`);
    if (/^(?:closed|E[A-Z]+)$/.test(more)) break;
    text += more;
  }
  connection.close();
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0),
    body: text.slice(text.indexOf('\r\n\r\n') + 4),
  };
}

export function get(host: Host, address: string, path: string): Promise<HttpReply> {
  return http(host, address, `GET ${path} HTTP/1.1\r\nHost: ${address}:${HTTP_PORT}\r\nConnection: close\r\n\r\n`);
}

export interface SoapReply {
  /** 200, 500, or another status of HTTP. */
  readonly status: number;
  /** The UPnP error code of a 500. */
  readonly code: number | null;
  /** The arguments of a 200. */
  readonly values: Readonly<Record<string, string>>;
}

/** A LAN host that controls the gateway at this address of the router. */
export class ControlPoint {
  readonly #host: Host;
  readonly #router: string;

  constructor(host: Host, router: string) {
    this.#host = host;
    this.#router = router;
  }

  async call(action: string, values: Readonly<Record<string, string | number>> = {}): Promise<SoapReply> {
    const { status, body } = await http(this.#host, this.#router, soapRequest(this.#router, action, values));
    const code = /<errorCode>(\d+)<\/errorCode>/.exec(body)?.[1];
    return {
      status,
      code: code === undefined ? null : Number(code),
      values: Object.fromEntries(
        [...body.matchAll(/<(New\w+)>([^<]*)<\/\1>/g)].map(([, name = '', value = '']) => [name, value]),
      ),
    };
  }

  /** AddPortMapping as miniupnpc sends it; the error code, or null for success. */
  async add(
    protocol: 'TCP' | 'UDP',
    externalPort: number,
    client: string,
    internalPort = externalPort,
    lifetime = 600,
    description = 'libminiupnpc',
  ): Promise<number | null> {
    const { status, code } = await this.call('AddPortMapping', {
      NewRemoteHost: '',
      NewExternalPort: externalPort,
      NewProtocol: protocol,
      NewInternalPort: internalPort,
      NewInternalClient: client,
      NewEnabled: 1,
      NewPortMappingDescription: description,
      NewLeaseDuration: lifetime,
    });
    return status === 200 ? null : (code ?? -status);
  }

  /** DeletePortMapping; the error code, or null for success. */
  async remove(protocol: 'TCP' | 'UDP', externalPort: number): Promise<number | null> {
    const { status, code } = await this.call('DeletePortMapping', {
      NewRemoteHost: '',
      NewExternalPort: externalPort,
      NewProtocol: protocol,
    });
    return status === 200 ? null : (code ?? -status);
  }

  /** The host's own list, as a walk through its indexes gives it: "TCP 4000 -> 192.168.1.2:4000 libminiupnpc". */
  async list(): Promise<readonly string[]> {
    const found: string[] = [];
    for (let index = 0; ; index++) {
      const { status, values } = await this.call('GetGenericPortMappingEntry', { NewPortMappingIndex: index });
      if (status !== 200) return found;
      found.push(
        `${values['NewProtocol']} ${values['NewExternalPort']} -> ${values['NewInternalClient']}:${values['NewInternalPort']} ` +
          `${values['NewPortMappingDescription']}`,
      );
    }
  }
}

function soapRequest(router: string, action: string, values: Readonly<Record<string, string | number>>): string {
  const inner = Object.entries(values)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('');
  const body =
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${CONNECTION_SERVICE}">${inner}</u:${action}></s:Body></s:Envelope>\r\n`;
  return (
    `POST /control/WANIPConnection HTTP/1.1\r\nHost: ${router}:${HTTP_PORT}\r\n` +
    'User-Agent: Debian/12, UPnP/1.1, MiniUPnPc/2.2.4\r\n' +
    `Content-Length: ${Buffer.byteLength(body)}\r\nContent-Type: text/xml\r\n` +
    `SOAPAction: "${CONNECTION_SERVICE}#${action}"\r\nConnection: Close\r\n` +
    `Cache-Control: no-cache\r\nPragma: no-cache\r\n\r\n${body}`
  );
}
