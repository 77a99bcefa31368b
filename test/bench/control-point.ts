// A control point that does what programs do, one step after the other, and measures each: `control-point.js ADDRESS
// ROUNDS`, from that address of this namespace. Prints a line of JSON: milliseconds of each step in every round.

import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Steps } from './upnp-figures.js';

const GROUP = '239.255.255.250';
const SSDP_PORT = 1900;
const TARGET = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
/** Searches are repeated after this, in milliseconds. */
const SEARCH_MS = 2000;
const DEADLINE_MS = 10_000;
const FIRST_PORT = 30_000;

const [own = '', given = ''] = process.argv.slice(2);
const socket = createSocket('udp4');
await new Promise<void>((resolve) => socket.bind(0, own, resolve));
socket.setMulticastInterface(own);

interface Url {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

function parse(url: string): Url {
  const [, host = '', port = '', path = ''] = /^http:\/\/([\d.]+):(\d+)(\/.*)$/.exec(url) ?? [];
  if (path === '') throw new Error(`${url} is no address of a description`);
  return { host, port: Number(port), path };
}

function search(): Promise<Url> {
  return new Promise((resolve, reject) => {
    const send = () =>
      socket.send(
        `M-SEARCH * HTTP/1.1\r\nHOST: ${GROUP}:${SSDP_PORT}\r\nST: ${TARGET}\r\nMAN: "ssdp:discover"\r\nMX: 2\r\n\r\n`,
        SSDP_PORT,
        GROUP,
      );
    const again = setInterval(send, SEARCH_MS);
    const fail = setTimeout(() => reject(new Error('nobody answers a search')), DEADLINE_MS);
    const take = (datagram: Buffer): void => {
      const location = /^LOCATION: *(\S+)\r$/im.exec(datagram.toString())?.[1];
      if (location === undefined) return;
      socket.off('message', take);
      clearInterval(again);
      clearTimeout(fail);
      resolve(parse(location));
    };
    socket.on('message', take);
    send();
  });
}

function exchange({ host, port }: Url, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = connect({ host, port, localAddress: own, noDelay: true });
    let said = '';
    connection.setTimeout(DEADLINE_MS, () => connection.destroy(new Error('no answer')));
    connection.once('connect', () => connection.write(request));
    connection.on('data', (chunk) => {
      said += chunk.toString();
    });
    connection.once('error', reject);
    connection.once('end', () => {
      connection.end();
      resolve(said);
    });
  });
}

const get = (url: Url) =>
  exchange(url, `GET ${url.path} HTTP/1.1\r\nHost: ${url.host}:${url.port}\r\nConnection: close\r\n\r\n`);

async function act(url: Url, service: string, action: string, args: Readonly<Record<string, string>>): Promise<void> {
  const words = Object.entries(args).map(([name, value]) => `<${name}>${value}</${name}>`);
  const body =
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${service}">${words.join('')}</u:${action}></s:Body></s:Envelope>\r\n`;
  const answer = await exchange(
    url,
    `POST ${url.path} HTTP/1.1\r\nHost: ${url.host}:${url.port}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Content-Type: text/xml\r\nSOAPAction: "${service}#${action}"\r\nConnection: close\r\n\r\n${body}`,
  );
  if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`${action}: ${answer}`);
}

async function round(port: number): Promise<Steps> {
  const times: number[] = [];
  const timed = async <T>(step: Promise<T>): Promise<T> => {
    const startMs = performance.now();
    const result = await step;
    times.push(performance.now() - startMs);
    return result;
  };
  const location = await timed(search());
  const description = await timed(get(location));
  const [, service = '', path = ''] =
    /<serviceType>(urn:schemas-upnp-org:service:WANIPConnection:\d)<\/serviceType>.*?<controlURL>([^<]+)<\/controlURL>/s.exec(
      description,
    ) ?? [];
  const control = { ...location, path };
  const entry = { NewRemoteHost: '', NewExternalPort: String(port), NewProtocol: 'TCP' };
  const mapping = {
    ...entry,
    NewInternalPort: String(port),
    NewInternalClient: own,
    NewEnabled: '1',
    NewPortMappingDescription: 'bench',
    NewLeaseDuration: '3600',
  };
  await timed(act(control, service, 'AddPortMapping', mapping));
  await timed(act(control, service, 'AddPortMapping', mapping));
  await timed(act(control, service, 'GetSpecificPortMappingEntry', entry));
  await timed(act(control, service, 'DeletePortMapping', entry));
  const [found = 0, described = 0, mapped = 0, renewed = 0, seen = 0, deleted = 0] = times;
  return { search: found, description: described, new: mapped, renewal: renewed, look: seen, deletion: deleted };
}

const steps: Steps[] = [];
for (let index = 0; index < Number(given); index++) steps.push(await round(FIRST_PORT + (index % 1000)));
console.log(JSON.stringify(steps));
process.exit(0);
