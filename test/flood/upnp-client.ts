// A control point that behaves, on a device of its own: searches, maps a port, looks at it and takes it away, one step at
// a time, with every answer looked at. `node upnp-client.js`: works until its input ends, and then says what it has seen,
// as JSON, in the words of client.ts.

import { createSocket } from 'node:dgram';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { NEIGHBOUR, ROUTER } from '../load/mappings.js';
import type { Seen } from './client.js';

const GROUP = '239.255.255.250';
const SSDP_PORT = 1900;
const HTTP_PORT = 2869;
const TARGET = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
const SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:1';
const LOCATION = `http://${ROUTER}:${HTTP_PORT}/igd.xml`;
/** How long a reply to one search is waited for, in milliseconds. */
const SEARCH_MS = 250;
const SEARCHES = 9;
const HTTP_MS = 10_000;
/** Between an answer and the next request, in milliseconds: its share of new mappings is ten a second. */
const PAUSE_MS = 50;
const PORT = 40_000;
/** The ruleset's own name for what was mapped, as the answer to a look. */
const DESCRIPTION = 'behaves';

const socket = createSocket('udp4');
await new Promise<void>((resolve) => socket.bind(0, NEIGHBOUR, resolve));
socket.setMulticastInterface(NEIGHBOUR);

let ended = false;
process.stdin
  .once('end', () => {
    ended = true;
  })
  .resume();

const latencies: number[] = [];
const wrong: string[] = [];
let repeated = 0;
let unanswered = 0;

/** How many searches it took until an answer came; null if none did. */
async function search(): Promise<number | null> {
  const datagram = `M-SEARCH * HTTP/1.1\r\nHOST: ${GROUP}:${SSDP_PORT}\r\nST: ${TARGET}\r\nMAN: "ssdp:discover"\r\nMX: 2\r\n\r\n`;
  for (let tries = 1; tries <= SEARCHES; tries++) {
    socket.send(datagram, SSDP_PORT, GROUP);
    const reply = await heard();
    if (reply === null) continue;
    if (!reply.startsWith('HTTP/1.1 200 OK\r\n') || !reply.includes(`\r\nLOCATION: ${LOCATION}\r\n`))
      wrong.push(`search: ${reply}`);
    return tries;
  }
  return null;
}

function heard(): Promise<string | null> {
  return new Promise((resolve) => {
    const take = (datagram: Buffer): void => {
      clearTimeout(timer);
      resolve(datagram.toString());
    };
    const timer = setTimeout(() => {
      socket.off('message', take);
      resolve(null);
    }, SEARCH_MS);
    socket.once('message', take);
  });
}

/** The answer's status and body; null if there was none. */
function act(action: string, args: Readonly<Record<string, string>>): Promise<string | null> {
  const words = Object.entries(args).map(([name, value]) => `<${name}>${value}</${name}>`);
  const body =
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${SERVICE}">${words.join('')}</u:${action}></s:Body></s:Envelope>`;
  return new Promise((resolve) => {
    const asking = request(
      {
        host: ROUTER,
        port: HTTP_PORT,
        path: '/control/WANIPConnection',
        method: 'POST',
        agent: false,
        timeout: HTTP_MS,
        headers: {
          'Content-Type': 'text/xml',
          'Content-Length': Buffer.byteLength(body),
          SOAPAction: `"${SERVICE}#${action}"`,
          Connection: 'close',
        },
      },
      (answer) => void text(answer).then((said) => resolve(`${answer.statusCode} ${said}`), fail),
    );
    const fail = () => resolve(null);
    asking.on('timeout', () => asking.destroy());
    asking.on('error', fail);
    asking.end(body);
  });
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<string | null>;
  readonly expect: RegExp;
}

/** What is done in turn. */
function* steps(): Generator<Step | 'search'> {
  for (let port = PORT; ; port = PORT + ((port + 1) % 64)) {
    const entry = { NewRemoteHost: '', NewExternalPort: String(port), NewProtocol: 'TCP' };
    const mapping = {
      ...entry,
      NewInternalPort: String(port),
      NewInternalClient: NEIGHBOUR,
      NewEnabled: '1',
      NewPortMappingDescription: DESCRIPTION,
      NewLeaseDuration: '3600',
    };
    yield 'search';
    yield { name: 'add', run: () => act('AddPortMapping', mapping), expect: /^200 .*AddPortMappingResponse/s };
    yield {
      name: 'look',
      run: () => act('GetSpecificPortMappingEntry', entry),
      expect: new RegExp(`^200 .*<NewInternalPort>${port}<.*${NEIGHBOUR}<.*>${DESCRIPTION}<`, 's'),
    };
    yield { name: 'delete', run: () => act('DeletePortMapping', entry), expect: /^200 .*DeletePortMappingResponse/s };
  }
}

for (const step of steps()) {
  if (ended) break;
  const startMs = performance.now();
  if (step === 'search') {
    const tries = await search();
    if (tries === null) unanswered++;
    else latencies.push(performance.now() - startMs);
    if (tries !== 1) repeated++;
  } else {
    const answer = await step.run();
    if (answer === null) unanswered++;
    else {
      latencies.push(performance.now() - startMs);
      if (!step.expect.test(answer)) wrong.push(`${step.name}: ${answer}`);
    }
  }
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
console.log(JSON.stringify({ latencies, repeated, unanswered, wrong } satisfies Seen));
process.exit(0);
