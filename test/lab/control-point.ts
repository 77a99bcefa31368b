// What tests of clients need of UPnP beyond upnp.ts: every reply to a search, requests in segments, from other addresses,
// and their outcome in one value. Text written out by hand, so that no code of the project checks itself.

import type { Host } from './host.js';
import { SOON_MS } from './inbox.js';
import { ROUTER } from './lab.js';
import { HTTP_PORT, SSDP_GROUP, SSDP_PORT } from './upnp.js';

export const WANIP = 'urn:schemas-upnp-org:service:WANIPConnection:1';

const CRLF = '\r\n';

/** Send a datagram to the group, and resolve with all replies until so many have come, or none more in time. */
export async function replies(
  host: Host,
  hex: string,
  { most = 1, withinMs = SOON_MS, to = SSDP_GROUP, from = 0 } = {},
): Promise<string[]> {
  const udp = await host.udp(from === 0 ? {} : { port: from });
  const found: string[] = [];
  udp.send(hex, to, SSDP_PORT);
  const endMs = performance.now() + withinMs;
  while (found.length < most) {
    const reply = await udp.receiveText(endMs - performance.now());
    if (reply === null) break;
    found.push(reply);
  }
  udp.close();
  return found;
}

/** The value of a header, its name in any case; null if there is none. */
export function header(message: string, name: string): string | null {
  const [head = ''] = message.split(CRLF + CRLF);
  for (const line of head.split(CRLF).slice(1)) {
    const colon = line.indexOf(':');
    if (line.slice(0, colon).toLowerCase() === name.toLowerCase()) return line.slice(colon + 1).trim();
  }
  return null;
}

export interface HttpAnswer {
  /** 0 if the connection ended, or could not be made, without an answer. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** How the connection ended, or why it could not be made. */
  readonly ended: string;
}

/** What answers these texts, each sent when the server has read and kept silent about the one before. */
export async function exchange(
  host: Host,
  texts: readonly string[],
  { address = ROUTER, port = HTTP_PORT, from = '', withinMs = SOON_MS, pauseMs = 0 } = {},
): Promise<HttpAnswer> {
  const connected = await host.connect(address, port, { withinMs, ...(from === '' ? {} : { address: from }) });
  if (connected.kind === 'failed') return { status: 0, head: '', body: '', ended: connected.code };
  const { connection } = connected;
  for (const [index, text] of texts.entries()) {
    if (index > 0 && pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    connection.send(text);
  }
  let said = '';
  for (let text = ''; ; said += text) {
    text = await connection.receive(withinMs);
    if (text === 'closed' || text === 'silence' || /^E[A-Z]+$/.test(text)) {
      connection.close();
      return { ...parsed(said), ended: text };
    }
  }
}

function parsed(said: string): Omit<HttpAnswer, 'ended'> {
  const at = said.indexOf(CRLF + CRLF);
  const head = at < 0 ? said : said.slice(0, at);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0),
    head,
    body: at < 0 ? '' : said.slice(at + 4),
  };
}

export type Arguments = Readonly<Record<string, string>>;

/** The body as miniupnpc writes it; the arguments as they are. */
export function envelope(action: string, args: Arguments = {}, service = WANIP): string {
  const words = Object.entries(args).map(([name, value]) => `<${name}>${value}</${name}>`);
  return (
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${service}">${words.join('')}</u:${action}></s:Body></s:Envelope>\r\n`
  );
}

/** A POST of it, in one segment. */
export function post(action: string, body: string, { path = CONTROL, service = WANIP, host = HOST, more = '' } = {}) {
  return (
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: test\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
    `Content-Type: text/xml\r\nSOAPAction: "${service}#${action}"\r\nConnection: close\r\n${more}\r\n${body}`
  );
}

/** Where WANIPConnection is controlled. */
export const CONTROL = '/control/WANIPConnection';
const HOST = `${ROUTER}:${HTTP_PORT}`;

/** An action's outcome: the values, the UPnP error code, or what else came. */
export type Outcome = Arguments | number | string;

export function outcomeOf({ status, body, ended }: HttpAnswer): Outcome {
  if (status === 500) {
    const code = /<errorCode>(\d+)<\/errorCode>/.exec(body)?.[1];
    return code === undefined ? `HTTP 500: ${body}` : Number(code);
  }
  if (status !== 200) return status === 0 ? ended : `HTTP ${status}`;
  const values = body.matchAll(/<(New\w+)[^>]*>([^<]*)<\/\1>/g);
  return Object.fromEntries([...values].map(([, name, value]) => [name, value]));
}

/** Carry out an action of WANIPConnection. */
export async function act(
  host: Host,
  action: string,
  args: Arguments = {},
  to: { readonly address?: string; readonly port?: number; readonly from?: string; readonly withinMs?: number } = {},
): Promise<Outcome> {
  const { address = ROUTER, port = HTTP_PORT } = to;
  const text = post(action, envelope(action, args), { host: `${address}:${port}` });
  return outcomeOf(await exchange(host, [text], to));
}

/** Arguments of AddPortMapping in the order of IGD:1. */
export function mapping(
  protocol: 'TCP' | 'UDP',
  externalPort: number,
  client: string,
  internalPort: number,
  lease: number,
  description = 'a test',
): Arguments {
  return {
    NewRemoteHost: '',
    NewExternalPort: String(externalPort),
    NewProtocol: protocol,
    NewInternalPort: String(internalPort),
    NewInternalClient: client,
    NewEnabled: '1',
    NewPortMappingDescription: description,
    NewLeaseDuration: String(lease),
  };
}
